"""Number types that embeddings are stored in, and what a vector means after it was stored in one of them."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from limitlab._core.checks import choice, finite_rows, vectors, whole
from limitlab._core.errors import RangeError


@dataclass(frozen=True)
class NumberType:
    """How one value of a vector is stored.

    Attributes
    ----------
    name
        As it is spelt everywhere.
    bits
        Bits a value, scales not counted.
    description
        One line.
    unit
        Unit roundoff: a value moves by at most ``unit`` times itself. None for types with a scale and for binary.
    tiny
        Half the spacing of the numbers around zero: values below the least normal number move by at most this.
    largest
        Greatest finite number; None where there is a scale.
    significand, least_exponent
        Bits of the significand, the leading one counted, and the exponent of the least normal number.
    """

    name: str
    bits: int
    description: str
    unit: float | None = None
    tiny: float | None = None
    largest: float | None = None
    significand: int = 0
    least_exponent: int = 0

    def vector_bytes(self, dim: int) -> int:
        """Bytes of one vector of ``dim`` values, its own scale included (a scale a dimension is shared by all vectors)."""
        return -(-self.bits * whole("NumberType.vector_bytes()", "dim", dim, low=1) // 8) + (4 if self.name == "int8" else 0)


def _floating(name: str, bits: int, significand: int, least_exponent: int, largest: float, description: str) -> NumberType:
    unit, tiny = 2.0**-significand, math.ldexp(1.0, max(-1074, least_exponent - significand))
    return NumberType(name, bits, description, unit, tiny, largest, significand, least_exponent)


NUMBER_TYPES: dict[str, NumberType] = {
    t.name: t
    for t in (
        _floating("float64", 64, 53, -1022, float(np.finfo(np.float64).max), "IEEE double"),
        _floating("float32", 32, 24, -126, float(np.finfo(np.float32).max), "IEEE single"),
        _floating("float16", 16, 11, -14, 65504.0, "IEEE half"),
        _floating("bfloat16", 16, 8, -126, (2 - 2.0**-7) * 2.0**127, "float32 cut to 16 bits"),
        _floating("fp8-e4m3", 8, 4, -6, 448.0, "8 bits, 3 of them fraction, no infinity; larger values become 448"),
        _floating("fp8-e5m2", 8, 3, -14, 57344.0, "8 bits, 2 of them fraction; larger values become 57,344"),
        NumberType("int8", 8, "whole numbers in [-127, 127] times one float32 scale a vector"),
        NumberType("int8-per-dim", 8, "whole numbers in [-127, 127] times one float32 scale a dimension"),
        NumberType("binary", 1, "the sign, one bit a dimension: +1 or -1, zero counts as +1"),
    )
}
"""Every number type by name."""

_SATURATING = {"fp8-e4m3", "fp8-e5m2"}


def number_type(who: str, dtype: str, *, name: str = "dtype") -> NumberType:
    """The type of this name.

    Raises
    ------
    UnknownName
        There is no such type; the sentence names the closest one.
    """
    return NUMBER_TYPES[choice(who, name, str(dtype), NUMBER_TYPES)]


def round_to(array: np.ndarray, dtype: str) -> np.ndarray:
    """The values that vectors have after they were stored in a number type: rounded once, half to even.

    Parameters
    ----------
    array
        Shape (n, dim), real, finite. One row is one vector: ``int8`` has a scale a row, ``int8-per-dim`` one a column.
    dtype
        A name of ``NUMBER_TYPES``.

    Returns
    -------
    Shape (n, dim): float64 for float64 and both int8 (a whole number times a float32 scale is exact in float64, not in
    float32), float32 for all others. A binary row has norm sqrt(dim), not 1.

    Raises
    ------
    UnknownName
        No such type.
    RangeError
        A value is beyond the greatest number of float32, float16 or bfloat16. fp8 saturates instead.
    ShapeError
        ``array`` is not a table of finite real numbers.

    References
    ----------
    [Micikevicius2022] for fp8; the scaled types are the usual symmetric ones.

    Examples
    --------
    >>> import numpy as np
    >>> round_to(np.array([[0.1, 1.0, 3.14159]]), "bfloat16").tolist()
    [[0.10009765625, 1.0, 3.140625]]
    """
    who = "round_to()"
    kind = number_type(who, dtype)
    wide = np.asarray(vectors(who, "array", array), np.float64)
    finite_rows(who, "array", wide)
    if dtype == "float64":
        return wide
    if dtype == "binary":
        return np.where(wide < 0, np.float32(-1), np.float32(1))
    if dtype in ("int8", "int8-per-dim"):
        codes, scales = int8_codes(wide, dtype)
        return codes * scales.astype(np.float64)
    assert kind.largest is not None  # floating types have one
    # The quantum of a number is the spacing of the type's numbers there; dividing by a power of two is exact, rint is half to even.
    _, exponents = np.frexp(wide)
    exponents = np.maximum(exponents - 1, kind.least_exponent) - (kind.significand - 1)
    out = np.ldexp(np.rint(np.ldexp(wide, -exponents)), exponents)
    beyond = np.abs(out) > kind.largest
    if beyond.any():
        if dtype not in _SATURATING:
            worst = float(np.abs(wide).max())
            raise RangeError(f"{who}: values must be at most {kind.largest:.6g} in {dtype}; got {worst:.6g}. Scale the vectors first.")
        out = np.clip(out, -kind.largest, kind.largest)
    return out.astype(np.float32)


def int8_codes(array: np.ndarray, dtype: str = "int8", *, scales: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Whole numbers and scales of vectors in ``int8`` or ``int8-per-dim``: value = code * scale.

    The scale is the greatest magnitude of the vector (or dimension) over 127, rounded to float32; ``scales`` are taken where they are
    given (those of other vectors, or of a whole corpus that is coded in blocks), and values beyond them saturate.

    Returns
    -------
    codes (n, dim) int8 in [-127, 127]; scales float32, (n, 1) for ``int8``, (1, dim) for ``int8-per-dim``.
    """
    choice("int8_codes()", "dtype", dtype, ("int8", "int8-per-dim"))
    wide = np.asarray(vectors("int8_codes()", "array", array), np.float64)
    axis = 1 if dtype == "int8" else 0
    if scales is None:
        scales = (np.abs(wide).max(axis=axis, keepdims=True, initial=0.0) / 127).astype(np.float32)
    divisor = np.where(scales > 0, scales, np.float32(1)).astype(np.float64)
    return np.clip(np.rint(wide / divisor), -127, 127).astype(np.int8), scales
