"""The polynomial through critical n, and how little its extrapolation is worth: interval, refits, published values."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from limitlab.free.result import CriticalNResult
from limitlab.free.scaling import EXTRAPOLATED, PUBLISHED_COEFFICIENTS, PUBLISHED_R_SQUARED, ScalingFit, Variant, fit_critical_n
from limitlab.report import critical_n_series as series
from limitlab.report.axes import log_axis, number_words, widths
from limitlab.report.style import PALETTE, PUBLISHED_MARK, base_layout

if TYPE_CHECKING:
    import plotly.graph_objects as go

DEGREE = 3
OURS, PUBLISHED = "run here", "published table"
_POWERS = ("1", "d", "d²", "d³", "d⁴", "d⁵", "d⁶")
_COLOUR, _BAND = PALETTE[0], "rgba(19,115,181,0.17)"
_LESS, _SAME, _MORE = PALETTE[2], PALETTE[4], PALETTE[3]


def fits(result: CriticalNResult) -> dict[str, ScalingFit]:
    """``{"run here": fit, "published table": fit}`` at k = 2; the first only with enough dimensions, none without a solved row at k = 2.

    The extrapolations of each are at ``EXTRAPOLATED`` and at a grid up to 4096, so that they can be drawn.
    """
    found: dict[str, ScalingFit] = {}
    ours = points(result)
    if not ours and not series.certified(result, 2):
        return found
    if len({d for d, _ in ours}) >= DEGREE + 3:
        found[OURS] = _fit(ours)
    found[PUBLISHED] = _fit(series.published(2))
    return found


def points(result: CriticalNResult) -> tuple[tuple[int, int], ...]:
    """(dim, critical n) of every solved seed of the protocol at k = 2."""
    return tuple((p.dim, n) for p in series.points(result, 2) for n in p.values)


@lru_cache(maxsize=16)
def _fit(pairs: tuple[tuple[int, int], ...]) -> ScalingFit:
    return fit_critical_n(pairs, degree=DEGREE, dims=_grid(max(d for d, _ in pairs)))


def _grid(last: int) -> tuple[int, ...]:
    """Dimensions from the last of the data to 4096, evenly spaced on a log scale, with those of the paper."""
    end = max(EXTRAPOLATED)
    spaced = {round(v) for v in np.geomspace(last, end, 40)} if last < end else set()
    return tuple(sorted({last, *spaced, *EXTRAPOLATED}))


def fit_figure(result: CriticalNResult) -> go.Figure | None:
    """The cubic extrapolated to 4096 with its interval and its refits, on log axes; buttons choose whose points. None without points."""
    import plotly.graph_objects as go

    found = fits(result)
    if not found:
        return None
    printed = _printed()
    groups = {name: _traces(fit) for name, fit in found.items()}
    start = max(found, key=lambda name: (len(found[name].dims), name == OURS))
    traces = [printed] + [{**t, "visible": name == start} for name, made in groups.items() for t in made]
    ys = [y for t in traces if t.get("fill") != "toself" for y in t["y"] if y is not None]
    axis = log_axis([*ys, 1e9])
    for trace in traces:
        if trace.get("fill") == "toself":  # an interval that reaches zero ends at the edge of the log axis
            trace["y"] = [max(y, 10.0 ** axis["range"][0]) for y in trace["y"]]
    xs = [d for fit in found.values() for d in fit.dims]
    layout = base_layout(
        height=520,
        margin={"l": 98, "t": 16, "b": 54},
        xaxis={
            "title": {"text": "dimension d (log scale)", "standoff": 12},
            **log_axis([min(xs), 4096.0]),
            "showgrid": False,
            "ticks": "outside",
            "ticklen": 4,
        },
        yaxis={"title": {"text": "documents n (log scale)", "standoff": 10}, **axis},
    )
    powers = [4**i for i in range(1, 7) if min(xs) <= 4**i]
    layout["xaxis"] |= {"tickvals": powers, "ticktext": [f"{p:,}" for p in powers]}
    layout["meta"] = {"choice": "Points", "ordered": True, **widths(layout, height=420, **{"margin.l": 78, "yaxis.title.text": ""})}
    if len(groups) > 1:
        layout["updatemenus"] = [_menu(groups, list(groups).index(start))]
    return go.Figure(data=traces, layout=layout)


def _menu(groups: dict[str, list[dict[str, Any]]], active: int) -> dict[str, Any]:
    owners = [name for name, made in groups.items() for _ in made]
    labels = {OURS: "Points run here", PUBLISHED: "Published points"}
    buttons: list[dict[str, Any]] = [
        {"method": "update", "label": labels[name], "args": [{"visible": [True] + [o == name for o in owners]}, {}]} for name in groups
    ]
    return {
        "type": "buttons",
        "direction": "right",
        "x": 0,
        "xanchor": "left",
        "y": 1.16,
        "yanchor": "top",
        "active": active,
        "buttons": buttons,
    }


def _printed() -> dict[str, Any]:
    told = series.published_extrapolations()
    return {
        "type": "scatter",
        "mode": "markers",
        "name": "published extrapolations",
        "legendgroup": "printed",
        "showlegend": True,
        "x": [v.dim for v in told],
        "y": [v.value for v in told],
        "marker": {"symbol": "star", "size": 11, "color": PUBLISHED_MARK},
        "customdata": [number_words(v.value) for v in told],
        "hovertemplate": "<b>published extrapolation</b><br>d = %{x}: n = %{customdata}<extra></extra>",
    }


def _traces(fit: ScalingFit) -> list[dict[str, Any]]:
    beyond = [e for e in fit.extrapolations if e.dim >= fit.dims[-1]]
    dims = [e.dim for e in beyond]
    common = {"type": "scatter", "showlegend": True}
    band = {
        **common,
        "mode": "lines",
        "name": "95 % bootstrap interval",
        "legendgroup": "band",
        "x": dims + dims[::-1],
        "y": [e.high for e in beyond] + [e.low for e in beyond][::-1],
        "fill": "toself",
        "fillcolor": _BAND,
        "line": {"width": 0, "color": _COLOUR},
        "hoverinfo": "skip",
    }
    inside = np.linspace(fit.dims[0], fit.dims[-1], 60)
    curve = [(float(d), fit.predict(float(d))) for d in inside] + [(e.dim, e.value) for e in beyond[1:]]
    line = {
        **common,
        "mode": "lines",
        "name": "cubic",
        "legendgroup": "fit",
        "x": [d for d, _ in curve],
        "y": _positive([v for _, v in curve]),
        "line": {"color": _COLOUR, "width": 2.6},
        "customdata": [number_words(v) for _, v in curve],
        "hovertemplate": "<b>cubic</b><br>d = %{x:.0f}: n = %{customdata}<extra></extra>",
    }
    marks = {
        **common,
        "mode": "markers",
        "name": "critical n, the points fitted",
        "legendgroup": "points",
        "x": list(fit.dims),
        "y": list(fit.medians),
        "marker": {"color": _COLOUR, "size": 5.5, "symbol": "circle"},
        "hovertemplate": "d = %{x}: n = %{y:,}<extra></extra>",
    }
    return [band, *_refits(fit, dims), line, marks]


def _refits(fit: ScalingFit, dims: list[int]) -> list[dict[str, Any]]:
    """Thin lines: the same degree with the last points left out, one degree less, one more."""
    words = {fit.degree - 1: "quadratic", fit.degree: "cubic", fit.degree + 1: "quartic"}
    colours = {fit.degree - 1: _LESS, fit.degree: _SAME, fit.degree + 1: _MORE}
    asked = [e.dim for e in fit.extrapolations]
    out, named = [], set()
    for v in fit.variants:
        if (v.degree, v.dropped) == (fit.degree, 0):
            continue
        values = dict(zip(asked, v.values))
        out.append(
            {
                "type": "scatter",
                "mode": "lines",
                "name": f"{words[v.degree]}, last {'0' if v.degree != fit.degree else '1'} to 6 points left out",
                "legendgroup": f"refit{v.degree}",
                "showlegend": v.degree not in named,
                "x": dims,
                "y": _positive([values[d] for d in dims]),
                "line": {"color": colours[v.degree], "width": 1.2, "dash": "dot"},
                "opacity": 0.9,
                "customdata": [number_words(values[d]) for d in dims],
                "hovertemplate": f"<b>{variant_words(v, words[v.degree])}</b><br>R² {v.r_squared:.5f}; d = %{{x}}: n = %{{customdata}}<extra></extra>",
            }
        )
        named.add(v.degree)
    return out


def variant_words(variant: Variant, kind: str) -> str:
    """``quadratic through d = 4..39``-like words without the first dimension: ``quadratic up to d = 39``."""
    return f"{kind} up to d = {variant.last_dim}"


def _positive(values: list[float]) -> list[float | None]:
    """Values a log axis can show; the others are gaps."""
    return [v if v > 0 else None for v in values]


# ---- tables --------------------------------------------------------------------------------------------------------------


def coefficient_rows(found: dict[str, ScalingFit]) -> list[tuple[str, list[str]]]:
    """(name, [printed in the paper, refitted published table, ours]) for every coefficient, R² and the dimensions fitted."""
    order = [found[name] for name in (PUBLISHED, OURS) if name in found]
    rows = []
    for i in range(DEGREE + 1):
        rows.append((f"coefficient of {_POWERS[i]}", [_signed(PUBLISHED_COEFFICIENTS[i]), *(_signed(f.coefficients[i]) for f in order)]))
    rows.append(("R²", [f"{PUBLISHED_R_SQUARED:.5f}", *(f"{f.r_squared:.5f}" for f in order)]))
    rows.append(("dimensions", ["4 to 45", *(f"{f.dims[0]} to {f.dims[-1]}, {len(f.dims)} of them" for f in order)]))
    return rows


def extrapolation_rows(found: dict[str, ScalingFit]) -> list[dict[str, str]]:
    """One row a fit and extrapolated dimension: value, interval, refits (empty where the points do not suffice)."""
    told = {v.dim: v.value for v in series.published_extrapolations()}
    rows = []
    for name in (PUBLISHED, OURS):
        fit = found.get(name)
        if fit is None:
            continue
        asked = [e.dim for e in fit.extrapolations]
        for dim in EXTRAPOLATED:
            e = fit.at(dim)
            refits = {(v.degree, v.dropped): v.values[asked.index(dim)] for v in fit.variants}
            rows.append(
                {
                    "points": name,
                    "dim": f"{dim:,}",
                    "printed": _short(told[dim]) if name == PUBLISHED and dim in told else "",
                    "value": _short(e.value),
                    "interval": f"{_short(e.low)} to {_short(e.high)}",
                    "dropped": _short(refits.get((fit.degree, 6))),
                    "quadratic": _short(refits.get((fit.degree - 1, 0))),
                    "range": f"{_short(e.least_variant)} to {_short(e.greatest_variant)}",
                }
            )
    return rows


def _signed(value: float) -> str:
    return f"{value:.4f}".replace("-", "−")


def _short(value: float | None) -> str:
    return "" if value is None else number_words(value, short=True)
