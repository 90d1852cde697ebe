"""The figures for papers as matplotlib draws them; ``static`` writes them to files."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from limitlab.evaluation import EvaluationResult, Row
from limitlab.report import selection as chosen
from limitlab.report.labels import spread
from limitlab.report.style import PRINT_GREY, PRINT_INK, PRINT_MUTED, SHARE_COLOURS, SHARE_TEXT, Look, looks


def _plain(text: str, length: int = 40) -> str:
    """Text that matplotlib shows literally: a dollar sign would start a formula."""
    words = " ".join(text.split())
    return (words if len(words) <= length else words[: length - 1] + "…").replace("$", r"\$")


def _axes(width: float, height: float) -> tuple[Any, Any]:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height))
    return figure, figure.add_subplot()


def dimension_drawing(result: EvaluationResult, dataset: str, measure: str) -> Any:
    """A matplotlib figure: one measure of one dataset against the dimension, the paper's curves in grey behind."""
    figure, axes = _axes(6.4, 3.6)
    colours = looks(result)
    lines = chosen.lines(result, dataset)
    compared = chosen.published_lines(chosen.facts(result, dataset), measure)
    dims = [r.dim for line in lines for r in line.rows if r.dim]
    ends = [d for p in compared for d, _ in p.points if d]
    left, right = min([*dims, 32] if ends else dims), max(dims + ends)
    edge = _draw_published(axes, compared, left)
    for line in lines:
        rows = [r for r in line.rows if measure in r.measures]
        if line.flat:
            edge += _draw_flat(axes, line.label, rows, measure, colours[line.retriever])
        elif rows:
            _draw_sized(axes, line.label, rows, measure, colours[line.retriever])
    room = 1.15 if right == left else (right / left) ** 0.04
    axes.set_xscale("log", base=2)
    axes.set_xlim(left / room, right * room)
    ticks = sorted({2**i for i in range(20) if left <= 2**i <= right} or set(dims))
    axes.set_xticks(ticks, [str(t) for t in ticks])
    axes.set_xlabel("embedding dimension")
    _percent_axis(axes, measure)
    axes.set_title(_plain(dataset, 70), loc="left", fontsize=9.5, fontweight="bold")
    _edge_labels(axes, edge)
    _legend_below(axes, -0.17, last=chosen.PUBLISHED)
    return figure


def _draw_published(axes: Any, compared: list[chosen.PublishedLine], left: int) -> list[tuple[float, str, str]]:
    named = next((p for p in compared if not p.flat), compared[0] if compared else None)
    for p in compared:
        label = chosen.PUBLISHED if p is named else None
        if p.flat:
            axes.axhline(p.points[0][1], color=PRINT_GREY, linewidth=0.7, linestyle=(0, (4, 3)), label=label)
        else:
            points = [(d, v) for d, v in p.points if d is not None and d >= left]
            axes.plot([d for d, _ in points], [v for _, v in points], color=PRINT_GREY, linewidth=0.8, alpha=0.8, label=label)
    return [(p.points[-1][1], f"{p.model}{' (paper)' if p.flat else ''}", PRINT_MUTED) for p in compared]


def _draw_flat(axes: Any, label: str, rows: Sequence[Row], measure: str, look: Look) -> list[tuple[float, str, str]]:
    means = [100 * r.measures[measure].mean for r in rows]
    for i, mean in enumerate(means):
        axes.axhline(mean, color=look.colour, linewidth=1.6, linestyle=(0, (5, 2.5)), label=None if i else _plain(label))
    return [(mean, f"{label} {mean:.1f}", look.colour) for mean in means]


def _draw_sized(axes: Any, label: str, rows: Sequence[Row], measure: str, look: Look) -> None:
    spans = [chosen.percent(r.measures[measure]) for r in rows]
    style = {"color": look.colour, "marker": look.marker, "markersize": 4.5, "linewidth": 1.7, "capsize": 2, "elinewidth": 0.9, "zorder": 3}
    errors = [[s[1] for s in spans], [s[2] for s in spans]]
    axes.errorbar([r.dim for r in rows], [s[0] for s in spans], yerr=errors, label=_plain(label), **style)
    told = [(r.dim, 100 * r.predicted[measure]) for r in rows if measure in r.predicted]
    if told:
        words = f"{_plain(label)}, predicted"
        axes.plot([d for d, _ in told], [v for _, v in told], color=look.colour, linewidth=1.3, linestyle=":", label=words)


def _percent_axis(axes: Any, measure: str) -> None:
    axes.set_ylim(0, 103)
    axes.set_ylabel(f"{chosen.measure_words(measure)} (%)")
    axes.grid(axis="y")


def _legend_below(axes: Any, height: float, *, last: str) -> None:
    """A legend under the plot; entries that end with ``last`` come after the others."""
    handles, words = axes.get_legend_handles_labels()
    order = sorted(range(len(words)), key=lambda i: words[i].endswith(last))
    place = {"loc": "upper left", "bbox_to_anchor": (-0.01, height), "borderaxespad": 0}
    axes.legend([handles[i] for i in order], [words[i] for i in order], ncols=3, columnspacing=1.4, handlelength=2.2, **place)


def _edge_labels(axes: Any, edge: list[tuple[float, str, str]]) -> None:
    """Labels right of the plot, as many as fit: the paper's are dropped first, then all (the legend names our lines too)."""
    if len(edge) > 22:
        edge = [e for e in edge if e[2] != PRINT_MUTED]
    if len(edge) > 22:
        return
    placed = spread([value for value, _, _ in edge], gap=4.7, low=1.0, high=102.0)
    for (value, text, colour), height in zip(edge, placed):
        axes.annotate(
            _plain(text, 30),
            xy=(1.0, value),
            xytext=(1.035, height),
            xycoords=("axes fraction", "data"),
            textcoords=("axes fraction", "data"),
            fontsize=7.2,
            color=colour,
            va="center",
            annotation_clip=False,
            arrowprops={"arrowstyle": "-", "color": colour, "linewidth": 0.5, "shrinkA": 0, "shrinkB": 0, "relpos": (0, 0.5)},
        )


def patterns_drawing(result: EvaluationResult, group: chosen.PatternGroup) -> Any:
    """A matplotlib figure: grouped bars, one group a pattern, the paper's values as grey marks beside them."""
    figure, axes = _axes(6.4, 3.2)
    colours = looks(result)
    patterns = list(group.datasets)
    width = 0.8 / (len(group.rows) + 0.8)
    hatches = ("", "///", "...", "xxx", "\\\\\\", "++")
    for i, (retriever, rows) in enumerate(group.rows.items()):
        spans = [chosen.percent(r.measures[group.measure]) for r in rows.values()]
        at = [patterns.index(p) - 0.4 + (i + 0.5) * width for p in rows]
        axes.bar(
            at,
            [s[0] for s in spans],
            0.9 * width,
            yerr=[[s[1] for s in spans], [s[2] for s in spans]],
            label=_plain(chosen.row_words(next(iter(rows.values())))),
            color=colours[retriever].colour,
            hatch=hatches[i % len(hatches)],
            edgecolor="white",
            linewidth=0,
            error_kw={"elinewidth": 0.8, "capsize": 1.8, "ecolor": PRINT_INK},
        )
    marks = {"BM25": ("s", "BM25 (paper)"), "GTE-ModernColBERT": ("D", "GTE-ModernColBERT (paper)"), "": ("o", "embeddings (paper)")}
    for model, (marker, words) in marks.items():
        points = [
            (x - 0.4 + (len(group.rows) + 0.4) * width, p.points[0][1])
            for x, pattern in enumerate(patterns)
            for p in chosen.published_patterns(group.measure, pattern)
            if (p.model if p.model in marks else "") == model
        ]
        if points:
            axes.scatter(
                [x for x, _ in points],
                [y for _, y in points],
                s=16,
                marker=marker,
                facecolors="none",
                edgecolors="#7d858f",
                linewidths=0.9,
                label=words,
            )
    axes.set_xticks(range(len(patterns)), [_plain(p) for p in patterns])
    axes.tick_params(axis="x", length=0)
    _percent_axis(axes, group.measure)
    _legend_below(axes, -0.1, last="(paper)")
    return figure


def distribution_drawing(result: EvaluationResult, dataset: str, found: list[tuple[str, list[float]]]) -> Any:
    """A matplotlib figure: the queries of one dataset by the share of their relevant documents that was retrieved."""
    figure, axes = _axes(6.4, 0.7 + 0.22 * len(found))
    starts = [0.0] * len(found)
    for i, share in enumerate(chosen.SHARES):
        values = [shares[i] for _, shares in found]
        axes.barh(range(len(found)), values, 0.74, left=starts, color=SHARE_COLOURS[i], label=share)
        for row, (start, value) in enumerate(zip(starts, values)):
            if value >= 4:
                axes.text(start + value / 2, row, f"{value:.0f}", ha="center", va="center_baseline", fontsize=7, color=SHARE_TEXT[i])
        starts = [a + b for a, b in zip(starts, values)]
    axes.set_yticks(range(len(found)), [_plain(words, 34) for words, _ in found])
    axes.tick_params(axis="y", length=0)
    axes.set_ylim(len(found) - 0.45, -0.55)
    axes.set_xlim(0, 100)
    measure = chosen.measure_words(chosen.headline_measure(result, dataset) or "")
    axes.set_xlabel(f"queries (%), by share of relevant documents retrieved ({measure})")
    axes.set_title(_plain(dataset, 70), loc="left", fontsize=9.5, fontweight="bold")
    below = -(0.48 / max(0.22 * len(found) + 0.1, 0.3))
    axes.legend(loc="upper left", bbox_to_anchor=(0, below), ncols=4, borderaxespad=0, handlelength=1.1)
    return figure
