"""Dense retrievers with their vectors as an index stores them: short number types, bits, and candidates scored again."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np

from limitlab._core.checks import choice, whole
from limitlab._core.errors import InvalidArgument, RangeError
from limitlab._core.progress import SILENT, Progress
from limitlab._core.provenance import Stopwatch
from limitlab._core.texts import Texts
from limitlab.retrieval import parts as joint
from limitlab.retrieval.protocol import Retriever
from limitlab.search import RelevantSet, SearchResult, exact_search, normalised
from limitlab.search.hamming import hamming_search
from limitlab.search.rescoring import rescored
from limitlab.search.stored_vectors import BITS, STORED_TYPES, StoredVectors, bytes_per_vector, stored_as

QUERIES = ("auto", "float32", "same")
RESCORE_WITH = ("full", "stored")


class Quantised:
    """A dense retriever whose documents are truncated, scaled to unit length, then stored in a number type. Search is exact.

    Parameters
    ----------
    parts
        One retriever that has vectors.
    dtype
        A name of STORED_TYPES: float16, bfloat16, int8, int8-per-dim, int8-ranges, binary, ubinary. Grids are calibrated on the documents.
    queries
        float32: queries stay as they are, as in ``diagnose``. same: they are stored as documents are (two bit vectors are then compared by
        Hamming distance). auto: same for binary and ubinary, else float32.
    rescore
        Number of candidates, the best by the stored vectors, that are scored again with float32 queries; what is not a candidate is not
        retrieved. 0: none.
    rescore_with
        full: with the documents' float32 vectors, which are then kept too (as Qdrant does). stored: with the stored values (as
        sentence-transformers does).

    Raises
    ------
    InvalidArgument
        The part has no vectors, or nothing would change by rescoring.
    UnknownName, RangeError
        No such option; a number outside its range.
    """

    family = "dense"

    def __init__(
        self, parts: Sequence[Retriever], *, dtype: str = "int8", queries: str = "auto", rescore: int = 0, rescore_with: str = "full"
    ) -> None:
        who = "quantised()"
        (self._part,) = parts
        if self._part.max_dim is None or not hasattr(self._part, "encoded"):
            raise InvalidArgument(f"{who}: the part must be a retriever with one vector a text, such as minilm; got {self._part.name!r}.")
        self.dtype = choice(who, "dtype", dtype, STORED_TYPES)
        choice(who, "queries", queries, QUERIES)
        self.query_dtype = ("same" if dtype in BITS else "float32") if queries == "auto" else queries
        self.rescore = whole(who, "rescore", rescore, low=0)
        self.rescore_with = choice(who, "rescore_with", rescore_with, RESCORE_WITH)
        if self.rescore and self.rescore_with == "stored" and self.query_dtype == "float32":
            raise InvalidArgument(
                f"{who}: rescoring with stored documents must follow a search with stored queries; "
                f"got queries={queries!r}, dtype={dtype!r}. Pass queries=same, or rescore_with=full."
            )
        given = {"dtype": dtype} | {
            name: value
            for name, value, usual in (("queries", queries, "auto"), ("rescore", rescore, 0), ("rescore_with", rescore_with, "full"))
            if value != usual
        }
        self.name = f"quantised({self._part.name}):" + ",".join(f"{n}={v}" for n, v in given.items())
        self.label = f"{self._part.label}, {dtype}" + (f", {rescore} rescored ({rescore_with})" if rescore else "")
        self._docs: np.ndarray | None = None

    @property
    def cosine(self) -> bool:
        """Whether scores are cosines, up to rounding: those of bits alone are not."""
        return self.dtype not in BITS or bool(self.rescore and self.rescore_with == "full")

    @property
    def max_dim(self) -> int | None:
        """Full dimension of the model."""
        return self._part.max_dim

    def config(self, n_docs: int) -> dict[str, Any]:
        """Of the part, and how its vectors are stored and scored."""
        part = self._part.config(n_docs)
        return {
            "retriever": "quantised",
            "part": part,
            "dtype": self.dtype,
            "queries": self.query_dtype,
            "rescore": self.rescore,
            "rescore_with": self.rescore_with if self.rescore else None,
            "cache": joint.cacheable([part]),
        }

    def bytes_per_doc(self, dim: int) -> float:
        """Bytes an index keeps a document: the stored vector, and the float32 one where candidates are scored again with it."""
        return bytes_per_vector(self.dtype, dim) + (4.0 * dim if self.rescore and self.rescore_with == "full" else 0.0)

    def index(self, docs: Texts, queries: Texts, *, progress: Progress = SILENT) -> dict[str, Any]:
        """Index the part; vectors are stored when a dimension is asked for."""
        made = self._part.index(docs, queries, progress=progress)
        self._docs, self._queries = self._part.encoded(docs, queries, progress=SILENT)  # type: ignore[attr-defined]
        self.truncated = getattr(self._part, "truncated", np.zeros(0, np.int64))
        words = f"documents {self.dtype}, queries {'float32' if self.query_dtype == 'float32' else self.dtype}"
        notes = {**made["notes"], "stored": words}
        if self.rescore:
            notes["rescored"] = f"{self.rescore} candidates, float32 queries, {self.rescore_with} documents; nothing else is retrieved"
        return {"cost": made["cost"], "notes": notes}

    def stored(self, dim: int | None = None) -> tuple[StoredVectors, np.ndarray | StoredVectors]:
        """(documents, queries) as they are compared, in the first ``dim`` values of unit vectors.

        Raises
        ------
        RangeError
            ``index`` was not called.
        """
        if self._docs is None:
            raise RangeError("Quantised.search(): index() must be called first.")
        unit = partial(normalised, dim=dim)
        docs = stored_as(self._docs, self.dtype, prepare=unit)
        asked = stored_as(self._queries, self.dtype, grid=docs.grid, prepare=unit) if self.query_dtype == "same" else unit(self._queries)
        return docs, asked

    def search(
        self, *, k: int, places: np.ndarray, relevant: RelevantSet, dim: int | None = None, progress: Progress = SILENT
    ) -> SearchResult:
        """Exact search over the stored vectors; then the candidates again, where that is asked for."""
        with Stopwatch(), progress.task(f"{self.label}: store", None):
            docs, asked = self.stored(dim)
        width = docs.shape[1]
        wanted: dict[str, Any] = {"k": self.rescore or k, "places": places, "relevant": None if self.rescore else relevant}
        if isinstance(asked, StoredVectors) and self.dtype in BITS:
            found = hamming_search(docs.codes, asked.codes, dim=width, progress=progress, **wanted)
        else:
            rows = asked[:] if isinstance(asked, StoredVectors) else asked
            found = exact_search(docs, rows, normalise=False, progress=progress, **wanted)
        if not self.rescore:
            return found
        assert self._docs is not None
        full = self._docs
        vectors_of = docs.__getitem__ if self.rescore_with == "stored" else lambda rows: normalised(np.asarray(full[rows]), width)
        return rescored(found, vectors_of, normalised(self._queries, width), k=k, places=places, relevant=relevant)

    def predict(self, measure: str, cut: int, **_: Any) -> float | None:
        """No closed form."""
        return None
