"""Max-margin queries over many documents: solve on a few, look for violators with one blocked product, repeat.

Every set has working documents; the compiled solve finds their max-margin query, a float32 matrix product of all queries
with a block of documents finds (with its proven error as guard band) those that violate it, and the worst of them join.
Memory holds working documents and one block of products, never a score for every set and document.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from limitlab.engine import Finished
from limitlab.search.separation import Part
from limitlab.search.violators import Asked, Corpus, Found, violators

_FIRST, _MORE, _RELEVANT = 96, 48, 32  # documents taken at first and a round; relevant ones taken at first
_SPARE = 4  # rounds whose documents fit beside the active ones before the idle ones are dropped
_MOST_ROUNDS = 200
_LOOSE = 0.05  # a solve this much better than the violations it knows of is good enough for the next round
_FIRST_SLACK = 0.02  # of the longest document, while nothing is known
_PRODUCTS, _LEAST_BLOCK = 1 << 22, 1024  # values of one block of products, so that threads meet seldom; its documents
_UNIT = 2.0**-24  # float32
_STATE = ("ids", "inside", "weights", "counts", "gaps", "bounds", "worst", "steps", "queries", "_slack")  # what a round reads and writes


@dataclass
class CuttingPlane:
    """The sets of one block, their working documents and what is known of each.

    Attributes
    ----------
    corpus, indptr, members
        The documents; CSR of the sets, members ascending within a set.
    queries
        (n_sets, dim) float64; directions at first, unit (or zero) queries after ``solve``.
    tolerance, enough
        As in ``separate``.
    """

    corpus: Corpus
    indptr: np.ndarray
    members: np.ndarray
    queries: np.ndarray
    tolerance: float
    enough: float

    def __post_init__(self) -> None:
        n_sets, capacity = self.indptr.size - 1, self._capacity(self.corpus)
        self.ids, self.inside = np.zeros((n_sets, capacity), np.int64), np.zeros((n_sets, capacity), bool)
        self.weights, self.counts = np.zeros((n_sets, capacity)), np.zeros(n_sets, np.int64)
        self.gaps, self.bounds = np.zeros(n_sets), np.full(n_sets, np.inf)
        self.worst, self.steps = np.full(n_sets, -1, np.int64), np.zeros(n_sets, np.int64)
        self._margin = self.tolerance / 16  # violations below this are let be
        self._slack = np.full(n_sets, max(self._margin, _FIRST_SLACK * self.corpus.longest))

    @staticmethod
    def _capacity(corpus: Corpus) -> int:
        """Working documents of one set: the active ones, the first ones and those of a few rounds."""
        n_docs, dim = corpus.docs.shape
        return min(n_docs, dim + 2 + _RELEVANT + _FIRST + _SPARE * _MORE)

    @classmethod
    def bytes_per_set(cls, corpus: Corpus) -> int:
        """Memory a set needs while its block is solved: working documents twice, vectors, one row of products."""
        return 34 * cls._capacity(corpus) + 48 * corpus.docs.shape[1] + 4 * _LEAST_BLOCK + 32 * (_FIRST + _RELEVANT)

    def solve(self, finished: Finished | None = None, number: int = 0) -> Part:
        """Rounds until every set is solved, or none gets better any more.

        Parameters
        ----------
        finished, number
            Where the state after every round is kept, and the number of this block of sets in it: a solve that was killed goes on from the
            round in work, to the same bytes. None: nothing is kept.
        """
        kept = finished.get(number) if finished is not None else None
        if kept is None:
            left, done = np.arange(self.counts.size), 0
            self._begin(left)
        else:
            left, done = kept["left"], int(kept["rounds"])
            for name in _STATE:
                setattr(self, name, kept[name])
        while left.size and done < _MOST_ROUNDS:
            left, done = left[self._round(left)], done + 1
            if finished is not None:
                state = {name: getattr(self, name) for name in _STATE}
                finished.put(number, {**state, "left": left, "rounds": np.array(done)})
        active = np.where(self.weights > 0.0, self.ids, -1)
        shares = np.where(self.inside, self.weights, -self.weights)
        return Part(self.queries, self.gaps, self.bounds, self.worst, self.steps, active, shares)

    def _begin(self, rows: np.ndarray) -> None:
        from limitlab.search.many_sets import join_found

        nothing = np.full(rows.size, -np.inf)
        others, relevant = self._violators(rows, nothing, nothing, _FIRST, _RELEVANT)
        state = (self.ids, self.inside, self.weights, self.counts)
        join_found(*state, relevant.scores, relevant.docs, relevant.sizes, nothing, True)
        join_found(*state, others.scores, others.docs, others.sizes, nothing, False)

    def _round(self, rows: np.ndarray) -> np.ndarray:
        """Solve these sets on their working documents and add violators; returns which of them are not finished."""
        from limitlab.search.many_sets import join_found, solve_working

        dim = self.corpus.docs.shape[1]
        ids, inside, weights, counts = self.ids[rows], self.inside[rows], self.weights[rows], self.counts[rows]
        queries, steps = np.zeros((rows.size, -(-dim // 8) * 8)), self.steps[rows]
        queries[:, :dim] = self.queries[rows]
        figures, high_docs, touching = np.empty((rows.size, 3)), np.empty(rows.size, np.int64), np.empty(rows.size, bool)
        longest = self.corpus.longest
        slack = self._slack[rows]
        docs, numbers = self._working(ids, counts)
        solve_working(
            docs, dim, numbers, inside, weights, counts, longest, slack, self.enough, queries, figures, high_docs, steps, touching
        )
        if numbers is not ids:
            high_docs = self._documents[high_docs]
        self.queries[rows], self.steps[rows] = queries[:, :dim], steps
        low, high, bounds = figures.T
        others, relevant = self._violators(rows, -low, high, _MORE, _MORE)
        greatest = np.maximum(high, others.scores.max(axis=1))
        least = np.minimum(low, -relevant.scores.max(axis=1))
        gaps = np.where(touching, 0.0, least - greatest)
        at = others.scores.argmax(axis=1)
        worst = np.where(greatest > high, others.docs[np.arange(rows.size), at], high_docs)
        self.gaps[rows], self.bounds[rows], self.worst[rows] = gaps, bounds, worst
        self._slack[rows] = np.maximum(self._margin, _LOOSE * ((greatest - high) + (low - least)))
        helpless = (greatest <= high + self._margin) & (least >= low - self._margin) & (slack <= self._margin)
        going = ~(touching | (bounds - gaps <= self.tolerance) | (gaps >= self.enough) | helpless)
        closed = np.where(going, 0.0, np.inf)
        join_found(ids, inside, weights, counts, relevant.scores, relevant.docs, relevant.sizes, self._margin - low + closed, True)
        join_found(ids, inside, weights, counts, others.scores, others.docs, others.sizes, self._margin + high + closed, False)
        self.ids[rows], self.inside[rows], self.weights[rows], self.counts[rows] = ids, inside, weights, counts
        return going

    def _working(self, ids: np.ndarray, counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(documents, the working documents' numbers among them): all of them, or those of files that are at work, gathered."""
        if isinstance(self.corpus.docs, np.ndarray):
            return self.corpus.docs, ids
        used = np.arange(ids.shape[1]) < counts[:, None]
        self._documents, at = np.unique(ids[used], return_inverse=True)
        numbers = np.zeros_like(ids)
        numbers[used] = at
        gathered = np.ascontiguousarray(self.corpus.docs[self._documents], self.corpus.dtype)
        gathered.setflags(write=False)  # as the documents of one array are: one kind of array, one compilation
        return gathered, numbers

    def _violators(self, rows: np.ndarray, own_floors: np.ndarray, floors: np.ndarray, places: int, own_places: int) -> tuple[Found, Found]:
        """Irrelevant documents that score above ``floors``, and relevant ones below -``own_floors``: one pass."""
        corpus = self.corpus
        indptr, members = _taken(self.indptr, self.members, rows)
        queries = np.ascontiguousarray(self.queries[rows])
        norms = np.sqrt(np.einsum("ij,ij->i", queries, queries))
        guards = _filter_error(corpus.docs.shape[1]) * norms * corpus.longest + 1e-36  # the last: below float32's normal numbers
        block_docs = min(corpus.docs.shape[0], corpus.block_docs, max(_LEAST_BLOCK, _PRODUCTS // max(1, rows.size)))
        asked = Asked(queries, indptr, members, floors, own_floors, guards, places, own_places, corpus.dtype)
        return violators(corpus, asked, block_docs)


def _taken(indptr: np.ndarray, members: np.ndarray, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """CSR of the given rows."""
    if rows.size == indptr.size - 1:
        return indptr, members
    counts = np.diff(indptr)[rows]
    out = np.concatenate([[0], np.cumsum(counts)])
    take = np.arange(out[-1]) + np.repeat(indptr[rows] - out[:-1], counts)
    return out, members[take]


def _filter_error(dim: int) -> float:
    """Greatest |float32 product - float64 score| per unit of |query| |document|, both rounded to float32 first.

    The product errs by at most gamma_dim in any order of summation [Higham2002, section 3.1], rounding both factors adds
    2 u, and 4 u more cover second-order terms and the rounding of the float64 score.
    """
    return dim * _UNIT / (1 - dim * _UNIT) + 6 * _UNIT
