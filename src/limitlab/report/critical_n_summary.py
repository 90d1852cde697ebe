"""The critical n report in plain words: sentences and key numbers read off the rows and the fits."""

from __future__ import annotations

from dataclasses import dataclass

from limitlab.free.result import CriticalNResult
from limitlab.report import critical_n_series as series
from limitlab.report.axes import number_words
from limitlab.report.critical_n_fit import DEGREE, PUBLISHED, fits
from limitlab.report.critical_n_series import gap_words
from limitlab.report.summary import Card, counted

_SHOWN = 8  # the dimension that stands for the curve when it is there
_CLOSE = 3
_FAR = 4096


@dataclass(frozen=True)
class Contrast:
    """One dimension with what the optimiser reached there and what is certified; ``reached`` is ours or the published number."""

    k: int
    dim: int
    reached: float
    ours: series.Point | None
    published: int | None
    certified: int | None
    gap: float | None

    @property
    def ratio(self) -> float | None:
        """Certified documents for each one that the optimiser reached."""
        return None if self.certified is None else self.certified / self.reached


def contrasts(result: CriticalNResult, k: int) -> list[Contrast]:
    """Every dimension that the protocol solved here or in the paper and that has a solved row, ascending."""
    ours = {p.dim: p for p in series.points(result, k)}
    told = dict(series.published(k))
    proven = series.certified(result, k, min_gap=series.least_gap(result))
    out = []
    for dim in sorted(set(ours) | set(proven)):
        point, row = ours.get(dim), proven.get(dim)
        reached = point.median if point else told.get(dim)
        if reached is not None:
            out.append(Contrast(k, dim, reached, point, told.get(dim), row.critical_n if row else None, row.gap if row else None))
    return out


def headline(result: CriticalNResult) -> Contrast | None:
    """d = 8 at k = 2 when it is there; else the middle one of the dimensions with both curves, or of all."""
    for k in sorted(series.subset_sizes(result), key=lambda size: (size != 2, size)):
        found = contrasts(result, k)
        both = [c for c in found if c.certified is not None and c.ours is not None]
        pool = both or [c for c in found if c.certified is not None] or found
        if pool:
            return next((c for c in pool if c.dim == _SHOWN), pool[len(pool) // 2])
    return None


def sentences(result: CriticalNResult) -> list[str]:
    """What was found, each sentence true of the solved rows alone."""
    top = headline(result)
    out = _without_comparison(result) if top is None else [_contrast(result, top), *_reproduction(result, top.k)]
    out += _extrapolation(result)
    missing = len(series.without_number(result))
    if missing:
        verb = "has" if missing == 1 else "have"
        out.append(
            f"{missing:,} of {counted(len(result.rows), 'row', 'rows')} {verb} no number; the list below the table states why. "
            "An optimisation that failed proves nothing about what is possible."
        )
    return out


def _without_comparison(result: CriticalNResult) -> list[str]:
    proven = [row for k in series.subset_sizes(result) for row in series.certified(result, k).values()]
    if not proven:
        return ["No row of this result has a number, so nothing can be said about the critical n yet."]
    best = max(proven, key=lambda row: row.critical_n or 0)
    return [
        f"At d = {best.dim}, {best.critical_n:,} documents are certified: {_retrieved(best.k)} with a gap of at least {gap_words(best.gap)}."
    ]


def _retrieved(k: int) -> str:
    return (
        "every pair of them is retrieved by a query of its own"
        if k == 2
        else f"every {k}-subset of them is retrieved by a query of its own"
    )


def _contrast(result: CriticalNResult, top: Contrast) -> str:
    told = "" if top.published is None else f", {top.published:,} published"
    seeds = 0 if top.ours is None else len(top.ours.values)
    if top.ours is None:
        reached = f"the paper's protocol stops at {top.reached:,g} documents (published)"
    elif seeds > 1:
        reached = f"its protocol, run here, stops at {top.reached:,g} documents (median of {seeds} seeds{told})"
    else:
        reached = f"its protocol, run here, stops at {top.reached:,g} documents (one seed{told})"
    if top.certified is None:
        start = "The critical n of the paper measures one loss at one temperature, not capacity"
        return f"{start}: at d = {top.dim} {reached}. This result holds no certified configuration to set beside it."
    sets = "pair" if top.k == 2 else f"{top.k}-subset"
    if top.certified <= top.reached:
        reached = reached.replace("its protocol", "the paper's protocol")
        return f"At d = {top.dim} {reached}; the certified configuration at hand holds {top.certified:,} documents with every {sets} retrieved."
    first = (
        f"The paper's curve measures one loss at one temperature, not capacity: at d = {top.dim} {reached}, "
        f"while a certified configuration holds {top.certified:,} documents with every {sets} retrieved, "
        f"each with a gap of at least {gap_words(top.gap)}."
    )
    return f"{first}{_over_dimensions(result, top.k)}"


def _over_dimensions(result: CriticalNResult, k: int) -> str:
    both = [c for c in contrasts(result, k) if c.ratio is not None]
    if len(both) < 2:
        return ""
    ratios = [c.ratio for c in both if c.ratio is not None]
    larger = sum(r > 1 for r in ratios)
    span = f"{_times(min(ratios))} to {_times(max(ratios))} times as large"
    if larger == len(both):
        return f" At all {len(both)} dimensions that have both, the certified n is the larger one: {span}."
    return f" The certified n is the larger one at {larger} of the {len(both)} dimensions that have both, and {span}."


def _times(ratio: float) -> str:
    return f"{ratio:,.0f}" if ratio >= 10 else f"{ratio:.2g}"


def _reproduction(result: CriticalNResult, k: int) -> list[str]:
    compared = [c for c in contrasts(result, k) if c.ours is not None and c.published is not None]
    out = []
    if compared:
        apart = {c.dim: abs(c.reached - (c.published or 0)) for c in compared}
        close = sum(a <= _CLOSE for a in apart.values())
        worst = max(apart, key=lambda dim: apart[dim])
        what = "median is" if any(c.ours is not None and len(c.ours.values) > 1 for c in compared) else "result is"
        where = "at every one of" if close == len(compared) else f"at {close} of"
        sentence = f"Run here, the protocol's {what} within {_CLOSE} documents of the published number {where} {counted(len(compared), 'dimension', 'dimensions')}"
        out.append(sentence + (f"; the largest difference is {apart[worst]:g}, at d = {worst}." if apart[worst] else "."))
    below, runs = series.not_monotone(result, k)
    if below:
        said = f"Success is not monotone in n: {below} of {counted(runs, 'run', 'runs')} failed at some n below the largest that it solved."
        out = [f"{out[0]} {said}"] if out else [said]
    return out


def _extrapolation(result: CriticalNResult) -> list[str]:
    fit = fits(result).get(PUBLISHED)
    if fit is None:
        return []
    at = [e.dim for e in fit.extrapolations].index(_FAR)
    shorter, quadratic = fit.variant(degree=DEGREE, dropped=6), fit.variant(degree=DEGREE - 1, dropped=6)
    same = f"{quadratic.r_squared:.5f}" == f"{shorter.r_squared:.5f}"
    quality = f"R²\u00a0{quadratic.r_squared:.5f} each" if same else f"R² {quadratic.r_squared:.5f} and {shorter.r_squared:.5f}"
    return [
        f"The cubic through the published table says {number_words(fit.at(_FAR).value)} documents at d = {_FAR:,}. "
        f"Without the last six of its {len(fit.dims)} dimensions it says {number_words(shorter.values[at])}, and a quadratic, "
        f"which fits those points as well ({quality}), says {number_words(quadratic.values[at])}: "
        "the curve does not say what happens there."
    ]


def cards(result: CriticalNResult) -> list[Card]:
    """Key numbers at the headline dimension and over all."""
    top = headline(result)
    if top is None:
        return []
    out = []
    sets = "every pair" if top.k == 2 else f"every {top.k}-subset"
    if top.certified is not None:
        out.append(
            Card(f"Certified at d = {top.dim}", f"{top.certified:,}", f"documents, {sets} retrieved, least gap {gap_words(top.gap)}")
        )
    if top.ours is not None:
        seeds = len(top.ours.values)
        detail = f"documents, median of {seeds} seeds" if seeds > 1 else "documents, one seed"
        told = f"; published {top.published:,}" if top.published is not None else ""
        out.append(Card(f"The paper's protocol at d = {top.dim}", f"{top.reached:,g}", detail + told))
    both = {c.dim: c.ratio for c in contrasts(result, top.k) if c.ratio is not None}
    if len(both) > 1:
        most = max(both, key=lambda dim: both[dim])
        whose = "protocol" if top.ours is not None else "published"
        out.append(
            Card(
                f"Certified over {whose}, at most",
                f"{_times(both[most])}×",
                f"at d = {most}; {_times(min(both.values()))}× at least, over {len(both)} dimensions",
            )
        )
    fit = fits(result).get(PUBLISHED)
    if fit is not None:
        e = fit.at(_FAR)
        detail = f"documents; refits of the same table say {number_words(e.least_variant)} to {number_words(e.greatest_variant)}"
        out.append(Card(f"Published cubic at d = {_FAR:,}", number_words(e.value, short=True), detail))
    return out
