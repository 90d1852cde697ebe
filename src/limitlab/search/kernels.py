"""Compiled inner loops of exact search. All comparisons are of exact scores; the matrix product only filters.

The score of a pair is the float64 dot product of the two float32 vectors, summed in one fixed order, rounded to
float32. A float32 matrix product differs from it by at most ``bound`` (see exact.py), so a document whose product is
more than ``bound`` below the current k-th score cannot enter the list. Hence block size and threads change no ranking,
and equal vectors always tie.
"""

from __future__ import annotations

import numba as nb
import numpy as np

CHUNK = 512  # products looked at together: most chunks hold none of interest, and are passed over at memory speed
NARROW = 64  # the same for the k best, of which nearly every wide chunk holds one
LANES = 32
ROUNDING = 2.0**-22  # relative; four times float32's unit roundoff


@nb.njit(cache=True, nogil=True, inline="always")
def dot(a, b, sums):
    """Dot product of two float32 vectors in float64, LANES interleaved sums in a fixed order, not rounded.

    ``sums`` is scratch space of LANES float64: the inner loop runs over it so that it compiles to vector instructions.
    """
    dim = a.shape[0]
    whole = dim - dim % LANES
    for lane in range(LANES):
        sums[lane] = 0.0
    for c in range(0, whole, LANES):
        x = a[c : c + LANES]
        y = b[c : c + LANES]
        for lane in range(LANES):
            sums[lane] += np.float64(x[lane]) * np.float64(y[lane])
    for c in range(whole, dim):
        sums[c - whole] += np.float64(a[c]) * np.float64(b[c])
    width = LANES // 2
    while width > 0:
        for lane in range(width):
            sums[lane] += sums[lane + width]
        width //= 2
    return sums[0]


@nb.njit(cache=True, nogil=True)
def pair_score(a, b, sums):
    """The score of a pair: ``dot`` rounded to float32."""
    return np.float32(dot(a, b, sums))


@nb.njit(cache=True, nogil=True, inline="always")
def _below(score, bound):
    """A float32 that is surely at most score - bound, whatever the rounding."""
    return np.float32(np.float64(score) - bound - abs(np.float64(score)) * ROUNDING)


@nb.njit(cache=True, nogil=True)
def _at_least(values, low):
    """How many values are >= low: a loop without branches over a whole array, which compiles to vector instructions."""
    count = 0
    for j in range(values.shape[0]):
        count += values[j] >= low
    return count


@nb.njit(cache=True, nogil=True)
def _more_than(values, low):
    count = 0
    for j in range(values.shape[0]):
        count += values[j] > low
    return count


@nb.njit(cache=True, nogil=True)
def kth_largest(values, k):
    """The k-th largest of an array, 1 <= k <= its length (Hoare's selection with the median of three).

    NumPy's partition does the same, but compiling it takes longer than all other kernels together.
    """
    work = values.copy()
    at = work.shape[0] - k
    low, high = 0, work.shape[0] - 1
    while low < high:
        a, b, c = work[low], work[(low + high) // 2], work[high]
        pivot = max(min(a, b), min(max(a, b), c))
        i, j = low, high
        while i <= j:
            while work[i] < pivot:
                i += 1
            while work[j] > pivot:
                j -= 1
            if i <= j:
                work[i], work[j] = work[j], work[i]
                i += 1
                j -= 1
        if at <= j:
            high = j
        elif at >= i:
            low = i
        else:
            break
    return work[at]


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
        sums = np.empty(LANES, np.float64)
        size = sizes[q]
        row = products[q]
        if size == capacity:
            floor = _below(heap_scores[q, 0], bounds[q])
        elif row.shape[0] > 2 * capacity:
            # The first block has its own k best: nothing far below their least product can be among them.
            floor = _below(kth_largest(row, capacity), 2.0 * bounds[q])
        else:
            floor = np.float32(-np.inf)
        for start in range(0, row.shape[0], NARROW):
            stop = min(start + NARROW, row.shape[0])
            if _at_least(row[start:stop], floor) == 0:
                continue
            for j in range(start, stop):
                if row[j] >= floor:
                    size = _offer(heap_scores[q], heap_docs[q], places, size, pair_score(queries[q], docs[j], sums), offset + j)
                    if size == capacity:
                        floor = max(floor, _below(heap_scores[q, 0], bounds[q]))
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


@nb.njit(cache=True, nogil=True, parallel=True)
def count_above(products, docs, queries, offset, bounds, places, indptr, thresholds, members, above, tied, before):
    """For every relevant document, count the documents of a block that score more, or the same.

    thresholds (nnz,) float32: exact scores of the relevant documents; members (nnz,) their columns.
    """
    for q in nb.prange(products.shape[0]):
        sums = np.empty(LANES, np.float64)
        row = products[q]
        for p in range(indptr[q], indptr[q + 1]):
            score = thresholds[p]
            low, high = _below(score, bounds[q]), -_below(-score, bounds[q])
            for start in range(0, row.shape[0], CHUNK):
                stop = min(start + CHUNK, row.shape[0])
                surely = _more_than(row[start:stop], high)
                above[p] += surely
                if _at_least(row[start:stop], low) == surely:
                    continue
                for j in range(start, stop):  # some are too close to call: compare exact scores
                    if low <= row[j] <= high:
                        exact = pair_score(queries[q], docs[j], sums)
                        if exact > score:
                            above[p] += 1
                        elif exact == score:
                            tied[p] += 1
                            before[p] += places[offset + j] < places[members[p]]


@nb.njit(cache=True, nogil=True, parallel=True)
def count_above_in_scores(scores, offset, lowest, places, indptr, thresholds, members, above, tied, before):
    """As count_above for scores that are final; documents with a score <= ``lowest`` are not retrieved."""
    for q in nb.prange(scores.shape[0]):
        for p in range(indptr[q], indptr[q + 1]):
            score = thresholds[p]
            if score <= lowest:
                continue
            for j in range(scores.shape[1]):
                s = scores[q, j]
                above[p] += s > score
                if s == score:
                    tied[p] += 1
                    before[p] += places[offset + j] < places[members[p]]


@nb.njit(cache=True, nogil=True, parallel=True)
def paired_scores(docs, queries, rows, out):
    """out[p] = exact score of docs[p] and queries[rows[p]]."""
    for p in nb.prange(rows.shape[0]):
        out[p] = pair_score(queries[rows[p]], docs[p], np.empty(LANES, np.float64))
