"""Compiled steps of the smooth worst gap, and of the spreading of documents before it.

The layout and the three products are those of ``kernels``; what differs is the loss, and that temperature and rate change
from step to step.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import numba as nb
import numpy as np

from limitlab.free.kernels import adam, corrected, scores, sum_strips
from limitlab.free.lanes import load, store
from limitlab.free.products import product, transpose
from limitlab.free.softmax import exponentials
from limitlab.free.state import BLOCK, LOSS, STEP, WIDTH

_F = np.float32
_I = np.intp
_NEVER = _F(-1e6)  # in place of a relevant document's score: its exponential among the others is below 1e-37


@nb.njit(nogil=True)
def gap_slopes(sheet, n_docs, indptr, members, first, n_real, steepness, share, factor, work):
    """Slopes of ``share`` times the sum over queries of softplus(lse_j s_j / T + lse_i -s_i / T); steepness = 1 / T.

    sheet: scores in; the slope of query q by the score of document j is ``sheet[j, q] * factor[q]`` out. The arguments are
    those of ``softmax.infonce``. Returns the sum of the losses, float64, without ``share``.
    """
    top, total, low, held = work[0], work[1], work[2], work[3]
    count = indptr[first + n_real] - indptr[first]
    relevant = np.empty(count, _F)
    for q in range(BLOCK):
        factor[q] = _F(0.0)
    for q in range(n_real):
        least = _F(np.inf)
        for p in range(indptr[first + q], indptr[first + q + 1]):
            at = members[p] * BLOCK + q
            value = sheet[at]
            relevant[p - indptr[first]] = value
            least = min(least, value)
            sheet[at] = _NEVER
        low[q] = least
        held[q] = _F(0.0)
        for p in range(indptr[first + q] - indptr[first], indptr[first + q + 1] - indptr[first]):
            relevant[p] = np.exp(steepness * (least - relevant[p]))
            held[q] += relevant[p]
    exponentials(sheet, n_docs, steepness, top, total)
    loss = 0.0
    for q in range(n_real):
        whole = max(total[q], _F(1e-37))
        z = np.float64(steepness) * (np.float64(top[q]) - np.float64(low[q])) + np.log(np.float64(whole)) + np.log(np.float64(held[q]))
        small = np.exp(-abs(z))
        loss += max(z, 0.0) + np.log1p(small)
        slope = (1.0 if z >= 0.0 else small) / (1.0 + small)
        factor[q] = _F(slope * steepness * share / whole)
        part = whole / held[q]
        for p in range(indptr[first + q], indptr[first + q + 1]):
            sheet[members[p] * BLOCK + q] = -relevant[p - indptr[first]] * part
    return loss


@nb.njit(nogil=True)
def _strip(shape, docs, queries, moments, indptr, members, steepness, share, begin, end, adam_rate, scratch, gradient, sums):
    """One step for the queries of blocks ``begin`` to ``end``, and their part of the documents' gradient."""
    dim, width, n_docs, n_queries = shape[0], shape[1], shape[2], shape[3]
    sheet, turned, slopes, weighted, work, factor = scratch
    none, one, across = _I(0), _I(1), _I(BLOCK)
    gradient[:] = _F(0.0)
    sums[:] = 0.0
    for block in range(begin, end):
        at = block * dim * BLOCK
        n_real = min(BLOCK, n_queries - block * BLOCK)
        scores(docs, width, dim, queries, block, n_docs, sheet)
        sums[0] += gap_slopes(sheet, n_docs, indptr, members, block * BLOCK, n_real, steepness, share, factor, work)
        product(docs, none, width, one, sheet, none, across, slopes, none, across, dim, _I(BLOCK // WIDTH), n_docs, none)
        for lane in range(0, BLOCK, WIDTH):
            scale = load(factor, lane)
            for c in range(dim):
                store(weighted, c * BLOCK + lane, load(queries, at + c * BLOCK + lane) * scale)
        transpose(sheet, BLOCK, turned, width, width, BLOCK)
        product(weighted, none, across, one, turned, none, width, gradient, none, width, dim, width // WIDTH, across, one)
        adam(queries, moments[0], moments[1], at, BLOCK, BLOCK // WIDTH, dim, slopes, 0, BLOCK, factor, adam_rate[0], adam_rate[1])


@nb.njit(nogil=True, inline="always")
def _worker(run, steepness, share, adam_rate, scratch, worker, workers):
    blocks, strips = (run.shape[3] + BLOCK - 1) // BLOCK, scratch.hits.size
    space = (
        scratch.sheet[worker], scratch.turned[worker], scratch.slopes[worker], scratch.weighted[worker], scratch.work[worker],
        scratch.factor[worker],
    )  # fmt: skip
    for s in range(worker, strips, workers):
        _strip(
            run.shape, run.docs, run.queries, (run.queries_first, run.queries_second), run.indptr, run.members, steepness, share,
            s * blocks // strips, (s + 1) * blocks // strips, adam_rate, space, scratch.gradients[s], scratch.sums[s],
        )  # fmt: skip


@nb.njit(nogil=True, parallel=True)
def _workers(run, steepness, share, adam_rate, scratch, workers):
    for worker in nb.prange(workers):
        _worker(run, steepness, share, adam_rate, scratch, worker, workers)


def _built_from() -> str:
    """Digest of the sources that are compiled in: numba looks at this file alone."""
    digest = hashlib.sha256()
    for name in ("elementary", "kernels", "lanes", "products", "softmax", "state"):
        digest.update(Path(__file__).with_name(f"{name}.py").read_bytes())
    return digest.hexdigest()


def _compiled(built_from: str) -> Callable[..., bool]:
    """The loop. What a function closes over is part of its key in numba's cache, so it mentions ``built_from``."""

    @nb.njit(cache=True, nogil=True)
    def advance(run, scratch, schedule, steps):
        _ = built_from
        dim, width = run.shape[0], run.shape[1]
        workers, share = scratch.sheet.shape[0], 1.0 / run.shape[3]
        temperature, cooled, rate, total = schedule[0], schedule[1], schedule[2], schedule[3]
        for _step in range(steps):
            run.counts[STEP] += 1
            step = run.counts[STEP]
            done = min(1.0, (step - 1) / total)
            steepness = _F(1.0 / (temperature * (cooled / temperature) ** done))
            adam_rate = corrected(step, rate * (0.5 + 0.5 * np.cos(np.pi * done)))
            if workers == 1:
                _worker(run, steepness, share, adam_rate, scratch, 0, 1)
            else:
                _workers(run, steepness, share, adam_rate, scratch, workers)
            sum_strips(scratch.gradients, scratch.gradient)
            adam(
                run.docs, run.docs_first, run.docs_second, 0, width, width // WIDTH, dim, scratch.gradient, 0, width, scratch.ones,
                adam_rate[0], adam_rate[1],
            )  # fmt: skip
            loss = 0.0
            for s in range(scratch.sums.shape[0]):
                loss += scratch.sums[s, 0]
            run.losses[LOSS] = loss * share
            if not np.isfinite(loss):
                return False
        return True

    return advance


# advance(run, scratch, schedule, steps): that many steps; False when the loss is not finite. schedule (4,) float64: first and
# last temperature, first rate of Adam, steps in all.
advance = _compiled(_built_from())


@nb.njit(cache=True, nogil=True, fastmath={"reassoc", "contract", "nsz"})
def spread(docs, steps, power, rate):
    """Turn documents away from each other and from each other's opposites: Adam on log sum_{i != j} <v_i, v_j>**power.

    docs (n, dim) float64, unit rows, changed in place; power even.
    """
    n, dim = docs.shape
    first, second, slope = np.zeros((n, dim)), np.zeros((n, dim)), np.zeros((n, dim))
    for step in range(1, steps + 1):
        slope[:] = 0.0
        total = 0.0
        for i in range(n):
            for j in range(i):
                cosine = 0.0
                for t in range(dim):
                    cosine += docs[i, t] * docs[j, t]
                weight = cosine ** (power - 1)
                total += weight * cosine
                for t in range(dim):
                    slope[i, t] += weight * docs[j, t]
                    slope[j, t] += weight * docs[i, t]
        now = rate * (1.0 - (step - 1) / steps)
        for i in range(n):
            along = 0.0
            for t in range(dim):
                along += slope[i, t] * docs[i, t]
            square = 0.0
            for t in range(dim):
                g = (slope[i, t] - along * docs[i, t]) / max(total, 1e-300)
                first[i, t] = 0.9 * first[i, t] + 0.1 * g
                second[i, t] = 0.99 * second[i, t] + 0.01 * g * g
                docs[i, t] -= now * first[i, t] / (np.sqrt(second[i, t]) + 1e-12)
                square += docs[i, t] * docs[i, t]
            for t in range(dim):
                docs[i, t] /= np.sqrt(square)
