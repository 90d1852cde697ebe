"""Free embeddings and critical n as tables in the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from limitlab.cli.tables import plain_table

if TYPE_CHECKING:
    from limitlab.free.comparison import DimensionSummary
    from limitlab.free.least_dimension import LeastDimension
    from limitlab.free.result import CriticalNResult
    from limitlab.free.scaling import ScalingFit


def stored_run(kind: str, run_id: str) -> tuple[str, LeastDimension | CriticalNResult]:
    """A stored run of kind free or critical-n: its table, and the whole of it."""
    if kind == "free":
        from limitlab.free.least_dimension import load_least_dimension

        found = load_least_dimension(run_id)
        return free_table(found), found
    from limitlab.free.stored import load_critical_n

    result = load_critical_n(run_id)
    return critical_n_table(result), result


def free_table(found: LeastDimension) -> str:
    """A line a dimension tried, and what follows from it."""
    head = ["dim", "status", "relevant on top", "gap", "steps", "loss", "seconds", ""]
    lines = []
    for r in found.results:
        hits = f"{r.hits:,} of {r.n_relevant:,}"
        numbers = [short(r.gap), f"{r.steps:,}", short(r.loss), f"{r.seconds:.1f}"]
        lines.append([r.dim, r.status.key, hits, *numbers, "" if r.status.key in ("solved", "not_solved") else r.message])
    parts = [plain_table(head, lines, right=range(2, 7)), found.message]
    if found.sign_rank_upper is not None:
        parts.append(f"So the row-wise rank is at most {found.dim} and the sign rank at most {found.sign_rank_upper}.")
    return "\n".join(parts)


def critical_n_table(result: CriticalNResult) -> str:
    """A line a dimension: ours over seeds beside the published number; rows without a number say why."""
    from limitlab.free.comparison import by_dimension

    summaries = by_dimension(result)
    certified = [s for s in summaries if s.objective == "gap"]
    measured = [s for s in summaries if s.objective != "gap"]
    parts = [_measured_table(measured)] if measured else []
    if certified:
        parts.append(_certified_table(result, certified))
    for row in result.rows:
        if row.status.key != "solved":
            who = f"d = {row.dim}" + ("" if row.seed is None else f", seed {row.seed}")
            parts.append(f"{who}: {row.status.key.replace('_', ' ')}: {row.message}")
    return "\n".join(parts)


def _measured_table(summaries: list[DimensionSummary]) -> str:
    several = any(s.n_seeds > 1 for s in summaries)
    head = [
        "dim",
        "critical n",
        *(["least..greatest", "seeds"] if several else []),
        "least failed",
        "published",
        "difference",
        "steps",
        "seconds",
    ]
    lines = []
    for s in summaries:
        spread = "" if s.least is None else f"{s.least}..{s.greatest}"
        seeds = [spread, f"{s.n_solved} of {s.n_seeds}"] if several else []
        ours = "" if s.median is None else f"{s.median:g}"
        difference = "" if s.difference is None else f"{s.difference:+g}"
        lines.append([s.dim, ours, *seeds, s.least_failed, s.published, difference, f"{s.steps:,}", f"{s.seconds:.1f}"])
    what = "median over seeds of the largest n solved" if several else "the largest n solved"
    title = f"critical n, k = {summaries[0].k}, {summaries[0].objective}: {what}; an optimiser's reach, no capacity limit"
    return plain_table(head, lines, title=title, right=range(len(head)))


def _certified_table(result: CriticalNResult, summaries: list[DimensionSummary]) -> str:
    rows = {r.dim: r for r in result.rows if r.objective == "gap"}
    lines = []
    for s in summaries:
        row = rows[s.dim]
        times = f"{row.critical_n / s.published:.1f}" if row.critical_n and s.published else ""
        ours = "" if row.critical_n is None else f"{row.critical_n:,}"
        lines.append([s.dim, ours, "" if row.gap is None else f"{row.gap:.4g}", s.published, times, row.certificate or row.status.key])
    head = ["dim", "certified n", "gap", "published critical n", "times", "certificate"]
    return plain_table(head, lines, title=f"certified n, k = {summaries[0].k}: all {summaries[0].k}-subsets exactly right", right=range(5))


def fit_text(fit: ScalingFit, *, k: int = 2) -> str:
    """The polynomial and its extrapolations, with how far they can be trusted; beside the published ones when k is 2."""
    from limitlab.free.scaling import PUBLISHED_COEFFICIENTS, PUBLISHED_R_SQUARED
    from limitlab.published import lookup

    published = {v.dim: v.value for v in lookup(metric="critical-n (extrapolated)")} if k == 2 else {}
    head = [
        "d",
        "n by the fit",
        "95 % (points)",
        "95 % (residuals)",
        "other fits",
        *(["published"] if published else []),
    ]
    lines = [
        [
            f"{e.dim:,}",
            counted(e.value),
            f"{counted(e.low)} to {counted(e.high)}",
            f"{counted(e.residual_low)} to {counted(e.residual_high)}",
            f"{counted(e.least_variant)} to {counted(e.greatest_variant)}",
            *([counted(published[e.dim]) if e.dim in published else ""] if published else []),
        ]
        for e in fit.extrapolations
    ]
    title = f"fit over d = {fit.dims[0]}..{fit.dims[-1]} ({len(fit.dims)} dimensions): n = {polynomial(fit.coefficients)}, R^2 {fit.r_squared:.5f}"
    theirs = f"published, d = 4..45: n = {polynomial(PUBLISHED_COEFFICIENTS)}, R^2 {PUBLISHED_R_SQUARED}"
    note = (
        "95 %: points, or residuals, drawn again with replacement; both take the polynomial for true. Other fits: the last 1 to 6 dimensions left out, one degree less or more; "
        "where they differ the data do not decide."
    )
    return "\n".join([title, *([theirs] if published else []), plain_table(head, lines, right=range(len(head))), note])


def polynomial(coefficients: tuple[float, ...]) -> str:
    """``-10.5322 + 4.0309 d + 0.0520 d^2``."""
    names = ["", " d", *(f" d^{i}" for i in range(2, len(coefficients)))]
    text = f"{coefficients[0]:.4f}"
    for value, name in zip(coefficients[1:], names[1:]):
        text += f" {'-' if value < 0 else '+'} {abs(value):.4f}{name}"
    return text


def counted(value: float) -> str:
    """Three digits of a number of documents: 509k, 1.7M, -13.2M."""
    rounded = float(f"{value:.3g}")
    for size, letter in ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(rounded) >= size:
            return f"{rounded / size:.3g}{letter}"
    return f"{rounded:.3g}"


def short(value: float | None) -> str:
    """Three digits, or nothing where there is no number."""
    return "" if value is None or value != value else f"{value:.3g}"
