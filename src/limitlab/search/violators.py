"""One pass over the documents of a cutting-plane solve: which of them violate the queries most, in one array or part by part."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from limitlab._core.checks import finite_rows
from limitlab._core.errors import DataError, ShapeError
from limitlab._core.row_tables import RowTable
from limitlab.search.part_map import Arrays, half_blocks, in_files, map_parts, usual_parts
from limitlab.search.shards import RowRange, Shards

_WHO = "separate()"
_ROWS = 8192  # rows summed together: fixed, so that neither blocks nor parts change the mean


@dataclass(frozen=True)
class Corpus:
    """Documents that are read in blocks, with what one reading of all of them tells.

    Attributes
    ----------
    docs
        (n_docs, dim); may be a memory map, or Shards.
    dtype
        float32 or float64: as they are used.
    files
        The same as files that workers can open; None: blocks are read here.
    block_docs
        Documents a block at most.
    longest
        Largest norm.
    mean
        (dim,) float64.
    """

    docs: np.ndarray | RowTable
    dtype: np.dtype
    files: Shards | None
    block_docs: int
    longest: float
    mean: np.ndarray

    @classmethod
    def read(cls, who: str, docs: np.ndarray | RowTable, given: np.ndarray | RowTable, dtype: np.dtype, block_docs: int) -> Corpus:
        """One pass over the documents; rows with NaN or infinity are refused.

        Parameters
        ----------
        docs, given
            As they are used, and as the caller gave them: the same but for a memory map, which only ``given`` still knows to be one.
        """
        files = in_files(given)
        longest, total = 0.0, np.zeros(docs.shape[1])
        for most, sums in _summed(who, docs, dtype) if files is None else _summed_in_parts(files, dtype):
            longest = max(longest, most)
            total += sums
        return cls(docs, dtype, files, block_docs, longest, total / docs.shape[0])


@dataclass
class Found:
    """The worst violators of each set on one side."""

    scores: np.ndarray  # (n_sets, places)
    docs: np.ndarray
    sizes: np.ndarray  # (n_sets,)

    @classmethod
    def none(cls, n_sets: int, places: int) -> Found:
        """Nothing found yet."""
        return cls(np.full((n_sets, places), -np.inf), np.full((n_sets, places), -1, np.int64), np.zeros(n_sets, np.int64))

    def by_document(self) -> Found:
        """Ascending in document, so that neither blocks nor threads decide the order in which they join."""
        unused = np.arange(self.docs.shape[1]) >= self.sizes[:, None]
        order = np.argsort(np.where(unused, np.iinfo(np.int64).max, self.docs), axis=1, kind="stable")
        return Found(np.take_along_axis(self.scores, order, axis=1), np.take_along_axis(self.docs, order, axis=1), self.sizes)

    def merged(self, other: Found) -> Found:
        """The worst of both: the largest scores, of equal ones the lowest documents."""
        docs, scores = (np.concatenate([getattr(f, name) for f in (self, other)], axis=1) for name in ("docs", "scores"))
        order = np.lexsort((np.where(docs < 0, np.iinfo(np.int64).max, docs), -scores), axis=1)[:, : self.docs.shape[1]]
        sizes = np.minimum(self.sizes + other.sizes, self.docs.shape[1])
        return Found(np.take_along_axis(scores, order, axis=1), np.take_along_axis(docs, order, axis=1), sizes)


@dataclass(frozen=True)
class Asked:
    """What every document is compared with.

    Attributes
    ----------
    queries
        (n_sets, dim) float64.
    indptr, members
        CSR of the sets.
    floors, own_floors
        (n_sets,): irrelevant documents count above the one, relevant ones below minus the other.
    guards
        (n_sets,) by which a float32 product may differ from the score.
    places, own_places
        How many of each are kept.
    dtype
        float32 or float64, of the documents.
    """

    queries: np.ndarray
    indptr: np.ndarray
    members: np.ndarray
    floors: np.ndarray
    own_floors: np.ndarray
    guards: np.ndarray
    places: int
    own_places: int
    dtype: np.dtype


def violators(corpus: Corpus, asked: Asked, block_docs: int) -> tuple[Found, Found]:
    """(irrelevant documents above their floors, relevant ones below theirs), ascending in document: the same however it is cut."""
    if corpus.files is None:
        others, relevant = _pass(asked, corpus.docs, 0, block_docs)
        return others.by_document(), relevant.by_document()
    n_sets = len(asked.queries)
    others, relevant = Found.none(n_sets, asked.places), Found.none(n_sets, asked.own_places)
    ranges = corpus.files.parts(usual_parts(len(corpus.files)))
    work = [_Work(r, block_docs) for r in ranges]
    for _, arrays in map_parts(_WHO, _answer, work, shared=asked, label="", weights=[r.rows for r in ranges], smaller=half_blocks):
        others = others.merged(Found(*(arrays[f"others {name}"] for name in ("scores", "docs", "sizes"))))
        relevant = relevant.merged(Found(*(arrays[f"relevant {name}"] for name in ("scores", "docs", "sizes"))))
    return others.by_document(), relevant.by_document()


def _pass(asked: Asked, docs: np.ndarray | RowTable, first: int, block_docs: int) -> tuple[Found, Found]:
    """Of documents whose numbers begin at ``first``."""
    from limitlab.search.many_sets import offer_others, offer_relevant

    n_sets = len(asked.queries)
    others, relevant = Found.none(n_sets, asked.places), Found.none(n_sets, asked.own_places)
    single = asked.queries.astype(np.float32)
    product = np.empty((n_sets, block_docs), np.float32)
    for start in range(0, len(docs), block_docs):
        block = _block(docs, start, block_docs, asked.dtype)
        out = product[:, : len(block)]
        np.matmul(single, block.astype(np.float32, copy=False).T, out=out)
        at = first + start
        offer_others(
            out, block, at, asked.queries, asked.indptr, asked.members, asked.floors, asked.guards, others.scores, others.docs, others.sizes
        )
        offer_relevant(
            block, at, asked.queries, asked.indptr, asked.members, asked.own_floors, relevant.scores, relevant.docs, relevant.sizes
        )
    return others, relevant


def _block(docs: np.ndarray | RowTable, start: int, rows: int, dtype: np.dtype) -> np.ndarray:
    """Rows in C order, read-only whatever they come from: one kind of array, one compilation, one order of sums."""
    block = np.ascontiguousarray(docs[start : start + rows], dtype).view(np.ndarray)
    block.setflags(write=False)
    return block


@dataclass(frozen=True)
class _Work:
    """A part, and documents a block."""

    part: RowRange
    block_docs: int

    def __str__(self) -> str:
        return str(self.part)


def _answer(asked: Asked, work: _Work) -> Arrays:
    with _Named(work):
        others, relevant = _pass(asked, work.part.open(), work.part.first, min(work.part.rows, work.block_docs))
    named = {"others": others, "relevant": relevant}
    return {f"{side} {name}": getattr(found, name) for side, found in named.items() for name in ("scores", "docs", "sizes")}


class _Named:
    """A context in which what is wrong with a part's file is told with the part's name."""

    def __init__(self, work: object) -> None:
        self._work = str(work)

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, (ShapeError, OSError, ValueError)):
            raise DataError(str(error) if self._work in str(error) else f"{self._work}: {error}") from error


# -- one reading of all documents ---------------------------------------------------------------------------------


def _summed(who: str, docs: np.ndarray | RowTable, dtype: np.dtype, first: int = 0) -> Iterator[tuple[float, np.ndarray]]:
    """(largest norm, (dim,) float64 sum) of every 8,192 rows, in order."""
    for start in range(0, len(docs), _ROWS):
        block = np.ascontiguousarray(docs[start : start + _ROWS], dtype)
        finite_rows(who, "docs", block, offset=first + start)
        yield float(np.sqrt(np.einsum("ij,ij->i", block, block, dtype=np.float64).max())), block.sum(axis=0, dtype=np.float64)


@dataclass(frozen=True)
class _Span:
    """Rows of all files together, from a multiple of 8,192 on: blocks of the mean may cross the border of a file."""

    start: int
    stop: int

    def __str__(self) -> str:
        return f"rows {self.start:,} to {self.stop - 1:,}"


def _summed_in_parts(files: Shards, dtype: np.dtype) -> list[tuple[float, np.ndarray]]:
    n = len(files)
    size = _ROWS * max(1, -(-n // (_ROWS * usual_parts(n))))
    spans = [_Span(a, min(a + size, n)) for a in range(0, n, size)]
    found: dict[int, Arrays] = dict(
        map_parts(_WHO, _sums_of_span, spans, shared=(files, dtype), label="", weights=[s.stop - s.start for s in spans])
    )
    return [(float(m), s) for i in range(len(spans)) for m, s in zip(found[i]["longest"], found[i]["sums"])]


def _sums_of_span(shared: tuple[Shards, np.dtype], span: _Span) -> Arrays:
    files, dtype = shared
    with _Named(files.files[0].path if len(files.files) == 1 else f"{files.files[0].path} and later files, {span}"):
        pairs = [
            pair for at in range(span.start, span.stop, _ROWS) for pair in _summed(_WHO, files[at : min(at + _ROWS, span.stop)], dtype, at)
        ]
    return {"longest": np.array([m for m, _ in pairs]), "sums": np.stack([s for _, s in pairs])}
