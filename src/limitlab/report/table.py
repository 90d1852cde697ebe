"""The full table: every row and measure, with what the page needs to sort, filter and copy it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from limitlab._core.status import Status
from limitlab.evaluation import EvaluationResult, Row
from limitlab.report import selection as chosen

_COSTS = {
    "encode_seconds": "encode, s",
    "index_seconds": "index, s",
    "search_seconds": "search, s",
    "docs_per_second": "documents / s",
    "bytes_per_doc": "bytes / document",
}


@dataclass(frozen=True)
class Cell:
    """``text`` is shown, ``detail`` beneath it; ``order`` sorts (a number, a lower-case text, or "" for nothing)."""

    text: str
    detail: str = ""
    order: float | str = ""


@dataclass(frozen=True)
class TableRow:
    """One row; ``problem`` stands in place of the numbers when it is not solved."""

    head: tuple[Cell, ...]
    numbers: tuple[Cell, ...] = ()
    problem: str = ""


@dataclass(frozen=True)
class Table:
    """Head columns (text, then dim), number columns, rows, and the rows as flat records for CSV."""

    head: tuple[str, ...]
    numbers: tuple[str, ...]
    rows: tuple[TableRow, ...]
    csv: list[list[Any]] = field(default_factory=list)


def full_table(result: EvaluationResult) -> Table:
    """All rows in the order of the result; measures in percent (CSV: in [0, 1])."""
    measures = result.measure_names
    costs = list(dict.fromkeys(c for r in result.rows for c in r.cost))
    numbers = [f"{chosen.measure_words(m)}" for m in measures] + ["ties"] + [_COSTS.get(c, c.replace("_", " ")) for c in costs]
    rows = tuple(_row(r, measures, costs) for r in result.rows)
    flat = result.flat()
    labels = [r.label or r.retriever for r in result.rows]
    records: list[list[Any]] = []
    if flat:
        records.append([*flat[0], "label"])
        records += [[*record.values(), label] for record, label in zip(flat, labels)]
    return Table(("dataset", "retriever", "dim"), tuple(numbers), rows, records)


def _row(row: Row, measures: list[str], costs: list[str]) -> TableRow:
    label = row.label or row.retriever
    name = Cell(label, row.retriever if row.retriever != label else "", label.lower())
    head = (
        Cell(row.dataset, "", row.dataset.lower()),
        name,
        Cell("" if row.dim is None else str(row.dim), "", "" if row.dim is None else row.dim),
    )
    if row.status is not Status.SOLVED:
        return TableRow(head, problem=_problem(row))
    cells = []
    for measure in measures:
        e = row.measures.get(measure)
        cells.append(Cell("") if e is None else Cell(f"{100 * e.mean:.1f}", f"{100 * e.low:.1f}–{100 * e.high:.1f}", e.mean))
    cells.append(Cell(f"{100 * row.tie_rate:.1f}", "", row.tie_rate))
    cells += [Cell("") if row.cost.get(c) is None else Cell(quantity(row.cost[c]), "", row.cost[c]) for c in costs]
    return TableRow(head, tuple(cells))


def _problem(row: Row) -> str:
    said = row.message.strip()
    return f"{row.status.value} {said}" if said and said != row.status.value else row.status.value


def quantity(value: float) -> str:
    """Three significant digits, or all digits before the point."""
    if value == 0:
        return "0"
    if abs(value) >= 100:
        return f"{value:,.0f}"
    if abs(value) >= 0.001:
        return f"{value:.3g}"
    return f"{value:.1e}"
