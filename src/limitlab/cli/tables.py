"""Results as tables in the terminal."""

from __future__ import annotations

import io
import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from limitlab._core.status import Status

if TYPE_CHECKING:
    from limitlab.evaluation import EvaluationResult


def render(table: Table, *, colour: bool | None = None) -> str:
    """A rich table as text, as wide as it needs to be when the output is not a terminal."""
    import sys

    terminal = sys.stdout.isatty() if colour is None else colour
    out = io.StringIO()
    width = os.get_terminal_size().columns if terminal and sys.stdout.isatty() else 200
    Console(file=out, force_terminal=terminal, width=width, highlight=False).print(table)
    return "\n".join(line.rstrip() for line in out.getvalue().rstrip("\n").split("\n"))


def narrow() -> bool:
    """Whether the answer goes to a terminal with fewer than 120 columns, on which wide tables are hard to read."""
    import sys

    return sys.stdout.isatty() and os.get_terminal_size().columns < 120


def plain_table(columns: Sequence[str], rows: Sequence[Sequence[object]], *, title: str | None = None, right: Sequence[int] = ()) -> str:
    """A small table; columns whose numbers are in ``right`` are right-aligned."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for i, column in enumerate(columns):
        table.add_column(escape(column), justify="right" if i in right else "left", no_wrap=i in right)
    for row in rows:
        table.add_row(*("" if v is None else escape(str(v)) for v in row))
    return f"{title}\n{render(table)}" if title else render(table)


def result_table(result: EvaluationResult) -> str:
    """One table a dataset: a line a row, measures in percent."""
    from limitlab.evaluation import Measure, all_remarks

    names = result.measure_names
    parts = []
    for facts in result.datasets:
        rows = [r for r in result.rows if r.dataset == facts.name]
        lines = []
        for r in rows:
            values: list[object] = [r.retriever, r.dim or ""]
            if r.status is Status.SOLVED:
                values += [f"{100 * r.measures[n].mean:.1f}" if n in r.measures else "" for n in names]
                predicted = next((r.predicted[n] for n in names if n in r.predicted), None)
                values += [f"{100 * predicted:.1f}" if predicted is not None else "", f"{100 * r.tie_rate:.1f}"]
                lines.append(values)
            else:
                lines.append([*values, r.status.key.replace("_", " ")])
        head = [
            "retriever",
            "dim",
            *(Measure.parse(n).label for n in names),
            f"predicted {Measure.parse(names[0]).label}" if names else "",
            "ties",
        ]
        if not any(r.predicted for r in rows):
            head = [h for h in head if not h.startswith("predicted")]
            lines = [line[:-2] + line[-1:] if len(line) > 3 else line for line in lines]
        title = f"{facts.name}: {facts.n_docs:,} documents, {facts.n_queries:,} queries, {facts.n_relevant:,} relevant pairs; percent"
        parts.append(plain_table(head, lines, title=title, right=range(1, len(head))))
        for name, value in facts.notes.items():
            parts.append(
                f"  note: {name.replace('_', ' ')}: {value:,}" if isinstance(value, int) else f"  note: {name.replace('_', ' ')}: {value}"
            )
        parts += [f"  {r.status.key.replace('_', ' ')}: {r.name}: {r.message}" for r in rows if r.status is not Status.SOLVED]
        parts += [f"  note: {sentence}" for sentence in all_remarks(rows)]
    return "\n".join(parts)
