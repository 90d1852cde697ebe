"""Bootstrap intervals and paired randomisation tests."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from limitlab._core.errors import RangeError, ShapeError
from limitlab.evaluation.compare import bootstrap, compare_paired

# -- bootstrap ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("draw", ["recall", "uniform"])
def test_intervals_cover_the_true_mean_about_as_often_as_they_say(draw: str) -> None:
    """200 samples of 150 queries; the count of hits is within four standard errors of 95 %, small-sample loss included."""
    rng = np.random.default_rng(1)
    hits = 0
    for i in range(200):
        values = rng.choice([0.0, 0.5, 1.0], 150, p=[0.3, 0.4, 0.3]) if draw == "recall" else rng.random(150)
        interval = bootstrap(values, n_resamples=500, seed=i)
        hits += interval.low <= 0.5 <= interval.high
    assert 176 <= hits <= 199


def test_the_width_is_that_of_the_normal_approximation() -> None:
    values = np.random.default_rng(0).random(2000)
    interval = bootstrap(values, n_resamples=4000)
    expected = 2 * 1.96 * values.std() / np.sqrt(2000)
    assert interval.high - interval.low == pytest.approx(expected, rel=0.08)
    narrower = bootstrap(values, level=0.5)
    assert narrower.high - narrower.low == pytest.approx(expected * 0.6745 / 1.96, rel=0.12)


@pytest.mark.parametrize("distinct", [3, 64, 65, 500])
def test_drawing_counts_and_drawing_queries_have_the_same_law(distinct: int) -> None:
    """Above and below the number of distinct values at which the method changes."""
    values = np.tile(np.linspace(0, 1, distinct), -(-1000 // distinct))[:1000]
    interval = bootstrap(values, n_resamples=3000, seed=4)
    half = 1.96 * values.std() / np.sqrt(values.size)
    assert interval.mean == pytest.approx(values.mean(), abs=1e-15)
    assert interval.low == pytest.approx(values.mean() - half, abs=0.2 * half)
    assert interval.high == pytest.approx(values.mean() + half, abs=0.2 * half)


@pytest.mark.parametrize("values", [[0.1, 0.1, 0.1], [1.0], [0.0, 0.0], [0.0] * 99 + [1.0], [1 / 3] * 7])
def test_the_interval_contains_the_mean_and_stays_among_the_values(values: list[float]) -> None:
    interval = bootstrap(np.array(values))
    assert interval.low <= interval.mean <= interval.high
    assert interval.mean == pytest.approx(np.mean(values))
    assert min(values) - 1e-12 <= interval.low
    assert interval.high <= max(values) + 1e-12


def test_the_seed_alone_decides() -> None:
    values = np.random.default_rng(0).random(100)
    assert bootstrap(values, seed=3) == bootstrap(values, seed=3)
    assert bootstrap(values, seed=3) != bootstrap(values, seed=4)
    assert bootstrap(values.round(1), seed=3) == bootstrap(values.round(1), seed=3)


@pytest.mark.parametrize("values", [[], [[0.5]], [np.nan, 1.0], [np.inf]], ids=["empty", "matrix", "nan", "inf"])
def test_values_must_be_a_finite_vector(values: list) -> None:
    with pytest.raises(ShapeError, match="values must be a non-empty finite vector"):
        bootstrap(np.array(values))


@pytest.mark.parametrize("options", [{"level": 0.3}, {"level": 1.0}, {"level": float("nan")}, {"n_resamples": 0}, {"seed": -1}], ids=str)
def test_bootstrap_options_are_checked(options: dict) -> None:
    (name,) = options
    with pytest.raises(RangeError, match=name):
        bootstrap(np.array([0.0, 1.0]), **options)


# -- paired comparison --------------------------------------------------------------------------------------------


def enumerated_p(a: list[float], b: list[float]) -> float:
    """Share of all sign assignments whose difference is at least as large."""
    d = np.array(a) - np.array(b)
    sums = [abs(np.dot(signs, d)) for signs in product((-1, 1), repeat=d.size)]
    return float(np.mean([s >= abs(d.sum()) - 1e-12 for s in sums]))


@pytest.mark.parametrize(
    "a, b, known",
    [
        ([1, 1, 1], [0, 0, 0], 2 / 8),
        ([1, 1, 1, 1, 1], [0, 0, 0, 0, 0], 2 / 32),
        ([1, 0, 1, 1], [0, 1, 0, 0], 10 / 16),
        ([0.5, 1, 0, 0.5], [0, 0, 0, 0.5], 2 / 4),
        ([0.9, 0.1, 0.7, 0.4, 0.8], [0.2, 0.3, 0.1, 0.4, 0.6], None),
        ([3, 0, 0], [0, 1, 1], 1.0),
    ],
)
def test_p_values_are_those_of_full_enumeration(a: list[float], b: list[float], known: float | None) -> None:
    exact = enumerated_p(a, b)
    assert known is None or exact == pytest.approx(known)
    sampled = compare_paired(np.array(a, float), np.array(b, float), n_resamples=20_000).p_value
    assert sampled == pytest.approx(exact, abs=4 * np.sqrt(exact * (1 - exact) / 20_000) + 1e-4)


def test_identical_inputs_have_p_one_and_no_difference() -> None:
    values = np.random.default_rng(0).random(50)
    result = compare_paired(values, values.copy())
    assert result.p_value == 1.0
    assert (result.difference.mean, result.difference.low, result.difference.high) == (0.0, 0.0, 0.0)
    assert (result.wins, result.losses, result.equal) == (0, 0, 50)


def test_changing_sides_changes_signs_only() -> None:
    rng = np.random.default_rng(1)
    a, b = rng.choice([0.0, 0.5, 1.0], (2, 80))
    one, other = compare_paired(a, b), compare_paired(b, a)
    assert one.p_value == other.p_value
    assert one.difference.mean == -other.difference.mean
    assert (one.wins, one.losses, one.equal) == (other.losses, other.wins, other.equal)
    assert one.difference.low == pytest.approx(-other.difference.high, abs=0.03)


def test_wins_losses_and_equal_queries_are_counted() -> None:
    result = compare_paired(np.array([1, 0, 0.5, 1]), np.array([0, 1, 0.5, 0.5]), first="bm25", second="minilm", measure="recall@2")
    assert (result.wins, result.losses, result.equal) == (2, 1, 1)
    assert result.difference.mean == pytest.approx(0.125)
    assert (result.first, result.second, result.measure) == ("bm25", "minilm", "recall@2")
    assert result.to_dict()["difference"] == result.difference.to_dict()


def test_a_clear_difference_has_the_smallest_p_value_that_can_be_seen() -> None:
    a = np.full(60, 0.9)
    assert compare_paired(a, a - 0.5, n_resamples=999).p_value == 1 / 1000


def test_p_values_are_uniform_when_nothing_differs() -> None:
    """The test holds its level: under the null hypothesis p <= 0.1 about one time in ten."""
    rng = np.random.default_rng(2)
    small = [compare_paired(*rng.random((2, 40)), n_resamples=400, seed=i).p_value <= 0.1 for i in range(200)]
    assert 4 <= sum(small) <= 37  # 20 expected, four standard errors


def test_blocks_of_resamples_change_the_law_of_nothing() -> None:
    """More changed queries than one block of sign assignments holds."""
    rng = np.random.default_rng(3)
    a = rng.random(40_000)
    result = compare_paired(a, rng.random(40_000), n_resamples=300)
    assert result.n_resamples == 300
    assert 1 / 301 <= result.p_value <= 1
    assert compare_paired(a + 0.01, a, n_resamples=300).p_value == 1 / 301


def test_the_comparison_depends_on_the_seed_alone() -> None:
    rng = np.random.default_rng(4)
    a, b = rng.random((2, 30))
    assert compare_paired(a, b, seed=1) == compare_paired(a, b, seed=1)
    assert compare_paired(a, b, seed=1).p_value != compare_paired(a, b, seed=2).p_value


@pytest.mark.parametrize(
    "a, b",
    [([1.0], [1.0, 2.0]), ([], []), ([[1.0]], [[1.0]]), ([np.nan, 1.0], [1.0, 1.0])],
    ids=["lengths", "empty", "matrix", "nan"],
)
def test_both_sides_must_be_finite_values_of_the_same_queries(a: list, b: list) -> None:
    with pytest.raises(ShapeError):
        compare_paired(np.array(a), np.array(b))


@pytest.mark.parametrize("n_resamples", [0, 99, 10.5])
def test_too_few_resamples_are_refused(n_resamples: object) -> None:
    with pytest.raises(RangeError, match="n_resamples"):
        compare_paired(np.ones(3), np.zeros(3), n_resamples=n_resamples)  # type: ignore[arg-type]
