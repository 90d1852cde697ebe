"""Search by Hamming distance over bit-packed vectors: xor and population count, in blocks of queries."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from limitlab._core.checks import whole
from limitlab._core.errors import ShapeError
from limitlab._core.progress import SILENT, Progress
from limitlab.search.exact import SearchResult, search_scores
from limitlab.search.ranks import RelevantSet

_BLOCK_BYTES = 32 << 20


def hamming_search(
    docs: np.ndarray,
    queries: np.ndarray,
    *,
    dim: int,
    k: int,
    places: np.ndarray,
    relevant: RelevantSet | None = None,
    progress: Progress = SILENT,
) -> SearchResult:
    """The k best documents of every query by ``dim - 2 * Hamming distance``: the inner product of the vectors of +1 and -1.

    Scores take at most dim + 1 values, so most ranks rest on ties; ``ranks`` counts them, and lists follow ``places``.

    Parameters
    ----------
    docs, queries
        (n, words) uint64 from ``packed_bits``; unused bits 0 in both.
    dim
        Bits in use, 1 <= dim <= 64 words.
    k, places, relevant
        As in ``exact_search``.

    Raises
    ------
    ShapeError
        Not uint64 tables of one width.
    RangeError
        k or dim is outside its range.
    """
    who = "hamming_search()"
    for name, table in (("docs", docs), ("queries", queries)):
        if table.dtype != np.uint64 or table.ndim != 2 or table.shape[1] != docs.shape[1]:
            raise ShapeError(f"{who}: {name} must be a uint64 table as wide as docs; got {table.dtype}, shape {table.shape}.")
    whole(who, "dim", dim, low=1, high=64 * docs.shape[1])
    blocks = _blocks(np.ascontiguousarray(docs), np.ascontiguousarray(queries), dim, progress)
    return search_scores(blocks, n_docs=len(docs), k=k, places=places, relevant=relevant)


def _blocks(docs: np.ndarray, queries: np.ndarray, dim: int, progress: Progress) -> Iterator[np.ndarray]:
    from limitlab.search.hamming_kernels import hamming_scores

    rows = max(1, _BLOCK_BYTES // (4 * max(1, len(docs))))
    with progress.task("Hamming search", len(queries)) as bar:
        for at in range(0, len(queries), rows):
            block = np.empty((len(queries[at : at + rows]), len(docs)), np.float32)
            hamming_scores(docs, queries[at : at + rows], dim, block)
            yield block
            bar.advance(len(block))
