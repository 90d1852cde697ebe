"""Query matrices in closed form: the best rotation, and ridge regression of what each query should be."""

from __future__ import annotations

import numpy as np

from limitlab.retrieval.adapters.contrastive import INTERCEPT, Weights
from limitlab.retrieval.adapters.problem import Problem


def targets(problem: Problem) -> np.ndarray:
    """(n_queries, dim) float64 unit rows: mean of the relevant documents minus the mean of the pool, the direction that tells them apart."""
    relevant = problem.relevant
    sums = np.zeros(problem.queries.shape)
    np.add.at(sums, relevant.rows, problem.pool[relevant.members].astype(np.float64))
    out = sums / np.diff(relevant.indptr)[:, None] - problem.pool.mean(axis=0, dtype=np.float64)
    return out / np.maximum(np.linalg.norm(out, axis=1, keepdims=True), 1e-12)


def unchanged(dim: int) -> Weights:
    """The matrix that changes nothing."""
    return Weights(np.vstack([np.eye(dim, dtype=np.float32), np.zeros((1, dim), np.float32)]))


def rotation(problem: Problem) -> Weights:
    """The orthogonal matrix that brings the queries, without their mean, nearest to their targets [Schoenemann1966]."""
    wanted = targets(problem)
    centre = problem.queries.mean(axis=0, dtype=np.float64)
    left, _, right = np.linalg.svd((problem.queries - centre).T @ wanted)
    turn = left @ right
    return Weights(np.vstack([turn, -centre @ turn]).astype(np.float32))


def regression(problem: Problem, ridge: float) -> Weights:
    """Least squares from the queries to their targets, pulled toward no change by ``ridge`` (> 0, per query)."""
    n, dim = problem.queries.shape
    augmented = np.hstack([problem.queries, np.full((n, 1), INTERCEPT)]).astype(np.float64)
    start = unchanged(dim).query.astype(np.float64)
    gram = augmented.T @ augmented + ridge * n * np.eye(dim + 1)
    change = np.linalg.solve(gram, augmented.T @ (targets(problem) - augmented @ start))
    change[-1] *= INTERCEPT
    return Weights((start + change).astype(np.float32))
