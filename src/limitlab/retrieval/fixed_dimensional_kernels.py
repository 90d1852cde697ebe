"""Compiled inner loop of fixed-dimensional encodings."""

from __future__ import annotations

import numba as nb
import numpy as np


@nb.njit(cache=True, nogil=True)
def _apart(a, b):
    """Bits in which two cells differ."""
    bits, count = a ^ b, 0
    while bits:
        bits &= bits - 1
        count += 1
    return count


@nb.njit(cache=True, nogil=True, parallel=True)
def fill_cells(tokens, cell, offsets, document, out):
    """Sums (queries) or means (documents, empty cells filled) of tokens by cell.

    tokens (T, width) float32, cell (T,) int64, offsets (texts + 1,); out (texts, cells, width) float32, zeros on entry.
    """
    cells, width = out.shape[1], out.shape[2]
    for i in nb.prange(out.shape[0]):
        first, last = offsets[i], offsets[i + 1]
        if first == last:
            continue
        sums = np.zeros((cells, width), np.float64)
        held = np.zeros(cells, np.int64)
        for t in range(first, last):
            c = cell[t]
            held[c] += 1
            for j in range(width):
                sums[c, j] += tokens[t, j]
        for c in range(cells):
            if held[c] > 0:
                scale = 1.0 / held[c] if document else 1.0
                for j in range(width):
                    out[i, c, j] = np.float32(sums[c, j] * scale)
            elif document:
                nearest, least = first, _apart(cell[first], c)
                for t in range(first + 1, last):
                    apart = _apart(cell[t], c)
                    if apart < least:
                        nearest, least = t, apart
                for j in range(width):
                    out[i, c, j] = tokens[nearest, j]
