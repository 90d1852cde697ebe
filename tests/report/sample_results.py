"""Evaluation results as they come out of a run, without running one. Loaded by the conftest files beside the tests."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from limitlab._core.status import Status
from limitlab.evaluation import DatasetFacts, Estimate, EvaluationResult, Row

MEASURES = ("recall@2", "recall@10", "recall@20", "recall@100", "all_relevant@2", "ndcg@10", "mrr@10")
DIMS = (32, 64, 128, 256, 384)
# Mean recall in [0, 1] by retriever and cut (2, 10, 20, 100); for those with dims, at the least and the greatest dim.
SMALL = {
    "bm25": (0.972, 1.0, 1.0, 1.0),
    "minilm": ((0.07, 0.19), (0.33, 0.55), (0.55, 0.77), (1.0, 1.0)),
    "token-sums": ((0.12, 0.42), (0.4, 0.8), (0.62, 0.93), (1.0, 1.0)),
}
LARGE = {
    "bm25": (0.861, 0.901, 0.914, 0.934),
    "minilm": ((0.0, 0.004), (0.002, 0.011), (0.003, 0.018), (0.007, 0.031)),
    "token-sums": ((0.001, 0.03), (0.004, 0.071), (0.008, 0.1), (0.02, 0.21)),
}
PATTERNS = {"dense": (0.93, 0.031, 0.19), "random": (0.961, 0.21, 0.24), "cycle": (0.955, 0.22, 0.25), "disjoint": (0.968, 0.25, 0.26)}
FAMILIES = {"bm25": "lexical", "minilm": "dense", "token-sums": "untrained"}
LABELS = {"bm25": "BM25", "minilm": "all-MiniLM-L6-v2", "token-sums": "random token sums"}
PROVENANCE = {
    "engine": {"engine": "ray", "version": "2.60.0", "workers": 16, "machines": 2, "cluster": "joined", "start_seconds": 3.1},
    "created": "2026-11-20T09:30:00+00:00",
    "versions": {"python": "3.11.2", "limitlab": "0.1.0", "numpy": "2.4.6", "bm25s": "0.2.14", "sentence-transformers": "6.0.0"},
    "machine": {
        "cpu": "Intel(R) Xeon(R) Platinum 8481C CPU @ 2.70GHz",
        "simd": ["avx2"],
        "cores": 8,
        "memory_gib": 31.3,
        "os": "Linux",
        "arch": "x86_64",
    },
    "git_commit": "0123456789ab",
    "peak_memory_bytes": 3_400_000_000,
    "wall_seconds": 318.4,
}


def small_facts() -> DatasetFacts:
    """The size of LIMIT-small."""
    graph = {"n_queries": 1000, "n_edges": 42_696, "density": 0.085481, "mean_query_strength": 28.4653}
    return DatasetFacts(
        "LIMIT (46 documents)",
        "5f1c2a9be0d7c411",
        46,
        1000,
        2000,
        "dense",
        "LIMIT-small",
        graph,
        {"vocabulary": "limitlab, 1,850 attributes"},
    )


def large_facts() -> DatasetFacts:
    """The size of LIMIT."""
    notes = {"documents_without_queries": 49_954, "vocabulary": "limitlab, 1,850 attributes"}
    return DatasetFacts(
        "LIMIT (50,000 documents)", "c07d11e42a90b3f5", 50_000, 1000, 2000, "dense", "LIMIT", small_facts().query_graph, notes
    )


class Builder:
    """Rows with per-query values that average to given means; every value drawn from one seeded generator."""

    def __init__(self, seed: int = 0) -> None:
        self.rng = np.random.default_rng(seed)
        self.arrays: dict[str, dict[str, np.ndarray]] = {}

    def row(self, facts: DatasetFacts, retriever: str, dim: int | None, recalls: dict[str, float], *, predicted: bool = False) -> Row:
        """One solved row."""
        values: dict[str, np.ndarray] = {}
        uniform = self.rng.random((facts.n_queries, 2))
        for name, mean in recalls.items():
            values[name] = (uniform < mean).mean(axis=1)
        first = values["recall@2"]
        values["all_relevant@2"] = (first >= 1).astype(float)
        values["ndcg@10"] = 0.8 * values["recall@10"] + 0.2 * first
        values["mrr@10"] = np.where(values["recall@10"] > 0, 0.5 + 0.5 * first, 0.0)
        estimates = {m: self.estimate(values[m]) for m in MEASURES}
        sha = f"{len(self.arrays):064x}"
        self.arrays[sha] = values
        cost = {"search_seconds": round(0.4 + (dim or 20) / 700, 3), "bytes_per_doc": 4.0 * (dim or 30)}
        if dim is None:
            cost = {"index_seconds": 1.92, **cost}
        else:
            cost = {"encode_seconds": 41.0 if retriever == "minilm" else 2.2, "docs_per_second": 1220.0, **cost}
        told = dict(recalls.items()) if predicted else {}
        return Row(
            facts.name,
            retriever,
            LABELS.get(retriever, retriever),
            dim,
            Status.SOLVED,
            "",
            estimates,
            0.012,
            told,
            cost,
            {},
            {"r": retriever},
            f"{retriever}{dim}",
            sha,
            FAMILIES.get(retriever, "other"),
        )

    def estimate(self, values: np.ndarray) -> Estimate:
        """Mean and a normal interval clipped to [0, 1]: these are samples for drawing, not results."""
        mean, half = float(values.mean()), 1.96 * float(values.std()) / np.sqrt(len(values))
        return Estimate(mean, max(0.0, mean - half), min(1.0, mean + half))

    def rows(self, facts: DatasetFacts, table: dict, dims: tuple[int, ...] = DIMS) -> list[Row]:
        """All retrievers of a table of means."""
        cuts = ("recall@2", "recall@10", "recall@20", "recall@100")
        out = [self.row(facts, "bm25", None, dict(zip(cuts, table["bm25"])))]
        for name in ("minilm", "token-sums"):
            for dim in dims:
                t = np.log2(dim / 32) / np.log2(384 / 32)
                means = {c: float(low + (high - low) * t**1.3) for c, (low, high) in zip(cuts, table[name])}
                out.append(self.row(facts, name, dim, means, predicted=name == "token-sums"))
        return out

    def load(self) -> Callable[[str], dict[str, np.ndarray]]:
        """What ``EvaluationResult.load_arrays`` expects."""
        return self.arrays.__getitem__


def failed_row(dataset: str) -> Row:
    """A row without numbers."""
    return Row(dataset, "gte-large", "gte-large", 1024, Status.FAILED, "MissingExtra: dense retrievers need sentence-transformers.", {})


def limit_result() -> EvaluationResult:
    """Both sizes of LIMIT, three retrievers, one failed row."""
    build = Builder()
    small, large = small_facts(), large_facts()
    rows = [*build.rows(small, SMALL), *build.rows(large, LARGE), failed_row(large.name)]
    config = {
        "command": ["limitlab", "eval", "limit-50k", "--retriever", "bm25,minilm,token-sums", "--dim", "32,64,128,256,384"],
        "ties": "trec",
        "seed": 0,
    }
    return EvaluationResult(
        tuple(rows), (small, large), ("run-7c21", "run-7c22"), Status.FAILED, "1 of 23 rows failed.", config, PROVENANCE, build.load()
    )


def pattern_result() -> EvaluationResult:
    """Four patterns at 50,000 documents."""
    build = Builder(1)
    rows, datasets = [], []
    for pattern, (lexical, dense, sums) in PATTERNS.items():
        facts = replace(large_facts(), name=f"LIMIT {pattern}", pattern=pattern, published_as=f"LIMIT-qrel-{pattern}")
        rows += build.rows(
            facts,
            {
                "bm25": (lexical,) * 4,
                "minilm": ((0.0, dense / 4), (0.0, dense / 2), (0.0, dense), (0.01, dense)),
                "token-sums": ((0.0, sums / 4), (0.0, sums / 2), (0.0, sums), (0.02, sums)),
            },
            (32, 128, 384),
        )
        datasets.append(facts)
    return EvaluationResult(
        tuple(rows), tuple(datasets), ("run-90aa",), config={"seed": 0}, provenance=PROVENANCE, load_arrays=build.load()
    )


def own_result(n_retrievers: int = 30) -> EvaluationResult:
    """A user's own corpus with many retrievers, and names that try to break the page."""
    build = Builder(2)
    facts = DatasetFacts(
        'Support </script><script>alert("x")</script> 检索 & <b>Größe</b>',
        "ff",
        812_000,
        240,
        611,
        notes={"empty_documents": 3, "<i>note</i>": "<u>x</u>"},
    )
    rows = []
    for i in range(n_retrievers):
        name = f"own {i} <img src=x onerror=alert(1)> $x_1$ | {'x' * (i * 2)}"
        mean = 0.15 + 0.8 * (i + 1) / (n_retrievers + 1)
        rows.append(
            build.row(
                facts,
                name,
                None if i % 3 == 0 else 128 * (1 + i % 4),
                {f"recall@{k}": min(1.0, mean + 0.02 * j) for j, k in enumerate((2, 10, 20, 100))},
            )
        )
    return EvaluationResult(tuple(rows), (facts,), load_arrays=build.load())


def flat_result() -> EvaluationResult:
    """Retrievers without dimensions only."""
    build = Builder(3)
    facts = replace(large_facts(), name="own notes", pattern=None, published_as=None)
    means = {"recall@2": 0.4, "recall@10": 0.6, "recall@20": 0.7, "recall@100": 0.8}
    rows = tuple(build.row(facts, name, None, {k: v - 0.1 * i for k, v in means.items()}) for i, name in enumerate(("bm25", "tf-idf")))
    return EvaluationResult(rows, (facts,), provenance=PROVENANCE, load_arrays=build.load())


def one_row_result() -> EvaluationResult:
    """One dense row, no per-query values at hand."""
    build = Builder(4)
    row = build.row(large_facts(), "minilm", 384, {"recall@2": 0.004, "recall@10": 0.011, "recall@20": 0.018, "recall@100": 0.031})
    return EvaluationResult((row,), (large_facts(),))


def all_failed_result() -> EvaluationResult:
    """Nothing solved."""
    return EvaluationResult((failed_row("LIMIT (50,000 documents)"),), (large_facts(),), status=Status.FAILED, message="All rows failed.")


def empty_result() -> EvaluationResult:
    """Nothing at all."""
    return EvaluationResult((), ())


ALL = {f.__name__: f for f in (limit_result, pattern_result, own_result, flat_result, one_row_result, all_failed_result, empty_result)}
