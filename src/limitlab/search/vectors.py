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
    for i in nb.prange(n):
        total = 0.0
        for c in range(dim):
            total += np.float64(rows[i, c]) * np.float64(rows[i, c])
        scale = 1.0 / np.sqrt(total) if total > 0.0 else 0.0
        for c in range(dim):
            out[i, c] = np.float32(rows[i, c] * scale)
