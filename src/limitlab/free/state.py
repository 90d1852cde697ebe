"""The arrays of one optimisation on the CPU, laid out as the kernels read them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from limitlab.free.config import FreeConfig
from limitlab.free.objectives import FIRST_BIAS, FIRST_SCALE, LEARNT
from limitlab.free.problem import FreeProblem

WIDTH = 16  # float32 lanes of a vector value
BLOCK = 64  # queries worked on together: four vectors, the width of a product's tile
STRIPS = 32  # at most; what a step sums apart, whatever the number of threads
KEEP_FIRST, KEEP_SECOND, EPSILON = 0.9, 0.999, 1e-8  # Adam's
STEP, SINCE, POINTS, STOP = range(4)  # places in Run.counts
BEST, LOSS = range(2)  # places in Run.losses
GOING, ALL_HIT, NO_GAIN, LAST_STEP, NOT_FINITE = range(5)  # how a slice of steps ended


class Plan(NamedTuple):
    """The numbers of a FreeConfig that compiled code needs."""

    objective: int  # place in LEARNT
    inverse_temperature: float
    share: float  # of one loss in the mean
    learning_rate: float
    patience: int
    min_delta: float
    max_steps: int
    evaluate_every: int


class Run(NamedTuple):
    """Everything that changes during one optimisation, and its relevance. Floats are flat float32 arrays.

    Vectors stand in columns: documents are (dim, width) with width a multiple of WIDTH, queries (blocks, dim, BLOCK).
    Columns beyond the last document or query hold a unit vector that nothing moves.
    """

    shape: np.ndarray  # (4,) int64: dim, width, n_docs, n_queries
    indptr: np.ndarray  # (n_queries + 1,) int64, read-only
    members: np.ndarray  # (n_relevant,) int32, read-only
    docs: np.ndarray  # (dim * width,)
    docs_first: np.ndarray  # Adam's moments
    docs_second: np.ndarray
    queries: np.ndarray  # (blocks * dim * BLOCK,)
    queries_first: np.ndarray
    queries_second: np.ndarray
    learnt: np.ndarray  # (2, 3) float64: scale and bias, each with its moments
    counts: np.ndarray  # (4,) int64
    losses: np.ndarray  # (2,) float64
    curve: np.ndarray  # (points, 3) float64: step, loss, hits


class Scratch(NamedTuple):
    """Space whose content means nothing between steps. Those below ``hits`` have a part for every worker."""

    gradients: np.ndarray  # (strips, dim * width)
    gradient: np.ndarray  # (dim * width,)
    ones: np.ndarray  # (width,)
    sums: np.ndarray  # (strips, 3) float64
    hits: np.ndarray  # (strips,) int64
    sheet: np.ndarray  # (workers, width * BLOCK); rows from n_docs on stay zero
    turned: np.ndarray  # (workers, BLOCK * width)
    slopes: np.ndarray  # (workers, dim * BLOCK)
    weighted: np.ndarray  # (workers, dim * BLOCK)
    work: np.ndarray  # (workers, 4, BLOCK)
    factor: np.ndarray  # (workers, BLOCK)


def plan_of(problem: FreeProblem, config: FreeConfig) -> Plan:
    """What of ``config`` the kernels need."""
    return Plan(
        objective=LEARNT.index(config.objective),
        inverse_temperature=1.0 / config.temperature,
        share=1.0 / (problem.n_relevant if config.objective == "infonce" else problem.n_queries),
        learning_rate=float(config.learning_rate),
        patience=config.patience,
        min_delta=float(config.min_delta),
        max_steps=config.max_steps,
        evaluate_every=config.evaluate_every,
    )


def new_run(problem: FreeProblem, dim: int) -> Run:
    """The start: the problem's unit vectors, no moments, no step taken."""
    docs, queries = problem.start(dim)
    columns, rows = padded(problem.n_docs, WIDTH), padded(problem.n_queries, BLOCK)
    v = np.zeros((columns, dim), np.float32)
    v[:, 0] = 1.0
    v[: problem.n_docs] = docs
    u = np.zeros((rows, dim), np.float32)
    u[:, 0] = 1.0
    u[: problem.n_queries] = queries
    flat_docs = np.ascontiguousarray(v.T).reshape(-1)
    flat_queries = np.ascontiguousarray(u.reshape(-1, BLOCK, dim).transpose(0, 2, 1)).reshape(-1)
    # Read-only views, so that the compiled code sees one type whatever the caller's arrays allow.
    indptr, members = problem.indptr.view(), problem.members.view()
    indptr.setflags(write=False)
    members.setflags(write=False)
    return Run(
        shape=np.array([dim, columns, problem.n_docs, problem.n_queries], np.int64),
        indptr=indptr,
        members=members,
        docs=flat_docs,
        docs_first=np.zeros_like(flat_docs),
        docs_second=np.zeros_like(flat_docs),
        queries=flat_queries,
        queries_first=np.zeros_like(flat_queries),
        queries_second=np.zeros_like(flat_queries),
        learnt=np.array([[FIRST_SCALE, 0.0, 0.0], [FIRST_BIAS, 0.0, 0.0]]),
        counts=np.zeros(4, np.int64),
        losses=np.array([np.inf, np.nan]),
        curve=np.zeros((0, 3)),
    )


def new_scratch(problem: FreeProblem, dim: int, *, workers: int) -> Scratch:
    """Scratch space for ``workers`` threads; the number of strips depends on the problem alone."""
    width, blocks = padded(problem.n_docs, WIDTH), padded(problem.n_queries, BLOCK) // BLOCK
    strips = min(blocks, STRIPS)

    def zeros(*shape: int) -> np.ndarray:
        return np.zeros(shape, np.float32)

    return Scratch(
        gradients=zeros(strips, dim * width),
        gradient=zeros(dim * width),
        ones=np.ones(width, np.float32),
        sums=np.zeros((strips, 3)),
        hits=np.zeros(strips, np.int64),
        sheet=zeros(workers, width * BLOCK),
        turned=zeros(workers, BLOCK * width),
        slopes=zeros(workers, dim * BLOCK),
        weighted=zeros(workers, dim * BLOCK),
        work=zeros(workers, 4, BLOCK),
        factor=zeros(workers, BLOCK),
    )


def vectors(run: Run) -> tuple[np.ndarray, np.ndarray]:
    """Copies of the documents (n_docs, dim) and queries (n_queries, dim)."""
    dim, width, n_docs, n_queries = (int(x) for x in run.shape)
    docs = run.docs.reshape(dim, width).T[:n_docs]
    queries = run.queries.reshape(-1, dim, BLOCK).transpose(0, 2, 1).reshape(-1, dim)[:n_queries]
    return np.ascontiguousarray(docs), np.ascontiguousarray(queries)


def with_points(run: Run, more: int) -> Run:
    """The same run with room for ``more`` points on its curve."""
    used = int(run.counts[POINTS])
    if used + more <= len(run.curve):
        return run
    curve = np.zeros((max(used + more, 2 * len(run.curve), 64), 3))
    curve[:used] = run.curve[:used]
    return run._replace(curve=curve)


def padded(count: int, multiple: int) -> int:
    """``count`` rounded up to a multiple."""
    return -(-count // multiple) * multiple
