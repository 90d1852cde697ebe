"""Training curves of single trials: what is still missing, and the loss, over the optimiser's steps."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from math import comb
from typing import TYPE_CHECKING, Any

from limitlab.free.result import CriticalNResult
from limitlab.report.axes import log_axis, widths
from limitlab.report.style import PALETTE, base_layout, plain

if TYPE_CHECKING:
    import plotly.graph_objects as go

MOST = 6
NOTHING = 0.5  # where "none missing" is drawn on a log axis
_NAME = re.compile(r"d = (\d+), n = (\d+), seed (\d+)")


@dataclass(frozen=True)
class Training:
    """One trial: ``points`` are (step, loss, hits); ``n_relevant`` is None when the name does not tell the trial."""

    name: str
    points: tuple[tuple[int, float, int], ...]
    n_relevant: int | None

    @property
    def family(self) -> str:
        """What gives a line its colour: the dimension, or the whole name."""
        match = _NAME.fullmatch(self.name)
        return match[1] if match else self.name

    @property
    def solved(self) -> bool | None:
        """Whether the last evaluation found every relevant document; None when their number is not known."""
        return None if self.n_relevant is None else self.points[-1][2] == self.n_relevant

    @property
    def missing(self) -> list[int]:
        """Relevant documents not among the first |S| of their query, at every evaluation."""
        return [(self.n_relevant or 0) - hits for _, _, hits in self.points]


def trainings(result: CriticalNResult) -> list[Training]:
    """At most six of the stored curves, evenly chosen, by dimension and n; empty ones are left out."""
    kept = sorted(((name, points) for name, points in result.curves.items() if points), key=lambda curve: _place(curve[0]))
    if len(kept) > MOST:
        pairs = [kept[i : i + 2] for i in range(0, len(kept), 2)]  # a dimension's solved and failed n follow each other
        step = (len(pairs) - 1) / (MOST // 2 - 1)
        kept = [curve for i in range(MOST // 2) for curve in pairs[round(i * step)]]
    return [Training(name, points, _relevant(result, name)) for name, points in kept]


def _place(name: str) -> tuple[Any, ...]:
    """By dimension, n and seed; names that tell no trial come last, in alphabetical order."""
    match = _NAME.fullmatch(name)
    return (0, *(int(part) for part in match.groups()), "") if match else (1, 0, 0, 0, name)


def _relevant(result: CriticalNResult, name: str) -> int | None:
    match = _NAME.fullmatch(name)
    if match is None:
        return None
    dim, n, seed = (int(part) for part in match.groups())
    sizes = {row.k for row in result.rows if row.dim == dim and row.seed == seed}
    if len(sizes) != 1:
        return None
    k = sizes.pop()
    return k * comb(n, k)


def training_figure(result: CriticalNResult) -> go.Figure | None:
    """Missing relevant documents, or the loss, against the step; buttons choose which. None when no curve is stored."""
    import plotly.graph_objects as go

    found = trainings(result)
    if not found:
        return None
    counted = [t for t in found if t.n_relevant is not None]
    colours = colours_of(found)
    missing = [_trace(t, i, "missing", colours[t.family]) for i, t in enumerate(found) if t in counted]
    losses = [_trace(t, i, "loss", colours[t.family]) for i, t in enumerate(found)]
    axes: dict[str, dict[str, Any]] = {}
    if missing:
        axes["Missing documents"] = {"yaxis.title.text": "relevant documents not on top", **_dotted(_missing_axis(counted))}
    top = max(loss for t in found for _, loss, _ in t.points)
    low = min(loss for t in found for _, loss, _ in t.points)
    room = 0.06 * (top - low) or 0.1
    plain_axis = {"type": "linear", "range": [low - room, top + room], "tickvals": None, "ticktext": None}
    axes["Loss"] = {"yaxis.title.text": "loss", **_dotted(plain_axis)}
    traces = [{**t, "visible": True} for t in missing] + [{**t, "visible": not missing} for t in losses]
    first = next(iter(axes.values()))
    layout = base_layout(
        height=440,
        margin={"l": 84, "r": 30, "t": 16, "b": 54},
        xaxis={
            "title": {"text": "optimiser steps", "standoff": 12},
            "rangemode": "tozero",
            "tickformat": ",d",
            "showgrid": False,
            "ticks": "outside",
            "ticklen": 4,
        },
        yaxis={
            "title": {"text": first["yaxis.title.text"], "standoff": 10},
            **{key.split(".")[1]: v for key, v in first.items() if key.count(".") == 1},
        },
    )
    layout["meta"] = {"choice": "Shown", "ordered": True, **widths(layout, height=380, **{"margin.l": 58})}
    if len(axes) > 1:
        shown = {"Missing documents": [True] * len(missing) + [False] * len(losses), "Loss": [False] * len(missing) + [True] * len(losses)}
        buttons = [{"method": "update", "label": name, "args": [{"visible": shown[name]}, change]} for name, change in axes.items()]
        place = {"x": 0, "xanchor": "left", "y": 1.16, "yanchor": "top"}
        layout["updatemenus"] = [{"type": "buttons", "direction": "right", "active": 0, "buttons": buttons, **place}]
    return go.Figure(data=traces, layout=layout)


def colours_of(found: Sequence[Training]) -> dict[str, str]:
    """A colour for every dimension among the curves."""
    families = dict.fromkeys(t.family for t in found)
    return {family: PALETTE[i % len(PALETTE)] for i, family in enumerate(families)}


def _missing_axis(found: list[Training]) -> dict[str, Any]:
    axis = log_axis([NOTHING, *(m for t in found for m in t.missing if m > 0)])
    kept = [(v, words) for v, words in zip(axis["tickvals"], axis["ticktext"]) if v >= 1]
    return {**axis, "tickvals": [NOTHING, *(v for v, _ in kept)], "ticktext": ["none", *(words for _, words in kept)]}


def _dotted(axis: dict[str, Any]) -> dict[str, Any]:
    return {f"yaxis.{key}": value for key, value in axis.items()}


def _trace(training: Training, number: int, what: str, colour: str) -> dict[str, Any]:
    ended = {True: ", solved", False: ", not solved", None: ""}[training.solved]
    name = plain(training.name, length=50) + ended
    values = [loss for _, loss, _ in training.points] if what == "loss" else [max(m, NOTHING) for m in training.missing]
    shown = [f"loss {loss:.4g}" for _, loss, _ in training.points]
    if what == "missing":
        shown = [f"{m:,} of {training.n_relevant:,} not on top" for m in training.missing]
    return {
        "type": "scatter",
        "mode": "lines",
        "name": name,
        "legendgroup": f"t:{number}",
        "showlegend": True,
        "x": [step for step, _, _ in training.points],
        "y": values,
        "line": {"color": colour, "width": 2, "dash": "dot" if training.solved is False else "solid"},
        "customdata": shown,
        "hovertemplate": f"<b>{name}</b><br>step %{{x:,}}: %{{customdata}}<extra></extra>",
    }
