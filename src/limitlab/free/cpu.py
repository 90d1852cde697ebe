"""One optimisation on the CPU, advanced a slice of steps at a time so that Python stays in charge."""

from __future__ import annotations

import threading
import time
from contextlib import nullcontext

import numpy as np

from limitlab.free.config import FreeConfig
from limitlab.free.problem import FreeProblem
from limitlab.free.state import LOSS, POINTS, STEP, STOP, Run, Scratch, new_run, new_scratch, plan_of, vectors, with_points

SLICE_SECONDS = 0.2  # between two looks at Ctrl-C and the progress bar
_TRIAL_SECONDS = 0.02  # of the way of working that was slower when it was last tried
_TRY_AGAIN = 16  # slices
_FIRST_PACE = 1e-10  # seconds a multiplication, before anything was measured
_ONE_AT_A_TIME = threading.Lock()  # numba's simplest thread pool ends the process when two threads use it at once


class CpuOptimisation:
    """Vectors, moments and position of one problem.

    Parameters
    ----------
    problem, config
        Objective infonce, footnote or sigmoid.
    """

    def __init__(self, problem: FreeProblem, config: FreeConfig) -> None:
        self._problem, self._dim = problem, config.dim
        self._plan = plan_of(problem, config)
        self._run: Run = new_run(problem, config.dim)
        self._scratch: dict[int, Scratch] = {}
        self._pace: dict[int, float] = {}  # seconds a step, by number of threads
        self._slices = 0
        self.seconds = 0.0

    @property
    def step(self) -> int:
        """Steps taken."""
        return int(self._run.counts[STEP])

    @property
    def loss(self) -> float:
        """The loss that the last step started from."""
        return float(self._run.losses[LOSS])

    def curve(self) -> tuple[tuple[int, float, int], ...]:
        """(step, loss, hits) at every evaluation so far."""
        return tuple((int(step), float(loss), int(hits)) for step, loss, hits in self._run.curve[: int(self._run.counts[POINTS])])

    def vectors(self) -> tuple[np.ndarray, np.ndarray]:
        """Documents (n_docs, dim) and queries (n_queries, dim), float32."""
        return vectors(self._run)

    def stop(self) -> None:
        """Make an ``advance`` that another thread is in return after the step it is at."""
        self._run.counts[STOP] = 1

    def advance(self, *, threads: int = 1) -> int:
        """About SLICE_SECONDS of steps; returns how they ended (a code of ``state``).

        More threads change the time, no bit of the result. Threads that share a step wait for each other twice a step;
        where other programs hold a core, one thread alone is faster. Both are timed, and the faster taken.
        """
        threads, seconds = self._way(threads)
        pace = self._pace.get(threads) or _FIRST_PACE * work_of(self._problem, self._dim) + 1e-6
        return self._slice(threads, max(1, int(seconds / pace)))

    def _way(self, threads: int) -> tuple[int, float]:
        """Threads for the next slice, and about how long it may last."""
        self._slices += 1
        for ways in (threads, 1):
            if ways not in self._pace:
                return ways, _TRIAL_SECONDS
        faster, slower = sorted((1, threads), key=lambda way: self._pace[way])
        if threads > 1 and self._slices % _TRY_AGAIN == 0:
            return slower, _TRIAL_SECONDS
        return faster, SLICE_SECONDS

    def _slice(self, threads: int, steps: int) -> int:
        from limitlab.free import loop

        if threads not in self._scratch:
            self._scratch[threads] = new_scratch(self._problem, self._dim, workers=threads)
        scratch = self._scratch[threads]
        steps = min(steps, self._plan.max_steps - self.step)
        self._run = with_points(self._run, steps // self._plan.evaluate_every + 2)
        advance = loop.advance_alone if threads == 1 else loop.advance_together
        with _ONE_AT_A_TIME if threads > 1 else nullcontext():
            if threads not in self._pace:
                advance(self._run, self._plan, scratch, 0)  # compile, or read from numba's cache, before the clock runs
            before, start = self.step, time.perf_counter()
            code = int(advance(self._run, self._plan, scratch, steps))
            taken = time.perf_counter() - start
        self.seconds += taken
        self._pace[threads] = max(1e-7, taken / (self.step - before))
        return code


def work_of(problem: FreeProblem, dim: int) -> int:
    """Multiplications of one step's three products."""
    return 3 * problem.n_queries * problem.n_docs * dim
