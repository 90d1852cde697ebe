"""Argument checks with one sentence for all of them."""

from __future__ import annotations

import math
import numbers
from collections.abc import Iterable
from typing import Any

import numpy as np

from limitlab._core.errors import RangeError, ShapeError, UnknownName
from limitlab._core.row_tables import RowTable


def whole(who: str, name: str, value: Any, *, low: int | None = None, high: int | None = None, high_name: str = "") -> int:
    """``value`` as an int in [low, high]; bools, fractions and text are refused."""
    only_low = low is not None and high is None and not high_name
    span = f">= {low}" if only_low else f"in [{'-inf' if low is None else low}, {high_name or ('inf' if high is None else high)}]"
    if isinstance(value, bool) or not isinstance(value, numbers.Integral):
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        else:
            raise RangeError(f"{who}: {name} must be a whole number {span}; got {name}={value!r}.")
    value = int(value)
    if (low is not None and value < low) or (high is not None and value > high):
        extra = f", {high_name}={high}" if high_name else ""
        raise RangeError(f"{who}: {name} must be {span}; got {name}={value}{extra}.")
    return value


def real(who: str, name: str, value: Any, *, low: float = -math.inf, high: float = math.inf) -> float:
    """``value`` as a finite float in [low, high]."""
    if isinstance(value, bool) or not isinstance(value, numbers.Real) or not math.isfinite(float(value)):
        raise RangeError(f"{who}: {name} must be a finite number in [{low:g}, {high:g}]; got {name}={value!r}.")
    if not low <= float(value) <= high:
        raise RangeError(f"{who}: {name} must be in [{low:g}, {high:g}]; got {name}={float(value):g}.")
    return float(value)


def choice(who: str, name: str, value: str, known: Iterable[str]) -> str:
    """``value`` if it is one of ``known``; otherwise UnknownName with did-you-mean."""
    options = list(known)
    if value not in options:
        raise UnknownName.of(who, name, str(value), options)
    return value


def vectors(who: str, name: str, array: Any) -> np.ndarray:
    """A two-dimensional array of real numbers is required; memory maps and row tables are passed through unread."""
    if not isinstance(array, (np.ndarray, RowTable)):
        array = np.asarray(array)
    if array.ndim != 2 or array.shape[1] == 0:
        raise ShapeError(f"{who}: {name} must have shape (n, dim) with dim >= 1; got shape {array.shape}.")
    if array.dtype.kind not in "fiu":
        raise ShapeError(f"{who}: {name} must hold real numbers; got dtype {array.dtype}.")
    return array  # type: ignore[return-value]


def finite_rows(who: str, name: str, array: np.ndarray, *, offset: int = 0) -> None:
    """Raises ShapeError naming the first rows that hold NaN or infinity."""
    sums = array.sum(axis=1, dtype=np.float64)
    bad = np.flatnonzero(~np.isfinite(sums))
    if bad.size:
        rows = ", ".join(str(offset + int(i)) for i in bad[:3])
        raise ShapeError(f"{who}: {name} must be finite; {bad.size} rows hold NaN or infinity, first rows: {rows}.")
