"""Every kind of page with something in every section. Loaded by path, like the other samples."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from limitlab.capacity.phase_diagram import PhaseMap, PhasePoint
from limitlab.data import Dataset
from limitlab.diagnosis import RemedyPlan, diagnose
from limitlab.evaluation import Estimate
from limitlab.ledger import Ledger
from limitlab.relevance import RelevanceMatrix, random
from limitlab.report import (
    write_bounds_report,
    write_capacity_report,
    write_critical_n_report,
    write_diagnosis_report,
    write_report,
    write_reproduction_report,
    write_training_report,
)
from limitlab.reproduce.catalogue import EXPERIMENTS
from limitlab.theory import bounds
from limitlab.training import Change, CurvePoint, TrainConfig, TrainedModel, TrainResult

Page = Callable[..., Path]  # (path, language=)


def sample(name: str) -> ModuleType:
    """A module of samples beside this one."""
    full = f"chinese_{name}"
    if full not in sys.modules:
        spec = importlib.util.spec_from_file_location(full, Path(__file__).with_name(f"{name}.py"))
        assert spec is not None and spec.loader is not None
        sys.modules[full] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[full])
    return sys.modules[full]


def pages(folder: Path) -> dict[str, Page]:
    """A function for every page; it writes the page to a path in a language."""
    out: dict[str, tuple[Callable[..., Path], Any]] = {}
    made = sample("sample_results")
    for name in ("limit_result", "pattern_result", "flat_result", "one_row_result", "empty_result"):
        out[name] = (write_report, made.ALL[name]())
    compared = made.limit_result()
    names = [r.name for r in compared.rows if r.artefact is not None]
    out["compared"] = (lambda result, path, **o: write_report(result, path, compare=[(names[0], names[-1])], **o), compared)
    made = sample("sample_critical_n")
    for name in ("full_result", "whole_range_result", "certified_result", "one_row_result", "empty_result"):
        out[f"critical_n_{name}"] = (write_critical_n_report, made.ALL[name]())
    points = (PhasePoint(10, 4, 16, 4, "a"), PhasePoint(100, 4, 32, 8, "b"), PhasePoint(10**7, 5, 512, None, None))
    for k in (1, 2, 3):
        out[f"capacity_{k}"] = (write_capacity_report, PhaseMap(k, 0.1 * (k == 3), "float32", "float32", (2, 1024), points))
    out["bounds"] = (write_bounds_report, bounds(random(20, 30, k=4), seconds=0.3))
    out["bounds_sets"] = (write_bounds_report, bounds(n_docs=46, k=2, query_bits=8, doc_bits=8, seconds=0.1))
    out |= {f"diagnosis_{name}": (write_diagnosis_report, found) for name, found in diagnoses(folder).items()}
    out["training"] = (write_training_report, trained())
    out["reproduction"] = (write_reproduction_report, outcomes())
    return {name: _page(write, result) for name, (write, result) in out.items()}


def _page(write: Callable[..., Path], result: Any) -> Page:
    return lambda path, **options: write(result, path, **options)


def diagnoses(folder: Path) -> dict[str, Any]:
    """Losses at every level; vectors with every flaw that the geometry looks for; texts with remedies."""
    ledger, rng = Ledger(folder), np.random.default_rng(1)
    names = [f"d{j}" for j in range(50)]
    matrix = RelevanceMatrix.from_pairs(
        np.repeat(np.arange(8), 3), rng.permutation(50)[:24], query_ids=[f"q{i}" for i in range(8)], doc_ids=names
    )
    run = {f"q{i}": [names[j] for j in matrix.row(i)[: 1 + i % 3]] for i in range(8)}
    out = {"run": diagnose(matrix, docs=rng.standard_normal((50, 8)), queries=rng.standard_normal((8, 8)), k=4, run=run, ledger=ledger)}
    texts, asked = {f"d{j}": f"thing{j}x" for j in range(30)}, {f"q{i}": f"thing{i}x" for i in range(12)}
    data = Dataset.from_texts(texts, asked, {f"q{i}": {f"d{i}": 1} for i in range(12)})
    plan = RemedyPlan(("hybrid", "rerank", "cut", "adapter"), folds=3)
    given = {"docs": rng.standard_normal((30, 6)), "queries": rng.standard_normal((12, 6))}
    out["remedies"] = diagnose(data, **given, k=2, remedies=plan, ledger=ledger)  # type: ignore[arg-type]
    docs = rng.standard_normal((300, 16)) + 0.8
    docs[5:9], docs[:, 3], docs[20] = docs[4], 0.5, 40 * docs[20]
    docs[:, 7] *= 6
    docs[100:150] = docs[99] + 1e-3 * rng.standard_normal((50, 16))
    pairs = np.r_[np.arange(30), np.arange(30)]
    flawed = RelevanceMatrix.from_pairs(pairs, np.r_[np.arange(30), np.arange(30) + 60], query_ids=range(30), doc_ids=range(300))
    queries = docs[:30] + 0.9 * rng.standard_normal((30, 16))
    plan = RemedyPlan(("serving", "cut"), folds=3)
    out["served"] = diagnose(flawed, docs=docs, queries=queries, k=5, dim=8, dtype="int8", remedies=plan, ledger=ledger)
    out["dot"] = diagnose(flawed, docs=docs, queries=queries, k=5, similarity="dot", ledger=ledger)
    return out


def trained() -> TrainResult:
    """Both splits, two seeds, task and general questions, a drowning curve."""
    models, changes = [], []
    for split, after in (("train", 0.41), ("test", 0.93)):
        for seed in (0, 1):
            config = TrainConfig(base="minilm", split=split, dim=64, seed=seed).resolved()
            facts = {"pairs": 40, "queries": 20, "documents": 7, "steps": 10, "pairs_per_step": 7.5, "false_negative_share": 0.25}
            points = (CurvePoint(0, trained=0.2, evaluated=0.3), CurvePoint(5, loss=2.0), CurvePoint(10, trained=0.9, evaluated=0.4))
            name = f"{config.name} ({config.warning})" if config.warning else config.name
            models.append(TrainedModel(name, f"{split}{seed}", config, "folder", points, facts, (), {}))
        for kind, data, n in (("task", "LIMIT, 46 documents", 46), ("task", "LIMIT, 1,000 documents", 1_000), ("general", "general", 170)):
            for measure in ("recall@1", "recall@10"):
                low, high, gain = Estimate(0.3, 0.25, 0.35), Estimate(after, after - 0.05, after + 0.05), Estimate(0.1, 0.05, 0.15)
                changes.append(Change(kind, data, n, split, 64, measure, low, high, (after, after), gain, 0.99, 0.11))
    config = {"data": "limit", "base": "minilm", "command": ["limitlab", "train"]}
    return TrainResult(tuple(models), tuple(changes), config=config)


def outcomes() -> list[dict[str, Any]]:
    """Every experiment of the catalogue, with every verdict."""
    row = {
        "what": "recall@2", "setting": "bm25", "published": 97.8, "source": "https://example.org/table", "ours": 97.0, "low": 96.0, "high": 98.0,
        "unit": "percent", "others": [["somebody", 99.15, "https://example.org/other"]], "verdict": "agrees", "why": "inside our 95 % interval",
        "difference": -0.8, "before": 41.25,
    }  # fmt: skip
    other = {**row, "verdict": "not comparable", "why": "data of our own: the same recipe, other words; size small"}
    none: dict[str, Any] = {**row, "ours": None, "low": None, "high": None, "difference": None, "others": [], "verdict": "not run"}
    counts = {"agrees": 1, "not comparable": 1, "not run": 1}
    found = []
    for e in EXPERIMENTS.values():
        about = {
            "name": e.name,
            "title": e.title,
            "claim": e.claim,
            "since": list(e.since),
            "says": [],
            "size": "small",
            "status": "solved",
        }
        rest = {"message": "", "config": {}, "provenance": {"wall_seconds": 3.0}, "run_ids": ["1", "2"]}
        found.append({**about, **rest, "rows": [row, other, {**none, "why": "not asked for"}], "counts": counts})
    return found
