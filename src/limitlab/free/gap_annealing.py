"""The smooth worst gap under falling temperature, advanced a slice of steps at a time."""

from __future__ import annotations

import time

import numpy as np

from limitlab._core.provenance import cores
from limitlab.free.cpu import work_of
from limitlab.free.problem import FreeProblem
from limitlab.free.state import BLOCK, LOSS, STEP, Scratch, new_run, new_scratch, vectors

HOT, COLD = 0.2, 0.0005  # temperatures, falling geometrically; a way of more than 2 / COLD steps ends at 2 / steps
_SHARED_FROM = 1_000_000  # multiplications a step from which two threads may gain more than they lose waiting for each other
_SLICE_SECONDS = 0.2  # between two looks at Ctrl-C and the clock
_TRIAL_SECONDS = 0.02  # of each way of working before the faster is kept


class Annealing:
    """Documents and queries on their way from ``HOT`` to ``COLD`` or less, Adam's rate on a cosine to zero.

    Parameters
    ----------
    problem
        The relevance.
    docs
        (n_docs, dim), unit rows. Queries start at the sums of their documents.
    steps
        Of the whole way, >= 1.
    learning_rate
        Adam's first rate.
    """

    def __init__(self, problem: FreeProblem, docs: np.ndarray, steps: int, *, learning_rate: float) -> None:
        dim = docs.shape[1]
        self._problem, self._dim = problem, dim
        self._run = new_run(problem, dim)
        self._run.docs.reshape(dim, -1)[:, : problem.n_docs] = docs.T
        blocks = self._run.queries.reshape(-1, dim, BLOCK)
        rows = blocks.transpose(0, 2, 1).reshape(-1, dim)
        rows[: problem.n_queries] = sum_queries(problem, docs)
        blocks[:] = rows.reshape(-1, BLOCK, dim).transpose(0, 2, 1)
        self._schedule = np.array([HOT, min(COLD, 2.0 / steps), learning_rate, steps])
        self._scratch: dict[int, Scratch] = {}
        self._pace: dict[int, float] = {}  # seconds a step, by number of threads
        many = cores() if work_of(problem, dim) >= _SHARED_FROM else 1
        self._ways = sorted({1, many})
        self.steps = steps

    @property
    def step(self) -> int:
        """Steps taken."""
        return int(self._run.counts[STEP])

    @property
    def loss(self) -> float:
        """The loss that the last step started from."""
        return float(self._run.losses[LOSS])

    def pace(self) -> float:
        """Seconds a step; some are taken where none was timed yet."""
        while not self._pace:
            self.advance()
        return min(self._pace.values())

    def shorten(self, steps: int) -> None:
        """Reach the end after ``steps`` in all, where that is sooner."""
        self.steps = max(self.step, min(self.steps, steps))
        self._schedule[3] = self.steps

    def vectors(self) -> tuple[np.ndarray, np.ndarray]:
        """Documents (n_docs, dim) and queries (n_queries, dim), float32."""
        return vectors(self._run)

    def advance(self) -> bool:
        """Some steps, as many threads as are faster (they change no bit); False when the loss is not finite."""
        from limitlab.free.gap_kernels import advance

        untried = [way for way in self._ways if way not in self._pace]
        threads = untried[0] if untried else min(self._pace, key=self._pace.__getitem__)
        if threads not in self._scratch:
            self._scratch[threads] = new_scratch(self._problem, self._dim, workers=threads)
            advance(self._run, self._scratch[threads], self._schedule, 0)  # compile, or read from numba's cache
        guess = 1e-10 * work_of(self._problem, self._dim) + 1e-5
        steps = int(_TRIAL_SECONDS / guess if untried else _SLICE_SECONDS / self._pace[threads])
        steps = max(1, min(steps, self.steps - self.step))
        start = time.perf_counter()
        finite = advance(self._run, self._scratch[threads], self._schedule, steps)
        self._pace[threads] = max(1e-7, (time.perf_counter() - start) / steps)
        return bool(finite)


def sum_queries(problem: FreeProblem, docs: np.ndarray) -> np.ndarray:
    """Unit sums of the relevant documents, (n_queries, dim) float64; the first axis where a sum is zero."""
    sums = np.add.reduceat(np.asarray(docs, np.float64)[problem.members], problem.indptr[:-1], axis=0)
    norms = np.sqrt(np.einsum("ij,ij->i", sums, sums))
    sums[norms == 0.0, 0] = 1.0
    return sums / np.where(norms == 0.0, 1.0, norms)[:, None]
