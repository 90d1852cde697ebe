"""Exact top-k and exact ranks of the relevant documents, in blocks under a memory limit."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from limitlab._core.checks import finite_rows, vectors, whole
from limitlab._core.errors import ShapeError
from limitlab._core.progress import SILENT, Progress
from limitlab._core.row_tables import RowTable
from limitlab.search.one_pass import Heaps, preparer, search_rows, usual_block
from limitlab.search.pairs import pair_scores
from limitlab.search.part_map import in_files
from limitlab.search.ranks import RelevantRanks, RelevantSet
from limitlab.search.sharded import search_shards


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
    docs: np.ndarray | RowTable,
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
        (n_docs, dim_full), any float dtype; may be a memory map, read once from start to end, StoredVectors, decoded in blocks, or
        Shards, which are searched part by part on the current engine, as is a memory map of a .npy file where that engine has workers
        elsewhere.
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
    DataError
        Some parts of Shards cannot be read or are not finite; those that were searched are kept, and the same call goes on from them.
    """
    who = "exact_search()"
    docs = vectors(who, "docs", docs)
    queries = np.asarray(vectors(who, "queries", queries))
    n_docs, full = docs.shape
    if queries.shape[1] != full:
        raise ShapeError(f"{who}: docs and queries must have the same dimension; got {full} and {queries.shape[1]}.")
    dim = full if dim is None else whole(who, "dim", dim, low=1, high=full)
    k = min(whole(who, "k", k, low=1), n_docs)
    _check_places(who, places, n_docs, relevant)
    if block_docs is not None:
        whole(who, "block_docs", block_docs, low=1)
    finite_rows(who, "queries", queries)
    prepare = preparer(normalise, dim)
    q = prepare(queries, name="queries")
    block_docs = usual_block(q.shape[0], dim, memory_bytes) if block_docs is None else block_docs
    if (shards := in_files(docs)) is not None:
        found = search_shards(
            shards, q, k=k, places=places, normalise=normalise, relevant=relevant, block_docs=block_docs, progress=progress
        )
        return SearchResult(*found)
    counts = relevant.counter(pair_scores(docs, q, relevant, prepare), places) if relevant is not None else None
    heaps = Heaps(q.shape[0], k, places)
    with progress.task("search", n_docs) as bar:
        search_rows(
            who, docs, q, heaps=heaps, counts=counts, places=places, normalise=normalise, block_docs=block_docs, advance=bar.advance
        )
    return result_of(heaps, counts)


def result_of(heaps: Heaps, counts: Any) -> SearchResult:
    """The lists, best first, and the ranks that were counted beside them."""
    indices, scores = heaps.sorted()
    return SearchResult(indices, scores, None if counts is None else counts.ranks())


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
        lists = Heaps(scores.shape[0], min(k, n_docs), places)
        every = slice(0, scores.shape[0])
        kernels.fill_heaps_from_scores(scores, 0, np.float32(lowest), places, *lists.rows(every))
        counts = None
        if relevant is not None:
            part = relevant.part(at, at + scores.shape[0])
            values = np.array([scores[r, d] for r, d in zip(part.rows, part.members)], np.float32)
            counts = part.counter(values, places, lowest=lowest)
            kernels.count_above_in_scores(scores, 0, np.float32(lowest), places, *counts.rows(every))
        results.append(result_of(lists, counts))
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
