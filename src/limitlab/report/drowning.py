"""Recall against the size of the corpus: exact below it, extrapolated above it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from limitlab.diagnosis import Curve, Drowning
from limitlab.report.axes import log_axis, number_words
from limitlab.report.style import MUTED, PALETTE, base_layout

if TYPE_CHECKING:
    import plotly.graph_objects as go

_MEASURES = (("recall", "recall@{k}", PALETTE[0]), ("all_relevant", "all relevant@{k}", PALETTE[1]))


def drowning_figure(found: Drowning) -> go.Figure:
    """Both measures: solid where exact, dashed with a band where extrapolated, small circles for one nested sample."""
    import plotly.graph_objects as go

    traces = []
    for name, words, colour in _MEASURES:
        traces += _measure(found, name, words.format(k=found.k), colour)
    ends = [*found.exact.sizes, *(found.forecast.sizes if found.forecast else ())]
    axis = log_axis(ends)
    layout = base_layout(
        height=400,
        margin={"l": 64, "r": 24, "t": 30},
        xaxis={**axis, "title": {"text": "documents in the corpus (log scale)", "standoff": 12}, "showgrid": False, "ticks": "outside"},
        yaxis={"range": [0, 103], "nticks": 6, "ticksuffix": " %", "title": {"text": "mean over queries, in percent", "standoff": 8}},
        shapes=[
            {
                "type": "line",
                "x0": found.n_docs,
                "x1": found.n_docs,
                "y0": 0,
                "y1": 103,
                "line": {"color": MUTED, "width": 1, "dash": "dot"},
            }
        ],
        annotations=[_here(found.n_docs)],
    )
    layout["meta"] = {"narrow_ticks": axis["tickvals"][:: 2 if len(axis["tickvals"]) > 5 else 1]}
    return go.Figure(data=traces, layout=layout)


def _here(n_docs: int) -> dict[str, Any]:
    import math

    return {
        "x": math.log10(n_docs),
        "y": 103,
        "yanchor": "bottom",
        "showarrow": False,
        "text": f"your corpus, {number_words(n_docs)}",
        "font": {"size": 11.5, "color": MUTED},
    }


def _measure(found: Drowning, name: str, words: str, colour: str) -> list[dict[str, Any]]:
    group = {"legendgroup": name, "name": words}
    head = f"<b>{words}</b>, "
    values = [100 * v for v in getattr(found.exact, name)]
    out: list[dict[str, Any]] = [
        {
            **group,
            "type": "scatter",
            "mode": "lines+markers",
            "showlegend": True,
            "x": list(found.exact.sizes),
            "y": values,
            "line": {"color": colour, "width": 2.6},
            "marker": {"color": colour, "size": 7, "symbol": "circle"},
            "hovertemplate": head + "exact expectation<br>%{x:,} documents: %{y:.1f} %<extra></extra>",
        }
    ]
    if found.forecast is not None:
        out += _ahead(found.exact, found.forecast, name, words, colour)
    if found.path is not None:
        out.append(
            {
                **group,
                "name": f"{words}, one random sample",
                "legendgroup": f"{name} sample",
                "type": "scatter",
                "mode": "markers",
                "showlegend": True,
                "x": list(found.path.sizes),
                "y": [100 * v for v in getattr(found.path, name)],
                "marker": {"color": colour, "size": 10, "symbol": "circle-open"},
                "hovertemplate": head + "one nested sample<br>%{x:,} documents: %{y:.1f} %<extra></extra>",
            }
        )
    return out


def _ahead(exact: Curve, forecast: Curve, name: str, words: str, colour: str) -> list[dict[str, Any]]:
    here = 100 * getattr(exact, name)[-1]
    sizes = [exact.sizes[-1], *forecast.sizes]
    spans = [(here, here), *((100 * a, 100 * b) for a, b in getattr(forecast, f"{name}_interval"))]
    group = {"legendgroup": f"{name} ahead", "type": "scatter"}
    band = {
        **group,
        "mode": "lines",
        "name": f"{words}, 95 % interval",
        "showlegend": False,
        "x": [*sizes, *reversed(sizes)],
        "y": [*(high for _, high in spans), *(low for low, _ in reversed(spans))],
        "fill": "toself",
        "fillcolor": _clear(colour),
        "line": {"color": colour, "width": 0},
        "hoverinfo": "skip",
    }
    line = {
        **group,
        "mode": "lines",
        "name": f"{words}, extrapolated",
        "showlegend": True,
        "x": sizes,
        "y": [here, *(100 * v for v in getattr(forecast, name))],
        "line": {"color": colour, "width": 2.2, "dash": "dash"},
        "customdata": spans,
        "hovertemplate": f"<b>{words}</b>, extrapolated<br>%{{x:,}} documents: %{{y:.1f}} % "
        "[%{customdata[0]:.1f}, %{customdata[1]:.1f}]<extra></extra>",
    }
    return [band, line]


def _clear(colour: str) -> str:
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return f"rgba({red},{green},{blue},0.16)"
