"""The critical n of free embeddings [Weller2025, section 4] beside the published table, and what is certified in the same dimensions."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from limitlab._core.checks import real
from limitlab._core.errors import InvalidArgument, RangeError
from limitlab._core.progress import SILENT, Progress
from limitlab._core.status import Status
from limitlab.free.certified import certified_curve
from limitlab.free.comparison import DimensionSummary, by_dimension, fit_of
from limitlab.free.critical_n import critical_n
from limitlab.free.result import CriticalN, CriticalNResult
from limitlab.free.scaling import ScalingFit, fit_critical_n
from limitlab.ledger import Ledger
from limitlab.published import critical_n_table
from limitlab.report.critical_n_series import certified, least_gap

K = 2
CERTIFIED = "gap"
_SEVERITY = (Status.SOLVED, Status.NOT_SOLVED, Status.STOPPED, Status.RUNNING, Status.FAILED)


@dataclass(frozen=True)
class CriticalNComparison:
    """Our critical n beside the published ones.

    Attributes
    ----------
    result
        The protocol's rows and the certified ones; its status and run are those of the protocol.
    dimensions
        Published, ours over seeds, and the difference, one a dimension, ascending.
    certified, certified_any_gap
        ``{dim: the certified row with the most documents}`` with at least the asked gap, and with any positive gap.
    fit, published_fit
        The cubic through ours (None with fewer than 6 dimensions) and through the published table.
    """

    result: CriticalNResult
    dimensions: tuple[DimensionSummary, ...]
    certified: dict[int, CriticalN]
    certified_any_gap: dict[int, CriticalN]
    fit: ScalingFit | None
    published_fit: ScalingFit

    def to_dict(self) -> dict[str, Any]:
        """Plain values with a schema version."""
        return {
            "schema": "limitlab.reproduce-critical-n/1",
            "dimensions": [d.to_dict() for d in self.dimensions],
            "certified": [r.to_dict() for r in self.certified.values()],
            "certified_any_gap": [r.to_dict() for r in self.certified_any_gap.values()],
            "fit": None if self.fit is None else self.fit.to_dict(),
            "published_fit": self.published_fit.to_dict(),
            "result": self.result.to_dict(),
        }


def reproduce_critical_n(
    dims: Sequence[int] = tuple(range(4, 21)),
    seeds: Sequence[int] = (42,),
    *,
    min_gap: float = 1e-3,
    ledger: Ledger | None = None,
    command: Sequence[str] | None = None,
    on_update: Callable[[CriticalN], None] | None = None,
    progress: Progress = SILENT,
    **options: Any,
) -> CriticalNComparison:
    """Run the paper's protocol for pairs (k = 2), add what is certified, compare with the published table.

    Every optimisation is a cell of the ledger: a command that was stopped continues where it was.

    Parameters
    ----------
    dims
        The paper has 4 to 45.
    seeds
        Of the starting vectors; the published numbers are one seed.
    min_gap
        Least gap of the first certified curve, in (0, 2); the second one takes any positive gap.
    options
        Fields of FreeConfig, to depart from the protocol.

    Raises
    ------
    InvalidArgument
        Before anything runs.

    References
    ----------
    [Weller2025]
    """
    min_gap = _checked_gap("reproduce_critical_n()", min_gap)
    measured = critical_n(dims, K, seeds=seeds, ledger=ledger, command=command, on_update=on_update, progress=progress, **options)
    return compared(with_certified(measured, min_gap=min_gap))


def compared(result: CriticalNResult) -> CriticalNComparison:
    """A result that holds the protocol's rows, and perhaps certified ones, beside the published table."""
    ours = tuple(r for r in result.rows if r.k == K and r.objective != CERTIFIED)
    return CriticalNComparison(
        result=result,
        dimensions=by_dimension(replace(result, rows=ours)),
        certified=certified(result, K, min_gap=least_gap(result)),
        certified_any_gap=certified(result, K),
        fit=fit_of(replace(result, rows=ours)),
        published_fit=fit_critical_n(critical_n_table()),
    )


def with_certified(result: CriticalNResult, *, min_gap: float = 1e-3) -> CriticalNResult:
    """The result with the certified rows of its dimensions: with at least ``min_gap``, and with any positive gap.

    Nothing is computed: the rows are those of the certificates that come with limitlab. Status, runs and provenance stay the
    result's own. A dimension without any certificate adds one row without a number.

    Raises
    ------
    RangeError
        ``min_gap`` is not in (0, 2).
    """
    min_gap = _checked_gap("with_certified()", min_gap)
    rows = [r for r in result.rows if r.objective != CERTIFIED]
    for k in sorted({r.k for r in rows}):
        dims = sorted({r.dim for r in rows if r.k == k})
        at_gap, any_gap = (certified_curve(dims, k, min_gap=least).rows for least in (min_gap, 0.0))
        for first, second in zip(at_gap, any_gap):
            solved = [r for r in (first, second) if r.status is Status.SOLVED]
            rows += _distinct(solved) or [first]
    return replace(result, rows=tuple(rows), config={**result.config, "min_gap": min_gap})


def joined(results: Iterable[CriticalNResult]) -> CriticalNResult:
    """Rows of several results side by side; of two rows of one (objective, k, dim, seed) the later stays.

    Raises
    ------
    InvalidArgument
        There is no result.
    """
    results = list(results)
    if not results:
        raise InvalidArgument("joined(): results must have at least one result; got none.")
    if len(results) == 1:
        return results[0]
    rows: dict[tuple[Any, ...], CriticalN] = {}
    for row in (r for result in results for r in result.rows):
        rows[(row.objective, row.k, row.dim, row.seed, row.certificate)] = row
    worst = max(reversed(results), key=lambda r: _SEVERITY.index(r.status))
    return replace(
        worst,
        rows=tuple(rows.values()),
        run_ids=tuple(dict.fromkeys(i for result in results for i in result.run_ids)),
        config={"merged": [result.config for result in results]},
        curves={name: curve for result in results for name, curve in result.curves.items()},
    )


def _checked_gap(who: str, min_gap: float) -> float:
    min_gap = real(who, "min_gap", min_gap, low=0.0, high=2.0)
    if min_gap == 0.0:
        raise RangeError(f"{who}: min_gap must be above 0; got 0. The curve for any positive gap is there anyway.")
    return min_gap


def _distinct(rows: Sequence[CriticalN]) -> list[CriticalN]:
    return list({(r.certificate, r.critical_n): r for r in rows}.values())
