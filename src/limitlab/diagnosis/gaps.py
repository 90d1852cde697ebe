"""Gaps: by how much relevant documents score above the best irrelevant one, with the queries' own vectors and with the best ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from limitlab._core.progress import SILENT, Progress
from limitlab._core.seeds import derived
from limitlab.diagnosis.spread import Spread, bin_width
from limitlab.diagnosis.standing import Standing
from limitlab.diagnosis.subject import Subject
from limitlab.search import separate

_SOLVED = 64  # queries whose greatest gap is solved for
_TOLERANCE = 1e-3  # of the longest document: a gap is known to this
_NAMES = ("full", "pairs", "relevant", "best_irrelevant", "own_of_solved", "attained")
_COUNTS = ("n_solved", "separable", "unsettled", "tolerance", "scaled")


@dataclass(frozen=True)
class Gaps:
    """How far relevant and irrelevant documents are apart, in units of scores.

    Attributes
    ----------
    full
        A value a query: least relevant minus greatest irrelevant score. Above 0, all relevant documents come before all others.
    pairs
        A value a relevant document: its score minus the greatest irrelevant one.
    relevant, best_irrelevant
        The scores themselves: of all relevant documents, and the best irrelevant one of every query.
    attained
        The full gap of the best unit query found, for the queries solved for: attained, and at most ``tolerance`` below the greatest there
        is, but for the ``unsettled`` ones; where no query vector separates it counts as 0. None where none was solved.
    own_of_solved
        ``full`` of the same queries (times the query's length in ``dot``, see ``scaled``).
    n_solved, separable, unsettled, tolerance
        Queries solved for (all, or a random sample), those that a query vector separates, those where a larger gap than the attained one is
        not excluded, and how exactly the others are known.
    per_query
        ``full`` in the order of the queries; None where only relevant documents were listed, so that the best irrelevant is not known.
    scaled
        Whether scores of ``full`` are cosines, so that ``attained`` and ``full`` have the same unit.
    """

    full: Spread | None
    pairs: Spread | None
    relevant: Spread | None
    best_irrelevant: Spread | None
    own_of_solved: Spread | None
    attained: Spread | None
    n_solved: int
    separable: int
    unsettled: int
    tolerance: float
    per_query: tuple[float | None, ...]
    scaled: bool

    def to_dict(self) -> dict[str, Any]:
        """Plain values; ``per_query`` is kept with the queries."""
        plain = {name: None if (s := getattr(self, name)) is None else dict(s.__dict__) for name in _NAMES}
        return plain | {name: getattr(self, name) for name in _COUNTS}

    @classmethod
    def from_dict(cls, record: dict[str, Any], per_query: tuple[float | None, ...] = ()) -> Gaps:
        """The inverse of ``to_dict``."""
        spreads: dict[str, Any] = {name: None if record[name] is None else Spread.from_dict(record[name]) for name in _NAMES}
        rest = {name: record[name] for name in _COUNTS}
        return cls(**spreads, **rest, per_query=per_query)


def gaps(subject: Subject, found: Standing, *, solve: int = _SOLVED, seed: int = 0, progress: Progress = SILENT) -> Gaps:
    """Gaps of all queries, and the greatest possible ones of ``solve`` of them, drawn at random.

    References
    ----------
    [Wolfe1976] for the solver behind ``separate``.
    """
    pairs, best = found.pairs, found.best_irrelevant
    known = np.isfinite(best)
    least = np.full(best.size, np.inf)
    np.minimum.at(least, pairs.query, pairs.score)
    full = least - best
    of_pairs = (pairs.score - best[pairs.query])[known[pairs.query]]
    everything = np.concatenate([pairs.score, best[known]])
    width = bin_width(float(everything.min()), float(everything.max()), cosine=subject.cosine)
    rows = _chosen(subject, known, solve, seed)
    attained, unsettled, longest = _attained(subject, rows, progress)
    lengths = np.ones(rows.size) if subject.cosine else np.sqrt((subject.queries[rows].astype(np.float64) ** 2).sum(axis=1))
    apart = bin_width(0.0, longest, cosine=subject.cosine)
    return Gaps(
        Spread.of(full[known], width=width),
        Spread.of(of_pairs, width=width),
        Spread.of(pairs.score, width=width),
        Spread.of(best[known], width=width),
        Spread.of(full[rows] / lengths, width=apart),
        Spread.of(attained, width=apart),
        int(rows.size),
        int((attained > 0).sum()),
        unsettled,
        _TOLERANCE * longest,
        tuple(float(g) if ok else None for g, ok in zip(full, known)),
        subject.cosine,
    )


def _chosen(subject: Subject, known: np.ndarray, solve: int, seed: int) -> np.ndarray:
    """Rows of the queries that are solved for; one whose relevant documents are all there are has no gap."""
    able = np.flatnonzero(known & (subject.sizes < len(subject.docs)))
    return able if able.size <= solve else np.sort(derived(seed, "gaps").choice(able, solve, replace=False))


def _attained(subject: Subject, rows: np.ndarray, progress: Progress) -> tuple[np.ndarray, int, float]:
    """(greatest gap of every row, 0 where none was attained; how many may be larger; length of the longest document)."""
    longest = 1.0
    if not subject.cosine:
        blocks = (subject.docs[at : at + 8192] for at in range(0, len(subject.docs), 8192))
        longest = float(np.sqrt(max(np.einsum("ij,ij->i", b, b, dtype=np.float64).max() for b in blocks)))
    if not rows.size:
        return np.zeros(0), 0, longest
    sets = [subject.relevant.members[subject.relevant.indptr[r] : subject.relevant.indptr[r + 1]] for r in rows]
    sizes = np.concatenate([[0], np.cumsum([s.size for s in sets])])
    found = separate(subject.docs, (sizes, np.concatenate(sets)), tolerance=min(1.0, _TOLERANCE * longest), progress=progress)
    return np.where(found.separable, found.gaps, 0.0), int((~found.converged).sum()), longest
