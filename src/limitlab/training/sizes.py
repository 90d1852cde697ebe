"""One task at several corpus sizes: drowning among more documents, told apart from a shift of domain."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from limitlab._core.checks import whole
from limitlab._core.errors import RangeError
from limitlab._core.seeds import derived
from limitlab._core.texts import TextList
from limitlab.data import Dataset
from limitlab.relevance import RelevanceMatrix


def nested(data: Dataset, sizes: Sequence[int], *, seed: int = 0) -> list[Dataset]:
    """The same queries and relevant documents among more and more of the others: each corpus holds the smaller ones.

    Parameters
    ----------
    data
        The largest corpus.
    sizes
        Numbers of documents, each from the number of relevant ones to all; returned in ascending order.
    seed
        Decides which of the others come first: the order of a file may go by subject or date.

    Returns
    -------
    One Dataset a size, named ``<name>, 1,000 documents``; documents keep their order, ids and texts.

    Raises
    ------
    RangeError
        A size is below the number of relevant documents, or above that of all.
    """
    relevant = np.unique(data.relevance.binary().indices)
    others = derived(seed, "nested corpora").permutation(np.setdiff1d(np.arange(data.n_docs), relevant))
    out = []
    for size in sorted({whole("train()", "n_docs", s, low=1) for s in sizes}):
        if not relevant.size <= size <= data.n_docs:
            raise RangeError(
                f"train(): n_docs must be in [{relevant.size:,}, {data.n_docs:,}], from the documents relevant to some query to all of {data.name}; got n_docs={size:,}."
            )
        out.append(_kept(data, np.sort(np.concatenate([relevant, others[: size - relevant.size]])), f"{data.name}, {size:,} documents"))
    return out


def n_relevant_docs(data: Dataset) -> int:
    """Documents that are relevant to some query."""
    return int(np.unique(data.relevance.binary().indices).size)


def sample(data: Dataset, *, n_queries: int, n_docs: int) -> Dataset:
    """A part that is quick to evaluate: evenly chosen queries, their relevant documents, and others up to ``n_docs``, drawn with seed 0."""
    chosen = np.unique(np.linspace(0, data.n_queries - 1, min(n_queries, data.n_queries)).round().astype(int)).tolist()
    relevance = data.relevance.select(chosen)
    queries = TextList([data.queries.ids[i] for i in chosen], [data.queries[i] for i in chosen])
    part = replace(data, queries=queries, relevance=relevance, _fingerprints={})
    needed = np.unique(relevance.binary().indices)
    others = derived(0, "sample").permutation(np.setdiff1d(np.arange(data.n_docs), needed))
    return _kept(part, np.sort(np.concatenate([needed, others[: max(0, n_docs - needed.size)]])), f"{data.name}, sample")


def _kept(data: Dataset, keep: np.ndarray, name: str) -> Dataset:
    docs = TextList([data.docs.ids[int(j)] for j in keep], [data.docs[int(j)] for j in keep])
    matrix = data.relevance
    rows = np.repeat(np.arange(matrix.n_queries), np.diff(matrix.indptr))
    columns = np.searchsorted(keep, matrix.indices)
    inside = (columns < keep.size) & (keep[np.minimum(columns, keep.size - 1)] == matrix.indices)
    relevance = RelevanceMatrix.from_pairs(
        rows[inside], columns[inside], matrix.grades[inside], query_ids=list(data.queries.ids), doc_ids=docs.ids
    )
    # A part of LIMIT is not the published dataset of the same size, so what would name it is left out.
    return replace(data, name=name, docs=docs, relevance=relevance, origin={"nested_in": data.name}, _fingerprints={})
