"""Fitting linear adapters to queries and their relevant documents."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from limitlab._core.checks import choice, vectors, whole
from limitlab._core.errors import InvalidArgument, ShapeError
from limitlab._core.progress import SILENT, Progress
from limitlab.retrieval.adapters.linear import LinearAdapter
from limitlab.retrieval.adapters.problem import Problem, part, pooled
from limitlab.retrieval.adapters.selection import Choice, chosen, chosen_docs
from limitlab.retrieval.adapters.splits import SPLITS
from limitlab.search import RelevantSet, normalised

SIDES = ("query", "both")
LEAST_QUERIES = 6
_WHO = "fit_adapter()"


def fit_adapter(queries: np.ndarray, docs: np.ndarray, relevant: RelevantSet, *, sides: str = "query", **options: Any) -> LinearAdapter:
    """The one adapter of ``fit_adapters`` that changes these ``sides``; options as there."""
    return fit_adapters(queries, docs, relevant, sides=(choice(_WHO, "sides", sides, SIDES),), **options)[0]


def fit_adapters(
    queries: np.ndarray,
    docs: np.ndarray,
    relevant: RelevantSet,
    *,
    sides: Sequence[str] = SIDES,
    similarity: str = "cosine",
    k: int = 10,
    by: str = "queries",
    rank: int | None = None,
    pool_size: int = 8192,
    seed: int = 0,
    progress: Progress = SILENT,
) -> list[LinearAdapter]:
    """Linear adapters that bring queries nearer to their relevant documents than to all others.

    Each is the minimum of a contrastive loss with a ridge that pulls toward a start: no change, or the best rotation. Start, temperature
    and ridge are chosen on part of the queries that the fit does not see; rotation and ridge regression alone are candidates too. Where nothing
    beats the vectors as they are by more than one standard error the adapter changes nothing, so that little data do no harm.

    Parameters
    ----------
    queries
        (n_queries, dim); those without a relevant document are left out.
    docs
        (n_docs, dim); may be a memory map. Above ``pool_size`` documents the fit sees the relevant ones, the hardest others and an even spread.
    relevant
        Rows of ``docs`` for each query.
    sides
        "query": documents stay as they are. "both": a document matrix too, kept only where held-out queries gain from it.
    similarity
        "cosine" or "dot".
    k
        The cut that matters: the choice is made by the mean of k / (k + irrelevant documents above a relevant one).
    by
        How queries are held out for the choice: "queries", or "documents" (their relevant documents are unseen too).
    rank
        Greatest rank of the change of each matrix from its start; None: any. The choice is made among adapters cut to it.

    Returns
    -------
    One adapter for each of ``sides``. The same seed gives the same bytes, for a given number of BLAS threads.

    Raises
    ------
    ShapeError
        Arrays do not fit together.
    InvalidArgument
        Fewer than 6 queries have a relevant document.
    """
    for side in sides:
        choice(_WHO, "sides", side, SIDES)
    choice(_WHO, "similarity", similarity, ("cosine", "dot"))
    choice(_WHO, "split", by, SPLITS)
    whole(_WHO, "k", k, low=1)
    whole(_WHO, "pool_size", pool_size, low=2)
    if rank is not None:
        whole(_WHO, "rank", rank, low=1)
    rows, ready, small = _prepared(queries, docs, relevant, similarity == "cosine")
    with progress.task("adapter", 2 + len(sides)) as bar:
        pool = pooled(docs, ready, small, size=max(2, pool_size // 2), cosine=similarity == "cosine", seen=[ready])
        found = chosen(pool, k=k, by=by, seed=seed, rank=rank)
        bar.advance()
        full = pool
        if len(docs) > len(pool.pool):
            seen = [found.fitted(pool).queries_of(pool), ready]
            full = pooled(docs, ready, small, size=pool_size, cosine=similarity == "cosine", seen=seen)
        bar.advance()
        out = []
        for side in sides:
            choice_ = chosen_docs(pool, found, k=k, by=by, seed=seed) if side == "both" else found
            facts = {"n_queries": int(rows.size), "n_docs": len(docs), "n_pool": len(full.pool), "seed": seed, "k": k, "held_out_by": by}
            out.append(_adapter(full, choice_, {"sides": side, **facts}))
            bar.advance()
    return out


def _prepared(queries: np.ndarray, docs: np.ndarray, relevant: RelevantSet, cosine: bool) -> tuple[np.ndarray, np.ndarray, RelevantSet]:
    """(rows with a relevant document, their vectors as they are compared, their relevant documents)."""
    queries, docs = vectors(_WHO, "queries", queries), vectors(_WHO, "docs", docs)
    if queries.shape[1] != docs.shape[1]:
        raise ShapeError(f"{_WHO}: docs and queries must have the same dimension; got {docs.shape[1]} and {queries.shape[1]}.")
    if relevant.n_queries != len(queries):
        raise ShapeError(f"{_WHO}: relevant must have a row for each query; got {relevant.n_queries} rows for {len(queries)} queries.")
    if relevant.members.size and not 0 <= relevant.members.min() <= relevant.members.max() < len(docs):
        raise ShapeError(f"{_WHO}: relevant documents must be rows of docs, in [0, {len(docs)}); got {relevant.members.max()}.")
    rows = np.flatnonzero(np.diff(relevant.indptr))
    if rows.size < LEAST_QUERIES:
        raise InvalidArgument(f"{_WHO}: at least {LEAST_QUERIES} queries must have a relevant document; got {rows.size}.")
    asked = np.ascontiguousarray(np.asarray(queries)[rows], np.float32)
    return rows, normalised(asked) if cosine else asked, part(relevant, rows)


def _adapter(problem: Problem, found: Choice, facts: dict[str, Any]) -> LinearAdapter:
    weights, strength = found.fitted(problem), found.strength
    facts |= {"start": found.start, "start_ridge": found.start_ridge, "rank": found.rank}
    facts |= {"scale": strength and strength.scale, "ridge": strength and strength.ridge, "doc_ridge": strength and strength.doc_ridge}
    bias = weights.query[-1]
    return LinearAdapter(weights.query[:-1], bias if bias.any() else None, weights.docs, cosine=problem.cosine, facts=facts)
