"""The remedies of ``limitlab diagnose``: options read, table shown."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from limitlab._core.errors import InvalidArgument
from limitlab._core.shares import percent
from limitlab.cli.tables import plain_table

if TYPE_CHECKING:
    from limitlab.diagnosis import Diagnosis, RemedyPlan


def remedy_plan(
    names: str | None, *, rerank: str | None, rerank_depth: int, folds: int, seed: int, save_adapter: Path | None
) -> RemedyPlan | None:
    """The plan, or None without --remedies; what has no meaning then is refused."""
    from limitlab.diagnosis import RemedyPlan

    if names is None:
        if rerank is not None or save_adapter is not None:
            option = "--rerank" if rerank is not None else "--save-adapter"
            raise InvalidArgument(f"limitlab diagnose: {option} must come with --remedies, such as --remedies all; got none.")
        return None
    return RemedyPlan.of(names, rerank=rerank, rerank_depth=rerank_depth, folds=folds, seed=seed, save_adapter=save_adapter)


def remedy_table(found: Diagnosis) -> str:
    """A line a remedy, best first."""
    rows = []
    for r in found.remedies:
        if r.recall is None:
            rows.append([r.label, r.kind, *[""] * 6, r.note])
            continue
        e = r.recall.difference
        p = "" if r.p_adjusted is None else f"{r.p_adjusted:.2g}"
        values = [f"{percent(r.before[name].mean)} -> {percent(r.after[name].mean)}" for name in ("recall", "all_relevant")]
        gain = f"{100 * e.mean:+.1f} ({100 * e.low:+.1f} to {100 * e.high:+.1f})"
        rows.append(
            [r.label, r.kind, values[0], gain, p, values[1], f"{r.won:,}", f"{r.lost:,}", "; ".join(filter(None, (r.cost, r.note)))]
        )
    head = ["remedy", "", f"recall@{found.k}, %", "gain, points", "p", f"all relevant@{found.k}, %", "won", "lost", ""]
    title = "\nRemedies against what is served, on queries they were not trained on; p adjusted over those measured"
    return plain_table(head, rows, title=title, right=range(2, 8))
