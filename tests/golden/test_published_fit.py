"""The published fit and extrapolations come out of the published table, to all printed digits.

https://arxiv.org/html/2508.21038v2 section 4: y = -10.5322 + 4.0309 d + 0.0520 d^2 + 0.0037 d^3, R^2 = 0.99858, and
500k, 1.7m, 4m, 107m, 250m at d = 512, 768, 1024, 3072, 4096.
"""

from __future__ import annotations

from math import floor, log10

import pytest

from limitlab import published
from limitlab.free.scaling import EXTRAPOLATED, PUBLISHED_COEFFICIENTS, PUBLISHED_R_SQUARED, fit_critical_n

DIGITS = {512: 1, 768: 2, 1024: 1, 3072: 3, 4096: 2}  # significant ones of 500k, 1.7m, 4m, 107m, 250m
PRINTED = {512: 500_000, 768: 1_700_000, 1024: 4_000_000, 3072: 107_000_000, 4096: 250_000_000}


@pytest.fixture(scope="module")
def fit():
    return fit_critical_n(published.critical_n_table(), n_resamples=10)


def test_the_coefficients_have_all_printed_digits(fit):
    assert [round(c, 4) for c in fit.coefficients] == [-10.5322, 4.0309, 0.0520, 0.0037] == list(PUBLISHED_COEFFICIENTS)


def test_r_squared_has_all_printed_digits(fit):
    assert round(fit.r_squared, 5) == 0.99858 == PUBLISHED_R_SQUARED


def test_the_stored_extrapolations_are_those_printed():
    stored = {v.dim: v.value for v in published.lookup(metric="critical-n (extrapolated)")}
    assert stored == PRINTED and tuple(sorted(stored)) == EXTRAPOLATED


@pytest.mark.parametrize("dim", EXTRAPOLATED)
def test_the_extrapolations_have_all_printed_digits(fit, dim):
    value = fit.at(dim).value
    assert round(value, DIGITS[dim] - 1 - floor(log10(value))) == PRINTED[dim]
