"""Exact ranks of the relevant documents: the sufficient statistic of every ranking measure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class RelevantRanks:
    """For every (query, relevant document) pair, how many documents score more, and how many the same.

    Arrays are aligned with the entries of the RelevantSet they were counted for.

    Attributes
    ----------
    indptr
        (n_queries + 1,): the pairs of query i are indptr[i] .. indptr[i+1].
    above
        (n_pairs,) int64: documents with a strictly greater score; -1 when the document was not retrieved at all.
    tied
        (n_pairs,) int64: documents with the same score, itself included (0 when not retrieved).
    before
        (n_pairs,) int64: of those, how many the id rule puts before it.
    """

    indptr: np.ndarray
    above: np.ndarray
    tied: np.ndarray
    before: np.ndarray

    @classmethod
    def joined(cls, parts: list[RelevantRanks]) -> RelevantRanks:
        """Consecutive blocks of queries as one."""
        lengths = [np.diff(p.indptr) for p in parts]
        indptr = np.concatenate([[0], np.cumsum(np.concatenate(lengths))]) if parts else np.zeros(1, np.int64)
        arrays = (
            [np.concatenate([getattr(p, f) for p in parts]) for f in ("above", "tied", "before")] if parts else [np.zeros(0, np.int64)] * 3
        )
        return cls(indptr, *arrays)

    @classmethod
    def from_lists(cls, relevant: RelevantSet, indices: np.ndarray, scores: np.ndarray, places: np.ndarray) -> RelevantRanks:
        """Ranks within given lists (a run file, a remote service): what is not in a list was not retrieved.

        indices (n_queries, k) int64 with -1 for none; scores (n_queries, k), any order within a row.
        """
        above = np.full(relevant.members.size, -1, np.int64)
        tied = np.zeros(relevant.members.size, np.int64)
        before = np.zeros(relevant.members.size, np.int64)
        for i in range(relevant.n_queries):
            kept = indices[i] >= 0
            docs, values = indices[i][kept], scores[i][kept]
            for p in range(relevant.indptr[i], relevant.indptr[i + 1]):
                at = np.flatnonzero(docs == relevant.members[p])
                if at.size:
                    score = values[at[0]]
                    same = values == score
                    above[p] = int((values > score).sum())
                    tied[p] = int(same.sum())
                    before[p] = int((places[docs[same]] < places[relevant.members[p]]).sum())
        return cls(relevant.indptr, above, tied, before)

    def by_id(self) -> np.ndarray:
        """(n_pairs,) int64: rank from 1 under the id rule; 0 when not retrieved."""
        return np.where(self.above < 0, 0, self.above + self.before + 1)


class RelevantSet:
    """The relevant columns of each query, as the search kernels want them.

    Parameters
    ----------
    indptr, members
        CSR structure of the relevant entries: (n_queries + 1,), (n_pairs,) column numbers.
    """

    def __init__(self, indptr: np.ndarray, members: np.ndarray) -> None:
        self.indptr = np.asarray(indptr, np.int64)
        self.members = np.asarray(members, np.int64)
        self.rows = np.repeat(np.arange(self.indptr.size - 1), np.diff(self.indptr))

    @property
    def n_queries(self) -> int:
        """Number of rows."""
        return self.indptr.size - 1

    def part(self, start: int, stop: int) -> RelevantSet:
        """Rows ``start .. stop - 1``."""
        lo, hi = self.indptr[start], self.indptr[stop]
        return RelevantSet(self.indptr[start : stop + 1] - lo, self.members[lo:hi])

    def counter(self, scores: np.ndarray, places: np.ndarray, *, lowest: float = -np.inf) -> _Counter:
        """Counters for the kernels, given every pair's exact score."""
        return _Counter(self, scores, lowest)


class _Counter:
    """What has been counted so far against every relevant document's score."""

    def __init__(self, relevant: RelevantSet, scores: np.ndarray, lowest: float) -> None:
        self._relevant = relevant
        self._scores = np.asarray(scores, np.float32)
        self._missing = ~(self._scores > lowest)
        self._above, self._tied, self._before = (np.zeros(scores.size, np.int64) for _ in range(3))

    def rows(self, rows: slice) -> tuple[Any, ...]:
        """Arguments of the counting kernels for a block of queries."""
        relevant = self._relevant
        return (relevant.indptr[rows.start : rows.stop + 1], self._scores, relevant.members, self._above, self._tied, self._before)

    def counted(self) -> np.ndarray:
        """(3, n_pairs) int64: above, tied, before."""
        return np.stack([self._above, self._tied, self._before])

    def add(self, counted: np.ndarray) -> None:
        """Add what was counted over other documents against the same scores."""
        for own, more in zip((self._above, self._tied, self._before), counted):
            own += more

    def ranks(self) -> RelevantRanks:
        """The counts; a document that was not retrieved has above = -1."""
        above = np.where(self._missing, -1, self._above)
        tied, before = (np.where(self._missing, 0, c) for c in (self._tied, self._before))
        return RelevantRanks(self._relevant.indptr, above, tied, before)
