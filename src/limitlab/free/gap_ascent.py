"""Ascent of the least gap over documents alone: every set's best query is solved exactly at every step.

For fixed documents the best gap of a set is the distance between two convex hulls. Its derivative by a document is that
document's signed weight in the shortest vector between them times the unit query [Danskin1967]; no query is a variable.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from limitlab.free.problem import FreeProblem
from limitlab.search import separate

_SOFT, _SHARP = 0.3, 0.002  # temperature of the soft minimum over sets, as a share of the least gap, falling geometrically
_RATE = 0.1  # Adam's first rate, as a share of the least gap: a step must not close it
_EVERY = 10  # steps between two solves of all sets; between them only those near the least gap
_NEAR = 15.0  # temperatures above the least gap beyond which a set weighs less than 1e-6
_FIRST, _SECOND = 0.9, 0.99  # Adam's
_TOLERANCE = 1e-9


@dataclass(frozen=True)
class Height:
    """Documents, their least gap over all sets, and the steps taken until then."""

    docs: np.ndarray
    gap: float
    step: int


def ascend(problem: FreeProblem, docs: np.ndarray, *, steps: int, deadline: float = math.inf) -> Iterator[Height]:
    """Yields the best documents so far, once at the start and after every solve of all sets.

    Ends at once when some set is not separable: its distance is zero and has no slope.

    Parameters
    ----------
    docs
        (n_docs, dim) float64, unit rows.
    steps
        Steps at most, >= 1.
    deadline
        ``time.perf_counter()`` value after which the temperature is taken to its end at once: the pace of the steps so far
        decides how many more there are.
    """
    best, state = Height(docs, -np.inf, 0), _Adam(docs.shape)
    rate, step, began = _RATE, 0, time.perf_counter()
    while True:
        found = _solved(problem, docs)
        least = float(found.gaps.min())
        if least > best.gap:
            best = Height(docs, least, step)
        elif least < 0.5 * best.gap:  # a step closed the gap: back, and more carefully
            docs, state, rate = best.docs, _Adam(docs.shape), 0.5 * rate
            found = _solved(problem, docs)
        yield Height(best.docs, best.gap, step)
        if step >= steps or best.gap <= 0.0:
            return
        if step and math.isfinite(deadline):
            left = (deadline - time.perf_counter()) / ((time.perf_counter() - began) / step)
            steps = min(steps, step + max(0, int(left)))
            if step >= steps:
                return
        near = np.flatnonzero(found.gaps <= found.gaps.min() + _NEAR * _temperature(step, steps, best.gap))
        gaps, queries, weights = found.gaps[near], found.queries[near], found.weights[near]
        for _ in range(min(_EVERY, steps - step)):
            share = np.exp(-(gaps - gaps.min()) / _temperature(step, steps, best.gap))
            slope = weights.T @ (queries * (share / share.sum())[:, None])
            docs = state.moved(docs, slope, rate * best.gap * (1.0 - step / (steps + 1)))
            step += 1
            found = _solved(problem, docs, near)
            gaps, queries, weights = found.gaps, found.queries, found.weights


def _temperature(step: int, steps: int, gap: float) -> float:
    return gap * _SOFT * (_SHARP / _SOFT) ** (step / steps)


def _solved(problem: FreeProblem, docs: np.ndarray, rows: np.ndarray | None = None):
    if rows is None:
        indptr, members = problem.indptr, problem.members
    else:
        counts = np.diff(problem.indptr)[rows]
        indptr = np.concatenate([[0], np.cumsum(counts)])
        members = problem.members[np.arange(indptr[-1]) + np.repeat(problem.indptr[rows] - indptr[:-1], counts)]
    return separate(docs, (indptr, members), tolerance=_TOLERANCE, with_weights=True)


class _Adam:
    """Moments of unit rows that move along the sphere."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        self._first, self._second, self._step = np.zeros(shape), np.zeros(shape), 0

    def moved(self, docs: np.ndarray, slope: np.ndarray, rate: float) -> np.ndarray:
        """Uphill by about ``rate`` a coordinate, back to unit length."""
        slope = slope - np.einsum("ij,ij->i", slope, docs)[:, None] * docs
        self._step += 1
        self._first = _FIRST * self._first + (1 - _FIRST) * slope
        self._second = _SECOND * self._second + (1 - _SECOND) * slope**2
        first, second = self._first / (1 - _FIRST**self._step), self._second / (1 - _SECOND**self._step)
        moved = docs + rate * first / (np.sqrt(second) + 1e-12)
        return moved / np.sqrt(np.einsum("ij,ij->i", moved, moved))[:, None]
