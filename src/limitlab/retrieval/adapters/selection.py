"""How far an adapter may go: start, temperature and ridge, chosen on queries that the fit does not see."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from limitlab.retrieval.adapters.closed_form import regression, rotation, unchanged
from limitlab.retrieval.adapters.contrastive import Strength, Weights, minimised
from limitlab.retrieval.adapters.problem import Problem
from limitlab.retrieval.adapters.splits import splits

_SCALES = (30.0, 10.0, 3.0)  # a smaller one is tried while it helps
_RIDGES = (10.0, 3.0, 1.0, 0.3, 0.1, 0.03, 0.01)
_REGRESSIONS = (0.001, 0.01, 0.1, 1.0)
_DOC_RIDGES = (30.0, 3.0)
_STEPS = 15
_MANY = 300  # queries from which one held-out part of a quarter decides, two where they are apart by documents; below, three parts
_BLOCK = 1024


@dataclass(frozen=True)
class Choice:
    """What was chosen: a start ("unchanged", "rotation", "regression"), its own ridge, and the contrastive fit from there, if any.

    ``rank`` is given, not chosen: the greatest rank of the change of each matrix from the start.
    """

    start: str
    start_ridge: float = 0.0
    strength: Strength | None = None
    rank: int | None = None

    def fitted(self, problem: Problem, *, steps: int = 40) -> Weights:
        """The adapter that this choice gives on all queries of a problem."""
        base = self.base(problem)
        return base if self.strength is None else cut(minimised(problem, base, self.strength, steps=steps), base, self.rank)

    def base(self, problem: Problem) -> Weights:
        """The start."""
        if self.start == "rotation":
            return rotation(problem)
        return regression(problem, self.start_ridge) if self.start == "regression" else unchanged(problem.dim)


def cut(weights: Weights, base: Weights, rank: int | None) -> Weights:
    """Weights whose change from ``base`` (documents: from no change) is the nearest of at most this rank."""
    if rank is None:
        return weights
    eye = np.eye(weights.query.shape[1], dtype=np.float32)
    docs = None if weights.docs is None else eye + _low_rank(weights.docs - eye, rank)
    return Weights(base.query + _low_rank(weights.query - base.query, rank), docs)


def _low_rank(matrix: np.ndarray, rank: int) -> np.ndarray:
    left, sizes, right = np.linalg.svd(matrix.astype(np.float64), full_matrices=False)
    return ((left[:, :rank] * sizes[:rank]) @ right[:rank]).astype(np.float32)


def merit(problem: Problem, weights: Weights, k: int) -> np.ndarray:
    """(n_queries,) mean over relevant documents of k / (k + a), a the irrelevant documents above: smooth, and steepest near rank k."""
    queries, pool, relevant = weights.queries_of(problem), weights.pool_of(problem), problem.relevant
    out = np.zeros(len(queries))
    for at in range(0, len(queries), _BLOCK):
        stop = min(at + _BLOCK, len(queries))
        span = slice(relevant.indptr[at], relevant.indptr[stop])
        rows, members = relevant.rows[span] - at, relevant.members[span]
        scores = queries[at:stop] @ pool.T
        own = scores[rows, members]
        scores[rows, members] = -np.inf
        for pair, row in enumerate(rows):
            out[at + row] += k / (k + np.count_nonzero(scores[row] >= own[pair]))
    return out / np.diff(relevant.indptr)


def chosen(problem: Problem, *, k: int, by: str, seed: int, rank: int | None = None) -> Choice:
    """The best choice for the query side on held-out queries, of fits cut to ``rank``; "unchanged" where none is better by more than one standard error."""
    trials = _Trials(problem, k, by, seed, rank)
    if not trials.parts:
        return Choice("unchanged", rank=rank)
    plain = trials.scored(lambda p, _: unchanged(p.dim))
    best, value = Choice("unchanged"), plain
    closed = [Choice("rotation"), *(Choice("regression", r) for r in _REGRESSIONS)]
    starts = [Choice("unchanged")]
    for choice in closed:
        found = trials.scored(partial(_base, choice))
        if found.mean() > value.mean():
            best, value = choice, found
    if best.start == "rotation":
        starts.append(best)
    for start in starts:
        highest = -np.inf
        for scale in _SCALES:
            tried = trials.path(start, [Strength(scale, r) for r in _RIDGES])
            for strength, found in tried:
                if found.mean() > value.mean():
                    best, value = Choice(start.start, start.start_ridge, strength), found
            top = max(float(found.mean()) for _, found in tried)
            if top <= highest:
                break
            highest = top
    return replace(best if _surely(value - plain) else Choice("unchanged"), rank=rank)


def chosen_docs(problem: Problem, query_side: Choice, *, k: int, by: str, seed: int) -> Choice:
    """``query_side`` with a document matrix where that is better on held-out queries, else ``query_side`` itself."""
    trials = _Trials(problem, k, by, seed, query_side.rank)
    if not trials.parts:
        return query_side
    best, value = query_side, trials.scored(lambda p, _: query_side.fitted(p, steps=_STEPS))
    plain = value
    given = query_side.strength or Strength(30.0, 3.0)
    for strength, found in trials.path(query_side, [Strength(given.scale, given.ridge, r) for r in _DOC_RIDGES]):
        if found.mean() > value.mean():
            best, value = replace(query_side, strength=strength), found
    return best if _surely(value - plain) else query_side


def _base(choice: Choice, problem: Problem, _: int) -> Weights:
    return choice.base(problem)


def _surely(gains: np.ndarray) -> bool:
    """More than one standard error above 0."""
    return bool(gains.mean() > gains.std() / max(1.0, np.sqrt(gains.size)) and gains.mean() > 0)


class _Trials:
    """Inner parts of the training queries."""

    def __init__(self, problem: Problem, k: int, by: str, seed: int, rank: int | None = None) -> None:
        n = len(problem.queries)
        many = n >= _MANY
        parts = splits(problem.relevant, folds=4 if many else 3, by=by, seed=seed) if n >= 6 else []
        if many:
            parts = parts[: 1 if by == "queries" else 2]
        self.parts = [(problem.part(s.train), problem.part(s.held_out)) for s in parts]
        self._k, self._rank = k, rank

    def scored(self, fit: Callable[[Problem, int], Weights]) -> np.ndarray:
        """Merits of the held-out queries of all parts."""
        return np.concatenate([merit(held, fit(train, i), self._k) for i, (train, held) in enumerate(self.parts)])

    def path(self, start: Choice, strengths: list[Strength]) -> list[tuple[Strength, np.ndarray]]:
        """Fits with less and less ridge, each from the one before; ends after two that are worse than the best."""
        bases = [start.base(train) for train, _ in self.parts]
        warm: list[Weights | None] = [None] * len(bases)
        out: list[tuple[Strength, np.ndarray]] = []
        best, worse = -np.inf, 0

        for strength in strengths:

            def fit(train: Problem, i: int, strength: Strength = strength) -> Weights:
                warm[i] = made = minimised(train, bases[i], strength, first=warm[i], steps=_STEPS)
                return cut(made, bases[i], self._rank)  # the next fit begins where this one ended, not where it was cut

            out.append((strength, self.scored(fit)))
            mean = float(out[-1][1].mean())
            worse = 0 if mean > best else worse + 1
            best = max(best, mean)
            if worse == 2:
                break
        return out
