"""The four relevance patterns side by side [Weller2025, section 5.4]: BM25 far ahead on each, dense the hardest for embeddings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from limitlab._core.progress import SILENT, Progress
from limitlab._core.status import Status
from limitlab.data import make_limit
from limitlab.evaluation import EvaluationResult, evaluate
from limitlab.ledger import Ledger
from limitlab.published import curve
from limitlab.relevance import PATTERNS


@dataclass(frozen=True)
class PatternComparison:
    """Our numbers beside the published ones.

    Attributes
    ----------
    result
        One dataset a pattern.
    measure
        The compared measure.
    ours
        ``{row name: {pattern: value in percent}}``.
    published
        ``{model: {pattern: value in percent}}`` at each model's greatest dimension.
    """

    result: EvaluationResult
    measure: str
    ours: dict[str, dict[str, float]]
    published: dict[str, dict[str, float]]

    def to_dict(self) -> dict[str, Any]:
        """Plain values with a schema version."""
        return {
            "schema": "limitlab.patterns/1",
            "measure": self.measure,
            "ours": self.ours,
            "published": self.published,
            "result": self.result.to_dict(),
        }


def reproduce_patterns(
    *,
    n_docs: int = 50_000,
    n_queries: int = 1_000,
    k: int = 2,
    seed: int = 0,
    retrievers: Sequence[Any] = ("bm25", "minilm"),
    dims: Sequence[int] | None = None,
    ledger: Ledger | None = None,
    command: Sequence[str] | None = None,
    progress: Progress = SILENT,
) -> PatternComparison:
    """Make LIMIT with each of the four patterns and evaluate retrievers on them.

    Documents that no query asks about are the same in all four, so an encoder sees them once.
    """
    data = [
        make_limit(n_docs=n_docs, n_queries=n_queries, k=k, seed=seed, pattern=p, name=f"LIMIT {p}, {n_docs:,} documents") for p in PATTERNS
    ]
    result = evaluate(
        data,
        list(retrievers),
        dims=dims,
        title=f"patterns, {n_docs:,} documents",
        kind="patterns",
        ledger=ledger,
        command=command,
        progress=progress,
    )
    measure = "recall@100"
    pattern_of = {d.name: d.pattern or "" for d in result.datasets}
    ours: dict[str, dict[str, float]] = {}
    for row in result.rows:
        if row.status is Status.SOLVED:
            ours.setdefault(row.name, {})[pattern_of[row.dataset]] = 100 * row.measures[measure].mean
    published: dict[str, dict[str, float]] = {}
    for pattern in PATTERNS:
        for model, pairs in curve(f"LIMIT-qrel-{pattern}", measure).items():
            published.setdefault(model, {})[pattern] = pairs[-1][1]
    return PatternComparison(result, measure, ours, published)
