"""The table of the critical n report: one row a dimension, published, run here, certified; and what has no number."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from limitlab.free.result import CriticalN, CriticalNResult
from limitlab.report import critical_n_series as series
from limitlab.report.critical_n_series import gap_words
from limitlab.report.table import Cell, Table, TableRow, quantity

_CSV = ("k", "dim", "published")
_OPTIMISED = ("median", "min", "max", "seeds", "least_failed", "seconds_median")
_CERTIFIED = ("n", "gap", "certificate")


def critical_n_table_of(result: CriticalNResult) -> Table:
    """One row for every (k, dim), ascending; the CSV has every part as a column of its own."""
    others = sorted({o for k in series.subset_sizes(result) for o in series.objectives(result, k)} - {series.PROTOCOL})
    names = [series.PROTOCOL, *others]
    least = series.least_gap(result)
    optimised = [c for name in names for c in (_column(name), "least failed" + ("" if name == series.PROTOCOL else f", {name}"))]
    columns = ["published", *optimised, f"certified, gap ≥ {least:g}", "certified, any gap", "× published", "search, s"]
    head = [
        *_CSV,
        *(f"{name}_{c}" for name in names for c in _OPTIMISED),
        *(f"{c}_{at}" for at in ("at_min_gap", "any_gap") for c in _CERTIFIED),
    ]
    rows, records = [], []
    for k in series.subset_sizes(result):
        made = {name: {p.dim: p for p in series.points(result, k, name)} for name in names}
        at_gap, any_gap, told = series.certified(result, k, min_gap=least), series.certified(result, k), dict(series.published(k))
        for dim in series.dims(result, k):
            found = [made[name].get(dim) for name in names]
            rows.append(_row(k, dim, told.get(dim), found, at_gap.get(dim), any_gap.get(dim)))
            records.append(_record(k, dim, told.get(dim), found, at_gap.get(dim), any_gap.get(dim)))
    return Table(("k", "dim"), tuple(columns), tuple(rows), [head, *records] if records else [])


def _column(objective: str) -> str:
    return "protocol, run here" if objective == series.PROTOCOL else f"{objective}, run here"


def _row(
    k: int, dim: int, told: int | None, found: Sequence[series.Point | None], at_gap: CriticalN | None, any_gap: CriticalN | None
) -> TableRow:
    head = (Cell(str(k), "", k), Cell(str(dim), "", dim))
    if told is None and not any(found) and at_gap is None and any_gap is None:
        return TableRow(head, problem="No number; the list below states why.")
    numbers = [_count(told)]
    for point in found:
        numbers += [_median(point), _count(None if point is None else point.least_failed)]
    ratio = None if at_gap is None or at_gap.critical_n is None or told is None else at_gap.critical_n / told
    numbers += [_certified(at_gap), _certified(any_gap), Cell("") if ratio is None else Cell(f"{ratio:.3g}", "", ratio)]
    spent = None if found[0] is None else found[0].median_seconds
    numbers.append(Cell("") if not spent else Cell(quantity(spent), "", spent))
    return TableRow(head, tuple(numbers))


def _count(value: int | None) -> Cell:
    return Cell("") if value is None else Cell(f"{value:,}", "", value)


def _median(point: series.Point | None) -> Cell:
    if point is None:
        return Cell("")
    seeds = len(point.values)
    span = f"{point.low:,}–{point.high:,}" if point.low < point.high else "equal"
    detail = f"{span}, {seeds} seeds" if seeds > 1 else "1 seed"
    return Cell(f"{point.median:,g}", detail, point.median)


def _certified(row: CriticalN | None) -> Cell:
    if row is None or row.critical_n is None:
        return Cell("")
    return Cell(f"{row.critical_n:,}", f"gap {gap_words(row.gap)}", row.critical_n)


def _record(
    k: int, dim: int, told: int | None, found: Sequence[series.Point | None], at_gap: CriticalN | None, any_gap: CriticalN | None
) -> list[Any]:
    record: list[Any] = [k, dim, told]
    for p in found:
        record += [None] * len(_OPTIMISED) if p is None else [p.median, p.low, p.high, len(p.values), p.least_failed, p.median_seconds]
    for row in (at_gap, any_gap):
        record += [None] * len(_CERTIFIED) if row is None else [row.critical_n, row.gap, row.certificate]
    return record


def problems(result: CriticalNResult) -> list[tuple[str, str]]:
    """(row in words, why it has no number) of every row without one."""
    out = []
    for row in series.without_number(result):
        whose = "certified" if row.objective == "gap" and row.seed is None else f"{row.objective}, seed {row.seed}"
        said = row.message.strip()
        out.append((f"d = {row.dim}, k = {row.k}, {whose}", row.status.value + (f" {said}" if said and said != row.status.value else "")))
    return out
