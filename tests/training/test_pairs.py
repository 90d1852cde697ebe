"""Training pairs: what is drawn, from which split, and that nothing of the test attributes is in the train split."""

from __future__ import annotations

import json
from collections import Counter

import pytest

from limitlab._core.errors import DataError, RangeError
from limitlab.data import Vocabulary
from limitlab.data.limit import attribute_pools
from limitlab.training.config import TrainConfig
from limitlab.training.pairs import counted_pairs, training_pairs
from limitlab.training.pairs import test_data as evaluated

TEST = evaluated(TrainConfig(queries=1_000), 60)


def _attributes(document: str) -> set[str]:
    listed = document[document.index(" likes ") + 7 :].rstrip(".")
    return {a for part in listed.split(", ") for a in part.rsplit(" and ", 1)} | set(listed.split(", "))


def test_no_attribute_of_the_test_queries_is_in_the_train_split():
    pairs = training_pairs(TrainConfig(pairs=4_000), TEST)
    asked = set(attribute_pools(Vocabulary.builtin())["test"])
    template = Vocabulary.builtin().templates.query
    assert len(asked) == 1_000 and {template.replace("{attribute}", a) for a in asked} == set(TEST.queries)
    assert not set(pairs.queries) & set(TEST.queries)
    assert all(not _attributes(d) & asked for d in set(pairs.docs))
    assert pairs.notes["queries_also_in_test"] == 0 and pairs.test_queries == ()
    assert not set(pairs.docs) & set(TEST.docs)


def test_the_check_above_would_find_a_test_attribute():
    asked = set(attribute_pools(Vocabulary.builtin())["test"])
    assert any(_attributes(d) & asked for d in TEST.docs)


def test_every_pair_is_one_of_the_qrels_and_the_split_says_which():
    pairs = training_pairs(TrainConfig(pairs=300, split="test"), TEST)
    relevant = {q: {TEST.docs[int(j)] for j in TEST.relevance.row(i)} for i, q in enumerate(TEST.queries)}
    assert len(pairs) == 300 and len(set(zip(pairs.queries, pairs.docs))) == 300
    assert all(d in relevant[q] and r == relevant[q] for q, d, r in zip(pairs.queries, pairs.docs, pairs.relevant))
    assert len(pairs.test_queries) == 150 and set(pairs.test_queries) <= set(TEST.queries.ids)


def test_a_mix_is_half_and_half():
    pairs = training_pairs(TrainConfig(pairs=200, split="mix"), TEST)
    known = set(TEST.queries)
    assert Counter(q in known for q in pairs.queries) == {True: 100, False: 100}
    assert len(pairs.test_queries) == 50


def test_more_pairs_than_attributes_come_from_other_documents():
    pairs = training_pairs(TrainConfig(pairs=400, attributes=50), TEST)
    assert len(set(pairs.queries)) <= 50 and len(pairs) == 400
    twice = next(q for q, n in Counter(pairs.queries).items() if n > 2)
    assert {d for q, d in zip(pairs.queries, pairs.docs) if q == twice} == pairs.relevant[pairs.queries.index(twice)]
    assert len(set(pairs.docs)) > 3 * len(set(training_pairs(TrainConfig(pairs=100, attributes=50), TEST).docs))


def test_the_pattern_decides_how_many_documents_there_are():
    dense = training_pairs(TrainConfig(pairs=400), TEST)
    disjoint = training_pairs(TrainConfig(pairs=400, pattern="disjoint"), TEST)
    assert dense.notes["documents"] == 46 and disjoint.notes["documents"] == 400


def test_the_same_seed_gives_the_same_pairs_and_another_seed_others():
    first, again, other = (training_pairs(TrainConfig(pairs=200, seed=s), TEST) for s in (3, 3, 4))
    assert first.fingerprint() == again.fingerprint() != other.fingerprint()


def test_too_many_pairs_of_the_test_split_are_refused():
    with pytest.raises(RangeError, match=r"pairs must be at most 2,000 in split 'test'.*got pairs=2,001"):
        training_pairs(TrainConfig(pairs=2_001, split="test"), TEST)


@pytest.fixture
def folder(tmp_path):
    """Six documents, two queries for train and one for test."""
    docs = [{"_id": f"d{i}", "text": f"text {i}"} for i in range(6)]
    queries = [{"_id": f"q{i}", "text": f"question {i}"} for i in range(3)]
    for name, rows in (("corpus", docs), ("queries", queries)):
        (tmp_path / f"{name}.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    (tmp_path / "qrels").mkdir()
    (tmp_path / "qrels" / "train.tsv").write_text("query-id\tcorpus-id\tscore\nq0\td0\t1\nq1\td1\t1\nq1\td2\t1\n", encoding="utf-8")
    (tmp_path / "qrels" / "test.tsv").write_text("query-id\tcorpus-id\tscore\nq2\td3\t1\n", encoding="utf-8")
    return str(tmp_path)


def test_pairs_of_a_folder_of_ones_own(folder):
    config = TrainConfig(data=folder, pairs=3)
    data = evaluated(config, 1)
    assert (data.n_docs, list(data.queries)) == (6, ["question 2"])
    found = training_pairs(config, data)
    assert sorted(zip(found.queries, found.docs)) == [("question 0", "text 0"), ("question 1", "text 1"), ("question 1", "text 2")]
    with pytest.raises(RangeError, match="pairs must be at most 3"):
        training_pairs(TrainConfig(data=folder, pairs=4), data)


def test_a_folder_without_train_qrels_says_which_there_are(folder, tmp_path):
    (tmp_path / "qrels" / "train.tsv").unlink()
    with pytest.raises(DataError, match=r"no qrels found for split 'train'.*splits found: test"):
        training_pairs(TrainConfig(data=folder, pairs=2), evaluated(TrainConfig(data=folder), 1))


def test_one_document_alone_has_no_negatives(folder, tmp_path):
    (tmp_path / "qrels" / "train.tsv").write_text("query-id\tcorpus-id\tscore\nq0\td0\t1\nq1\td0\t1\n", encoding="utf-8")
    with pytest.raises(DataError, match="at least two different documents"):
        training_pairs(TrainConfig(data=folder, pairs=2), evaluated(TrainConfig(data=folder), 1))


def test_where_no_number_is_asked_for_all_are_taken_up_to_the_usual(tmp_path):
    few = evaluated(TrainConfig(queries=60), 120)
    config, pairs = counted_pairs(TrainConfig(split="test", queries=60), few)
    assert config.pairs == len(pairs) == 120
    mixed, both = counted_pairs(TrainConfig(split="mix", queries=60), few)
    assert mixed.pairs == len(both) == 240 and len(both.test_queries) == 60
    usual, many = counted_pairs(TrainConfig(), few)
    assert usual.pairs == len(many) == 2_000 and usual.resolved() == TrainConfig(pairs=2_000).resolved() == TrainConfig().resolved()
    assert len(training_pairs(TrainConfig(split="test", queries=60), few)) == 120
    with pytest.raises(RangeError, match="pairs must be at most 120"):
        counted_pairs(TrainConfig(split="test", queries=60, pairs=121), few)
