"""Nested corpora: the same queries and relevant documents among more and more others."""

from __future__ import annotations

import pytest

from limitlab._core.errors import RangeError
from limitlab.data import Dataset, make_limit
from limitlab.evaluation import evaluate
from limitlab.training import nested
from limitlab.training.sizes import n_relevant_docs, sample

DATA = make_limit(n_docs=200, n_queries=30)


def test_each_corpus_holds_the_smaller_ones_and_all_relevant_documents():
    assert n_relevant_docs(DATA) == 9
    small, middle, whole = nested(DATA, [200, 9, 50])
    assert [d.n_docs for d in (small, middle, whole)] == [9, 50, 200]
    assert set(small.docs.ids) <= set(middle.docs.ids) <= set(whole.docs.ids) == set(DATA.docs.ids)
    for d in (small, middle, whole):
        assert list(d.queries) == list(DATA.queries)
        assert d.relevance.to_qrels() == DATA.relevance.to_qrels()
        texts = dict(zip(DATA.docs.ids, DATA.docs))
        assert all(texts[i] == text for i, text in zip(d.docs.ids, d.docs))
    assert len({d.fingerprint() for d in (small, middle, whole)}) == 3


def test_the_others_are_drawn_with_the_seed_and_not_the_first_of_the_file():
    drawn = [[d.docs.ids for d in nested(DATA, [50, 100], seed=s)] for s in (0, 0, 1)]
    assert drawn[0] == drawn[1] != drawn[2] and set(drawn[2][0]) < set(drawn[2][1])
    relevant = set(nested(DATA, [9])[0].docs.ids)
    first = [i for i in DATA.docs.ids if i not in relevant][:41]
    for small, _ in drawn:
        assert 2 <= len(set(first) & set(small)) < 25 and list(small) == [i for i in DATA.docs.ids if i in set(small)]
    assert not set(first) <= set(sample(DATA, n_queries=30, n_docs=50).docs.ids)


def test_more_documents_never_raise_recall():
    found = [evaluate(d, ["bm25"], measures=["recall@2"]).rows[0].measures["recall@2"].mean for d in nested(DATA, [9, 50, 200])]
    assert found == sorted(found, reverse=True)


def test_grades_are_kept():
    graded = Dataset.from_texts({f"d{i}": f"t{i}" for i in range(5)}, {"q": "x"}, {"q": {"d3": 2, "d1": 1, "d4": 0}})
    assert nested(graded, [2])[0].relevance.to_qrels() == {"q": {"d1": 1, "d3": 2}}


@pytest.mark.parametrize("size", [8, 201])
def test_sizes_outside_are_refused(size):
    with pytest.raises(RangeError, match=rf"n_docs must be in \[9, 200\].*got n_docs={size}"):
        nested(DATA, [size])


def test_a_sample_keeps_the_judgements_of_its_queries():
    part = sample(DATA, n_queries=5, n_docs=20)
    assert (part.n_queries, part.n_docs) == (5, 20)
    assert all(part.relevance.to_qrels()[q] == DATA.relevance.to_qrels()[q] for q in part.queries.ids)
    assert sample(DATA, n_queries=500, n_docs=1).n_queries == 30
