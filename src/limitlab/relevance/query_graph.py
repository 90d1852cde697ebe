"""The query-query graph of a relevance matrix: how entangled the queries are."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy import sparse

from limitlab._core.checks import whole
from limitlab.relevance.matrix import RelevanceMatrix


@dataclass(frozen=True)
class QueryGraph:
    """Two queries are joined when they share a relevant document; the weight is the Jaccard similarity of their sets.

    Attributes
    ----------
    n_queries
        Queries with at least one relevant document; the others are left out.
    n_edges
        Joined pairs.
    density
        ``n_edges`` over all pairs, in [0, 1].
    mean_query_strength
        Mean over queries of the sum of their edges' weights.
    """

    n_queries: int
    n_edges: int
    density: float
    mean_query_strength: float

    def to_dict(self) -> dict[str, float]:
        """Plain values."""
        return {
            "n_queries": self.n_queries,
            "n_edges": self.n_edges,
            "density": self.density,
            "mean_query_strength": self.mean_query_strength,
        }


def query_graph(relevance: RelevanceMatrix, *, min_relevance: int = 1, max_block_entries: int = 20_000_000) -> QueryGraph:
    """Density and mean query strength, from sparse products in blocks; the query-query matrix is never held whole.

    Parameters
    ----------
    relevance
        Any relevance matrix.
    min_relevance
        Grades below it do not count.
    max_block_entries
        At most about this many entries of the query-query product are held at once.

    References
    ----------
    [Weller2025], section 5 (the text says documents; the published 0.085481 and 28.4653 are those of queries).
    """
    whole("query_graph()", "max_block_entries", max_block_entries, low=1)
    a = relevance.binary(min_relevance).to_csr()
    a = a[np.diff(a.indptr) > 0].astype(np.int32)
    n = a.shape[0]
    sizes = np.diff(a.indptr).astype(np.float64)
    degree = np.bincount(a.indices, minlength=a.shape[1])
    by_document = a.T.tocsr()
    # A row of the product has at most this many entries: the sum over its documents of their numbers of queries.
    weight = np.add.reduceat(degree[a.indices], a.indptr[:-1]) if n else np.zeros(0, np.int64)
    edges = 0
    strength = 0.0
    for start, stop in _row_blocks(weight, max_block_entries):
        shared = sparse.csr_matrix(a[start:stop] @ by_document)
        rows = np.repeat(np.arange(start, stop), np.diff(shared.indptr))
        other = shared.indices != rows
        overlap = shared.data[other].astype(np.float64)
        edges += int(other.sum())
        strength += float((overlap / (sizes[rows[other]] + sizes[shared.indices[other]] - overlap)).sum())
    pairs = n * (n - 1)
    return QueryGraph(
        n_queries=n, n_edges=edges // 2, density=edges / pairs if pairs else 0.0, mean_query_strength=strength / n if n else 0.0
    )


def _row_blocks(weight: np.ndarray, limit: int) -> Iterator[tuple[int, int]]:
    """Consecutive row ranges whose weights sum to at most ``limit`` (single rows may exceed it)."""
    total = np.cumsum(weight)
    start = 0
    while start < weight.size:
        done = total[start - 1] if start else 0
        stop = max(start + 1, int(np.searchsorted(total, done + limit, side="right")))
        yield start, stop
        start = stop
