"""Rounding to every number type, against tables of all numbers that the type has."""

from __future__ import annotations

import math
from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest

from limitlab._core.errors import RangeError, ShapeError, UnknownName
from limitlab.capacity.number_types import NUMBER_TYPES, int8_codes, round_to

NAMES = ["float64", "float32", "float16", "bfloat16", "fp8-e4m3", "fp8-e5m2", "int8", "int8-per-dim", "binary"]


def decoded(exponent_bits: int, fraction_bits: int, *, all_ones_are_numbers: bool) -> list[Fraction]:
    """Every finite number >= 0 of a small floating type, from its bit patterns, in order of the patterns."""
    bias = 2 ** (exponent_bits - 1) - 1
    out = []
    for e in range(2**exponent_bits):
        for f in range(2**fraction_bits):
            if e == 2**exponent_bits - 1 and (not all_ones_are_numbers or f == 2**fraction_bits - 1):
                continue  # infinity and NaN; e4m3 has one NaN and no infinity
            scale = Fraction(2) ** (max(e, 1) - bias - fraction_bits)
            out.append((f + (2**fraction_bits if e else 0)) * scale)
    return out


def nearest(table: list[Fraction], x: Fraction) -> Fraction:
    """The nearest number; of two equally near ones that with the even bit pattern."""
    sign = -1 if x < 0 else 1
    best = min(range(len(table)), key=lambda i: (abs(table[i] - abs(x)), i % 2))
    return sign * table[best]


@pytest.mark.parametrize(
    ("name", "table"),
    [
        ("fp8-e4m3", decoded(4, 3, all_ones_are_numbers=True)),
        ("fp8-e5m2", decoded(5, 2, all_ones_are_numbers=False)),
    ],
)
def test_fp8_is_the_nearest_number_of_its_table(name, table):
    assert float(table[-1]) == NUMBER_TYPES[name].largest == {"fp8-e4m3": 448.0, "fp8-e5m2": 57344.0}[name]
    assert float(table[1]) == {"fp8-e4m3": 2.0**-9, "fp8-e5m2": 2.0**-16}[name]
    halves = [(a + b) / 2 for a, b in pairwise(table)]
    asked = [float(x) for x in [*table, *halves]]
    asked += [math.nextafter(x, math.inf) for x in asked] + [math.nextafter(x, 0) for x in asked if x > 0]
    asked += [*np.random.default_rng(0).normal(size=200), 1e30, table[-1] * 2]
    got = round_to(np.array(asked + [-x for x in asked], float)[:, None], name)[:, 0]
    want = [float(nearest(table, Fraction(float(x)))) for x in asked]
    assert got.tolist() == want + [-x for x in want]


def test_bfloat16_rounds_once_from_float64():
    # Above a tie by less than float32 can hold: rounding to float32 first would make it the tie, and the tie goes to even.
    x = 1 + 2.0**-8 + 2.0**-40
    assert round_to(np.array([[x, 1 + 2.0**-8, 1 + 3 * 2.0**-8, -x]]), "bfloat16").tolist() == [
        [1 + 2.0**-7, 1.0, 1 + 2.0**-6, -1 - 2.0**-7]
    ]
    values = np.random.default_rng(1).normal(size=(500, 1)) * 10.0 ** np.random.default_rng(2).integers(-45, 38, (500, 1))
    bits = round_to(values, "bfloat16").view(np.uint32)
    assert (bits & 0xFFFF == 0).all()
    for x, got in zip(values[:, 0], round_to(values, "bfloat16")[:, 0]):
        quantum = Fraction(2) ** (max(math.frexp(x)[1] - 1, -126) - 7)
        assert abs(Fraction(float(got)) - Fraction(x)) <= quantum / 2


@pytest.mark.parametrize("kind", [np.float16, np.float32])
def test_ieee_types_are_numpys(kind):
    rng = np.random.default_rng(3)
    x = rng.normal(size=(4000, 3)) * 10.0 ** rng.integers(-9, 4, (4000, 3))
    got = round_to(x, np.dtype(kind).name)
    assert got.dtype == np.float32
    assert (got == x.astype(kind)).all()


def test_bfloat16_and_fp8_agree_with_torch():
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(4)
    x = (rng.normal(size=(4000, 1)) * 10.0 ** rng.integers(-7, 2, (4000, 1))).astype(np.float32)
    for name, kind in (("bfloat16", torch.bfloat16), ("fp8-e4m3", torch.float8_e4m3fn), ("fp8-e5m2", torch.float8_e5m2)):
        assert (round_to(x, name) == torch.from_numpy(x).to(kind).to(torch.float32).numpy()).all(), name


@pytest.mark.parametrize("name", [n for n in NAMES if NUMBER_TYPES[n].unit])
def test_the_stated_errors_hold_and_rounding_twice_changes_nothing(name):
    kind = NUMBER_TYPES[name]
    rng = np.random.default_rng(5)
    x = rng.normal(size=(2000, 4)) * 10.0 ** rng.integers(-6, 2, (2000, 4))
    once = round_to(x, name)
    assert (np.abs(once - x) <= np.maximum(kind.unit * np.abs(x), kind.tiny)).all()
    assert (round_to(once, name) == once).all()
    assert round_to(np.array([[1 + kind.unit]]), name)[0, 0] == 1.0  # exactly between 1 and the next number: to even


def test_int8_scales():
    x = np.array([[0.5, -1.0, 0.25], [0.0, 0.0, 0.0], [3.0, 0.1, -0.2]])
    codes, scales = int8_codes(x)
    assert codes.dtype == np.int8 and scales.shape == (3, 1) and codes[0].tolist() == [64, -127, 32] and codes[1].tolist() == [0, 0, 0]
    assert (round_to(x, "int8") == codes * scales.astype(np.float64)).all()
    assert (np.abs(round_to(x, "int8") - x) <= np.abs(x).max(axis=1, keepdims=True) / 253).all()
    codes, scales = int8_codes(x, "int8-per-dim")
    assert scales.shape == (1, 3) and codes[2].tolist() == [127, 13, -102] and codes[0].tolist() == [21, -127, 127]


def test_binary_and_sizes():
    assert round_to(np.array([[0.0, -0.1, 2.0, -0.0]]), "binary").tolist() == [[1, -1, 1, 1]]
    assert list(NUMBER_TYPES) == NAMES
    assert [NUMBER_TYPES[n].vector_bytes(9) for n in NAMES] == [72, 36, 18, 18, 9, 9, 13, 9, 2]


def test_refusals():
    with pytest.raises(UnknownName, match="did you mean 'bfloat16'"):
        round_to(np.ones((1, 1)), "bfloat")
    with pytest.raises(RangeError, match=r"at most 65504 in float16; got 70000\. Scale"):
        round_to(np.array([[70000.0]]), "float16")
    with pytest.raises(ShapeError, match="NaN or infinity"):
        round_to(np.array([[np.nan]]), "fp8-e4m3")
