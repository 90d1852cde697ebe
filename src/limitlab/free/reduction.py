"""The part of a relevance matrix that decides its least dimension: distinct rows and distinct columns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import sparse

from limitlab.free.problem import FreeProblem
from limitlab.relevance import RelevanceMatrix

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


def reduced(relevance: RelevanceMatrix, *, min_relevance: int = 1) -> Reduction:
    """Merge equal rows and equal columns.

    Raises
    ------
    ShapeError
        There is no query; a query has no relevant document, or every document is relevant to it.
    """
    problem = FreeProblem.from_relevance(relevance, min_relevance=min_relevance)  # refuses empty and full rows, by their ids
    shape = (problem.n_queries, problem.n_docs)
    matrix = sparse.csr_matrix((np.ones(problem.n_relevant, np.int8), problem.members, problem.indptr), shape=shape)
    query_of, rows = _distinct(matrix)
    doc_of, columns = _distinct(matrix[rows].T.tocsr())
    small = matrix[rows][:, columns].tocsr()
    small.sort_indices()
    kept = RelevanceMatrix(
        small.indptr,
        small.indices,
        query_ids=[relevance.query_ids[i] for i in rows.tolist()],
        doc_ids=[relevance.doc_ids[j] for j in columns.tolist()],
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


def _distinct(matrix: sparse.csr_matrix) -> tuple[np.ndarray, np.ndarray]:
    """For every row the number of its kind, and for every kind its first row; kinds in order of appearance."""
    matrix.sort_indices()
    kinds: dict[bytes, int] = {}
    first: list[int] = []
    kind_of = np.empty(matrix.shape[0], np.int64)
    for i in range(matrix.shape[0]):
        content = matrix.indices[matrix.indptr[i] : matrix.indptr[i + 1]].tobytes()
        kind_of[i] = kinds.setdefault(content, len(kinds))
        if kind_of[i] == len(first):
            first.append(i)
    return kind_of, np.array(first, np.int64)
