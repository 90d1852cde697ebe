"""Where relevant documents stand among the irrelevant ones: from one exact search, what drowning and gaps are made of."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from limitlab.diagnosis.subject import Subject
from limitlab.search import SearchResult, pair_scores

_LIST_BYTES = 128 << 20
_TAIL = 512  # irrelevant documents whose scores are kept for each query


def list_depth(subject: Subject) -> int:
    """How deep the exact search must list documents, so that the highest irrelevant scores are among them."""
    wanted = max(subject.k, _TAIL + int(min(subject.sizes.max(), 1024)))
    return int(min(len(subject.docs), max(subject.k, min(wanted, _LIST_BYTES // (12 * len(subject.queries))))))


@dataclass(frozen=True, eq=False)
class Pairs:
    """Relevant pairs of one search, as the laws of their ranks need them.

    Attributes
    ----------
    query
        (n_pairs,) row of the query, ascending; every query has a pair.
    better
        (n_pairs,) relevant documents of the same query that rank before this one.
    above
        (n_pairs,) irrelevant documents that rank before it.
    irrelevant
        (n_queries,) documents that are not relevant to the query.
    score
        (n_pairs,) float64, the exact score rounded to float32.
    """

    query: np.ndarray
    better: np.ndarray
    above: np.ndarray
    irrelevant: np.ndarray
    score: np.ndarray

    @property
    def sizes(self) -> np.ndarray:
        """(n_queries,) relevant documents."""
        return np.bincount(self.query, minlength=self.irrelevant.size)

    @property
    def recall_weights(self) -> np.ndarray:
        """(n_pairs,) share of each pair in the mean recall."""
        return 1.0 / (self.sizes[self.query] * self.irrelevant.size)

    @property
    def last_weights(self) -> np.ndarray:
        """(n_pairs,) share of each pair in all-relevant: of the last relevant document of each query, 0 of the others."""
        return (self.better == self.sizes[self.query] - 1) / self.irrelevant.size

    def within(self, k: int) -> np.ndarray:
        """(n_pairs,) bool: ranks within the cut."""
        return self.better + self.above < k


@dataclass(frozen=True, eq=False)
class Standing:
    """Relevant pairs, and the highest irrelevant documents of every query.

    Attributes
    ----------
    pairs
        In the order of the subject's relevant pairs.
    highest_docs, highest
        (n_queries, width) int64 and float64, best first; -1 and -inf where the list held no more.
    """

    pairs: Pairs
    highest_docs: np.ndarray
    highest: np.ndarray

    @property
    def best_irrelevant(self) -> np.ndarray:
        """(n_queries,) float64; -inf where the list held relevant documents only."""
        return self.highest[:, 0]


def standing(subject: Subject, own: SearchResult) -> Standing:
    """Bring an exact search with ranks into this form; ``own`` listed ``list_depth`` documents."""
    assert own.ranks is not None
    relevant = subject.relevant
    rank = own.ranks.by_id()
    order = np.lexsort((rank, relevant.rows))
    better = np.empty(rank.size, np.int64)
    better[order] = np.arange(rank.size) - relevant.indptr[relevant.rows[order]]
    score = pair_scores(subject.docs, subject.queries, relevant).astype(np.float64)
    n = len(subject.docs)
    pairs = Pairs(relevant.rows, better, rank - 1 - better, n - subject.sizes, score)
    docs, scores = np.asarray(own.indices), np.asarray(own.scores, np.float64)
    keys = np.arange(len(docs))[:, None] * n + docs
    keep = (docs >= 0) & ~np.isin(keys, relevant.rows * n + relevant.members)
    first = np.argsort(~keep, axis=1, kind="stable")
    left = np.take_along_axis(keep, first, axis=1)
    docs = np.where(left, np.take_along_axis(docs, first, axis=1), -1)
    return Standing(pairs, docs, np.where(left, np.take_along_axis(scores, first, axis=1), -np.inf))
