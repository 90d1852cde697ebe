"""The way to a large least gap: spreading, annealing and ascent in turn, every check counted exactly in float32."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass

import numpy as np

from limitlab._core.seeds import derived
from limitlab._core.status import Status
from limitlab.free.config import FreeConfig
from limitlab.free.counting import count_hits
from limitlab.free.gap_annealing import Annealing, sum_queries
from limitlab.free.gap_ascent import ascend
from limitlab.free.problem import FreeProblem
from limitlab.free.result import FreeResult
from limitlab.search import separate

_SPREAD_STEPS, _SPREAD_POWER, _SPREAD_RATE = 20, 8, 0.1
_FIRST_ROUND, _LONG_ROUND, _GROWTH = 125, 4_000, 4  # steps of the first annealing (solved, best); each other is longer
_ASCENT = 400  # steps
_WORTH = 0.05  # growth of the least gap in one ascent from a given start, above which another follows
_ANNEALING_SHARE = 0.4  # of the time that is left, where time is limited
_ENOUGH = 1e-3  # a gap at which a query is good enough where the best is not asked for; rounding to float32 cannot close it


@dataclass(frozen=True)
class Judged:
    """Vectors in float32 and what they hold, counted exactly."""

    docs: np.ndarray
    queries: np.ndarray
    hits: int
    gap: float


class GapSearch:
    """One maximisation: the steps taken, every check, and the best vectors so far.

    Parameters
    ----------
    problem, config
        config: dim, learning_rate, max_steps and seed count.
    best
        Whether to go on once every set is right.
    seconds
        Time allowed, or None.
    bar
        Is told of steps.
    """

    def __init__(self, problem: FreeProblem, config: FreeConfig, *, best: bool, seconds: float | None, bar) -> None:
        self._problem, self._config, self._for_best, self._bar = problem, config, best, bar
        self._began = time.perf_counter()
        self._deadline = math.inf if seconds is None else self._began + seconds
        self._steps = 0
        self._curve: list[tuple[int, float, int]] = []
        self._best: Judged | None = None
        self._starts = 1
        self._broken = False  # the loss is not finite

    def run(self, docs: np.ndarray, *, random: bool) -> FreeResult:
        """From these documents to a result; with ``random`` they are spread first, and other starts follow in time left."""
        while True:
            right = self._arranged(docs, random)
            if right is not None and self._for_best:
                gain = self._climb(right)
                while gain > _WORTH and not random and self._left() > 0 and not self._late() and self._best is not None:
                    gain = self._climb(unit_rows(self._best.docs))
            timed = random and self._for_best and math.isfinite(self._deadline)
            if self._broken or not timed or self._late() or self._left() <= 0:
                return self._result()
            docs = self._another(docs)

    def _arranged(self, docs: np.ndarray, random: bool) -> np.ndarray | None:
        """Documents whose every set is right, or None. Those of a random start are annealed even so when the best is asked for."""
        right = docs if (self._for_best or not random) and self._judge(docs) else None
        if random:
            docs = self._spread(docs)
            right = docs if self._judge(docs) else right
        if right is not None and not (random and self._for_best):
            return right
        annealed = self._annealed(docs, random)
        return right if annealed is None else annealed

    def _spread(self, docs: np.ndarray) -> np.ndarray:
        from limitlab.free.gap_kernels import spread

        steps, moved = min(_SPREAD_STEPS, self._left()), docs.copy()
        spread(moved, steps, _SPREAD_POWER, _SPREAD_RATE)
        self._count(steps)
        return moved

    def _another(self, docs: np.ndarray) -> np.ndarray:
        """Other random documents."""
        self._starts += 1
        return unit_rows(derived(self._config.seed, "gap", self._starts).standard_normal(docs.shape))

    def _annealed(self, docs: np.ndarray, random: bool) -> np.ndarray | None:
        """Rounds, each longer than the last, until every set is right; None where none gets there.

        A random start is replaced after each round: what keeps one or two sets wrong is often the arrangement it led to.
        """
        length = _LONG_ROUND if self._for_best else _FIRST_ROUND
        while self._left() > 0 and not self._late():
            way = Annealing(self._problem, docs, min(length, self._left()), learning_rate=self._config.learning_rate)
            if math.isfinite(self._deadline):
                share = _ANNEALING_SHARE if self._for_best else 1.0
                way.shorten(int(share * (self._deadline - time.perf_counter()) / way.pace()))
            while way.step < way.steps and not self._broken:
                self._broken = not way.advance()
            self._count(way.step)
            if self._broken:
                return None
            moved, queries = way.vectors()
            moved = unit_rows(moved)
            if self._judge(moved, queries):
                return moved
            length *= _GROWTH
            if random and self._left() > _SPREAD_STEPS:
                docs = self._spread(self._another(docs))
        return None

    def _climb(self, docs: np.ndarray) -> float:
        """Ascent from documents whose every set is right; returns by what share the least gap has grown."""
        before, first = 0, math.nan
        for height in ascend(self._problem, docs, steps=min(_ASCENT, self._left()), deadline=self._deadline):
            self._count(height.step - before)
            before = height.step
            first = height.gap if math.isnan(first) else first
            self._curve.append((self._steps, -height.gap, self._problem.n_relevant))
        self._judge(height.docs)
        return height.gap / first - 1.0

    def _judge(self, docs: np.ndarray, own: np.ndarray | None = None) -> bool:
        """Count documents with their best queries (``own`` where none separates); keep them if none were better."""
        single = unit_rows(docs).astype(np.float32)
        sets = (self._problem.indptr, self._problem.members)
        found = separate(single, sets, enough=None if self._for_best else _ENOUGH)
        none = ~found.queries.any(axis=1)
        queries = found.queries.astype(np.float32)
        if none.any():
            queries[none] = (sum_queries(self._problem, single) if own is None else own)[none]
        hits, gap = count_hits(self._problem, single, queries)
        self._curve.append((self._steps, -gap, hits))
        if self._best is None or (hits, gap) > (self._best.hits, self._best.gap):
            self._best = Judged(single, queries, hits, gap)
        return hits == self._problem.n_relevant

    def _left(self) -> int:
        return self._config.max_steps - self._steps

    def _late(self) -> bool:
        return time.perf_counter() >= self._deadline

    def _count(self, steps: int) -> None:
        self._steps += steps
        self._bar.advance(steps)

    def _result(self) -> FreeResult:
        problem, best = self._problem, self._best
        needed, steps = problem.n_relevant, f"after {self._steps:,} steps"
        if self._broken or best is None:
            status, message = Status.FAILED, f"The loss is not finite {steps}."
            best = Judged(np.zeros(0), np.zeros(0), 0, math.nan)
        elif best.hits == needed:
            status, message = Status.SOLVED, f"All {needed:,} relevant documents on top {steps}; least gap {best.gap:.4g}."
        else:
            why = "the time allowed was over" if self._late() else "these were all steps allowed"
            status = Status.NOT_SOLVED
            message = f"{needed - best.hits:,} of {needed:,} relevant documents are not on top {steps}; {why}. No proof of impossibility."
        kept = status is not Status.FAILED
        return FreeResult(
            status=status,
            message=message,
            n_docs=problem.n_docs,
            n_queries=problem.n_queries,
            k=problem.k,
            dim=self._config.dim,
            hits=best.hits,
            n_relevant=needed,
            gap=best.gap,
            steps=self._steps,
            loss=-best.gap,
            seconds=time.perf_counter() - self._began,
            curve=tuple(self._curve),
            docs=best.docs if kept else None,
            queries=best.queries if kept else None,
            config=self._config.to_dict(),
        )


def unit_rows(rows: np.ndarray) -> np.ndarray:
    """Rows scaled to unit length in float64; none may be zero."""
    rows = np.asarray(rows, np.float64)
    return rows / np.sqrt(np.einsum("ij,ij->i", rows, rows))[:, None]
