"""Recall on LIMIT and LIMIT-small, also with synonyms in the queries [Weller2025, tables 5 and 6, figure 6]."""

from __future__ import annotations

from collections.abc import Sequence

from limitlab._core.status import Status
from limitlab.data import Dataset, load, make_limit
from limitlab.evaluation import EvaluationResult, Row, evaluate
from limitlab.reproduce.asked import Asked, Found
from limitlab.reproduce.experiment import Compared, compared
from limitlab.reproduce.model_names import not_run, published_of, reproductions_of

_RELEASED_SMALL = "ba9e2ff20d483c8b"  # of the LIMIT-small that was released
_OWN = "data of our own: the same recipe, other words"
_DIMS = (32, 64, 128, 256, 384, 512, 768, 1024, 2048, 3072, 4096)
N_DOCS = {"tiny": 200, "small": 5_000, "full": 50_000}
N_QUERIES = {"tiny": 100, "small": 1_000, "full": 1_000}


def limit_full(asked: Asked) -> Found:
    """Recall over all documents: R@2, R@10, R@100. Data that is given is taken whole, whatever the size."""
    if asked.limit is not None:
        data, departs = load(asked.limit), []
        if (data.n_docs, data.n_queries) != (50_000, 1_000):
            departs = [f"{data.n_docs:,} documents and {data.n_queries:,} queries instead of 50,000 and 1,000"]
    else:
        data = make_limit(n_docs=N_DOCS[asked.size], n_queries=N_QUERIES[asked.size], seed=asked.seed)
        departs = [_OWN]
    return _measured(asked, data, "LIMIT", ("recall@2", "recall@10", "recall@100"), departs)


def limit_small(asked: Asked) -> Found:
    """Recall over the relevant documents alone: R@2, R@10, R@20. Data that is given is taken whole, whatever the size."""
    if asked.limit_small is not None:
        data, departs = load(asked.limit_small), []
        if data.fingerprint() != _RELEASED_SMALL:
            departs = [f"not the released data: {data.n_docs:,} documents and {data.n_queries:,} queries of another fingerprint"]
    else:
        data = make_limit(n_queries=N_QUERIES[asked.size], small=True, seed=asked.seed)
        departs = [_OWN]
    return _measured(asked, data, "LIMIT-small", ("recall@2", "recall@10", "recall@20"), departs)


def limit_synonyms(asked: Asked) -> Found:
    """Queries that ask a synonym: words do not match any more."""
    data, plain = (make_limit(n_queries=N_QUERIES[asked.size], small=True, seed=asked.seed, synonyms=s) for s in (True, False))
    found = _measured(asked, data, "LIMIT-small-synonyms", ("recall@2",), [_OWN])
    without = _evaluated(asked, plain, ("recall@2",))
    drops = []
    for row in found.rows:
        name = row.setting.partition(",")[0]
        before = next((r for r in without.rows if r.name == name and r.status is Status.SOLVED), None)
        if before is not None and row.ours is not None:
            drops.append(f"{name} {100 * before.measures['recall@2'].mean:.1f} to {row.ours:.1f}")
    says = [f"R@2 from the word itself to a synonym: {'; '.join(drops)}."] if drops else []
    return Found(found.rows, says, [*found.run_ids, *without.run_ids], [*found.problems, *failures(without)])


def _evaluated(asked: Asked, data: Dataset, measures: Sequence[str]) -> EvaluationResult:
    return evaluate(
        data, list(asked.models), dims=_DIMS, measures=list(measures), ledger=asked.ledger, progress=asked.progress,
        kind="reproduce", command=asked.command, title=f"reproduction on {data.name}",
    )  # fmt: skip


def _measured(asked: Asked, data: Dataset, published_as: str, measures: Sequence[str], departs: Sequence[str]) -> Found:
    result = _evaluated(asked, data, measures)
    full = {r.retriever: r for r in sorted(result.rows, key=lambda r: r.dim or 0) if r.status is Status.SOLVED}
    rows = []
    for r in result.rows:
        own = full.get(r.retriever)
        rows += [found for m in measures if (found := _row(asked, r, own.dim if own else None, published_as, m, departs)) is not None]
    rows += not_run(published_as, measures, rows)
    listed = ", ".join(f"{r.label} {100 * r.measures[measures[-1]].mean:.1f}" for r in full.values())
    says = [f"{measures[-1]} on {data.n_docs:,} documents, in percent: {listed}."] if listed else []
    if published_as == "LIMIT" and asked.limit is not None:
        says.append("The folder given is taken for the released data: only its sizes were checked.")
    return Found(rows, says, result.run_ids, failures(result))


def failures(result: EvaluationResult) -> list[str]:
    """One sentence for each model that failed; a dimension that a model does not have is no failure."""
    return list(dict.fromkeys(f"{r.retriever} failed: {r.message}" for r in result.rows if r.status is Status.FAILED))


def _row(asked: Asked, row: Row, full: int | None, published_as: str, measure: str, departs: Sequence[str]) -> Compared | None:
    """One of our rows beside the published number at its dimension; reproductions stand beside the full one. None: nothing to show."""
    paper = published_of(row.retriever, published_as, measure, row.dim, full=full)
    value, source = (paper.value, paper.source) if paper else (None, "")
    others = reproductions_of(row.retriever, published_as, measure) if row.dim == full else ()
    if row.status is not Status.SOLVED:
        shown = paper is not None or row.status is Status.FAILED
        return compared(measure, row.name, value, source=source, not_run=row.message) if shown else None
    name, _, options = row.retriever.partition(":")
    if options and "(" not in name:
        departs = [*departs, f"options {options}"]
    e = row.measures[measure]
    return compared(
        measure, row.name, value, source=source, ours=100 * e.mean, low=100 * e.low, high=100 * e.high, others=others,
        size=asked.size, departs=departs,
    )  # fmt: skip
