"""What is drawn: the rows, lines, measures and published curves of one dataset, chosen the same way for every figure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from limitlab._core.errors import DataError, UnknownName
from limitlab._core.status import Status
from limitlab.evaluation import DatasetFacts, Estimate, EvaluationResult, Measure, Row
from limitlab.published import PublishedValue, lookup

PUBLISHED = "published (Weller et al. 2025)"
PATTERNS = ("dense", "random", "cycle", "disjoint")
_WORDS = {"recall": "recall", "all_relevant": "all relevant", "ndcg": "nDCG", "mrr": "MRR"}

# The share of a query's relevant documents that was retrieved, in the four classes of the distribution figure.
SHARES = ("none", "less than half", "half or more", "all")


@dataclass(frozen=True)
class Line:
    """The solved rows of one retriever on one dataset, ascending in dimension; ``flat`` when they have none."""

    retriever: str
    label: str
    rows: tuple[Row, ...]
    flat: bool


@dataclass(frozen=True)
class PublishedLine:
    """One model of the paper: ``points`` are (dim, percent); ``dim`` is None for models without one."""

    model: str
    points: tuple[tuple[int | None, float], ...]
    source: str

    @property
    def flat(self) -> bool:
        """Whether the model has no dimension."""
        return self.points[0][0] is None


@dataclass(frozen=True)
class PatternGroup:
    """Datasets of equal size that differ in their pattern, and the retrievers that were run on at least two of them."""

    datasets: dict[str, DatasetFacts]
    measure: str
    rows: dict[str, dict[str, Row]]  # retriever -> pattern -> its row at the greatest dimension common to the patterns

    @property
    def n_docs(self) -> int:
        """Documents in each of the datasets."""
        return next(iter(self.datasets.values())).n_docs


def dataset_names(result: EvaluationResult) -> list[str]:
    """Every dataset that is described or has a row, in order."""
    return list(dict.fromkeys([d.name for d in result.datasets] + [r.dataset for r in result.rows]))


def facts(result: EvaluationResult, dataset: str) -> DatasetFacts | None:
    """The facts about a dataset, or None when the result carries none."""
    return next((d for d in result.datasets if d.name == dataset), None)


def solved(result: EvaluationResult, dataset: str) -> list[Row]:
    """The rows of a dataset that count as numbers."""
    return [r for r in result.rows if r.dataset == dataset and r.status is Status.SOLVED and r.measures]


def measure_words(name: str) -> str:
    """``recall@100``, ``nDCG@10``, ``all relevant@2``: a measure as a reader says it."""
    parsed = _parsed(name)
    return name if parsed is None else f"{_WORDS[parsed.kind]}@{parsed.k}"


def _parsed(name: str) -> Measure | None:
    try:
        return Measure.parse(name)
    except UnknownName:
        return None  # a measure of the user's own: shown under its name


def drawn_measures(result: EvaluationResult, dataset: str) -> list[str]:
    """Measures of the solved rows; a recall whose cut takes in the whole corpus says nothing and is left out."""
    there = {n for row in solved(result, dataset) for n in row.measures}
    names = [n for n in result.measure_names if n in there]
    known = facts(result, dataset)
    limit = known.n_docs if known else None
    kept = [n for n in names if not _whole_corpus(n, limit)]
    return kept or names


def _whole_corpus(name: str, n_docs: int | None) -> bool:
    parsed = _parsed(name)
    return bool(parsed and n_docs and parsed.kind in ("recall", "all_relevant") and parsed.k >= n_docs)


def recall_cuts(names: Iterable[str]) -> dict[int, str]:
    """``{k: "recall@k"}`` of the recall measures, ascending."""
    cuts = {p.k: n for n in names if (p := _parsed(n)) is not None and p.kind == "recall"}
    return dict(sorted(cuts.items()))


def headline_measure(result: EvaluationResult, dataset: str) -> str | None:
    """The recall with the greatest cut that is at most a tenth of the corpus; else the least cut; else the first measure."""
    names = drawn_measures(result, dataset)
    cuts = recall_cuts(names)
    known = facts(result, dataset)
    if not cuts:
        return names[0] if names else None
    fitting = [k for k in cuts if known is None or 10 * k <= known.n_docs]
    return cuts[max(fitting)] if fitting else cuts[min(cuts)]


def lines(result: EvaluationResult, dataset: str) -> list[Line]:
    """The solved rows by retriever, those with a dimension first."""
    found: dict[tuple[bool, str], list[Row]] = {}
    for row in solved(result, dataset):
        found.setdefault((row.dim is None, row.retriever), []).append(row)
    out = []
    for (flat, retriever), rows in found.items():
        labels = {r.label or r.retriever for r in rows}
        out.append(Line(retriever, labels.pop() if len(labels) == 1 else retriever, tuple(sorted(rows, key=lambda r: r.dim or 0)), flat))
    return sorted(out, key=lambda line: line.flat)


def row_words(row: Row) -> str:
    """``all-MiniLM-L6-v2 @ 384``: a row's label with its dimension."""
    label = row.label or row.retriever
    return label if row.dim is None or label.endswith(f"@{row.dim}") else f"{label} @ {row.dim}"


def best(rows: Iterable[Row], measure: str) -> Row | None:
    """The row with the greatest mean; the first of equals."""
    having = [r for r in rows if measure in r.measures]
    return max(having, key=lambda r: r.measures[measure].mean, default=None)


def published_values(known: DatasetFacts | None, measure: str) -> tuple[PublishedValue, ...]:
    """The paper's own numbers for this dataset and measure."""
    if known is None or known.published_as is None:
        return ()
    return lookup(dataset=known.published_as, metric=measure, kind="paper")


def published_lines(known: DatasetFacts | None, measure: str) -> list[PublishedLine]:
    """The paper's curves for this dataset and measure, in percent, ascending in dimension."""
    return as_lines(published_values(known, measure))


def as_lines(found: Iterable[PublishedValue]) -> list[PublishedLine]:
    """Published values by model, ascending in dimension."""
    models: dict[str, list[PublishedValue]] = {}
    for value in found:
        models.setdefault(value.model or "unnamed", []).append(value)
    out = []
    for model, entries in models.items():
        points = [(v.dim if isinstance(v.dim, int) else None, v.value) for v in entries]
        out.append(PublishedLine(model, tuple(sorted(points, key=lambda p: p[0] or 0)), entries[0].source))
    return out


def percent(estimate: Estimate) -> tuple[float, float, float]:
    """Mean, and how far the interval reaches down and up from it, in percent."""
    mean = 100 * estimate.mean
    return mean, max(0.0, mean - 100 * estimate.low), max(0.0, 100 * estimate.high - mean)


def pattern_groups(result: EvaluationResult) -> list[PatternGroup]:
    """One group for each size at which at least two patterns were evaluated with the same retriever."""
    sizes: dict[tuple[int, int], dict[str, DatasetFacts]] = {}
    for d in result.datasets:
        if d.pattern:
            sizes.setdefault((d.n_docs, d.n_queries), {}).setdefault(d.pattern, d)
    out = []
    for found in sizes.values():
        order = [p for p in PATTERNS if p in found] + [p for p in found if p not in PATTERNS]
        group = _pattern_group(result, {p: found[p] for p in order})
        if group is not None:
            out.append(group)
    return out


def _pattern_group(result: EvaluationResult, datasets: dict[str, DatasetFacts]) -> PatternGroup | None:
    rows = {p: solved(result, d.name) for p, d in datasets.items()}
    rows = {p: r for p, r in rows.items() if r}
    if len(rows) < 2:
        return None
    cuts = [set(recall_cuts(n for r in of_pattern for n in r.measures)) for of_pattern in rows.values()]
    common = set.intersection(*cuts)
    if not common:
        return None
    measure = f"recall@{100 if 100 in common else max(common)}"
    chosen: dict[str, dict[str, Row]] = {}
    for retriever in dict.fromkeys(r.retriever for of_pattern in rows.values() for r in of_pattern):
        having = {p: [r for r in of if r.retriever == retriever and measure in r.measures] for p, of in rows.items()}
        having = {p: of for p, of in having.items() if of}
        if len(having) < 2:
            continue
        dims = set.intersection(*({r.dim for r in of} for of in having.values()))
        if dims:
            dim = max(dims, key=lambda d: d or 0)
            chosen[retriever] = {p: next(r for r in of if r.dim == dim) for p, of in having.items()}
    return PatternGroup({p: datasets[p] for p in rows}, measure, chosen) if chosen else None


def published_patterns(measure: str, pattern: str) -> list[PublishedLine]:
    """The paper's values for a pattern, each model at its greatest dimension; only recall@100 was published."""
    found = as_lines(lookup(dataset=f"LIMIT-qrel-{pattern}", metric=measure, kind="paper"))
    return [PublishedLine(p.model, p.points[-1:], p.source) for p in found]


def recall_shares(result: EvaluationResult, row: Row, measure: str) -> list[float] | None:
    """Percent of the queries with none, less than half, half or more, all of their relevant documents; None when not at hand."""
    try:
        values = result.per_query(row, measure)
    except (DataError, KeyError):
        return None
    values = values[values == values]  # queries without relevant documents carry NaN
    if values.size == 0:
        return None
    edges = [values <= 0, (values > 0) & (values < 0.5), (values >= 0.5) & (values < 1), values >= 1]
    return [100 * float(inside.mean()) for inside in edges]
