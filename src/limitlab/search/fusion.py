"""Several ranked lists as one: reciprocal rank, weighted scores, distribution-based scores."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from limitlab._core.checks import choice, real, whole
from limitlab._core.errors import ShapeError
from limitlab.search.exact import SearchResult
from limitlab.search.ranks import RelevantRanks, RelevantSet

FUSIONS = ("rrf", "weighted", "dbsf")


def fused(
    results: Sequence[SearchResult],
    *,
    k: int,
    places: np.ndarray,
    method: str = "rrf",
    weights: Sequence[float] | None = None,
    rank_constant: int = 60,
    relevant: RelevantSet | None = None,
) -> SearchResult:
    """Ranked lists of several retrievers over the same queries and documents as one.

    A document that a list does not hold gets nothing from it.

    Parameters
    ----------
    results
        At least one; lists may have different lengths, -1 where they end. Their order under equal scores is ``places``.
    k
        >= 1: length of the lists returned.
    places
        (n_docs,) int32 from ``tie_order``.
    method
        rrf: ``sum of weight / (rank_constant + rank)``, rank from 1 [Cormack2009].
        weighted: scores of every list scaled to [0, 1] between its least and greatest score, then weighted; a list of equal scores counts 1.
        dbsf: scores of every list scaled from mean - 3 to mean + 3 standard deviations to [0, 1] and clipped, then weighted; equal scores count 0.5.
    weights
        One a list, >= 0, not all 0; default: equal, summing to 1 (rrf: 1 each).
    rank_constant
        >= 0, of rrf.
    relevant
        When given, the ranks of the relevant documents within the fused lists of all candidates are returned.

    Raises
    ------
    ShapeError
        Lists of different numbers of queries, or weights that do not match.
    RangeError, UnknownName
        A number outside its range; no such method.
    """
    who = "fused()"
    choice(who, "method", method, FUSIONS)
    whole(who, "k", k, low=1)
    whole(who, "rank_constant", rank_constant, low=0)
    sizes = {r.indices.shape[0] for r in results}
    if len(sizes) != 1:
        raise ShapeError(f"{who}: results must be of the same queries; got {sorted(sizes)} queries.")
    shares = [1.0 if method == "rrf" else 1 / len(results)] * len(results) if weights is None else list(weights)
    if len(shares) != len(results):
        raise ShapeError(f"{who}: weights must be one a list, {len(results)}; got {len(shares)}.")
    shares = [real(who, "weight", w, low=0.0) for w in shares]
    if not any(shares):
        raise ShapeError(f"{who}: weights must not all be 0; got {shares}.")
    n_queries, width = sizes.pop(), sum(r.indices.shape[1] for r in results)
    indices = np.full((n_queries, width), -1, np.int64)
    scores = np.full((n_queries, width), -np.inf, np.float32)
    for q in range(n_queries):
        docs, values = _one_query([(r.indices[q], r.scores[q]) for r in results], shares, method, rank_constant)
        order = np.lexsort((places[docs], -values))
        indices[q, : docs.size], scores[q, : docs.size] = docs[order], values[order]
    ranks = None if relevant is None else RelevantRanks.from_lists(relevant, indices, scores, places)
    return SearchResult(indices[:, :k], scores[:, :k], ranks)


def _one_query(
    lists: Sequence[tuple[np.ndarray, np.ndarray]], shares: Sequence[float], method: str, rank_constant: int
) -> tuple[np.ndarray, np.ndarray]:
    """(documents, fused scores as float32) of one query. Sums are in float64, in the order of the lists."""
    kept = [(docs[docs >= 0], scores[docs >= 0].astype(np.float64)) for docs, scores in lists]
    every = np.unique(np.concatenate([docs for docs, _ in kept]))
    total = np.zeros(every.size)
    for (docs, scores), share in zip(kept, shares):
        if docs.size:
            total[np.searchsorted(every, docs)] += share * _scaled(scores, method, rank_constant)
    return every, total.astype(np.float32)


def _scaled(scores: np.ndarray, method: str, rank_constant: int) -> np.ndarray:
    if method == "rrf":
        return 1.0 / (rank_constant + np.arange(1, scores.size + 1))
    if method == "weighted":
        low, high = scores.min(), scores.max()
        return np.ones(scores.size) if high == low else (scores - low) / (high - low)
    mean, spread = scores.mean(), scores.std()
    return np.full(scores.size, 0.5) if spread == 0 else np.clip((scores - mean + 3 * spread) / (6 * spread), 0.0, 1.0)
