"""Existence theorems: what they promise is checked on random documents, and against what is known to be impossible."""

from __future__ import annotations

import math

import numpy as np
import pytest

from limitlab import separate
from limitlab._core.errors import RangeError
from limitlab.theory import existence
from limitlab.theory.counting import dim_lower_packing
from limitlab.theory.exact_dimension import dim_exact_subsets
from limitlab.theory.existence import (
    coordinate_upper_gaussian,
    dim_upper_gaussian,
    dim_upper_gaussian_gap,
    dim_upper_signs,
    failure_upper_gaussian,
    gap_lower_gaussian,
)
from limitlab.theory.margins import gap_upper_row_wise

SIZES = [(3, 1), (10, 2), (46, 2), (100, 4), (1_000, 2), (1_000, 8), (50_000, 2), (50_000_000, 10), (10**12, 5)]


@pytest.mark.parametrize(("n", "k", "dim"), [(46, 2, 8), (100, 2, 10), (300, 2, 14), (100, 4, 18), (60, 1, 6)])
def test_random_documents_fail_less_often_than_the_theorem_allows(n: int, k: int, dim: int) -> None:
    rng = np.random.default_rng(0)
    failed = 0
    for _ in range(20):
        docs = rng.standard_normal((n, dim))
        sets = np.stack([rng.choice(n, k, replace=False) for _ in range(50)])
        failed += int((separate(docs, sets).gaps <= 0).sum())
    measured = failed / 1000
    assert measured - 3 * math.sqrt(measured * (1 - measured) / 1000) <= failure_upper_gaussian(n, k, dim=dim)


def test_the_bound_on_failure_is_not_idle() -> None:
    """At n = 100, d = 14 a pair of random documents fails 0.022 of the time, over 10,000 pairs; the bound is within a factor 20."""
    rng = np.random.default_rng(0)
    failed = 0
    for _ in range(5):
        sets = np.stack([rng.choice(100, 2, replace=False) for _ in range(2_000)])
        failed += int((separate(rng.standard_normal((100, 14)), sets, enough=1e-9).gaps <= 0).sum())
    measured = failed / 10_000
    assert 0.015 < measured < 0.03
    assert measured < failure_upper_gaussian(100, 2, dim=14) < 20 * measured


@pytest.mark.parametrize(("n", "k", "dim", "distance"), [(46, 2, 12, 0.5), (100, 2, 14, 0.3), (60, 3, 20, 1.0)])
def test_small_gaps_are_no_more_frequent_than_the_theorem_allows(n: int, k: int, dim: int, distance: float) -> None:
    rng = np.random.default_rng(0)
    failed = 0
    for _ in range(20):
        docs = rng.standard_normal((n, dim))
        sets = np.stack([rng.choice(n, k, replace=False) for _ in range(50)])
        failed += int((separate(docs, sets).gaps < distance).sum())
    measured = failed / 1000
    assert measured - 3 * math.sqrt(measured * (1 - measured) / 1000) <= failure_upper_gaussian(n, k, dim=dim, distance=distance)


@pytest.mark.parametrize(("n", "k"), [(46, 2), (100, 2), (60, 3)])
def test_random_documents_keep_the_promised_gap(n: int, k: int) -> None:
    """The theorem says that some documents do; at its dimension most do."""
    dim = dim_upper_gaussian_gap(n, k, gap=0.05)
    assert dim is not None
    kept = existence._kept(n, dim - 1)
    rng = np.random.default_rng(1)
    turn = _onto_ones(dim)
    gaps, enough = [], 0
    for _ in range(8):
        plain = rng.standard_normal((kept.drawn, dim - 1))
        lengths = np.sqrt((plain**2).sum(axis=1))
        turned = np.column_stack([plain, np.zeros(kept.drawn)]) @ turn
        good = (lengths < kept.longest) & (lengths > kept.shortest) & (np.abs(turned).max(axis=1) < kept.coordinate)
        enough += good.sum() >= n
        docs = np.column_stack([plain, np.sqrt(np.maximum(0, kept.longest**2 - lengths**2))])[good] / kept.longest
        assert np.allclose((docs**2).sum(axis=1), 1)
        assert np.abs(docs @ turn).max() < coordinate_upper_gaussian(n, dim=dim)
        sets = np.stack([rng.choice(len(docs), k, replace=False) for _ in range(200)])
        gaps.append(separate(docs, sets).gaps.min())
    assert enough >= 4 and min(gaps) > 0.05


def _onto_ones(dim: int) -> np.ndarray:
    """A reflection that turns the last coordinate to the direction (1, ..., 1)."""
    mirror = -np.full(dim, 1 / math.sqrt(dim))
    mirror[-1] += 1
    return np.eye(dim) - 2 * np.outer(mirror, mirror) / (mirror @ mirror)


@pytest.mark.parametrize(("n", "k"), SIZES)
def test_what_exists_is_never_impossible(n: int, k: int) -> None:
    assert dim_upper_gaussian(n, k) >= dim_exact_subsets(n, k).value
    for gap in (1e-6, 1e-3, 0.05):
        dim = dim_upper_gaussian_gap(n, k, gap=gap)
        assert dim is not None and dim >= dim_lower_packing(n, k, gap=gap)
        assert gap / 1.002 < gap_lower_gaussian(n, k, dim=dim) < gap_upper_row_wise(n, k)
        assert dim == 2 or gap_lower_gaussian(n, k, dim=dim - 1) <= gap
        signs = dim_upper_signs(n, k, gap=gap)
        assert signs is not None and signs >= dim_lower_packing(n, k, gap=gap)


def test_known_sizes() -> None:
    """Within a tenth of 2 e k ln(n/d), the asymptotics of Donoho and Tanner: nothing is lost in the constants."""
    assert dim_upper_gaussian(1_000, 2) == 42
    assert dim_upper_gaussian(50_000_000, 10) == 659
    asymptotic = 2 * math.e * 10 * math.log(5e7 / 659)
    assert asymptotic < 659 < 1.1 * asymptotic


def test_more_documents_and_larger_sets_need_more() -> None:
    found = [dim_upper_gaussian(n, 3) for n in (10, 100, 1_000, 10_000, 10**6, 10**9)]
    assert found == sorted(found)
    found = [dim_upper_gaussian(10_000, k) for k in (1, 2, 4, 8, 16)]
    assert found == sorted(found)
    found = [dim_upper_signs(10_000, 2, gap=g) for g in (0.0, 0.1, 0.3, 0.6)]
    assert found == sorted(found)  # type: ignore[type-var]


def test_random_signs_at_the_stated_dimension_have_the_coherence() -> None:
    dim = dim_upper_signs(200, 2)
    assert dim is not None
    rng = np.random.default_rng(0)
    docs = rng.choice([-1.0, 1.0], (200, dim))
    coherence = np.abs(docs @ docs.T - dim * np.eye(200)).max() / dim
    assert coherence < 1 / 3


def test_a_gap_that_the_sum_query_cannot_have_is_none() -> None:
    assert dim_upper_signs(1_000, 4, gap=0.5) is None
    assert dim_upper_gaussian_gap(1_000, 4, gap=2.0, max_dim=2**16) is None


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: dim_upper_gaussian(10, 10), r"dim_upper_gaussian\(\): k must be in \[1, n_docs - 1\]"),
        (lambda: dim_upper_gaussian(1, 1), "n_docs must be"),
        (lambda: gap_lower_gaussian(10, 2, dim=1), "dim must be"),
        (lambda: dim_upper_gaussian_gap(10, 2, gap=float("nan")), "gap must be a finite number"),
        (lambda: dim_upper_signs(10, 2, gap=-1.0), "gap must be"),
    ],
)
def test_bad_inputs(call: object, words: str) -> None:
    with pytest.raises(RangeError, match=words):
        call()  # type: ignore[operator]
