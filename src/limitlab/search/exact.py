"""Exact top-k and exact ranks of the relevant documents, in blocks under a memory limit."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np

from limitlab._core.checks import finite_rows, vectors, whole
from limitlab._core.errors import ShapeError
from limitlab._core.progress import SILENT, Progress
from limitlab.search.pairs import error_bound, pair_scores
from limitlab.search.ranks import RelevantRanks, RelevantSet
from limitlab.search.stored_vectors import StoredVectors
from limitlab.search.vectors import as_float32, normalised


@dataclass(frozen=True)
class SearchResult:
    """Ranked lists, and the ranks of the relevant documents when asked for.

    Attributes
    ----------
    indices
        (n_queries, k) int64, best first; -1 where fewer than k documents were retrieved.
    scores
        (n_queries, k) float32; -inf where ``indices`` is -1.
    ranks
        RelevantRanks over *all* documents, or None when no relevance was given.
    notes, cost
        What a reader must know of this search, and seconds or bytes by name, beside those of the index.
    """

    indices: np.ndarray
    scores: np.ndarray
    ranks: RelevantRanks | None = None
    notes: Mapping[str, Any] = field(default_factory=dict)
    cost: Mapping[str, float] = field(default_factory=dict)


def exact_search(
    docs: np.ndarray | StoredVectors,
    queries: np.ndarray,
    *,
    k: int,
    places: np.ndarray,
    dim: int | None = None,
    normalise: bool = True,
    relevant: RelevantSet | None = None,
    block_docs: int | None = None,
    memory_bytes: int = 256 << 20,
    progress: Progress = SILENT,
) -> SearchResult:
    """The k best documents of every query by inner product (cosine after normalisation).

    The score of a pair is the float64 dot product of its float32 vectors in a fixed order, rounded to float32; a
    float32 matrix product in blocks only filters, with its proven error bound as guard band. The result is therefore
    the same for every block size, number of threads and position of a document.

    Parameters
    ----------
    docs
        (n_docs, dim_full), any float dtype; may be a memory map, read once from start to end, or StoredVectors, decoded in blocks.
    queries
        (n_queries, dim_full).
    k
        >= 1; clamped to n_docs.
    places
        (n_docs,) int32 from ``tie_order``: the smaller place comes first among equal scores.
    dim
        Use only the first ``dim`` values of every vector, 1 <= dim <= dim_full.
    normalise
        Scale every (truncated) vector to unit length first.
    relevant
        When given, the exact rank of each relevant document among all documents is returned too.
    block_docs, memory_bytes
        Documents a block (default: what fits ``memory_bytes`` beside the vectors).

    Raises
    ------
    ShapeError
        Dimensions do not match, or vectors hold NaN or infinity (the first rows are named).
    RangeError
        k or dim is outside its range.
    """
    from limitlab.search import kernels

    who = "exact_search()"
    docs = docs if isinstance(docs, StoredVectors) else vectors(who, "docs", docs)
    queries = vectors(who, "queries", queries)
    n_docs, full = docs.shape
    if queries.shape[1] != full:
        raise ShapeError(f"{who}: docs and queries must have the same dimension; got {full} and {queries.shape[1]}.")
    dim = full if dim is None else whole(who, "dim", dim, low=1, high=full)
    k = min(whole(who, "k", k, low=1), n_docs)
    _check_places(who, places, n_docs, relevant)
    if block_docs is not None:
        whole(who, "block_docs", block_docs, low=1)
    finite_rows(who, "queries", queries)
    prepare = partial(normalised if normalise else as_float32, dim=dim, name="docs")
    q = prepare(queries, name="queries")
    n_queries = q.shape[0]
    # Queries go in blocks too, so that a block of products stays near 16 MiB and is read back from cache.
    block_queries = max(1, min(n_queries, 1024))
    if block_docs is None:
        block_docs = int(min(8192, max(64, memory_bytes // (4 * (block_queries + 3 * dim)))))
    lists = _Heaps(n_queries, k, places)
    counts = relevant.counter(pair_scores(docs, q, relevant, prepare), places) if relevant is not None else None
    query_norms = np.sqrt((q.astype(np.float64) ** 2).sum(axis=1))
    product = np.empty((block_queries, block_docs), np.float32)
    with progress.task("search", n_docs) as bar:
        for start in range(0, n_docs, block_docs):
            raw = np.asarray(docs[start : start + block_docs])
            finite_rows(who, "docs", raw, offset=start)
            block = prepare(raw)
            # Unit rows need no norms; those of others are summed in float64, where float32 squares cannot underflow.
            largest = 1.00001 if normalise else float(np.sqrt(np.einsum("ij,ij->i", block, block, dtype=np.float64).max()))
            bounds = error_bound(dim) * query_norms * largest
            for at in range(0, n_queries, block_queries):
                rows = slice(at, min(at + block_queries, n_queries))
                out = product[: rows.stop - at, : block.shape[0]]
                np.matmul(q[rows], block.T, out=out)
                kernels.fill_heaps(out, block, q[rows], start, bounds[rows], places, *lists.rows(rows))
                if counts is not None:
                    kernels.count_above(out, block, q[rows], start, bounds[rows], places, *counts.rows(rows))
            bar.advance(block.shape[0])
    return lists.result(counts)


def search_scores(
    blocks: Iterable[np.ndarray],
    *,
    n_docs: int,
    k: int,
    places: np.ndarray,
    relevant: RelevantSet | None = None,
    lowest: float = -np.inf,
) -> SearchResult:
    """Ranked lists from score rows that are already final (lexical and sparse retrievers).

    Parameters
    ----------
    blocks
        Consecutive blocks of queries, each (rows, n_docs) float32.
    lowest
        Documents scoring <= ``lowest`` are not retrieved: 0 drops the zero-score hits of lexical retrievers.
    """
    from limitlab.search import kernels

    who = "search_scores()"
    whole(who, "k", k, low=1)
    _check_places(who, places, n_docs, relevant)
    results: list[SearchResult] = []
    at = 0
    for scores in blocks:
        if scores.shape[1] != n_docs:
            raise ShapeError(f"search_scores(): every block must have n_docs={n_docs} columns; got {scores.shape[1]}.")
        scores = np.ascontiguousarray(scores, np.float32)
        if np.isnan(scores).any():
            rows = ", ".join(str(at + int(i)) for i in np.flatnonzero(np.isnan(scores).any(axis=1))[:3])
            raise ShapeError(f"{who}: scores must not be NaN; got some for the queries in rows {rows}.")
        lists = _Heaps(scores.shape[0], min(k, n_docs), places)
        every = slice(0, scores.shape[0])
        kernels.fill_heaps_from_scores(scores, 0, np.float32(lowest), places, *lists.rows(every))
        counts = None
        if relevant is not None:
            part = relevant.part(at, at + scores.shape[0])
            values = np.array([scores[r, d] for r, d in zip(part.rows, part.members)], np.float32)
            counts = part.counter(values, places, lowest=lowest)
            kernels.count_above_in_scores(scores, 0, np.float32(lowest), places, *counts.rows(every))
        results.append(lists.result(counts))
        at += scores.shape[0]
    if not results:
        raise ShapeError(f"{who}: at least one block of scores is needed; got none.")
    ranks = RelevantRanks.joined([r.ranks for r in results if r.ranks is not None]) if relevant is not None else None
    return SearchResult(np.concatenate([r.indices for r in results]), np.concatenate([r.scores for r in results]), ranks)


def _check_places(who: str, places: np.ndarray, n_docs: int, relevant: RelevantSet | None) -> None:
    """The kernels read ``places`` and columns without looking: both must fit the corpus."""
    if places.shape != (n_docs,):
        raise ShapeError(f"{who}: places must have one value per document, shape ({n_docs},); got shape {places.shape}.")
    if relevant is not None and relevant.members.size and not 0 <= relevant.members.min() <= relevant.members.max() < n_docs:
        raise ShapeError(f"{who}: relevant columns must be in [0, {n_docs}); got {relevant.members.min()} to {relevant.members.max()}.")


class _Heaps:
    def __init__(self, n_queries: int, k: int, places: np.ndarray) -> None:
        self._places = places
        self._scores = np.full((n_queries, k), -np.inf, np.float32)
        self._docs = np.full((n_queries, k), -1, np.int64)
        self._sizes = np.zeros(n_queries, np.int64)

    def rows(self, rows: slice) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        return self._scores[rows], self._docs[rows], self._sizes[rows]

    def result(self, counts) -> SearchResult:
        from limitlab.search import kernels

        kernels.sort_heaps(self._places, self._scores, self._docs, self._sizes)
        return SearchResult(self._docs, self._scores, None if counts is None else counts.ranks())
