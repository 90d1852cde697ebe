"""Measures as declared values, computed from the exact ranks of the relevant documents.

recall@k         relevant documents in the first k, over all relevant documents.
all_relevant@k   1 when every relevant document is in the first k: what a RAG context needs.
ndcg@k           discounted cumulative gain of the grades (gain = grade, discount 1 / log2(rank + 1)), over the ideal one [Jarvelin2002].
mrr@k            1 / rank of the first relevant document, 0 beyond k.

A document counts as relevant for all but ndcg when its grade is at least ``min_relevance``. Under the tie rule
``expected`` each is the exact mean over all orders of the documents with equal scores.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from math import comb, lgamma

import numpy as np

from limitlab._core.checks import choice
from limitlab._core.errors import RangeError, UnknownName
from limitlab.relevance import RelevanceMatrix
from limitlab.search import TIE_RULES, RelevantRanks

_KINDS = {"recall": "R", "all_relevant": "All", "ndcg": "nDCG", "mrr": "MRR"}
_SPELLINGS = {
    "r": "recall",
    "recall": "recall",
    "all": "all_relevant",
    "all_relevant": "all_relevant",
    "ndcg": "ndcg",
    "mrr": "mrr",
    "rr": "mrr",
}


@dataclass(frozen=True)
class Measure:
    """A measure at a cut: ``Measure("recall", 10)``.

    Attributes
    ----------
    kind
        recall | all_relevant | ndcg | mrr.
    k
        The cut, >= 1.
    """

    kind: str
    k: int

    def __post_init__(self) -> None:
        choice("Measure()", "measure", self.kind, _KINDS)
        if self.k < 1:
            raise RangeError.of("Measure()", "k", ">= 1", k=self.k)

    @property
    def name(self) -> str:
        """``recall@10``: the key in results."""
        return f"{self.kind}@{self.k}"

    @property
    def label(self) -> str:
        """``R@10``: as shown, in ir-measures' spelling."""
        return f"{_KINDS[self.kind]}@{self.k}"

    def order(self) -> tuple[int, int]:
        """Sort key: kinds as listed above, then ascending cut."""
        return list(_KINDS).index(self.kind), self.k

    @classmethod
    def parse(cls, text: str) -> Measure:
        """From ``recall@10``, ``R@10``, ``all@2``, ``nDCG@10``, ``MRR@10``."""
        match = re.fullmatch(r"([A-Za-z_]+)@(\d+)", text.strip())
        kind = _SPELLINGS.get(match[1].lower()) if match else None
        if match is None or kind is None:
            raise UnknownName.of("measures", "measure", text, [f"{k}@K" for k in _KINDS])
        return cls(kind, int(match[2]))


def parse_measures(texts: Iterable[str]) -> tuple[Measure, ...]:
    """Measures in the order given, each once."""
    return tuple(dict.fromkeys(Measure.parse(t) for t in texts))


def per_query(
    measures: Iterable[Measure], relevance: RelevanceMatrix, ranks: RelevantRanks, *, ties: str = "trec", min_relevance: int = 1
) -> dict[str, np.ndarray]:
    """Values for every query.

    Parameters
    ----------
    relevance
        Judgements; rows are queries. Entries of grade <= 0 do not count for anything.
    ranks
        Aligned with the entries of positive grade of ``relevance``.
    ties
        trec | st | worst | best | expected. With trec and st, the ranks carry the id rule already.

    Returns
    -------
    ``{measure name: (n_queries,) float64 in [0, 1]}``. A query without relevant documents has NaN.
    """
    choice("per_query()", "ties", ties, TIE_RULES)
    measures = tuple(measures)
    out = {m.name: np.full(relevance.n_queries, np.nan) for m in measures}
    positive = relevance.grades > 0
    starts = np.concatenate([[0], np.cumsum(positive)])[relevance.indptr]
    grades = relevance.grades[positive]
    for i in range(relevance.n_queries):
        span = slice(starts[i], starts[i + 1])
        g = grades[span]
        counted = g >= min_relevance
        if not counted.any():
            continue
        groups = _groups(ranks.above[span], ranks.tied[span], ranks.before[span], counted, g, ties)
        for m in measures:
            out[m.name][i] = _VALUE[m.kind](groups, m.k)
    return out


@dataclass(frozen=True)
class _Groups:
    """Relevant documents of one query grouped by equal score, best group first.

    above (G,): documents scoring more; size (G,): documents in the group; slots: for ordered rules, the exact rank of each.
    """

    ranks: np.ndarray | None  # (R,) rank from 1 of each counted document, 0 when not retrieved; None under "expected"
    gain_ranks: np.ndarray | None  # the same for every document of positive grade
    above: np.ndarray
    size: np.ndarray
    counted: np.ndarray  # counted relevant documents per group
    gain: np.ndarray  # sum of grades per group
    n_counted: int
    grades: np.ndarray


def _groups(above: np.ndarray, tied: np.ndarray, before: np.ndarray, counted: np.ndarray, grades: np.ndarray, ties: str) -> _Groups:
    found = above >= 0
    if ties == "expected":
        tops, where = np.unique(above[found], return_inverse=True)
        size = np.zeros(tops.size, np.int64)
        size[where] = tied[found]
        n_counted = np.bincount(where, weights=counted[found], minlength=tops.size).astype(np.int64)
        gain = np.bincount(where, weights=grades[found], minlength=tops.size)
        return _Groups(None, None, tops, size, n_counted, gain, int(counted.sum()), grades)
    ranks = np.zeros(above.size, np.int64)
    if ties in ("trec", "st"):
        ranks[found] = (above + before + 1)[found]
    else:
        # Within a group of equal scores: worst puts the irrelevant first and then small grades before large ones,
        # best the relevant first and large grades before small ones.
        for top in np.unique(above[found]):
            members = np.flatnonzero(found & (above == top))
            first = top + 1 if ties == "best" else top + 1 + tied[members[0]] - members.size
            order = np.argsort(-grades[members] if ties == "best" else grades[members], kind="stable")
            ranks[members[order]] = first + np.arange(members.size)
    empty = np.zeros(0, np.int64)
    return _Groups(ranks[counted], ranks, empty, empty, empty, empty, int(counted.sum()), grades)


def _recall(g: _Groups, k: int) -> float:
    if g.ranks is not None:
        return float(((g.ranks > 0) & (g.ranks <= k)).sum() / g.n_counted)
    share = np.clip((k - g.above) / np.maximum(g.size, 1), 0.0, 1.0)
    return float((g.counted * share).sum() / g.n_counted)


def _all_relevant(g: _Groups, k: int) -> float:
    if g.ranks is not None:
        return float(((g.ranks > 0) & (g.ranks <= k)).all())
    if g.counted.sum() < g.n_counted:
        return 0.0
    chance = 1.0
    for above, size, counted in zip(g.above.tolist(), g.size.tolist(), g.counted.tolist()):
        chance *= _all_in_first(max(0, min(size, k - above)), size, counted)
    return chance


def _ndcg(g: _Groups, k: int) -> float:
    ideal = np.sort(g.grades)[::-1][:k].astype(float)
    best = float((ideal / np.log2(np.arange(2, ideal.size + 2))).sum())
    if g.gain_ranks is not None:
        inside = (g.gain_ranks > 0) & (g.gain_ranks <= k)
        return float((g.grades[inside] / np.log2(g.gain_ranks[inside] + 1.0)).sum() / best)
    total = 0.0
    for above, size, gain in zip(g.above.tolist(), g.size.tolist(), g.gain.tolist()):
        places = np.arange(above + 1, min(above + size, k) + 1)
        total += gain / size * float((1.0 / np.log2(places + 1.0)).sum())
    return total / best


def _mrr(g: _Groups, k: int) -> float:
    if g.ranks is not None:
        inside = g.ranks[(g.ranks > 0) & (g.ranks <= k)]
        return float(1.0 / inside.min()) if inside.size else 0.0
    # The first group holding a relevant document decides; its first relevant place has a hypergeometric law.
    for above, size, counted in zip(g.above.tolist(), g.size.tolist(), g.counted.tolist()):
        if counted:
            total = 0.0
            none_yet = 1.0  # chance that the places before this one hold no relevant document
            for place in range(size - counted + 1):
                if above + place + 1 > k:
                    break
                here = none_yet * counted / (size - place)
                total += here / (above + place + 1)
                none_yet -= here
            return total
    return 0.0


def _all_in_first(places: int, size: int, counted: int) -> float:
    """Chance that ``counted`` marked documents are all among the first ``places`` of ``size`` in random order."""
    if places < counted:
        return 0.0
    if size <= 1000:
        return comb(places, counted) / comb(size, counted)
    return float(np.exp(lgamma(places + 1) - lgamma(places - counted + 1) - lgamma(size + 1) + lgamma(size - counted + 1)))


_VALUE = {"recall": _recall, "all_relevant": _all_relevant, "ndcg": _ndcg, "mrr": _mrr}
