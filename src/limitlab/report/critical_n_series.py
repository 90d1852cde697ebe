"""What the critical n report draws, read off the rows: the protocol over its seeds, certified configurations, published numbers."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import median

from limitlab._core.status import Status
from limitlab.free.result import CriticalN, CriticalNResult
from limitlab.published import PublishedValue, critical_n_table, lookup

PROTOCOL = "infonce"
MIN_GAP = 1e-3
_PUBLISHED = "free-embedding k=2"
_NAMES = {
    "infonce": "the paper's protocol, run here",
    "footnote": "loss of the paper's footnote, run here",
    "sigmoid": "sigmoid loss, run here",
    "gap": "gap optimised, not certified",
}


@dataclass(frozen=True)
class Point:
    """One dimension of an optimised curve, over its seeds.

    Attributes
    ----------
    values
        Critical n of every solved seed, ascending; at least one.
    least_failed
        The smallest n that any seed tried and did not solve, or None.
    seconds
        Wall seconds of every solved seed, in the order of ``seeds``.
    """

    dim: int
    values: tuple[int, ...]
    seeds: tuple[int | None, ...]
    least_failed: int | None
    seconds: tuple[float, ...]

    @property
    def median(self) -> float:
        """Half-integral between two seeds."""
        return float(median(self.values))

    @property
    def low(self) -> int:
        """The seed with the least critical n."""
        return self.values[0]

    @property
    def median_seconds(self) -> float:
        """Over the solved seeds."""
        return float(median(self.seconds))

    @property
    def high(self) -> int:
        """The seed with the greatest critical n."""
        return self.values[-1]


def is_certified(row: CriticalN) -> bool:
    """Whether a row names the certificate of a positive gap over all k-subsets; only such a row is called certified."""
    return _counts(row) and row.objective == "gap" and row.certificate is not None and row.gap is not None and row.gap > 0


def _counts(row: CriticalN) -> bool:
    return row.status is Status.SOLVED and row.critical_n is not None


def subset_sizes(result: CriticalNResult) -> list[int]:
    """Every k that a row has, ascending."""
    return sorted({row.k for row in result.rows})


def least_gap(result: CriticalNResult) -> float:
    """The least gap that the first certified curve asks for: the result's own setting, else 1e-3."""
    given = result.config.get("min_gap")
    return float(given) if isinstance(given, (int, float)) and given > 0 else MIN_GAP


def objectives(result: CriticalNResult, k: int) -> list[str]:
    """Objectives that were optimised from seeds and solved something, the paper's protocol first."""
    there = {row.objective for row in result.rows if row.k == k and _counts(row) and not is_certified(row)}
    return sorted(there, key=lambda name: (name != PROTOCOL, name))


def objective_name(objective: str) -> str:
    """``the paper's protocol, run here``."""
    return _NAMES.get(objective, objective)


def points(result: CriticalNResult, k: int, objective: str = PROTOCOL) -> list[Point]:
    """One a dimension that any seed solved, ascending."""
    out = []
    rows = [row for row in result.rows if row.k == k and row.objective == objective and not is_certified(row)]
    for dim in sorted({row.dim for row in rows}):
        solved = [row for row in rows if row.dim == dim and _counts(row)]
        if solved:
            failed = [row.least_failed for row in rows if row.dim == dim and row.least_failed is not None]
            values = sorted(int(row.critical_n) for row in solved if row.critical_n is not None)
            seconds = tuple(row.seconds for row in solved)
            out.append(Point(dim, tuple(values), tuple(row.seed for row in solved), min(failed, default=None), seconds))
    return out


def certified(result: CriticalNResult, k: int, *, min_gap: float = 0.0) -> dict[int, CriticalN]:
    """``{dim: the certified row with the most documents}`` among those whose gap is positive and at least ``min_gap``, ascending in dim."""
    best: dict[int, CriticalN] = {}
    for row in result.rows:
        if row.k == k and is_certified(row) and (row.gap or 0.0) >= min_gap:
            known = best.get(row.dim)
            if known is None or _rank(row) > _rank(known):
                best[row.dim] = row
    return dict(sorted(best.items()))


def _rank(row: CriticalN) -> tuple[int, float]:
    return row.critical_n or 0, row.gap or 0.0


def beyond(result: CriticalNResult, k: int) -> dict[int, CriticalN]:
    """Certified rows with any positive gap, where they hold more documents than those at the least gap."""
    at_gap = certified(result, k, min_gap=least_gap(result))
    return {dim: row for dim, row in certified(result, k).items() if dim not in at_gap or _rank(row)[0] > _rank(at_gap[dim])[0]}


def published(k: int) -> tuple[tuple[int, int], ...]:
    """((dim, critical n), ...) of the paper; it has k = 2 alone."""
    return critical_n_table() if k == 2 else ()


def published_extrapolations() -> tuple[PublishedValue, ...]:
    """The paper's own extrapolations of its cubic, as printed."""
    return lookup(dataset=_PUBLISHED, metric="critical-n (extrapolated)")


def published_sources() -> list[str]:
    """Where the published table and extrapolations were read."""
    return sorted({v.source for v in lookup(dataset=_PUBLISHED)})


def dims(result: CriticalNResult, k: int) -> list[int]:
    """Every dimension that has a row, ascending."""
    return sorted({row.dim for row in result.rows if row.k == k})


def without_number(result: CriticalNResult) -> list[CriticalN]:
    """Rows that are not solved: listed with their message, drawn nowhere."""
    return [row for row in result.rows if not _counts(row)]


def not_monotone(result: CriticalNResult, k: int, objective: str = PROTOCOL) -> tuple[int, int]:
    """(runs that failed at an n below the largest they solved, runs): success is not monotone in n."""
    rows = [row for row in result.rows if row.k == k and row.objective == objective and _counts(row) and not is_certified(row)]
    below = [row for row in rows if row.least_failed is not None and row.critical_n is not None and row.least_failed < row.critical_n]
    return len(below), len(rows)


def gap_words(gap: float | None) -> str:
    """Two significant digits, rounded down so that a bound stays one; empty for None."""
    if gap is None:
        return ""
    if gap <= 0:
        return "0" if gap == 0 else f"−{gap_words(-gap)}"
    exponent = math.floor(math.log10(gap)) - 1
    down = math.floor(gap / 10.0**exponent * (1 + 1e-12))
    if exponent < -5:
        return f"{down / 10:.1f}e{exponent + 1}"
    return f"{down * 10.0**exponent:.{max(-exponent, 0)}f}"
