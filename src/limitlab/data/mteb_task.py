"""A dataset folder as a retrieval task of mteb, offline."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from limitlab._core.errors import DataError, InvalidArgument
from limitlab._core.files import read_json
from limitlab._core.optional import require
from limitlab.data.formats import load

K_VALUES = (1, 2, 3, 5, 10, 20, 100, 1000)  # those of mteb's own LIMIT tasks


def task_name(dataset_name: str) -> str:
    """A dataset's name as mteb writes task names: letters, digits, - and _ only."""
    return re.sub(r"[^A-Za-z0-9_-]+", "-", dataset_name).strip("-") or "dataset"


def mteb_task(
    folder: str | Path, *, name: str | None = None, split: str = "test", language: str = "eng-Latn", prompt: str | None = None
) -> Any:
    """A folder that ``write_dataset``, ``write_limit`` or ``limitlab make`` wrote, as a task for ``mteb.evaluate``.

    Parameters
    ----------
    folder
        Holds ``corpus.jsonl``, ``queries.jsonl``, ``qrels/SPLIT.jsonl`` and the ``README.md`` that lists them.
    name
        Default: the folder's, as in ``load``; what mteb does not allow in a name becomes "-".
    split
        As listed in the README.
    language
        Language and script, such as "eng-Latn".
    prompt
        What models with instructions are told about queries; default: mteb's for retrieval.

    Returns
    -------
    An ``AbsTaskRetrieval`` whose dataset path is the folder and whose revision is the dataset's fingerprint, so that mteb's cache cannot
    mix up two datasets and takes the files that ``EvaluationResult.to_mteb`` writes. Its measures are cut at 1, 2, 3, 5, 10, 20, 100 and 1,000; the main score is recall at 2 for LIMIT, nDCG at 10 otherwise.

    Raises
    ------
    MissingExtra
        mteb is not installed.
    InvalidArgument, DataError
        There is no such folder, or a file of it is missing.
    """
    require("mteb", extra="mteb", what="mteb_task()")
    folder = Path(folder).resolve()
    if not folder.is_dir():
        raise InvalidArgument(f"mteb_task(): a dataset folder is needed; {folder.name} is none. Write one with write_dataset().")
    needed = ("README.md", "corpus.jsonl", "queries.jsonl", f"qrels/{split}.jsonl")
    missing = [n for n in needed if not (folder / n).is_file()]
    if missing:
        raise DataError.at(
            folder, None, f"an mteb task needs {', '.join(needed)}; missing: {', '.join(missing)}. Write the dataset with limitlab"
        )
    about = read_json(folder / "manifest.json") if (folder / "manifest.json").is_file() else {}
    return _made(folder, task_name(name or folder.name), split, language, prompt, about)


def _made(folder: Path, name: str, split: str, language: str, prompt: str | None, about: dict[str, Any]) -> Any:
    from mteb.abstasks.retrieval import AbsTaskRetrieval
    from mteb.abstasks.task_metadata import TaskMetadata

    fingerprint = load(folder, split=split, qrels=folder / "qrels" / f"{split}.jsonl").fingerprint()
    told: Any = {"query": prompt} if prompt else None
    described = TaskMetadata(
        name=name,
        description=f"{name}, a dataset folder written by limitlab.",
        type="Retrieval",
        category="t2t",
        modalities=["text"],
        eval_splits=[split],
        eval_langs=[language],
        main_score="recall_at_2" if (about.get("config") or {}).get("pattern") else "ndcg_at_10",
        dataset={"path": str(folder), "revision": fingerprint},
        prompt=told,
    )
    made = type(name, (AbsTaskRetrieval,), {"metadata": described, "k_values": K_VALUES, "__doc__": described.description})
    return made()
