"""The waterfall of a diagnosis: what each level takes from the relevant documents, and what it gives back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from limitlab.diagnosis import Diagnosis
from limitlab.report.style import MUTED, PALETTE, base_layout, plain

if TYPE_CHECKING:
    import plotly.graph_objects as go

LOST, GAINED, KEPT = PALETTE[1], PALETTE[2], PALETTE[0]


def waterfall_figure(found: Diagnosis) -> go.Figure:
    """Horizontal bars from all relevant documents down to those retrieved; levels that were not given are left out.

    Documents are counted over all queries, in percent of all relevant ones.
    """
    import plotly.graph_objects as go

    total = max(found.n_relevant, 1)
    given = [level for level in found.levels if level.status != "not given"]
    names = ["relevant", *(plain(level.label) for level in given), "retrieved"]
    before = found.n_relevant
    bars: dict[str, list[tuple[int, float, float, str]]] = {
        "kept": [(0, 0.0, 100.0, f"{found.n_relevant:,} relevant documents")],
        "lost": [],
        "regained": [],
    }
    for i, level in enumerate(given, 1):
        low = before - level.lost
        text = f"lost {level.lost:,}, regained {level.gained:,}; {level.retained:,} left ({level.status})"
        bars["lost"].append((i, 100 * low / total, 100 * level.lost / total, text))
        bars["regained"].append((i, 100 * low / total, 100 * level.gained / total, text))
        before = level.retained
    bars["kept"].append((len(names) - 1, 0.0, 100 * before / total, f"{before:,} of {found.n_relevant:,} retrieved"))
    traces = []
    for (kind, rows), colour, offset, width in zip(bars.items(), (KEPT, LOST, GAINED), (-0.36, -0.36, 0.04), (0.72, 0.36, 0.32)):
        shown = [row for row in rows if row[2] > 0]
        if shown:
            traces.append(
                {
                    "type": "bar",
                    "orientation": "h",
                    "name": kind,
                    "legendgroup": kind,
                    "showlegend": True,
                    "y": [row[0] for row in shown],
                    "base": [row[1] for row in shown],
                    "x": [row[2] for row in shown],
                    "width": width,
                    "offset": offset,
                    "marker": {"color": colour, "line": {"width": 0}},
                    "customdata": [plain(f"{names[row[0]]}: {row[3]}") for row in shown],
                    "hovertemplate": "%{customdata}<extra></extra>",
                }
            )
    layout = base_layout(
        height=110 + 34 * len(names),
        margin={"l": 140, "r": 28},
        xaxis={"range": [0, 102], "dtick": 20, "ticksuffix": " %", "title": {"text": "of all relevant documents", "standoff": 10}},
        yaxis={"tickvals": list(range(len(names))), "ticktext": names, "range": [len(names) - 0.45, -0.55], "showgrid": False},
        shapes=[_step(i, row[1] + bars["regained"][i - 1][2]) for i, row in enumerate(bars["lost"], 1)],
    )
    layout["legend"]["traceorder"] = "normal"
    return go.Figure(data=traces, layout=layout)


def _step(row: int, x: float) -> dict[str, object]:
    """The line from what a level leaves to the level beneath it."""
    return {"type": "line", "x0": x, "x1": x, "y0": row - 0.36, "y1": row + 0.64, "line": {"color": MUTED, "width": 1, "dash": "dot"}}
