"""Exact search over parts of the documents: each part answers for all queries, the answers merge to the same bytes as in one pass."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from limitlab._core.errors import DataError, InvalidArgument, ShapeError
from limitlab._core.files import content_hash
from limitlab._core.progress import SILENT, Progress
from limitlab.search.one_pass import Heaps, preparer, search_rows
from limitlab.search.pairs import pair_scores
from limitlab.search.part_map import Arrays, array_digest, half_blocks, kept_parts, map_parts, usual_parts
from limitlab.search.ranks import RelevantRanks, RelevantSet
from limitlab.search.shards import RowRange, Shards

_WHO = "exact_search()"
_UNREADABLE = (DataError, OSError, ValueError)


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
        Parts failed; the others are kept under LIMITLAB_HOME until the same search is finished, unless relevant documents are among
        what failed: then nothing else was searched.
    """
    ranges = docs.parts(usual_parts(len(docs)) if parts is None else parts)
    work = [_Work(r, places[r.first : r.first + r.rows], block_docs) for r in ranges]
    asked = _Asked(queries, k, normalise, None, None, None)
    counts = None
    if relevant is not None:
        scores = _relevant_scores(docs, asked, relevant, work, progress)
        counts = relevant.counter(scores, places)
        asked = replace(asked, indptr=relevant.indptr, scores=scores, places=places[relevant.members])
    about = {
        "search": content_hash([[str(a.dtype), a.shape, array_digest(a)] for a in vars(asked).values() if isinstance(a, np.ndarray)]),
        "k": k, "normalise": normalise, "places": array_digest(places), "parts": [[r.file.path, r.first, r.start, r.rows] for r in ranges],
    }  # fmt: skip
    best = Best(queries.shape[0], k, places)
    results = map_parts(
        _WHO, _answer, work, shared=asked, label="search", weights=[r.rows for r in ranges], smaller=half_blocks,
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


# -- scores of relevant documents ---------------------------------------------------------------------------------


def _relevant_scores(docs: Shards, asked: _Asked, relevant: RelevantSet, work: list[_Work], progress: Progress) -> np.ndarray:
    """(n_pairs,) float32 as ``pair_scores``.

    Raises
    ------
    DataError
        Rows of relevant documents cannot be read or are not finite: the parts that hold them were searched, and say so. The others were
        not: what they count depends on these scores, so that nothing of theirs could be used after a repair.
    """
    prepare = partial(_nan_where_wrong, preparer(asked.normalise, asked.queries.shape[1]), asked.queries.shape[1])
    try:
        scores = pair_scores(docs, asked.queries, relevant, prepare)
    except InvalidArgument:
        raise
    except _UNREADABLE:
        scores = np.full(relevant.members.size, np.nan, np.float32)
        for part in (w.part for w in work):
            own = np.flatnonzero((relevant.members >= part.first) & (relevant.members < part.first + part.rows))
            counts = np.bincount(relevant.rows[own], minlength=relevant.n_queries)
            with suppress(*_UNREADABLE):  # the part says so itself, below
                few = RelevantSet(np.concatenate([[0], np.cumsum(counts)]), relevant.members[own])
                scores[own] = pair_scores(docs, asked.queries, few, prepare)
    if not (wrong := np.isnan(scores)).any():
        return scores
    firsts = [w.part.first for w in work]
    suspects = [work[i] for i in np.unique(np.searchsorted(firsts, relevant.members[wrong], side="right") - 1)]
    checked = map_parts(
        _WHO, _answer, suspects, shared=replace(asked, k=1), label="search", weights=[w.part.rows for w in suspects], smaller=half_blocks,
        must="every part with relevant documents must be readable and finite before others are searched",
        rest="Others were not searched, since they count what stands above those documents: repair the files.", progress=progress,
    )  # fmt: skip
    for _ in checked:
        pass
    raise DataError(f"{_WHO}: files must not change while they are searched; relevant rows of {suspects[0]} could not be read at first.")


def _nan_where_wrong(prepare: Callable[..., np.ndarray], dim: int, rows: np.ndarray) -> np.ndarray:
    """Rows as they are compared; NaN all over where one is not finite or beyond float32, which its part says when it is searched."""
    with np.errstate(over="ignore", invalid="ignore"):
        good = np.isfinite(rows.sum(axis=1, dtype=np.float64)) & np.isfinite(rows[:, :dim].astype(np.float32)).all(axis=1)
    if good.all():
        return prepare(rows)
    made = prepare(np.where(good[:, None], rows, rows.dtype.type(0)))
    made[~good] = np.nan
    return made


def _nothing(rows: float) -> None:
    """Progress is shown by parts."""
