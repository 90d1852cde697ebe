"""A relevance matrix as the bounds read it: distinct rows and columns, what is constant, and its densest part."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from time import monotonic

import numpy as np
from scipy import sparse

from limitlab.relevance import RelevanceMatrix, reduced


class Clock:
    """What is left of the time a caller allowed.

    Parameters
    ----------
    seconds
        From now, >= 0.
    """

    def __init__(self, seconds: float) -> None:
        self.end = monotonic() + seconds

    @property
    def left(self) -> float:
        """Seconds left, >= 0."""
        return max(0.0, self.end - monotonic())

    @property
    def over(self) -> bool:
        """Whether the time is spent."""
        return monotonic() >= self.end

    def part(self, fraction: float) -> Clock:
        """A clock for this fraction of what is left."""
        return Clock(fraction * self.left)


@dataclass(frozen=True, eq=False)
class SignMatrix:
    """Distinct rows and distinct columns of a binary relevance matrix.

    Attributes
    ----------
    rows
        CSR, int8 ones, (n_rows, n_cols), indices ascending. A row without entries, or with all, is constant.
    of_n_queries, of_n_docs
        Before equal ones were merged.
    doc_ids
        One id a column.
    """

    rows: sparse.csr_matrix
    of_n_queries: int
    of_n_docs: int
    doc_ids: tuple[str, ...]

    @classmethod
    def of(cls, relevance: RelevanceMatrix, *, min_relevance: int = 1) -> SignMatrix:
        """Merge equal rows and equal columns; constant rows are kept (at most one of either kind)."""
        small = reduced(relevance, min_relevance=min_relevance, constant_rows="keep").relevance
        rows = sparse.csr_matrix((np.ones(small.indices.size, np.int8), small.indices.copy(), small.indptr.copy()), shape=small.shape)
        return cls(rows, relevance.n_queries, relevance.n_docs, tuple(small.doc_ids))

    @property
    def n_rows(self) -> int:
        """Distinct rows, constant ones included."""
        return int(self.rows.shape[0])

    @property
    def n_cols(self) -> int:
        """Distinct columns."""
        return int(self.rows.shape[1])

    @cached_property
    def sizes(self) -> np.ndarray:
        """(n_rows,) int64: relevant columns of each row."""
        return np.diff(self.rows.indptr).astype(np.int64)

    @cached_property
    def degrees(self) -> np.ndarray:
        """(n_cols,) int64: rows that ask each column."""
        return np.bincount(self.rows.indices, minlength=self.n_cols)

    @cached_property
    def varying(self) -> SignMatrix:
        """Without constant rows: these ask nothing of a ranking. Columns stay distinct, only constant entries go."""
        keep = np.flatnonzero((self.sizes > 0) & (self.sizes < self.n_cols))
        return self if keep.size == self.n_rows else SignMatrix(self.rows[keep], self.of_n_queries, self.of_n_docs, self.doc_ids)

    @property
    def has_constant_rows(self) -> bool:
        """Whether some query has no relevant document, or all."""
        return self.varying.n_rows < self.n_rows

    @cached_property
    def half_sizes(self) -> np.ndarray:
        """(n_rows,) int64: min(relevant, not relevant)."""
        return np.minimum(self.sizes, self.n_cols - self.sizes)

    @cached_property
    def n_row_pairs(self) -> int:
        """Distinct rows when a row and its complement count as one."""
        return _pairs(self.rows)

    @cached_property
    def n_col_pairs(self) -> int:
        """Distinct columns when a column and its complement count as one."""
        return _pairs(self.rows.T.tocsr())

    def dense(self) -> np.ndarray:
        """(n_rows, n_cols) bool."""
        out: np.ndarray = self.rows.toarray().astype(bool)
        return out

    def core(self, most: int) -> np.ndarray:
        """(<= most, <= most) bool: distinct rows and columns, not constant, of the part with the most balanced rows and columns.

        Whatever holds for a part of a matrix bounds the whole from below (dimensions) or above (gaps).
        """
        balance = np.minimum(self.degrees, self.n_rows - self.degrees)
        columns = np.sort(np.argsort(-balance, kind="stable")[:most])
        part = self.rows[:, columns]
        sizes = np.diff(part.indptr)
        half = np.minimum(sizes, columns.size - sizes)
        rows = np.sort(np.argsort(-half, kind="stable")[: 4 * most])
        block = part[rows].toarray().astype(bool)
        block = distinct_rows(block[(block.any(axis=1)) & (~block.all(axis=1))])[:most]
        return distinct_rows(block.T).T if block.size else block


def distinct_rows(block: np.ndarray) -> np.ndarray:
    """The distinct rows of a bool matrix, in the order in which they first appear. Packed into whole numbers: sorting rows is slow."""
    n_rows, n = block.shape
    if not n_rows or not n:
        return block[:1]
    packed = np.zeros((n_rows, -(-n // 64) * 8), np.uint8)
    packed[:, : -(-n // 8)] = np.packbits(block, axis=1)
    words = packed.view(np.uint64)
    if words.shape[1] == 1:
        first = np.unique(words[:, 0], return_index=True)[1]
    else:
        order = np.lexsort(words.T)  # stable: of equal rows the first one leads
        new = np.ones(n_rows, bool)
        new[1:] = (words[order[1:]] != words[order[:-1]]).any(axis=1)
        first = order[new]
    out: np.ndarray = block[np.sort(first)]
    return out


def _pairs(matrix: sparse.csr_matrix) -> int:
    """Rows of a matrix with distinct rows, a row and its complement counted once."""
    matrix.sort_indices()
    n = matrix.shape[1]
    if not n or not matrix.shape[0]:
        return int(matrix.shape[0])
    sizes = np.diff(matrix.indptr)
    half = np.flatnonzero(2 * sizes == n)
    large = np.flatnonzero(2 * sizes > n)
    if not half.size and not large.size:
        return int(matrix.shape[0])
    seen = {matrix.indices[matrix.indptr[i] : matrix.indptr[i + 1]].tobytes() for i in range(matrix.shape[0])}
    everything = np.arange(n, dtype=matrix.indices.dtype)
    twice = 0.0
    for i in np.concatenate([half, large]):
        other = np.setdiff1d(everything, matrix.indices[matrix.indptr[i] : matrix.indptr[i + 1]], assume_unique=True)
        if other.astype(matrix.indices.dtype).tobytes() in seen:
            twice += 0.5 if 2 * sizes[i] == n else 1.0
    return int(matrix.shape[0] - twice)
