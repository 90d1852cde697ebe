"""Compiled inner loop of Hamming search."""

from __future__ import annotations

import numba as nb
import numpy as np
from numba.extending import intrinsic


@intrinsic
def _ones(typing_context, word=None):
    """Number of bits set in a uint64: the processor's own instruction."""

    def build(context, builder, signature, arguments):
        return builder.ctpop(arguments[0])

    return nb.types.uint64(nb.types.uint64), build


@nb.njit(cache=True, nogil=True, parallel=True)
def hamming_scores(docs, queries, dim, out):
    """out[q, d] = dim - 2 * distance: docs (n_docs, words), queries (rows, words) uint64, out (rows, n_docs) float32."""
    words = docs.shape[1]
    for q in nb.prange(queries.shape[0]):
        asked = queries[q]
        row = out[q]
        for d in range(docs.shape[0]):
            apart = np.uint64(0)
            for w in range(words):
                apart += _ones(docs[d, w] ^ asked[w])
            row[d] = np.float32(dim - 2 * np.int64(apart))
