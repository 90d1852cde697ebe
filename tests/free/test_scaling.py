"""Fits of critical n: exact on exact polynomials, honest about extrapolation, stable at every scale."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from limitlab._core.errors import RangeError, ShapeError
from limitlab.free.scaling import EXTRAPOLATED, fit_critical_n
from limitlab.published import critical_n_table


def exact_least_squares(x: list[int], y: list[int], degree: int) -> list[Fraction]:
    """Normal equations solved in rationals: the oracle."""
    size = degree + 1
    rows = [
        [Fraction(sum(a ** (i + j) for a in x)) for j in range(size)] + [Fraction(sum(b * a**i for a, b in zip(x, y)))] for i in range(size)
    ]
    for i in range(size):
        pivot = rows[i][i]
        rows[i] = [v / pivot for v in rows[i]]
        for j in range(size):
            if j != i:
                rows[j] = [v - rows[j][i] * w for v, w in zip(rows[j], rows[i])]
    return [row[-1] for row in rows]


@pytest.mark.parametrize("degree", [1, 2, 3, 4, 5, 6])
def test_coefficients_are_those_of_exact_arithmetic(degree):
    x, y = (list(v) for v in zip(*critical_n_table()))
    exact = exact_least_squares(x, y, degree)
    fit = fit_critical_n(zip(x, y), degree=degree, n_resamples=10)
    np.testing.assert_allclose(fit.coefficients, [float(c) for c in exact], rtol=1e-9)
    for e in fit.extrapolations:
        assert e.value == pytest.approx(float(sum(c * e.dim**i for i, c in enumerate(exact))), rel=1e-9)
    mean = Fraction(sum(y), len(y))
    left = sum((b - sum(c * a**i for i, c in enumerate(exact))) ** 2 for a, b in zip(x, y))
    assert fit.r_squared == pytest.approx(float(1 - left / sum((b - mean) ** 2 for b in y)), abs=1e-12)


def test_an_exact_polynomial_is_found_with_intervals_of_no_width():
    dims = range(4, 40)
    fit = fit_critical_n([(d, 5 + 3 * d + 0.25 * d**2 + 0.01 * d**3) for d in dims], n_resamples=200)
    np.testing.assert_allclose(fit.coefficients, [5, 3, 0.25, 0.01], rtol=1e-9)
    assert fit.r_squared == pytest.approx(1, abs=1e-12)
    for e in fit.extrapolations:
        truth = 5 + 3 * e.dim + 0.25 * e.dim**2 + 0.01 * e.dim**3
        np.testing.assert_allclose([e.value, e.low, e.high, e.residual_low, e.residual_high], truth, rtol=1e-5)
    assert fit.predict(10) == pytest.approx(70)
    assert fit.at(1024).value == pytest.approx(fit.predict(1024), rel=1e-9)


def test_without_its_last_six_points_a_quadratic_fits_the_published_table_better_and_says_something_else():
    fit = fit_critical_n(critical_n_table())
    quadratic = fit.variant(degree=2, dropped=6)
    assert (quadratic.last_dim, round(quadratic.r_squared, 5)) == (39, 0.99995)
    assert quadratic.r_squared > fit.r_squared
    assert round(quadratic.values[EXTRAPOLATED.index(4096)] / 1e6, 1) == 4.7
    cubic = fit.variant(degree=3, dropped=6)
    assert cubic.values[EXTRAPOLATED.index(4096)] < 0
    at = fit.at(4096)
    assert at.least_variant <= cubic.values[-1] and at.greatest_variant >= at.high > 2.5e8 > at.value / 1.02
    assert at.low < 5e7 < at.residual_low  # whether the last points are there decides more than their scatter
    assert {v.dropped for v in fit.variants} == set(range(7)) and {v.degree for v in fit.variants} == {2, 3, 4}


def test_the_bootstrap_covers_the_truth_about_as_often_as_it_says():
    rng = np.random.default_rng(5)
    dims = np.arange(4, 34)
    truth = 4 * dims + 0.2 * dims**2
    hits = np.zeros(2)
    for trial in range(60):
        fit = fit_critical_n(zip(dims.tolist(), truth + rng.normal(0, 2, dims.size)), degree=2, dims=[100], n_resamples=300, seed=trial)
        e, at = fit.at(100), 4 * 100 + 0.2 * 100**2
        hits += [e.low <= at <= e.high, e.residual_low <= at <= e.residual_high]
    assert (hits / 60 >= 0.8).all(), hits


def test_seeds_of_one_dimension_are_resampled_and_the_median_is_fitted():
    one = [(d, 3 * d * d) for d in range(4, 20)]
    spread = [(d, 3 * d * d + off) for d in range(4, 20) for off in (-6, 0, 9)]
    single, several = fit_critical_n(one, degree=2), fit_critical_n(spread, degree=2)
    np.testing.assert_allclose(several.coefficients, single.coefficients, atol=1e-9)
    assert set(several.n_seeds) == {3} and set(single.n_seeds) == {1}
    assert several.at(512).high - several.at(512).low > 100 * (single.at(512).high - single.at(512).low)


def test_the_same_seed_gives_the_same_numbers_and_another_gives_others():
    first, again, other = (fit_critical_n(critical_n_table(), n_resamples=50, seed=s).to_dict() for s in (1, 1, 2))
    assert first == again
    assert first["extrapolations"] != other["extrapolations"]
    assert first["schema"] == "limitlab.scaling/1"


def test_the_order_of_the_points_does_not_matter():
    points = list(critical_n_table())
    assert fit_critical_n(points[::-1], n_resamples=20).to_dict() == fit_critical_n(points, n_resamples=20).to_dict()


def test_six_dimensions_are_enough_for_a_cubic_and_refits_need_points_of_their_own():
    fit = fit_critical_n([(d, d**2 + d % 2) for d in range(4, 10)], n_resamples=100)
    assert all(len(fit.dims) - v.dropped >= v.degree + 3 for v in fit.variants)
    assert np.isfinite([e.low for e in fit.extrapolations]).all()


@pytest.mark.parametrize(
    ("points", "options", "error"),
    [
        ([(d, d) for d in range(5)], {}, RangeError),
        ([(d, d) for d in range(1, 6)], {}, RangeError),
        ([(4, 10)] * 9, {}, RangeError),
        ([(d, float("nan")) for d in range(4, 20)], {}, RangeError),
        ([(d, -1) for d in range(4, 20)], {}, RangeError),
        ([1, 2, 3], {}, ShapeError),
        ([(d, d) for d in range(4, 20)], {"degree": 0}, RangeError),
        ([(d, d) for d in range(4, 20)], {"dims": [0]}, RangeError),
    ],
    ids=["d = 0", "too few", "one dimension", "NaN", "negative", "no pairs", "degree 0", "dims 0"],
)
def test_bad_points_are_refused(points, options, error):
    with pytest.raises(error, match=r"^fit_critical_n\(\): .*got"):
        fit_critical_n(points, **options)


def test_unknown_places_are_refused():
    fit = fit_critical_n(critical_n_table(), n_resamples=10)
    with pytest.raises(RangeError, match="one of 512"):
        fit.at(511)
    with pytest.raises(RangeError, match="those of a refit"):
        fit.variant(degree=9, dropped=0)
