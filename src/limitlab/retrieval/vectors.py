"""Vectors that were made elsewhere, or by ``limitlab encode``: exact search over them, nothing is encoded."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from limitlab._core.checks import choice
from limitlab._core.errors import DataError, InvalidArgument, RangeError, first_examples
from limitlab._core.files import sha256_file
from limitlab._core.progress import SILENT, Progress
from limitlab._core.texts import Texts
from limitlab.retrieval.model_identity import compare_models
from limitlab.search import RelevantSet, SearchResult, exact_search
from limitlab.search.shard_files import read_id_file
from limitlab.search.shards import Shards, open_shards
from limitlab.search.stored_vectors import bytes_per_vector

_WHO = "vectors"
SIMILARITIES = ("cosine", "dot")


class Vectors:
    """Given document and query vectors; every truncation from the same files.

    Documents are read where they lie, in blocks; see ``open_shards`` for what a folder, pattern or file may be.

    Parameters
    ----------
    docs, queries
        Where the vectors are.
    similarity
        cosine | dot.
    doc_ids, query_ids
        Files of ids, one a line, of the rows; default: those stored with the vectors, else rows are in the order of the dataset.

    Raises
    ------
    InvalidArgument
        docs or queries are not given, or their manifests name different models.
    DataError
        Files are not what they should be, or of different dimensions.
    """

    family = "dense"

    def __init__(self, *, docs: str = "", queries: str = "", similarity: str = "cosine", doc_ids: str = "", query_ids: str = "") -> None:
        if not docs or not queries:
            raise InvalidArgument(f"{_WHO}: docs and queries must be given, such as vectors:docs=FOLDER,queries=FILE; got one or none.")
        self.similarity = choice(_WHO, "similarity", similarity, SIMILARITIES)
        self._docs, self._asked = open_shards(str(docs)), open_shards(str(queries))
        if self._docs.shape[1] != self._asked.shape[1]:
            raise DataError(
                f"{_WHO}: docs and queries must have the same dimension; {docs} has {self._docs.shape[1]}, {queries} has {self._asked.shape[1]}."
            )
        self._difference = compare_models(_WHO, self._docs, self._asked)
        self._given_ids = str(doc_ids), str(query_ids)
        self.name = f"vectors:{Path(str(docs)).name}" + ("" if similarity == "cosine" else f",similarity={similarity}")
        self.label = f"Vectors {Path(str(docs)).name}"
        self._queries: np.ndarray | None = None

    @property
    def cosine(self) -> bool:
        """Whether scores are cosines."""
        return self.similarity == "cosine"

    @property
    def max_dim(self) -> int:
        """Dimension of the vectors."""
        return self._docs.shape[1]

    def config(self, n_docs: int) -> dict[str, Any]:
        """What decides the results: files, see ``Shards.identity``; ids; similarity. DataError where a file is not its manifest's."""
        ids = [None if not p else sha256_file(p) for p in self._given_ids]
        files = {"docs": self._docs.identity(), "queries": self._asked.identity()}
        return {"retriever": "vectors", **files, "ids": ids, "similarity": self.similarity}

    def bytes_per_doc(self, dim: int) -> float:
        """Bytes of a stored vector of ``dim`` values, its own scale included."""
        first = self._docs.files[0]
        return bytes_per_vector("int8", dim) if first.scales is not None else float(dim * np.dtype(first.dtype).itemsize)

    def index(self, docs: Texts, queries: Texts, *, progress: Progress = SILENT) -> dict[str, Any]:
        """Find the row of every document and query; nothing is read but ids and the queries' vectors.

        Raises
        ------
        DataError
            A document or a query has no vector, a vector no document, or ids repeat.
        """
        self._row = _rows("documents", docs.ids, self._docs, self._given_ids[0], all_used=True)
        asked = _rows("queries", queries.ids, self._asked, self._given_ids[1], all_used=False)
        self._queries = np.asarray(self._asked if asked is None else self._asked[asked])
        notes = {"different_names_or_versions": self._difference} if self._difference else {}
        notes |= {"vectors": f"{self._docs.files[0].dtype}, {len(self._docs.files):,} files"}
        return {"cost": {"bytes_per_doc": self.bytes_per_doc(self.max_dim)}, "notes": notes}

    def search(
        self, *, k: int, places: np.ndarray, relevant: RelevantSet, dim: int | None = None, progress: Progress = SILENT
    ) -> SearchResult:
        """Exact search over the first ``dim`` values."""
        if self._queries is None:
            raise RangeError("Vectors.search(): index() must be called first.")
        row = self._row
        if row is not None:
            document = np.empty_like(row)
            document[row] = np.arange(row.size)
            places, relevant = places[document], RelevantSet(relevant.indptr, row[relevant.members])
        found = exact_search(
            self._docs, self._queries, k=k, places=places, dim=dim, normalise=self.cosine, relevant=relevant, progress=progress
        )
        if row is None:
            return found
        return SearchResult(np.where(found.indices < 0, -1, document[found.indices]), found.scores, found.ranks)

    def encoded(self, docs: Texts, queries: Texts, *, progress: Progress = SILENT) -> tuple[np.ndarray | Shards, np.ndarray]:
        """(document vectors, query vectors) in the order of the texts, in full dimension.

        Raises
        ------
        DataError
            As ``index``; or the rows of the documents are in another order, which is told apart by ids alone.
        """
        self.index(docs, queries, progress=progress)
        if self._row is not None:
            raise DataError(f"{_WHO}: rows must be in the order of the dataset's documents here; they are in another one.")
        assert self._queries is not None
        return self._docs, self._queries

    def predict(self, measure: str, cut: int, **_: Any) -> float | None:
        """No closed form."""
        return None


def _rows(what: str, known: Sequence[str], vectors: Shards, path: str, *, all_used: bool) -> np.ndarray | None:
    """(n_known,) row of each text; None where rows are in their order."""
    ids = read_id_file(path) if path else vectors.ids()
    if ids is not None and len(ids) != len(vectors):
        raise DataError.at(path, None, f"one id for each of {len(vectors):,} vectors of {what} is expected; there are {len(ids):,}")
    if ids is None or (len(ids) == len(known) and all(a == b for a, b in zip(ids, known))):
        if len(vectors) != len(known):
            raise DataError(
                f"{_WHO}: {what} must have one vector each; got {len(vectors):,} vectors without ids for {len(known):,} {what}. Give their ids."
            )
        return None
    at = {name: i for i, name in enumerate(ids)}
    if len(at) < len(ids):
        raise DataError(f"{_WHO}: ids of {what} must be distinct; {len(ids) - len(at):,} vectors repeat one.")
    row = np.fromiter((at.get(name, -1) for name in known), np.int64, len(known))
    missing = np.flatnonzero(row < 0)
    if missing.size:
        examples = first_examples([known[int(i)] for i in missing[:4]])
        raise DataError(f"{_WHO}: all {what} must have a vector; {missing.size:,} of {len(known):,} have none: {examples}.")
    if all_used and len(ids) > len(known):
        own = set(known)
        examples = first_examples(i for i in ids if i not in own)
        raise DataError(
            f"{_WHO}: vectors must be those of the dataset's {what}; {len(ids) - len(known):,} are of others: {examples}. "
            "Evaluate on the dataset that was encoded."
        )
    return row
