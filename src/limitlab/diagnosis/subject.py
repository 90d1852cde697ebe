"""What is diagnosed: vectors, ids and relevance, checked and brought together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from limitlab._core.checks import choice, vectors, whole
from limitlab._core.errors import DataError, RangeError, ShapeError, first_examples
from limitlab._core.row_tables import RowTable
from limitlab.diagnosis.scratch import ROWS, Scratch
from limitlab.relevance import RelevanceMatrix
from limitlab.search import RelevantSet, normalised, tie_order
from limitlab.search.vectors import as_float32

WHO = "diagnose()"
SIMILARITIES = ("cosine", "dot")
TIES = ("trec", "st")
_UNIT = 1e-6  # norms so near 1 are taken for 1: the vectors are used as they are, without a copy


@dataclass(frozen=True, eq=False)
class Subject:
    """Vectors as they are compared, the relevant pairs, and the cut.

    Attributes
    ----------
    docs, queries
        (n_docs, dim), (n_queries, dim) float32, compared by inner product: unit rows for cosine.
    relevant
        Relevant rows of ``docs`` for each row of ``queries``; none is empty.
    doc_ids, query_ids
        Of the rows.
    places
        Order among equal scores, see ``tie_order``.
    k
        The cut.
    cosine
        Whether the rows were scaled to unit length.
    notes
        Counts that a reader must know.
    """

    docs: np.ndarray
    queries: np.ndarray
    relevant: RelevantSet
    doc_ids: Sequence[str]
    query_ids: Sequence[str]
    places: np.ndarray
    k: int
    cosine: bool
    notes: dict[str, int | str] = field(default_factory=dict)

    @property
    def sizes(self) -> np.ndarray:
        """(n_queries,) relevant documents of each query."""
        return np.diff(self.relevant.indptr)

    @property
    def targets(self) -> np.ndarray:
        """(n_queries,) relevant documents that fit into the cut."""
        return np.minimum(self.sizes, self.k)

    def per_query(self, pairs: np.ndarray) -> np.ndarray:
        """Sums of a value a pair over the pairs of each query."""
        total = np.concatenate([[0], np.cumsum(pairs, dtype=np.int64)])
        return total[self.relevant.indptr[1:]] - total[self.relevant.indptr[:-1]]


def subject(
    relevance: RelevanceMatrix,
    docs: np.ndarray,
    queries: np.ndarray,
    *,
    doc_ids: Sequence[str] | None,
    query_ids: Sequence[str] | None,
    k: int,
    similarity: str,
    ties: str,
    min_relevance: int,
    scratch: Scratch,
) -> Subject:
    """Check everything and bring it together; see ``diagnose`` for what is refused."""
    docs, queries = vectors(WHO, "docs", docs), np.asarray(vectors(WHO, "queries", queries))
    if docs.shape[1] != queries.shape[1]:
        raise ShapeError(f"{WHO}: docs and queries must have the same dimension; got {docs.shape[1]} and {queries.shape[1]}.")
    k = whole(WHO, "k", k, low=1)
    if k > len(docs):
        raise RangeError(f"{WHO}: k must be at most the number of documents; got k={k} for {len(docs):,} documents.")
    choice(WHO, "similarity", similarity, SIMILARITIES)
    choice(WHO, "ties", ties, TIES)
    whole(WHO, "min_relevance", min_relevance, low=1)
    names = _named("doc", doc_ids, len(docs), relevance.doc_ids), _named("query", query_ids, len(queries), relevance.query_ids)
    rows, indptr, members = _pairs(relevance, *names, min_relevance)
    notes: dict[str, int | str] = {}
    if len(rows) < len(queries):
        notes["queries without a relevant document, left out"] = len(queries) - len(rows)
    if doc_ids is not None and (absent := len(set(relevance.doc_ids) - set(names[0]))):
        notes["documents of the dataset without a vector, none of them relevant"] = absent
    cosine = similarity == "cosine"
    ready = _prepared("docs", docs, cosine, names[0], scratch), _prepared("queries", queries, cosine, names[1], scratch)
    asked = ready[1] if len(rows) == len(queries) else np.ascontiguousarray(ready[1][rows])
    ids = [names[1][int(r)] for r in rows]
    return Subject(ready[0], asked, RelevantSet(indptr, members), names[0], ids, tie_order(names[0], ties), k, cosine, notes)


def _named(what: str, given: Sequence[str] | None, n_rows: int, known: Sequence[str]) -> Sequence[str]:
    """The ids of the rows; without ids of their own rows are in the order of the relevance."""
    plural = {"doc": "docs", "query": "queries"}[what]
    if given is None:
        if len(known) != n_rows:
            raise ShapeError(
                f"{WHO}: {plural} must have one row for each of the {len(known):,} ids of the relevance; got {n_rows:,} rows. "
                f"Pass {what}_ids, the ids of the rows."
            )
        return known
    if len(given) != n_rows:
        raise ShapeError(f"{WHO}: {what}_ids must have one id for each of the {n_rows:,} rows of {plural}; got {len(given):,} ids.")
    if len(set(given)) < len(given):
        seen: set[str] = set()
        twice = list(dict.fromkeys(i for i in given if i in seen or seen.add(i)))  # type: ignore[func-returns-value]
        raise DataError(f"{WHO}: {what}_ids must be distinct; {len(twice)} repeat: {first_examples(twice)}.")
    return given


def _pairs(
    relevance: RelevanceMatrix, doc_ids: Sequence[str], query_ids: Sequence[str], min_relevance: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(rows of queries with a relevant document, indptr, rows of docs), members ascending within a query."""
    positive = relevance.binary(min_relevance)
    rows = _rows_of("queries", relevance.query_ids, query_ids, np.flatnonzero(np.diff(positive.indptr)))
    columns = _rows_of("documents", relevance.doc_ids, doc_ids, np.unique(positive.indices))
    query = rows[np.repeat(np.arange(positive.n_queries), np.diff(positive.indptr))]
    doc = columns[positive.indices]
    if not query.size:
        raise DataError(f"{WHO}: at least one document must be relevant to some query (grade >= {min_relevance}); none is.")
    order = np.lexsort((doc, query))
    used, counts = np.unique(query, return_counts=True)
    return used, np.concatenate([[0], np.cumsum(counts)]), doc[order].astype(np.int64)


def _rows_of(what: str, known: Sequence[str], given: Sequence[str], used: np.ndarray) -> np.ndarray:
    """For every position in ``known``: its row in ``given``, -1 where it has none; those ``used`` must have one."""
    if given is known:
        return np.arange(len(known))
    at = {name: i for i, name in enumerate(given)}
    out = np.array([at.get(name, -1) for name in known], np.int64)
    missing = used[out[used] < 0]
    if missing.size:
        examples = first_examples([known[int(i)] for i in missing[:4]])
        raise DataError(
            f"{WHO}: all {what} of the qrels must have a vector; {missing.size:,} of {used.size:,} have none: {examples}. "
            "Check that the ids are those of the qrels."
        )
    return out


def _prepared(name: str, array: np.ndarray, cosine: bool, ids: Sequence[str], scratch: Scratch) -> np.ndarray:
    """Rows as float32, scaled to unit length for cosine; the array itself where that changes nothing."""
    n, dim = array.shape
    bad, constant, off = [], [], False
    first: np.ndarray | None = None
    alike = n > 1
    for at in range(0, n, ROWS):
        block = np.asarray(array[at : at + ROWS])
        norms = np.sqrt(np.einsum("ij,ij->i", block, block, dtype=np.float64))
        bad += (at + np.flatnonzero(~np.isfinite(norms))).tolist()
        flat = (block == block[:, :1]).all(axis=1) if dim > 1 else norms == 0
        constant += (at + np.flatnonzero(flat)).tolist()
        off = off or bool((np.abs(norms - 1) > _UNIT).any())
        first = block[0] if first is None else first
        alike = alike and bool((block == first).all())
    _refuse(name, "be finite", "hold NaN or infinity", bad, n, ids)
    _refuse(name, "not be zero or constant", "have the same value in every dimension", constant, n, ids)
    if alike and n > 1 and name == "docs":
        raise ShapeError(f"{WHO}: docs must differ; all {n:,} vectors are the same.")
    in_order = isinstance(array, RowTable) or array.flags.c_contiguous
    if array.dtype == np.float32 and in_order and not (cosine and off):
        return array
    out = scratch.array((n, dim))
    for at in range(0, n, ROWS):
        block = np.asarray(array[at : at + ROWS])
        out[at : at + ROWS] = normalised(block, name=name) if cosine else as_float32(block, dim, name=name)
    return out


def _refuse(name: str, must: str, do: str, rows: list[int], n: int, ids: Sequence[str]) -> None:
    if rows:
        examples = first_examples([ids[r] for r in rows[:4]])
        raise ShapeError(f"{WHO}: vectors of {name} must {must}; got {len(rows):,} of {n:,} that {do}: {examples}.")
