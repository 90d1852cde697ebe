"""Remedies on the page of a diagnosis: a figure of gains with intervals, and a table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from limitlab._core.shares import percent
from limitlab.diagnosis import Diagnosis, Remedy
from limitlab.report.style import MUTED, PALETTE, base_layout, plain

if TYPE_CHECKING:
    import plotly.graph_objects as go

_LOOKS = {"measured": (PALETTE[0], "circle"), "larger cut": (PALETTE[2], "diamond"), "upper bound": (MUTED, "triangle-left-open")}
_NAMES = {"measured": "measured", "larger cut": "more documents to the reader", "upper bound": "upper bound"}


def remedies_figure(found: Diagnosis) -> go.Figure:
    """Gain of recall of every remedy with numbers, in points, with its 95 % interval; best first, bounds and larger cuts below."""
    import plotly.graph_objects as go

    shown = [r for r in found.remedies if r.recall is not None]
    traces = []
    for kind, (colour, symbol) in _LOOKS.items():
        rows = [(i, r) for i, r in enumerate(shown) if r.kind == kind]
        if rows:
            traces.append(_dots(rows, _NAMES[kind], colour, symbol))
    names = [plain(r.label) for r in shown]
    layout = base_layout(
        height=120 + 32 * len(shown),
        margin={"l": 250, "r": 28},
        xaxis={"title": {"text": f"gain of recall@{found.k}, points", "standoff": 10}, "zeroline": True, "zerolinecolor": MUTED},
        yaxis={"tickvals": list(range(len(names))), "ticktext": names, "range": [len(names) - 0.4, -0.6], "showgrid": False},
    )
    layout["legend"]["traceorder"] = "normal"
    return go.Figure(data=traces, layout=layout)


def _dots(rows: list[tuple[int, Remedy]], name: str, colour: str, symbol: str) -> dict[str, Any]:
    differences = [r.recall.difference for _, r in rows if r.recall is not None]
    return {
        "type": "scatter",
        "mode": "markers",
        "name": name,
        "legendgroup": name,
        "showlegend": True,
        "x": [100 * e.mean for e in differences],
        "y": [i for i, _ in rows],
        "error_x": {
            "type": "data",
            "symmetric": False,
            "array": [100 * (e.high - e.mean) for e in differences],
            "arrayminus": [100 * (e.mean - e.low) for e in differences],
            "color": colour,
            "thickness": 1.6,
            "width": 4,
        },
        "marker": {"color": colour, "size": 10, "symbol": symbol},
        "customdata": [plain(f"{r.label}: {_gain(r)} points, {r.won:,} documents won, {r.lost:,} lost") for _, r in rows],
        "hovertemplate": "%{customdata}<extra></extra>",
    }


def remedy_rows(found: Diagnosis) -> list[dict[str, Any]]:
    """What the table of the page shows, a row a remedy."""
    return [_row(r) for r in found.remedies]


def _row(r: Remedy) -> dict[str, Any]:
    out: dict[str, Any] = {
        "label": r.label,
        "kind": r.kind,
        "note": r.note,
        "cost": r.cost,
        "given": r.recall is not None,
        "helps": r.helps,
    }
    if r.recall is None or r.all_relevant is None:
        return out
    out |= {name: f"{percent(r.before[name].mean)} → {percent(r.after[name].mean)}" for name in ("recall", "all_relevant")}
    e = r.all_relevant.difference
    out |= {"gain": _gain(r), "interval": _span(r.recall.difference), "all_gain": f"{100 * e.mean:+.1f}", "all_interval": _span(e)}
    return out | {"p": "" if r.p_adjusted is None else f"{r.p_adjusted:.2g}", "won": f"{r.won:,}", "lost": f"{r.lost:,}"}


def _gain(r: Remedy) -> str:
    return f"{100 * r.gain:+.1f}"


def _span(e: Any) -> str:
    return f"{100 * e.low:+.1f} to {100 * e.high:+.1f}"
