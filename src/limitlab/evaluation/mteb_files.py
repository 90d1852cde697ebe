"""Results as MTEB keeps them: ``{model}/{revision}/{Task}.json`` with ``model_meta.json`` beside it."""

from __future__ import annotations

import importlib.metadata
import itertools
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from limitlab._core.errors import DataError, InvalidArgument
from limitlab._core.files import write_text
from limitlab._core.status import Status
from limitlab.data.mteb_task import K_VALUES, task_name

if TYPE_CHECKING:
    from limitlab.evaluation.result import DatasetFacts, EvaluationResult, Row

_NAMES = {"recall": "recall", "ndcg": "ndcg", "mrr": "mrr"}  # ours that mean the same in MTEB; all_relevant is none of MTEB's


def write_mteb(result: EvaluationResult, folder: str | Path, *, language: str = "eng-Latn", split: str = "test") -> list[Path]:
    """Write every solved row as a task result of MTEB.

    From the exact ranks, where the ledger still holds them, all of MTEB's measures but nAUC are written at its cuts (1, 2, 3, 5, 10, 20,
    100, 1,000); otherwise only those of the row. nDCG is written where the row has it, and from the ranks where all grades are 1.

    Parameters
    ----------
    folder
        Put into ``ResultCache`` of mteb: its folder ``results`` holds what is written here.
    language, split
        As MTEB names them.

    Returns
    -------
    The task files written.

    Raises
    ------
    InvalidArgument
        Ties were not broken as trec_eval and MTEB do, or no row has numbers.
    """
    if any(config.get("ties") != "trec" for config in _configs(result.config)):
        raise InvalidArgument("to_mteb(): MTEB breaks ties by id, descending; evaluate with ties='trec'.")
    if any(config.get("min_relevance", 1) != 1 for config in _configs(result.config)):
        raise InvalidArgument("to_mteb(): in MTEB every positive grade is relevant; evaluate with min_relevance=1.")
    rows = [row for row in result.rows if row.status is Status.SOLVED]
    if not rows:
        raise InvalidArgument("to_mteb(): no row of this result has numbers.")
    written = []
    for row in rows:
        facts = next(d for d in result.datasets if d.name == row.dataset)
        scores = _scores(result, row, binary="greatest_grade" not in facts.notes)
        home = Path(folder) / _model(row).replace("/", "__").replace(" ", "_") / row.key[:24]
        written.append(write_text(home / f"{task_name(row.dataset)}.json", _text(_task(row, facts, scores, language, split))))
        write_text(home / "model_meta.json", _text(_meta(row)))
    return written


def _configs(config: dict[str, Any]) -> list[dict[str, Any]]:
    return [c for part in config["merged"] for c in _configs(part)] if "merged" in config else [config]


def _model(row: Row) -> str:
    """``limitlab/minilm (embed_dim=128)``: MTEB's way of naming a model cut to a dimension."""
    name = re.sub(r"[^\w.,=()+-]+", "-", row.retriever).strip("-")
    return f"limitlab/{name}" + (f" (embed_dim={row.dim})" if row.dim is not None else "")


def _scores(result: EvaluationResult, row: Row, *, binary: bool) -> dict[str, float]:
    """MTEB's names and means of its measures."""
    from limitlab.evaluation.measures import Measure

    out: dict[str, float] = {}
    try:
        if row.artefact is not None and result.load_arrays is not None:
            arrays = result.load_arrays(row.artefact)
            out = scores_of_ranks(arrays["rank"], arrays["rank_indptr"], binary=binary)
    except (DataError, KeyError):  # the ledger was emptied: what the row itself says is left
        out = {}
    for name, estimate in row.measures.items():
        measure = Measure.parse(name)
        if measure.kind in _NAMES:
            out[f"{_NAMES[measure.kind]}_at_{measure.k}"] = estimate.mean
    return out


def scores_of_ranks(ranks: np.ndarray, indptr: np.ndarray, *, binary: bool, cuts: tuple[int, ...] = K_VALUES) -> dict[str, float]:
    """Means over queries of MTEB's measures, from the rank of every relevant document.

    Parameters
    ----------
    ranks
        (n_pairs,) ranks from 1; 0 where a document was not retrieved.
    indptr
        (n_queries + 1,): the pairs of query i are indptr[i] .. indptr[i+1].
    binary
        Whether all grades are 1: nDCG is computed only then.

    Returns
    -------
    recall, precision, map, mrr and hit_rate at every cut, and ndcg; each as trec_eval defines it.
    """
    sums: dict[str, float] = {}
    spans = [np.sort(ranks[a:b][ranks[a:b] > 0]) for a, b in itertools.pairwise(indptr)]
    sizes = np.diff(indptr)
    counted = sizes > 0
    for found, size in zip([s for s, c in zip(spans, counted) if c], sizes[counted]):
        for k in cuts:
            top = found[found <= k]
            ideal = (1 / np.log2(np.arange(2, min(size, k) + 2))).sum()
            values = {
                "recall": top.size / size,
                "precision": top.size / k,
                "map": float((np.arange(1, top.size + 1) / top).sum() / size),
                "mrr": 1 / top[0] if top.size else 0.0,
                "hit_rate": float(top.size > 0),
                **({"ndcg": float((1 / np.log2(top + 1.0)).sum() / ideal)} if binary else {}),
            }
            for kind, value in values.items():
                sums[f"{kind}_at_{k}"] = sums.get(f"{kind}_at_{k}", 0.0) + value
    return {name: value / int(counted.sum()) for name, value in sums.items()}


def _task(row: Row, facts: DatasetFacts, scores: dict[str, float], language: str, split: str) -> dict[str, Any]:
    usual = "recall_at_2" if facts.pattern else "ndcg_at_10"  # as mteb_task has it
    main = next((n for n in (usual, "recall_at_10", *scores) if n in scores), None)
    if main is None:
        raise InvalidArgument(f"to_mteb(): {row.name} has no measure that MTEB knows; evaluate recall, ndcg or mrr.")
    rounded = {name: round(value, 6) for name, value in scores.items()}
    seconds = sum(v for n, v in row.cost.items() if n.endswith("_seconds"))
    return {
        "dataset_revision": facts.fingerprint,
        "task_name": task_name(row.dataset),
        "mteb_version": _mteb_version(),
        "scores": {split: [{**rounded, "main_score": rounded[main], "hf_subset": "default", "languages": [language]}]},
        "evaluation_time": round(seconds, 3),
        "kg_co2_emissions": None,
    }


def _meta(row: Row) -> dict[str, Any]:
    """What mteb reads of a model; what limitlab cannot know is null. ``experiment_kwargs`` stays out: the dimension is in the name."""
    nothing = (
        "release_date", "languages", "n_parameters", "n_embedding_parameters", "memory_usage_mb", "max_tokens", "license", "open_weights",
        "public_training_code", "public_training_data", "reference", "use_instructions", "training_datasets", "adapted_from",
        "superseded_by", "citation", "contacts", "loader",
    )  # fmt: skip
    return {
        "name": _model(row),
        "revision": row.key[:24],
        "embed_dim": row.dim,
        "framework": [],
        "similarity_fn_name": "cosine" if row.dim is not None else None,
        **dict.fromkeys(nothing),
    }


def _mteb_version() -> str:
    """The version whose format this is: the installed one, else the one this was written against."""
    try:
        return importlib.metadata.version("mteb")
    except importlib.metadata.PackageNotFoundError:
        return "2.26.24"


def _text(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"
