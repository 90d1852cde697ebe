"""Level 6: approximate indexes over the documents as served: of faiss, or of a vector store."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from limitlab._core.checks import whole
from limitlab._core.errors import InvalidArgument, ShapeError, UnknownName
from limitlab.diagnosis.scratch import ROWS
from limitlab.diagnosis.subject import WHO
from limitlab.retrieval.stores import names_a_store, store_lists, store_of
from limitlab.retrieval.stores.faiss_index import built_index, read_index

_KINDS: dict[str, dict[str, int]] = {
    "hnsw": {"m": 32, "ef_construction": 40, "ef_search": 16},  # faiss's own defaults
    "ivf": {"nlist": 0, "nprobe": 1},
}

_UNEVEN = 1e-3  # of the greatest length: below, scaling changes scores by less than storing float16 does


@dataclass(frozen=True)
class IndexSpec:
    """An index: its kind and parameters, or the file that holds it.

    Attributes
    ----------
    kind
        "hnsw", "ivf", "file", or "store".
    options
        hnsw: m, ef_construction, ef_search. ivf: nlist (0: the square root of the number of documents, times 4), nprobe.
    path
        For "file"; for "store" its specification.
    """

    kind: str
    options: dict[str, int]
    path: str = ""

    @property
    def words(self) -> str:
        """``hnsw m=32 ef_search=16``."""
        if self.kind == "store":
            return self.path
        return Path(self.path).name if self.kind == "file" else " ".join([self.kind, *(f"{k}={v}" for k, v in self.options.items() if v)])

    @property
    def holds_documents(self) -> bool:
        """Whether it is there already with its documents, so that it cannot search others: a file, or a collection of the user's."""
        if self.kind != "store":
            return self.kind == "file"
        store = store_of(self.path)
        store.close()
        return store.existing


def parse_index(text: str) -> IndexSpec:
    """``hnsw``, ``hnsw:m=16,ef_search=64``, ``ivf:nlist=256,nprobe=8``, the path of a faiss index, or a store: ``qdrant:url=URL,hnsw_ef=64``.

    Raises
    ------
    UnknownName, InvalidArgument, RangeError
        No such kind of index, option or file; an option that is not a whole number >= 1.
    """
    name, _, tail = text.partition(":")
    if names_a_store(text):
        store_of(text).close()  # an unknown option is refused now, and not after the other levels
        return IndexSpec("store", {}, text)
    if name not in _KINDS:
        if Path(text).is_file():
            return IndexSpec("file", {}, text)
        raise UnknownName.of(WHO, "index", name, _KINDS, hint="Or the path of a faiss index file, or a store such as qdrant:url=URL.")
    options = dict(_KINDS[name])
    for part in filter(None, tail.split(",")):
        key, sign, value = part.partition("=")
        if key not in options:
            raise UnknownName.of(WHO, f"option of {name}", key, options)
        if not sign or not value.isdigit():
            raise InvalidArgument(f"{WHO}: options of an index must be name=whole number, such as nprobe=8; got {part!r}.")
        options[key] = whole(WHO, key, int(value), low=1)
    return IndexSpec(name, options)


def index_lists(
    spec: IndexSpec, docs: np.ndarray, queries: np.ndarray, *, k: int, ids: Sequence[str], cosine: bool
) -> tuple[np.ndarray, str]:
    """((n_queries, k) rows of ``docs`` that the index returns, best first, -1 where it returns fewer; the index in words).

    Indexes of faiss, also as a store, compare by inner product. Another store gets the documents in a collection of its own that is dropped
    afterwards, by cosine; where that scales rows whose lengths differ (rounded ones), the words say so. With ``existing=true`` its collection is
    asked as it is, and documents are told by their ids.

    Parameters
    ----------
    cosine
        Whether the vectors as served are compared by cosine: not where they were cut and not scaled again.

    Raises
    ------
    MissingExtra
        faiss is not installed.
    DataError, ShapeError
        An index file cannot be read, or has another dimension or number of vectors.
    InvalidArgument
        A store other than faiss, of our vectors, where vectors are compared by inner product.
    """
    if spec.kind == "store":
        return _of_a_store(spec, docs, queries, k=k, ids=ids, cosine=cosine)
    index = _read(spec, docs) if spec.kind == "file" else built_index(WHO, docs, spec.kind, spec.options)
    found = index.search(np.ascontiguousarray(queries, np.float32), k)[1]
    return np.asarray(found, np.int64), spec.words


def _of_a_store(
    spec: IndexSpec, docs: np.ndarray, queries: np.ndarray, *, k: int, ids: Sequence[str], cosine: bool
) -> tuple[np.ndarray, str]:
    text = spec.path
    scaled = not (text.startswith("faiss:") or spec.holds_documents)
    if scaled and not cosine:
        raise InvalidArgument(
            f"{WHO}: a store is filled by cosine; got vectors compared by inner product (similarity='dot', or cut and not scaled again). Use "
            "similarity='cosine' with renormalise=True, faiss:index=..., or existing=true."
        )
    found = store_lists(text, docs, queries, ids=ids, k=k)
    notes = found.notes
    words = f"{text.partition(':')[0]}, {notes['search']}: {notes['index']}; stored as {notes['stored_as']}, quantisation {notes['quantisation']}"
    if "model_dimension" in notes:
        words += f"; serves {notes['served_dimension']:,} of {notes['model_dimension']:,} dimensions"
    counted = {"queries_with_fewer_hits": f"queries with fewer than {k} hits", "hits_of_unknown_ids": "hits of unknown ids"}
    words += "".join(f"; {notes[name]:,} {said}" for name, said in counted.items() if name in notes)
    least, greatest = _lengths(docs) if scaled else (1.0, 1.0)
    if greatest - least > _UNEVEN * greatest:
        words += f"; scaled to unit length, while documents as served have lengths from {least:.3g} to {greatest:.3g}"
    return found.indices, words


def _lengths(docs: np.ndarray) -> tuple[float, float]:
    """(least, greatest) length of a row."""
    blocks = [np.linalg.norm(docs[at : at + ROWS], axis=1) for at in range(0, len(docs), ROWS)]
    return float(min(b.min() for b in blocks)), float(max(b.max() for b in blocks))


def _read(spec: IndexSpec, docs: np.ndarray):
    index = read_index(spec.path)
    if (index.ntotal, index.d) != docs.shape:
        raise ShapeError(
            f"{WHO}: the index must hold the documents served, {docs.shape[0]:,} of dimension {docs.shape[1]}; "
            f"{spec.path} holds {index.ntotal:,} of dimension {index.d}."
        )
    return index
