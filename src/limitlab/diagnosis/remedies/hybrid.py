"""Remedy: vectors and BM25 together, by reciprocal rank or by weighted scores."""

from __future__ import annotations

import numpy as np

from limitlab._core.shares import percent
from limitlab.diagnosis.remedies.bench import Bench
from limitlab.diagnosis.remedies.remedy import Remedy, not_possible
from limitlab.retrieval.adapters import splits
from limitlab.retrieval.bm25 import BM25
from limitlab.search import fused

_WEIGHTS = tuple(i / 10 for i in range(11))
_COST = "a second index, over words, and two searches a query"
_NAMES = (("hybrid-rrf", "hybrid with BM25 by reciprocal rank"), ("hybrid-weighted", "weighted hybrid with BM25"))


def hybrids(bench: Bench) -> list[Remedy]:
    """Both fusions of the lists as served with those of BM25; the weight of each query is chosen on the other folds."""
    if bench.texts is None:
        return [not_possible(key, label, bench.why_no_texts) for key, label in _NAMES]
    s = bench.subject
    words = BM25()
    words.index(bench.texts.docs, bench.texts.queries, progress=bench.progress)
    lexical = words.search(k=bench.width, places=s.places, relevant=s.relevant, progress=bench.progress)
    lists = [bench.wide, lexical]
    alone = bench.compared("bm25", "BM25 alone", bench.kept(lexical.indices), note="", cost="")
    said = f"lists of {bench.width:,} documents; BM25 alone has recall@{s.k} {percent(alone.after['recall'].mean)} %"
    kept = bench.kept(fused(lists, k=s.k, places=s.places, method="rrf").indices)
    (key, label), weighted = _NAMES
    return [bench.compared(key, label, kept, note=said, cost=_COST), _weighted(bench, lists, said, *weighted)]


def _weighted(bench: Bench, lists: list, said: str, key: str, label: str) -> Remedy:
    s = bench.subject
    kept = np.stack(
        [bench.kept(fused(lists, k=s.k, places=s.places, method="weighted", weights=[w, 1 - w]).indices) for w in _WEIGHTS]
    )  # (weights, n_pairs)
    recall = np.stack([s.per_query(row) / s.sizes for row in kept])  # (weights, n_queries)
    parts = splits(s.relevant, folds=min(bench.plan.folds, len(s.sizes)), seed=bench.plan.seed) if len(s.sizes) > 1 else []
    if not parts:
        return not_possible(key, label, "too few queries to choose a weight on some and to test on others")
    after = np.zeros(kept.shape[1], bool)
    chosen = []
    for split in parts:
        means = recall[:, split.train].mean(axis=1)
        best = min(np.flatnonzero(means >= means.max() - 1e-12), key=lambda i: (abs(_WEIGHTS[i] - 0.5), i))
        held = np.isin(s.relevant.rows, split.held_out)
        after[held] = kept[best][held]
        chosen.append(_WEIGHTS[best])
    note = f"weight of the vectors, chosen on the other folds: {', '.join(f'{w:g}' for w in sorted(set(chosen)))}; {said}"
    return bench.compared(key, label, after, note=note, cost=_COST, details={"weights_of_the_vectors": chosen})
