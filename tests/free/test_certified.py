"""The curve of certified n: numbers of certificates only, and no number where there is none."""

from __future__ import annotations

import math
from dataclasses import dataclass

import pytest

from limitlab import capacity
from limitlab._core.errors import NotSolved, RangeError
from limitlab._core.status import Status
from limitlab.free.certified import certified_curve
from limitlab.free.comparison import by_dimension, fit_of


@dataclass(frozen=True)
class Shipped:
    n_docs: int
    min_gap: float
    name: str


@pytest.fixture
def shipped(monkeypatch):
    """Certificates of 4, 6 and 8 dimensions."""

    def certified_n(dim, k=2, *, min_gap=1e-3):
        if dim not in (4, 6, 8) or k != 2 or min_gap > 0.5:
            raise NotSolved(f"certified_n(): there is no certificate for dim={dim}, k={k}, min_gap={min_gap}.")
        return Shipped(dim**3, 2 * min_gap, f"frame-{dim}")

    monkeypatch.setattr(capacity, "certified_n", certified_n, raising=False)


def test_rows_are_certificates(shipped):
    result = certified_curve([8, 4], 2, min_gap=0.01, command=["limitlab"])
    assert [(r.dim, r.critical_n, r.gap, r.certificate, r.seed, r.trials) for r in result.rows] == [
        (4, 64, 0.02, "frame-4", None, ()),
        (8, 512, 0.02, "frame-8", None, ()),
    ]
    assert result.status is Status.SOLVED and result.config["min_gap"] == 0.01 and result.provenance["versions"]
    assert [s.published for s in by_dimension(result)] == [10, 28] and fit_of(result) is None


def test_a_dimension_without_a_certificate_has_no_number(shipped):
    result = certified_curve([4, 5])
    assert [r.status for r in result.rows] == [Status.SOLVED, Status.NOT_SOLVED]
    assert result.rows[1].critical_n is None and "no certificate for dim=5" in result.rows[1].message
    assert result.status is Status.NOT_SOLVED and "1 of 2 dimensions" in result.message


@pytest.mark.parametrize(
    ("dims", "options"), [([], {}), ([0], {}), ([4], {"min_gap": -1e-9}), ([4], {"min_gap": math.nan}), ([4], {"min_gap": 3})]
)
def test_bad_arguments_are_refused(dims, options):
    with pytest.raises(RangeError, match=r"^certified_curve\(\): .*got"):
        certified_curve(dims, **options)
