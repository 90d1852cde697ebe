"""Largest n with all pairs strictly on top in four dimensions, documents and queries rounded (own measurement, theory.md 3.3).

Every n from 5 on was checked over all pairs for the 8- and 16-bit types; float32 is checked here at the ends that the table
states, and for every n by ``python benchmarks/precision.py``.
"""

from __future__ import annotations

from functools import partial

import pytest

from limitlab.capacity import TrigCurve, largest_n, survives

EQUAL = partial(TrigCurve, weights=(1, 1))
POLYNOMIAL = {"rule": "polynomial"}
NATIVE = {"accumulation": "native"}
COLUMNS = {
    "polynomial, equal weights, exact": (EQUAL, POLYNOMIAL),
    "polynomial, equal weights, native": (EQUAL, {**POLYNOMIAL, **NATIVE}),
    "max-margin, equal weights, exact": (EQUAL, {}),
    "max-margin, best weights, exact": (TrigCurve, {}),
    "max-margin, best weights, native": (TrigCurve, NATIVE),
}
TABLE = {
    "fp8-e5m2": [(6, 6), (6, 6), (9, 9), (9, 9), (8, 8)],
    "fp8-e4m3": [(8, 8), (6, 8), (10, 10), (12, 12), (10, 10)],
    "bfloat16": [(13, 16), (12, 12), (18, 24), (20, 20), (16, 16)],
    "float16": [(24, 26), (19, 24), (30, 36), (32, 36), (27, 27)],
}
FLOAT32 = [(222, 236), (166, 184), (290, 308), (300, 312), (218, 233)]


@pytest.mark.parametrize("dtype", TABLE)
@pytest.mark.parametrize("column", COLUMNS)
def test_every_n_up_to_and_the_largest(dtype, column):
    family, options = COLUMNS[column]
    found = largest_n(family, dtype, **options)
    assert (found.every_up_to, found.largest) == TABLE[dtype][list(COLUMNS).index(column)]


@pytest.mark.parametrize("column", COLUMNS)
def test_float32_at_the_stated_ends(column):
    family, options = COLUMNS[column]
    every, largest = FLOAT32[list(COLUMNS).index(column)]
    assert survives(family(every), "float32", **options).survives
    assert not survives(family(every + 1), "float32", **options).survives
    assert survives(family(largest), "float32", **options).survives
    assert not any(survives(family(n), "float32", **options).survives for n in range(largest + 1, largest + 9))


def test_queries_may_be_narrower_than_documents():
    """Rounding queries alone is milder: float16 up to 48 of documents that stay in float64, 32 when both are rounded."""
    assert largest_n(TrigCurve, "float64", query_dtype="float16", high=60).every_up_to == 48
    assert largest_n(TrigCurve, "float16", query_dtype="float64").every_up_to == 32
