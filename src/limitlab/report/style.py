"""Colours, symbols and plotly defaults shared by the figures."""

from __future__ import annotations

import html
from dataclasses import dataclass
from typing import Any

from limitlab.evaluation import EvaluationResult

# Okabe and Ito's colours, the light ones darkened so that thin lines are seen on white paper and on a dark page.
PALETTE = ("#1373B5", "#D55E00", "#009E73", "#B8629B", "#C98A00", "#3F9FD8", "#7A68B3", "#8A6D3B")
SYMBOLS = ("circle", "square", "diamond", "triangle-up", "cross", "star")
MARKERS = ("o", "s", "D", "^", "P", "*")
SHARE_COLOURS = ("#A9B1BC", "#8FBCE0", "#4A90C8", "#15558F")
SHARE_TEXT = ("#16202c", "#16202c", "#ffffff", "#ffffff")

# Replaced by the page's own colours when its theme changes.
INK = "#1b2430"
MUTED = "#66707f"
GRID = "#e4e8ee"
PUBLISHED_LINE = "rgba(128,137,150,0.50)"
PUBLISHED_MARK = "rgba(128,137,150,0.95)"
PRINT_INK, PRINT_GREY, PRINT_MUTED = "#22282f", "#9aa1ab", "#6b737d"
FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"


@dataclass(frozen=True)
class Look:
    """How one retriever is drawn in every figure."""

    colour: str
    symbol: str
    marker: str


def looks(result: EvaluationResult) -> dict[str, Look]:
    """A colour and a symbol for every retriever; they differ for the first 48."""
    out = {}
    for i, retriever in enumerate(dict.fromkeys(r.retriever for r in result.rows)):
        turn = (i + i // len(PALETTE)) % len(SYMBOLS)
        out[retriever] = Look(PALETTE[i % len(PALETTE)], SYMBOLS[turn], MARKERS[turn])
    return out


def plain(text: object, *, length: int = 0) -> str:
    """Text that plotly shows literally: plotly reads tags and entities in its labels. Cut to ``length`` when given."""
    words = " ".join(str(text).split())
    if length and len(words) > length:
        words = words[: length - 1] + "…"
    return html.escape(words, quote=False)


def base_layout(**more: Any) -> dict[str, Any]:
    """Layout that all figures start from."""
    axis = {"gridcolor": GRID, "linecolor": GRID, "zeroline": False, "automargin": False, "fixedrange": True, "tickangle": 0}
    layout = {
        "template": "none",
        "font": {"family": FONT, "size": 13, "color": INK},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "margin": {"l": 58, "r": 16, "t": 14, "b": 52},
        "hovermode": "closest",
        "hoverlabel": {"font": {"family": FONT, "size": 13}, "align": "left"},
        "legend": {"orientation": "h", "y": -0.2, "yanchor": "top", "x": 0, "itemclick": "toggle"},
        "xaxis": dict(axis),
        "yaxis": dict(axis),
    }
    for key, value in more.items():
        old = layout.get(key)
        layout[key] = {**old, **value} if isinstance(old, dict) and isinstance(value, dict) else value
    return layout
