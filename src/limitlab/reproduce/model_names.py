"""Which of our retrievers is which model of the published tables."""

from __future__ import annotations

from collections.abc import Sequence

from limitlab.published import PublishedValue, lookup
from limitlab.reproduce.experiment import Compared, compared

# our name -> names in published/data/results.json, by kind
PAPER = {
    "bm25": ("BM25",),
    "e5-mistral-7b-instruct": ("E5-Mistral 7B",),
    "gritlm-7b": ("GritLM 7B",),
    "promptriever-llama3.1-8b": ("Promptriever Llama3 8B",),
    "qwen3-embedding-8b": ("Qwen3 Embed",),
    "snowflake-arctic-embed-l-v2.0": ("Snowflake Arctic L",),
    "gemini-embedding-001": ("Gemini Embed",),
    "gte-moderncolbert-v1": ("GTE-ModernColBERT",),
}
REPRODUCTIONS = {
    "bm25": ("mteb/baseline-bm25s", "Lucene BM25", "BM25 (own, k1=1.5 b=0.75 Lucene idf)", "BM25 (Milvus Lite k1=1.2 b=0.75)"),
    "minilm": (
        "sentence-transformers/all-MiniLM-L6-v2",
        "sentence-transformers/all-MiniLM-L6-v2 (MTEB)",
        "sentence-transformers/all-MiniLM-L6-v2 (Lucene HNSW, run 1)",
        "sentence-transformers/all-MiniLM-L6-v2 (Lucene HNSW, run 2)",
    ),
    "qwen3-embedding-0.6b": ("Qwen/Qwen3-Embedding-0.6B",),
    "e5-mistral-7b-instruct": ("intfloat/e5-mistral-7b-instruct via SentenceTransformer() (not mteb.get_model)",),
    "e5-base-v2": ("intfloat/e5-base-v2",),
    "bge-base-en-v1.5": ("BAAI/bge-base-en-v1.5",),
    "gte-moderncolbert-v1": ("GTE-ModernColBERT-v1 (PyLate+Voyager)",),
}


def published_of(retriever: str, dataset: str, metric: str, dim: int | None, *, full: int | None = None) -> PublishedValue | None:
    """The paper's number for one of our rows: at its dimension, or a model's own size where ``dim`` is that size."""
    names = PAPER.get(retriever.partition(":")[0], ())
    found = [v for name in names for v in lookup(dataset=dataset, metric=metric, model=name, kind="paper")]
    if dim is None:
        return found[0] if found else None
    exact = [v for v in found if v.dim == dim]
    own = [v for v in found if v.dim == "default"] if dim == full else []
    chosen = exact or own
    return chosen[0] if chosen else None


def not_run(dataset: str, metrics: Sequence[str], rows: Sequence[Compared]) -> list[Compared]:
    """The paper's other numbers on a dataset, so that a reader sees all of them: models that were not asked for, dimensions that ours lack."""
    ours = {name: key for key, names in PAPER.items() for name in names}
    shown = {(r.what, r.published, r.source) for r in rows if r.published is not None}
    out = []
    for value in (v for m in metrics for v in lookup(dataset=dataset, metric=m, kind="paper")):
        if (value.metric, value.value, value.source) in shown and value.model in _run(rows, ours):
            continue
        name = ours.get(value.model or "")
        dim = f"@{value.dim}" if isinstance(value.dim, int) else ""
        how = f"not asked for: -m {name}" if name else "no retriever of this name here"
        out.append(compared(value.metric, f"{value.model}{dim}", value.value, source=value.source, not_run=how))
    return out


def _run(rows: Sequence[Compared], ours: dict[str, str]) -> set[str]:
    """Published names of the models that ours have rows of."""
    run = {r.setting.partition("@")[0].partition(",")[0].partition(":")[0] for r in rows}
    return {published for published, name in ours.items() if name in run}


def reproductions_of(retriever: str, dataset: str, metric: str) -> tuple[tuple[str, float, str], ...]:
    """((name, value, source), ...) of others, at full dimension."""
    names = REPRODUCTIONS.get(retriever.partition(":")[0], ())
    found = (v for name in names for v in lookup(dataset=dataset, metric=metric, model=name, kind="reproduction"))
    return tuple((str(v.model), v.value, v.source) for v in found)
