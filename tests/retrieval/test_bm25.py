"""BM25: bm25s' own retrieve is the oracle."""

from __future__ import annotations

import bm25s
import numpy as np
import pytest
import Stemmer

from limitlab._core.errors import InvalidArgument, RangeError, UnknownName
from limitlab._core.texts import TextList
from limitlab.retrieval import BM25
from limitlab.search import RelevantSet, SearchResult, tie_order

WORDS = [a + b for a in ("ka", "lo", "mi", "ru", "se") for b in ("bat", "dor", "fin", "gul", "pex", "zom")]


def texts(rows: list[str], prefix: str = "d") -> TextList:
    return TextList([f"{prefix}{i}" for i in range(len(rows))], rows)


def random_texts(seed: int, n: int, shortest: int, longest: int, prefix: str = "d") -> TextList:
    rng = np.random.default_rng(seed)
    # Words of skewed frequency, documents of different length: few scores are equal.
    weights = 1 / np.arange(1, len(WORDS) + 1)
    rows = [" ".join(rng.choice(WORDS, rng.integers(shortest, longest), p=weights / weights.sum())) for _ in range(n)]
    return texts(rows, prefix)


def ranked(retriever: BM25, docs: TextList, queries: TextList, k: int = 10) -> SearchResult:
    retriever.index(docs, queries)
    none_relevant = RelevantSet(np.zeros(len(queries) + 1, int), np.zeros(0, int))
    return retriever.search(k=k, places=tie_order(docs.ids), relevant=none_relevant)


def listed(docs: list[str], query: str, **options) -> list[int]:
    """Documents listed for one query, best first."""
    row = ranked(BM25(**options), texts(docs), texts([query], "q")).indices[0]
    return [j for j in row.tolist() if j >= 0]


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"method": "robertson"},
        {"method": "atire"},
        {"method": "bm25l"},
        {"method": "bm25+"},
        {"k1": 0.9, "b": 0.4},
        {"stemmer": "none", "stopwords": "none"},
    ],
    ids=str,
)
def test_ranking_is_that_of_bm25s(options, seed):
    docs, queries = random_texts(seed, 120, 5, 60), random_texts(seed + 100, 25, 1, 5, "q")
    found = ranked(BM25(**options), docs, queries)

    stop = None if options.get("stopwords") == "none" else "english"
    stemmer = None if options.get("stemmer") == "none" else Stemmer.Stemmer("english")
    oracle = bm25s.BM25(k1=options.get("k1", 1.5), b=options.get("b", 0.75), method=options.get("method", "lucene"))
    oracle.index(bm25s.tokenize(list(docs), stopwords=stop, stemmer=stemmer, show_progress=False), show_progress=False)
    asked = bm25s.tokenize(list(queries), stopwords=stop, stemmer=stemmer, show_progress=False, return_ids=False)
    expected_docs, expected_scores = oracle.retrieve(asked, k=10, show_progress=False)

    compared = 0
    words = [set(row) for row in bm25s.tokenize(list(docs), stopwords=stop, stemmer=stemmer, show_progress=False, return_ids=False)]
    for query, mine, my_scores, theirs, their_scores in zip(asked, found.indices, found.scores, expected_docs, expected_scores):
        # bm25l and bm25+ give every document a score; one that holds no word of the query is not a hit.
        positive = (their_scores > 0) & np.array([bool(words[j] & set(query)) for j in theirs])
        assert (mine >= 0).sum() == positive.sum()
        np.testing.assert_allclose(my_scores[positive], their_scores[positive], rtol=1e-6)
        # Where neighbours have different scores the document is decided; the last may tie with one beyond the list.
        different = np.diff(their_scores, append=their_scores[-1]) < 0
        alone = positive & different & np.concatenate([[True], different[:-1]])
        assert mine[alone].tolist() == theirs[alone].tolist()
        compared += int(alone.sum())
    assert compared > 50


@pytest.mark.parametrize("method", ["lucene", "atire", "bm25l", "bm25+"])
def test_documents_without_a_word_of_the_query_are_never_listed(method):
    docs = random_texts(7, 60, 3, 8)
    queries = texts(WORDS, "q")
    found = ranked(BM25(stemmer="none", method=method), docs, queries, k=60)
    for word, row, scores in zip(WORDS, found.indices, found.scores):
        holding = {j for j in range(60) if word in docs[j].split()}
        assert {j for j in row.tolist() if j >= 0} == holding
        assert (scores[row < 0] == -np.inf).all() and (scores[row >= 0] > 0).all()


def test_a_relevant_document_of_score_zero_counts_as_not_retrieved():
    retriever, docs = BM25(), texts(["red apple", "green pear", "blue plum"])
    retriever.index(docs, texts(["apple"], "q"))
    found = retriever.search(k=3, places=tie_order(docs.ids), relevant=RelevantSet([0, 2], [0, 1]))
    assert found.ranks.by_id().tolist() == [1, 0]


def test_a_query_of_unknown_words_finds_nothing_and_is_counted():
    docs, queries = texts(["red apple", "green pear"]), texts(["apple", "zeppelin dirigible", "the of"], "q")
    retriever = BM25()
    assert retriever.index(docs, queries)["notes"] == {"queries_without_known_terms": 2}
    found = retriever.search(k=2, places=tie_order(docs.ids), relevant=RelevantSet([0, 0, 0, 0], []))
    assert found.indices.tolist() == [[0, -1], [-1, -1], [-1, -1]]


def test_no_note_when_every_query_has_a_known_word():
    assert BM25().index(texts(["red apple"]), texts(["apple zeppelin"], "q"))["notes"] == {}


def test_documents_of_stop_words_only_are_indexed():
    assert listed(["the of and", "", "apple"], "apple") == [2]


def test_a_corpus_of_stop_words_only_finds_nothing():
    assert listed(["the of and", "a the"], "apple") == []


def test_equal_scores_are_ordered_by_the_tie_rule():
    docs = texts(["same words"] * 4)
    retriever = BM25()
    retriever.index(docs, texts(["words"], "q"))
    for rule, expected in (("trec", [3, 2, 1, 0]), ("st", [0, 1, 2, 3])):
        found = retriever.search(k=4, places=tie_order(docs.ids, rule), relevant=RelevantSet([0, 0], []))
        assert found.indices[0].tolist() == expected


def test_stemming_joins_forms_of_a_word_and_can_be_turned_off():
    docs = ["she hikes mountains", "the mountain", "a lake"]
    assert set(listed(docs, "mountain")) == {0, 1}
    assert listed(docs, "mountain", stemmer="none") == [1]


def test_stemming_in_another_language():
    docs = ["die häuser", "ein baum"]
    assert listed(docs, "hauses", stemmer="german", stopwords="german") == [0]
    assert listed(docs, "hauses") == []


def test_stop_words_are_left_out_and_can_be_kept():
    docs = ["the the the", "apple", "pear"]
    assert listed(docs, "the") == []
    assert listed(docs, "the", stopwords="none") == [0]
    assert listed(["die katze", "baum"], "die", stopwords="german") == []
    assert listed(["die katze", "baum"], "die") == [0]


def test_k1_and_b_change_the_scores():
    docs = ["apple apple apple apple pear pear pear pear", "apple", "plum"]
    assert listed(docs, "apple", b=1.0) == [1, 0]
    assert listed(docs, "apple", b=0.0) == [0, 1]


def test_options_show_in_name_label_and_config():
    assert (BM25().name, BM25().label) == ("bm25", "BM25")
    changed = BM25(k1=0.9, stemmer="none")
    assert changed.name == "bm25:k1=0.9,stemmer=none"
    assert changed.config(10) != BM25().config(10)
    assert len({str(BM25(method=m).config(10)) for m in ("lucene", "robertson", "atire", "bm25l", "bm25+")}) == 5


@pytest.mark.parametrize(
    ("options", "error"),
    [({"k1": -1}, RangeError), ({"b": 1.1}, RangeError), ({"method": "lucent"}, UnknownName), ({"stemmer": "klingon"}, UnknownName)],
)
def test_wrong_options_are_refused_at_once(options, error):
    with pytest.raises(error, match=r"BM25\(\)"):
        BM25(**options)


@pytest.mark.parametrize("stopwords", ["klingon", "5", 5])
def test_unknown_stop_words_are_refused_by_name(stopwords):
    with pytest.raises(InvalidArgument, match="stopwords must be 'none' or a language"):
        listed(["apple"], "apple", stopwords=stopwords)


def test_blocks_of_queries_do_not_change_the_result(monkeypatch):
    docs, queries = random_texts(1, 50, 5, 20), random_texts(2, 30, 1, 4, "q")
    whole = ranked(BM25(), docs, queries)
    monkeypatch.setattr("limitlab.retrieval.bm25._BLOCK_BYTES", 4 * 50 * 7)
    parts = ranked(BM25(), docs, queries)
    assert (whole.indices == parts.indices).all() and (whole.scores == parts.scores).all()


def test_there_is_no_dimension_and_no_prediction():
    assert BM25().max_dim is None
    assert BM25().predict("recall", 2, n_docs=10, n_relevant=2, dim=None) is None
