"""Drowning: recall against the size of the corpus, exact below it and extrapolated above it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from limitlab._core.seeds import derived
from limitlab.diagnosis.forecast import ASSUMPTION, Forecaster, log_odds
from limitlab.diagnosis.sampling_law import few_in_sample
from limitlab.diagnosis.standing import Pairs, Standing
from limitlab.diagnosis.subject import Subject
from limitlab.search import RelevantSet, documents_before

FACTORS = (2, 4, 8, 16, 32, 64, 100)
LEVELS = (0.9, 0.5)
_HALVINGS = 10
_BACKTESTS = (4, 16)
_PATH_QUERIES = 1_000
_AT_LEAST, _UNCHECKED = 0.1, 0.3  # log odds by which intervals are widened for every factor e of documents


@dataclass(frozen=True)
class Curve:
    """Recall and all-relevant at the cut against corpus sizes.

    Attributes
    ----------
    sizes
        Documents, ascending.
    recall, all_relevant
        One share a size.
    recall_interval, all_relevant_interval
        (low, high) a size; empty where the values are exact.
    n_queries
        Queries that the values are means over.
    """

    sizes: tuple[int, ...]
    recall: tuple[float, ...]
    all_relevant: tuple[float, ...]
    n_queries: int
    recall_interval: tuple[tuple[float, float], ...] = ()
    all_relevant_interval: tuple[tuple[float, float], ...] = ()

    @classmethod
    def from_dict(cls, record: dict[str, Any]) -> Curve:
        """From plain values."""
        pairs = {name: tuple(tuple(v) for v in record[name]) for name in ("recall_interval", "all_relevant_interval")}
        return cls(tuple(record["sizes"]), tuple(record["recall"]), tuple(record["all_relevant"]), record["n_queries"], **pairs)


@dataclass(frozen=True)
class Backtest:
    """What the extrapolation said about the whole corpus when it was given a random part of it.

    Attributes
    ----------
    from_docs, to_docs
        Documents of the part and of the whole.
    predicted, measured
        Recall at the cut in the whole corpus.
    chance
        Standard deviation of the difference if the extrapolation is right: which documents happen to be the new ones.
    n_queries
        Queries that both are means over.
    """

    from_docs: int
    to_docs: int
    predicted: float
    measured: float
    chance: float
    n_queries: int


@dataclass(frozen=True)
class Crossing:
    """Where a measure falls under a level: ``n_docs`` documents, "inside" the corpus or "extrapolated"; else None and why."""

    measure: str
    level: float
    n_docs: int | None
    where: str


@dataclass(frozen=True)
class Drowning:
    """Recall against corpus size.

    Attributes
    ----------
    k
        The cut.
    exact
        Expected over all random samples of each size, in closed form; ends at the whole corpus.
    path
        One nested random sample, as a check.
    forecast
        Beyond the corpus; None where it is too small to say anything.
    backtests
        How the extrapolation does on parts of the corpus; the intervals of ``forecast`` are widened by it.
    crossings
        For recall and all-relevant, 90 % and 50 %.
    tail, assumption
        What the extrapolation rests on.
    """

    k: int
    exact: Curve
    path: Curve | None
    forecast: Curve | None
    backtests: tuple[Backtest, ...]
    crossings: tuple[Crossing, ...]
    tail: str
    assumption: str = ASSUMPTION

    @property
    def n_docs(self) -> int:
        """Documents searched."""
        return self.exact.sizes[-1]

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        curves = {name: None if (c := getattr(self, name)) is None else dict(c.__dict__) for name in ("exact", "path", "forecast")}
        lists = {name: [dict(v.__dict__) for v in getattr(self, name)] for name in ("backtests", "crossings")}
        return {"k": self.k, **curves, **lists, "tail": self.tail, "assumption": self.assumption}

    @classmethod
    def from_dict(cls, record: dict[str, Any]) -> Drowning:
        """The inverse of ``to_dict``."""
        exact, path, forecast = (None if record[n] is None else Curve.from_dict(record[n]) for n in ("exact", "path", "forecast"))
        assert exact is not None
        backtests = tuple(Backtest(**r) for r in record["backtests"])
        crossings = tuple(Crossing(**r) for r in record["crossings"])
        return cls(record["k"], exact, path, forecast, backtests, crossings, record["tail"], record["assumption"])


def drowning(subject: Subject, found: Standing, *, factors: Sequence[int] = FACTORS, seed: int = 0) -> Drowning:
    r"""Recall@k and all-relevant@k in smaller and larger corpora, with the query vectors as they are.

    Smaller: ``n`` documents drawn at random from all ``N``, and the query's relevant ones put in where they are not among them. A
    relevant document with :math:`r` irrelevant documents above it in the whole corpus then has :math:`X` above it, hypergeometric:
    :math:`P(X = x) = \binom{r}{x} \binom{N - r}{n - x} / \binom{N}{n}`. With :math:`j` relevant ones above, it is within the cut when
    :math:`X \le k - 1 - j`. All relevant documents are when the last one is.

    Larger: see ``Forecaster``. Its intervals are widened by its error on a quarter and a sixteenth of the corpus, in log odds and in
    proportion to the logarithm of the factor.

    Parameters
    ----------
    factors
        Larger corpora, as multiples of this one.
    """
    pairs, n = found.pairs, len(subject.docs)
    sizes = _sizes(n, subject.k)
    values = [_expected_below(pairs, n, size, subject.k) for size in sizes]
    exact = Curve(sizes, tuple(v[0] for v in values), tuple(v[1] for v in values), pairs.irrelevant.size)
    nested = _Nested(subject, found, sizes[:-1], seed)
    ahead = Forecaster(pairs, found.highest, n_docs=n, k=subject.k)
    backtests = tuple(test for factor in _BACKTESTS if (test := nested.backtest(factor)) is not None)
    larger = {n * f: _widening(backtests) * float(np.log(f)) for f in factors}
    forecast = _forecast(ahead, pairs, larger, seed) if ahead.models and larger else None
    crossings = tuple(
        _crossing(name, level, exact, forecast, pairs, ahead, subject.k) for name in ("recall", "all_relevant") for level in LEVELS
    )
    return Drowning(subject.k, exact, nested.curve(), forecast, backtests, crossings, ahead.tail)


def _sizes(n: int, k: int) -> tuple[int, ...]:
    """The corpus halved again and again, down to a 1,024th or just above the cut."""
    return tuple(sorted({size for i in range(_HALVINGS + 1) if (size := round(n / 2**i)) > k or i == 0}))


def _expected_below(pairs: Pairs, n_docs: int, size: int, k: int) -> tuple[float, float]:
    """(recall, all-relevant) expected among ``size`` of ``n_docs`` documents."""
    every = np.full(pairs.above.size, 1)
    chance = few_in_sample(pairs.above, n_docs * every, size * every, k - 1 - pairs.better)
    return tuple(float(np.clip(chance @ w, 0.0, 1.0)) for w in (pairs.recall_weights, pairs.last_weights))  # type: ignore[return-value]


class _Nested:
    """One random order of all documents, cut at growing sizes: what stands above each relevant document at every size."""

    def __init__(self, subject: Subject, found: Standing, sizes: tuple[int, ...], seed: int) -> None:
        n, pairs = len(subject.docs), found.pairs
        rng = derived(seed, "drowning")
        self._place = np.empty(n, np.int64)
        order = rng.permutation(n)
        self._place[order] = np.arange(n)
        every = np.arange(len(subject.queries))
        self._rows = np.sort(rng.choice(every, _PATH_QUERIES, replace=False)) if every.size > _PATH_QUERIES else every
        self._k, self._sizes, self._found = subject.k, sizes, found
        part = np.isin(pairs.query, self._rows)
        self._query = np.searchsorted(self._rows, pairs.query[part])
        self._better, self._score, self._full = pairs.better[part], pairs.score[part], pairs.above[part]
        members = subject.relevant.members[part]
        counts = np.bincount(self._query, minlength=self._rows.size)
        chosen = RelevantSet(np.concatenate([[0], np.cumsum(counts)]), members)
        queries, scores = subject.queries[self._rows], self._score.astype(np.float32)
        self._above, self._own = [], []
        total, start = np.zeros(members.size, np.int64), 0
        by_rank = np.lexsort((self._better, self._query))
        for size in sizes:
            among = np.sort(order[start:size])
            total = total + documents_before(subject.docs, queries, chosen, scores, among=among, places=subject.places)
            inside = (self._place[members] < size).astype(np.int64)
            before = np.empty(members.size, np.int64)
            running = np.concatenate([[0], np.cumsum(inside[by_rank])])
            before[by_rank] = running[:-1] - running[chosen.indptr[self._query[by_rank]]]
            self._above.append(total - before)
            self._own.append(np.bincount(self._query, weights=inside, minlength=self._rows.size).astype(np.int64))
            start = size

    def _pairs(self, level: int) -> Pairs:
        return Pairs(self._query, self._better, self._above[level], self._sizes[level] - self._own[level], self._score)

    def curve(self) -> Curve | None:
        """What was counted; None where the corpus is too small to be cut."""
        if not self._sizes:
            return None
        shares = []
        for level in range(len(self._sizes)):
            pairs = self._pairs(level)
            inside = pairs.within(self._k)
            shares.append([float(np.clip(inside @ w, 0.0, 1.0)) for w in (pairs.recall_weights, pairs.last_weights)])
        return Curve(self._sizes, tuple(s[0] for s in shares), tuple(s[1] for s in shares), self._rows.size)

    def backtest(self, factor: int) -> Backtest | None:
        """Extrapolate from the first ``factor``-th part to the whole; None where that part says too little."""
        n = len(self._place)
        size = round(n / factor)
        if size not in self._sizes:
            return None
        pairs = self._pairs(self._sizes.index(size))
        docs = self._found.highest_docs[self._rows]
        keep = (docs >= 0) & (self._place[docs] < size)
        first = np.argsort(~keep, axis=1, kind="stable")
        scores = np.where(keep, self._found.highest[self._rows], -np.inf)
        ahead = Forecaster(pairs, np.take_along_axis(scores, first, axis=1), n_docs=size, k=self._k)
        if not ahead.models:
            return None
        measured = float(np.clip((self._better + self._full < self._k) @ pairs.recall_weights, 0.0, 1.0))
        inside, weights = ahead.chances(n), pairs.recall_weights
        chance = float(np.sqrt((weights**2 * inside * (1 - inside)).sum()))
        return Backtest(size, n, ahead.expected(n, weights), measured, chance, self._rows.size)


def _widening(backtests: Sequence[Backtest]) -> float:
    """Error in log odds for every factor e of documents: the larger one of the tests, at least 0.1 as one number can be right by chance.

    Of each error a standard deviation of what chance alone makes is taken off.
    """
    rates = [_AT_LEAST if backtests else _UNCHECKED]
    for test in backtests:
        least = 0.5 / test.n_queries
        off = abs(log_odds(test.predicted, least) - log_odds(test.measured, least))
        share = float(np.clip(test.predicted, least, 1 - least))
        rates.append((off - test.chance / (share * (1 - share))) / float(np.log(test.to_docs / test.from_docs)))
    return max(rates)


def _forecast(ahead: Forecaster, pairs: Pairs, sizes: dict[int, float], seed: int) -> Curve:
    """Larger corpora; ``sizes`` says by how much the interval of each is widened."""
    weights = (pairs.recall_weights, pairs.last_weights)
    expected = [[ahead.expected(size, w) for size in sizes] for w in weights]
    spans = [ahead.intervals(size, weights, widen=by, seed=seed) for size, by in sizes.items()]
    recall, complete = (tuple(pair[i] for pair in spans) for i in (0, 1))
    return Curve(tuple(sizes), tuple(expected[0]), tuple(expected[1]), pairs.irrelevant.size, recall, complete)


def _crossing(name: str, level: float, exact: Curve, forecast: Curve | None, pairs: Pairs, ahead: Forecaster, k: int) -> Crossing:
    """The least corpus whose expected value is under ``level``, by bisection between the sizes of the curves."""
    weights = pairs.recall_weights if name == "recall" else pairs.last_weights
    at, n = {"recall": 0, "all_relevant": 1}[name], exact.sizes[-1]

    def value(size: int) -> float:
        return _expected_below(pairs, n, size, k)[at] if size <= n else ahead.expected(size, weights)

    sizes = [*exact.sizes, *(forecast.sizes if forecast else ())]
    values = [*getattr(exact, name), *(getattr(forecast, name) if forecast else ())]
    if values[0] < level:
        return Crossing(name, level, None, f"already under {100 * level:g} % at {sizes[0]:,} documents")
    under = next((i for i, v in enumerate(values) if v < level), None)
    if under is None:
        return Crossing(name, level, None, f"not under {100 * level:g} % up to {sizes[-1]:,} documents")
    low, high = sizes[under - 1], sizes[under]
    while high - low > max(1, low // 1_000):
        middle = (low + high) // 2
        low, high = (low, middle) if value(middle) < level else (middle, high)
    return Crossing(name, level, high, "inside" if high <= n else "extrapolated")
