"""One pass over documents in blocks: the k best of every query, and counts above the relevant ones."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from limitlab._core.checks import finite_rows
from limitlab._core.row_tables import RowTable
from limitlab.search.pairs import error_bound
from limitlab.search.vectors import as_float32, normalised

_QUERIES = 1024  # queries a block of products
# Documents a block. Every block is handed from the threads of BLAS to those of numba and back, and each side waits for the other to rest:
# with 8,192 a search of a million documents on two cores took a tenth longer; above 16,384 nothing more is gained.
_DOCS = 16_384


def preparer(normalise: bool, dim: int) -> Callable[..., np.ndarray]:
    """What makes rows comparable: the first ``dim`` values as float32, scaled to unit length where that is asked for."""
    return partial(normalised if normalise else as_float32, dim=dim, name="docs")


def usual_block(n_queries: int, dim: int, memory_bytes: int) -> int:
    """Documents a block that fit ``memory_bytes`` beside their products."""
    return int(min(_DOCS, max(64, memory_bytes // (4 * (max(1, min(n_queries, _QUERIES)) + 3 * dim)))))


class Heaps:
    """The k best documents of every query so far."""

    def __init__(self, n_queries: int, k: int, places: np.ndarray) -> None:
        self._places = places
        self._scores = np.full((n_queries, k), -np.inf, np.float32)
        self._docs = np.full((n_queries, k), -1, np.int64)
        self._sizes = np.zeros(n_queries, np.int64)

    def rows(self, rows: slice) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Arguments of the kernels for a block of queries."""
        return self._scores[rows], self._docs[rows], self._sizes[rows]

    def sorted(self) -> tuple[np.ndarray, np.ndarray]:
        """((n_queries, k) documents best first, -1 where there are no more; their scores); nothing can be offered any more."""
        from limitlab.search import kernels

        kernels.sort_heaps(self._places, self._scores, self._docs, self._sizes)
        return self._docs, self._scores


def search_rows(
    who: str,
    docs: np.ndarray | RowTable,
    queries: np.ndarray,
    *,
    heaps: Heaps,
    counts: Any,
    places: np.ndarray,
    normalise: bool,
    block_docs: int,
    advance: Callable[[float], None],
) -> None:
    """Offer every row of ``docs`` to the heaps, and count it against the relevant documents; rows with NaN or infinity are refused.

    Parameters
    ----------
    queries
        (n_queries, dim) float32 as they are compared; ``dim`` may be smaller than that of ``docs``.
    counts
        From ``RelevantSet.counter``, or None.
    places
        One value a row of ``docs``, then what the members of ``counts`` index beyond them.
    advance
        Called with the rows of every block.
    """
    from limitlab.search import kernels

    n_queries, dim = queries.shape
    prepare = preparer(normalise, dim)
    lengths = np.sqrt((queries.astype(np.float64) ** 2).sum(axis=1))
    block_queries = max(1, min(n_queries, _QUERIES))
    product = np.empty((block_queries, block_docs), np.float32)
    for start in range(0, len(docs), block_docs):
        raw = np.asarray(docs[start : start + block_docs])
        finite_rows(who, "docs", raw, offset=start)
        block = prepare(raw)
        # Unit rows need no norms; those of others are summed in float64, where float32 squares cannot underflow.
        largest = 1.00001 if normalise else float(np.sqrt(np.einsum("ij,ij->i", block, block, dtype=np.float64).max()))
        bounds = error_bound(dim) * lengths * largest
        for at in range(0, n_queries, block_queries):
            rows = slice(at, min(at + block_queries, n_queries))
            out = product[: rows.stop - at, : block.shape[0]]
            np.matmul(queries[rows], block.T, out=out)
            kernels.fill_heaps(out, block, queries[rows], start, bounds[rows], places, *heaps.rows(rows))
            if counts is not None:
                kernels.count_above(out, block, queries[rows], start, bounds[rows], places, *counts.rows(rows))
        advance(block.shape[0])
