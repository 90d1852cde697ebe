"""The part of a diagnosis's page beneath the levels: drowning, gaps, geometry."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from limitlab._core.shares import percent
from limitlab.diagnosis import Diagnosis, Drowning, Gaps
from limitlab.report.drowning import drowning_figure
from limitlab.report.gaps import gap_figure, score_figure

if TYPE_CHECKING:
    import plotly.graph_objects as go

_MEASURES = {"recall": "recall@{k}", "all_relevant": "all relevant@{k}"}


def depth_figures(found: Diagnosis) -> dict[str, go.Figure]:
    """Figures by name; those of parts that were skipped are left out."""
    deep = found.depth
    out: dict[str, Any] = {}
    if deep is not None and deep.drowning is not None:
        out["drowning"] = drowning_figure(deep.drowning)
    if deep is not None and deep.gaps is not None:
        out |= {"gaps": gap_figure(deep.gaps), "scores": score_figure(deep.gaps)}
    return {name: figure for name, figure in out.items() if figure is not None}


def depth_content(found: Diagnosis) -> dict[str, Any]:
    """What the template shows in words: also found, crossings, checks, gaps and the table of geometry."""
    deep = found.depth
    if deep is None:
        return {"also": [], "crossings": [], "drowning": None, "gaps": [], "geometry": []}
    return {
        "also": [{"status": f.status, "words": f"{f.meaning} {f.advice}".rstrip()} for f in deep.also_found],
        "crossings": [] if deep.drowning is None else _crossings(deep.drowning),
        "drowning": None if deep.drowning is None else _checks(deep.drowning),
        "gaps": [] if deep.gaps is None else _gap_rows(deep.gaps),
        "geometry": [
            {name: getattr(f, name) for name in ("label", "shown", "status", "meaning", "advice", "sampled")} for f in deep.geometry or ()
        ],
    }


def _crossings(found: Drowning) -> list[dict[str, str]]:
    out = []
    for crossing in found.crossings:
        where = f"{crossing.n_docs:,} documents ({crossing.where})" if crossing.n_docs is not None else crossing.where
        out.append({"measure": f"{_MEASURES[crossing.measure].format(k=found.k)} under {100 * crossing.level:.0f} %", "where": where})
    return out


def _checks(found: Drowning) -> dict[str, Any]:
    tests = [
        f"From {t.from_docs:,} documents {percent(t.predicted)} % was extrapolated, {percent(t.measured)} % is measured."
        for t in found.backtests
    ]
    return {"tests": tests, "tail": found.tail, "assumption": found.assumption if found.forecast is not None else ""}


def _gap_rows(found: Gaps) -> list[dict[str, Any]]:
    named = [
        ("all queries, their own vectors", found.full),
        ("relevant documents one by one, their own queries", found.pairs),
        (f"own vectors of the {found.n_solved:,} queries solved for", found.own_of_solved),
        (f"best query vectors of the {found.n_solved:,} queries solved for", found.attained),
    ]
    return [
        {"label": name, "n": f"{s.n:,}", "positive": percent(s.positive), "quantiles": [f"{q:+.4f}" for q in s.quantiles]}
        for name, s in named
        if s is not None
    ]
