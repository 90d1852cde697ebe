"""Remedy: another model orders the best documents again; and what the best of all such models could do."""

from __future__ import annotations

import numpy as np

from limitlab._core.errors import DataError
from limitlab._core.optional import require
from limitlab.diagnosis.remedies.bench import Bench
from limitlab.diagnosis.remedies.plan import Reranker
from limitlab.diagnosis.remedies.remedy import UPPER_BOUND, Remedy, not_possible

_PAIRS = 4096  # text pairs given to the model at once


def rerankers(bench: Bench) -> list[Remedy]:
    """The cross-encoder that was given, and the bound for every reranker of as many documents."""
    depth = min(bench.plan.rerank_depth, len(bench.subject.docs))
    out = [_bound(bench, depth)]
    if bench.plan.rerank is not None:
        label = f"cross-encoder on the first {depth:,}"
        if bench.texts is None:
            out.append(not_possible("rerank", label, bench.why_no_texts))
        else:
            out.append(_measured(bench, _scorer(bench.plan.rerank), depth, label))
    return out


def _bound(bench: Bench, depth: int) -> Remedy:
    """Relevant documents within the first ``depth``, or k where that is more, at most k a query; those retrieved before come first."""
    s = bench.subject
    inside = bench.kept(bench.wide.indices, k=max(depth, s.k))
    order = np.lexsort((~bench.before, ~inside, s.relevant.rows))
    place = np.empty(order.size, np.int64)
    place[order] = np.arange(order.size)
    fits = place - s.relevant.indptr[s.relevant.rows] < s.k
    note = f"every relevant document among the first {depth:,} is put first: no reranker of these lists does better"
    return bench.compared(
        "rerank-bound", f"a perfect reranker of the first {depth:,}", inside & fits, note=note, cost="not a system", kind=UPPER_BOUND
    )


def _measured(bench: Bench, score: Reranker, depth: int, label: str) -> Remedy:
    s, texts = bench.subject, bench.texts
    assert texts is not None
    lists = bench.wide.indices[:, :depth]
    again = np.full((len(lists), s.k), -1, np.int64)
    step = max(1, _PAIRS // max(1, depth))
    with bench.progress.task("rerank", len(lists)) as bar:
        for at in range(0, len(lists), step):
            rows = range(at, min(at + step, len(lists)))
            found = [lists[row][lists[row] >= 0] for row in rows]
            pairs = [(texts.queries[row], texts.docs[int(d)]) for row, docs in zip(rows, found) for d in docs]
            scores = np.asarray(score(pairs), np.float64).reshape(-1) if pairs else np.zeros(0)
            if scores.size != len(pairs) or not np.isfinite(scores).all():
                raise DataError(f"remedies: a cross-encoder must return one finite score a pair; got {scores.size} for {len(pairs)} pairs.")
            ends = np.cumsum([docs.size for docs in found])
            for row, docs, values in zip(rows, found, np.split(scores, ends[:-1])):
                below = bench.wide.indices[row, depth : s.k]  # not reranked: they stay where they are
                best = np.concatenate([docs[np.lexsort((s.places[docs], -values))], below[below >= 0]])[: s.k]
                again[row, : best.size] = best
            bar.advance(len(rows))
    cost = f"{depth:,} text pairs a query through the cross-encoder"
    return bench.compared("rerank", label, bench.kept(again), note=_words(bench), cost=cost)


def _words(bench: Bench) -> str:
    given = bench.plan.rerank
    return f"model {given}" if isinstance(given, str) else f"function {getattr(given, '__name__', 'given')}"


def _scorer(given: str | Reranker) -> Reranker:
    if not isinstance(given, str):
        return given
    models = require("sentence_transformers", extra="models", what="cross-encoders", package="sentence-transformers")
    model = models.CrossEncoder(given)
    return lambda pairs: model.predict(pairs, show_progress_bar=False)
