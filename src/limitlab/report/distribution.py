"""How recall is spread over the queries: whether a mean hides queries that find nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from limitlab.evaluation import EvaluationResult
from limitlab.report import selection as chosen
from limitlab.report.style import SHARE_COLOURS, SHARE_TEXT, base_layout, plain

if TYPE_CHECKING:
    import plotly.graph_objects as go


def distribution_figure(result: EvaluationResult, dataset: str) -> go.Figure | None:
    """Stacked bars: share of the queries with none, some and all of their relevant documents at the headline cut.

    None when there is no recall to show or no row's per-query values are at hand.
    """
    import plotly.graph_objects as go

    found = row_shares(result, dataset)
    if not found:
        return None
    names = [plain(words, length=34) for words, _ in found]
    traces = []
    for i, share in enumerate(chosen.SHARES):
        values = [shares[i] for _, shares in found]
        traces.append(
            {
                "type": "bar",
                "orientation": "h",
                "name": share,
                "legendgroup": share,
                "showlegend": True,
                "x": values,
                "y": list(range(len(found))),
                "marker": {"color": SHARE_COLOURS[i], "line": {"width": 0}},
                "width": 0.72,
                "text": [f"{v:.0f}" if v >= 4 else "" for v in values],
                "textposition": "inside",
                "insidetextanchor": "middle",
                "insidetextfont": {"color": SHARE_TEXT[i], "size": 12},
                "textangle": 0,
                "customdata": [plain(words) for words, _ in found],
                "hovertemplate": f"<b>%{{customdata}}</b><br>{share} found: %{{x:.1f}} % of the queries<extra></extra>",
            }
        )
    layout = base_layout(
        height=92 + 30 * len(found),
        barmode="stack",
        uniformtext={"mode": "hide", "minsize": 11},
        margin={"l": 20, "r": 28, "t": 18},
        xaxis={"range": [0, 100], "dtick": 20, "ticksuffix": " %", "title": {"text": "share of the queries", "standoff": 10}},
        yaxis={
            "tickvals": list(range(len(found))),
            "ticktext": names,
            "range": [len(found) - 0.45, -0.55],
            "automargin": True,
            "showgrid": False,
        },
    )
    layout["legend"]["traceorder"] = "normal"
    return go.Figure(data=traces, layout=layout)


def row_shares(result: EvaluationResult, dataset: str) -> list[tuple[str, list[float]]]:
    """(row in words, percent of the queries in each class) for the rows whose per-query recalls are at hand."""
    measure = chosen.headline_measure(result, dataset)
    if measure is None or measure not in chosen.recall_cuts([measure]).values():
        return []
    out = []
    for line in sorted(chosen.lines(result, dataset), key=lambda found: not found.flat):
        for row in line.rows:
            shares = chosen.recall_shares(result, row, measure) if measure in row.measures else None
            if shares is not None:
                out.append((chosen.row_words(row), shares))
    return out
