"""Compiled inner loop of an inverted index."""

from __future__ import annotations

import numba as nb
import numpy as np


@nb.njit(cache=True, nogil=True, parallel=True)
def inverted_scores(starts, docs, weights, q_starts, dims, q_weights, out):
    """out[q, d] = inner product of sparse vectors: float64 sums over the query's dimensions in order, rounded to float32.

    starts, docs, weights: CSC of (documents, dimensions); q_starts, dims, q_weights: CSR of queries; out (queries, documents).
    A query's row is computed alone, so the scores are the same in any block.
    """
    for q in nb.prange(out.shape[0]):
        sums = np.zeros(out.shape[1], np.float64)
        for p in range(q_starts[q], q_starts[q + 1]):
            weight = np.float64(q_weights[p])
            dim = dims[p]
            for at in range(starts[dim], starts[dim + 1]):
                sums[docs[at]] += weight * np.float64(weights[at])
        for d in range(out.shape[1]):
            out[q, d] = np.float32(sums[d])
