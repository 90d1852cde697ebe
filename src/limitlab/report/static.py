"""Figures for papers: the report's figures drawn with matplotlib, readable in print and without colour vision."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from limitlab._core.checks import choice
from limitlab._core.files import atomic_file
from limitlab._core.optional import require
from limitlab.capacity.phase_diagram import PhaseMap
from limitlab.evaluation import EvaluationResult
from limitlab.free.result import CriticalNResult
from limitlab.report import drawings
from limitlab.report import selection as chosen
from limitlab.report.capacity_drawing import capacity_drawing
from limitlab.report.critical_n_drawings import drawings_of
from limitlab.report.distribution import row_shares
from limitlab.report.style import PRINT_INK

FORMATS = ("png", "svg", "pdf")
_RC = {
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 9,
    "text.usetex": False,
    "text.color": PRINT_INK,
    "axes.edgecolor": "#8a919b",
    "axes.labelcolor": PRINT_INK,
    "axes.linewidth": 0.7,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "xtick.color": "#4d555f",
    "ytick.color": "#4d555f",
    "xtick.major.width": 0.7,
    "ytick.major.width": 0.7,
    "grid.color": "#e3e6ea",
    "grid.linewidth": 0.6,
    "legend.frameon": False,
    "legend.fontsize": 8,
    "svg.fonttype": "none",
    "svg.hashsalt": "limitlab",
    "pdf.fonttype": 42,
    "figure.facecolor": "white",
    "savefig.facecolor": "white",
}


def write_figures(result: EvaluationResult, folder: str | Path, *, formats: Sequence[str] = ("png", "svg")) -> list[Path]:
    """Write recall against dimension, recall by pattern, and the distribution over queries, one file a figure and format.

    Parameters
    ----------
    result
        Any evaluation; only solved rows are drawn, each dataset at its headline measure.
    folder
        Where to; created when missing. Files of the same name are replaced.
    formats
        Of png (300 dpi), svg, pdf.

    Returns
    -------
    The files written, in the order of the report; none when there is nothing to draw.

    Raises
    ------
    UnknownName
        A format is not known.
    MissingExtra
        matplotlib is not installed.
    """
    return _written("write_figures()", _drawings(result), folder, formats)


def write_critical_n_figures(result: CriticalNResult, folder: str | Path, *, formats: Sequence[str] = ("png", "svg")) -> list[Path]:
    """Write critical n against the dimension, the fit, training curves and the cost, one file a figure and format.

    Parameters
    ----------
    result
        Any critical n result; only solved rows are drawn.
    folder
        Where to; created when missing. Files of the same name are replaced.
    formats
        Of png (300 dpi), svg, pdf.

    Returns
    -------
    The files written, in the order of the report; none when there is nothing to draw.

    Raises
    ------
    UnknownName
        A format is not known.
    MissingExtra
        matplotlib is not installed.
    """
    return _written("write_critical_n_figures()", drawings_of(result), folder, formats)


def write_capacity_figures(found: PhaseMap, folder: str | Path, *, formats: Sequence[str] = ("png", "svg")) -> list[Path]:
    """Write the phase diagram of capacity, one file a format.

    Parameters
    ----------
    found
        Any phase map.
    folder
        Where to; created when missing. Files of the same name are replaced.
    formats
        Of png (300 dpi), svg, pdf.

    Returns
    -------
    The files written.

    Raises
    ------
    UnknownName
        A format is not known.
    MissingExtra
        matplotlib is not installed.
    """
    name = f"capacity-k{found.k}-{found.dtype}" + (f"-gap{found.gap:g}" if found.gap else "")
    return _written("write_capacity_figures()", [(name, lambda: capacity_drawing(found))], folder, formats)


def _written(who: str, wanted: Iterable[tuple[str, Callable[[], Any]]], folder: str | Path, formats: Sequence[str]) -> list[Path]:
    kinds = [choice(who, "format", f, FORMATS) for f in dict.fromkeys(formats)]
    matplotlib = require("matplotlib", extra="figures", what="PNG and SVG figures")
    require("matplotlib.figure", extra="figures", what="PNG and SVG figures")
    written: list[Path] = []
    used: set[str] = set()
    for name_wanted, draw in wanted:
        name = _unused(name_wanted, used)
        with matplotlib.rc_context(_RC):  # the caller's settings are back when the block ends; pyplot is never imported
            figure = draw()
            for kind in kinds:
                written.append(_save(figure, Path(folder) / f"{name}.{kind}", kind))
    return written


def _drawings(result: EvaluationResult) -> Iterator[tuple[str, Any]]:
    """(file name, function that draws) of every figure there is something for."""
    for dataset in chosen.dataset_names(result):
        measure = chosen.headline_measure(result, dataset)
        if measure and any(r.dim is not None and measure in r.measures for r in chosen.solved(result, dataset)):
            yield f"recall-by-dimension-{_slug(dataset)}", lambda d=dataset, m=measure: drawings.dimension_drawing(result, d, m)
    for group in chosen.pattern_groups(result):
        yield "recall-by-pattern", lambda g=group: drawings.patterns_drawing(result, g)
    for dataset in chosen.dataset_names(result):
        shares = row_shares(result, dataset)
        if shares:
            yield f"per-query-recall-{_slug(dataset)}", lambda d=dataset, s=shares: drawings.distribution_drawing(result, d, s)


def _save(figure: Any, path: Path, kind: str) -> Path:
    out = io.BytesIO()
    dates = {"svg": {"Date": None}, "pdf": {"CreationDate": None}}.get(kind)
    figure.savefig(out, format=kind, dpi=300, bbox_inches="tight", pad_inches=0.04, metadata=dates)
    with atomic_file(path) as file:
        file.write(out.getvalue())
    return path


def _slug(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:60] or "dataset"


def _unused(name: str, used: set[str]) -> str:
    number, free = 1, name
    while free in used:
        number += 1
        free = f"{name}-{number}"
    used.add(free)
    return free
