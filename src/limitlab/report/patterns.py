"""Recall by relevance pattern: the same retrievers where the queries' documents overlap much, little or not at all."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from limitlab.evaluation import EvaluationResult
from limitlab.report import selection as chosen
from limitlab.report.style import MUTED, PUBLISHED_MARK, base_layout, looks, plain

if TYPE_CHECKING:
    import plotly.graph_objects as go

_KINDS = {"BM25": ("square-open", "BM25"), "GTE-ModernColBERT": ("diamond-open", "GTE-ModernColBERT"), "": ("circle-open", "embeddings")}
_HOVER = "%{customdata[0]}: %{y:.1f} % [%{customdata[1]:.1f}, %{customdata[2]:.1f}]<extra></extra>"


def pattern_figure(result: EvaluationResult, group: chosen.PatternGroup) -> go.Figure:
    """Grouped bars, one group a pattern, one bar a retriever; the paper's values as grey marks beside them."""
    import plotly.graph_objects as go

    patterns = list(group.datasets)
    colours = looks(result)
    marks = {p: chosen.published_patterns(group.measure, p) for p in patterns}
    any_marks = any(marks.values())
    slots = len(group.rows) + (0.8 if any_marks else 0.0)
    width = min(0.82 / slots, 0.26)
    start = -slots * width / 2
    traces: list[dict[str, Any]] = []
    for i, (retriever, rows) in enumerate(group.rows.items()):
        spans = [chosen.percent(r.measures[group.measure]) for r in rows.values()]
        words = chosen.row_words(next(iter(rows.values())))
        traces.append(
            {
                "type": "bar",
                "name": plain(words, length=40),
                "legendgroup": "r:" + retriever,
                "showlegend": True,
                "x": [patterns.index(p) + start + (i + 0.5) * width for p in rows],
                "y": [s[0] for s in spans],
                "width": 0.9 * width,
                "marker": {"color": colours[retriever].colour, "cornerradius": 2},
                "error_y": {
                    "type": "data",
                    "array": [s[2] for s in spans],
                    "arrayminus": [s[1] for s in spans],
                    "thickness": 1.2,
                    "width": 3,
                    "color": MUTED,
                },
                "customdata": [[p, 100 * r.measures[group.measure].low, 100 * r.measures[group.measure].high] for p, r in rows.items()],
                "hovertemplate": f"<b>{plain(words)}</b><br>{_HOVER}",
            }
        )
    at = {p: i + start + (len(group.rows) + 0.4) * width for i, p in enumerate(patterns)}
    traces += _published(marks, at)
    layout = base_layout(
        height=400,
        margin={"l": 74, "t": 26, "b": 34},
        bargap=0,
        barmode="overlay",
        xaxis={
            "tickvals": list(range(len(patterns))),
            "ticktext": [plain(p) for p in patterns],
            "range": [-0.55, len(patterns) - 0.45],
            "showgrid": False,
        },
        yaxis={
            "range": [0, 104],
            "nticks": 6,
            "ticksuffix": " %",
            "title": {"text": f"{chosen.measure_words(group.measure)}, in percent", "standoff": 8},
        },
    )
    return go.Figure(data=traces, layout=layout)


def _published(marks: dict[str, list[chosen.PublishedLine]], at: dict[str, float]) -> list[dict[str, Any]]:
    traces = []
    for kind, (symbol, words) in _KINDS.items():
        points = [(p, line) for p, found in marks.items() for line in found if (line.model if line.model in _KINDS else "") == kind]
        if points:
            traces.append(
                {
                    "type": "scatter",
                    "mode": "markers",
                    "name": f"published: {words}",
                    "legendgroup": "published" + kind,
                    "showlegend": True,
                    "x": [at[p] for p, _ in points],
                    "y": [line.points[0][1] for _, line in points],
                    "marker": {"symbol": symbol, "size": 7, "color": PUBLISHED_MARK, "line": {"width": 1.3}},
                    "text": [_words(p, line) for p, line in points],
                    "hovertemplate": "%{text}<extra></extra>",
                }
            )
    return traces


def _words(pattern: str, line: chosen.PublishedLine) -> str:
    dim, value = line.points[0]
    size = "" if dim is None else f" at {dim} dimensions"
    return f"<b>{plain(line.model)}</b>{size}, published<br>{plain(pattern)}: {value:.1f} %<br><i>{plain(line.source)}</i>"
