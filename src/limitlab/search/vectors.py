"""Row normalisation whose result does not depend on how rows are grouped into blocks."""

from __future__ import annotations

import numba as nb
import numpy as np

from limitlab._core.errors import ShapeError


def normalised(rows: np.ndarray, dim: int | None = None, *, name: str = "vectors") -> np.ndarray:
    """The first ``dim`` values of every row, scaled to unit length: (n, dim) float32, C order.

    Sums run in float64 in one fixed order, so a row's result is the same in any block. Zero rows stay zero.
    """
    dim = rows.shape[1] if dim is None else dim
    out = np.empty((rows.shape[0], dim), np.float32)
    _normalise(as_float32(rows, dim, name=name), out)
    return out


def as_float32(rows: np.ndarray, dim: int, *, name: str = "vectors") -> np.ndarray:
    """The first ``dim`` values of every row as float32 in C order; values beyond its range are refused."""
    if rows.dtype.itemsize <= 4 and rows.dtype.kind == "f":
        return np.ascontiguousarray(rows[:, :dim], np.float32)
    with np.errstate(over="ignore"):
        out = np.ascontiguousarray(rows[:, :dim], np.float32)
    if not np.isfinite(out).all():
        raise ShapeError(
            f"search: {name} must be within float32's range, {np.finfo(np.float32).max:.3g}; {int((~np.isfinite(out).all(axis=1)).sum())} rows are not."
        )
    return out


@nb.njit(cache=True, nogil=True, parallel=True)
def _normalise(rows, out):  # rows, out: (n, dim) float32
    n, dim = rows.shape
    whole = dim - dim % 4
    for i in nb.prange(n):
        row = rows[i]
        s0 = s1 = s2 = s3 = 0.0
        for c in range(0, whole, 4):
            s0 += np.float64(row[c]) * np.float64(row[c])
            s1 += np.float64(row[c + 1]) * np.float64(row[c + 1])
            s2 += np.float64(row[c + 2]) * np.float64(row[c + 2])
            s3 += np.float64(row[c + 3]) * np.float64(row[c + 3])
        for c in range(whole, dim):
            s0 += np.float64(row[c]) * np.float64(row[c])
        total = (s0 + s1) + (s2 + s3)
        scale = 1.0 / np.sqrt(total) if total > 0.0 else 0.0
        for c in range(dim):
            out[i, c] = np.float32(row[c] * scale)
