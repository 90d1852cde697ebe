"""faiss indexes over the rows of a matrix, by inner product: built repeatably, or read from a file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from limitlab._core.errors import DataError, InvalidArgument, RangeError
from limitlab._core.optional import require

REPEATABLE = 100_000  # documents up to which one thread builds the graph, so that the same documents give the same graph
_SEED = 0
_PQ_BITS = 8


def library() -> Any:
    """faiss, or MissingExtra with the line that installs it."""
    return require("faiss", extra="ann", what="approximate indexes", package="faiss-cpu")


def built_index(who: str, docs: np.ndarray, kind: str, options: Mapping[str, int]) -> Any:
    """A faiss index that holds the rows of ``docs``, in order.

    Parameters
    ----------
    who
        Named in errors.
    docs
        (n, dim) float32.
    kind
        flat, hnsw (m, ef_construction, ef_search), ivf (nlist, 0 for 4 sqrt(n); nprobe), pq (pq_m parts of 8 bits) or sq8 (8 bits a value).

    Raises
    ------
    InvalidArgument, RangeError
        More lists than documents; parts that do not divide the dimension; fewer than 256 documents to train parts on.
    """
    faiss = library()
    rows = np.ascontiguousarray(docs, np.float32)
    makers = {"flat": _flat, "hnsw": _hnsw, "ivf": _ivf, "pq": _pq, "sq8": _sq8}
    return makers[kind](faiss, who, rows, options)


def read_index(path: str) -> Any:
    """A faiss index from a file.

    Raises
    ------
    DataError
        The file is not one.
    """
    try:
        return library().read_index(path)
    except RuntimeError as error:
        raise DataError.at(path, None, "not readable as a faiss index") from error


def _flat(faiss: Any, who: str, rows: np.ndarray, options: Mapping[str, int]) -> Any:
    index = faiss.IndexFlatIP(rows.shape[1])
    index.add(rows)
    return index


def _hnsw(faiss: Any, who: str, rows: np.ndarray, options: Mapping[str, int]) -> Any:
    index = faiss.IndexHNSWFlat(rows.shape[1], options["m"], faiss.METRIC_INNER_PRODUCT)
    index.hnsw.efConstruction = options["ef_construction"]
    index.hnsw.efSearch = options["ef_search"]
    threads = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(1 if len(rows) <= REPEATABLE else threads)
    try:
        index.add(rows)
    finally:
        faiss.omp_set_num_threads(threads)
    return index


def _ivf(faiss: Any, who: str, rows: np.ndarray, options: Mapping[str, int]) -> Any:
    n, dim = rows.shape
    nlist = options["nlist"] or max(1, min(n, round(4 * n**0.5)))
    if nlist > n:
        raise InvalidArgument(f"{who}: nlist must be at most the number of documents, {n:,}; got nlist={nlist:,}.")
    index = faiss.IndexIVFFlat(faiss.IndexFlatIP(dim), dim, nlist, faiss.METRIC_INNER_PRODUCT)
    index.cp.seed, index.cp.min_points_per_centroid = _SEED, 1
    index.train(rows)
    index.add(rows)
    index.nprobe = min(options["nprobe"], nlist)
    return index


def _pq(faiss: Any, who: str, rows: np.ndarray, options: Mapping[str, int]) -> Any:
    n, dim = rows.shape
    parts = options["pq_m"] or max(p for p in range(1, max(1, dim // 8) + 1) if dim % p == 0)
    if dim % parts:
        raise RangeError(f"{who}: pq_m must divide the dimension, {dim}; got pq_m={parts}.")
    if n < 2**_PQ_BITS:
        raise RangeError(f"{who}: product quantisation must have at least {2**_PQ_BITS} documents to train on; got {n}.")
    index = faiss.IndexPQ(dim, parts, _PQ_BITS, faiss.METRIC_INNER_PRODUCT)
    index.pq.cp.min_points_per_centroid = 1  # a small corpus is trained on as it is, without a warning on the screen
    index.train(rows)
    index.add(rows)
    return index


def _sq8(faiss: Any, who: str, rows: np.ndarray, options: Mapping[str, int]) -> Any:
    index = faiss.IndexScalarQuantizer(rows.shape[1], faiss.ScalarQuantizer.QT_8bit, faiss.METRIC_INNER_PRODUCT)
    index.train(rows)
    index.add(rows)
    return index
