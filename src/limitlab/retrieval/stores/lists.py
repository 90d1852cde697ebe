"""Lists that a store returns for given vectors: the index of a diagnosis."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from limitlab._core.progress import SILENT, Progress
from limitlab._core.texts import TextList, Texts
from limitlab.retrieval.stores.export import store_of
from limitlab.retrieval.stores.retriever import StoreRetriever
from limitlab.search import RelevantSet, SearchResult, tie_order


class GivenVectors:
    """Vectors that are there already, as the part of a StoreRetriever.

    Parameters
    ----------
    docs, queries
        (n_docs, dim), (n_queries, dim).
    """

    family, name, label = "dense", "vectors", "vectors"

    def __init__(self, docs: np.ndarray, queries: np.ndarray) -> None:
        self._docs, self._queries = docs, queries

    @property
    def max_dim(self) -> int:
        """Dimension of the vectors."""
        return int(self._docs.shape[1])

    def config(self, n_docs: int) -> dict[str, Any]:
        """Shapes; results over given vectors are not kept."""
        return {"retriever": "vectors", "dim": self.max_dim, "cache": False}

    def index(self, docs: Texts, queries: Texts, *, progress: Progress = SILENT) -> dict[str, Any]:
        """Nothing to prepare."""
        return {"cost": {}, "notes": {}}

    def encoded(self, docs: Texts, queries: Texts, *, progress: Progress = SILENT) -> tuple[np.ndarray, np.ndarray]:
        """The vectors."""
        return self._docs, self._queries

    def search(
        self, *, k: int, places: np.ndarray, relevant: RelevantSet, dim: int | None = None, progress: Progress = SILENT
    ) -> SearchResult:
        """Exact search over the vectors."""
        from limitlab.search import exact_search

        return exact_search(self._docs, self._queries, k=k, places=places, dim=dim, relevant=relevant, progress=progress)

    def predict(self, measure: str, cut: int, **_: Any) -> float | None:
        """No closed form."""
        return None


def store_lists(
    spec: str, docs: np.ndarray, queries: np.ndarray, *, ids: Sequence[str], k: int, ties: str = "trec", progress: Progress = SILENT
) -> SearchResult:
    """What a store returns for query vectors: over ``docs`` in a collection of our own, or from one of the user's.

    Parameters
    ----------
    spec
        ``qdrant:url=URL,hnsw_ef=64``, or ``pgvector:table=NAME,existing=true``, ... A collection of our own is dropped afterwards, unless it
        was there before.
    docs, queries
        (n_docs, dim), (n_queries, dim) float32; documents are stored with unit length, in faiss, which compares by inner product, as they are.
    ids
        Of the documents; hits on other ids are left out and counted in the notes.
    k
        >= 1.

    Raises
    ------
    InvalidArgument, ServiceError, MissingExtra
        As for StoreRetriever.
    """
    store = store_of(spec)
    retriever = StoreRetriever([GivenVectors(docs, queries)], store, keep=False, unknown="count")
    retriever.scaled = store.kind != "faiss"
    try:
        retriever.index(
            TextList(ids, [""] * len(docs)), TextList([str(i) for i in range(len(queries))], [""] * len(queries)), progress=progress
        )
        none = RelevantSet(np.zeros(len(queries) + 1, np.int64), np.zeros(0, np.int64))
        return retriever.search(k=k, places=tie_order(ids, ties), relevant=none, progress=progress)
    finally:
        store.close()
