"""The shipped general set, and what a user may give in its place."""

from __future__ import annotations

import re

import limitlab as ll
from limitlab.evaluation import evaluate
from limitlab.training import general_data, general_folder


def test_the_shipped_set_opens_like_any_other_and_has_a_question_a_passage():
    data = ll.load(general_folder())
    assert data.n_docs == data.n_queries == data.relevance.n_relevant == 170
    assert len(set(data.docs)) == len(set(data.queries)) == 170
    assert {len(data.relevance.row(i)) for i in range(170)} == {1}
    assert not data.notes


def test_questions_do_not_copy_the_words_of_their_passages():
    data = ll.load(general_folder())
    words = [set(re.findall(r"[a-z]{5,}", t.lower())) for t in data.docs]
    shared = [len(set(re.findall(r"[a-z]{5,}", q.lower())) & words[int(data.relevance.row(i)[0])]) for i, q in enumerate(data.queries)]
    assert sum(shared) / len(shared) < 0.5
    assert evaluate(data, ["bm25"], measures=["recall@1"]).rows[0].measures["recall@1"].mean < 0.1


def test_what_may_be_given_in_its_place(tmp_path):
    own = ll.make_limit(n_docs=20, n_queries=5)
    assert general_data(own) is own and general_data("none") is None and general_data(None) is None
    assert general_data().name == "general knowledge"
    folder = ll.write_dataset(own, tmp_path / "own")
    assert general_data(str(tmp_path / "own")).fingerprint() == own.fingerprint(), folder
