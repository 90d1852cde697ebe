"""Functions of the user's as retrievers."""

from __future__ import annotations

import numpy as np
import pytest

from limitlab._core.errors import DataError
from limitlab._core.texts import TextList
from limitlab.retrieval import CallableRetriever, Retriever
from limitlab.search import RelevantSet, tie_order

DOCS = TextList(["a", "b", "c", "d"], ["one", "two", "three", "four"])
QUERIES = TextList(["q0", "q1"], ["first", "second"])


def searched(function, *, k: int = 3, rule: str = "trec", relevant=((0, 1), (2,))):
    retriever = CallableRetriever(function, name="mine")
    retriever.index(DOCS, QUERIES)
    indptr = np.cumsum([0, *map(len, relevant)])
    return retriever.search(k=k, places=tie_order(DOCS.ids, rule), relevant=RelevantSet(indptr, [j for row in relevant for j in row]))


def test_the_function_gets_all_texts_and_k_once():
    calls = []

    def search(texts, k):
        calls.append((texts, k))
        return [{"a": 1.0}, {"c": 1.0}]

    searched(search)
    assert calls == [(["first", "second"], 3)]


def test_mappings_and_pairs_are_sorted_by_score():
    found = searched(lambda texts, k: [{"a": 0.1, "c": 0.9}, [("d", 2), ("b", 3), ("c", 1)]])
    assert found.indices.tolist() == [[2, 0, -1], [1, 3, 2]]
    assert found.scores.tolist() == [[np.float32(0.9), np.float32(0.1), -np.inf], [3, 2, 1]]


def test_what_is_not_listed_counts_as_not_retrieved():
    found = searched(lambda texts, k: [{"a": 1.0}, {}])
    assert found.ranks.by_id().tolist() == [1, 0, 0]


def test_ties_follow_the_rule():
    same = lambda texts, k: [dict.fromkeys("abcd", 1.0)] * 2  # noqa: E731
    assert searched(same, k=4).indices[0].tolist() == [3, 2, 1, 0]
    assert searched(same, k=4, rule="st").indices[0].tolist() == [0, 1, 2, 3]
    ranks = searched(same, k=4).ranks
    assert ranks.tied.tolist() == [4, 4, 4] and ranks.above.tolist() == [0, 0, 0]


def test_more_hits_than_asked_for_are_cut():
    found = searched(lambda texts, k: [{"a": 4, "b": 3, "c": 2, "d": 1}] * 2, k=2)
    assert found.indices.tolist() == [[0, 1], [0, 1]]
    assert found.ranks.by_id().tolist() == [1, 2, 0]


def test_unknown_ids_are_counted_and_shown():
    with pytest.raises(DataError, match="mine: results must name documents of the corpus; 3 hits do not: 'x', 'y'"):
        searched(lambda texts, k: [{"a": 1, "x": 1, "y": 2}, {"x": 1}])


@pytest.mark.parametrize("n", [0, 1, 3])
def test_a_wrong_number_of_results_is_refused(n):
    with pytest.raises(DataError, match=f"one result a query; got {n} for 2 queries"):
        searched(lambda texts, k: [{"a": 1.0}] * n)


@pytest.mark.parametrize("answer", [[("a", 1), ("a", 2)], [("a", float("nan"))], {"a": float("inf")}])
def test_repeated_documents_and_infinite_scores_are_refused(answer):
    with pytest.raises(DataError, match="each document once, with finite scores; that of query 'q1' does not"):
        searched(lambda texts, k: [{"a": 1.0}, answer])


def test_only_a_version_makes_answers_reusable():
    search = lambda texts, k: []  # noqa: E731
    assert CallableRetriever(search).config(4)["cache"] is False
    one, two = CallableRetriever(search, version="1"), CallableRetriever(search, version="2")
    assert one.config(4)["cache"] is True
    assert one.config(4) != two.config(4)


def test_it_is_a_retriever_without_dimension_or_prediction():
    retriever = CallableRetriever(lambda texts, k: [])
    assert isinstance(retriever, Retriever)
    assert retriever.max_dim is None
    assert retriever.predict("recall", 2, n_docs=4, n_relevant=1, dim=None) is None
