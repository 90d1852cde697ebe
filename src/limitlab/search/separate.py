"""The max-margin query of sets of documents: which query scores a set highest above all other documents, and by how much."""

from __future__ import annotations

import numpy as np

from limitlab._core.checks import finite_rows, real, vectors, whole
from limitlab._core.errors import RangeError, ShapeError, first_examples
from limitlab._core.files import content_hash
from limitlab._core.progress import SILENT, Progress
from limitlab._core.row_tables import RowTable
from limitlab.engine import Finished
from limitlab.relevance import RelevanceMatrix
from limitlab.search.cutting_plane import CuttingPlane
from limitlab.search.part_map import array_digest, kept_parts, usual_parts
from limitlab.search.separation import Part, Separation, joined
from limitlab.search.violators import Corpus

WHO = "separate()"
_IN_MEMORY = 1 << 17  # values of all documents up to which every step looks at all of them
_LONGEST = 1e15  # float32 products of longer documents could overflow
_UNIT = 2.0**-53


def separate(
    docs: np.ndarray | RowTable,
    sets: np.ndarray | RelevanceMatrix | tuple[np.ndarray, np.ndarray],
    *,
    tolerance: float = 1e-10,
    enough: float | None = None,
    start: np.ndarray | None = None,
    with_weights: bool = False,
    block_docs: int | None = None,
    memory_bytes: int = 256 << 20,
    progress: Progress = SILENT,
) -> Separation:
    r"""Query of greatest gap for every set: :math:`\max_{|u|=1} \min_{i \in S} \langle u, v_i \rangle - \max_{j \notin S} \langle u, v_j \rangle`.

    The greatest gap of a separable set equals the distance between the convex hulls of its documents and of all others.
    Few documents are solved in memory; many (or long) ones by cutting planes: a solve on some documents of each set, one
    blocked matrix product that finds those that violate it, and again.

    Parameters
    ----------
    docs
        (n_docs, dim), real, finite. Used as they are: normalise them first where cosine is meant. May be a memory map;
        what is not float32 or float64 in C order is copied. May be Shards: each part is looked through on the current engine, and where
        there are several parts, what every round found is kept under LIMITLAB_HOME: a call that was killed repeats the round in work.
    sets
        (n_sets, k) whole numbers: the documents of each set; or a RelevanceMatrix whose columns are the documents (grades
        >= 1 count); or, for sets of different sizes, a list of lists or ``(indptr, indices)``. No set is empty or holds every document.
    tolerance
        Wanted ``bounds - gaps``, in units of scores, [1e-14, 1]. Rounding alone is about 1e-14 times the longest document.
    enough
        Stop a set as soon as its gap is at least this: several times faster where only separability is asked.
    start
        (n_sets, dim) directions from which each set's first documents are chosen; default: mean of the set minus mean of
        all documents. They change the time, and the result by no more than ``tolerance``.
    with_weights
        Return the hull points' weights too.
    block_docs, memory_bytes
        Documents a block, and memory for blocks and working documents (documents held in memory by the caller not counted).

    Raises
    ------
    ShapeError
        docs or sets have the wrong shape, or docs hold NaN or infinity.
    RangeError
        A set is empty, holds every document, repeats one or names one that does not exist.
    DataError
        A part of Shards cannot be read, or is not finite.

    References
    ----------
    [Wolfe1976]

    Examples
    --------
    >>> import numpy as np
    >>> found = separate(np.eye(3), np.array([[0, 1]]))
    >>> round(float(found.gaps[0]), 6)  # the distance between (1/2, 1/2, 0) and (0, 0, 1)
    1.224745
    """
    given = vectors(WHO, "docs", docs)
    dtype = np.dtype(np.float32 if given.dtype == np.float32 else np.float64)
    docs = given
    if isinstance(given, np.ndarray):
        docs = np.asarray(given, dtype, order="C").view()
        docs.setflags(write=False)  # a memory map may be read-only: one kind of array, one compilation
    tolerance = real(WHO, "tolerance", tolerance, low=1e-14, high=1.0)
    limit = np.inf if enough is None else real(WHO, "enough", enough, low=0.0)
    whole(WHO, "memory_bytes", memory_bytes, low=1 << 20)
    n_docs, dim = docs.shape
    block_docs = max(64, memory_bytes // (32 * dim)) if block_docs is None else whole(WHO, "block_docs", block_docs, low=1)
    indptr, members = _as_csr(sets, n_docs)
    n_sets = indptr.size - 1
    if start is not None:
        start = vectors(WHO, "start", start)
        if start.shape != (n_sets, dim):
            raise ShapeError(f"{WHO}: start must have shape ({n_sets}, {dim}), one direction a set; got shape {start.shape}.")
        finite_rows(WHO, "start", start)
    corpus = Corpus.read(WHO, docs, given, dtype, block_docs)
    if corpus.longest > _LONGEST:
        raise RangeError(f"{WHO}: norms of docs must be at most {_LONGEST:g}; got {corpus.longest:.3g}.")
    in_memory = _InMemory(corpus) if n_docs * _padded(dim) <= _IN_MEMORY else None
    at_once = 1 << 15 if in_memory else max(16, min(1024, memory_bytes // CuttingPlane.bytes_per_set(corpus)))
    finished = None if in_memory else _kept(corpus, indptr, members, start, [tolerance, limit, at_once, block_docs])
    parts = []
    with progress.task("separate", n_sets) as bar:
        for at in range(0, max(n_sets, 1), at_once):
            stop = min(at + at_once, n_sets)
            own = (indptr[at : stop + 1] - indptr[at], members[indptr[at] : indptr[stop]])
            directions = None if start is None else np.array(start[at:stop], np.float64)  # a copy: solving writes into it
            if in_memory:
                parts.append(in_memory.solve(*own, directions, tolerance, limit, with_weights))
            else:
                directions = _from_means(corpus, *own) if directions is None else directions
                parts.append(CuttingPlane(corpus, *own, directions, tolerance, limit).solve(finished, at // at_once))
            bar.advance(stop - at)
    if finished is not None:
        finished.clear()
    rounding = 2 * (_padded(dim) + 6) * _UNIT * corpus.longest
    return joined(parts, tolerance=tolerance, enough=limit, rounding=rounding, n_docs=n_docs, with_weights=with_weights)


def _kept(corpus: Corpus, indptr: np.ndarray, members: np.ndarray, start: np.ndarray | None, others: list[float]) -> Finished | None:
    """Where rounds over files of several parts are kept until all sets are solved; a solve of other files, sets or settings is another one."""
    if corpus.files is None:
        return None
    ranges = corpus.files.parts(usual_parts(len(corpus.files)))
    if len(ranges) < 2:
        return None
    asked = [indptr, members] if start is None else [indptr, members, np.asarray(start, np.float64)]
    files = [[r.file.identity(), r.first, r.start, r.rows] for r in ranges]
    return kept_parts("separate", {"sets": [array_digest(a) for a in asked], "files": content_hash(files, length=32), "others": others})


class _InMemory:
    """All documents, padded, in both orders."""

    def __init__(self, corpus: Corpus) -> None:
        n_docs, dim = corpus.docs.shape
        self._corpus = corpus
        self._rows = np.zeros((n_docs, _padded(dim)))
        self._rows[:, :dim] = corpus.docs[:]
        self._columns = np.ascontiguousarray(self._rows.T)

    def solve(
        self, indptr: np.ndarray, members: np.ndarray, start: np.ndarray | None, tolerance: float, enough: float, with_weights: bool
    ) -> Part:
        """Every set against all documents at every step."""
        from limitlab.search.many_sets import solve_whole

        n_sets, dim = indptr.size - 1, self._corpus.docs.shape[1]
        width = self._rows.shape[1]
        first, centre = np.zeros((0 if start is None else n_sets, width)), np.zeros(width)
        centre[:dim] = self._corpus.mean
        if start is not None:
            first[:, :dim] = start
        held = (n_sets if with_weights else 0, dim + 2)
        gaps, bounds = np.empty((2, n_sets))
        worst, steps = np.empty((2, n_sets), np.int64)
        part = Part(np.empty((n_sets, dim)), gaps, bounds, worst, steps, np.empty(held, np.int64), np.empty(held))
        solve_whole(
            self._rows, self._columns, dim, indptr, members, first, centre, self._corpus.longest, tolerance / 64, enough,
            part.queries, part.gaps, part.bounds, part.worst, part.steps, part.active, part.shares,
        )  # fmt: skip
        return part


def _padded(dim: int) -> int:
    return -(-dim // 8) * 8


def _from_means(corpus: Corpus, indptr: np.ndarray, members: np.ndarray) -> np.ndarray:
    """Mean of every set minus the mean of all documents, (n_sets, dim) float64."""
    out = np.empty((indptr.size - 1, corpus.mean.size))
    for q in range(indptr.size - 1):
        total = np.zeros(corpus.mean.size)
        own = members[indptr[q] : indptr[q + 1]]
        for at in range(0, own.size, 4096):
            total += corpus.docs[own[at : at + 4096]].astype(corpus.dtype, copy=False).sum(axis=0, dtype=np.float64)
        out[q] = total / own.size - corpus.mean
    return out


def _as_csr(sets: np.ndarray | RelevanceMatrix | tuple[np.ndarray, np.ndarray], n_docs: int) -> tuple[np.ndarray, np.ndarray]:
    """(indptr, members) int64 of the sets, members ascending; refuses sets that no query can be asked for."""
    if isinstance(sets, RelevanceMatrix):
        if sets.n_docs != n_docs:
            raise ShapeError(f"{WHO}: sets must have one column per document, {n_docs}; got {sets.n_docs} columns.")
        keep = sets.grades > 0
        indptr, members = np.concatenate([[0], np.cumsum(sets.relevant_counts())]), sets.indices[keep]
    elif isinstance(sets, tuple):
        if len(sets) != 2:
            raise ShapeError(f"{WHO}: sets must be an array, a RelevanceMatrix or (indptr, indices); got {len(sets)} arrays.")
        indptr, members = _whole_numbers("indptr", sets[0], 1), _whole_numbers("indices", sets[1], 1)
        if indptr.size < 1 or indptr[0] != 0 or indptr[-1] != members.size or (np.diff(indptr) < 0).any():
            raise ShapeError(
                f"{WHO}: indptr must ascend from 0 to the number of indices; got {indptr.size} values, {members.size} indices."
            )
    elif isinstance(sets, list) and len({len(s) for s in sets if hasattr(s, "__len__")}) > 1 and all(hasattr(s, "__len__") for s in sets):
        parts = [_whole_numbers(f"sets[{i}]", s, 1) for i, s in enumerate(sets)]  # sets of different sizes
        indptr, members = np.concatenate([[0], np.cumsum([p.size for p in parts])]), np.concatenate(parts)
    else:
        array = _whole_numbers("sets", sets, 2)
        indptr, members = np.arange(array.shape[0] + 1) * array.shape[1], array.reshape(-1)
    indptr, members = indptr.astype(np.int64), members.astype(np.int64)
    sizes = np.diff(indptr)
    wrong = np.flatnonzero((sizes < 1) | (sizes >= n_docs))
    if wrong.size:
        raise RangeError(
            f"{WHO}: every set must have between 1 and {n_docs - 1} of {n_docs} documents; got {sizes[wrong[0]]} in set {wrong[0]}."
        )
    if members.size and not 0 <= members.min() <= members.max() < n_docs:
        raise RangeError(f"{WHO}: documents of sets must be in [0, {n_docs}); got {members.min()} to {members.max()}.")
    order = np.lexsort((members, np.repeat(np.arange(sizes.size), sizes)))
    members = members[order]
    repeats = np.flatnonzero(np.diff(members) == 0)
    repeats = repeats[~np.isin(repeats + 1, indptr)]
    if repeats.size:
        rows = first_examples([int(r) for r in np.searchsorted(indptr, repeats[:4], side="right") - 1])
        raise RangeError(f"{WHO}: a set must name each document once; got {repeats.size} repeats, in sets {rows}.")
    return indptr, members


def _whole_numbers(name: str, values: np.ndarray, ndim: int) -> np.ndarray:
    array = np.asarray(values)
    if array.ndim != ndim or (array.dtype.kind not in "iu" and array.size):
        raise ShapeError(f"{WHO}: {name} must be a {ndim}-dimensional array of whole numbers; got {array.dtype}, shape {array.shape}.")
    return array
