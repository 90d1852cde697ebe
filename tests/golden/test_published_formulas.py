"""Published numbers that follow from one another: the cubic of critical n, and the cells of Theorem 1."""

from __future__ import annotations

import re
from math import ceil, comb, log

import numpy as np
import pytest

from limitlab import published
from limitlab.theory import dim_lower_packing


def test_the_cubic_of_critical_n_has_the_printed_coefficients() -> None:
    """https://arxiv.org/html/2508.21038v2 section 4: y = -10.5322 + 4.0309 d + 0.0520 d^2 + 0.0037 d^3."""
    dims, sizes = np.array(published.critical_n_table()).T
    fitted = np.polyfit(dims, sizes, 3)[::-1]
    assert [round(float(c), 4) for c in fitted] == [-10.5322, 4.0309, 0.0520, 0.0037]
    r_squared = 1 - ((sizes - np.polyval(fitted[::-1], dims)) ** 2).sum() / ((sizes - sizes.mean()) ** 2).sum()
    assert r_squared == pytest.approx(0.999, abs=5e-4)


THEOREM_1 = [v for v in published.values() if v.dataset.startswith("Theorem1")]


def test_theorem_1_has_all_its_cells() -> None:
    assert len(THEOREM_1) == 37


@pytest.mark.parametrize("cell", THEOREM_1, ids=lambda v: f"{v.dataset.split()[-1]} {v.metric.split()[-1]}")
def test_theorem_1_cells_follow_from_the_bound(cell: published.PublishedValue) -> None:
    """C(n, k) <= (1 + 1/gamma)^d with gamma = 0.1, so d >= ln C(n, k) / ln 11."""
    gamma, k = re.search(r"gamma=([\d.]+) k=(\d+)", cell.dataset).groups()  # type: ignore[union-attr]
    n = 10 ** int(cell.metric.removeprefix("min d at n=1e"))
    assert cell.value == ceil(log(comb(n, int(k))) / log(1 + 1 / float(gamma)))
    assert cell.value == dim_lower_packing(n, int(k), gap=2 * float(gamma))


def test_the_cubic_gives_the_printed_extrapolations() -> None:
    """https://arxiv.org/html/2508.21038v2 section 4: 500k (512), 1.7m (768), 4m (1024), 107m (3072), 250m (4096)."""
    extrapolated = {512: 5e5, 768: 1.7e6, 1024: 4e6, 3072: 107e6, 4096: 250e6}
    for dim, n in extrapolated.items():
        assert abs(published.critical_n_cubic(dim) / n - 1) < 0.05
    assert abs(published.critical_n_cubic(20) - 120) < 6
