"""Labels at the right edge of a plot, moved apart so that none covers another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from limitlab.report.style import MUTED, plain


@dataclass(frozen=True)
class EdgeLabel:
    """A text beside the right end of a line at height ``value``; ``colour`` None for a muted one."""

    value: float
    text: str
    colour: str | None = None


def spread(heights: Sequence[float], *, gap: float, low: float, high: float) -> list[float]:
    """Heights moved as little as a sweep needs so that neighbours are ``gap`` apart, in [low, high]; the order stays.

    Neighbours that are too close form a block around their mean; blocks that touch are joined.
    """
    order = sorted(range(len(heights)), key=lambda i: heights[i])
    blocks: list[list[float]] = []  # [number, mean of the wished centres]
    for i in order:
        blocks.append([1, heights[i]])
        while True:
            _clamp(blocks[-1], gap, low, high)
            if len(blocks) < 2 or blocks[-1][1] - blocks[-2][1] >= gap * (blocks[-1][0] + blocks[-2][0]) / 2:
                break
            n, centre = blocks.pop()
            m, other = blocks.pop()
            blocks.append([n + m, (n * centre + m * other) / (n + m)])
    placed = [0.0] * len(heights)
    position = 0
    for n, centre in blocks:
        for j in range(int(n)):
            placed[order[position]] = centre + (j - (n - 1) / 2) * gap
            position += 1
    return placed


def _clamp(block: list[float], gap: float, low: float, high: float) -> None:
    half = (block[0] - 1) / 2 * gap
    block[1] = max(low + half, min(high - half, block[1]))


def edge_annotations(labels: Sequence[EdgeLabel], *, top: float, pixels: int, gap: int = 15) -> list[dict[str, Any]]:
    """Plotly annotations right of the plot, each tied to its line by a thin leader.

    Parameters
    ----------
    top
        Upper end of the y-axis; it starts at 0. Labels above it are left out.
    pixels
        Height of the plot area. Muted labels are dropped when all would not fit into it, and then the others too.
    """
    labels = [label for label in labels if label.value <= top]
    most = pixels // gap
    if len(labels) > most:
        labels = [label for label in labels if label.colour]
    if len(labels) > most:
        return []
    heights = [label.value / top * pixels for label in labels]
    out = []
    for label, wished, placed in zip(labels, heights, spread(heights, gap=gap, low=2, high=pixels - 2)):
        colour = label.colour or MUTED
        out.append(
            {
                "xref": "paper",
                "x": 1,
                "yref": "y",
                "y": label.value,
                "ax": 20,
                "ay": round(wished - placed, 1),
                "text": plain(label.text, length=26),
                "xanchor": "left",
                "align": "left",
                "showarrow": True,
                "arrowhead": 0,
                "arrowwidth": 0.8,
                "arrowcolor": colour,
                "standoff": 1,
                "font": {"size": 11.5, "color": colour},
            }
        )
    return out
