"""A linear adapter: a matrix on the query side, and one on the document side where that was trained too."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from limitlab._core.checks import finite_rows, vectors
from limitlab._core.errors import DataError, LimitlabError, ShapeError
from limitlab._core.files import atomic_file, canonical_json
from limitlab.search import normalised

SCHEMA = "limitlab.adapter/1"
_ARRAYS = ("query_matrix", "query_bias", "doc_matrix", "doc_bias")


@dataclass(frozen=True, eq=False)
class LinearAdapter:
    """Query and document vectors of an encoder, changed by a matrix each before they are compared.

    Attributes
    ----------
    query_matrix
        (dim, dim): a query q becomes ``q @ query_matrix + query_bias``.
    query_bias
        (dim,), or None.
    doc_matrix, doc_bias
        The same for documents; None leaves them as they are, so that no index has to be built again.
    cosine
        Rows are scaled to unit length before the matrices and after them.
    facts
        How it was trained: plain values, kept in the file.

    Examples
    --------
    >>> import numpy as np
    >>> swap = LinearAdapter(np.array([[0.0, 1.0], [1.0, 0.0]]))
    >>> swap.apply_queries(np.array([[3.0, 0.0]])).tolist()
    [[0.0, 1.0]]
    """

    query_matrix: np.ndarray
    query_bias: np.ndarray | None = None
    doc_matrix: np.ndarray | None = None
    doc_bias: np.ndarray | None = None
    cosine: bool = True
    facts: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        who = "LinearAdapter()"
        for name in _ARRAYS:
            array = getattr(self, name)
            if array is None and name != "query_matrix":
                continue
            array = np.array(array, np.float32)
            if not np.isfinite(array).all():
                raise ShapeError(f"{who}: {name} must be finite; got NaN or infinity.")
            array.setflags(write=False)
            object.__setattr__(self, name, array)
        if self.query_matrix.ndim != 2 or self.query_matrix.shape[0] != self.query_matrix.shape[1] or not self.query_matrix.size:
            raise ShapeError(f"{who}: query_matrix must have shape (dim, dim); got {self.query_matrix.shape}.")
        if self.doc_bias is not None and self.doc_matrix is None:
            raise ShapeError(f"{who}: doc_bias must come with a doc_matrix; got none.")
        expected = {"query_bias": (self.dim,), "doc_matrix": (self.dim, self.dim), "doc_bias": (self.dim,)}
        for name, shape in expected.items():
            array = getattr(self, name)
            if array is not None and array.shape != shape:
                raise ShapeError(f"{who}: {name} must have shape {shape}; got {array.shape}.")

    @property
    def dim(self) -> int:
        """Dimension of the vectors."""
        return self.query_matrix.shape[0]

    @property
    def changes_docs(self) -> bool:
        """Whether documents are changed, so that all of them must be stored again."""
        return self.doc_matrix is not None

    def apply_queries(self, queries: np.ndarray) -> np.ndarray:
        """Adapted queries.

        Parameters
        ----------
        queries
            (n_queries, dim) finite.

        Returns
        -------
        (n_queries, dim) float32, of unit length when ``cosine`` is set.

        Raises
        ------
        ShapeError
            Another dimension, or NaN.
        """
        return self._applied("queries", queries, self.query_matrix, self.query_bias)

    def apply_docs(self, docs: np.ndarray) -> np.ndarray:
        """Adapted documents, as ``apply_queries``; without a document matrix the documents as they are compared."""
        if self.doc_matrix is None:
            docs = self._checked("docs", docs)
            return normalised(docs) if self.cosine else np.ascontiguousarray(docs, np.float32)
        return self._applied("docs", docs, self.doc_matrix, self.doc_bias)

    def _checked(self, name: str, rows: np.ndarray) -> np.ndarray:
        rows = vectors("LinearAdapter", name, rows)
        if rows.shape[1] != self.dim:
            raise ShapeError(f"LinearAdapter: {name} must have dimension {self.dim}, as the adapter has; got {rows.shape[1]}.")
        finite_rows("LinearAdapter", name, rows)
        return rows

    def _applied(self, name: str, rows: np.ndarray, matrix: np.ndarray, bias: np.ndarray | None) -> np.ndarray:
        rows = self._checked(name, rows)
        out = (normalised(rows) if self.cosine else np.asarray(rows, np.float32)) @ matrix
        if bias is not None:
            out += bias
        return normalised(out) if self.cosine else out

    def save(self, path: str | Path) -> Path:
        """Write everything to one .npz file, whole or not at all; the same adapter gives the same bytes."""
        arrays = {name: getattr(self, name) for name in _ARRAYS if getattr(self, name) is not None}
        head = {"schema": SCHEMA, "dim": self.dim, "cosine": self.cosine, "facts": dict(self.facts)}
        arrays["head"] = np.frombuffer(canonical_json(head).encode(), np.uint8)
        with atomic_file(path) as out:
            np.savez(out, **arrays)
        return Path(path)

    @classmethod
    def load(cls, path: str | Path) -> LinearAdapter:
        """Read what ``save`` wrote.

        Raises
        ------
        DataError
            The file is missing, is not an adapter, has another schema, or its arrays do not fit together.
        """
        path = Path(path)
        if not path.is_file():
            raise DataError.at(path, None, "this adapter file does not exist")
        try:
            with np.load(path, allow_pickle=False) as stored:
                arrays = {name: stored[name] for name in stored.files}
        except (ValueError, OSError, EOFError, TypeError, zipfile.BadZipFile) as error:  # TypeError: a lone .npy array
            raise DataError.at(path, None, "not readable as an adapter (.npz)") from error
        try:
            head = json.loads(arrays.pop("head").tobytes())
        except (KeyError, ValueError) as error:
            raise DataError.at(path, None, "not an adapter: it has no head") from error
        if not isinstance(head, dict) or head.get("schema") != SCHEMA:
            found = head.get("schema") if isinstance(head, dict) else None
            raise DataError.at(path, None, f"the schema must be {SCHEMA!r}; it is {found!r}")
        if "query_matrix" not in arrays or set(arrays) - set(_ARRAYS):
            raise DataError.at(path, None, f"arrays must be query_matrix and some of {', '.join(_ARRAYS[1:])}; got {sorted(arrays)}")
        try:
            made = cls(**arrays, cosine=bool(head.get("cosine", True)), facts=head.get("facts", {}))
        except (LimitlabError, TypeError, ValueError) as error:
            raise DataError.at(path, None, f"its arrays do not fit together ({error})") from error
        if made.dim != head.get("dim"):
            raise DataError.at(path, None, f"its matrix must have dimension {head.get('dim')}, as the head says; it has {made.dim}")
        return made
