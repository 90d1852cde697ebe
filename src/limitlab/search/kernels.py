"""Compiled inner loops of exact search. All comparisons are of exact scores; the matrix product only filters.

The score of a pair is the float64 dot product of the two float32 vectors, summed in one fixed order, rounded to
float32. A float32 matrix product differs from it by at most ``bound`` (see exact.py), so a document whose product is
more than ``bound`` below the current k-th score cannot enter the list. Hence block size and threads change no ranking,
and equal vectors always tie.
"""

from __future__ import annotations

import numba as nb
import numpy as np


@nb.njit(cache=True, nogil=True, inline="always")
def pair_score(a, b):
    """Dot product of two float32 vectors in float64, eight interleaved sums in a fixed order, rounded to float32."""
    s0 = s1 = s2 = s3 = s4 = s5 = s6 = s7 = 0.0
    dim = a.shape[0]
    whole = dim - dim % 8
    for c in range(0, whole, 8):
        s0 += np.float64(a[c]) * np.float64(b[c])
        s1 += np.float64(a[c + 1]) * np.float64(b[c + 1])
        s2 += np.float64(a[c + 2]) * np.float64(b[c + 2])
        s3 += np.float64(a[c + 3]) * np.float64(b[c + 3])
        s4 += np.float64(a[c + 4]) * np.float64(b[c + 4])
        s5 += np.float64(a[c + 5]) * np.float64(b[c + 5])
        s6 += np.float64(a[c + 6]) * np.float64(b[c + 6])
        s7 += np.float64(a[c + 7]) * np.float64(b[c + 7])
    for c in range(whole, dim):
        s0 += np.float64(a[c]) * np.float64(b[c])
    return np.float32(((s0 + s1) + (s2 + s3)) + ((s4 + s5) + (s6 + s7)))


@nb.njit(cache=True, nogil=True, inline="always")
def _worse(scores, docs, places, x, y):
    """Whether entry x of a heap ranks after entry y."""
    if scores[x] != scores[y]:
        return scores[x] < scores[y]
    return places[docs[x]] > places[docs[y]]


@nb.njit(cache=True, nogil=True)
def _sift_down(scores, docs, places, start, size):
    root = start
    while True:
        child = 2 * root + 1
        if child >= size:
            return
        if child + 1 < size and _worse(scores, docs, places, child + 1, child):
            child += 1
        if not _worse(scores, docs, places, child, root):
            return
        scores[root], scores[child] = scores[child], scores[root]
        docs[root], docs[child] = docs[child], docs[root]
        root = child


@nb.njit(cache=True, nogil=True)
def _offer(scores, docs, places, size, score, doc):
    """Offer a document to a heap whose root is its worst entry; returns the new size."""
    capacity = scores.shape[0]
    if size < capacity:
        at = size
        scores[at] = score
        docs[at] = doc
        while at > 0:
            parent = (at - 1) // 2
            if not _worse(scores, docs, places, at, parent):
                break
            scores[at], scores[parent] = scores[parent], scores[at]
            docs[at], docs[parent] = docs[parent], docs[at]
            at = parent
        return size + 1
    if score > scores[0] or (score == scores[0] and places[doc] < places[docs[0]]):
        scores[0] = score
        docs[0] = doc
        _sift_down(scores, docs, places, 0, size)
    return size


@nb.njit(cache=True, nogil=True, parallel=True)
def fill_heaps(products, docs, queries, offset, bounds, places, heap_scores, heap_docs, sizes):
    """Offer a block of documents to every query's heap.

    products (nq, nb) float32; docs (nb, dim), queries (nq, dim) float32; bounds (nq,) float64;
    places (n_docs,) int32; heap_scores (nq, k) float32; heap_docs (nq, k) int64; sizes (nq,) int64.
    """
    capacity = heap_scores.shape[1]
    for q in nb.prange(products.shape[0]):
        size = sizes[q]
        bound = bounds[q]
        row = products[q]
        floor = np.float32(heap_scores[q, 0] - bound) if size == capacity else np.float32(-np.inf)
        for j in range(row.shape[0]):
            if row[j] >= floor:
                size = _offer(heap_scores[q], heap_docs[q], places, size, pair_score(queries[q], docs[j]), offset + j)
                if size == capacity:
                    floor = np.float32(heap_scores[q, 0] - bound)
        sizes[q] = size


@nb.njit(cache=True, nogil=True, parallel=True)
def fill_heaps_from_scores(scores, offset, lowest, places, heap_scores, heap_docs, sizes):
    """As fill_heaps for scores that are final; documents with a score <= ``lowest`` are not retrieved at all."""
    capacity = heap_scores.shape[1]
    for q in nb.prange(scores.shape[0]):
        size = sizes[q]
        for j in range(scores.shape[1]):
            s = scores[q, j]
            if s > lowest and (size < capacity or s >= heap_scores[q, 0]):
                size = _offer(heap_scores[q], heap_docs[q], places, size, s, offset + j)
        sizes[q] = size


@nb.njit(cache=True, nogil=True, parallel=True)
def sort_heaps(places, heap_scores, heap_docs, sizes):
    """Turn every heap into a list, best first; unused places get document -1 and score -inf."""
    for q in nb.prange(sizes.shape[0]):
        scores = heap_scores[q]
        docs = heap_docs[q]
        for end in range(sizes[q] - 1, 0, -1):
            scores[0], scores[end] = scores[end], scores[0]
            docs[0], docs[end] = docs[end], docs[0]
            _sift_down(scores, docs, places, 0, end)
        for at in range(sizes[q], scores.shape[0]):
            scores[at] = -np.inf
            docs[at] = -1


@nb.njit(cache=True, nogil=True, inline="always")
def _first_at_least(ascending, start, stop, value):
    """The first position in [start, stop) of ``ascending`` that is >= value."""
    if stop - start <= 8:
        while start < stop and ascending[start] < value:
            start += 1
        return start
    while start < stop:
        middle = (start + stop) // 2
        if ascending[middle] < value:
            start = middle + 1
        else:
            stop = middle
    return start


@nb.njit(cache=True, nogil=True)
def _count(thresholds, members, places, lo, hi, at, score, doc, above, tied, before):
    """Count one document against a query's relevant scores thresholds[lo:hi] (ascending); ``at`` = first one >= score."""
    if at > lo:
        above[at - 1] += 1  # above every threshold up to at - 1; summed up at the end
    while at < hi and thresholds[at] == score:
        tied[at] += 1
        if places[doc] < places[members[at]]:
            before[at] += 1
        at += 1


@nb.njit(cache=True, nogil=True, parallel=True)
def count_above(products, docs, queries, offset, bounds, places, indptr, thresholds, members, above, tied, before):
    """For every relevant document, count the documents of a block that score more, or the same.

    thresholds (nnz,) float32: relevant documents' exact scores, ascending within a query; members (nnz,) their columns.
    """
    for q in nb.prange(products.shape[0]):
        lo, hi = indptr[q], indptr[q + 1]
        if lo == hi:
            continue
        bound = bounds[q]
        row = products[q]
        lowest = np.float64(thresholds[lo]) - bound
        for j in range(row.shape[0]):
            product = np.float64(row[j])
            if product < lowest:
                continue
            at = _first_at_least(thresholds, lo, hi, product - bound)
            if at < hi and thresholds[at] <= product + bound:  # too close to call: compare exact scores
                score = pair_score(queries[q], docs[j])
                at = _first_at_least(thresholds, lo, hi, score)
                _count(thresholds, members, places, lo, hi, at, score, offset + j, above, tied, before)
            elif at > lo:
                above[at - 1] += 1


@nb.njit(cache=True, nogil=True, parallel=True)
def count_above_in_scores(scores, offset, lowest, places, indptr, thresholds, members, above, tied, before):
    """As count_above for scores that are final; documents with a score <= ``lowest`` are not retrieved."""
    for q in nb.prange(scores.shape[0]):
        lo, hi = indptr[q], indptr[q + 1]
        if lo == hi:
            continue
        for j in range(scores.shape[1]):
            s = scores[q, j]
            if s > lowest and s >= thresholds[lo]:
                at = _first_at_least(thresholds, lo, hi, s)
                _count(thresholds, members, places, lo, hi, at, s, offset + j, above, tied, before)


@nb.njit(cache=True, nogil=True, parallel=True)
def paired_scores(docs, queries, rows, out):
    """out[p] = exact score of docs[p] and queries[rows[p]]."""
    for p in nb.prange(rows.shape[0]):
        out[p] = pair_score(queries[rows[p]], docs[p])
