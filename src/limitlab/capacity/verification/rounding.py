"""What storing vectors in a shorter number type, and scoring in it, can cost a gap. Bounds, not estimates."""

from __future__ import annotations

import math

# unit roundoff (half the spacing of numbers in [1, 2)), and half the spacing of the numbers around zero
TYPES = {
    "float64": (2.0**-53, 2.0**-1074),  # its half spacing around zero, 2**-1075, is no float64
    "float32": (2.0**-24, 2.0**-150),
    "bfloat16": (2.0**-8, 2.0**-134),
    "float16": (2.0**-11, 2.0**-25),
    "fp8-e4m3": (2.0**-4, 2.0**-10),
    "fp8-e5m2": (2.0**-3, 2.0**-17),
}
SCALED = ("int8", "int8-per-dim")
NAMES = (*TYPES, *SCALED, "binary", "int64", "exact")

# the whole numbers up to this size are exact in the type, with a scale chosen freely where it has one
_WHOLE = {
    "float64": 2**53,
    "float32": 2**24,
    "bfloat16": 2**8,
    "float16": 2**11,
    "fp8-e4m3": 2**4,
    "fp8-e5m2": 2**3,
    "int8": 127,
    "int8-per-dim": 127,
    "int64": 2**63 - 1,
}


def holds_whole_numbers(dtype: str, largest: int) -> bool:
    """Whether every whole number of at most this size is stored exactly; in int8 as itself, with the scale 1."""
    return dtype == "exact" or largest <= _WHOLE.get(dtype, 0)


def moved(dtype: str, dim: int, largest: float = 1.0) -> float:
    """Greatest distance between a vector of at most unit length and its rounding.

    Floating types: a value moves by at most ``u`` times itself, or by half the spacing around zero when it is smaller than the
    least normal number; so the vector moves by at most u |v| + sqrt(dim) * half spacing. No value exceeds 1, so none overflows,
    in fp8 neither. int8: the scale is the greatest absolute value divided by 127, rounded to float32; a value moves by at most half
    a scale, or by 127 roundings of the scale when these carry it beyond 127 (2**-17 of a scale).

    Parameters
    ----------
    dim
        Coordinates that are not 0 in every vector; a 0 is stored exactly in every type.
    largest
        No coordinate of any vector is greater in absolute value (int8 only).
    """
    if dtype == "exact":
        return 0.0
    if dtype in SCALED:
        return math.sqrt(dim) * largest / 254 * (1 + 2.0**-15)
    unit, tiny = TYPES[dtype]
    return unit + math.sqrt(dim) * tiny


def rounding_loss(dtype: str, query_dtype: str, dim: int, *, largest: float = 1.0) -> float:
    """How much a gap of ideal unit vectors can fall when documents and queries are rounded and scores are exact.

    <u', v'> - <u, v> = <u', v' - v> + <u' - u, v>: at most |u'| |v' - v| + |u' - u|, and a gap is a difference of two scores.
    ``largest`` bounds the coordinates of the documents; those of a query may be as large as 1.
    """
    docs, queries = moved(dtype, dim, largest), moved(query_dtype, dim)
    return 2 * ((1 + queries) * docs + queries) * (1 + 2.0**-40)


def longest(dtype: str, dim: int | None = None) -> float:
    """No vector of at most unit length is longer than this after rounding: rounding to nearest at most doubles a value.

    Parameters
    ----------
    dim
        None: in any number of dimensions.
    """
    if dtype in ("exact", "binary", "int64"):
        return 1.0
    if dim is not None:
        return min(2.0, 1.0 + moved(dtype, dim))
    return 2.0 if dtype in SCALED or TYPES[dtype][1] > 2.0**-40 else 1.0 + moved(dtype, 2**40)


def scoring_loss(dtype: str, query_dtype: str, dim: int) -> float:
    """How much more a gap can fall when scores are summed in floating point: 2 gamma_d |u| |v| [Higham2002, section 3.1].

    Sums are taken in the wider of the two types; with fp8 or int8 in float32 at least.
    """
    short = ("fp8-e4m3", "fp8-e5m2", *SCALED)
    unit, tiny = min(TYPES["float32" if t in short else t] for t in (dtype, query_dtype) if t != "exact")
    if dim * unit >= 0.5:
        return math.inf
    gamma = dim * unit / (1 - dim * unit)
    return 2 * gamma * (1 + moved(dtype, dim)) * (1 + moved(query_dtype, dim)) + 8 * dim * tiny  # the last for products that underflow
