"""Critical n over seeds, beside the published numbers."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from limitlab._core.status import Status
from limitlab.free.result import CriticalN, CriticalNResult
from limitlab.free.scaling import ScalingFit, fit_critical_n
from limitlab.published import critical_n_table

CLOSE = 3
PUBLISHED_K = 2


@dataclass(frozen=True)
class DimensionSummary:
    """One dimension, all its seeds.

    Attributes
    ----------
    n_seeds, n_solved
        Rows of this dimension, and those among them that have a critical n; the median is over the latter.
    median, least, greatest
        Of the critical n over seeds; None when no row has one.
    least_failed
        The smallest n that some seed did not solve.
    published
        The published critical n, one seed [Weller2025]; None where there is none (k other than 2, or d outside 4..45).
    difference
        Median minus published.
    steps, seconds
        Over all trials; seconds are the trials' own, side by side or not.
    """

    objective: str
    k: int
    dim: int
    n_seeds: int
    n_solved: int
    median: float | None
    least: int | None
    greatest: int | None
    least_failed: int | None
    published: int | None
    difference: float | None
    steps: int
    seconds: float

    @property
    def within_3(self) -> bool | None:
        """Whether the median is within 3 of the published number; None when either is missing."""
        return None if self.difference is None else abs(self.difference) <= CLOSE

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return {**self.__dict__, "within_3": self.within_3}


def published_critical_n(dim: int, k: int = 2) -> int | None:
    """The published critical n, or None where there is none.

    Examples
    --------
    >>> published_critical_n(10), published_critical_n(10, k=3), published_critical_n(46)
    (36, None, None)
    """
    return dict(critical_n_table()).get(dim) if k == PUBLISHED_K else None


def by_dimension(result: CriticalNResult) -> tuple[DimensionSummary, ...]:
    """One summary for every (objective, k, dim) of a result, in its order."""
    groups: dict[tuple[str, int, int], list[CriticalN]] = {}
    for row in result.rows:
        groups.setdefault((row.objective, row.k, row.dim), []).append(row)
    return tuple(_summary(*place, rows) for place, rows in groups.items())


def _summary(objective: str, k: int, dim: int, rows: Sequence[CriticalN]) -> DimensionSummary:
    found = [r.critical_n for r in rows if r.status is Status.SOLVED and r.critical_n is not None]
    failed = [r.least_failed for r in rows if r.least_failed is not None]
    median = float(np.median(found)) if found else None
    published = published_critical_n(dim, k)
    return DimensionSummary(
        objective=objective,
        k=k,
        dim=dim,
        n_seeds=len(rows),
        n_solved=len(found),
        median=median,
        least=min(found, default=None),
        greatest=max(found, default=None),
        least_failed=min(failed, default=None),
        published=published,
        difference=None if median is None or published is None else median - published,
        steps=sum(t.steps for r in rows for t in r.trials),
        seconds=sum(r.seconds for r in rows),
    )


def fit_of(result: CriticalNResult, *, degree: int = 3, n_resamples: int = 2_000) -> ScalingFit | None:
    """The polynomial through the result's solved rows, or None with fewer than ``degree + 3`` dimensions, several k or objectives.

    Certified constructions are left out: their n grows too fast for a polynomial.
    """
    rows = [r for r in result.rows if r.status is Status.SOLVED and r.critical_n is not None and r.objective != "gap"]
    if len({r.dim for r in rows}) < degree + 3 or len({(r.k, r.objective) for r in rows}) != 1:
        return None
    return fit_critical_n([(r.dim, r.critical_n) for r in rows if r.critical_n is not None], degree=degree, n_resamples=n_resamples)


CSV_COLUMNS = (
    "objective", "k", "dim", "seed", "status", "critical_n", "least_failed", "gap", "published", "trials", "steps", "seconds", "message"
)  # fmt: skip


def as_csv(result: CriticalNResult) -> str:
    """A line a row, with a header; empty where there is no number."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(CSV_COLUMNS)
    for r in result.rows:
        published, steps = published_critical_n(r.dim, r.k), sum(t.steps for t in r.trials)
        values = (r.objective, r.k, r.dim, r.seed, r.status.key, r.critical_n, r.least_failed, r.gap, published)
        writer.writerow([*values, len(r.trials), steps, round(r.seconds, 3), r.message])
    return out.getvalue()
