"""Ceilings of the gap, attained by the simplex."""

from itertools import combinations

import numpy as np
import pytest

from limitlab.theory import gap_upper_global, gap_upper_row_wise


def _simplex(n):
    return (np.eye(n) - 1 / n) / np.sqrt(1 - 1 / n)


@pytest.mark.parametrize(("n", "k"), [(2, 1), (5, 2), (6, 3), (9, 2), (9, 7)])
def test_the_simplex_attains_the_row_wise_ceiling(n, k):
    docs = _simplex(n)
    for chosen in combinations(range(n), k):
        query = docs[list(chosen)].sum(axis=0)
        scores = docs @ (query / np.linalg.norm(query))
        others = [j for j in range(n) if j not in chosen]
        assert scores[list(chosen)].min() - scores[others].max() == pytest.approx(gap_upper_row_wise(n, k), rel=1e-12)


@pytest.mark.parametrize(("n", "k"), [(2, 1), (5, 2), (6, 3), (9, 2), (9, 7)])
def test_the_simplex_with_one_more_coordinate_attains_the_global_ceiling(n, k):
    h = min(k, n - k)
    a, b = np.sqrt((n - h) / (h * (n - 1))), np.sqrt(h / ((n - 1) * (n - h)))
    t = (a - b) / 2
    alpha, beta = np.sqrt(t / (1 + t)), np.sqrt(1 / (1 + t))
    sign = 1 if k == h else -1
    docs = np.hstack([np.full((n, 1), alpha), beta * _simplex(n)])
    for chosen in combinations(range(n), k):
        inner = docs[list(chosen), 1:].sum(axis=0)
        query = np.concatenate([[-sign * alpha], beta * inner / np.linalg.norm(inner)])
        scores = docs @ query
        others = [j for j in range(n) if j not in chosen]
        margin = min(scores[list(chosen)].min(), -scores[others].max())
        assert 2 * margin == pytest.approx(gap_upper_global(n, k), rel=1e-12)


def test_limits_for_many_documents():
    assert gap_upper_row_wise(10**15, 2) == pytest.approx(2**-0.5, rel=1e-9)
    assert gap_upper_global(10**15, 2) == pytest.approx(2 / (2 * 2**0.5 + 1), rel=1e-6)
