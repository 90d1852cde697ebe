"""What ``limitlab diagnose`` prints beneath the levels: drowning, gaps, geometry."""

from __future__ import annotations

from typing import TYPE_CHECKING

from limitlab._core.shares import percent
from limitlab.cli.tables import plain_table

if TYPE_CHECKING:
    from limitlab.diagnosis import Diagnosis, Drowning, Finding, Gaps


def also_found(found: Diagnosis) -> list[str]:
    """Lines under the verdict: the most serious findings about the vectors."""
    serious = found.depth.also_found if found.depth is not None else ()
    return [f"Also found ({f.status}): {f.meaning} {f.advice}".rstrip() for f in serious]


def depth_text(found: Diagnosis) -> list[str]:
    """One part after the other; nothing for those that were skipped."""
    deep = found.depth
    if deep is None:
        return []
    out = []
    if deep.drowning is not None:
        out.append(_drowning(deep.drowning))
    if deep.gaps is not None:
        out.append(_gaps(deep.gaps))
    if deep.geometry is not None:
        out.append(_geometry(deep.geometry))
    return out


def _drowning(found: Drowning) -> str:
    rows = []
    path = {} if found.path is None else dict(zip(found.path.sizes, found.path.recall))
    for size, recall, complete in zip(found.exact.sizes, found.exact.recall, found.exact.all_relevant):
        one = percent(path[size]) if size in path else ""
        rows.append([f"{size:,}", percent(recall), percent(complete), one, "measured" if size == found.n_docs else "exact"])
    if (ahead := found.forecast) is not None:
        columns = zip(ahead.sizes, ahead.recall, ahead.recall_interval, ahead.all_relevant, ahead.all_relevant_interval)
        for size, recall, (a, b), complete, (c, d) in columns:
            values = (f"{percent(v)} ({percent(low)} to {percent(high)})" for v, low, high in ((recall, a, b), (complete, c, d)))
            rows.append([f"{size:,}", *values, "", "extrapolated"])
    head = ["documents", f"recall@{found.k}, %", f"all relevant@{found.k}, %", "one sample", ""]
    lines = [
        plain_table(
            head,
            rows,
            title="\nDrowning: the same queries in smaller and larger corpora, with the vectors as they are (float32, full dimension, exact search)",
            right=range(4),
        )
    ]
    lines += [f"  {words}" for words in crossing_words(found)]
    for test in found.backtests:
        lines.append(
            f"  check: from {test.from_docs:,} documents {percent(test.predicted)} % was extrapolated for {test.to_docs:,}; "
            f"{percent(test.measured)} % is measured ({test.n_queries:,} queries)."
        )
    if found.forecast is not None and not found.backtests:
        lines.append("  check: none; the corpus is too small to extrapolate from parts of it.")
    if found.forecast is not None:
        lines.append(f"  assumed: {found.assumption}.")
    return "\n".join(lines)


def crossing_words(found: Drowning) -> list[str]:
    """A sentence a measure: where it falls under 90 % and 50 %."""
    out = []
    for measure, name in (("recall", "recall"), ("all_relevant", "all relevant")):
        parts = []
        for crossing in found.crossings:
            if crossing.measure == measure:
                where = f"at {crossing.n_docs:,} documents ({crossing.where})" if crossing.n_docs is not None else crossing.where
                parts.append(f"{100 * crossing.level:.0f} %: {where}")
        out.append(f"{name}@{found.k} falls under {'; under '.join(parts)}.")
    return out


def _gaps(found: Gaps) -> str:
    rows = []
    spreads = [
        ("queries: least relevant minus best irrelevant", found.full),
        ("relevant documents minus best irrelevant", found.pairs),
        (f"the same queries as the next line ({found.n_solved:,})", found.own_of_solved),
        (f"best query vectors ({found.n_solved:,} solved for)", found.attained),
    ]
    for name, spread in spreads:
        if spread is not None:
            rows.append([name, percent(spread.positive), *(f"{q:+.4f}" for q in spread.quantiles)])
    head = ["gap, in scores", "above 0, %", "5 %", "25 %", "median", "75 %", "95 %"]
    table = plain_table(head, rows, title="\nGaps: how far relevant documents are above all others", right=range(1, 7))
    if found.unsettled:
        table += f"\n  for {found.unsettled:,} of those solved for a larger gap is not excluded."
    return table


def _geometry(found: tuple[Finding, ...]) -> str:
    rows = [[f.label, f.shown, f.status, f.meaning + (f" (sampled {f.sampled:,})" if f.sampled else "")] for f in found]
    return plain_table(["vectors", "", "", ""], rows, title="\nGeometry of the vectors")
