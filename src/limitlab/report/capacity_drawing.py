"""The phase diagram for papers as matplotlib draws it; ``static`` writes it to files."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from limitlab.capacity.phase_diagram import PhaseMap
from limitlab.report import capacity_map as drawn
from limitlab.report.axes import number_words
from limitlab.report.style import PALETTE, PRINT_GREY, PRINT_MUTED


def capacity_drawing(found: PhaseMap) -> Any:
    """A matplotlib figure: documents against dimension, both on log axes, with the areas of the page's figure."""
    from matplotlib.figure import Figure
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    figure = Figure(figsize=(6.4, 4.4))
    axes = figure.add_subplot()
    areas = (
        (drawn.impossible_area(found), drawn.IMPOSSIBLE, 0.25, "////", "impossible (theorem)"),
        (drawn.existing_area(found), drawn.EXISTS, 0.16, None, "exists (theorem, nothing constructed)"),
        (drawn.certified_area(found), drawn.CERTIFIED, 0.3, None, "certified"),
    )
    for corners, colour, strength, hatch, words in areas:
        if corners:
            _area(axes, corners, colour, strength, hatch, words)
    if table := drawn.optimised(found):
        style: dict[str, Any] = {"color": PRINT_MUTED, "linewidth": 1.3, "linestyle": ":"}
        axes.plot([d for d, _ in table], [n for _, n in table], label="where one optimiser stopped [Weller et al.]", **style)
    for points, marker, colour, words in (
        (drawn.deployed(found), "o", "#5b646f", "models in wide use"),
        (drawn.on_limit(found), "D", PALETTE[3], "models published on LIMIT"),
    ):
        if points:
            axes.scatter(
                [d for d, _, _ in points],
                [n for _, n, _ in points],
                s=18,
                marker=marker,
                facecolors="none",
                edgecolors=colour,
                label=words,
                zorder=4,
            )
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlim(*found.dims)
    axes.set_ylim(found.points[0].n_docs, found.points[-1].n_docs)
    _corpora(axes, found)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(FuncFormatter(lambda value, _: number_words(value)))
        axis.set_minor_formatter(NullFormatter())
    axes.xaxis.set_major_locator(LogLocator(base=10, subs=(1.0, 3.0), numticks=14))
    axes.set_xlabel("dimension d")
    axes.set_ylabel(f"documents n, every {'pair' if found.k == 2 else f'set of {found.k}'} retrieved")
    axes.legend(loc="upper left", bbox_to_anchor=(-0.01, -0.15), borderaxespad=0, ncols=2, columnspacing=1.4, handlelength=1.6)
    return figure


def _corpora(axes: Any, found: PhaseMap) -> None:
    """A dotted line for each corpus, its name at the right end."""
    for corpus in drawn.corpora(found):
        below = corpus.name.startswith("MS MARCO")
        axes.axhline(corpus.size, color=PRINT_GREY, linewidth=0.7, linestyle=":")
        place: dict[str, Any] = {
            "xy": (0.995, corpus.size),
            "xycoords": ("axes fraction", "data"),
            "xytext": (0, -2 if below else 2),
            "textcoords": "offset points",
        }
        axes.annotate(
            f"{corpus.name}, {number_words(corpus.size)}",
            ha="right",
            va="top" if below else "bottom",
            fontsize=7,
            color=PRINT_MUTED,
            **place,
        )


def _area(axes: Any, corners: Sequence[drawn.Corner], colour: str, strength: float, hatch: str | None, words: str) -> None:
    x, y = [d for d, _ in corners], [n for _, n in corners]
    axes.fill(x, y, facecolor=colour, alpha=strength, edgecolor=colour, hatch=hatch, label=words, linewidth=0)
    axes.plot(x[:-2], y[:-2], color=colour, linewidth=1.4)
