"""Gaps as histograms: own query against best query, and relevant against best irrelevant scores."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from limitlab.diagnosis import Gaps, Spread
from limitlab.report.style import MUTED, PALETTE, base_layout

if TYPE_CHECKING:
    import plotly.graph_objects as go


def gap_figure(found: Gaps) -> go.Figure | None:
    """Full gaps: of all queries with their own vectors, and of the best query vectors of those solved for; None without any."""
    shown = [
        (f"your query vectors ({found.full.n:,} queries)" if found.full else "", found.full, PALETTE[0]),
        (f"best query vectors ({found.n_solved:,} queries)", found.attained, PALETTE[2]),
    ]
    return _histograms(shown, "least relevant minus best irrelevant score", "share of the queries", zero=True)


def score_figure(found: Gaps) -> go.Figure | None:
    """Scores of relevant documents and of each query's best irrelevant one."""
    shown = [
        ("relevant documents", found.relevant, PALETTE[0]),
        ("best irrelevant document of each query", found.best_irrelevant, PALETTE[1]),
    ]
    return _histograms(shown, "score", "share", zero=False)


def _histograms(shown: list[tuple[str, Spread | None, str]], across: str, up: str, *, zero: bool) -> go.Figure | None:
    import plotly.graph_objects as go

    traces, edges = [], []
    for name, spread, colour in shown:
        if spread is None:
            continue
        x, y = _steps(spread)
        edges += [x[0], x[-1]]
        common = {"type": "scatter", "mode": "lines", "name": name, "legendgroup": name, "x": x, "y": y}
        traces.append(
            {**common, "showlegend": False, "fill": "tozeroy", "fillcolor": colour + "2e", "line": {"width": 0}, "hoverinfo": "skip"}
        )
        hover = f"<b>{name}</b><br>near %{{x:.3g}}: %{{y:.1f}} % in a bin of {spread.width:.3g}<extra></extra>"
        traces.append({**common, "showlegend": True, "line": {"color": colour, "width": 2}, "hovertemplate": hover})
    if not traces:
        return None
    room = 0.03 * (max(edges) - min(edges))
    low, high = min(edges) - room, max(edges) + room
    line = {"type": "line", "x0": 0, "x1": 0, "yref": "paper", "y0": 0, "y1": 1, "line": {"color": MUTED, "width": 1, "dash": "dot"}}
    if zero:
        low, high = min(low, -room), max(high, room)
    layout: dict[str, Any] = base_layout(
        height=330,
        margin={"l": 64, "r": 24},
        xaxis={"range": [low, high], "title": {"text": across, "standoff": 12}, "ticks": "outside", "showgrid": False, "nticks": 7},
        yaxis={"rangemode": "tozero", "nticks": 5, "ticksuffix": " %", "title": {"text": up, "standoff": 8}},
        shapes=[line] if zero else [],
    )
    return go.Figure(data=traces, layout=layout)


def _steps(spread: Spread) -> tuple[list[float], list[float]]:
    """The outline of the bins: values and percent."""
    x, y = [round(spread.start, 10)], [0.0]
    for i, count in enumerate(spread.counts):
        left, right = (round(spread.start + (i + by) * spread.width, 10) for by in (0, 1))
        x += [left, right]
        y += [100 * count / spread.n] * 2
    return [*x, x[-1]], [*y, 0.0]
