r"""Maximise the worst gap: the best that free embeddings can reach, rather than what one loss at one temperature reaches.

Smooth worst gap of a query with scores ``s``, relevant set ``S``, temperature ``T``:
``softplus(log sum_{j not in S} exp(s_j / T) + log sum_{i in S} exp(-s_i / T))``, which tends to ``max(0, -gap / T)`` as T falls.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from limitlab._core.checks import choice, finite_rows, real, vectors, whole
from limitlab._core.errors import InvalidArgument, NotSolved, RangeError, ShapeError
from limitlab._core.progress import SILENT, Progress
from limitlab.free.config import ENDS, STARTS, FreeConfig
from limitlab.free.gap_search import GapSearch, unit_rows
from limitlab.free.problem import FreeProblem
from limitlab.free.result import FreeResult
from limitlab.relevance import RelevanceMatrix

WHO = "maximise_gap()"


def smooth_worst_gap(scores: np.ndarray, relevant: np.ndarray, temperature: float) -> tuple[float, np.ndarray]:
    """Mean over queries of the smooth worst gap, and its gradient by the scores: the definition that the kernels are tested against.

    Parameters
    ----------
    scores
        (n_queries, n_docs).
    relevant
        (n_queries, n_docs) bool; every row has a relevant and an irrelevant document.
    temperature
        ``T``, > 0.

    Returns
    -------
    loss, slopes
        The mean, and (n_queries, n_docs) its derivatives.
    """
    others = np.where(relevant, -np.inf, scores / temperature)
    own = np.where(relevant, -scores / temperature, -np.inf)
    top, low = others.max(axis=1, keepdims=True), own.max(axis=1, keepdims=True)
    above, below = np.exp(others - top), np.exp(own - low)
    above_sum, below_sum = above.sum(axis=1, keepdims=True), below.sum(axis=1, keepdims=True)
    z = top + np.log(above_sum) + low + np.log(below_sum)
    small = np.exp(-np.abs(z))
    loss = (np.maximum(z, 0.0) + np.log1p(small)).mean()
    outer = np.where(z >= 0, 1.0, small) / (1.0 + small) / (temperature * len(scores))
    return float(loss), outer * (above / above_sum - below / below_sum)


def maximise_gap(
    problem: int | FreeProblem | RelevanceMatrix,
    config: FreeConfig,
    *,
    k: int = 2,
    start: str | np.ndarray = "random",
    until: str = "solved",
    seconds: float | None = None,
    progress: Progress = SILENT,
) -> FreeResult:
    """Unit documents and queries whose least gap over all sets is positive, or as large as can be found.

    Documents from a random start are first turned away from each other for 20 steps. Where that is not enough, the smooth
    worst gap is annealed (temperature .2 to .0005 or less, Adam, queries from the sums of their documents), longer each time.
    Queries are then solved for the documents at hand (``separate``): to the max-margin query when the best is asked for, else
    until each gap is .001. The best end with an ascent over documents alone. All on the CPU.

    Parameters
    ----------
    problem
        Number of documents, all of whose k-subsets are asked for; or a FreeProblem (its own seed counts), or a RelevanceMatrix.
    config
        Objective gap. Used are dim, learning_rate, max_steps (of spreading, annealing and ascent together) and seed.
    k
        With a number of documents: size of the subsets.
    start
        random; trig: the trigonometric moment curve with frequencies 1 .. dim / 2 (dim >= 2 k); frame: documents of the
        certified harmonic frame with the largest gap that has as many; or (n_docs, dim) documents, which are normalised.
    until
        solved: ends as soon as every set is right, counted over all sets on float32 vectors. best: goes on to enlarge the
        least gap; never ends below its start.
    seconds
        About how long it may last; the schedule is shortened to fit, so the result depends on the machine's speed. With
        random starts and ``best``, time that is left goes to other starts (``max_steps`` counts for all). Default: no limit.

    Returns
    -------
    FreeResult whose ``loss`` is minus the least gap; SOLVED when every set is right. ``curve`` has a point for every check.

    Raises
    ------
    InvalidArgument
        The objective is not gap; ``start`` or ``until`` is unknown.
    RangeError, ShapeError
        Numbers or arrays that do not fit.
    NotSolved
        No certified frame has as many documents in ``dim`` dimensions.

    References
    ----------
    [Bangachev2026]
    """
    if config.objective != "gap":
        raise InvalidArgument(f"{WHO}: objective must be gap; got {config.objective!r}. Use free_embed() for the protocol's objectives.")
    problem = _problem(problem, k, config.seed)
    choice(WHO, "until", until, ENDS)
    if seconds is not None:
        seconds = real(WHO, "seconds", seconds, low=0.0)
    problem.check_memory(WHO, config.dim)
    docs = _start(problem, start, config.dim)
    with progress.task(f"gap, d = {config.dim}, n = {problem.n_docs:,}") as bar:
        search = GapSearch(problem, replace(config, seed=problem.seed), best=until == "best", seconds=seconds, bar=bar)
        return search.run(docs, random=isinstance(start, str) and start == "random")


def _problem(problem: int | FreeProblem | RelevanceMatrix, k: int, seed: int) -> FreeProblem:
    if isinstance(problem, FreeProblem):
        return problem
    if isinstance(problem, RelevanceMatrix):
        return FreeProblem.from_relevance(problem, seed=seed)
    return FreeProblem.all_subsets(whole(WHO, "n_docs", problem, low=2), k, seed=seed)


def _start(problem: FreeProblem, start: str | np.ndarray, dim: int) -> np.ndarray:
    """(n_docs, dim) float64, unit rows."""
    n, k = problem.n_docs, int(np.diff(problem.indptr).max())
    if not isinstance(start, str):
        given = vectors(WHO, "start", start)
        if given.shape != (n, dim):
            raise ShapeError(f"{WHO}: start must have shape ({n}, {dim}), one row a document; got shape {given.shape}.")
        finite_rows(WHO, "start", given)
        if not given.any(axis=1).all():
            raise ShapeError(f"{WHO}: rows of start must not be zero; row {int(np.flatnonzero(~given.any(axis=1))[0])} is.")
        return unit_rows(given)
    choice(WHO, "start", start, STARTS)
    if start == "random":
        return unit_rows(problem.start(dim)[0])
    if start == "trig":
        if dim < 2 * k:
            raise RangeError(f"{WHO}: start='trig' must have dim >= 2 k = {2 * k}; got dim={dim}. Use start='random'.")
        from limitlab.capacity import HarmonicFrame, trig_frame

        m = min(dim // 2, (n - 1) // 2)  # more frequencies than k open the gaps: theory asks for k
        return unit_rows((trig_frame(n, k) if m <= k else HarmonicFrame(n, tuple(range(1, m + 1)))).docs(dim=dim))
    return unit_rows(_certified_frame(n, k, dim))


def _certified_frame(n: int, k: int, dim: int) -> np.ndarray:
    """``n`` documents of the certified harmonic frame with the largest gap that has as many."""
    from limitlab.capacity import shipped

    fitting = [c for c in shipped() if c.k == k and c.dim <= dim and c.n_docs >= n and c.construction["kind"] == "harmonic-frame"]
    if not fitting:
        raise NotSolved(
            f"{WHO}: no certified frame holds n_docs={n}, k={k} in {dim} dimensions; that is no limit. Use start='trig' or 'random'."
        )
    frame = max(fitting, key=lambda c: c.min_gap).frame()
    return frame.docs(dim=dim)[np.arange(n) * frame.n_docs // n]
