"""What an adapter is fitted to: queries, a pool of documents, and which of the pool are relevant to which query."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from limitlab.search import RelevantSet, exact_search, normalised

_LISTED = 200  # hard documents that are looked at for each query


@dataclass(frozen=True, eq=False)
class Problem:
    """Everything as it is compared: unit rows for cosine.

    Attributes
    ----------
    queries
        (n_queries, dim) float32.
    pool
        (n_pool, dim) float32: all documents, or the relevant ones with the hardest and some evenly spread ones.
    relevant
        Rows of ``pool`` for each query; none is empty.
    cosine
        Whether changed documents are scaled to unit length again.
    """

    queries: np.ndarray
    pool: np.ndarray
    relevant: RelevantSet
    cosine: bool

    @property
    def dim(self) -> int:
        """Of queries and documents."""
        return self.queries.shape[1]

    def part(self, rows: np.ndarray) -> Problem:
        """The same pool with some of the queries."""
        return replace(self, queries=self.queries[rows], relevant=part(self.relevant, rows))


def part(relevant: RelevantSet, rows: np.ndarray) -> RelevantSet:
    """The relevant documents of some of the queries."""
    counts = np.diff(relevant.indptr)[rows]
    members = [relevant.members[relevant.indptr[r] : relevant.indptr[r + 1]] for r in rows]
    return RelevantSet(np.concatenate([[0], np.cumsum(counts)]), np.concatenate(members) if members else np.zeros(0, np.int64))


def pooled(docs: np.ndarray, queries: np.ndarray, relevant: RelevantSet, *, size: int, cosine: bool, seen: list[np.ndarray]) -> Problem:
    """A problem whose pool has at most ``size`` documents, or all that are relevant where these are more.

    Above ``size`` documents the pool is filled, after the relevant ones, with an even spread over the corpus (a quarter) and with those that
    the query vectors in ``seen`` rank highest: first the best of every query, then the second, and so on. Documents are read in blocks.

    Parameters
    ----------
    docs
        (n_docs, dim); may be a memory map.
    queries
        (n_queries, dim), rows as they are compared.
    seen
        Query vectors whose best documents count as hard, each (n_queries, dim).
    """
    n = len(docs)
    if n <= size:
        rows = np.arange(n)
    else:
        taken = np.zeros(n, bool)
        taken[relevant.members] = True
        taken[np.linspace(0, n - 1, max(1, size // 4)).astype(np.int64)] = True
        for vectors in seen:
            found = exact_search(docs, vectors, k=_LISTED, places=np.arange(n, dtype=np.int32), normalise=cosine)
            for column in found.indices.T:
                room = size - int(taken.sum())
                new = np.unique(column[(column >= 0) & ~taken[column]])
                taken[new[: max(0, room)]] = True
                if new.size >= room:
                    break
        rows = np.flatnonzero(taken)
    pool = np.empty((rows.size, docs.shape[1]), np.float32)
    for at in range(0, rows.size, 8192):
        block = np.asarray(docs[rows[at : at + 8192]])
        pool[at : at + 8192] = normalised(block) if cosine else block
    return Problem(queries, pool, RelevantSet(relevant.indptr, np.searchsorted(rows, relevant.members)), cosine)
