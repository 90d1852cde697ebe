"""The part of a relevance matrix that decides its least dimension: distinct rows and distinct columns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import sparse

from limitlab._core.checks import choice
from limitlab._core.errors import ShapeError
from limitlab.relevance.matrix import RelevanceMatrix

OTHER = "(any other document)"


@dataclass(frozen=True)
class Reduction:
    """A smaller matrix with the same least dimension and the same sign rank.

    Documents that are relevant to the same queries can have one vector, and queries with the same relevant documents too:
    copying a row or a column of a score matrix changes neither its rank nor which inequalities hold. Documents that are
    relevant to nothing are all copies of one.

    Attributes
    ----------
    relevance
        Distinct rows and columns, named by the first query and document of each kind.
    doc_of, query_of
        (n_docs,) and (n_queries,) int64: the column and the row of ``relevance`` that stand for each of the original ones.
    doc_ids, query_ids
        Of the original ones.
    """

    relevance: RelevanceMatrix
    doc_of: np.ndarray
    query_of: np.ndarray
    doc_ids: Sequence[str]
    query_ids: Sequence[str]

    def expand(self, docs: np.ndarray, queries: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Vectors of all original documents and queries from those of the distinct ones."""
        return docs[self.doc_of], queries[self.query_of]


def reduced(relevance: RelevanceMatrix, *, min_relevance: int = 1, constant_rows: str = "refuse") -> Reduction:
    """Merge equal rows and equal columns.

    Parameters
    ----------
    constant_rows
        Rows without a relevant document, or with all: "refuse" or "keep". Either kind is one row of the result.

    Raises
    ------
    ShapeError
        There is no query; with "refuse": a query has no relevant document, or every document is relevant to it.
    """
    choice("reduced()", "constant_rows", constant_rows, ("refuse", "keep"))
    if not isinstance(relevance, RelevanceMatrix):
        raise ShapeError(f"reduced(): relevance must be a RelevanceMatrix; got {type(relevance).__name__}.")
    binary = relevance.binary(min_relevance)
    _check_rows(binary, constant_rows == "refuse")
    query_of, rows = _distinct(binary.indptr, binary.indices)
    # Columns that occur, and the first of those that do not: the loops below never see the millions of others.
    asked = np.unique(binary.indices)
    free = _first_missing(asked, binary.n_docs)
    columns = asked if free is None else np.insert(asked, np.searchsorted(asked, free), free)
    matrix = sparse.csr_matrix((np.ones(binary.indices.size, np.int8), binary.indices, binary.indptr), shape=binary.shape)
    turned = matrix[rows].tocsc()[:, columns]
    turned.sort_indices()
    kind_of, first = _distinct(turned.indptr, turned.indices)
    doc_of = np.full(binary.n_docs, 0 if free is None else kind_of[np.searchsorted(columns, free)], np.int64)
    doc_of[columns] = kind_of
    small = turned[:, first].tocsr()
    small.sort_indices()
    kept = RelevanceMatrix(
        small.indptr,
        small.indices,
        query_ids=[relevance.query_ids[i] for i in rows.tolist()],
        doc_ids=[relevance.doc_ids[j] for j in columns[first].tolist()],
    )
    return Reduction(kept, doc_of, query_of, relevance.doc_ids, relevance.query_ids)


def with_other_document(relevance: RelevanceMatrix, *, min_relevance: int = 1) -> RelevanceMatrix:
    """The matrix with one more column, relevant to nothing, unless it has such a column.

    For qrels without their corpus: the documents they do not name are all copies of this one.
    """
    asked = np.unique(relevance.binary(min_relevance).indices)
    if asked.size < relevance.n_docs:
        return relevance
    ids = [*relevance.doc_ids, OTHER]
    return RelevanceMatrix(relevance.indptr, relevance.indices, relevance.grades, query_ids=relevance.query_ids, doc_ids=ids)


def _check_rows(binary: RelevanceMatrix, refuse: bool) -> None:
    who = "reduced()"
    if binary.n_queries == 0:
        raise ShapeError(f"{who}: relevance must have at least one query; got none.")
    counts = np.diff(binary.indptr)
    for wrong, must in (
        (counts == 0, "every query must have a relevant document"),
        (counts == binary.n_docs, "every query must have a document that is not relevant"),
    ):
        rows = np.flatnonzero(wrong)
        if refuse and rows.size:
            names = ", ".join(repr(binary.query_ids[int(row)]) for row in rows[:3]) + (", ..." if rows.size > 3 else "")
            raise ShapeError(f"{who}: {must}; got {rows.size:,} of {counts.size:,} without: {names}. Drop these rows with select().")


def _first_missing(asked: np.ndarray, n_docs: int) -> int | None:
    """The least column that is not in ``asked``, ascending; None where all are."""
    gaps = np.flatnonzero(asked != np.arange(asked.size))
    least = int(gaps[0]) if gaps.size else asked.size
    return least if least < n_docs else None


def _distinct(indptr: np.ndarray, indices: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """For every row the number of its kind, and for every kind its first row; kinds in order of appearance."""
    kinds: dict[bytes, int] = {}
    first: list[int] = []
    kind_of = np.empty(indptr.size - 1, np.int64)
    content, width = np.ascontiguousarray(indices).tobytes(), indices.itemsize
    edges = (indptr * width).tolist()
    for i in range(kind_of.size):
        kind = kinds.setdefault(content[edges[i] : edges[i + 1]], len(first))
        if kind == len(first):
            first.append(i)
        kind_of[i] = kind
    return kind_of, np.array(first, np.int64)
