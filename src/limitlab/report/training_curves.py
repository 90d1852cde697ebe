"""Figures of a training: learning curves, and recall before and after by corpus size."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from limitlab.report.axes import log_axis, widths
from limitlab.report.style import PALETTE, base_layout, plain
from limitlab.training import TrainedModel, TrainResult

if TYPE_CHECKING:
    import plotly.graph_objects as go

MOST = 6
_SHAPES = {"evaluated": "solid", "trained": "dot", "loss": "solid"}
_SAID = {"evaluated": "evaluated queries", "trained": "training pairs", "loss": "loss"}


def shown_models(result: TrainResult) -> list[TrainedModel]:
    """At most six models, evenly chosen, in their order."""
    models = [m for m in result.models if m.curve]
    if len(models) <= MOST:
        return models
    step = (len(models) - 1) / (MOST - 1)
    return [models[round(i * step)] for i in range(MOST)]


def learning_figure(result: TrainResult) -> go.Figure | None:
    """Recall@10 on the training pairs (dotted) and on the evaluated queries (solid), or the loss, by step; None without curves."""
    import plotly.graph_objects as go

    models = shown_models(result)
    if not models:
        return None
    recalls = [t for i, m in enumerate(models) for t in (_trace(m, i, "evaluated"), _trace(m, i, "trained")) if t["x"]]
    losses = [t for i, m in enumerate(models) if (t := _trace(m, i, "loss"))["x"]]
    traces = [{**t, "visible": True} for t in recalls] + [{**t, "visible": not recalls} for t in losses]
    layout = base_layout(
        height=440,
        margin={"l": 70, "r": 30, "t": 16, "b": 54},
        xaxis={"title": {"text": "optimiser steps", "standoff": 12}, "rangemode": "tozero", "tickformat": ",d", "showgrid": False},
        yaxis={"title": {"text": "recall@10, %", "standoff": 10}, "range": [-2, 102]},
    )
    layout["meta"] = {"choice": "Shown", "ordered": True, **widths(layout, height=380, **{"margin.l": 58})}
    if recalls and losses:
        top = max(y for t in losses for y in t["y"])
        axes = {
            "Recall": {"yaxis.title.text": "recall@10, %", "yaxis.range": [-2, 102]},
            "Loss": {"yaxis.title.text": "loss", "yaxis.range": [-0.03 * top, 1.05 * top]},
        }
        seen = {"Recall": [True] * len(recalls) + [False] * len(losses), "Loss": [False] * len(recalls) + [True] * len(losses)}
        buttons = [{"method": "update", "label": name, "args": [{"visible": seen[name]}, change]} for name, change in axes.items()]
        place = {"x": 0, "xanchor": "left", "y": 1.16, "yanchor": "top"}
        layout["updatemenus"] = [{"type": "buttons", "direction": "right", "active": 0, "buttons": buttons, **place}]
    return go.Figure(data=traces, layout=layout)


def _trace(model: TrainedModel, number: int, what: str) -> dict[str, Any]:
    points = [(p.step, getattr(p, what)) for p in model.curve if getattr(p, what) is not None]
    name = f"{plain(model.config.name, length=60)}: {_SAID[what]}"
    return {
        "type": "scatter",
        "mode": "lines" if what == "loss" else "lines+markers",
        "name": name,
        "legendgroup": f"t:{number}:{what}",
        "showlegend": True,
        "x": [step for step, _ in points],
        "y": [value if what == "loss" else 100 * value for _, value in points],
        "line": {"color": PALETTE[number % len(PALETTE)], "width": 2, "dash": _SHAPES[what]},
        "marker": {"size": 6},
        "hovertemplate": f"<b>{name}</b><br>step %{{x:,}}: %{{y:.3g}}<extra></extra>",
    }


def sizes_figure(result: TrainResult, measure: str = "recall@10") -> go.Figure | None:
    """Recall by number of documents, before (grey, dashed) and after, at the largest dimension of each split; None for one size."""
    import plotly.graph_objects as go

    changes = [c for c in result.changes if c.kind == "task" and c.measure == measure]
    if len({c.n_docs for c in changes}) < 2:
        return None
    dim = max((c.dim or 0 for c in changes), default=0)
    kept = sorted((c for c in changes if (c.dim or 0) == dim), key=lambda c: c.n_docs)
    traces = []
    before = {c.n_docs: c.before for c in kept if c.before is not None}
    if before:
        values = [(n, e.mean, e.low, e.high) for n, e in before.items()]
        traces.append(_sized(values, "before training", "#808991", "dash", 0))
    for i, split in enumerate(dict.fromkeys(c.split for c in kept)):
        values = [(c.n_docs, c.after.mean, c.after.low, c.after.high) for c in kept if c.split == split]
        traces.append(_sized(values, f"after, {split} split", PALETTE[i % len(PALETTE)], "solid", i + 1))
    layout = base_layout(
        height=400,
        margin={"l": 70, "r": 30, "t": 16, "b": 54},
        xaxis={"title": {"text": "documents", "standoff": 12}, **log_axis([c.n_docs for c in kept]), "showgrid": False},
        yaxis={"title": {"text": f"{measure}, %", "standoff": 10}, "range": [-2, 102]},
    )
    layout["meta"] = {"ordered": True, **widths(layout, height=360, **{"margin.l": 58})}
    return go.Figure(data=traces, layout=layout)


def _sized(values: list[tuple[int, float, float, float]], name: str, colour: str, dash: str, number: int) -> dict[str, Any]:
    return {
        "type": "scatter",
        "mode": "lines+markers",
        "name": name,
        "legendgroup": f"s:{number}",
        "showlegend": True,
        "x": [n for n, *_ in values],
        "y": [100 * mean for _, mean, _, _ in values],
        "error_y": {
            "type": "data",
            "symmetric": False,
            "array": [100 * (high - mean) for _, mean, _, high in values],
            "arrayminus": [100 * (mean - low) for _, mean, low, _ in values],
            "thickness": 1,
            "width": 4,
        },
        "line": {"color": colour, "width": 2, "dash": dash},
        "marker": {"size": 8},
        "hovertemplate": f"<b>{name}</b><br>%{{x:,}} documents: %{{y:.1f}} %<extra></extra>",
    }
