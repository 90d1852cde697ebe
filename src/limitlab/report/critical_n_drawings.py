"""The critical n figures for papers as matplotlib draws them; ``static`` writes them to files."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from statistics import median
from typing import Any

from limitlab.free.result import CriticalN, CriticalNResult
from limitlab.free.scaling import ScalingFit
from limitlab.report import critical_n_series as series
from limitlab.report.axes import number_words
from limitlab.report.critical_n import ANY_GAP_COLOUR, AT_GAP_COLOUR, colour_of
from limitlab.report.critical_n_fit import OURS, PUBLISHED, fits
from limitlab.report.critical_n_training import NOTHING, Training, colours_of, trainings
from limitlab.report.style import MARKERS, PALETTE, PRINT_GREY, PRINT_MUTED, SYMBOLS

_REFITS = {
    -1: ("quadratic", PALETTE[2], (0, (1, 1.4))),
    0: ("cubic, last points left out", PALETTE[4], (0, (4, 1.6))),
    1: ("quartic", PALETTE[3], "-."),
}


def drawings_of(result: CriticalNResult) -> Iterator[tuple[str, Callable[[], Any]]]:
    """(file name, function that draws) of every figure there is something for."""
    sizes = series.subset_sizes(result)
    for k in sizes:
        if series.objectives(result, k) or series.certified(result, k):
            yield f"critical-n-k{k}", partial(capacity_drawing, result, k)
    found = fits(result)
    for name, file in ((OURS, "critical-n-fit-run-here"), (PUBLISHED, "critical-n-fit-published")):
        if name in found:
            yield file, partial(fit_drawing, found[name], name)
    curves = [t for t in trainings(result) if t.n_relevant is not None]
    if curves:
        yield "critical-n-training", partial(training_drawing, curves)
    for k in sizes:
        if any(s > 0 for o in series.objectives(result, k) for p in series.points(result, k, o) for s in p.seconds):
            yield f"critical-n-seconds-k{k}", partial(cost_drawing, result, k)


def _axes(width: float, height: float) -> tuple[Any, Any]:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height))
    axes = figure.add_subplot()
    axes.grid(axis="y")
    return figure, axes


def _log(axes: Any, *, factors: tuple[float, ...] = (1.0, 3.0)) -> None:
    """A log y-axis with its ticks written out, at these factors of the powers of ten."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    axes.set_yscale("log")
    axes.yaxis.set_major_locator(LogLocator(base=10, subs=factors, numticks=14))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: number_words(value)))
    axes.yaxis.set_minor_formatter(NullFormatter())


def _dimensions(axes: Any) -> None:
    """The x-axis of a figure against the dimension: whole numbers."""
    from matplotlib.ticker import MaxNLocator

    axes.xaxis.set_major_locator(MaxNLocator(nbins=10, integer=True))
    axes.set_xlabel("dimension d")


def _legend(axes: Any, columns: int = 2) -> None:
    axes.legend(loc="upper left", bbox_to_anchor=(-0.01, -0.17), borderaxespad=0, ncols=columns, columnspacing=1.4, handlelength=2.2)


def _marker(symbol: str) -> str:
    return MARKERS[SYMBOLS.index(symbol)]


def capacity_drawing(result: CriticalNResult, k: int) -> Any:
    """A matplotlib figure: critical n against the dimension, log n: published, optimised over seeds, certified."""
    figure, axes = _axes(6.4, 4.0)
    dims = series.dims(result, k)
    told = [(d, n) for d, n in series.published(k) if dims[0] - 2 <= d <= dims[-1] + 2]
    if told:
        style = {"color": PRINT_GREY, "linewidth": 1.1, "marker": "o", "markersize": 2.6, "zorder": 2}
        axes.plot([d for d, _ in told], [n for _, n in told], label="published (one seed)", **style)
    names = series.objectives(result, k)
    for name in names:
        _optimised(axes, series.points(result, k, name), name, colour_of(name, names))
    at_gap = series.certified(result, k, min_gap=series.least_gap(result))
    _certified(axes, at_gap, f"certified, gap ≥ {series.least_gap(result):g}", AT_GAP_COLOUR, "s", "-")
    _certified(axes, series.beyond(result, k), "certified, any positive gap", ANY_GAP_COLOUR, "D", ":")
    _log(axes)
    _dimensions(axes)
    axes.set_ylabel("documents n, every pair retrieved" if k == 2 else f"documents n, every {k}-subset retrieved")
    _legend(axes)
    return figure


def _optimised(axes: Any, points: Sequence[series.Point], objective: str, look: tuple[str, str]) -> None:
    colour, symbol = look
    errors = [[p.median - p.low for p in points], [p.high - p.median for p in points]]
    words = series.objective_name(objective) + (" (median, range of seeds)" if any(len(p.values) > 1 for p in points) else "")
    style = {"color": colour, "marker": _marker(symbol), "markersize": 4, "linewidth": 1.5, "capsize": 2, "elinewidth": 0.9, "zorder": 3}
    axes.errorbar([p.dim for p in points], [p.median for p in points], yerr=errors, label=words, **style)
    failed = [(p.dim, p.least_failed) for p in points if p.least_failed is not None]
    if failed:
        faint = {"color": colour, "marker": "x", "s": 12, "linewidths": 0.8, "alpha": 0.45, "zorder": 2.5}
        axes.scatter([d for d, _ in failed], [n for _, n in failed], label="smallest n that failed", **faint)


def _certified(axes: Any, rows: dict[int, CriticalN], words: str, colour: str, marker: str, dash: str) -> None:
    if rows:
        hollow = {"markerfacecolor": "white"} if dash == ":" else {}
        style = {"color": colour, "marker": marker, "markersize": 4.5, "linewidth": 1.5, "linestyle": dash, "zorder": 4, **hollow}
        axes.plot(list(rows), [row.critical_n for row in rows.values()], label=words, **style)


def fit_drawing(fit: ScalingFit, name: str) -> Any:
    """A matplotlib figure: the cubic through critical n extrapolated to 4096 dimensions, with interval, refits, printed values."""
    figure, axes = _axes(6.4, 4.0)
    beyond = [e for e in fit.extrapolations if e.dim >= fit.dims[-1]]
    dims = [e.dim for e in beyond]
    asked = [e.dim for e in fit.extrapolations]
    floor = 0.5 * min(fit.medians)
    axes.fill_between(
        dims,
        [max(e.low, floor) for e in beyond],
        [max(e.high, floor) for e in beyond],
        color=PALETTE[0],
        alpha=0.16,
        linewidth=0,
        label="95 % bootstrap interval",
    )
    named = set()
    for v in fit.variants:
        if (v.degree, v.dropped) == (fit.degree, 0):
            continue
        words, colour, dash = _REFITS[v.degree - fit.degree]
        values = [v.values[asked.index(d)] for d in dims]
        shown = [value if value > floor else float("nan") for value in values]
        axes.plot(dims, shown, color=colour, linewidth=0.7, linestyle=dash, label=None if v.degree in named else words)
        named.add(v.degree)
    span = fit.dims[-1] - fit.dims[0]
    inside = [fit.dims[0] + span * i / 60 for i in range(60)]
    curve = [(d, fit.predict(d)) for d in inside] + [(float(e.dim), e.value) for e in beyond]
    axes.plot([d for d, _ in curve], [v if v > floor else float("nan") for _, v in curve], color=PALETTE[0], linewidth=1.7, label="cubic")
    axes.plot(list(fit.dims), list(fit.medians), linestyle="", marker="o", markersize=2.6, color=PALETTE[0], label=f"critical n, {name}")
    told = series.published_extrapolations()
    axes.plot(
        [v.dim for v in told],
        [v.value for v in told],
        linestyle="",
        marker="*",
        markersize=7,
        color=PRINT_MUTED,
        label="published extrapolations",
    )
    _log(axes, factors=(1.0,))
    axes.set_xscale("log")
    axes.set_xticks([4**i for i in range(1, 7)], [f"{4**i:,}" for i in range(1, 7)])
    axes.minorticks_off()
    axes.set_ylim(bottom=floor)
    axes.set_xlabel("dimension d")
    axes.set_ylabel("documents n")
    _legend(axes, 3)
    return figure


def training_drawing(curves: Sequence[Training]) -> Any:
    """A matplotlib figure: relevant documents not yet on top against the step, one line an optimisation."""
    figure, axes = _axes(6.4, 3.4)
    colours = colours_of(curves)
    for t in curves:
        dash = ":" if t.solved is False else "-"
        words = t.name + (", not solved" if t.solved is False else "")
        axes.plot(
            [s for s, _, _ in t.points],
            [max(m, NOTHING) for m in t.missing],
            color=colours[t.family],
            linestyle=dash,
            linewidth=1.3,
            label=words,
        )
    axes.set_yscale("log")
    top = max(max(t.missing) for t in curves)
    ticks = [10**i for i in range(7) if 10**i <= max(top, 1)]
    axes.set_yticks([NOTHING, *ticks], ["none", *(number_words(t) for t in ticks)])
    axes.minorticks_off()
    axes.set_xlabel("optimiser steps")
    axes.set_ylabel("relevant documents not on top")
    _legend(axes)
    return figure


def cost_drawing(result: CriticalNResult, k: int) -> Any:
    """A matplotlib figure: seconds of one search against the dimension, one dot a seed, the median as a line."""
    figure, axes = _axes(6.4, 3.2)
    names = series.objectives(result, k)
    for name in names:
        colour, symbol = colour_of(name, names)
        spent = [(p.dim, [s for s in p.seconds if s > 0]) for p in series.points(result, k, name)]
        spent = [(d, seconds) for d, seconds in spent if seconds]
        axes.plot(
            [d for d, _ in spent],
            [median(s) for _, s in spent],
            color=colour,
            marker=_marker(symbol),
            markersize=3.5,
            linewidth=1.5,
            label=series.objective_name(name),
        )
        each = [(d, s) for d, seconds in spent if len(seconds) > 1 for s in seconds]
        axes.scatter([d for d, _ in each], [s for _, s in each], s=5, color=PRINT_GREY, zorder=2)
    _log(axes)
    _dimensions(axes)
    axes.set_ylabel("seconds for one search")
    _legend(axes)
    return figure
