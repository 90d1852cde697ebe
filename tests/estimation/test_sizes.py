from __future__ import annotations

import numpy as np
import pytest

from limitlab._core.errors import RangeError, UnknownName
from limitlab.estimation.sizes import Sizes, stored_bytes
from limitlab.search.stored_vectors import packed_bits


@pytest.mark.parametrize(
    "wrong",
    [
        {"n_docs": 1},
        {"n_queries": 0},
        {"dim": 0},
        {"k": 0},
        {"k": 11},
        {"relevant_per_query": 0},
        {"missing": 1.1},
        {"tokens_per_doc": -1.0},
    ],
)
def test_sizes_outside_their_range_are_refused(wrong):
    with pytest.raises(RangeError, match="limitlab estimate"):
        Sizes(**{"n_docs": 10, "n_queries": 3, "dim": 4, **wrong})


def test_an_unknown_type_is_refused_with_a_suggestion():
    with pytest.raises(UnknownName, match="did you mean 'float16'"):
        Sizes(10, 3, 4, dtype="flaot16")


@pytest.mark.parametrize(
    ("dtype", "array"), [("float32", np.zeros((7, 24), "f4")), ("float16", np.zeros((7, 24), "f2")), ("int8", np.zeros((7, 24), "i1"))]
)
def test_bytes_of_a_file_are_those_of_the_array(dtype, array):
    assert 7 * stored_bytes(dtype, 24) == array.nbytes == Sizes(7, 1, 24, k=1, dtype=dtype).vector_bytes


def test_bits_are_packed_into_whole_bytes():
    assert stored_bytes("binary", 64) == packed_bits(np.zeros((1, 64), bool)).nbytes
    assert stored_bytes("binary", 12) == 2


def test_what_misses_is_a_range_until_it_is_known():
    assert Sizes(10, 3, 4).misses == (0.1, 0.5, 1.0)
    assert Sizes(10, 3, 4, missing=0.3).misses == (0.3, 0.3, 0.3)
