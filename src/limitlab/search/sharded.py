"""Exact search over parts of the documents: each part answers for all queries, the answers merge to the same bytes as in one pass."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from limitlab._core.errors import DataError, ShapeError
from limitlab._core.files import content_hash
from limitlab._core.progress import SILENT, Progress
from limitlab.search.one_pass import Heaps, preparer, search_rows
from limitlab.search.pairs import pair_scores
from limitlab.search.part_map import Arrays, kept_parts, map_parts, usual_parts
from limitlab.search.ranks import RelevantRanks, RelevantSet
from limitlab.search.shards import RowRange, Shards

_WHO = "exact_search()"
_LEAST_BLOCK = 64  # documents: a machine without memory for these has none for the answer


@dataclass(frozen=True)
class _Asked:
    """What every part is asked."""

    queries: np.ndarray
    k: int
    normalise: bool
    indptr: np.ndarray | None
    scores: np.ndarray | None  # (n_pairs,) of the relevant documents
    places: np.ndarray | None  # (n_pairs,) of the relevant documents


@dataclass(frozen=True)
class _Work:
    """A part, the places of its documents, and documents a block."""

    part: RowRange
    places: np.ndarray
    block_docs: int

    def __str__(self) -> str:
        return str(self.part)


def search_shards(
    docs: Shards,
    queries: np.ndarray,
    *,
    k: int,
    places: np.ndarray,
    normalise: bool,
    relevant: RelevantSet | None,
    block_docs: int,
    parts: int | None = None,
    progress: Progress = SILENT,
) -> tuple[np.ndarray, np.ndarray, RelevantRanks | None]:
    """(indices, scores, ranks) as ``exact_search`` gives them, byte for byte, whatever the parts, blocks, threads and engine.

    Scores are those of the pair alone, lists merge by (score descending, place ascending), counts add up.

    Parameters
    ----------
    queries
        (n_queries, dim) float32 as they are compared.
    parts
        Number of parts, about; default: by the number of rows.

    Raises
    ------
    DataError
        Parts failed; the others are kept under LIMITLAB_HOME until the same search is finished.
    """
    ranges = docs.parts(usual_parts(len(docs)) if parts is None else parts)
    work = [_Work(r, places[r.first : r.first + r.rows], block_docs) for r in ranges]
    asked = _Asked(queries, k, normalise, None, None, None)
    counts = None
    if relevant is not None:
        scores = pair_scores(docs, queries, relevant, partial(_finite, preparer(normalise, queries.shape[1])))
        counts = relevant.counter(scores, places)
        asked = replace(asked, indptr=relevant.indptr, scores=scores, places=places[relevant.members])
    about = {
        "search": content_hash([[str(a.dtype), a.shape, _digest(a)] for a in vars(asked).values() if isinstance(a, np.ndarray)]),
        "k": k, "normalise": normalise, "places": _digest(places), "parts": [[r.file.name, r.first, r.start, r.rows] for r in ranges],
    }  # fmt: skip
    best = Best(queries.shape[0], k, places)
    results = map_parts(
        _WHO, _answer, work, shared=asked, label="search", weights=[r.rows for r in ranges], smaller=_smaller,
        finished=kept_parts("search", about) if len(work) > 1 else None, identities=[r.file.identity() for r in ranges], progress=progress,
    )  # fmt: skip
    for index, arrays in results:
        best.offer(arrays["indices"], arrays["scores"], ranges[index].first)
        if counts is not None:
            counts.add(arrays["counted"])
    return best.indices, best.scores, None if counts is None else counts.ranks()


class Best:
    """The k best of every query among all lists offered."""

    def __init__(self, n_queries: int, k: int, places: np.ndarray) -> None:
        self.indices, self.scores = np.full((n_queries, k), -1, np.int64), np.full((n_queries, k), -np.inf, np.float32)
        self._places = places

    def offer(self, indices: np.ndarray, scores: np.ndarray, first: int) -> None:
        """Lists (n_queries, any), -1 where they end; ``first`` is the number of the document that they call 0."""
        docs = np.concatenate([self.indices, np.where(indices < 0, -1, indices + first)], axis=1)
        both = np.concatenate([self.scores, scores], axis=1)
        place = np.where(docs < 0, np.iinfo(np.int64).max, self._places[docs].astype(np.int64)) if self._places.size else docs
        order = np.lexsort((place, -both), axis=1)[:, : self.scores.shape[1]]
        self.indices, self.scores = np.take_along_axis(docs, order, 1), np.take_along_axis(both, order, 1)


def _answer(asked: _Asked, work: _Work) -> Arrays:
    """One part's lists, in rows of the part, and what it counts against the relevant documents of all parts."""
    n = work.part.rows
    heaps = Heaps(asked.queries.shape[0], min(asked.k, n), work.places)
    counts, places = None, work.places
    if asked.indptr is not None:
        assert asked.scores is not None and asked.places is not None
        # The kernel looks places up by row: those of the part first, then those of the relevant documents, wherever they are.
        places = np.concatenate([work.places, asked.places])
        counts = RelevantSet(asked.indptr, n + np.arange(asked.scores.size)).counter(asked.scores, places)
    try:
        search_rows(
            str(work), work.part.open(), asked.queries, heaps=heaps, counts=counts, places=places, normalise=asked.normalise,
            block_docs=work.block_docs, advance=_nothing,
        )  # fmt: skip
    except (ShapeError, OSError, ValueError) as error:
        raise DataError(str(error) if str(work) in str(error) else f"{work}: {error}") from error
    indices, scores = heaps.sorted()
    return {"indices": indices, "scores": scores, **({} if counts is None else {"counted": counts.counted()})}


def _smaller(work: _Work) -> _Work | None:
    """The same in half the documents a block."""
    return replace(work, block_docs=work.block_docs // 2) if work.block_docs >= 2 * _LEAST_BLOCK else None


def _finite(prepare, rows: np.ndarray) -> np.ndarray:
    """Relevant documents as they are compared; those that are not finite score NaN, and their part says so when it is searched."""
    with np.errstate(invalid="ignore"):
        return prepare(rows)


def _digest(array: np.ndarray) -> str:
    return hashlib.blake2b(np.ascontiguousarray(array).tobytes(), digest_size=16).hexdigest()


def _nothing(rows: float) -> None:
    """Progress is shown by parts."""
