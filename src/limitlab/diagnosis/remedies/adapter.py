"""Remedy: linear adapters, trained and measured on different queries."""

from __future__ import annotations

from typing import Any

import numpy as np

from limitlab.diagnosis.remedies.bench import Bench
from limitlab.diagnosis.remedies.remedy import Remedy, not_possible
from limitlab.retrieval.adapters import LinearAdapter, fit_adapter, fit_adapters, splits
from limitlab.retrieval.adapters.fitting import LEAST_QUERIES, SIDES
from limitlab.retrieval.adapters.problem import part

_LABELS = {"query": "linear query adapter", "both": "linear query and document adapter"}
_KEYS = {"query": "query-adapter", "both": "document-query-adapter"}
_COSTS = {
    "query": "one matrix product a query; documents and index stay",
    "both": "one matrix product a query; every document stored again and the index built again",
}
_ROWS = 8192
_FEW = 0.1  # share of queries that share a relevant document below which unseen documents are not measured apart


def adapters(bench: Bench) -> list[Remedy]:
    """Both adapters by cross-validation over queries: each query is answered by an adapter that has not seen it.

    Where queries share relevant documents an adapter can gain by learning which documents are ever relevant. Where more than a tenth do, the same is measured on
    splits in which the relevant documents of the held-out queries are relevant to no training query (``splits``, "documents").
    """
    n = len(bench.subject.queries)
    parts = splits(bench.subject.relevant, folds=min(bench.plan.folds, n), seed=bench.plan.seed) if n >= 2 else []
    if not parts or min(p.train.size for p in parts) < LEAST_QUERIES:
        why = f"too few queries to train and to test: {n}"
        return [not_possible(_KEYS[side], _LABELS[side], why) for side in SIDES]
    found = _cross_validated(bench, parts, "queries")
    shared = _shared(bench)
    unseen = _on_unseen_documents(bench) if shared > _FEW * n else {}
    out = []
    for side in SIDES:
        kept, facts, problem = found[side]
        if problem:
            out.append(not_possible(_KEYS[side], _LABELS[side], problem))
            continue
        details: dict[str, Any] = {"folds": facts, "queries_that_share_a_relevant_document": shared}
        note = f"{len(parts)}-fold cross-validation over queries"
        if side in unseen:
            details["unseen_documents"] = unseen[side].to_dict()
            note += f"; {_unseen_words(unseen[side])}"
        elif shared:
            note += f"; {shared:,} of {n:,} queries share a relevant document with another, which an adapter may have learnt by heart"
        if not any(f["start"] != "unchanged" or f["ridge"] for f in facts):
            note += "; nothing beat the vectors as they are in training, so nothing was changed"
        elif side == "both" and not any(f["doc_ridge"] for f in facts):
            note += "; no document matrix helped in training, so documents were left as they are"
        out.append(bench.compared(_KEYS[side], _LABELS[side], kept, note=note, cost=_COSTS[side], details=details))
    return out


def trained_on_all(bench: Bench) -> LinearAdapter:
    """The query adapter of all queries, the one to use."""
    docs, queries = bench.short
    made = fit_adapter(queries, docs, bench.subject.relevant, sides="query", **_options(bench), progress=bench.progress)
    facts = {**made.facts, "trained_on": f"all {len(queries):,} queries of the diagnosis"}
    return LinearAdapter(made.query_matrix, made.query_bias, made.doc_matrix, made.doc_bias, made.cosine, facts)


def _options(bench: Bench) -> dict[str, Any]:
    return {"similarity": "cosine" if bench.cosine else "dot", "k": bench.subject.k, "seed": bench.plan.seed}


def _cross_validated(bench: Bench, parts: list, by: str) -> dict[str, tuple[np.ndarray, list[dict[str, Any]], str]]:
    """For each side: (kept pairs of the held-out queries, facts of every fold, why it is not possible)."""
    docs, queries = bench.short
    relevant = bench.subject.relevant
    kept = {side: np.zeros(relevant.members.size, bool) for side in SIDES}
    facts: dict[str, list[dict[str, Any]]] = {side: [] for side in SIDES}
    problems = dict.fromkeys(SIDES, "")
    fixed = bench.serving.index is not None and bench.serving.index.holds_documents
    with bench.progress.task(f"adapters, by {by}", len(parts)) as bar:
        for split in parts:
            fits = fit_adapters(queries[split.train], docs, part(relevant, split.train), by=by, **_options(bench))
            for side, adapter in zip(SIDES, fits):
                changed = None
                if adapter.changes_docs:
                    if fixed:
                        problems[side] = "the index holds the documents as they are"
                        continue
                    changed = bench.typed(_adapted_docs(bench, adapter, docs), bench.serving.dtype)
                lists = bench.search(queries=adapter.apply_queries(queries[split.held_out]), docs=changed).indices
                kept[side] |= bench.kept(lists, rows=split.held_out)
                facts[side].append({name: adapter.facts[name] for name in ("start", "start_ridge", "scale", "ridge", "doc_ridge")})
            bar.advance()
    return {side: (kept[side], facts[side], problems[side]) for side in SIDES}


def _adapted_docs(bench: Bench, adapter: LinearAdapter, docs: np.ndarray) -> np.ndarray:
    out = bench.scratch.array(docs.shape)
    for at in range(0, len(docs), _ROWS):
        out[at : at + _ROWS] = adapter.apply_docs(docs[at : at + _ROWS])
    return out


def _shared(bench: Bench) -> int:
    """Queries that have a relevant document in common with another query."""
    relevant = bench.subject.relevant
    often = np.bincount(relevant.members) > 1
    return int((bench.subject.per_query(often[relevant.members]) > 0).sum())


def _on_unseen_documents(bench: Bench) -> dict[str, Remedy]:
    relevant = bench.subject.relevant
    parts = [p for p in splits(relevant, folds=bench.plan.folds, by="documents", seed=bench.plan.seed) if p.train.size >= LEAST_QUERIES]
    if not parts:
        return {}
    rows = np.sort(np.concatenate([p.held_out for p in parts]))
    found = _cross_validated(bench, parts, "documents")
    return {
        side: bench.compared(_KEYS[side], _LABELS[side], kept, note="relevant documents unseen in training", cost="", rows=rows)
        for side, (kept, _, problem) in found.items()
        if not problem
    }


def _unseen_words(unseen: Remedy) -> str:
    assert unseen.recall is not None
    e = unseen.recall.difference
    n = unseen.recall.wins + unseen.recall.losses + unseen.recall.equal
    return (
        f"where no relevant document was seen in training: {100 * e.mean:+.1f} points ({100 * e.low:+.1f} to {100 * e.high:+.1f}, "
        f"{n:,} queries)"
    )
