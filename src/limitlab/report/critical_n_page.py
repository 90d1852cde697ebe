"""The critical n report: one HTML file that needs nothing but a browser."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from limitlab._core.files import write_text
from limitlab._core.provenance import now
from limitlab.free.result import CriticalNResult
from limitlab.report import critical_n_series as series
from limitlab.report import critical_n_summary as summary
from limitlab.report import origin
from limitlab.report.critical_n import critical_n_figures
from limitlab.report.critical_n_fit import coefficient_rows, extrapolation_rows, fits
from limitlab.report.critical_n_table import critical_n_table_of, problems
from limitlab.report.critical_n_training import trainings
from limitlab.report.language import known_language, own_words
from limitlab.report.rendering import embedded, embedded_figures, rendered


def write_critical_n_report(
    result: CriticalNResult, path: str | Path = "critical-n.html", *, title: str | None = None, language: str = "en"
) -> Path:
    """Write one self-contained HTML file about critical n: it loads nothing and works offline.

    Parameters
    ----------
    result
        Any critical n result; rows that are not solved are listed with their message and drawn nowhere.
    path
        Where to; the file appears whole or not at all.
    title
        Heading; None names the dimensions.
    language
        Of the page: en or zh. What the user wrote is not translated.

    Returns
    -------
    The path written.

    Raises
    ------
    UnknownName
        The language is not known.
    """
    known_language("write_critical_n_report()", language)
    return write_text(path, rendered("critical_n.html.j2", _content(result, title), language=language, names=own_words(title)))


def _content(result: CriticalNResult, title: str | None) -> dict[str, Any]:
    table = critical_n_table_of(result)
    found = fits(result)
    sizes = series.subset_sizes(result)
    return {
        "title": title if title is not None else _title(result),
        "date": result.provenance.get("created") or now(),
        "dated": "Measured" if result.provenance.get("created") else "Written",
        "result": result,
        "sentences": summary.sentences(result),
        "cards": summary.cards(result),
        "figures": embedded_figures(critical_n_figures(result)),
        "sizes": [_size(result, k) for k in sizes],
        "min_gap": f"{series.least_gap(result):g}",
        "fits": list(found),
        "coefficients": coefficient_rows(found),
        "extrapolations": extrapolation_rows(found),
        "curves": {"shown": len(trainings(result)), "stored": len(result.curves)},
        "table": table,
        "csv": embedded(table.csv),
        "problems": problems(result),
        "run_facts": origin.run_facts(result),
        "commands": origin.commands(result.config),
        "config": origin.config_text(result.config),
        "references": [origin.PAPER, *series.published_sources()],
    }


def _size(result: CriticalNResult, k: int) -> dict[str, Any]:
    found = {name: series.points(result, k, name) for name in series.objectives(result, k)}
    return {
        "k": k,
        "key": f"critical_n/k={k}",
        "cost": f"cost/k={k}",
        "sets": "pairs" if k == 2 else f"{k}-subsets",
        "published": bool(series.published(k)),
        "optimised": bool(found),
        "several_seeds": any(len(p.values) > 1 for points in found.values() for p in points),
        "failed": any(p.least_failed is not None for points in found.values() for p in points),
        "certified": bool(series.certified(result, k)),
    }


def _title(result: CriticalNResult) -> str:
    dims = sorted({row.dim for row in result.rows})
    if not dims:
        return "Critical n"
    where = f"d = {dims[0]}" if len(dims) == 1 else f"d = {dims[0]} to {dims[-1]}"
    return f"Critical n of free embeddings: {where}"
