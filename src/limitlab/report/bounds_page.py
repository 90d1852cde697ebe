"""The page of bounds: one HTML file that needs nothing but a browser."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from limitlab._core.files import write_text
from limitlab._core.provenance import now
from limitlab.report import origin
from limitlab.report.axes import log_axis, widths
from limitlab.report.language import known_language, own_words
from limitlab.report.rendering import embedded_figures, rendered
from limitlab.report.style import MUTED, PALETTE, base_layout, plain
from limitlab.theory import Bound, BoundTable
from limitlab.theory.quantities import QUANTITIES

if TYPE_CHECKING:
    import plotly.graph_objects as go

RANKS = {
    "dim": "top-k, inner product",
    "dim_cosine": "top-k, cosine",
    "dim_euclidean": "top-k, Euclidean",
    "global_threshold_rank": "one threshold",
    "sign_rank": "sign rank",
}
_LOOKS = {
    ("theorem", "lower"): ("theorem: no fewer", PALETTE[1], "triangle-right"),
    ("theorem", "upper"): ("theorem: so many suffice", PALETTE[0], "triangle-left"),
    ("construction", "upper"): ("construction: so many suffice", PALETTE[2], "triangle-left"),
    ("measurement", "upper"): ("measurement: vectors were found", PALETTE[3], "star"),
}


def write_bounds_report(
    table: BoundTable,
    path: str | Path = "bounds.html",
    *,
    title: str | None = None,
    language: str = "en",
    command: Sequence[str] | None = None,
) -> Path:
    """Write one self-contained HTML file about bounds: it loads nothing and works offline.

    Parameters
    ----------
    table
        What ``bounds`` returned.
    path
        Where to; the file appears whole or not at all.
    title
        What the bounds are about; None: "Bounds".
    command
        The command line that made it, for the page.
    language
        Of the page: en or zh. What the user wrote is not translated.

    Returns
    -------
    The path written.

    Raises
    ------
    UnknownName
        The language is not known.
    """
    known_language("write_bounds_report()", language)
    return write_text(path, rendered("bounds.html.j2", _content(table, title, command), language=language, names=own_words(title)))


def bounds_figure(table: BoundTable) -> go.Figure | None:
    """Every bound on a dimension or rank as a mark on a log axis, the open range between the two sides as a bar; None without any.

    Bounds of 0 are not drawn.
    """
    import plotly.graph_objects as go

    drawn = [b for b in table.bounds if b.quantity in RANKS and b.computed and b.value]
    if not drawn:
        return None
    names = [q for q in RANKS if any(b.quantity == q for b in drawn)]
    traces = _ranges(table, names)
    for look, (label, colour, symbol) in _LOOKS.items():
        mine = [b for b in drawn if (b.kind, b.direction) == look]
        if mine:
            traces.append(
                {
                    "type": "scatter",
                    "mode": "markers",
                    "name": label,
                    "legendgroup": label,
                    "showlegend": True,
                    "x": [b.value for b in mine],
                    "y": [names.index(b.quantity) for b in mine],
                    "marker": {"size": 12, "color": colour, "symbol": symbol},
                    "text": [f"{plain(b.name)}: {_value(b)}" for b in mine],
                    "hovertemplate": "%{text}<extra></extra>",
                }
            )
    traces += _exact(table, names)
    layout = base_layout(
        height=130 + 46 * len(names),
        margin={"l": 170},
        xaxis={**log_axis([float(b.value or 1) for b in drawn]), "title": {"text": "dimensions"}},
        yaxis={"tickvals": list(range(len(names))), "ticktext": [RANKS[q] for q in names], "range": [len(names) - 0.4, -0.6]},
    )
    layout["meta"] = {"ordered": True, **widths(layout, **{"margin.l": 142})}
    return go.Figure(data=traces, layout=layout)


def _ranges(table: BoundTable, names: Sequence[str]) -> list[dict[str, Any]]:
    """One thick line from the greatest lower to the least upper bound of every quantity where they differ."""
    x: list[float | None] = []
    y: list[float | None] = []
    for i, quantity in enumerate(names):
        low, high = table.lower(quantity), table.upper(quantity)
        if low is not None and high is not None and low.value and high.value and low.value < high.value:
            x += [low.value, high.value, None]
            y += [i, i, None]
    line = {"color": MUTED, "width": 5}
    drawn = {"type": "scatter", "mode": "lines", "x": x, "y": y, "line": line, "opacity": 0.45, "hoverinfo": "skip"}
    return [{**drawn, "name": "open", "legendgroup": "open", "showlegend": True}] if x else []


def _exact(table: BoundTable, names: Sequence[str]) -> list[dict[str, Any]]:
    """A mark over the others where the two sides meet."""
    meet = [(table.exact(q), i, q) for i, q in enumerate(names) if table.exact(q)]
    drawn = {
        "type": "scatter",
        "mode": "markers",
        "name": "known exactly: both sides meet",
        "legendgroup": "exact",
        "showlegend": True,
        "x": [value for value, _, _ in meet],
        "y": [i for _, i, _ in meet],
        "marker": {"size": 17, "color": PALETTE[6], "symbol": "diamond"},
        "text": [f"{RANKS[q]}: exactly {value:,}" for value, _, q in meet],
        "hovertemplate": "%{text}<extra></extra>",
    }
    return [drawn] if meet else []


def _content(table: BoundTable, title: str | None, command: Sequence[str] | None) -> dict[str, Any]:
    figure = bounds_figure(table)
    return {
        "title": title or "Bounds",
        "date": now(),
        "sentences": bounds_sentences(table),
        "cards": _cards(table),
        "figures": embedded_figures({"bounds": figure} if figure is not None else {}),
        "rows": [_row(b) for b in table.bounds],
        "quantities": [(name, what) for name, what in QUANTITIES.items() if any(b.quantity == name for b in table.bounds)],
        "commands": origin.commands({"command": list(command)}) if command else [],
        "references": [origin.PAPER],
    }


def bounds_sentences(table: BoundTable) -> list[str]:
    """What the bounds say together, in words that hold for these."""
    low, high = table.lower("dim"), table.upper("dim")
    out = []
    if low is not None and high is not None and low.value == high.value:
        held = "in no fewer whatever the vectors" if low.value else "nothing has to be told apart"
        out.append(f"Exact top-k retrieval of all queries is possible in {low.value:,} dimensions and {held}.")
    elif low is not None and high is not None:
        out.append(
            f"Exact top-k retrieval of all queries needs at least {low.value:,} dimensions (no vectors do it in fewer), and {high.value:,} suffice. "
            "Between the two the answer is not known."
        )
    late = sum(not b.computed for b in table.bounds)
    if late:
        out.append(f"{late} bounds of {len(table.bounds)} were not computed; the table says why.")
    out.append("This is about real numbers: not about the gap, rounding, or what a trained encoder finds.")
    return out


def _cards(table: BoundTable) -> list[dict[str, str]]:
    cards = []
    for quantity in ("dim", "sign_rank", "dim_cosine", "gap_row_wise"):
        low, high = table.lower(quantity), table.upper(quantity)
        if low is None and high is None:
            continue
        by = ", ".join(dict.fromkeys(b.name for b in (low, high) if b is not None))
        cards.append({"title": QUANTITIES[quantity], "value": _span(low, high), "detail": by})
    return cards


def _span(low: Bound | None, high: Bound | None) -> str:
    if low is not None and high is not None:
        return _number(low) if low.value == high.value else f"{_number(low)} to {_number(high)}"
    return f"≥ {_number(low)}" if low is not None else f"≤ {_number(high)}" if high is not None else ""


def _row(bound: Bound) -> dict[str, str]:
    shown = _value(bound) if bound.computed else "not computed"
    source = ", ".join(bound.citation) or "proof in the docs"
    return {**{n: getattr(bound, n) for n in ("quantity", "kind", "name", "assumptions", "note")}, "value": shown, "source": source}


def _value(bound: Bound) -> str:
    return f"{ {'lower': '≥', 'upper': '≤', 'exact': '='}[bound.direction] } {_number(bound)}"


def _number(bound: Bound) -> str:
    return f"{bound.value:,}" if isinstance(bound.value, int) else f"{bound.value:.4g}"
