"""The moment curves: closed forms agree with numerical solves, exact dimension and exact scores."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from limitlab._core.errors import InvalidArgument, RangeError, ShapeError, TooLarge
from limitlab.capacity import EuclideanCurve, IntegerCurve, TrigCurve
from limitlab.capacity.curves import curve_points, pair_gap_asymptote, polynomial_queries
from limitlab.search import separate


def subsets(n: int, k: int) -> np.ndarray:
    return np.array(list(combinations(range(n), k)))


def gaps(docs: np.ndarray, queries: np.ndarray, sets: np.ndarray) -> np.ndarray:
    scores = queries @ docs.T
    rows = np.arange(len(sets))[:, None]
    low = scores[rows, sets].min(axis=1)
    scores[rows, sets] = -np.inf
    return low - scores.max(axis=1)


@pytest.mark.parametrize("weights", [(4, 1), (1, 1), (1, 4), (1, 30)])
@pytest.mark.parametrize("n", [5, 6, 7, 8, 9, 11, 16, 17, 18, 29, 46])
def test_closed_forms_of_pairs_and_singles_are_the_numerical_optimum(n, weights):
    curve, pairs, singles = TrigCurve(n, weights=weights), subsets(n, 2), np.arange(n)[:, None]
    solved = separate(curve.docs(), pairs)
    queries = curve.queries(pairs)
    assert np.allclose(np.linalg.norm(queries, axis=1), 1, atol=1e-15)
    assert np.abs(gaps(curve.docs(), queries, pairs) - solved.gaps).max() < 1e-13
    assert max(abs(curve.pair_gap(s) - solved.gaps[s - 1]) for s in range(1, n)) < 1e-13  # pairs {0, s} come first
    assert np.abs(gaps(curve.docs(), curve.queries(singles), singles) - separate(curve.docs(), singles).gaps).max() < 1e-13


def test_printed_digits():
    """theory.md 3.1: values at n = 46, constants of n**-4, 2.915 h**2 for neighbours, six dimensions."""
    equal, best = TrigCurve(46, weights=(1, 1)), TrigCurve(46)
    assert [f"{x:.3g}" for x in (equal.pair_gap(2), best.pair_gap(2), equal.pair_gap(2, rule="polynomial"))] == [
        "9.03e-05",
        "0.000105",
        "3e-05",
    ]
    large = {w: TrigCurve(10**5, weights=w) for w in ((1, 1), (4, 1))}
    assert round(large[1, 1].pair_gap(2) * 1e20) == 401 and round(large[4, 1].pair_gap(2) * 1e20, 1) == 467.6
    assert round(large[1, 1].pair_gap(2, rule="polynomial") * 1e20) == 134
    h = 2 * np.pi / 1e5
    assert round(large[1, 1].pair_gap(1) / h**2, 3) == 2.915
    assert large[4, 1].pair_gap(2) / h**4 == pytest.approx(0.3, abs=1e-6)
    assert pair_gap_asymptote((4, 1)) == pytest.approx(0.3 * (2 * np.pi) ** 4, rel=1e-14)
    assert min(range(1, 24), key=best.pair_gap) == 2
    three = [separate(TrigCurve(n, 6).docs(), subsets(n, 3), tolerance=1e-12).gaps.min() for n in (16, 32)]
    assert [f"{x:.3g}" for x in three] == ["0.00195", "2.46e-05"]


DIMS = (4, 6, 8, 10, 12, 16, 20, 24, 32, 44)
ROWS = {
    46: (9.0e-5, 5.0e-4, 1.5e-3, 3.6e-3, 7.3e-3, 0.022, 0.053, 0.108, 0.324, 0.691),
    100: (4.0e-6, 2.2e-5, 6.8e-5, 1.6e-4, 3.2e-4, 9.6e-4, 0.0023, 0.0046, 0.014, 0.050),
}


@pytest.mark.parametrize("n", ROWS)
def test_equal_weights_in_more_dimensions(n):
    """theory.md 3.2: least gap over all pairs."""
    got = [separate(TrigCurve(n, d, weights=(1,) * (d // 2)).docs(), subsets(n, 2)).gaps.min() for d in DIMS]
    assert np.allclose(got, ROWS[n], rtol=0.03)


def test_the_best_weights_are_four_to_one():
    around = [pair_gap_asymptote(w) for w in ((79, 21), (80, 20), (81, 19))]
    assert around[1] > max(around[0], around[2])


@pytest.mark.parametrize(("k", "n"), [(1, 200), (2, 60), (3, 18), (4, 14), (5, 12)])
def test_every_set_of_at_most_k_is_on_top_in_2k_dimensions(k, n):
    curve = TrigCurve(n, 2 * k)
    assert np.abs(np.linalg.norm(curve.docs(), axis=1) - 1).max() < 1e-14
    for size in range(1, k + 1):
        sets = subsets(n, size)
        queries = curve.queries(sets, rule="polynomial")
        assert gaps(curve.docs(), queries, sets).min() > 1e-6
        inside = np.take_along_axis(queries @ curve.docs().T, sets, axis=1)
        assert np.ptp(inside, axis=1).max() < 1e-14


def test_any_angles():
    angles = np.sort(np.random.default_rng(0).uniform(0, 2 * np.pi, 15))
    lengths = np.sqrt([0.5, 0.3, 0.2])
    docs, sets = curve_points(angles, lengths), subsets(15, 3)
    assert (gaps(docs, polynomial_queries(angles, sets, lengths), sets) > 0).all()


@pytest.mark.parametrize(("k", "n"), [(1, 8), (2, 12), (2, 20), (3, 10)])
def test_nearest_neighbours_in_one_dimension_less(k, n):
    curve = EuclideanCurve(n, k)
    assert curve.docs().shape == (n, 2 * k - 1)
    for size in range(1, k + 1):
        sets = subsets(n, size)
        distances = ((curve.centres(sets)[:, None, :] - curve.docs()[None]) ** 2).sum(axis=2)
        assert (np.sort(np.argsort(distances, axis=1)[:, :size], axis=1) == sets).all()


@pytest.mark.parametrize(("k", "n"), [(1, 40), (2, 40), (3, 16)])
def test_integer_scores_are_the_polynomial(k, n):
    curve, t = IntegerCurve(n, k), IntegerCurve(n, k).positions
    for size in range(1, k + 1):
        sets = subsets(n, size)
        scores = curve.queries(sets) @ curve.docs().T
        want = t[sets].prod(axis=1)[:, None] ** 2 - np.prod(t[None, :, None] - t[sets][:, None, :], axis=2) ** 2
        assert (scores == want).all()
        assert gaps(curve.docs().astype(float), curve.queries(sets).astype(float), sets).min() >= 1


def test_overflow_bounds_of_the_integer_curve():
    n = IntegerCurve.largest_n(2, bits=63)
    assert n == 56_005
    curve = IntegerCurve(n)
    for pair in ([0, 1], [0, n - 1], [n - 2, n - 1], [n // 2, n // 2 + 1]):
        q, docs = curve.queries([pair])[0], curve.docs()
        assert sum(abs(int(a) * int(b)) for a, b in zip(q, docs[0])) < 2**63  # no partial sum can overflow
        scores = docs @ q
        assert set(np.flatnonzero(scores == scores.max())) == set(pair)
    with pytest.raises(TooLarge, match="at most 56,005"):
        IntegerCurve(n + 1).docs()
    with pytest.raises(RangeError):
        IntegerCurve.largest_n(2, bits=3)


@pytest.mark.parametrize(("kind", "bits"), [(np.float64, 53), (np.float32, 24)])
def test_floating_types_are_exact_within_the_bound(kind, bits):
    n = IntegerCurve.largest_n(2, bits=bits)
    curve = IntegerCurve(n)
    docs, pairs = curve.docs(), np.array([[0, 1], [0, n - 1], [n - 2, n - 1], [1, 3], [n // 2 - 1, n // 2 + 1]])
    queries = curve.queries(pairs)
    assert (docs.astype(kind) @ queries.T.astype(kind) == docs @ queries.T).all()


def test_refusals():
    for call in (
        lambda: TrigCurve(4),
        lambda: TrigCurve(9, 5),
        lambda: TrigCurve(9, 0),
        lambda: EuclideanCurve(4),
        lambda: TrigCurve(9).queries([[1, 9]]),
    ):
        with pytest.raises(RangeError):
            call()
    with pytest.raises(InvalidArgument, match="one weight per frequency"):
        TrigCurve(9, weights=(1, 2, 3))
    with pytest.raises(InvalidArgument, match="closed form is for dim 4"):
        TrigCurve(9, 6).pair_gap(2)
    with pytest.raises(RangeError, match="between 1 and 2 documents"):
        TrigCurve(9).queries([[1, 2, 3]], rule="polynomial")
    with pytest.raises(RangeError, match="name each document once"):
        TrigCurve(9).queries([[1, 1]])
    with pytest.raises(ShapeError, match="n_sets, k"):
        TrigCurve(9).queries([1, 2])
