"""Compiled inner loops of MaxSim. As in ``kernels``, float32 products only filter; whatever counts is an exact score.

The score of a pair is the sum over query tokens, in order, of the greatest float64 dot product with a document token (in the
fixed order of summation of ``kernels.dot``), rounded to float32 at the end. A float32 product differs from the exact
one by at most ``bound`` of its query token, so only document tokens within twice that of the greatest product can be the greatest.
"""

from __future__ import annotations

import numba as nb
import numpy as np

from limitlab.search.kernels import LANES, _below, _offer, dot


@nb.njit(cache=True, nogil=True)
def exact_score(products, maxima, docs, queries, d0, d1, q0, q1, bounds, best, low, sums):
    """MaxSim of query tokens q0 .. q1 and document tokens d0 .. d1 of a block: float32.

    products (document tokens, query tokens); maxima (query tokens,) of this document; bounds (query tokens,); best (float64) and
    low (float32) are scratch space for q1 - q0 values.
    """
    n = q1 - q0
    for i in range(n):
        best[i] = -np.inf
        low[i] = _below(maxima[q0 + i], 2.0 * bounds[q0 + i])
    for t in range(d0, d1):
        row = products[t, q0:q1]
        near = 0
        for i in range(n):
            near += row[i] >= low[i]
        if near == 0:
            continue
        for i in range(n):
            if row[i] >= low[i]:
                best[i] = max(best[i], dot(queries[q0 + i], docs[t], sums))
    total = 0.0
    for i in range(n):
        total += best[i]
    return np.float32(total)


@nb.njit(cache=True, nogil=True, parallel=True)
def segment_maxima(products, offsets, out):
    """out[d, i] = greatest product of query token i with a token of document d: products (document tokens, query tokens)."""
    width = products.shape[1]
    for d in nb.prange(offsets.shape[0] - 1):
        best = out[d]
        for i in range(width):
            best[i] = -np.inf
        for t in range(offsets[d], offsets[d + 1]):
            row = products[t]
            for i in range(width):
                best[i] = row[i] if row[i] > best[i] else best[i]


@nb.njit(cache=True, nogil=True, parallel=True)
def take_block(
    products, maxima, docs, offsets, numbers, queries, q_offsets, bounds, places, heap_scores, heap_docs, sizes, counting,
    indptr, thresholds, members, above, tied, before,
):  # fmt: skip
    """Offer a block of documents to every query's heap, and count those above each relevant document when ``counting``."""
    capacity = heap_scores.shape[1]
    n_docs = numbers.shape[0]
    for q in nb.prange(q_offsets.shape[0] - 1):
        sums = np.empty(LANES, np.float64)
        q0, q1 = q_offsets[q], q_offsets[q + 1]
        best, low = np.empty(q1 - q0, np.float64), np.empty(q1 - q0, np.float32)
        bound = 0.0
        for i in range(q0, q1):
            bound += bounds[i]
        size = sizes[q]
        floor = np.float32(-np.inf) if size < capacity else _below(heap_scores[q, 0], bound)
        for d in range(n_docs):
            if offsets[d] == offsets[d + 1]:
                continue  # a document without tokens has no score, and is not retrieved
            near = 0.0
            for i in range(q0, q1):
                near += np.float64(maxima[d, i])
            known = False
            score = np.float32(0.0)
            if size < capacity or near >= floor:
                score = exact_score(products, maxima[d], docs, queries, offsets[d], offsets[d + 1], q0, q1, bounds, best, low, sums)
                known = True
                size = _offer(heap_scores[q], heap_docs[q], places, size, score, numbers[d])
                if size == capacity:
                    floor = _below(heap_scores[q, 0], bound)
            if not counting:
                continue
            for p in range(indptr[q], indptr[q + 1]):
                own = thresholds[p]
                if near > -_below(-own, bound):
                    above[p] += 1
                elif near >= _below(own, bound):  # too close to call: compare exact scores
                    if not known:
                        score = exact_score(products, maxima[d], docs, queries, offsets[d], offsets[d + 1], q0, q1, bounds, best, low, sums)
                        known = True
                    if score > own:
                        above[p] += 1
                    elif score == own:
                        tied[p] += 1
                        before[p] += places[numbers[d]] < places[members[p]]
        sizes[q] = size


@nb.njit(cache=True, nogil=True)
def scores_of_one(products, maxima, docs, queries, q_offsets, bounds, out):
    """out[q] = MaxSim of query q and the one document whose token vectors are ``docs``; maxima (1, query tokens)."""
    sums = np.empty(LANES, np.float64)
    best, low = np.empty(queries.shape[0], np.float64), np.empty(queries.shape[0], np.float32)
    for q in range(q_offsets.shape[0] - 1):
        q0, q1 = q_offsets[q], q_offsets[q + 1]
        out[q] = exact_score(products, maxima[0], docs, queries, 0, docs.shape[0], q0, q1, bounds, best, low, sums)
