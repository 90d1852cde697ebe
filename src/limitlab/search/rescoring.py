"""Candidates of one search scored again with other vectors, as vector databases do after a search over stored codes."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from limitlab._core.checks import whole
from limitlab.search.exact import SearchResult
from limitlab.search.ranks import RelevantRanks, RelevantSet

_PAIRS = 16_384  # candidates scored together


def rescored(
    candidates: SearchResult,
    vectors_of: Callable[[np.ndarray], np.ndarray],
    queries: np.ndarray,
    *,
    k: int,
    places: np.ndarray,
    relevant: RelevantSet | None = None,
) -> SearchResult:
    """The k best of every query's candidates by their exact inner product with other vectors.

    What is not a candidate is not retrieved.

    Parameters
    ----------
    candidates
        Lists of any length; -1 where they end.
    vectors_of
        Document numbers (m,) -> (m, dim) float32.
    queries
        (n_queries, dim) float32, used as they are.
    k, places, relevant
        As in ``exact_search``; ranks are those among the candidates.
    """
    from limitlab.search import kernels

    whole("rescored()", "k", k, low=1)
    indices = candidates.indices
    scores = np.full(indices.shape, -np.inf, np.float32)
    pairs = np.flatnonzero(indices.ravel() >= 0)
    queries = np.ascontiguousarray(queries, np.float32)
    for at in range(0, pairs.size, _PAIRS):
        take = pairs[at : at + _PAIRS]
        part = np.empty(take.size, np.float32)
        docs = np.ascontiguousarray(vectors_of(indices.ravel()[take]), np.float32)
        kernels.paired_scores(docs, queries, take // indices.shape[1], part)
        scores.ravel()[take] = part
    order = np.lexsort((np.where(indices >= 0, places[indices], places.size), -scores), axis=1)[:, :k]
    ranks = RelevantRanks.from_lists(relevant, indices, scores, places) if relevant is not None else None
    return SearchResult(np.take_along_axis(indices, order, 1), np.take_along_axis(scores, order, 1), ranks)
