"""Critical n against the dimension: published, the protocol over its seeds, certified configurations; and what each cost."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from limitlab.free.result import CriticalN, CriticalNResult
from limitlab.report import critical_n_series as series
from limitlab.report.axes import log_axis, widths
from limitlab.report.critical_n_fit import fit_figure
from limitlab.report.critical_n_training import training_figure
from limitlab.report.style import MUTED, PALETTE, PUBLISHED_LINE, PUBLISHED_MARK, SYMBOLS, base_layout, plain

if TYPE_CHECKING:
    import plotly.graph_objects as go

HEIGHT = 500
AT_GAP_COLOUR, ANY_GAP_COLOUR = PALETTE[1], PALETTE[2]
AT_GAP_SYMBOL, ANY_GAP_SYMBOL = "square", "diamond-open"
_OPTIMISED = (PALETTE[0], PALETTE[3], PALETTE[6], PALETTE[7])


def critical_n_figures(result: CriticalNResult) -> dict[str, go.Figure]:
    """Every figure of the critical n report, ready for a notebook.

    Parameters
    ----------
    result
        Any critical n result; only solved rows are drawn.

    Returns
    -------
    ``{"critical_n/k=<k>": ..., "fit": ..., "training": ..., "cost/k=<k>": ...}``; figures without anything to draw are absent.

    Examples
    --------
    >>> from limitlab.free.result import CriticalNResult
    >>> critical_n_figures(CriticalNResult(rows=()))
    {}
    """
    drawn: dict[str, go.Figure | None] = {}
    for k in series.subset_sizes(result):
        drawn[f"critical_n/k={k}"] = capacity_figure(result, k)
    drawn["fit"] = fit_figure(result)
    drawn["training"] = training_figure(result)
    for k in series.subset_sizes(result):
        drawn[f"cost/k={k}"] = cost_figure(result, k)
    return {name: figure for name, figure in drawn.items() if figure is not None}


def colour_of(objective: str, objectives: Sequence[str]) -> tuple[str, str]:
    """Colour and symbol of an optimised curve; the paper's protocol is always the first."""
    at = 0 if objective == series.PROTOCOL else 1 + [o for o in objectives if o != series.PROTOCOL].index(objective)
    return _OPTIMISED[at % len(_OPTIMISED)], "circle" if at == 0 else SYMBOLS[3 + (at - 1) % 3]


def capacity_figure(result: CriticalNResult, k: int) -> go.Figure | None:
    """Critical n against the dimension for one k, log n, with a closer linear view of what was optimised; None without solved rows."""
    import plotly.graph_objects as go

    names = series.objectives(result, k)
    at_gap = series.certified(result, k, min_gap=series.least_gap(result))
    more = series.beyond(result, k)
    optimised = [t for name in names for t in _optimised(series.points(result, k, name), name, colour_of(name, names))]
    if not optimised and not at_gap and not more:
        return None
    proven = [
        *_certified(at_gap, f"certified, least gap {series.least_gap(result):g} or more", "at-gap", AT_GAP_COLOUR, AT_GAP_SYMBOL),
        *_certified(more, "certified, any positive gap", "any-gap", ANY_GAP_COLOUR, ANY_GAP_SYMBOL),
    ]
    shown = _published(k, *_reach(series.dims(result, k)))
    traces = [*shown, *proven, *optimised]
    layout = base_layout(
        height=HEIGHT,
        margin={"l": 84, "t": 16, "b": 54},
        xaxis={
            "title": {"text": "dimension d", "standoff": 12},
            "range": _dim_range(traces),
            "showgrid": False,
            "ticks": "outside",
            "ticklen": 4,
        },
        yaxis={"title": {"text": _title(k), "standoff": 10}, **log_axis(_heights(traces))},
    )
    layout["meta"] = {"choice": "View", "ordered": True, **widths(layout, height=400, **{"margin.l": 56, "yaxis.title.text": ""})}
    if proven and optimised:
        layout["updatemenus"] = _views(len(shown), len(proven), len(optimised), layout["yaxis"], _heights([*shown, *optimised]))
    return go.Figure(data=traces, layout=layout)


def _title(k: int) -> str:
    return f"documents n, every {k}-subset retrieved" if k != 2 else "documents n, every pair retrieved"


def _published(k: int, low: float, high: float) -> list[dict[str, Any]]:
    found = [(d, n) for d, n in series.published(k) if low <= d <= high]
    if not found:
        return []
    return [
        {
            "type": "scatter",
            "mode": "lines+markers",
            "name": "published (one seed)",
            "legendgroup": "published",
            "showlegend": True,
            "x": [d for d, _ in found],
            "y": [n for _, n in found],
            "line": {"color": PUBLISHED_LINE, "width": 1.6},
            "marker": {"color": PUBLISHED_MARK, "size": 4.5, "symbol": "circle"},
            "hovertemplate": "<b>published</b><br>d = %{x}: n = %{y:,}<extra></extra>",
        }
    ]


def _optimised(points: Sequence[series.Point], objective: str, look: tuple[str, str]) -> list[dict[str, Any]]:
    colour, symbol = look
    name = plain(series.objective_name(objective))
    several = any(len(p.values) > 1 for p in points)
    words = f"{name}: median, bars from least to greatest seed" if several else name
    traces: list[dict[str, Any]] = [
        {
            "type": "scatter",
            "mode": "lines+markers",
            "name": words,
            "legendgroup": f"o:{objective}",
            "showlegend": True,
            "x": [p.dim for p in points],
            "y": [p.median for p in points],
            "line": {"color": colour, "width": 2.2},
            "marker": {"color": colour, "size": 7.5, "symbol": symbol},
            "error_y": {
                "type": "data",
                "array": [p.high - p.median for p in points],
                "arrayminus": [p.median - p.low for p in points],
                "thickness": 1.4,
                "width": 3.5,
                "color": colour,
            },
            "customdata": [_seed_words(p) for p in points],
            "hovertemplate": f"<b>{name}</b><br>d = %{{x}}: %{{customdata}}<extra></extra>",
        }
    ]
    failed = [(p.dim, p.least_failed) for p in points if p.least_failed is not None]
    if failed:
        traces.append(
            {
                "type": "scatter",
                "mode": "markers",
                "name": "smallest n that failed" + ("" if objective == series.PROTOCOL else f" ({name})"),
                "legendgroup": f"f:{objective}",
                "showlegend": True,
                "x": [d for d, _ in failed],
                "y": [n for _, n in failed],
                "marker": {"color": colour, "size": 6, "symbol": "x", "opacity": 0.45},
                "hovertemplate": "<b>smallest n tried that failed</b>, no proof of impossibility<br>d = %{x}: n = %{y:,}<extra></extra>",
            }
        )
    return traces


def _seed_words(point: series.Point) -> str:
    if len(point.values) == 1:
        return f"n = {point.low:,}"
    return f"median n = {point.median:,g}, {point.low:,} to {point.high:,} over {len(point.values)} seeds"


def _certified(rows: dict[int, CriticalN], name: str, group: str, colour: str, symbol: str) -> list[dict[str, Any]]:
    if not rows:
        return []
    return [
        {
            "type": "scatter",
            "mode": "lines+markers",
            "name": plain(name),
            "legendgroup": group,
            "showlegend": True,
            "x": list(rows),
            "y": [row.critical_n for row in rows.values()],
            "line": {"color": colour, "width": 2.2, "dash": "dot" if symbol.endswith("-open") else "solid"},
            "marker": {"color": colour, "size": 8, "symbol": symbol, "line": {"width": 1.6, "color": colour}},
            "customdata": [[series.gap_words(row.gap), plain(row.certificate or "", length=70)] for row in rows.values()],
            "hovertemplate": "<b>certified over all subsets</b><br>d = %{x}: n = %{y:,}, least gap %{customdata[0]}"
            "<br><i>%{customdata[1]}</i><extra></extra>",
        }
    ]


def _views(shown: int, proven: int, optimised: int, axis: dict[str, Any], near: Sequence[float]) -> list[dict[str, Any]]:
    """Two buttons: everything on a log axis; the optimised curves alone on a linear one."""
    keys = ("type", "range", "tickvals", "ticktext")
    top = 1.06 * max(near)
    close = {"type": "linear", "range": [0, top], "tickvals": None, "ticktext": None}
    buttons = []
    for label, keep, change in (("All, log scale", True, axis), ("Optimised only, linear", False, close)):
        visible = [True] * shown + [keep] * proven + [True] * optimised
        buttons.append({"method": "update", "label": label, "args": [{"visible": visible}, {f"yaxis.{key}": change[key] for key in keys}]})
    return [
        {"type": "buttons", "direction": "right", "x": 0, "xanchor": "left", "y": 1.16, "yanchor": "top", "active": 0, "buttons": buttons}
    ]


def cost_figure(result: CriticalNResult, k: int) -> go.Figure | None:
    """Wall seconds of a whole search for critical n against the dimension, one mark a seed, the median as a line."""
    import plotly.graph_objects as go

    names = series.objectives(result, k)
    traces: list[dict[str, Any]] = []
    for name in names:
        colour, symbol = colour_of(name, names)
        spent = [(p.dim, tuple(s for s in p.seconds if s > 0)) for p in series.points(result, k, name)]
        spent = [(dim, seconds) for dim, seconds in spent if seconds]
        if spent:
            traces += _costs(spent, series.objective_name(name), name, colour, symbol)
    if not traces:
        return None
    layout = base_layout(
        height=400,
        margin={"l": 84, "t": 16, "b": 54},
        xaxis={
            "title": {"text": "dimension d", "standoff": 12},
            "range": _dim_range(traces),
            "showgrid": False,
            "ticks": "outside",
            "ticklen": 4,
        },
        yaxis={"title": {"text": "seconds for one search", "standoff": 10}, **log_axis(_heights(traces))},
    )
    layout["meta"] = {"ordered": True, **widths(layout, height=340, **{"margin.l": 56, "yaxis.title.text": ""})}
    return go.Figure(data=traces, layout=layout)


def _costs(spent: Sequence[tuple[int, tuple[float, ...]]], name: str, key: str, colour: str, symbol: str) -> list[dict[str, Any]]:
    from statistics import median

    common = {"type": "scatter", "legendgroup": f"o:{key}"}
    line = {
        **common,
        "mode": "lines+markers",
        "name": plain(name) + (", median over seeds" if any(len(s) > 1 for _, s in spent) else ""),
        "showlegend": True,
        "x": [d for d, _ in spent],
        "y": [median(s) for _, s in spent],
        "line": {"color": colour, "width": 2.2},
        "marker": {"color": colour, "size": 7, "symbol": symbol},
        "hovertemplate": f"<b>{plain(name)}</b><br>d = %{{x}}: %{{y:,.3g}} s<extra></extra>",
    }
    each = [(d, s) for d, found in spent if len(found) > 1 for s in found]
    if not each:
        return [line]
    marks = {
        **common,
        "mode": "markers",
        "name": "one seed",
        "showlegend": False,
        "x": [d for d, _ in each],
        "y": [s for _, s in each],
        "marker": {"color": MUTED, "size": 4, "opacity": 0.55},
        "hovertemplate": "one seed, d = %{x}: %{y:,.3g} s<extra></extra>",
    }
    return [marks, line]


def _reach(dims: Sequence[int]) -> tuple[float, float]:
    """Dimensions at which the published curve is shown: those of the result and a few around it."""
    room = max(2.0, 0.25 * (dims[-1] - dims[0]))
    return dims[0] - room, dims[-1] + room


def _dim_range(traces: Sequence[dict[str, Any]]) -> list[float]:
    xs = [x for t in traces for x in t["x"]]
    room = max(0.6, 0.025 * (max(xs) - min(xs)))
    return [min(xs) - room, max(xs) + room]


def _heights(traces: Sequence[dict[str, Any]]) -> list[float]:
    out = []
    for t in traces:
        out += list(t["y"])
        error = t.get("error_y")
        if error:
            out += [y + e for y, e in zip(t["y"], error["array"])] + [y - e for y, e in zip(t["y"], error["arrayminus"])]
    return [v for v in out if v > 0]
