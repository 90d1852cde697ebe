"""Many steps of the protocol in one call of compiled code: update, patience, count of the hits."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import numba as nb
import numpy as np

from limitlab.free.kernels import SIGMOID, adam, corrected, strip_hits, strip_step, sum_strips
from limitlab.free.state import (
    ALL_HIT,
    BEST,
    BLOCK,
    EPSILON,
    GOING,
    KEEP_FIRST,
    KEEP_SECOND,
    LAST_STEP,
    LOSS,
    NO_GAIN,
    NOT_FINITE,
    POINTS,
    SINCE,
    STEP,
    STOP,
    WIDTH,
)


@nb.njit(nogil=True, inline="always")
def _worker_step(run, plan, setting, adam_rate, scratch, worker, workers):
    blocks, strips = (run.shape[3] + BLOCK - 1) // BLOCK, scratch.hits.size
    space = (
        scratch.sheet[worker], scratch.turned[worker], scratch.slopes[worker], scratch.weighted[worker], scratch.work[worker],
        scratch.factor[worker],
    )  # fmt: skip
    for s in range(worker, strips, workers):
        strip_step(
            run.shape, run.docs, run.queries, (run.queries_first, run.queries_second), run.indptr, run.members, plan.objective, setting,
            s * blocks // strips, (s + 1) * blocks // strips, adam_rate, space, scratch.gradients[s], scratch.sums[s],
        )  # fmt: skip


@nb.njit(nogil=True, inline="always")
def _worker_hits(run, scratch, worker, workers):
    blocks, strips = (run.shape[3] + BLOCK - 1) // BLOCK, scratch.hits.size
    for s in range(worker, strips, workers):
        begin, end = s * blocks // strips, (s + 1) * blocks // strips
        # The count is stored by the function itself: numba drops assignments to an array in a tuple from parallel loops.
        strip_hits(
            run.shape, run.docs, run.queries, run.indptr, run.members, begin, end, scratch.sheet[worker], scratch.factor[worker],
            scratch.hits, s,
        )  # fmt: skip


@nb.njit(nogil=True, parallel=True)
def _workers_step(run, plan, setting, adam_rate, scratch, workers):
    for worker in nb.prange(workers):
        _worker_step(run, plan, setting, adam_rate, scratch, worker, workers)


@nb.njit(nogil=True, parallel=True)
def _workers_hits(run, scratch, workers):
    for worker in nb.prange(workers):
        _worker_hits(run, scratch, worker, workers)


@nb.njit(nogil=True)
def _begin(run, plan, setting):
    """The step's number, Adam's corrected rate and epsilon; fills ``setting`` for the strips."""
    run.counts[STEP] += 1
    setting[0] = plan.inverse_temperature
    setting[1] = plan.share
    setting[2] = run.learnt[0, 0]
    setting[3] = run.learnt[1, 0]
    return corrected(run.counts[STEP], plan.learning_rate)


@nb.njit(nogil=True)
def _end(run, plan, scratch, adam_rate):
    """Update documents, scale and bias; keep the patience rule. Returns a code."""
    dim, width = run.shape[0], run.shape[1]
    rate, epsilon = adam_rate
    sum_strips(scratch.gradients, scratch.gradient)
    adam(run.docs, run.docs_first, run.docs_second, 0, width, width // WIDTH, dim, scratch.gradient, 0, width, scratch.ones, rate, epsilon)
    total = np.zeros(3)
    for s in range(scratch.sums.shape[0]):
        total += scratch.sums[s]
    if plan.objective == SIGMOID:
        step = run.counts[STEP]
        for i in range(2):
            slope = total[1 + i] * plan.share
            run.learnt[i, 1] = KEEP_FIRST * run.learnt[i, 1] + (1.0 - KEEP_FIRST) * slope
            run.learnt[i, 2] = KEEP_SECOND * run.learnt[i, 2] + (1.0 - KEEP_SECOND) * slope * slope
            root = np.sqrt(run.learnt[i, 2] / (1.0 - KEEP_SECOND**step))
            run.learnt[i, 0] -= plan.learning_rate * run.learnt[i, 1] / (1.0 - KEEP_FIRST**step) / (root + EPSILON)
    loss = total[0] * plan.share
    run.losses[LOSS] = loss
    if not np.isfinite(loss):
        return NOT_FINITE
    if loss < run.losses[BEST] - plan.min_delta:
        run.losses[BEST] = loss
        run.counts[SINCE] = 0
    else:
        run.counts[SINCE] += 1
    if run.counts[SINCE] >= plan.patience:
        return NO_GAIN
    return LAST_STEP if run.counts[STEP] >= plan.max_steps else GOING


@nb.njit(nogil=True)
def _note(run, scratch, code):
    """Add a point to the curve; ALL_HIT when nothing is missing, otherwise the code that was given."""
    hits = scratch.hits.sum()
    point = run.counts[POINTS]
    run.curve[point, 0] = run.counts[STEP]
    run.curve[point, 1] = run.losses[LOSS]
    run.curve[point, 2] = hits
    run.counts[POINTS] = point + 1
    return ALL_HIT if hits == run.members.size else code


def _built_from() -> str:
    """Digest of the sources that are compiled into the two functions below: numba looks at this file alone."""
    digest = hashlib.sha256()
    for name in ("elementary", "kernels", "lanes", "products", "sigmoid", "softmax", "state"):
        path = Path(__file__).with_name(f"{name}.py")
        digest.update(path.read_bytes() if path.exists() else b"")
    return digest.hexdigest()


def _compiled(built_from: str) -> tuple[Callable[..., int], Callable[..., int]]:
    """The two loops. What a function closes over is part of its key in numba's cache, so they mention ``built_from``."""

    @nb.njit(cache=True, nogil=True)
    def advance_alone(run, plan, scratch, steps):
        _ = built_from
        setting = np.empty(4, np.float32)
        for _step in range(steps):
            adam_rate = _begin(run, plan, setting)
            _worker_step(run, plan, setting, adam_rate, scratch, 0, 1)
            code = _end(run, plan, scratch, adam_rate)
            if code != NOT_FINITE and (code != GOING or run.counts[STEP] % plan.evaluate_every == 0):
                _worker_hits(run, scratch, 0, 1)
                code = _note(run, scratch, code)
            if code != GOING or run.counts[STOP] != 0:
                return code
        return GOING

    @nb.njit(cache=True, nogil=True)
    def advance_together(run, plan, scratch, steps):
        _ = built_from
        setting = np.empty(4, np.float32)
        workers = scratch.sheet.shape[0]
        for _step in range(steps):
            adam_rate = _begin(run, plan, setting)
            _workers_step(run, plan, setting, adam_rate, scratch, workers)
            code = _end(run, plan, scratch, adam_rate)
            if code != NOT_FINITE and (code != GOING or run.counts[STEP] % plan.evaluate_every == 0):
                _workers_hits(run, scratch, workers)
                code = _note(run, scratch, code)
            if code != GOING or run.counts[STOP] != 0:
                return code
        return GOING

    return advance_alone, advance_together


# advance_alone(run, plan, scratch, steps): up to ``steps`` steps in this thread; returns how it ended, GOING when all were
# taken or another thread has set Run.counts[STOP]. advance_together: the same, bit for bit, each step's strips dealt to as many threads as ``scratch`` has workers.
advance_alone, advance_together = _compiled(_built_from())
