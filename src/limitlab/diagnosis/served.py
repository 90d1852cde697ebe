"""Levels 4 and 5: documents and queries as they are served: truncated, then stored in a number type or product quantised."""

from __future__ import annotations

import re

import numpy as np

from limitlab._core.checks import choice, whole
from limitlab._core.errors import RangeError
from limitlab._core.optional import require
from limitlab.capacity.number_types import round_to
from limitlab.diagnosis.scratch import ROWS, Scratch
from limitlab.diagnosis.subject import WHO
from limitlab.search import normalised
from limitlab.search.stored_vectors import stored_as
from limitlab.search.vectors import as_float32

DTYPES = ("float16", "bfloat16", "fp8-e4m3", "fp8-e5m2", "int8", "binary")
QUERY_DTYPES = ("float32", *DTYPES)
PER_DIM = ("int8-per-dim", "int8-ranges")  # all documents share scales, so there is none for queries
_PQ_BITS = 8
_TRAINED_ON = 65_536


def truncated(array: np.ndarray, dim: int, *, renormalise: bool, scratch: Scratch) -> np.ndarray:
    """The first ``dim`` values of every row, scaled to unit length again when ``renormalise`` is set: (n, dim) float32."""
    out = scratch.array((len(array), dim))
    for at in range(0, len(array), ROWS):
        block = np.asarray(array[at : at + ROWS])
        out[at : at + ROWS] = normalised(block, dim) if renormalise else as_float32(block, dim)
    return out


def stored_type(dtype: str) -> str:
    """``dtype`` if it is a type documents can be served in: one of DTYPES or PER_DIM, or ``pq:M``.

    Raises
    ------
    UnknownName
        It is none of them.
    """
    return dtype if re.fullmatch(r"pq:[1-9]\d{0,4}", dtype) else choice(WHO, "dtype", dtype, (*DTYPES, *PER_DIM, "pq:M"))


def quantised(docs: np.ndarray, dtype: str, *, scratch: Scratch) -> np.ndarray:
    """Documents with the values that they have once stored: (n, dim) float32.

    Parameters
    ----------
    docs
        (n, dim) float32.
    dtype
        A name of DTYPES (see ``round_to``) or of PER_DIM (see ``search.stored_vectors``), or ``pq:M``: product quantisation with M parts of 8 bits, trained on at most 65,536
        documents spread evenly over the corpus; scores are those of the decoded vectors (asymmetric).

    Raises
    ------
    RangeError
        M does not divide the dimension, or there are fewer than 256 documents to train on.
    MissingExtra
        ``pq:M`` without faiss.
    """
    out = scratch.array(docs.shape)
    if dtype in PER_DIM:
        held = stored_as(docs, dtype)
        for at in range(0, len(docs), ROWS):
            out[at : at + ROWS] = held[at : at + ROWS]
        return out
    if not dtype.startswith("pq:"):
        for at in range(0, len(docs), ROWS):
            out[at : at + ROWS] = round_to(docs[at : at + ROWS], dtype)
        return out
    faiss = require("faiss", extra="ann", what="product quantisation", package="faiss-cpu")
    n, dim = docs.shape
    parts = whole(WHO, "M of pq:M", int(dtype[3:]), low=1, high=dim, high_name="dim")
    if dim % parts:
        raise RangeError(f"{WHO}: M of pq:M must divide the dimension served, {dim}; got M={parts}.")
    if n < 2**_PQ_BITS:
        raise RangeError(f"{WHO}: product quantisation must have at least {2**_PQ_BITS} documents to train on; got {n}.")
    code = faiss.ProductQuantizer(dim, parts, _PQ_BITS)
    code.cp.min_points_per_centroid = 1  # a small corpus is trained on as it is, without a warning on the screen
    code.train(np.ascontiguousarray(docs[:: -(-n // _TRAINED_ON)], np.float32))
    for at in range(0, n, ROWS):
        out[at : at + ROWS] = code.decode(code.compute_codes(np.ascontiguousarray(docs[at : at + ROWS], np.float32)))
    return out
