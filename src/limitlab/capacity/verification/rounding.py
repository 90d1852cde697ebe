"""What storing vectors in a shorter number type, and scoring in it, can cost a gap. Bounds, not estimates."""

from __future__ import annotations

import math

# unit roundoff (half the spacing of numbers in [1, 2)), and half the spacing of the numbers around zero
TYPES = {
    "float64": (2.0**-53, 2.0**-1075),
    "float32": (2.0**-24, 2.0**-150),
    "bfloat16": (2.0**-9, 2.0**-134),
    "float16": (2.0**-11, 2.0**-25),
}


def moved(dtype: str, dim: int) -> float:
    """Greatest distance between a unit vector of ``dim`` values and its rounding.

    A value moves by at most ``u`` times itself, or by half the spacing around zero when it is smaller than the least
    normal number; so the vector moves by at most u |v| + sqrt(dim) * half spacing.
    """
    unit, tiny = TYPES[dtype]
    return unit + math.sqrt(dim) * tiny


def rounding_loss(dtype: str, query_dtype: str, dim: int) -> float:
    """How much a gap of ideal unit vectors can fall when documents and queries are rounded and scores are exact.

    <u', v'> - <u, v> = <u', v' - v> + <u' - u, v>: at most |u'| |v' - v| + |u' - u|, and a gap is a difference of two scores.
    """
    docs, queries = moved(dtype, dim), moved(query_dtype, dim)
    return 2 * ((1 + queries) * docs + queries) * (1 + 2.0**-40)


def scoring_loss(dtype: str, query_dtype: str, dim: int) -> float:
    """How much more a gap can fall when scores are summed in the wider of the two types: 2 gamma_d |u| |v| [Higham2002, section 3.1]."""
    unit = min(TYPES[dtype][0], TYPES[query_dtype][0])
    if dim * unit >= 0.5:
        return math.inf
    gamma = dim * unit / (1 - dim * unit)
    return 2 * gamma * (1 + moved(dtype, dim)) * (1 + moved(query_dtype, dim))
