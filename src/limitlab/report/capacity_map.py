"""The phase diagram of capacity: documents against dimension, with what is impossible, open, shown to exist, and certified."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from limitlab.capacity.phase_diagram import PhaseMap, PhasePoint
from limitlab.published import corpus_sizes, critical_n_table, curve, model_dimensions
from limitlab.report.axes import log_axis, number_words, widths
from limitlab.report.style import INK, MUTED, PALETTE, PUBLISHED_LINE, base_layout, plain

if TYPE_CHECKING:
    import plotly.graph_objects as go

HEIGHT = 620
IMPOSSIBLE, EXISTS, CERTIFIED = PALETTE[1], PALETTE[0], PALETTE[2]
Corner = tuple[float, float]


def capacity_figure(found: PhaseMap) -> go.Figure:
    """The phase diagram, ready for a notebook: dimension across, documents upwards, both on log axes.

    Parameters
    ----------
    found
        Any phase map.
    """
    import plotly.graph_objects as go

    dims = [float(d) for d in found.dims]
    heights = [float(p.n_docs) for p in found.points]
    traces = [
        _area(impossible_area(found), "impossible (theorem)", "impossible", IMPOSSIBLE, 0.22),
        _area(existing_area(found), "exists (theorem, nothing constructed)", "exists", EXISTS, 0.14),
        _area(certified_area(found), "certified (can be made and checked)", "certified", CERTIFIED, 0.26),
        *_edges(found),
        *_points(found),
    ]
    layout = base_layout(
        height=HEIGHT,
        margin={"l": 96, "r": 24, "t": 16, "b": 58},
        xaxis={**log_axis(dims), "title": {"text": "dimension d", "standoff": 12}, "showgrid": False, "ticks": "outside", "ticklen": 4},
        yaxis={**_document_axis(heights), "title": {"text": f"documents n, every {_sets(found.k)} retrieved", "standoff": 10}},
    )
    layout["xaxis"]["range"] = [log10(dims[0]), log10(dims[1])]
    layout["shapes"] = [_line(c.size) for c in corpora(found)]
    layout["annotations"] = [_label(c.name, c.size, below=c.name.startswith("MS MARCO")) for c in corpora(found)]
    layout["meta"] = {"ordered": True, **widths(layout, height=440, **{"margin.l": 62, "yaxis.title.text": "", **_few_ticks(dims)})}
    return go.Figure(data=[t for t in traces if t], layout=layout)


def log10(value: float) -> float:
    """Rounded: figures of the same map are the same bytes."""
    import math

    return round(math.log10(value), 5)


# -- what is drawn, for the page and for print -------------------------------------------------------------------------


def impossible_area(found: PhaseMap) -> list[Corner]:
    """Corners (d, n): left of the dimensions that are needed at least."""
    first = float(found.dims[0])
    edge = [(float(min(p.impossible_below or found.dims[1], found.dims[1])), float(p.n_docs)) for p in found.points]
    edge = [c for c in edge if c[0] > first]
    return [*edge, (first, edge[-1][1]), (first, edge[0][1])] if edge else []


def existing_area(found: PhaseMap) -> list[Corner]:
    """Corners (d, n): right of the dimensions that are shown to suffice."""
    return _right([(p.existing_from, p.n_docs) for p in found.points if p.existing_from is not None], found)


def certified_area(found: PhaseMap) -> list[Corner]:
    """Corners (d, n): right of the dimensions that are certified to suffice."""
    return _right([(p.certified_from, p.n_docs) for p in found.points if p.certified_from is not None], found)


def _right(edge: Sequence[tuple[int, int]], found: PhaseMap) -> list[Corner]:
    corners = [(float(max(d, found.dims[0])), float(n)) for d, n in edge]
    last = float(found.dims[1])
    return [*corners, (last, corners[-1][1]), (last, corners[0][1])] if corners else []


def corpora(found: PhaseMap) -> list[Any]:
    """Corpora whose sizes are on the map."""
    return [c for c in corpus_sizes() if found.points[0].n_docs <= c.size <= found.points[-1].n_docs]


def deployed(found: PhaseMap) -> list[tuple[int, int, str]]:
    """(d, n, words) of models in wide use, at the size of MS MARCO."""
    size = next(c.size for c in corpus_sizes() if c.name == "MS MARCO passages")
    inside = found.points[0].n_docs <= size <= found.points[-1].n_docs
    return [(m.size, size, m.name) for m in model_dimensions() if inside and found.dims[0] <= m.size <= found.dims[1]]


def on_limit(found: PhaseMap) -> list[tuple[int, int, str]]:
    """(d, n, words) of the models published on LIMIT, with their recall; k = 2 only."""
    if found.k != 2 or not found.points[0].n_docs <= 50_000 <= found.points[-1].n_docs:
        return []
    ends = {m: points[-1] for m, points in curve("LIMIT", "recall@100").items() if points[-1][0] is not None}
    by_dim: dict[int, list[str]] = {}
    for model, (dim, value) in sorted(ends.items(), key=lambda e: -e[1][1]):
        if dim is not None and found.dims[0] <= dim <= found.dims[1]:
            by_dim.setdefault(dim, []).append(f"{model}: {value:g} %")
    return [(dim, 50_000, "<br>".join(words)) for dim, words in sorted(by_dim.items())]


def optimised(found: PhaseMap) -> list[Corner]:
    """The paper's critical n; k = 2 only."""
    low, high = found.points[0].n_docs, found.points[-1].n_docs
    return [
        (float(d), float(n)) for d, n in critical_n_table() if found.k == 2 and low <= n <= high and found.dims[0] <= d <= found.dims[1]
    ]


def _sets(k: int) -> str:
    return "pair" if k == 2 else "document" if k == 1 else f"set of {k}"


# -- plotly ------------------------------------------------------------------------------------------------------------


def _area(corners: Sequence[Corner], name: str, group: str, colour: str, strength: float) -> dict[str, Any]:
    if not corners:
        return {}
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return {
        "type": "scatter",
        "mode": "lines",
        "name": name,
        "legendgroup": group,
        "showlegend": True,
        "x": [d for d, _ in corners],
        "y": [n for _, n in corners],
        "fill": "toself",
        "fillcolor": f"rgba({red},{green},{blue},{strength})",
        "line": {"width": 0, "color": colour},
        "hoverinfo": "skip",
    }


def _edges(found: PhaseMap) -> list[dict[str, Any]]:
    made = [p for p in found.points if p.certified_from is not None]
    shown = [p for p in found.points if p.existing_from is not None]
    needed = [p for p in found.points if p.impossible_below is not None and p.impossible_below > found.dims[0]]
    return [
        _edge(needed, [p.impossible_below for p in needed], "impossible", IMPOSSIBLE, "fewer than %{x:,} dimensions are impossible"),
        _edge(shown, [p.existing_from for p in shown], "exists", EXISTS, "exists from %{x:,} dimensions on"),
        _edge(
            made,
            [p.certified_from for p in made],
            "certified",
            CERTIFIED,
            "certified from %{x:,} dimensions on<br>%{text}",
            [p.certificate for p in made],
        ),
    ]


def _edge(
    points: Sequence[PhasePoint], dims: Sequence[int | None], group: str, colour: str, words: str, names: Sequence[str | None] = ()
) -> dict[str, Any]:
    if not points:
        return {}
    return {
        "type": "scatter",
        "mode": "lines",
        "name": group,
        "legendgroup": group,
        "showlegend": False,
        "x": list(dims),
        "y": [p.n_docs for p in points],
        "text": [plain(n) for n in names] or None,
        "line": {"color": colour, "width": 2},
        "hovertemplate": f"<b>%{{y:,}} documents</b><br>{words}<extra></extra>",
    }


def _points(found: PhaseMap) -> list[dict[str, Any]]:
    out = []
    if table := optimised(found):
        out.append(
            {
                "type": "scatter",
                "mode": "lines",
                "name": "where one optimiser stopped (Weller et al.)",
                "legendgroup": "optimiser",
                "showlegend": True,
                "x": [d for d, _ in table],
                "y": [n for _, n in table],
                "line": {"color": PUBLISHED_LINE.replace("0.50", "0.95"), "width": 2, "dash": "dot"},
                "hovertemplate": "published critical n<br>d = %{x}: n = %{y:,}<extra></extra>",
            }
        )
    for found_points, name, group, symbol, colour in (
        (deployed(found), "models in wide use, at the size of MS MARCO", "deployed", "circle-open", INK),
        (on_limit(found), "models published on LIMIT (recall@100)", "limit", "diamond", PALETTE[3]),
    ):
        if found_points:
            out.append(
                {
                    "type": "scatter",
                    "mode": "markers",
                    "name": name,
                    "legendgroup": group,
                    "showlegend": True,
                    "x": [d for d, _, _ in found_points],
                    "y": [n for _, n, _ in found_points],
                    "text": [words for _, _, words in found_points],
                    "marker": {"color": colour if colour != INK else "#7d8794", "size": 9, "symbol": symbol, "line": {"width": 1.6}},
                    "hovertemplate": "%{text}<br>d = %{x:,}, n = %{y:,}<extra></extra>",
                }
            )
    return out


def _document_axis(values: Sequence[float]) -> dict[str, Any]:
    """A log axis of documents with a tick at every other power of ten."""
    axis = log_axis(values)
    ticks = [10.0**e for e in range(1, 16) if min(values) <= 10.0**e <= max(values)]
    if len(ticks) > 7:
        ticks = ticks[::2] if len(ticks) % 2 else ticks[1::2]
    return {
        **axis,
        "range": [log10(min(values)), log10(max(values))],
        "tickvals": ticks,
        "ticktext": [number_words(t, short=True) for t in ticks],
    }


def _few_ticks(dims: Sequence[float]) -> dict[str, Any]:
    """Powers of ten alone, for a narrow screen."""
    ticks = [10.0**e for e in range(8) if dims[0] <= 10.0**e <= dims[1]]
    return {"xaxis.tickvals": ticks, "xaxis.ticktext": [number_words(t) for t in ticks]}


def _line(n: int) -> dict[str, Any]:
    return {
        "type": "line",
        "xref": "paper",
        "x0": 0,
        "x1": 1,
        "y0": n,
        "y1": n,
        "line": {"color": PUBLISHED_LINE, "width": 1, "dash": "dot"},
    }


def _label(name: str, n: int, *, below: bool) -> dict[str, Any]:
    """A corpus at the right end of its line; MS MARCO beneath it, Wikipedia is too close above."""
    return {
        "x": 1,
        "xref": "paper",
        "y": log10(n),
        "xanchor": "right",
        "yanchor": "top" if below else "bottom",
        "text": plain(f"{name}, {number_words(n)}"),
        "showarrow": False,
        "font": {"size": 11.5, "color": MUTED},
    }
