"""Retrievers side by side, for datasets on which no row has a dimension."""

from __future__ import annotations

from typing import TYPE_CHECKING

from limitlab.evaluation import EvaluationResult
from limitlab.report import selection as chosen
from limitlab.report.curves import axis_title, measure_menu
from limitlab.report.style import MUTED, base_layout, looks, plain

if TYPE_CHECKING:
    import plotly.graph_objects as go


def retriever_figure(result: EvaluationResult, dataset: str) -> go.Figure | None:
    """The rows of a dataset without dimensions, as points with their intervals; None when there are none."""
    import plotly.graph_objects as go

    rows = chosen.solved(result, dataset)
    measures = chosen.drawn_measures(result, dataset)
    if not rows:
        return None
    shown = chosen.headline_measure(result, dataset)
    colours = looks(result)
    names = [plain(chosen.row_words(r), length=34) for r in rows]
    traces, buttons = [], []
    for measure in measures:
        having = [(i, r) for i, r in enumerate(rows) if measure in r.measures]
        spans = [chosen.percent(r.measures[measure]) for _, r in having]
        traces.append(
            {
                "type": "scatter",
                "mode": "markers",
                "showlegend": False,
                "visible": measure == shown,
                "cliponaxis": False,
                "x": [s[0] for s in spans],
                "y": [i for i, _ in having],
                "name": "",
                "meta": {"measure": measure},
                "error_x": {
                    "type": "data",
                    "array": [s[2] for s in spans],
                    "arrayminus": [s[1] for s in spans],
                    "thickness": 1.4,
                    "width": 4,
                    "color": MUTED,
                },
                "marker": {"size": 11, "color": [colours[r.retriever].colour for _, r in having]},
                "text": [plain(chosen.row_words(r)) for _, r in having],
                "customdata": [[100 * r.measures[measure].low, 100 * r.measures[measure].high] for _, r in having],
                "hovertemplate": "%{text}<br>%{x:.1f} % [%{customdata[0]:.1f}, %{customdata[1]:.1f}]<extra></extra>",
            }
        )
        change = {"xaxis.title.text": axis_title(measure)}
        buttons.append(
            {"method": "update", "label": chosen.measure_words(measure), "args": [{"visible": [m == measure for m in measures]}, change]}
        )
    active = measures.index(shown) if shown in measures else 0
    layout = base_layout(
        height=110 + 34 * len(rows),
        margin={"l": 20, "t": 26},
        xaxis={"range": [-2, 102], "title": {"text": axis_title(measures[active])}, "ticksuffix": " %"},
        yaxis={"tickvals": list(range(len(rows))), "ticktext": names, "range": [len(rows) - 0.4, -0.6], "automargin": True},
        updatemenus=measure_menu(buttons, active),
    )
    return go.Figure(data=traces, layout=layout)
