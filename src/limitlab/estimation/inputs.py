"""Sizes from what is there: a dataset's folder, files of vectors, a qrels file. Nothing is searched."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from limitlab._core.errors import InvalidArgument
from limitlab._core.row_tables import RowTable
from limitlab.data import Dataset
from limitlab.diagnosis.vector_files import read_vectors
from limitlab.estimation.eval_cost import VECTORS, Asked
from limitlab.estimation.sizes import CHARACTERS_A_TOKEN, FILE_TYPES, Sizes
from limitlab.search.shards import Shards

_LOOKED_AT = 256  # rows, or texts


def of_vectors(docs: str | Path, queries: str | Path) -> dict[str, Any]:
    """n_docs, n_queries, dim, dtype, unit, in_files of two files of vectors.

    Raises
    ------
    DataError, UnknownName
        A file is missing or of another kind.
    InvalidArgument
        Their dimensions differ.
    """
    found, asked = read_vectors(docs).vectors, read_vectors(queries).vectors
    if found.shape[1] != asked.shape[1]:
        raise InvalidArgument(
            f"limitlab estimate: --docs and --queries must have the same dimension; got {found.shape[1]} and {asked.shape[1]}."
        )
    kept = found.files[0].dtype if isinstance(found, Shards) else found.dtype.name  # with scales, Shards hand out float32
    name = kept if kept in FILE_TYPES else "float32"
    rows = np.asarray(found[np.linspace(0, len(found) - 1, min(_LOOKED_AT, len(found))).astype(int)], np.float64)
    unit = bool((np.abs(np.sqrt((rows**2).sum(axis=1)) - 1) <= 1e-6).all())
    mapped = isinstance(found, (np.memmap, RowTable)) or isinstance(found.base, np.memmap)
    return {"n_docs": len(found), "n_queries": len(asked), "dim": found.shape[1], "dtype": name, "unit": unit, "in_files": mapped}


def of_retriever(one: Asked, data: Dataset | None) -> dict[str, Any]:
    """What the files of a ``vectors:docs=...,queries=...`` retriever say; nothing where it names none.

    Raises
    ------
    InvalidArgument
        Its rows are not those of the dataset.
    As ``of_vectors``.
    """
    files = one.spec.options
    if one.kind != VECTORS or not {"docs", "queries"} <= {*files}:
        return {}
    found = of_vectors(str(files["docs"]), str(files["queries"]))
    if data is not None:
        refuse_other_rows(found, data, "eval", asked_may_be_more=True)
    return found


def refuse_unnamed_rows(docs: str | Path, queries: str | Path, found: dict[str, Any], data: Dataset) -> None:
    """As ``refuse_other_rows`` for a diagnosis, which finds rows by their ids where files have them."""
    unnamed = {name: found[name] for name, path in (("n_docs", docs), ("n_queries", queries)) if read_vectors(path).ids is None}
    refuse_other_rows({"n_docs": data.n_docs, "n_queries": data.n_queries, **unnamed}, data, "diagnose")


def refuse_other_rows(found: dict[str, Any], data: Dataset, verb: str, *, asked_may_be_more: bool = False) -> None:
    """Raises InvalidArgument where files have more or fewer rows than the dataset has documents, or too few for its queries."""
    for name, there, words in (("n_docs", data.n_docs, "documents"), ("n_queries", data.n_queries, "queries")):
        rows = found[name]
        if rows < there or (rows > there and not (asked_may_be_more and name == "n_queries")):
            raise InvalidArgument(
                f"limitlab estimate {verb}: vectors must be those of the dataset's {there:,} {words}; the file has {rows:,} rows. "
                "Without the dataset, sizes are those of the files."
            )


def refuse_different(sizes: dict[str, dict[str, Any]]) -> None:
    """Raises InvalidArgument where files of several retrievers have different numbers of rows."""
    for name, words in (("n_docs", "documents"), ("n_queries", "queries")):
        counts = {text: found[name] for text, found in sizes.items()}
        if len(set(counts.values())) > 1:
            told = ", ".join(f"{count:,} in {text}" for text, count in counts.items())
            raise InvalidArgument(f"limitlab estimate eval: every -m must have vectors of the same {words}; got {told}.")


def of_dataset(data: Dataset) -> dict[str, Any]:
    """n_docs, n_queries, relevant_per_query, and mean tokens of documents and queries, of which up to 256 are read."""
    return {
        "n_docs": data.n_docs,
        "n_queries": data.n_queries,
        "relevant_per_query": max(1e-9, data.relevance.n_relevant / data.n_queries),
        "tokens_per_doc": _mean_tokens(data.docs),
        "tokens_per_query": _mean_tokens(data.queries),
    }


def _mean_tokens(texts: Any) -> float:
    rows = np.linspace(0, len(texts) - 1, min(_LOOKED_AT, len(texts))).astype(int)
    return float(np.mean([len(texts[int(i)]) for i in rows])) / CHARACTERS_A_TOKEN


def sizes_of(given: dict[str, Any], found: dict[str, Any]) -> Sizes:
    """What was found, and over it what was given; InvalidArgument where n_docs, n_queries or dim is neither."""
    both = {**found, **{name: value for name, value in given.items() if value is not None}}
    for name in ("n_docs", "n_queries", "dim"):
        if name not in both:
            option = "--" + name.replace("_", "-")
            raise InvalidArgument(f"limitlab estimate: {option} must be known; give {option}, or the dataset or files that say it.")
    return Sizes(**both)
