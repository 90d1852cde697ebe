"""Row normalisation whose result does not depend on how rows are grouped into blocks."""

from __future__ import annotations

import numba as nb
import numpy as np


def normalised(rows: np.ndarray, dim: int | None = None) -> np.ndarray:
    """The first ``dim`` values of every row, scaled to unit length: (n, dim) float32, C order.

    Sums run in float64 in one fixed order, so a row's result is the same in any block. Zero rows stay zero.
    """
    dim = rows.shape[1] if dim is None else dim
    out = np.empty((rows.shape[0], dim), np.float32)
    _normalise(np.ascontiguousarray(rows[:, :dim], dtype=np.float32), out)
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
