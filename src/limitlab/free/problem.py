"""What free embeddings are asked to hold: documents, queries, which are relevant to which, and the seed of the start."""

from __future__ import annotations

from dataclasses import dataclass
from math import comb

import numpy as np

from limitlab._core.checks import whole
from limitlab._core.errors import RangeError, ShapeError, TooLarge
from limitlab._core.provenance import cores, total_memory
from limitlab._core.seeds import derived
from limitlab.relevance import RelevanceMatrix

MAX_MEMBERS = 200_000_000


@dataclass(frozen=True, eq=False)
class FreeProblem:
    """A binary relevance matrix and a seed. Build one with ``all_subsets`` or ``from_relevance``.

    Attributes
    ----------
    n_docs
        Number of documents, >= 2.
    indptr, members
        (n_queries + 1,) int64 and (n_relevant,) int32: query ``q`` has the relevant documents
        ``members[indptr[q]:indptr[q + 1]]``, ascending; at least one and fewer than ``n_docs``. Read-only.
    seed
        Of the starting vectors, >= 0.

    Examples
    --------
    >>> problem = FreeProblem.all_subsets(5, 2, seed=1)
    >>> problem.n_queries, problem.n_relevant, problem.k
    (10, 20, 2)
    """

    n_docs: int
    indptr: np.ndarray
    members: np.ndarray
    seed: int

    @classmethod
    def all_subsets(cls, n_docs: int, k: int = 2, *, seed: int = 42) -> FreeProblem:
        """Every k-subset of ``n_docs`` documents is the relevant set of one query, in lexicographic order.

        Only the subsets themselves are held, (C(n_docs, k), k) int32.

        Raises
        ------
        RangeError
            ``k`` is not in [1, n_docs - 1]: with k = n_docs nothing is left to rank below.
        TooLarge
            The subsets have more than 200,000,000 entries.
        """
        who = "FreeProblem.all_subsets()"
        n_docs = whole(who, "n_docs", n_docs, low=2, high=2**31 - 1)
        k = whole(who, "k", k, low=1)
        if k >= n_docs:
            raise RangeError(f"{who}: k must be in [1, n_docs - 1]; got k={k}, n_docs={n_docs}.")
        # C(n, 32) >= C(64, 32) is far above the limit, and no number with millions of digits need be computed to know it.
        queries = comb(n_docs, k) if min(k, n_docs - k) < 32 else None
        if queries is None or queries * k > MAX_MEMBERS:
            size = "more than 10^18" if queries is None or queries * k >= 10**18 else f"{queries * k:,}"
            raise TooLarge(
                f"{who[:-2]}(n_docs={n_docs}, k={k}) has {size} relevant pairs; the limit is {MAX_MEMBERS:,}. "
                "Give a sample of the queries: from_relevance(all_subsets(n_docs, k, sample=N))."
            )
        rows = _subsets(n_docs, k)
        return cls._frozen(n_docs, np.arange(len(rows) + 1, dtype=np.int64) * k, rows.reshape(-1), whole(who, "seed", seed, low=0))

    @classmethod
    def from_relevance(cls, relevance: RelevanceMatrix, *, min_relevance: int = 1, seed: int = 42) -> FreeProblem:
        """The rows of a relevance matrix; entries of grade >= ``min_relevance`` are relevant, all others are not.

        Raises
        ------
        ShapeError
            There is no query; a query has no relevant document, or every document is relevant to it.
        """
        who = "FreeProblem.from_relevance()"
        if not isinstance(relevance, RelevanceMatrix):
            raise ShapeError(f"{who}: relevance must be a RelevanceMatrix; got {type(relevance).__name__}.")
        seed = whole(who, "seed", seed, low=0)
        binary = relevance.binary(min_relevance)
        if binary.n_queries == 0:
            raise ShapeError(f"{who}: relevance must have at least one query; got none.")
        counts = np.diff(binary.indptr)
        for wrong, must in (
            (counts == 0, "every query must have a relevant document"),
            (counts == binary.n_docs, "every query must have a document that is not relevant"),
        ):
            rows = np.flatnonzero(wrong)
            if rows.size:
                names = ", ".join(repr(binary.query_ids[int(row)]) for row in rows[:3]) + (", ..." if rows.size > 3 else "")
                raise ShapeError(f"{who}: {must}; got {rows.size:,} of {counts.size:,} without: {names}. Drop these rows with select().")
        return cls._frozen(binary.n_docs, binary.indptr, binary.indices, seed)

    @classmethod
    def _frozen(cls, n_docs: int, indptr: np.ndarray, members: np.ndarray, seed: int) -> FreeProblem:
        for array in (indptr, members):
            array.setflags(write=False)
        return cls(n_docs, indptr, members, seed)

    @property
    def n_queries(self) -> int:
        """Number of queries."""
        return self.indptr.size - 1

    @property
    def n_relevant(self) -> int:
        """Number of (query, relevant document) pairs."""
        return self.members.size

    @property
    def k(self) -> int | None:
        """Relevant documents of every query, or None when the number differs between queries."""
        first = int(self.indptr[1])
        return first if self.n_relevant == first * self.n_queries and (np.diff(self.indptr) == first).all() else None

    def start(self, dim: int) -> tuple[np.ndarray, np.ndarray]:
        """The starting vectors: standard normal rows scaled to unit length, documents drawn first.

        Returns
        -------
        docs, queries
            (n_docs, dim) and (n_queries, dim) float32. They depend on seed, n_docs and dim.
        """
        rng = derived(self.seed, "free", self.n_docs, dim)
        return _unit_rows(rng, self.n_docs, dim), _unit_rows(rng, self.n_queries, dim)

    def memory_bytes(self, dim: int) -> int:
        """Bytes that an optimisation in ``dim`` dimensions needs beside the relevance: vectors, two moments, scratch space."""
        vectors = (self.n_queries + self.n_docs) * dim
        strips = 32 * self.n_docs * dim  # the documents' gradient, in parts (see state.py)
        sheets = cores() * 2 * 64 * self.n_docs  # scores and slopes of the block that each thread works on
        return 4 * (5 * vectors + strips + sheets)

    def check_memory(self, who: str, dim: int, *, limit_bytes: int | None = None) -> None:
        """Raises TooLarge when ``memory_bytes(dim)`` is above ``limit_bytes`` (default: three quarters of the machine's)."""
        self.refuse_above(who, dim, need=self.memory_bytes(dim), limit=memory_limit() if limit_bytes is None else limit_bytes)

    def refuse_above(self, who: str, dim: int, *, need: int, limit: int) -> None:
        """Raises TooLarge, with the sizes, when ``need`` bytes are more than ``limit``."""
        if need > limit:
            raise TooLarge(
                f"{who}: n_docs={self.n_docs:,}, n_queries={self.n_queries:,}, dim={dim:,} needs about {need / 2**30:,.1f} GiB; "
                f"the limit is {limit / 2**30:,.1f} GiB. Use fewer queries (a sample of the rows) or a smaller dim."
            )


def memory_limit() -> int:
    """Bytes that optimisations may take together: three quarters of the machine's."""
    return 3 * total_memory() // 4


def _subsets(n: int, k: int) -> np.ndarray:
    """All k-subsets of range(n) in lexicographic order, (C(n, k), k) int32: every prefix is extended by all greater numbers."""
    rows = np.arange(n - k + 1, dtype=np.int32)[:, None]
    for size in range(2, k + 1):
        last = rows[:, -1].astype(np.int64)
        counts = (n - k + size - 1) - last  # the next number must leave room for those after it
        ends = np.cumsum(counts)
        following = np.arange(ends[-1]) - np.repeat(ends - counts - last - 1, counts)
        rows = np.concatenate([np.repeat(rows, counts, axis=0), following[:, None].astype(np.int32)], axis=1)
    return np.ascontiguousarray(rows)


def _unit_rows(rng: np.random.Generator, rows: int, dim: int) -> np.ndarray:
    out = rng.standard_normal((rows, dim), dtype=np.float32)
    for start in range(0, rows, 65_536):  # in float64, a block at a time
        block = out[start : start + 65_536].astype(np.float64)
        out[start : start + 65_536] = block / np.sqrt((block**2).sum(axis=1, keepdims=True))
    return out
