"""A dense retriever with an adapter between its vectors and the search."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from limitlab._core.errors import InvalidArgument, RangeError, ShapeError
from limitlab._core.files import content_hash
from limitlab._core.progress import SILENT, Progress
from limitlab._core.texts import Texts
from limitlab.retrieval import parts as joint
from limitlab.retrieval.adapters.linear import LinearAdapter
from limitlab.search import RelevantSet, SearchResult, exact_search

_ROWS = 8192


class Adapted:
    """``adapted(minilm):file=adapter.npz``: the vectors of a dense retriever, adapted, then searched exactly.

    An adapter of fewer dimensions than the model has acts on the first values of every vector.

    Parameters
    ----------
    parts
        One retriever with vectors: it has ``encoded(docs, queries)``.
    file
        What ``LinearAdapter.save`` wrote, or a LinearAdapter.

    Raises
    ------
    InvalidArgument
        The retriever has no vectors, or no file is given.
    DataError
        The file is not an adapter.
    """

    family = "dense"

    def __init__(self, parts: Sequence[Any], *, file: str | Path | LinearAdapter | None = None) -> None:
        if len(parts) != 1:
            raise InvalidArgument(f"adapted(): one retriever must be given; got {len(parts)}.")
        self._inner = parts[0]
        if not hasattr(self._inner, "encoded"):
            raise InvalidArgument(f"adapted(): the retriever must be dense, such as adapted(minilm); got {self._inner.name!r}.")
        if file is None:
            raise InvalidArgument("adapted(): a file must be given, such as adapted(minilm):file=adapter.npz; got none.")
        self.adapter = file if isinstance(file, LinearAdapter) else LinearAdapter.load(str(file))
        given = "" if isinstance(file, LinearAdapter) else f":file={file}"
        self.name = f"adapted({self._inner.name}){given}"
        self.label = f"{self._inner.label}, adapted"
        self._docs: np.ndarray | None = None

    @property
    def cosine(self) -> bool:
        """Whether scores are cosines."""
        return self.adapter.cosine

    @property
    def max_dim(self) -> int:
        """Dimension of the adapter."""
        return self.adapter.dim

    def config(self, n_docs: int) -> dict[str, Any]:
        """Of the retriever inside, and the content of the adapter."""
        a = self.adapter
        inner = self._inner.config(n_docs)
        arrays = [None if m is None else m.tobytes().hex() for m in (a.query_matrix, a.query_bias, a.doc_matrix, a.doc_bias)]
        adapter = content_hash([arrays, a.cosine], length=32)
        return {"retriever": "adapted", "inner": inner, "adapter": adapter, "cache": joint.cacheable([inner])}

    def index(self, docs: Texts, queries: Texts, *, progress: Progress = SILENT) -> dict[str, Any]:
        """Vectors of the retriever inside, and the adapted ones."""
        self._docs, self._queries = self.encoded(docs, queries, progress=progress)
        return {"cost": {"bytes_per_doc": 4.0 * self._docs.shape[1]}, "notes": {}}

    def encoded(self, docs: Texts, queries: Texts, *, progress: Progress = SILENT) -> tuple[np.ndarray, np.ndarray]:
        """(adapted document vectors, adapted query vectors), float32; documents are the retriever's own where the adapter leaves them."""
        doc_vectors, query_vectors = self._inner.encoded(docs, queries, progress=progress)
        dim = self.adapter.dim
        if doc_vectors.shape[1] < dim:
            raise ShapeError(f"{self.name}: vectors must have at least the adapter's dimension, {dim}; got {doc_vectors.shape[1]}.")
        adapted = self.adapter.apply_queries(np.asarray(query_vectors)[:, :dim])
        if not self.adapter.changes_docs and doc_vectors.shape[1] == dim:
            return doc_vectors, adapted
        out = np.empty((len(doc_vectors), dim), np.float32)
        for at in range(0, len(out), _ROWS):
            out[at : at + _ROWS] = self.adapter.apply_docs(np.asarray(doc_vectors[at : at + _ROWS])[:, :dim])
        return out, adapted

    def vectors_of(self, texts: list[str], kind: str) -> np.ndarray:
        """(n, dim) float32 adapted vectors of texts that need not be a whole corpus; ``kind`` is query or document.

        Raises
        ------
        InvalidArgument
            The retriever inside has no vectors of single texts.
        ShapeError
            Its vectors are shorter than the adapter's dimension.
        """
        made = getattr(self._inner, "encode", None) or getattr(self._inner, "vectors_of", None)
        if made is None:
            raise InvalidArgument(f"{self.name}: the retriever inside must give one vector a text; got {self._inner.name!r}.")
        vectors, dim = np.asarray(made(texts, kind)), self.adapter.dim
        if vectors.shape[1] < dim:
            raise ShapeError(f"{self.name}: vectors must have at least the adapter's dimension, {dim}; got {vectors.shape[1]}.")
        return np.asarray((self.adapter.apply_queries if kind == "query" else self.adapter.apply_docs)(vectors[:, :dim]), np.float32)

    def search(
        self, *, k: int, places: np.ndarray, relevant: RelevantSet, dim: int | None = None, progress: Progress = SILENT
    ) -> SearchResult:
        """Exact search over the first ``dim`` adapted values; for cosine scaled to unit length again."""
        if self._docs is None:
            raise RangeError("Adapted.search(): index() must be called first.")
        return exact_search(
            self._docs, self._queries, k=k, places=places, dim=dim, normalise=self.adapter.cosine, relevant=relevant, progress=progress
        )

    def predict(self, measure: str, cut: int, **_: Any) -> float | None:
        """No closed form."""
        return None
