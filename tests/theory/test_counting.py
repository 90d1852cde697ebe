"""Counts and logarithms, packing, bits."""

import math
from fractions import Fraction

import pytest

from limitlab.theory import count_text, dim_lower_bits, dim_lower_distinct, dim_lower_packing, gap_upper_packing, log_binomial


@pytest.mark.parametrize(("n", "k"), [(5, 0), (5, 5), (46, 2), (50_000, 100), (20_000, 3_000), (10**6, 2_049), (30_000, 14_999)])
def test_log_binomial_agrees_with_whole_numbers(n, k):
    assert log_binomial(n, k) == pytest.approx(math.log(math.comb(n, k)), rel=1e-13, abs=1e-13)


def test_log_binomial_is_symmetric_and_grows_up_to_the_largest_sizes():
    n = 10**18
    assert log_binomial(n, 3) == pytest.approx(3 * math.log(n) - math.log(6), rel=1e-14)
    assert log_binomial(n, n // 2) == pytest.approx(n * math.log(2), rel=1e-12)
    assert log_binomial(n, n - 5) == log_binomial(n, 5)


@pytest.mark.parametrize(
    ("n", "k", "text"),
    [(50_000, 100, "7.7e+311"), (46, 2, "1,035"), (50_000, 2, "1,249,975,000"), (5, 5, "1"), (10**9, 2, "5.0e+17")],
)
def test_counts_as_text(n, k, text):
    assert count_text(n, k) == text


def test_a_count_whose_mantissa_is_unknown_is_given_as_a_power():
    assert count_text(10**18, 5 * 10**17) == "10^(3.01e+17)"


@pytest.mark.parametrize("n", [7, 46, 1000])
@pytest.mark.parametrize("k", [1, 2, 5])
@pytest.mark.parametrize("gap", [2.0, 1.0, 0.25, 0.01])
def test_packing_is_the_least_dimension_in_fractions(n, k, gap):
    dim = dim_lower_packing(n, k, gap=gap)
    ratio = 1 + 2 / Fraction(gap)
    assert ratio**dim >= math.comb(n, k)
    assert dim == 0 or ratio ** (dim - 1) < math.comb(n, k)


def test_exact_powers_are_decided_exactly():
    assert dim_lower_packing(2**10, 1, gap=2.0) == 10  # (1 + 2/2)^10 = 2^10
    assert dim_lower_packing(2**10 + 1, 1, gap=2.0) == 11


def test_gap_and_dimension_of_packing_are_inverse():
    for dim in (3, 8, 40):
        gap = gap_upper_packing(1000, 2, dim=dim)
        assert dim_lower_packing(1000, 2, gap=gap * (1 - 1e-9)) <= dim
        if gap < 2:
            assert dim_lower_packing(1000, 2, gap=min(2.0, gap * (1 + 1e-6))) > dim
    assert gap_upper_packing(10**12, 10**6, dim=1) < 1e-300


def test_bits():
    assert dim_lower_bits(46, 2, query_bits=1) == 11  # 1,035 sets
    assert dim_lower_bits(46, 2, query_bits=8) == 2
    assert dim_lower_bits(5, 5, query_bits=1) == 0
    assert dim_lower_bits(10**9, 10**6, query_bits=8) == math.ceil(log_binomial(10**9, 10**6) / math.log(2) / 8)
    assert dim_lower_distinct(2**20, doc_bits=1) == 20
    assert dim_lower_distinct(2**20 + 1, doc_bits=4) == 6
