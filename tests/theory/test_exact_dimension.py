"""All k-subsets: the closed forms against constructions that meet them and against the theorems they come from."""

from itertools import combinations

import numpy as np
import pytest

from limitlab.search import separate
from limitlab.theory import dim_exact_subsets, sign_rank_exact_subsets


def _simplex(n):
    """n unit points in n - 1 dimensions."""
    centred = np.eye(n) - 1 / n
    return np.linalg.svd(centred)[0][:, : n - 1] * 1.0


def _sets(n, k):
    return [list(s) for s in combinations(range(n), k)]


def _least_gap(docs, k):
    return float(separate(docs, _sets(len(docs), k)).gaps.min())


@pytest.mark.parametrize(
    ("n", "k", "sets", "norm", "dim"),
    [
        (46, 2, "exactly", "any", 4),
        (4, 2, "exactly", "any", 2),  # a triangle and its centre
        (5, 2, "exactly", "any", 3),
        (6, 2, "exactly", "any", 4),
        (4, 2, "exactly", "unit", 3),
        (5, 2, "exactly", "unit", 4),
        (5, 2, "at most", "any", 4),
        (3, 1, "exactly", "any", 2),
        (2, 1, "exactly", "any", 1),
        (6, 3, "exactly", "any", 4),
        (6, 3, "exactly", "unit", 4),
        (8, 3, "exactly", "any", 6),
        (7, 5, "exactly", "any", 4),  # complements: the same as k = 2
        (9, 9, "exactly", "any", 0),
        (1, 1, "at most", "any", 0),
        (10**12, 100, "at most", "unit", 200),
    ],
)
def test_least_dimension_of_all_subsets(n, k, sets, norm, dim):
    bound = dim_exact_subsets(n, k, sets=sets, norm=norm)
    assert bound.value == dim
    assert (bound.direction, bound.kind) == ("exact", "theorem")


@pytest.mark.parametrize(
    ("n", "k", "rank"),
    [(2, 1, 1), (3, 1, 2), (4, 1, 3), (50, 1, 3), (4, 2, 3), (5, 2, 4), (6, 2, 5), (46, 2, 5), (7, 3, 6), (8, 3, 7), (3, 3, 1)],
)
def test_sign_rank_of_all_subsets(n, k, rank):
    assert sign_rank_exact_subsets(n, k).value == rank


@pytest.mark.parametrize(("n", "k"), [(4, 2), (5, 2), (6, 2), (6, 3), (7, 3), (8, 3)])
def test_a_simplex_and_its_centre_hold_all_subsets_in_n_minus_2_dimensions(n, k):
    docs = np.vstack([_simplex(n - 1), np.zeros((1, n - 2))])
    assert _least_gap(docs, k) > 1e-3


@pytest.mark.parametrize(("n", "k"), [(6, 3), (7, 3), (8, 4)])
def test_a_simplex_and_two_poles_hold_all_subsets_on_the_sphere(n, k):
    equator = _simplex(n - 2)
    equator /= np.linalg.norm(equator, axis=1, keepdims=True)
    docs = np.zeros((n, n - 2))
    docs[: n - 2, : n - 3] = equator
    docs[n - 2 :, n - 3] = 1, -1
    assert np.allclose(np.linalg.norm(docs, axis=1), 1)
    assert _least_gap(docs, k) > 1e-3


@pytest.mark.parametrize(("n", "k", "norm"), [(6, 3, "any"), (5, 2, "any"), (5, 2, "unit"), (7, 3, "any")])
def test_one_dimension_less_fails_for_every_random_configuration(n, k, norm):
    dim = dim_exact_subsets(n, k, norm=norm).value - 1
    rng = np.random.default_rng(0)
    for _ in range(60):
        docs = rng.standard_normal((n, dim))
        if norm == "unit":
            docs /= np.linalg.norm(docs, axis=1, keepdims=True)
        assert _least_gap(docs, k) <= 1e-9


def test_sets_and_norms_are_ordered():
    for n in range(2, 15):
        for k in range(1, n):
            exactly, most = dim_exact_subsets(n, k).value, dim_exact_subsets(n, k, sets="at most").value
            unit = dim_exact_subsets(n, k, norm="unit").value
            assert exactly <= unit <= most <= min(2 * k, n - 1)
            assert exactly == dim_exact_subsets(n, n - k).value
            assert exactly <= sign_rank_exact_subsets(n, k).value <= exactly + 1
            assert most <= sign_rank_exact_subsets(n, k, sets="at most").value <= most + 1
