"""Free embeddings: optimise documents and queries directly on a relevance matrix."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import replace
from itertools import islice
from typing import Protocol

import numpy as np

from limitlab._core.errors import InvalidArgument, ShapeError
from limitlab._core.progress import SILENT, Progress
from limitlab._core.provenance import cores
from limitlab._core.status import Status
from limitlab.free.config import FreeConfig
from limitlab.free.counting import count_hits
from limitlab.free.cpu import CpuOptimisation, work_of
from limitlab.free.objectives import LEARNT
from limitlab.free.problem import FreeProblem, memory_limit
from limitlab.free.result import FreeResult
from limitlab.free.state import ALL_HIT, GOING, NO_GAIN, NOT_FINITE
from limitlab.relevance import RelevanceMatrix

_SHARED_FROM = 1_000_000  # multiplications a step from which two threads gain more than they lose waiting for each other
_GPU_FROM = 50_000_000  # and from which a GPU gains more than its launches cost


class Optimisation(Protocol):
    """What the CPU and the GPU path have in common."""

    @property
    def step(self) -> int: ...

    @property
    def loss(self) -> float: ...

    @property
    def seconds(self) -> float: ...

    def curve(self) -> tuple[tuple[int, float, int], ...]: ...

    def vectors(self) -> tuple[np.ndarray, np.ndarray]: ...

    def advance(self, *, threads: int = 1) -> int: ...

    def stop(self) -> None: ...


def free_embed(problem: FreeProblem | RelevanceMatrix, config: FreeConfig, *, progress: Progress = SILENT) -> FreeResult:
    """Optimise one vector a document and one a query until every query has its relevant documents on top.

    The protocol of the paper: standard normal unit vectors, full-batch Adam, rows scaled back to unit length after every
    update. It ends when an evaluation finds all relevant documents on top (confirmed in float64, beyond rounding), when the
    loss has not improved by ``min_delta`` for ``patience`` steps, or after ``max_steps``.

    Parameters
    ----------
    problem
        A FreeProblem starts from its own seed, a RelevanceMatrix from ``config.seed``.
    config
        Objective infonce, footnote or sigmoid. ``config.seed`` is not used for a FreeProblem.

    Returns
    -------
    FreeResult: SOLVED, NOT_SOLVED (no proof of impossibility), or FAILED when the loss is not a number any more (the message
    names the step; no vectors). The same problem and config give the same bytes on the CPU, with any number of threads.

    Raises
    ------
    InvalidArgument
        The objective is ``gap``, which this loop does not maximise.
    TooLarge
        Vectors and scratch space do not fit into memory; nothing has been allocated.
    MissingExtra
        ``config.device`` is cuda and PyTorch is not installed.

    References
    ----------
    [Weller2025], [Bangachev2026]

    Examples
    --------
    >>> from limitlab.free.config import FreeConfig
    >>> free_embed(FreeProblem.all_subsets(6, 2), FreeConfig(dim=4)).solved
    True
    """
    if isinstance(problem, RelevanceMatrix):
        problem = FreeProblem.from_relevance(problem, seed=config.seed)
    return free_embed_many([problem], config, progress=progress)[0]


def free_embed_many(
    problems: Sequence[FreeProblem],
    config: FreeConfig,
    *,
    progress: Progress = SILENT,
    on_result: Callable[[int, FreeResult], None] | None = None,
) -> list[FreeResult]:
    """Optimise several problems with one config: one a core while there are enough, then all cores on what is left.

    Every result is bit for bit that of ``free_embed`` for its problem alone.

    Parameters
    ----------
    problems
        They may differ in documents, relevance and seed; ``config.seed`` is not used.
    on_result
        Called with (index, result) in this thread as soon as a problem is finished, the largest problems first.

    Raises
    ------
    InvalidArgument, TooLarge, MissingExtra
        As ``free_embed``, before anything runs. KeyboardInterrupt passes through; what ``on_result`` has seen is complete.
    """
    who = "free_embed_many()"
    problems = list(problems)
    if config.objective not in LEARNT:
        raise InvalidArgument(
            f"{who}: objective must be one of {', '.join(LEARNT)}; got {config.objective!r}, which is maximised elsewhere."
        )
    for problem in problems:
        if not isinstance(problem, FreeProblem):
            raise ShapeError(f"{who}: problems must be FreeProblem; got {type(problem).__name__}. Use FreeProblem.from_relevance().")
        problem.check_memory(who, config.dim)
    results: dict[int, FreeResult] = {}
    with progress.task(f"free embeddings, d = {config.dim}", len(problems)) as bar:
        for index, result in _finished(problems, config):
            results[index] = result
            if on_result is not None:
                on_result(index, result)
            bar.advance(1)
    return [results[index] for index in range(len(problems))]


def device_for(problem: FreeProblem, config: FreeConfig) -> str:
    """Where a problem is optimised: ``auto`` takes a GPU when PyTorch sees one and the problem is large enough to gain by it."""
    if config.device != "auto":
        return config.device
    if work_of(problem, config.dim) < _GPU_FROM:
        return "cpu"
    from limitlab.free.gpu import gpu_available

    return "cuda" if gpu_available() else "cpu"


def shareable(problem: FreeProblem, dim: int) -> bool:
    """Whether threads that share every step gain more than they lose waiting for each other."""
    return work_of(problem, dim) >= _SHARED_FROM


def _finished(problems: Sequence[FreeProblem], config: FreeConfig) -> Iterator[tuple[int, FreeResult]]:
    """(index, result) in the order in which problems end, the largest begun first."""
    order = sorted(range(len(problems)), key=lambda i: -work_of(problems[i], config.dim))
    devices = {i: device_for(problems[i], config) for i in order}
    for index in (i for i in order if devices[i] != "cpu"):
        job, result = _Job(problems[index], config, devices[index]), None
        while result is None:
            result = job.advance()
        yield index, result
    yield from _on_cpu(problems, [i for i in order if devices[i] == "cpu"], config)


def _on_cpu(problems: Sequence[FreeProblem], order: Sequence[int], config: FreeConfig) -> Iterator[tuple[int, FreeResult]]:
    """One problem a core, slice by slice; what is left in the end, if it is large, on all cores one after another.

    Threads that work on different problems never wait for each other: that is preferred while it keeps most cores busy.
    """

    def in_use(indices: Iterable[int], most: int | None = None) -> int:
        return sum(problems[i].memory_bytes(config.dim) for i in islice(indices, most))

    threads = cores()
    waiting, active = deque(order), dict[int, _Job]()
    flying: dict[Future[FreeResult | None], int] = {}
    with ThreadPoolExecutor(threads) as apart, ThreadPoolExecutor(1) as together:
        try:
            while waiting or active:
                while waiting and len(active) < threads and (not active or in_use(active) + in_use(waiting, 1) <= memory_limit()):
                    index = waiting.popleft()
                    active[index] = _Job(problems[index], config, "cpu")
                if 2 * len(active) > threads or not any(job.shareable for job in active.values()):
                    for index in set(active).difference(flying.values()):
                        flying[apart.submit(active[index].advance)] = index
                elif not flying:
                    index = next(index for index, job in active.items() if job.shareable)
                    flying[together.submit(active[index].advance, threads=threads)] = index
                # This thread only waits, so that Ctrl-C reaches it at once.
                for future in wait(flying, return_when=FIRST_COMPLETED).done:
                    index, result = flying.pop(future), future.result()
                    if result is not None:
                        del active[index]
                        yield index, result
        finally:
            for job in active.values():
                job.stop()


class _Job:
    """One problem on its way to a result."""

    def __init__(self, problem: FreeProblem, config: FreeConfig, device: str) -> None:
        self._problem, self._config = problem, replace(config, seed=problem.seed, device=device)
        self._work: Optimisation
        if device == "cpu":
            self._work = CpuOptimisation(problem, config)
        else:
            from limitlab.free.gpu import GpuOptimisation

            self._work = GpuOptimisation(problem, config, device=device)
        self.shareable = shareable(problem, config.dim)

    def advance(self, *, threads: int = 1) -> FreeResult | None:
        """Some steps; the result when they were the last."""
        code = self._work.advance(threads=threads)
        if code == NOT_FINITE:
            return self._result(Status.FAILED, f"The loss is not finite at step {self._work.step:,}: {self._work.loss}.")
        return None if code == GOING else self._judged(code)

    def stop(self) -> None:
        """Make an ``advance`` in another thread return."""
        self._work.stop()

    def _judged(self, code: int) -> FreeResult | None:
        """SOLVED only when float64 confirms it; None when the hits were not all real and steps are left."""
        docs, queries = self._work.vectors()
        hits, gap = count_hits(self._problem, docs, queries)
        if math.isnan(gap):
            return self._result(Status.FAILED, f"The vectors are not finite after step {self._work.step:,}.")
        needed = self._problem.n_relevant
        found = (hits, gap, docs, queries)
        if hits == needed:
            return self._result(Status.SOLVED, f"All {needed:,} relevant documents on top after {self._work.step:,} steps.", found)
        if code == ALL_HIT and self._work.step < self._config.max_steps:
            return None
        why = (
            f"the loss had not improved by {self._config.min_delta:g} for {self._config.patience:,} steps"
            if code == NO_GAIN
            else "these were all steps allowed"
        )
        missing = f"{needed - hits:,} of {needed:,} relevant documents are not on top after {self._work.step:,} steps"
        return self._result(Status.NOT_SOLVED, f"{missing}; {why}. No proof of impossibility.", found)

    def _result(
        self, status: Status, message: str, found: tuple[int, float, np.ndarray | None, np.ndarray | None] = (0, math.nan, None, None)
    ) -> FreeResult:
        problem, curve = self._problem, self._work.curve()
        hits, gap, docs, queries = found
        if curve and curve[-1][0] == self._work.step and docs is not None:
            curve = (*curve[:-1], (curve[-1][0], curve[-1][1], hits))  # the count that decided
        return FreeResult(
            status=status,
            message=message,
            n_docs=problem.n_docs,
            n_queries=problem.n_queries,
            k=problem.k,
            dim=self._config.dim,
            hits=hits,
            n_relevant=problem.n_relevant,
            gap=gap,
            steps=self._work.step,
            loss=self._work.loss,
            seconds=self._work.seconds,
            curve=curve,
            docs=docs,
            queries=queries,
            config=self._config.to_dict(),
        )
