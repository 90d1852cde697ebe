"""The LIMIT generator: the construction of the paper, checked from the texts alone."""

from __future__ import annotations

import re

import numpy as np
import pytest

from limitlab._core.errors import InvalidArgument, LimitlabError, RangeError
from limitlab.data import Dataset, LimitConfig, Vocabulary, audit, load, make_limit, write_limit
from limitlab.relevance import dense_documents

PATTERNS = ["dense", "random", "cycle", "disjoint"]


def listed(text: str) -> list[str]:
    """The attributes of "Name likes a, b and c."; none holds a comma or an "and"."""
    return text.split(" likes ", 1)[1].removesuffix(".").replace(" and ", ", ").split(", ")


def asked(data: Dataset) -> list[str]:
    return [q.removeprefix("Who likes ").removesuffix("?") for q in data.queries]


def holders(data: Dataset, phrase: str) -> list[int]:
    """Documents whose text holds the phrase where a word begins."""
    pattern = re.compile(r"(?<!\w)" + re.escape(phrase), re.IGNORECASE)
    return [j for j, text in enumerate(data.docs) if pattern.search(text)]


@pytest.mark.parametrize("k", [1, 2, 3])
@pytest.mark.parametrize("pattern", PATTERNS)
def test_each_asked_attribute_is_in_its_k_documents_and_nowhere_else(pattern, k):
    data = make_limit(n_docs=400, n_queries=60, k=k, pattern=pattern, seed=5)
    assert data.n_docs == 400 and data.n_queries == 60
    assert len(set(asked(data))) == 60
    for i, phrase in enumerate(asked(data)):
        relevant = data.relevance.row(i).tolist()
        assert len(relevant) == k
        assert holders(data, phrase) == relevant, phrase


@pytest.mark.parametrize("k", [1, 2, 3])
@pytest.mark.parametrize("pattern", PATTERNS)
def test_every_document_lists_equally_many_distinct_attributes_under_a_name_of_its_own(pattern, k):
    data = make_limit(n_docs=400, n_queries=60, k=k, pattern=pattern, seed=5)
    assert {len(listed(text)) for text in data.docs} == {45}
    assert all(len(set(listed(text))) == 45 for text in data.docs)
    assert len(set(data.docs.ids)) == 400
    assert all(text.startswith(f"{name} likes ") for name, text in zip(data.docs.ids, data.docs))


def test_the_dense_pattern_is_that_of_the_release():
    """1,000 queries, k = 2: all pairs of 46 documents in lexicographic order, the first 1,000 of 1,035."""
    data = make_limit(n_docs=2000)
    degree = np.bincount(data.relevance.indices, minlength=2000)
    assert (degree > 0).sum() == 46 == dense_documents(1000, 2)
    assert degree.max() == 45
    first = set(data.relevance.row(0).tolist())
    assert all(first & set(data.relevance.row(i).tolist()) for i in range(45))  # queries 0 to 44 share their first document


def test_relevant_documents_lie_anywhere_in_the_corpus():
    relevant = np.unique(make_limit(n_docs=2000).relevance.indices)
    assert relevant.min() < 400 and relevant.max() > 1600
    assert len(set((relevant // 500).tolist())) == 4


@pytest.mark.parametrize("pattern", PATTERNS)
def test_asked_attributes_do_not_stand_at_a_place_of_their_own(pattern):
    data = make_limit(n_docs=2000, n_queries=200, pattern=pattern)
    places = [listed(data.docs[int(j)]).index(phrase) for i, phrase in enumerate(asked(data)) for j in data.relevance.row(i)]
    assert abs(np.mean(places) - 22) < 3


# -- seeds -----------------------------------------------------------------------------------------------------------


def test_the_same_seed_gives_the_same_bytes(tmp_path):
    config = LimitConfig(n_docs=9000, n_queries=100, seed=7)
    one, two = (write_limit(config, tmp_path / name) for name in ("one", "two"))
    files = sorted(p.relative_to(one) for p in one.rglob("*") if p.is_file())
    assert [str(f) for f in files] == ["README.md", "corpus.jsonl", "manifest.json", "qrels/test.jsonl", "qrels/test.tsv", "queries.jsonl"]
    for name in files:
        assert (one / name).read_bytes() == (two / name).read_bytes(), name


def test_another_seed_gives_other_texts_names_queries_and_places():
    one, two = (make_limit(n_docs=300, n_queries=50, seed=s) for s in (0, 1))
    assert asked(one) != asked(two)
    assert list(one.docs.ids) != list(two.docs.ids)
    assert not set(one.docs) & set(two.docs)
    assert set(one.relevance.indices.tolist()) != set(two.relevance.indices.tolist())


@pytest.mark.parametrize("options", [{}, {"small": True}, {"synonyms": True}, {"pattern": "random", "k": 3}, {"split": "train"}], ids=str)
def test_made_in_memory_equals_written_and_read(tmp_path, options):
    config = LimitConfig(n_docs=9000, n_queries=100, seed=3, **options)  # more than one block of documents
    made, read = make_limit(config), load(write_limit(config, tmp_path / "out"))
    assert list(made.docs.ids) == list(read.docs.ids)
    assert list(made.docs) == list(read.docs)
    assert list(made.queries.ids) == list(read.queries.ids)
    assert list(made.queries) == list(read.queries)
    assert made.relevance == read.relevance
    assert made.fingerprint() == read.fingerprint()
    assert read.origin["config"] == config.to_dict()


# -- variants --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"n_queries": 1000},
        {"k": 3, "n_queries": 1000},
        {"pattern": "random"},
        {"synonyms": True},
        {"k": 1, "pattern": "cycle"},
        {"n_docs": 600, "n_queries": 100, "k": 5, "attributes_per_doc": 300, "synonyms": True, "seed": 10},
        {"n_docs": 3000, "n_queries": 2, "k": 5, "attributes_per_doc": 100, "split": "train", "seed": 30},
    ],
    ids=str,
)
def test_small_is_the_relevant_documents_with_the_texts_of_the_full_dataset(options):
    options = {"n_docs": 9000, "n_queries": 100, "seed": 2, **options}
    full, small = make_limit(**options), make_limit(small=True, **options)
    relevant = np.unique(full.relevance.indices).tolist()
    assert list(small.docs.ids) == [full.docs.ids[j] for j in relevant]
    assert list(small.docs) == [full.docs[j] for j in relevant]
    assert list(small.queries) == list(full.queries)
    assert small.relevance.to_qrels() == full.relevance.to_qrels()


def test_no_train_query_asks_what_any_test_seed_asks():
    sizes = {"n_docs": 1200, "n_queries": 1000, "small": True}
    test = set().union(*(asked(make_limit(seed=s, **sizes)) for s in range(6)))
    train = set().union(*(asked(make_limit(seed=s, split="train", **sizes)) for s in range(6)))
    assert len(train) >= 1000 and not train & test


def test_train_and_test_stay_disjoint_when_test_borrows_from_the_fillers_and_with_synonyms():
    test = set(asked(make_limit(n_docs=1200, n_queries=1800, small=True)))
    back = {s: a for a, s in Vocabulary.builtin().synonyms.items()}
    test |= {back[s] for s in asked(make_limit(n_docs=1200, n_queries=900, small=True, synonyms=True))}
    train = set(asked(make_limit(n_docs=1200, n_queries=1000, small=True, split="train")))
    train |= {back[s] for s in asked(make_limit(n_docs=1200, n_queries=100, small=True, synonyms=True, split="train"))}
    assert not train & test


def test_with_synonyms_the_query_holds_the_synonym_and_the_documents_the_attribute():
    data = make_limit(n_docs=400, n_queries=100, synonyms=True)
    back = {s: a for a, s in Vocabulary.builtin().synonyms.items()}
    for i, synonym in enumerate(asked(data)):
        assert holders(data, back[synonym]) == data.relevance.row(i).tolist()
        assert holders(data, synonym) == []


@pytest.mark.parametrize("per_doc", [20, 45, 120])
def test_attributes_per_doc(per_doc):
    data = make_limit(n_docs=300, n_queries=50, attributes_per_doc=per_doc)
    assert {len(set(listed(text))) for text in data.docs} == {per_doc}
    assert data.origin["attributes_per_doc"] == per_doc


def test_by_default_documents_list_as_many_as_the_busiest_one_needs():
    data = make_limit(n_docs=300, n_queries=1000, k=3)  # all triples of 20 documents: one answers up to C(19, 2) = 171 queries
    assert {len(listed(text)) for text in data.docs} == {int(np.bincount(data.relevance.indices).max())} == {171}


@pytest.mark.parametrize(
    "options",
    [{"pattern": p, "k": k} for p in PATTERNS for k in (1, 2, 3)]
    + [{"synonyms": True}, {"split": "train"}, {"split": "train", "synonyms": True, "n_queries": 100}],
    ids=str,
)
def test_the_audit_finds_every_variant_sound(options):
    report = audit(make_limit(**{"n_docs": 2000, "n_queries": 300, "seed": 1, **options}))
    assert report.problems == ()
    assert report.n_leaking_queries == 0
    assert abs(report.length["auc"] - 0.5) < 0.1
    assert options.get("pattern", "dense") in report.patterns


@pytest.mark.parametrize(
    "options", [{"n_docs": 6_000}, {"n_docs": 6_000, "synonyms": True}, {"n_docs": 6_000, "split": "train"}, {"small": True}], ids=str
)
def test_the_audit_finds_the_standard_size_sound(options):
    report = audit(make_limit(n_queries=1000, **options))
    assert report.problems == () and report.n_leaking_queries == 0
    assert report.query_graph["density"] == pytest.approx(0.085481, abs=5e-6)  # of the release: the same 1,000 pairs


@pytest.mark.parametrize(
    "options",
    [
        {"n_docs": 100, "n_queries": 1},
        {"n_docs": 100, "n_queries": 4, "pattern": "cycle"},
        {"n_docs": 100, "n_queries": 5, "k": 3, "pattern": "cycle"},
        {"n_docs": 100, "n_queries": 2, "k": 3, "pattern": "cycle"},
        {"n_docs": 50, "n_queries": 100, "pattern": "cycle"},
        {"n_docs": 100, "n_queries": 2, "pattern": "disjoint"},
    ],
    ids=str,
)
def test_the_audit_finds_tiny_datasets_sound(options):
    assert audit(make_limit(**options)).problems == ()


# -- refusals --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "options", [{}, {"synonyms": True}, {"split": "train"}, {"split": "train", "synonyms": True}, {"small": True}], ids=str
)
def test_the_greatest_number_of_queries_is_stated_and_true(options):
    options = {"n_docs": 20_000, "pattern": "disjoint", "k": 1, "small": True, **options}
    with pytest.raises(RangeError, match=r"got n_queries=9,000\. Ask fewer queries, or pass an attribute file with more\.") as caught:
        make_limit(n_queries=9000, **options)
    most = int(re.search(r"n_queries must be at most ([\d,]+)", str(caught.value))[1].replace(",", ""))
    assert make_limit(n_queries=most, **options).n_queries == most
    with pytest.raises(RangeError):
        make_limit(n_queries=most + 1, **options)


def test_more_attributes_a_document_than_there_are_is_refused_by_that_name():
    with pytest.raises(RangeError, match="attributes_per_doc must be at most"):
        make_limit(n_docs=100, n_queries=10, attributes_per_doc=5000)


def test_fewer_attributes_than_the_busiest_document_needs_are_refused():
    with pytest.raises(RangeError, match=r"attributes_per_doc must be at least 45.*got attributes_per_doc=44"):
        make_limit(n_docs=100, n_queries=1000, attributes_per_doc=44)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"n_docs": 45, "n_queries": 1000}, "n_docs must be at least 46"),
        ({"n_docs": 199, "n_queries": 100, "pattern": "disjoint"}, "200"),
        ({"n_docs": 0}, "n_docs"),
        ({"n_docs": 2.5}, "n_docs"),
        ({"n_queries": 0}, "n_queries"),
        ({"k": 0}, "k must be"),
        ({"n_docs": 100, "k": 101}, "k must be"),
        ({"seed": -1}, "seed"),
        ({"pattern": "dence"}, "did you mean 'dense'"),
        ({"split": "dev"}, "test"),
        ({"attributes_per_doc": 0}, "attributes_per_doc"),
    ],
    ids=str,
)
def test_impossible_sizes_are_refused(options, says):
    with pytest.raises(InvalidArgument, match=re.escape(says)):
        make_limit(**options)


def test_a_config_and_keywords_together_are_refused():
    """Otherwise the keywords would be ignored without a word."""
    with pytest.raises((LimitlabError, TypeError)):
        make_limit(LimitConfig(n_docs=100, n_queries=10), n_docs=200)
