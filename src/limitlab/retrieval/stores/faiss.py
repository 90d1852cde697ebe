"""faiss, in memory: an index built over our vectors, or a file with one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from limitlab._core.checks import choice, whole
from limitlab._core.errors import InvalidArgument, ShapeError
from limitlab._core.files import sha256_file
from limitlab._core.progress import SILENT, Progress
from limitlab._core.provenance import versions
from limitlab.retrieval.stores.faiss_index import REPEATABLE, built_index, library, read_index
from limitlab.retrieval.stores.store import Hits, Served, Store, lengths_of

INDEXES = ("flat", "hnsw", "ivf", "pq", "sq8")
_OF = {"flat": (), "hnsw": ("m", "ef_construction", "ef_search"), "ivf": ("nlist", "nprobe"), "pq": ("pq_m",), "sq8": ()}
_USUAL = {"m": 32, "ef_construction": 40, "ef_search": 16, "nlist": 0, "nprobe": 1, "pq_m": 0}  # faiss's own defaults


class Faiss(Store):
    """A faiss index by inner product.

    Parameters
    ----------
    index
        flat (exact), hnsw, ivf, pq, or sq8.
    m, ef_construction, ef_search
        Of hnsw: links a vector, candidates when building, candidates when searching; default 32, 40, 16. ``ef_search`` also for a file.
    nlist, nprobe
        Of ivf: lists (default 4 sqrt(n)), and lists looked at (default 1). ``nprobe`` also for a file.
    pq_m
        Of pq: parts of 8 bits; default: the greatest divisor of the dimension that is at most an eighth of it.
    file
        A faiss index over the documents, in the order of the dataset, asked as it is.

    Raises
    ------
    UnknownName, RangeError, InvalidArgument
        No such index; an option out of range, or of another kind of index.
    """

    kind = "faiss"

    def __init__(
        self,
        *,
        index: str = "flat",
        m: int | None = None,
        ef_construction: int | None = None,
        ef_search: int | None = None,
        nlist: int | None = None,
        nprobe: int | None = None,
        pq_m: int | None = None,
        file: str | None = None,
    ) -> None:
        given = {"m": m, "ef_construction": ef_construction, "ef_search": ef_search, "nlist": nlist, "nprobe": nprobe, "pq_m": pq_m}
        self._given = {name: whole("faiss", name, value, low=1) for name, value in given.items() if value is not None}
        self.index = choice("faiss", "index", index, INDEXES)
        allowed = _OF[index] if file is None else ("ef_search", "nprobe")
        if wrong := [name for name in self._given if name not in allowed]:
            of = f"index={index}" if file is None else "a file"
            raise InvalidArgument(f"faiss: options of {of} must be among {', '.join(allowed) or 'none'}; got {', '.join(wrong)}.")
        if file is not None and not Path(str(file)).is_file():
            raise InvalidArgument(f"faiss: the file must exist; there is no {file!r}.")
        self.file, self.existing = None if file is None else str(file), file is not None
        self.collection = None if file is None else Path(file).name
        self._options = {name: self._given.get(name, _USUAL[name]) for name in _USUAL}
        self._made: dict[str, Any] = {}
        self._ids: Sequence[str] = ()

    def config(self) -> dict[str, Any]:
        """Index, its options, and the version of faiss; the hash of a file."""
        about = {"faiss": versions().get("faiss-cpu")}
        if self.file is not None:
            return {**about, "file": sha256_file(self.file), **self._given}
        return {**about, "index": self.index, **{name: self._options[name] for name in _OF[self.index]}}

    def shown(self) -> dict[str, Any]:
        """Kind of index, and options that were given."""
        first = {"file": Path(self.file).name} if self.file is not None else {} if self.index == "flat" else {"index": self.index}
        return {**first, **self._given}

    def repeatable(self, n_docs: int) -> bool:
        """All but a graph that several threads build."""
        return self.existing or self.index != "hnsw" or n_docs <= REPEATABLE

    def check(self, n_docs: int, dim: int) -> None:
        """A file must hold as many vectors as there are documents."""
        library()
        if self.file is not None and self._opened_index().ntotal != n_docs:
            raise ShapeError(
                f"faiss: the index must hold the documents of the dataset, {n_docs:,}, in their order; {self.file} holds "
                f"{self._opened_index().ntotal:,}."
            )

    def held(self, name: str) -> int | None:
        """Vectors of an index made in this process, or of the file."""
        index = self._opened_index() if self.existing else self._made.get(name)
        return None if index is None else int(index.ntotal)

    def create(self, name: str, dim: int) -> None:
        """Nothing: an index is made from all vectors at once."""

    def add(self, name: str, start: int, ids: Sequence[str], vectors: np.ndarray) -> None:
        """Nothing: see ``upload``."""

    def upload(self, name: str, ids: Sequence[str], vectors: np.ndarray, *, progress: Progress = SILENT) -> int:
        """Build the index over all vectors at once: training and threads then do not depend on batches."""
        if name in self._made:
            return 0
        with progress.task(f"faiss: {self.index}", None):
            self._made = {name: built_index("faiss", vectors, self.index, self._options)}  # one at a time: they are large
        return len(vectors)

    def rows_are(self, ids: Sequence[str]) -> None:
        """The ids of the rows: an index of faiss knows only their numbers."""
        self._ids = ids

    def search(self, name: str, queries: np.ndarray, k: int) -> list[Hits]:
        """Rows by similarity; distances of an L2 index count negative."""
        index = self._opened_index() if self.existing else self._made[name]
        values, rows = index.search(np.ascontiguousarray(queries, np.float32), min(k, int(index.ntotal)))
        sign = 1.0 if index.metric_type == library().METRIC_INNER_PRODUCT else -1.0
        return [[(self._ids[j], sign * v) for j, v in zip(js, vs) if j >= 0] for js, vs in zip(rows.tolist(), values.tolist())]

    def describe(self, name: str) -> Served:
        """What the index says of itself."""
        index = self._opened_index() if self.existing else self._made[name]
        faiss = library()
        inner = faiss.downcast_index(index.index if isinstance(index, (faiss.IndexPreTransform, faiss.IndexIDMap)) else index)
        words, kind = [type(inner).__name__.removeprefix("Index")], type(inner).__name__
        if hasattr(inner, "hnsw"):
            words += [f"m={inner.hnsw.nb_neighbors(1)}", f"ef_construction={inner.hnsw.efConstruction}", f"ef_search={inner.hnsw.efSearch}"]
        if hasattr(inner, "nprobe"):
            words += [f"nlist={inner.nlist}", f"nprobe={inner.nprobe}"]
        coded = "product" if "PQ" in kind else "scalar" if "Scalar" in kind or "SQ" in kind else "none"
        try:
            lengths = lengths_of(index.reconstruct_n(0, min(100, int(index.ntotal))))
        except RuntimeError:  # codes that faiss cannot turn back
            lengths = None
        metric = "inner product" if index.metric_type == faiss.METRIC_INNER_PRODUCT else "euclidean"
        exact = "HNSW" not in kind and "IVF" not in kind
        stored = (
            "float32" if coded == "none" else f"{coded} code, {8 * inner.code_size} bits a vector" if hasattr(inner, "code_size") else coded
        )
        return Served(int(index.d), int(index.ntotal), metric, exact, " ".join(words), stored, coded, lengths if coded == "none" else None)

    def stored(self, name: str) -> Iterator[tuple[list[str], np.ndarray]]:
        """Vectors as the index gives them back; ids are row numbers."""
        index = self._opened_index()
        for start in range(0, int(index.ntotal), 65_536):
            count = min(65_536, int(index.ntotal) - start)
            try:
                yield [str(j) for j in range(start, start + count)], index.reconstruct_n(start, count)
            except RuntimeError as error:
                raise InvalidArgument(f"faiss: vectors of {self.file} cannot be read back from this kind of index.") from error

    def drop(self, name: str) -> None:
        """Free the memory."""
        self._made.pop(name, None)

    def _opened_index(self) -> Any:
        if "" not in self._made:
            if self.file is None:
                raise InvalidArgument("faiss: a file must be given, such as faiss:file=my.faiss; got none.")
            index = read_index(self.file)
            inner = library().downcast_index(index)
            if "ef_search" in self._given and hasattr(inner, "hnsw"):
                inner.hnsw.efSearch = self._given["ef_search"]
            if "nprobe" in self._given and hasattr(inner, "nprobe"):
                inner.nprobe = min(self._given["nprobe"], inner.nlist)
            self._made[""] = index  # the owner: its downcast form does not keep it alive
        return self._made[""]
