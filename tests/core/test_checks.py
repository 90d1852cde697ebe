"""Argument checks: what passes, what is refused, and in which words."""

from __future__ import annotations

import numpy as np
import pytest

from limitlab._core.checks import choice, finite_rows, real, vectors, whole
from limitlab._core.errors import RangeError, ShapeError, UnknownName


@pytest.mark.parametrize("value", [3, np.int32(3), 3.0])
def test_whole_accepts_whole_numbers_of_any_type(value):
    found = whole("f()", "k", value, low=1, high=5)
    assert found == 3
    assert type(found) is int


@pytest.mark.parametrize("value", [True, 2.5, "3", None, float("nan"), float("inf"), [3]])
def test_whole_refuses_what_is_not_a_whole_number(value):
    with pytest.raises(RangeError, match="whole number"):
        whole("f()", "k", value, low=1, high=5)


@pytest.mark.parametrize("value", [0, 6, -1])
def test_whole_refuses_what_is_out_of_range(value):
    with pytest.raises(RangeError) as caught:
        whole("f()", "k", value, low=1, high=5, high_name="n_docs")
    assert str(caught.value) == f"f(): k must be in [1, n_docs]; got k={value}, n_docs=5."


def test_whole_without_limits_takes_any_whole_number():
    assert whole("f()", "k", -(10**30)) == -(10**30)


@pytest.mark.parametrize(("value", "expected"), [(0, 0.0), (1, 1.0), (np.float32(0.5), 0.5)])
def test_real_accepts_both_ends(value, expected):
    assert real("f()", "b", value, low=0.0, high=1.0) == expected


@pytest.mark.parametrize("value", [True, "0.5", None, float("nan"), float("inf"), -0.01, 1.01])
def test_real_refuses(value):
    with pytest.raises(RangeError, match=r"f\(\): b must be .*\[0, 1\]"):
        real("f()", "b", value, low=0.0, high=1.0)


def test_choice_suggests_the_nearest_name():
    assert choice("f()", "ties", "trec", ("trec", "st")) == "trec"
    with pytest.raises(UnknownName, match="did you mean 'trec'"):
        choice("f()", "ties", "terc", ("trec", "st"))


def test_vectors_passes_the_same_array_through():
    array = np.ones((2, 3), np.float16)
    assert vectors("f()", "docs", array) is array
    assert vectors("f()", "docs", [[1.0, 2.0]]).shape == (1, 2)


@pytest.mark.parametrize("array", [np.ones(3), np.ones((2, 0)), np.ones((1, 2, 3)), np.array([["a"]]), np.ones((2, 2), complex)])
def test_vectors_refuses_wrong_shapes_and_types(array):
    with pytest.raises(ShapeError, match=r"f\(\): docs must"):
        vectors("f()", "docs", array)


def test_finite_rows_names_the_rows_counted_from_the_offset():
    array = np.ones((5, 2), np.float32)
    finite_rows("f()", "docs", array)
    array[1, 0], array[4, 1] = np.nan, np.inf
    with pytest.raises(ShapeError, match="2 rows hold NaN or infinity, first rows: 101, 104"):
        finite_rows("f()", "docs", array, offset=100)


def test_finite_rows_accepts_large_values_whose_sum_is_beyond_float32():
    finite_rows("f()", "docs", np.full((1, 4), 3e38, np.float32))
