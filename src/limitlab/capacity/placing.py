"""An embedding of the user's own relevance judgements by the best construction known."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import pairwise

import numpy as np
from scipy import sparse

from limitlab._core.checks import finite_rows, vectors, whole
from limitlab._core.errors import ShapeError, TooLarge
from limitlab._core.progress import SILENT, Progress
from limitlab.capacity.exact_scores import standing
from limitlab.capacity.number_types import number_type, round_to
from limitlab.capacity.placement import Placement
from limitlab.capacity.starts import starts
from limitlab.relevance import Reduction, RelevanceMatrix, reduced
from limitlab.search import separate

WHO = "place()"
_MOST_SCORES = 20_000_000_000
_MOST_VALUES = 1 << 28  # of distinct vectors: 2 GiB in float64
_ALL_SOLVED = 2_000_000_000  # distinct documents x queries x dim up to which queries are solved for every construction: seconds each
_BEST_SOLVED = 50_000_000_000  # up to which they are solved for the best one: minutes
_SCALES = 2.0 ** (np.arange(1, 16) / 16)


def place(
    relevance: RelevanceMatrix,
    *,
    dim: int | None = None,
    dtype: str = "float32",
    query_dtype: str | None = None,
    min_relevance: int = 1,
    also: Mapping[str, np.ndarray] | None = None,
    seed: int = 0,
    progress: Progress = SILENT,
) -> Placement:
    """Embed relevance judgements by the best construction known, and say what is left of them after rounding.

    Documents that are relevant to the same queries share a vector; all that nothing asks for share one. Documents are placed by every
    construction that fits (trigonometric curve, simplex, certified frame, random, singular vectors), rounded, and each query is
    solved for the documents as stored (max-margin), rounded, and counted in exact arithmetic. (For many distinct queries and documents
    constructions are compared by the mean of a query's documents instead, and queries are solved for the best one if at all.) The best in
    recall, then queries solved, then least gap is returned.

    With ``dim`` at least twice the largest |S| there is an exact solution in real numbers (trigonometric curve); its gap falls
    like ``n**-dim`` with the number of distinct documents and may drown in rounding. Below that it is tried all the same.

    Parameters
    ----------
    relevance
        Every query has a relevant document and one that is not.
    dim
        >= 1; None: twice the largest |S|, or the number of distinct documents less one where that is smaller.
    dtype, query_dtype
        Number types of documents and queries, see ``NUMBER_TYPES``. ``query_dtype`` None: that of the documents.
    min_relevance
        Grades below it do not count.
    also
        More documents to try, by name: one row for each distinct document, that is for each column of
        ``limitlab.relevance.reduced(relevance).relevance``. ``maximise_gap`` makes such.
    seed
        Of random documents.

    Raises
    ------
    ShapeError
        There is no query; one has no relevant document, or nothing but relevant ones; ``also`` does not fit.
    RangeError, UnknownName
        ``dim`` is below 1; no such number type.
    TooLarge
        More than 2e10 scores of distinct queries and documents, or 2**28 values of their vectors.

    References
    ----------
    [AlonFranklRodl1985], [Wang2026]

    Examples
    --------
    >>> from limitlab.relevance import dense
    >>> found = place(dense(50_000, 1_000), dim=4)
    >>> found.recall, found.kind, found.docs.shape
    (1.0, 'construction', (50000, 4))
    """
    query_dtype = dtype if query_dtype is None else query_dtype
    number_type(WHO, dtype)
    number_type(WHO, query_dtype, name="query_dtype")
    seed = whole(WHO, "seed", seed, low=0)
    reduction = reduced(relevance, min_relevance=min_relevance)
    small = reduction.relevance
    if small.n_docs * small.n_queries > _MOST_SCORES:
        raise TooLarge(
            f"{WHO}: {small.n_queries:,} distinct queries x {small.n_docs:,} distinct documents are more than {_MOST_SCORES:.0e} scores. "
            "Place a part of the queries with select()."
        )
    if dim is None:
        dim = max(1, min(2 * int(small.relevant_counts().max()), small.n_docs - 1))
    dim = whole(WHO, "dim", dim, low=1, high=65_536)
    if (small.n_docs + small.n_queries) * dim > _MOST_VALUES:
        raise TooLarge(
            f"{WHO}: {small.n_docs + small.n_queries:,} distinct vectors of {dim:,} values are more than {_MOST_VALUES:,} values. "
            "Ask a smaller dim, or place a part of the queries with select()."
        )
    cost = small.n_docs * small.n_queries * dim
    tried: list[Placement] = []
    best: tuple[Placement, np.ndarray] | None = None
    with progress.task("place") as bar:
        for name, docs in _all_starts(small, dim, also or {}, seed):
            tried.append(_attained(name, docs, reduction, dtype, query_dtype, solve=cost <= _ALL_SOLVED))
            if best is None or _better(tried[-1], best[0]):
                best = tried[-1], docs
            bar.advance()
        assert best is not None  # random documents or a line can always be made
        if _ALL_SOLVED < cost <= _BEST_SOLVED:
            name = f"{best[0].method}, queries solved"
            tried.append(_attained(name, best[1], reduction, dtype, query_dtype, solve=True))
    found = best[0] if _better(best[0], tried[-1]) else tried[-1]
    facts = tuple({n: getattr(t, n) for n in ("method", "recall", "solved", "least_gap")} for t in tried)
    return Placement(**{**found.__dict__, "tried": facts})


def _better(one: Placement, other: Placement) -> bool:
    return (one.recall, one.solved, one.least_gap) > (other.recall, other.solved, other.least_gap)


def _all_starts(small: RelevanceMatrix, dim: int, also: Mapping[str, np.ndarray], seed: int) -> Iterator[tuple[str, np.ndarray]]:
    for name, docs in also.items():
        docs = vectors(WHO, name, docs)
        finite_rows(WHO, name, docs)
        if docs.shape != (small.n_docs, dim):
            raise ShapeError(f"{WHO}: {name} must have shape ({small.n_docs}, {dim}), one row a distinct document; got shape {docs.shape}.")
        yield name, np.asarray(docs, np.float64)
    yield from starts(small, dim, seed=seed)


def _attained(name: str, ideal: np.ndarray, reduction: Reduction, dtype: str, query_dtype: str, *, solve: bool) -> Placement:
    """Round the documents, solve and round the queries, count."""
    small = reduction.relevance
    indptr, members = small.indptr, small.indices.astype(np.int64)
    stored = round_to(ideal, dtype)
    docs = stored.astype(np.float64)
    weights = np.bincount(reduction.doc_of, minlength=small.n_docs)
    ones = sparse.csr_matrix((np.ones(members.size), members, indptr), shape=small.shape)
    means = ones @ docs / np.diff(indptr)[:, None] - docs.mean(axis=0)
    proposals = [separate(ideal, (indptr, members)).queries, separate(docs, (indptr, members)).queries] if solve else []
    proposals.append(means / _lengths(means)[:, None])
    count = _best_queries(_Count(docs, indptr, members, weights), proposals, query_dtype)
    each = np.bincount(reduction.query_of, minlength=small.n_queries)
    recall = float((count.found / np.add.reduceat(weights[members], indptr[:-1]) * each).sum() / each.sum())
    solved = int(each[count.differences > 0].sum())
    gap = float((count.differences / (_lengths(count.queries) * _lengths(docs).max())).min())
    kind = "construction" if solved == each.sum() else "measurement"
    return Placement(name, kind, recall, solved, gap, dtype, query_dtype, (), stored, count.queries, reduction)


def _best_queries(count: _Count, proposals: list[np.ndarray], query_dtype: str) -> _Count:
    """Round every proposal and keep what is best for each set."""
    if query_dtype == "int8-per-dim":  # all queries share the scales, so a table is taken whole
        counts = [count.fresh() for _ in proposals]
        for each, proposed in zip(counts, proposals):
            each.offer(round_to(proposed, query_dtype))
        return max(counts, key=lambda c: (int(c.found.sum()), float(c.differences.min())))
    for proposed in proposals:
        count.offer(round_to(proposed, query_dtype))
    # The length of a query changes no ranking but changes how it is rounded: others are tried for those that went wrong.
    for scale in _SCALES if number_type(WHO, query_dtype).unit else ():
        wrong = np.flatnonzero(count.differences <= 0)
        if not wrong.size or 2 * wrong.size > count.differences.size:
            break
        for proposed in proposals[:-1]:
            count.offer(round_to(proposed[wrong] * scale, query_dtype), wrong)
    return count


class _Count:
    """The best query so far of every set: most relevant documents found, then the largest difference."""

    def __init__(self, docs: np.ndarray, indptr: np.ndarray, members: np.ndarray, weights: np.ndarray) -> None:
        self._docs, self._indptr, self._members, self._weights = docs, indptr, members, weights
        self.queries = np.zeros((0, 0))
        self.found = np.full(indptr.size - 1, -1, np.int64)
        self.differences = np.full(indptr.size - 1, -np.inf)

    def fresh(self) -> _Count:
        """The same sets, no query yet."""
        return _Count(self._docs, self._indptr, self._members, self._weights)

    def offer(self, queries: np.ndarray, rows: np.ndarray | None = None) -> None:
        """Take the queries that are better, of all sets or of those in ``rows``."""
        rows = np.arange(self.found.size) if rows is None else rows
        if not self.queries.size:
            self.queries = np.zeros((self.found.size, queries.shape[1]), queries.dtype)
        counts = np.diff(self._indptr)[rows]
        indptr = np.concatenate([[0], np.cumsum(counts)])
        members = self._members[np.arange(indptr[-1]) + np.repeat(self._indptr[rows] - indptr[:-1], counts)]
        stands = standing(self._docs, queries, indptr, members, self._weights)
        found = np.array([_found(stands.above[a:b], self._weights[members[a:b]]) for a, b in pairwise(indptr)], np.int64)
        held = self.differences[rows] / _lengths(self.queries[rows])
        better = (found > self.found[rows]) | ((found == self.found[rows]) & (stands.differences / _lengths(queries) > held))
        at = rows[better]
        self.queries[at], self.found[at], self.differences[at] = queries[better], found[better], stands.differences[better]


def _lengths(rows: np.ndarray) -> np.ndarray:
    """Norms; a zero row counts as 1, so that its differences, all zero, can be divided."""
    norms = np.linalg.norm(rows.astype(np.float64), axis=1)
    return np.where(norms > 0, norms, 1.0)


def _found(above: np.ndarray, weights: np.ndarray) -> int:
    """Relevant documents among the first |S|, irrelevant ones first among equal scores."""
    order = np.argsort(above, kind="stable")
    before = np.concatenate([[0], np.cumsum(weights[order])[:-1]])
    return int(np.clip(weights.sum() - above[order] - before, 0, weights[order]).sum())
