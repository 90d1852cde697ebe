"""From a sheet of scores to the slopes of the two softmax objectives, for one block of queries.

A sheet is (rows of documents, BLOCK) float32, flat: one column a query of the block. ``infonce`` and ``footnote`` turn scores
into slopes in place, up to a factor a query that is returned beside: it is applied where fewer numbers are touched.
"""

from __future__ import annotations

import numba as nb
import numpy as np

from limitlab.free.elementary import exp2, log
from limitlab.free.lanes import fma, larger, load, splat, store
from limitlab.free.state import BLOCK, WIDTH

_F = np.float32
_LOG2_E = _F(1.4426950408889634)
_SAFE_STEEPNESS = _F(40.0)  # up to here exp((s - 1) / T) of unit vectors stays in float32's range, and no maximum need be sought


@nb.njit(nogil=True)
def _greatest(sheet, n_docs, top):
    """top: the greatest of each column."""
    m0, m1, m2, m3 = load(sheet, 0), load(sheet, WIDTH), load(sheet, 2 * WIDTH), load(sheet, 3 * WIDTH)
    for at in range(BLOCK, n_docs * BLOCK, BLOCK):
        m0 = larger(m0, load(sheet, at))
        m1 = larger(m1, load(sheet, at + WIDTH))
        m2 = larger(m2, load(sheet, at + 2 * WIDTH))
        m3 = larger(m3, load(sheet, at + 3 * WIDTH))
    store(top, 0, m0)
    store(top, WIDTH, m1)
    store(top, 2 * WIDTH, m2)
    store(top, 3 * WIDTH, m3)


@nb.njit(nogil=True)
def exponentials(sheet, n_docs, steepness, top, total):
    """``sheet = exp(steepness (sheet - top))``, total: the sum of each column; top is chosen so that nothing overflows."""
    if steepness <= _SAFE_STEEPNESS:
        top[:] = _F(1.0)
    else:
        _greatest(sheet, n_docs, top)
    steep = splat(steepness * _LOG2_E)
    zero = splat(_F(0.0))
    m0, m1 = zero - load(top, 0) * steep, zero - load(top, WIDTH) * steep
    m2, m3 = zero - load(top, 2 * WIDTH) * steep, zero - load(top, 3 * WIDTH) * steep
    t0 = t1 = t2 = t3 = zero
    for at in range(0, n_docs * BLOCK, BLOCK):
        e0 = exp2(fma(load(sheet, at), steep, m0))
        e1 = exp2(fma(load(sheet, at + WIDTH), steep, m1))
        e2 = exp2(fma(load(sheet, at + 2 * WIDTH), steep, m2))
        e3 = exp2(fma(load(sheet, at + 3 * WIDTH), steep, m3))
        store(sheet, at, e0)
        store(sheet, at + WIDTH, e1)
        store(sheet, at + 2 * WIDTH, e2)
        store(sheet, at + 3 * WIDTH, e3)
        t0, t1, t2, t3 = t0 + e0, t1 + e1, t2 + e2, t3 + e3
    store(total, 0, t0)
    store(total, WIDTH, t1)
    store(total, 2 * WIDTH, t2)
    store(total, 3 * WIDTH, t3)


@nb.njit(nogil=True)
def _sum(values, count):
    """Of the first ``count`` of BLOCK values, in float64, four sums in a fixed order."""
    for q in range(count, BLOCK):
        values[q] = _F(0.0)
    a = b = c = d = 0.0
    for q in range(0, BLOCK, 4):
        a += np.float64(values[q])
        b += np.float64(values[q + 1])
        c += np.float64(values[q + 2])
        d += np.float64(values[q + 3])
    return (a + b) + (c + d)


@nb.njit(nogil=True)
def infonce(sheet, n_docs, indptr, members, first, n_real, steepness, share, factor, work):
    """Slopes of ``share`` times the sum over relevant pairs of -log softmax; steepness = 1 / temperature.

    sheet: scores in; the slope of query q by the score of document j is ``sheet[j, q] * factor[q]`` out.
    first, n_real: the block's first query and how many of its columns are queries. work (4, BLOCK): scratch.
    Returns the sum over relevant pairs of -log softmax, float64, without ``share``.
    """
    top, total, relevant, counts = work[0], work[1], work[2], work[3]
    for q in range(BLOCK):
        counts[q] = _F(0.0)
        relevant[q] = _F(0.0)
    for q in range(n_real):
        begin, end = indptr[first + q], indptr[first + q + 1]
        counts[q] = _F(end - begin)
        held = _F(0.0)
        for p in range(begin, end):
            held += sheet[members[p] * BLOCK + q]
        relevant[q] = held
    exponentials(sheet, n_docs, steepness, top, total)
    for at in range(0, BLOCK, WIDTH):
        count, whole = load(counts, at), load(total, at)
        store(factor, at, count * splat(steepness * share) / whole)
        store(counts, at, whole / count)  # what a relevant document would have if all weight were evenly theirs
        score = fma(count, load(top, at), splat(_F(0.0)) - load(relevant, at))
        store(relevant, at, fma(count, log(whole), score * splat(steepness)))
    for q in range(n_real):
        for p in range(indptr[first + q], indptr[first + q + 1]):
            sheet[members[p] * BLOCK + q] -= counts[q]
    return _sum(relevant, n_real)


@nb.njit(nogil=True)
def footnote(sheet, n_docs, indptr, members, first, n_real, steepness, share, factor, work):
    """As ``infonce`` for ``share`` times the sum over queries of -log(softmax of the relevant documents together).

    The relevant documents have a softmax of their own, which must not underflow where they are far from the top.
    """
    top, total, relevant, counts = work[0], work[1], work[2], work[3]
    start = indptr[first]
    among = np.empty(indptr[first + n_real] - start, _F)
    for q in range(BLOCK):
        counts[q] = _F(0.0)
    for q in range(n_real):
        begin, end = indptr[first + q], indptr[first + q + 1]
        best = _F(-np.inf)
        for p in range(begin, end):
            best = max(best, sheet[members[p] * BLOCK + q])
        held = _F(0.0)
        for p in range(begin, end):
            among[p - start] = np.exp(steepness * (sheet[members[p] * BLOCK + q] - best))
            held += among[p - start]
        relevant[q] = best + np.log(held) / steepness
        counts[q] = _F(1.0) / held
    exponentials(sheet, n_docs, steepness, top, total)
    for at in range(0, BLOCK, WIDTH):
        whole = load(total, at)
        score = load(top, at) - load(relevant, at)
        store(relevant, at, fma(score, splat(steepness), log(whole)))
        store(factor, at, splat(steepness * share) / whole)
        store(counts, at, load(counts, at) * whole)
    for q in range(n_real, BLOCK):
        factor[q] = _F(0.0)
    for q in range(n_real):
        for p in range(indptr[first + q], indptr[first + q + 1]):
            sheet[members[p] * BLOCK + q] -= among[p - start] * counts[q]
    return _sum(relevant, n_real)
