"""Level 2: the best query vector that the given document vectors allow, for every query whose own vector misses something."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from limitlab._core.progress import SILENT, Progress
from limitlab.diagnosis.subject import Subject
from limitlab.search import RelevantSet, SearchResult, exact_search, normalised, separate

OWN, SEPARATED, FOUND = 0, 1, 2
_ENOUGH = 1e-6  # times the longest document: above the rounding of float32 scores: such a query also works in float32
_WORKING = 256  # irrelevant documents that a local solve looks at
_MOST_SOLVES = 20_000
_ROUNDS = (2, 8)
_ALONE = 8  # relevant documents that are tried as queries themselves
_PATIENCE = 3  # rounds without a document more after which a query is left as it is


@dataclass(frozen=True, eq=False)
class BestQueries:
    """Which relevant documents the best query vector found retrieves.

    Attributes
    ----------
    kept
        (n_pairs,) bool.
    how
        (n_queries,) int8: OWN (the encoder's query already retrieves all that fits), SEPARATED (a query was proved to score all
        relevant documents above all others), FOUND (the best query that the search found: a lower bound where something is missing).
    """

    kept: np.ndarray
    how: np.ndarray


def best_queries(subject: Subject, own: SearchResult, *, progress: Progress = SILENT) -> BestQueries:
    """The best query against the documents as they are, under the cut: up to k - |S| other documents may stand above.

    A query whose own vector retrieves min(k, |S|) relevant documents is not solved again. Of the others with |S| <= k, the max-margin
    query decides (``separate``). What cannot be separated, and queries with |S| > k, are searched for: candidates are the
    encoder's query, the mean of the relevant documents, the same minus the mean of all, and up to 8 relevant documents themselves; the best is then
    improved in rounds. A round
    takes the irrelevant documents seen near the top, lets the k - |T| highest of them pass, and separates T from the rest, T the
    relevant documents; while T cannot be separated its lowest-scoring document is given up, which lets one more document pass.
    Every candidate is ranked against all documents. What is found is attained; that nothing better was found proves nothing.

    Parameters
    ----------
    own
        The exact search with the encoder's queries, with ranks.

    References
    ----------
    [Wolfe1976] for the solver behind ``separate``.
    """
    assert own.ranks is not None
    kept = _within(own, subject.k)
    how = np.full(subject.targets.size, OWN, np.int8)
    hits = subject.per_query(kept)
    todo = np.flatnonzero(hits < subject.targets)
    whole = todo[(subject.sizes[todo] <= subject.k) & (subject.sizes[todo] < len(subject.docs))]
    if whole.size:
        part = _part(subject.relevant, whole)
        found = separate(subject.docs, (part.indptr, part.members), tolerance=1e-9, enough=_ENOUGH * _longest(subject), progress=progress)
        for q in whole[found.separable]:
            kept[_span(subject, q)] = True
        how[whole[found.separable]] = SEPARATED
    hard = todo[how[todo] == OWN]
    if hard.size:
        how[hard] = FOUND
        search = _Search(subject, hard, own, progress)
        with progress.task("best queries", search.rounds) as bar:
            for _ in range(search.rounds):
                if not search.improve():
                    break
                bar.advance()
        for i, q in enumerate(hard):
            kept[_span(subject, q)] = search.kept[i]
    return BestQueries(kept, how)


class _Search:
    """The hard queries, their best candidates so far, and the irrelevant documents seen near the top."""

    def __init__(self, subject: Subject, hard: np.ndarray, own: SearchResult, progress: Progress) -> None:
        self._subject, self._progress = subject, progress
        self._part = _part(subject.relevant, hard)
        self._relevant = [self._part.members[a:b] for a, b in zip(self._part.indptr, self._part.indptr[1:])]
        self._targets = subject.targets[hard]
        self.rounds = int(np.clip(_MOST_SOLVES // hard.size, *_ROUNDS))
        own_kept = _within(own, subject.k)
        self.kept = [own_kept[_span(subject, q)].copy() for q in hard]
        self._queries = subject.queries[hard].astype(np.float64)
        self._seen: list[np.ndarray] = [np.zeros(0, np.int64) for _ in hard]
        self._wanted = list(map(int, self._targets))  # |T| that is tried next
        self._stale = np.zeros(hard.size, np.int64)
        self._enough = 10 * _ENOUGH * _longest(subject)
        means = np.stack([subject.docs[m].mean(axis=0, dtype=np.float64) for m in self._relevant])
        overall = _mean(subject.docs)
        for candidates in (self._queries, means, means - overall):
            self._offer(candidates, np.arange(hard.size))
        for place in range(_ALONE):
            rows = np.array([i for i, m in enumerate(self._relevant) if place < m.size and self.kept[i].sum() < self._targets[i]], np.int64)
            if rows.size:
                self._offer(np.stack([subject.docs[self._relevant[i][place]] for i in rows]).astype(np.float64), rows)
        self._stale[:] = 0

    def improve(self) -> bool:
        """One round; False when no query can be improved any more by this method."""
        open_ = [i for i, kept in enumerate(self.kept) if kept.sum() < self._targets[i] and self._stale[i] < _PATIENCE]
        solved = [(i, query) for i in open_ if (query := self._solve(i)) is not None]
        if solved:
            self._offer(np.stack([query for _, query in solved]), np.array([i for i, _ in solved]))
        return bool(solved)

    def _solve(self, i: int) -> np.ndarray | None:
        """A query that separates the largest T it can from the documents seen, for T larger than what is attained."""
        subject, members = self._subject, self._relevant[i]
        docs, query = np.asarray(subject.docs[members], np.float64), self._queries[i]
        others = np.asarray(subject.docs[self._seen[i]], np.float64)
        order = np.argsort(-(docs @ query), kind="stable")
        highest = np.argsort(-(others @ query), kind="stable")
        size = min(self._wanted[i], self._targets[i])
        while size > self.kept[i].sum():
            rest = others[highest[subject.k - size :]]
            if not len(rest):
                return docs[order[:size]].mean(axis=0)
            found = separate(np.vstack([docs[order[:size]], rest]), np.arange(size)[None, :], tolerance=1e-9, enough=self._enough)
            if found.separable[0]:
                self._wanted[i] = size
                return found.queries[0]
            size -= 1
        self._wanted[i] = size
        return None

    def _offer(self, candidates: np.ndarray, at: np.ndarray) -> None:
        """Rank candidates of the queries ``at`` over all documents; keep the better ones, remember what stands near the top."""
        subject = self._subject
        part = _part(self._part, at)
        depth = min(len(subject.docs), subject.k + 64)
        found = exact_search(
            subject.docs, normalised(candidates), k=depth, places=subject.places, normalise=False, relevant=part, progress=self._progress
        )
        within = _within(found, subject.k)
        for row, i in enumerate(at):
            kept = within[part.indptr[row] : part.indptr[row + 1]]
            # A candidate that only ties becomes the point to go on from: the round before had not seen its neighbours.
            if kept.sum() >= self.kept[i].sum():
                self._queries[i] = candidates[row]
            self._stale[i] += 1
            if kept.sum() > self.kept[i].sum():
                self.kept[i], self._stale[i] = kept.copy(), 0
            near = found.indices[row][found.indices[row] >= 0]
            near = near[~np.isin(near, self._relevant[i])]
            old = self._seen[i][~np.isin(self._seen[i], near)]
            self._seen[i] = np.concatenate([near, old])[: max(_WORKING, subject.k + 64)]


def _within(found: SearchResult, k: int) -> np.ndarray:
    assert found.ranks is not None
    rank = found.ranks.by_id()
    return (rank > 0) & (rank <= k)


def _span(subject: Subject, query: int) -> slice:
    return slice(int(subject.relevant.indptr[query]), int(subject.relevant.indptr[query + 1]))


def _part(relevant: RelevantSet, rows: np.ndarray) -> RelevantSet:
    counts = np.diff(relevant.indptr)[rows]
    take = [relevant.members[relevant.indptr[r] : relevant.indptr[r + 1]] for r in rows]
    return RelevantSet(np.concatenate([[0], np.cumsum(counts)]), np.concatenate(take) if take else np.zeros(0, np.int64))


def _longest(subject: Subject) -> float:
    if subject.cosine:
        return 1.0
    squares = (
        np.einsum("ij,ij->i", b, b, dtype=np.float64).max() for b in (subject.docs[a : a + 8192] for a in range(0, len(subject.docs), 8192))
    )
    return float(np.sqrt(max(squares)))


def _mean(docs: np.ndarray) -> np.ndarray:
    total = np.zeros(docs.shape[1])
    for at in range(0, len(docs), 8192):
        total += docs[at : at + 8192].sum(axis=0, dtype=np.float64)
    return total / len(docs)
