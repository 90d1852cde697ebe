"""The headline in plain words: sentences and key numbers read off the rows, nothing estimated."""

from __future__ import annotations

from dataclasses import dataclass

from limitlab._core.status import Status
from limitlab.evaluation import EvaluationResult, Row
from limitlab.report import selection as chosen


@dataclass(frozen=True)
class Card:
    """One key number."""

    title: str
    value: str
    detail: str


@dataclass(frozen=True)
class Glance:
    """The ends of one dataset: its best row without a dimension, its best embedding, and the best that learnt nothing."""

    dataset: str
    measure: str
    flat: Row | None
    sized: Row | None
    untrained: Row | None = None


def glances(result: EvaluationResult) -> list[Glance]:
    """One a dataset that has numbers, in the order of the datasets."""
    out = []
    for dataset in chosen.dataset_names(result):
        measure = chosen.headline_measure(result, dataset)
        if measure is not None:
            rows = chosen.solved(result, dataset)
            flat, sized = [r for r in rows if r.dim is None], [r for r in rows if r.dim is not None]
            trained = [r for r in sized if r.family != "untrained"]
            untrained = chosen.best([r for r in sized if r.family == "untrained"], measure) if trained else None
            out.append(Glance(dataset, measure, chosen.best(flat, measure), chosen.best(trained or sized, measure), untrained))
    return out


def headline(result: EvaluationResult) -> Glance | None:
    """The dataset with the most documents; the first of equals."""
    found = glances(result)

    def size(glance: Glance) -> int:
        known = chosen.facts(result, glance.dataset)
        return known.n_docs if known else 0

    return max(found, key=size, default=None)


def sentences(result: EvaluationResult) -> list[str]:
    """What the numbers say, each sentence true of the solved rows alone."""
    top = headline(result)
    out: list[str] = []
    if top is None:
        out.append("No row of this result has numbers, so nothing can be said about retrieval yet.")
    else:
        out.append(_finding(result, top))
        out += _meaning(top)
        out += _by_dimension(result, top)
        out += _against_untrained(result, top)
    missing = sum(r.status is not Status.SOLVED for r in result.rows)
    if missing:
        verb = "has" if missing == 1 else "have"
        out.append(f"{missing} of {counted(len(result.rows), 'row', 'rows')} {verb} no numbers; the table states why.")
    return out


def value_words(row: Row, measure: str) -> str:
    """``93.6 %``."""
    return f"{100 * row.measures[measure].mean:.1f} %"


def interval_words(row: Row, measure: str) -> str:
    """``92.1 to 95.0 %``."""
    e = row.measures[measure]
    return f"{100 * e.low:.1f} to {100 * e.high:.1f} %"


def _finding(result: EvaluationResult, top: Glance) -> str:
    known = chosen.facts(result, top.dataset)
    over = "" if known is None else f", averaged over {counted(known.n_queries, 'query', 'queries')}"
    first, second = (top.flat, top.sized) if top.flat else (top.sized, None)
    assert first is not None  # a glance is made of a dataset that has rows
    cuts = {name: k for k, name in chosen.recall_cuts([top.measure]).items()}
    if top.measure in cuts:
        says = f"ranks {value_words(first, top.measure)} of a query's relevant documents among its first {cuts[top.measure]}"
    else:
        says = f"reaches {value_words(first, top.measure)} in {chosen.measure_words(top.measure)}"
    lead = "" if second or sum(top.measure in r.measures for r in chosen.solved(result, top.dataset)) == 1 else ", the best of its rows,"
    sentence = f"On {top.dataset}, {sized_words(first)}{lead} {says}{over}"
    if second is None:
        return sentence + "."
    many = sum(r.dim is not None and r.family != "untrained" for r in chosen.solved(result, top.dataset)) > 1
    which = f"the best embedding, {sized_words(second)}, " if many else f"{sized_words(second)} "
    return f"{sentence}; {which}reaches {value_words(second, top.measure)}."


def _meaning(top: Glance) -> list[str]:
    if top.flat is None or top.sized is None:
        return []
    flat, sized = top.flat.measures[top.measure], top.sized.measures[top.measure]
    points = f"{abs(100 * flat.mean - 100 * sized.mean):.1f} points"
    name = top.flat.label or top.flat.retriever
    if flat.low > sized.high:
        same = "Both searched the same documents with the same queries"
        return [f"{same}, so the drop of {points} comes from the retriever, not from the data."]
    if sized.low > flat.high:
        return [f"On the same documents and queries the embedding is {points} ahead of {name}."]
    return ["Their 95 % intervals overlap, so the two means alone do not tell them apart; result.compare() runs the paired test."]


def _by_dimension(result: EvaluationResult, top: Glance) -> list[str]:
    if top.sized is None:
        return []
    of = [line for line in chosen.lines(result, top.dataset) if line.retriever == top.sized.retriever and not line.flat]
    rows = [r for r in of[0].rows if top.measure in r.measures]
    low, high = rows[0], rows[-1]
    if low.dim == high.dim:
        return []
    before, after = low.measures[top.measure], high.measures[top.measure]
    if after.low > before.high:
        how = f"rises from {value_words(low, top.measure)} at {low.dim} dimensions to {value_words(high, top.measure)} at {high.dim}"
    elif before.low > after.high:
        how = f"falls from {value_words(low, top.measure)} at {low.dim} dimensions to {value_words(high, top.measure)} at {high.dim}"
    else:
        ends = f"{value_words(low, top.measure)} at {low.dim} dimensions and {value_words(high, top.measure)} at {high.dim}"
        how = f"is {ends}, with overlapping intervals"
    return [f"With {of[0].label}, {chosen.measure_words(top.measure)} {how}."]


def _against_untrained(result: EvaluationResult, top: Glance) -> list[str]:
    """Whether retrievers that learnt nothing do better with the same number of dimensions."""
    if top.sized is None:
        return []
    same = [
        r for r in chosen.solved(result, top.dataset) if r.family == "untrained" and r.dim == top.sized.dim and top.measure in r.measures
    ]
    best = chosen.best(same, top.measure)
    if best is None or best.measures[top.measure].low <= top.sized.measures[top.measure].high:
        return []
    label = best.label or best.retriever
    return [
        f"{label[:1].upper()}{label[1:]}, which learn nothing, reach {value_words(best, top.measure)} with the same {best.dim} dimensions: the space holds more than the encoder uses."
    ]


def cards(result: EvaluationResult) -> list[Card]:
    """Key numbers of the headline dataset."""
    top = headline(result)
    if top is None:
        return []
    words = chosen.measure_words(top.measure)
    out = []
    for title, row in (("Best without a dimension", top.flat), ("Best embedding", top.sized)):
        if row is not None:
            detail = f"{sized_words(row)} (95 %: {interval_words(row, top.measure)})"
            out.append(Card(f"{title}, {words}", value_words(row, top.measure), detail))
    if top.flat is not None and top.sized is not None:
        gap = 100 * (top.flat.measures[top.measure].mean - top.sized.measures[top.measure].mean)
        size = f"{abs(gap):.1f}"
        leads = "neither is ahead" if float(size) == 0 else f"the embedding is {'behind' if gap > 0 else 'ahead'}"
        out.append(Card("Difference", size, f"points; {leads}"))
    known = chosen.facts(result, top.dataset)
    if known is not None:
        rows = sum(r.status is Status.SOLVED for r in result.rows)
        noun = "document" if known.n_docs == 1 else "documents"
        detail = f"{noun}, {counted(known.n_queries, 'query', 'queries')}; {counted(rows, 'row', 'rows')} with numbers"
        out.append(Card("Searched", f"{known.n_docs:,}", detail))
    return out


def sized_words(row: Row) -> str:
    """``all-MiniLM-L6-v2 at 384 dimensions``."""
    label = row.label or row.retriever
    return label if row.dim is None or label.endswith(f"@{row.dim}") else f"{label} at {counted(row.dim, 'dimension', 'dimensions')}"


def counted(number: int, one: str, many: str) -> str:
    """``1 query``, ``1,000 queries``."""
    return f"{number:,} {one if number == 1 else many}"
