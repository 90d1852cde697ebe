"""The four relevance patterns [Weller2025, figure 5]: dense is the hardest for embeddings, and easy for BM25."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from limitlab._core.status import Status
from limitlab.relevance import PATTERNS
from limitlab.reproduce.asked import Asked, Found
from limitlab.reproduce.experiment import Compared, compared
from limitlab.reproduce.limit_recall import N_DOCS, N_QUERIES, failures
from limitlab.reproduce.model_names import not_run, published_of
from limitlab.reproduce.patterns import reproduce_patterns

_MEASURE = "recall@100"
_ALIKE = 1.0  # points


def pattern_recall(asked: Asked) -> Found:
    """R@100 on LIMIT with each of the four patterns; data of our own."""
    n_queries = N_QUERIES[asked.size]
    found = reproduce_patterns(
        n_docs=max(N_DOCS[asked.size], 2 * n_queries),
        n_queries=n_queries,
        seed=asked.seed,
        retrievers=asked.models,
        ledger=asked.ledger,
        command=asked.command,
        progress=asked.progress,
    )
    pattern_of = {d.name: d.pattern or "" for d in found.result.datasets}
    rows: list[Compared] = []
    for row in found.result.rows:
        paper = published_of(row.retriever, f"LIMIT-qrel-{pattern_of[row.dataset]}", _MEASURE, row.dim, full=row.dim)
        if row.status is Status.SOLVED:
            e = row.measures[_MEASURE]
            rows.append(
                compared(
                    _MEASURE,
                    f"{row.name}, {pattern_of[row.dataset]}",
                    paper.value if paper else None,
                    source=paper.source if paper else "",
                    ours=100 * e.mean,
                    low=100 * e.low,
                    high=100 * e.high,
                    size=asked.size,
                    departs=["data of our own: the same recipe, other words"],
                )
            )
    for pattern in PATTERNS:
        of_pattern = [r for r in rows if r.setting.endswith(f", {pattern}")]
        missing = not_run(f"LIMIT-qrel-{pattern}", [_MEASURE], of_pattern)
        rows += [replace(r, setting=f"{r.setting}, {pattern}") for r in missing]
    return Found(rows, _says(found.ours), found.result.run_ids, failures(found.result))


def _says(ours: Mapping[str, Mapping[str, float]]) -> list[str]:
    """In one sentence for whom which pattern is the hardest, then the numbers of each retriever."""
    lines: list[str] = []
    hardest: dict[str, list[str]] = {}
    for name, values in ours.items():
        if len(values) == len(PATTERNS):
            least = min(PATTERNS, key=lambda p: values[p])
            alike = max(values.values()) - values[least] < _ALIKE
            hardest.setdefault("" if alike else least, []).append(name)
            lines.append(f"{name}: {', '.join(f'{p} {values[p]:.1f}' for p in PATTERNS)}.")
    said = [f"{pattern} is the hardest for {', '.join(hardest[pattern])}" for pattern in PATTERNS if pattern in hardest]
    said += [f"all are alike, within {_ALIKE:g} point, for {', '.join(hardest[''])}"] if "" in hardest else []
    return [f"Of the four patterns {'; '.join(said)}.", *lines] if said else []
