"""Hits and least gap of finished vectors, decided in float64 under a proven error bound."""

from __future__ import annotations

import numpy as np

from limitlab._core.errors import ShapeError
from limitlab.free.problem import FreeProblem

_UNIT_ROUNDOFF = 2.0**-53
_BLOCK_BYTES = 64 << 20


def count_hits(problem: FreeProblem, docs: np.ndarray, queries: np.ndarray) -> tuple[int, float]:
    """Relevant documents among the first |S| of their query, and the least gap over all queries.

    Products of float32 values are exact in float64, so a score errs by less than ``dim 2**-53`` times the norms, in whatever
    order it is summed. A relevant document counts as above an irrelevant one only when its score is greater by more than
    twice that: ties, and what cannot be told from a tie, are counted against it.

    Parameters
    ----------
    docs, queries
        (n_docs, dim) and (n_queries, dim) float32.

    Returns
    -------
    hits
        Equal to ``problem.n_relevant`` exactly when every query has its relevant documents on top, beyond rounding.
    gap
        Least over queries of the least relevant minus the greatest irrelevant score of the vectors as they are; NaN when
        they hold NaN.

    Raises
    ------
    ShapeError
        Shapes do not fit the problem, or the vectors are not float32.
    """
    who = "count_hits()"
    if docs.ndim != 2 or queries.shape != (problem.n_queries, docs.shape[1]) or len(docs) != problem.n_docs:
        raise ShapeError(
            f"{who}: vectors must have shapes ({problem.n_docs}, dim) and ({problem.n_queries}, dim); got {docs.shape}, {queries.shape}."
        )
    if docs.dtype != np.float32 or queries.dtype != np.float32:
        raise ShapeError(f"{who}: vectors must be float32, whose products are exact in float64; got {docs.dtype}, {queries.dtype}.")
    v = docs.astype(np.float64)
    greatest = float(np.sqrt((v**2).sum(axis=1).max()))
    hits, gap = 0, np.inf
    rows = max(1, _BLOCK_BYTES // (8 * problem.n_docs))
    for start in range(0, problem.n_queries, rows):
        stop = min(start + rows, problem.n_queries)
        u = queries[start:stop].astype(np.float64)
        norms = np.sqrt((u**2).sum(axis=1, keepdims=True))
        more, least = _rows(problem, u @ v.T, start, stop, 2.01 * docs.shape[1] * _UNIT_ROUNDOFF * greatest * norms)
        hits += more
        gap = float(np.minimum(gap, least))  # NaN is kept
    return hits, gap


def _rows(problem: FreeProblem, scores: np.ndarray, start: int, stop: int, bound: np.ndarray) -> tuple[int, float]:
    """Hits and least gap of the queries ``start`` to ``stop``; scores (stop - start, n_docs) are overwritten."""
    sizes = np.diff(problem.indptr[start : stop + 1])
    span = slice(problem.indptr[start], problem.indptr[stop])
    row = np.repeat(np.arange(stop - start), sizes)
    most = int(sizes.max())
    relevant = np.full((stop - start, most), -np.inf)
    relevant[row, np.arange(row.size) - (problem.indptr[start:stop] - problem.indptr[start])[row]] = scores[row, problem.members[span]]
    scores[row, problem.members[span]] = -np.inf
    relevant = -np.sort(-relevant, axis=1)  # best first, then nothing where a query has fewer
    if most < problem.n_docs:
        scores = -np.partition(-scores, most - 1, axis=1)[:, :most]
    others = -np.sort(-scores, axis=1)
    # The r-th best relevant document is among the first |S| when the (|S| - 1 - r)-th best of the others is below it.
    place = sizes[:, None] - 1 - np.arange(most)
    against = np.take_along_axis(others, np.maximum(place, 0), axis=1)
    hits = int(((relevant - against > bound) & (place >= 0)).sum())
    last = relevant[np.arange(stop - start), sizes - 1]
    return hits, float((last - others[:, 0]).min())
