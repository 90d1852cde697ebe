"""Datasets of the Hugging Face hub in MTEB's layout, loaded only when the user names one."""

from __future__ import annotations

import os
from typing import Any

from limitlab._core.errors import DataError
from limitlab._core.optional import require
from limitlab._core.texts import TextList
from limitlab.data.dataset import Dataset, checked_dataset
from limitlab.data.formats.reading import whole_grade


def load_hub(repository: str, *, split: str = "test", strict: bool = False, name: str | None = None) -> Dataset:
    """``orionweller/LIMIT`` and the like: configs corpus, queries, default (or qrels).

    Raises
    ------
    MissingExtra
        ``datasets`` is not installed.
    DataError
        The hub cannot be reached, or the dataset has another layout.
    """
    datasets = require("datasets", extra="hub", what="hub datasets")

    def rows(*names: str, splits: tuple[str, ...]) -> Any:
        problem: Exception | None = None
        for config in names:
            for part in splits:
                try:
                    return datasets.load_dataset(repository, config, split=part)
                except (ValueError, OSError, KeyError) as error:  # the hub's clients raise all three for unreachable or absent
                    problem = error
        offline = " HF_HUB_OFFLINE is set." if os.environ.get("HF_HUB_OFFLINE") else ""
        why = str(problem).splitlines()[0][:200] if problem else "no such configuration"
        raise DataError(
            f"hf:{repository}: configuration {names[0]!r} cannot be loaded ({why}).{offline} Pass a local folder instead."
        ) from problem

    docs = rows("corpus", splits=("corpus", split, "train"))
    queries = rows("queries", splits=("queries", split, "train"))
    qrels = rows("default", "qrels", splits=(split,))
    return checked_dataset(
        name or repository,
        _texts(docs),
        _texts(queries),
        [(str(r["query-id"]), str(r["corpus-id"]), whole_grade(f"hf:{repository}", None, r["score"])) for r in qrels],
        who=f"hf:{repository}",
        strict=strict,
        origin={"hub": repository, "split": split},
    )


def _texts(rows: Any) -> TextList:
    key = "_id" if "_id" in rows.column_names else "id"
    titled = "title" in rows.column_names
    texts = [f"{r['title']} {r['text']}".strip() if titled and r["title"] else r["text"] for r in rows]
    return TextList([str(i) for i in rows[key]], texts)
