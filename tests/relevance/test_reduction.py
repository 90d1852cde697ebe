"""Equal rows and columns are merged, and nothing that decides the least dimension is lost."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from limitlab._core.errors import ShapeError
from limitlab.relevance import RelevanceMatrix, all_subsets
from limitlab.relevance.reduction import OTHER, reduced, with_other_document


def matrix(rows: list[list[int]]) -> RelevanceMatrix:
    dense = np.array(rows)
    return RelevanceMatrix.from_pairs(
        *np.nonzero(dense), query_ids=[f"q{i}" for i in range(len(rows))], doc_ids=[f"d{j}" for j in range(dense.shape[1])]
    )


def dense(relevance: RelevanceMatrix) -> np.ndarray:
    return relevance.to_csr().toarray()


@st.composite
def matrices(draw):
    n_queries, n_docs = draw(st.integers(1, 8)), draw(st.integers(2, 7))
    row = st.integers(1, 2**n_docs - 2).map(lambda bits: [bits >> j & 1 for j in range(n_docs)])
    return matrix(draw(st.lists(row, min_size=n_queries, max_size=n_queries)))


@given(matrices())
def test_expanding_gives_the_matrix_back_and_no_two_rows_or_columns_are_equal(relevance):
    found = reduced(relevance)
    small = dense(found.relevance)
    assert (small[found.query_of][:, found.doc_of] == dense(relevance)).all()
    assert len({tuple(r) for r in small}) == len(small)
    assert len({tuple(c) for c in small.T}) == small.shape[1]
    again = reduced(found.relevance)
    assert again.relevance == found.relevance


@given(matrices(), st.integers(0, 5))
def test_vectors_of_the_distinct_ones_hold_the_whole_matrix(relevance, seed):
    """Scores that put exactly the relevant documents on top of the small matrix do so for the original."""
    found = reduced(relevance)
    rng = np.random.default_rng(seed)
    small = dense(found.relevance)
    docs = rng.standard_normal((found.relevance.n_docs, found.relevance.n_docs))
    queries = np.linalg.solve(docs, (small + 0.1 * rng.random(small.shape)).T).T
    big_docs, big_queries = found.expand(docs, queries)
    scores, wanted = big_queries @ big_docs.T, dense(relevance).astype(bool)
    assert big_docs.shape[0] == relevance.n_docs and big_queries.shape[0] == relevance.n_queries
    assert (np.where(wanted, scores, np.inf).min(axis=1) > np.where(wanted, -np.inf, scores).max(axis=1)).all()


def test_documents_relevant_to_nothing_are_one(tmp_path):
    relevance = RelevanceMatrix.from_qrels({"a": {"x": 1}, "b": {"y": 2, "z": 0}}, doc_ids=["w", "x", "y", "z", "v"])
    found = reduced(relevance)
    assert list(found.relevance.doc_ids) == ["w", "x", "y"] and found.doc_of.tolist() == [0, 1, 2, 0, 0]
    assert list(found.doc_ids) == ["w", "x", "y", "z", "v"] and list(found.query_ids) == ["a", "b"]


def test_all_subsets_are_left_as_they_are():
    assert (dense(reduced(all_subsets(6, 2)).relevance) == dense(all_subsets(6, 2))).all()


def test_grades_below_the_threshold_are_not_relevant():
    relevance = RelevanceMatrix.from_qrels({"a": {"x": 2, "y": 1}, "b": {"y": 2}})
    assert dense(reduced(relevance, min_relevance=2).relevance).tolist() == [[1, 0], [0, 1]]
    with pytest.raises(ShapeError, match=r"must have a relevant document; got 2 of 2 without: 'a', 'b'"):
        reduced(relevance, min_relevance=3)


def test_a_document_that_stands_for_all_others_is_added_once():
    relevance = RelevanceMatrix.from_qrels({"a": {"x": 1, "y": 1}, "b": {"y": 2}})
    with pytest.raises(ShapeError, match="that is not relevant"):
        reduced(relevance)
    more = with_other_document(relevance)
    assert list(more.doc_ids) == ["x", "y", OTHER] and more.to_qrels() == relevance.to_qrels()
    assert with_other_document(more) is more
    assert list(with_other_document(relevance, min_relevance=2).doc_ids) == ["x", "y"]
