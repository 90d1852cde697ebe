"""One step of free embeddings, fused: what a block of queries needs stays in cache from its scores to its new vectors.

Layout: queries are (blocks, dim, BLOCK), documents (dim, width) with width a multiple of 16: vectors stand in columns, so
that sums over a vector or over documents run across lanes without shuffling, for every dim. Columns beyond the last query
or document hold a unit vector and have no slope. All arrays of floats are passed flat: one type, one compiled version.

Blocks are dealt to a number of strips that depends on the problem alone. Each strip sums the documents' gradient of its
blocks in order, and strips are summed in order: the bytes do not depend on the number of threads.
"""

from __future__ import annotations

import numba as nb
import numpy as np

from limitlab.free.lanes import fma, load, splat, square_root, store, where_at_least
from limitlab.free.products import product, transpose
from limitlab.free.sigmoid import sigmoid
from limitlab.free.softmax import footnote, infonce
from limitlab.free.state import BLOCK, EPSILON, KEEP_FIRST, KEEP_SECOND, WIDTH

INFONCE, FOOTNOTE, SIGMOID = 0, 1, 2
_F = np.float32
_NEW_FIRST, _NEW_SECOND = _F(1.0 - KEEP_FIRST), _F(1.0 - KEEP_SECOND)


# numba compiles a function once more for every literal argument; these are whole numbers without being literals.
_I = np.intp


@nb.njit(nogil=True, inline="always")
def scores(docs, width, dim, queries, block, n_docs, sheet):
    """``sheet[j, q]`` = score of document j and column q of the block. Arrays are flat."""
    none, one, across = _I(0), _I(1), _I(BLOCK)
    product(docs, none, one, width, queries, block * dim * BLOCK, across, sheet, none, across, n_docs, _I(BLOCK // WIDTH), dim, none)


@nb.njit(nogil=True)
def adam(values, first, second, at, step, vectors, dim, slopes, slopes_at, slopes_step, factor, rate, epsilon):
    """Adam and unit length for ``vectors`` x 16 columns of ``dim`` values, ``step`` apart, from flat position ``at`` on.

    The gradient is ``slopes * factor`` (factor: one value a column). ``rate`` and ``epsilon`` hold the bias corrections.
    """
    for v in range(vectors):
        scale = load(factor, v * WIDTH)
        norm = splat(_F(0.0))
        for c in range(dim):
            i = at + c * step + v * WIDTH
            slope = load(slopes, slopes_at + c * slopes_step + v * WIDTH) * scale
            m = fma(load(first, i), splat(_F(KEEP_FIRST)), slope * splat(_NEW_FIRST))
            s = fma(load(second, i), splat(_F(KEEP_SECOND)), (slope * slope) * splat(_NEW_SECOND))
            store(first, i, m)
            store(second, i, s)
            x = load(values, i) - (m * splat(rate)) / (square_root(s) + splat(epsilon))
            store(values, i, x)
            norm = fma(x, x, norm)
        inverse = splat(_F(1.0)) / square_root(norm)
        for c in range(dim):
            i = at + c * step + v * WIDTH
            store(values, i, load(values, i) * inverse)


@nb.njit(nogil=True)
def corrected(step, learning_rate):
    """Adam's rate and epsilon for step 1, 2, ...: ``rate m / (sqrt(v) + epsilon)`` equals its update with corrected moments."""
    grown = np.sqrt(1.0 - KEEP_SECOND**step)
    return _F(learning_rate * grown / (1.0 - KEEP_FIRST**step)), _F(EPSILON * grown)


@nb.njit(nogil=True)
def strip_step(shape, docs, queries, moments, indptr, members, objective, setting, begin, end, adam_rate, scratch, gradient, sums):
    """One step for the queries of blocks ``begin`` to ``end``, and their part of the documents' gradient.

    shape: (dim, width, n_docs, n_queries). moments: both of Adam for the queries. setting (4,) float32: 1 / temperature,
    share of one loss in the mean, scale, bias. adam_rate: what ``corrected`` returned. scratch: one worker's part of Scratch.
    gradient: overwritten. sums (3,) float64: overwritten with loss, derivatives by scale and bias, before the share.
    """
    dim, width, n_docs, n_queries = shape[0], shape[1], shape[2], shape[3]
    first, second = moments
    rate, epsilon = adam_rate
    sheet, turned, slopes, weighted, work, factor = scratch
    none, one, across = _I(0), _I(1), _I(BLOCK)
    gradient[:] = _F(0.0)
    sums[:] = 0.0
    for block in range(begin, end):
        at = block * dim * BLOCK
        n_real = min(BLOCK, n_queries - block * BLOCK)
        scores(docs, width, dim, queries, block, n_docs, sheet)
        if objective == INFONCE:
            sums[0] += infonce(sheet, n_docs, indptr, members, block * BLOCK, n_real, setting[0], setting[1], factor, work)
        elif objective == FOOTNOTE:
            sums[0] += footnote(sheet, n_docs, indptr, members, block * BLOCK, n_real, setting[0], setting[1], factor, work)
        else:
            sigmoid(sheet, n_docs, indptr, members, block * BLOCK, n_real, setting[2], setting[3], setting[1], factor, work, sums)
        product(docs, none, width, one, sheet, none, across, slopes, none, across, dim, _I(BLOCK // WIDTH), n_docs, none)
        for lane in range(0, BLOCK, WIDTH):
            scale = load(factor, lane)
            for c in range(dim):
                store(weighted, c * BLOCK + lane, load(queries, at + c * BLOCK + lane) * scale)
        transpose(sheet, BLOCK, turned, width, width, BLOCK)
        product(weighted, none, across, one, turned, none, width, gradient, none, width, dim, width // WIDTH, across, one)
        adam(queries, first, second, at, BLOCK, BLOCK // WIDTH, dim, slopes, 0, BLOCK, factor, rate, epsilon)


@nb.njit(nogil=True)
def sum_strips(gradients, into):
    """``into`` (size,) = the strips' gradients (strips, size), added in order."""
    strips, size = gradients.shape
    for i in range(0, size, WIDTH):
        total = load(gradients, i)
        for s in range(1, strips):
            total = total + load(gradients, s * size + i)
        store(into, i, total)


@nb.njit(nogil=True)
def strip_hits(shape, docs, queries, indptr, members, begin, end, sheet, counted, hits, strip):
    """``hits[strip]`` = relevant documents among the first |S| of their query, for the queries of blocks ``begin`` to ``end``.

    The r-th best relevant document (r = 0, 1, ...) is among them when at most |S| - 1 - r irrelevant ones score as much:
    among equal scores the irrelevant come first. counted (BLOCK,) float32: scratch.
    """
    dim, width, n_docs, n_queries = shape[0], shape[1], shape[2], shape[3]
    hits[strip] = 0
    for block in range(begin, end):
        first = block * BLOCK
        n_real = min(BLOCK, n_queries - first)
        scores(docs, width, dim, queries, block, n_docs, sheet)
        most = 0
        for q in range(n_real):
            most = max(most, indptr[first + q + 1] - indptr[first + q])
        ranked = np.full(most * BLOCK, _F(np.inf), _F)  # (most, BLOCK): scores of the relevant documents, best first
        for q in range(n_real):
            for place, p in enumerate(range(indptr[first + q], indptr[first + q + 1])):
                at = members[p] * BLOCK + q
                value, sheet[at] = sheet[at], _F(-np.inf)
                while place > 0 and ranked[(place - 1) * BLOCK + q] < value:
                    ranked[place * BLOCK + q] = ranked[(place - 1) * BLOCK + q]
                    place -= 1
                ranked[place * BLOCK + q] = value
        for r in range(most):
            for lane in range(0, BLOCK, WIDTH):
                need = load(ranked, r * BLOCK + lane)
                count = splat(_F(0.0))
                for at in range(lane, n_docs * BLOCK, BLOCK):
                    count = count + where_at_least(load(sheet, at), need, splat(_F(1.0)), splat(_F(0.0)))
                store(counted, lane, count)
            for q in range(n_real):
                size = indptr[first + q + 1] - indptr[first + q]
                hits[strip] += r < size and counted[q] <= size - 1 - r
