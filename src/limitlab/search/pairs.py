"""Exact scores of given pairs, and how many of some documents stand before them: the parts of exact search for chosen pairs."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from limitlab._core.errors import ShapeError
from limitlab._core.row_tables import RowTable
from limitlab.search.ranks import RelevantSet
from limitlab.search.vectors import as_float32

_ROWS = 8192
_QUERIES = 1024
_UNIT_ROUNDOFF = 2.0**-24  # float32


def error_bound(dim: int) -> float:
    """Greatest |float32 product - rounded exact score| per unit of |query| |document|.

    Any order of summation of a float32 dot product errs by at most gamma_dim = dim u / (1 - dim u) times the sum of
    |a_i b_i| <= |a| |b| [Higham2002, section 3.1]; rounding the exact score to float32 adds at most u, and u more covers
    the rounding of the comparison itself.
    """
    return dim * _UNIT_ROUNDOFF / (1 - dim * _UNIT_ROUNDOFF) + 3 * _UNIT_ROUNDOFF


def pair_scores(
    docs: np.ndarray | RowTable, queries: np.ndarray, pairs: RelevantSet, prepare: Callable[..., np.ndarray] | None = None
) -> np.ndarray:
    """(n_pairs,) float32: exact scores of all (query, document) pairs, gathered in blocks in document order.

    Parameters
    ----------
    docs
        (n_docs, dim), any float dtype, or a table read by rows.
    queries
        (n_queries, dim) float32, as they are compared.
    pairs
        The documents of each query.
    prepare
        Makes rows of ``docs`` comparable; default: float32 as they are.

    Raises
    ------
    ShapeError
        ``pairs`` has another number of queries.
    """
    from limitlab.search import kernels

    if pairs.n_queries != queries.shape[0]:
        raise ShapeError(f"exact_search(): relevance must have one row per query; got {pairs.n_queries} rows, {queries.shape[0]} queries.")
    out = np.empty(pairs.members.size, np.float32)
    order = np.argsort(pairs.members, kind="stable")  # ascending reads of a memory map
    for start in range(0, order.size, _ROWS):
        take = order[start : start + _ROWS]
        part = np.empty(take.size, np.float32)
        rows = np.asarray(docs[pairs.members[take]])
        kernels.paired_scores(as_float32(rows, rows.shape[1]) if prepare is None else prepare(rows), queries, pairs.rows[take], part)
        out[take] = part
    return out


def documents_before(
    docs: np.ndarray, queries: np.ndarray, pairs: RelevantSet, scores: np.ndarray, *, among: np.ndarray, places: np.ndarray
) -> np.ndarray:
    """(n_pairs,) int64: how many of the documents ``among`` rank before each pair's own document, by exact scores and ``places``.

    Parameters
    ----------
    docs, queries
        (n_docs, dim), (n_queries, dim) float32, compared by inner product as they are.
    scores
        (n_pairs,) from ``pair_scores``.
    among
        Distinct row numbers of ``docs``, ascending; the pair's own document does not count even if it is among them.
    places
        (n_docs,) from ``tie_order``.
    """
    from limitlab.search import kernels

    q = np.ascontiguousarray(queries, np.float32)
    lengths = np.sqrt((q.astype(np.float64) ** 2).sum(axis=1))
    above, tied, before = (np.zeros(pairs.members.size, np.int64) for _ in range(3))
    for start in range(0, len(among), _ROWS):
        taken = among[start : start + _ROWS]
        block = as_float32(np.asarray(docs[taken]), docs.shape[1])
        bounds = error_bound(docs.shape[1]) * lengths * float(np.sqrt(np.einsum("ij,ij->i", block, block, dtype=np.float64).max()))
        # The kernel looks places up by row number: those of the block first, then those of the pairs' own documents.
        order, own = np.concatenate([places[taken], places[pairs.members]]), len(taken) + np.arange(pairs.members.size)
        for at in range(0, len(q), _QUERIES):
            rows = slice(at, min(at + _QUERIES, len(q)))
            product = q[rows] @ block.T
            span = pairs.indptr[rows.start : rows.stop + 1]
            kernels.count_above(product, block, q[rows], 0, bounds[rows], order, span, scores, own, above, tied, before)
    return above + before
