"""Recall against dimension: our rows, closed-form predictions, and the paper's curves behind them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from limitlab.evaluation import EvaluationResult
from limitlab.report import selection as chosen
from limitlab.report.labels import EdgeLabel, edge_annotations
from limitlab.report.style import PUBLISHED_LINE, Look, base_layout, looks, plain

if TYPE_CHECKING:
    import plotly.graph_objects as go

HEIGHT = 470
_MARGIN = {"l": 74, "r": 200, "t": 26, "b": 54}
_PLOT = HEIGHT - _MARGIN["t"] - _MARGIN["b"]


def dimension_figure(result: EvaluationResult, dataset: str) -> go.Figure | None:
    """One measure at a time against the dimension, with buttons for the measure; None when no row has a dimension.

    ``layout.meta`` carries, for each measure, the y-range and labels of a closer view (``fit``), and the ticks for narrow
    screens (``narrow_ticks``).
    """
    import plotly.graph_objects as go

    found = chosen.lines(result, dataset)
    dims = sorted({r.dim for line in found for r in line.rows if r.dim is not None})
    if not dims:
        return None
    measures = chosen.drawn_measures(result, dataset)
    shown = chosen.headline_measure(result, dataset)
    known = chosen.facts(result, dataset)
    compared = {m: chosen.published_lines(known, m) for m in measures}
    ends = [d for lines in compared.values() for p in lines for d, _ in p.points if d is not None]
    left, right = min([*dims, 32] if ends else dims), max(dims + ends)
    colours = looks(result)
    traces: list[dict[str, Any]] = []
    owners: list[str] = []
    for measure in measures:
        made = [t for line in compared[measure] for t in _published(line, measure, left, right)]
        for line in found:
            made += _ours(line, measure, colours[line.retriever], left, right)
        _one_entry_for_published(made)
        traces += [{**t, "visible": measure == shown, "meta": {"measure": measure}} for t in made]
        owners += [measure] * len(made)
    buttons, fits = [], {}
    for measure in measures:
        edge = _edge_labels(found, compared[measure], measure, colours)
        change = {"annotations": edge_annotations(edge, top=104, pixels=_PLOT), "yaxis.title.text": axis_title(measure)}
        buttons.append(
            {"method": "update", "label": chosen.measure_words(measure), "args": [{"visible": [o == measure for o in owners]}, change]}
        )
        top = _close_top(found, compared[measure], measure)
        if top is not None:
            fits[measure] = {"range": [0, top], "annotations": edge_annotations(edge, top=top, pixels=_PLOT)}
    active = measures.index(shown) if shown in measures else 0
    layout = _layout(dims, ends, left, right, buttons, active)
    layout["meta"] = {"fit": fits, "measures": measures, "narrow_ticks": _ticks(dims, left, right, narrow=True)}
    return go.Figure(data=traces, layout=layout)


def axis_title(measure: str) -> str:
    """The title of an axis that shows a measure."""
    return f"{chosen.measure_words(measure)}, in percent"


def _ours(line: chosen.Line, measure: str, look: Look, left: int, right: int) -> list[dict[str, Any]]:
    rows = [r for r in line.rows if measure in r.measures]
    if not rows:
        return []
    spans = [chosen.percent(r.measures[measure]) for r in rows]
    name = plain(line.label, length=40)
    common = {"type": "scatter", "name": name, "legendgroup": "r:" + line.retriever, "showlegend": True}
    hover = f"<b>{plain(line.label)}</b><br>%{{customdata[2]}}%{{y:.1f}} % [%{{customdata[0]:.1f}}, %{{customdata[1]:.1f}}]<extra></extra>"
    if line.flat:
        return [
            {
                **common,
                "mode": "lines",
                "x": _across(left, right),
                "y": [span[0]] * len(_across(left, right)),
                "line": {"color": look.colour, "width": 2.2, "dash": "dash"},
                "hovertemplate": hover,
                "customdata": [[100 * r.measures[measure].low, 100 * r.measures[measure].high, ""]] * len(_across(left, right)),
                "showlegend": i == 0,
            }
            for i, (r, span) in enumerate(zip(rows, spans))
        ]
    out: list[dict[str, Any]] = [
        {
            **common,
            "mode": "lines+markers",
            "x": [r.dim for r in rows],
            "y": [s[0] for s in spans],
            "cliponaxis": False,
            "line": {"color": look.colour, "width": 2.6},
            "marker": {"color": look.colour, "size": 8, "symbol": look.symbol},
            "error_y": {
                "type": "data",
                "array": [s[2] for s in spans],
                "arrayminus": [s[1] for s in spans],
                "thickness": 1.3,
                "width": 3.5,
                "color": look.colour,
            },
            "customdata": [[100 * r.measures[measure].low, 100 * r.measures[measure].high, f"{r.dim} dimensions: "] for r in rows],
            "hovertemplate": hover,
        }
    ]
    foretold = [(r.dim, 100 * r.predicted[measure]) for r in rows if measure in r.predicted]
    if foretold:
        out.append(
            {
                **common,
                "mode": "lines",
                "name": f"{plain(line.label, length=30)}, predicted",
                "legendgroup": "p:" + line.retriever,
                "x": [d for d, _ in foretold],
                "y": [v for _, v in foretold],
                "line": {"color": look.colour, "width": 2, "dash": "dot"},
                "hovertemplate": f"<b>{plain(line.label)}</b>, closed form<br>%{{x}} dimensions: %{{y:.1f}} %<extra></extra>",
            }
        )
    return out


def _published(line: chosen.PublishedLine, measure: str, left: int, right: int) -> list[dict[str, Any]]:
    common: dict[str, Any] = {
        "type": "scatter",
        "name": chosen.PUBLISHED,
        "legendgroup": "published",
        "showlegend": False,
        "line": {"color": PUBLISHED_LINE, "width": 1.2},
    }
    source = f"<br><i>{plain(line.source)}</i><extra></extra>"
    head = f"<b>{plain(line.model)}</b>, published<br>"
    if line.flat:
        across = _across(left, right)
        style = {**common["line"], "dash": "dash"}
        return [
            {
                **common,
                "mode": "lines",
                "x": across,
                "y": [line.points[0][1]] * len(across),
                "line": style,
                "hovertemplate": head + "%{y:.1f} %" + source,
            }
        ]
    inside = [(d, v) for d, v in line.points if d is not None and d >= left]
    if not inside:
        return []
    marks = {"size": 3.5, "color": PUBLISHED_LINE}
    body = "%{x} dimensions: %{y:.1f} %"
    return [
        {
            **common,
            "mode": "lines+markers",
            "x": [d for d, _ in inside],
            "y": [v for _, v in inside],
            "marker": marks,
            "hovertemplate": head + body + source,
        }
    ]


def _one_entry_for_published(traces: list[dict[str, Any]]) -> None:
    published = [t for t in traces if t["legendgroup"] == "published"]
    for trace in sorted(published, key=lambda t: "dash" in t["line"])[:1]:
        trace["showlegend"] = True


def _across(left: int, right: int) -> list[float]:
    """Points over the whole width, so that a horizontal line answers to the pointer anywhere."""
    low, high = _span(left, right)
    return [round(10 ** (low + (high - low) * i / 24), 3) for i in range(25)]


def _span(left: int, right: int) -> tuple[float, float]:
    """Ends of the x-axis as log10, with a little room around the outermost points."""
    room = max(0.045 * math.log10(right / left), 0.0) if right > left else 0.3
    return math.log10(left) - room, math.log10(right) + 0.5 * room


def _edge_labels(found: list[chosen.Line], compared: list[chosen.PublishedLine], measure: str, colours: dict[str, Look]) -> list[EdgeLabel]:
    labels = [
        EdgeLabel(100 * r.measures[measure].mean, f"{line.label}  {100 * r.measures[measure].mean:.1f}", colours[line.retriever].colour)
        for line in found
        if line.flat
        for r in line.rows
        if measure in r.measures
    ]
    return labels + [EdgeLabel(p.points[-1][1], f"{p.model}{' (paper)' if p.flat else ''}") for p in compared]


def _close_top(found: list[chosen.Line], compared: list[chosen.PublishedLine], measure: str) -> float | None:
    """Upper end of a view of the rows with a dimension alone; None when it would not be much closer than 0 to 100."""
    ours = [100 * r.measures[measure].high for line in found if not line.flat for r in line.rows if measure in r.measures]
    highest = max(ours + [v for p in compared if not p.flat for _, v in p.points], default=0.0)
    top = max(highest * 1.12, 0.5)
    return round(top, 2) if top <= 70 else None


def _ticks(dims: list[int], left: int, right: int, *, narrow: bool) -> list[int]:
    """Our dimensions first, then powers of two where there is room."""
    room = (1.2 if right > 60 * left else 0.7) if narrow else 0.38
    powers = [2**i for i in range(1, 20) if left <= 2**i <= right]
    kept: list[int] = []
    for value in [d for d in powers if d in dims] + dims + powers if not narrow else powers or dims:
        if all(abs(math.log2(value / other)) >= room for other in kept):
            kept.append(value)
    return sorted(kept)


def measure_menu(buttons: list[dict[str, Any]], active: int) -> list[dict[str, Any]]:
    """Buttons above a figure, one a measure; none when there is no choice."""
    if len(buttons) < 2:
        return []
    return [
        {
            "type": "buttons",
            "direction": "right",
            "x": 0,
            "xanchor": "left",
            "y": 1.16,
            "yanchor": "top",
            "active": active,
            "buttons": buttons,
        }
    ]


def _layout(dims: list[int], ends: list[int], left: int, right: int, buttons: list[dict[str, Any]], active: int) -> dict[str, Any]:
    ticks = _ticks(dims, left, right, narrow=False)
    change = buttons[active]["args"][1]
    return base_layout(
        height=HEIGHT,
        margin=_MARGIN,
        xaxis={
            "type": "log",
            "range": list(_span(left, right)),
            "tickvals": ticks,
            "ticktext": [f"{t}" for t in ticks],
            "title": {"text": "embedding dimension (log scale)", "standoff": 12},
            "showgrid": False,
            "ticks": "outside",
            "ticklen": 4,
        },
        yaxis={
            "range": [0, 104],
            "tickvals": None,
            "nticks": 6,
            "ticksuffix": " %",
            "title": {"text": change["yaxis.title.text"], "standoff": 8},
        },
        annotations=change["annotations"],
        updatemenus=measure_menu(buttons, active),
    )
