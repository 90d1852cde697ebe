"""The contrastive loss of an adapter, its gradient in closed form, and its minimum by L-BFGS."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from limitlab.retrieval.adapters.problem import Problem

_ROWS = 1024  # queries whose scores against the pool are held at once
INTERCEPT = np.float32(10.0)  # the constant beside every query: the ridge weighs on the bias a hundredth of what it does on the matrix


@dataclass(frozen=True)
class Strength:
    """What decides how far an adapter goes.

    Attributes
    ----------
    scale
        Inverse temperature: scores are multiplied by it.
    ridge
        Weight of the squared distance from the start, in units of scale² / n_queries; larger is nearer to the start.
    doc_ridge
        The same for the document matrix; None leaves documents as they are.
    """

    scale: float
    ridge: float
    doc_ridge: float | None = None


@dataclass(frozen=True, eq=False)
class Weights:
    """Matrices that act on row vectors from the right: query (dim + 1, dim), its last row the bias; docs (dim, dim) or None."""

    query: np.ndarray
    docs: np.ndarray | None = None

    def queries_of(self, problem: Problem) -> np.ndarray:
        """(n_queries, dim) adapted queries, not scaled."""
        return problem.queries @ self.query[:-1] + self.query[-1]

    def pool_of(self, problem: Problem) -> np.ndarray:
        """(n_pool, dim) adapted documents, scaled for cosine."""
        if self.docs is None:
            return problem.pool
        changed = problem.pool @ self.docs
        return changed / _lengths(changed) if problem.cosine else changed


def minimised(problem: Problem, start: Weights, strength: Strength, *, first: Weights | None = None, steps: int = 60) -> Weights:
    r"""The adapter of least loss.

    The loss is the mean over queries q, and over the relevant documents s of q, of

        log(1 + sum_{j not relevant} exp(scale (q' d'_j - q' d'_s)))   +   ridge / 2 * |W - start|^2  (Frobenius).

    The bias is hardly held back by the ridge (``INTERCEPT``). Other relevant documents are not among the negatives. With documents as they are the loss is convex in the query matrix. It is then solved
    in the span of the queries, which holds the minimum, so that few queries cost little.

    Parameters
    ----------
    start
        Where the ridge pulls to.
    first
        Where the search begins; default: at ``start``.
    steps
        Greatest number of L-BFGS steps.

    Returns
    -------
    float32 matrices. Deterministic for a given number of BLAS threads.

    References
    ----------
    [LiuNocedal1989] for the method.
    """
    from scipy.optimize import minimize

    n, dim = problem.queries.shape
    base = start.queries_of(problem)
    augmented = np.hstack([problem.queries, np.full((n, 1), INTERCEPT)])
    basis = None
    if n < dim + 1:
        basis = np.linalg.svd(augmented.astype(np.float64), full_matrices=False)[2].astype(np.float32)  # (n, dim + 1), orthonormal rows
        augmented = augmented @ basis.T
    inner = augmented.shape[1]
    both = strength.doc_ridge is not None
    loss = _Loss(problem, base, augmented, strength)
    from_ = start if first is None else first
    step = (from_.query - start.query).astype(np.float32)
    step[-1] /= INTERCEPT
    parts = [(step if basis is None else basis @ step).ravel()]
    if both:
        parts.append((np.zeros((dim, dim), np.float32) if from_.docs is None else from_.docs - np.eye(dim, dtype=np.float32)).ravel())
    found = minimize(
        loss.value_and_slope, np.concatenate(parts).astype(np.float64), jac=True, method="L-BFGS-B",
        options={"maxiter": steps, "maxcor": 10, "ftol": 1e-6, "gtol": 1e-7},
    ).x.astype(np.float32)  # fmt: skip
    moved = found[: inner * dim].reshape(inner, dim)
    change = moved.copy() if basis is None else basis.T @ moved
    change[-1] *= INTERCEPT
    query = start.query + change
    return Weights(query, np.eye(dim, dtype=np.float32) + found[inner * dim :].reshape(dim, dim) if both else None)


class _Loss:
    """Value and gradient at the differences from the start, as one flat float64 vector."""

    def __init__(self, problem: Problem, base: np.ndarray, augmented: np.ndarray, strength: Strength) -> None:
        self._problem, self._base, self._augmented, self._scale = problem, base, augmented, strength.scale
        n = len(base)
        self._ridge = strength.ridge * strength.scale**2 / n
        self._doc_ridge = None if strength.doc_ridge is None else strength.doc_ridge * strength.scale**2 / n
        sizes = np.diff(problem.relevant.indptr)
        self._weights = (1 / (n * sizes))[problem.relevant.rows]

    def value_and_slope(self, flat: np.ndarray) -> tuple[float, np.ndarray]:
        problem, dim = self._problem, self._base.shape[1]
        inner = self._augmented.shape[1]
        moved = flat[: inner * dim].reshape(inner, dim).astype(np.float32)
        queries = self._base + self._augmented @ moved
        lengths = None
        docs = problem.pool
        if self._doc_ridge is not None:
            change = flat[inner * dim :].reshape(dim, dim).astype(np.float32)
            docs = problem.pool + problem.pool @ change
            if problem.cosine:
                lengths = _lengths(docs)
                docs = docs / lengths
        value, on_queries, on_docs = self._data(queries, docs, self._doc_ridge is not None)
        value += self._ridge / 2 * float(flat[: inner * dim] @ flat[: inner * dim])
        slope = [(self._augmented.T @ on_queries).ravel() + self._ridge * flat[: inner * dim]]
        if on_docs is not None:
            assert self._doc_ridge is not None
            if lengths is not None:
                on_docs = (on_docs - np.einsum("ij,ij->i", on_docs, docs)[:, None] * docs) / lengths
            rest = flat[inner * dim :]
            value += self._doc_ridge / 2 * float(rest @ rest)
            slope.append((problem.pool.T @ on_docs).ravel() + self._doc_ridge * rest)
        return value, np.concatenate(slope).astype(np.float64)

    def _data(self, queries: np.ndarray, docs: np.ndarray, with_docs: bool) -> tuple[float, np.ndarray, np.ndarray | None]:
        """(loss without ridge, its slope in the queries, in the documents)."""
        relevant = self._problem.relevant
        on_queries = np.empty_like(queries)
        on_docs = np.zeros_like(docs) if with_docs else None
        value = 0.0
        for at in range(0, len(queries), _ROWS):
            stop = min(at + _ROWS, len(queries))
            span = slice(relevant.indptr[at], relevant.indptr[stop])
            rows, members, weights = relevant.rows[span] - at, relevant.members[span], self._weights[span]
            scores = (queries[at:stop] @ docs.T) * np.float32(self._scale)
            wanted = scores[rows, members].astype(np.float64)
            scores[rows, members] = -np.inf
            top = scores.max(axis=1, keepdims=True)
            top[~np.isfinite(top)] = 0  # every document of the pool is relevant
            np.exp(scores - top, out=scores)
            total = scores.sum(axis=1, dtype=np.float64)
            margin = np.log(np.maximum(total, 1e-300))[rows] + top[rows, 0] - wanted
            value += float(weights @ np.logaddexp(0.0, margin))
            pull = weights / (1 + np.exp(-np.clip(margin, -500, 500)))  # how much each relevant document is still pushed
            share = np.bincount(rows, pull, stop - at) / np.maximum(total, 1e-300)
            scores *= share.astype(np.float32)[:, None]
            scores[rows, members] = -pull
            scores *= np.float32(self._scale)
            on_queries[at:stop] = scores @ docs
            if on_docs is not None:
                on_docs += scores.T @ queries[at:stop]
        return value, on_queries, on_docs


def _lengths(rows: np.ndarray) -> np.ndarray:
    return np.maximum(np.sqrt(np.einsum("ij,ij->i", rows, rows))[:, None], np.float32(1e-30))
