"""Random token sums: the same vectors for the same seed, and a closed form that holds."""

from __future__ import annotations

import numpy as np
import pytest

from limitlab._core.errors import RangeError, UnknownName
from limitlab._core.texts import TextList
from limitlab.retrieval import TokenSums, predicted_recall
from limitlab.search import RelevantSet, tie_order

DOCS = TextList(["a", "b", "c"], ["Ann likes Tea, Law and Red Pandas.", "Bob likes Tea, Gin and Law.", "Cy likes Gin, Ice and Red Pandas."])
QUERIES = TextList(["q0", "q1"], ["Who likes Red Pandas?", "Who likes Tea?"])


def scores(retriever: TokenSums, docs=DOCS, queries=QUERIES, dim: int | None = None):
    retriever.index(docs, queries)
    nothing = RelevantSet(np.zeros(len(queries) + 1, int), np.zeros(0, int))
    found = retriever.search(k=len(docs), places=tie_order(docs.ids), relevant=nothing, dim=dim)
    return found.indices, found.scores


def test_with_many_dimensions_the_documents_that_hold_the_phrase_come_first():
    indices, values = scores(TokenSums(dim=4096))
    assert [set(row[:2].tolist()) for row in indices] == [{0, 2}, {0, 1}]
    assert np.abs(values[:, :2] - 1).max() < 0.2 and np.abs(values[:, 2]).max() < 0.2


def test_the_same_seed_gives_the_same_bytes_and_another_seed_others():
    first, again, other = (scores(TokenSums(dim=16, seed=s))[1] for s in (3, 3, 4))
    assert first.tobytes() == again.tobytes()
    assert first.tobytes() != other.tobytes()


def test_the_order_of_queries_does_not_change_scores():
    reverse = TextList(QUERIES.ids[::-1], list(QUERIES)[::-1])
    assert (scores(TokenSums(dim=16))[1] == scores(TokenSums(dim=16), queries=reverse)[1][::-1]).all()


def test_auto_takes_words_when_a_query_is_not_a_question_of_limit():
    mixed = TextList(["q0", "q1"], ["Who likes Tea?", "red pandas"])
    for queries, kind in ((QUERIES, "phrases"), (mixed, "words")):
        assert TokenSums(dim=8).index(DOCS, queries)["notes"]["tokens"] == kind
    assert TokenSums(dim=8, tokens="words").index(DOCS, QUERIES)["notes"]["tokens"] == "words"


def test_words_are_scored_by_cosine():
    repeated = TextList(["a", "b"], ["tea tea tea tea", "tea"])
    _, values = scores(TokenSums(dim=32, tokens="words"), docs=repeated, queries=TextList(["q"], ["tea"]))
    np.testing.assert_allclose(values, 1.0, atol=1e-6)


def test_words_of_other_scripts_are_words():
    docs = TextList(["a", "b"], ["Größe und Maß", "Чай и вода"])
    indices, _ = scores(TokenSums(dim=2048), docs=docs, queries=TextList(["q0", "q1"], ["GRÖSSE maß", "чай"]))
    assert indices[:, 0].tolist() == [0, 1]


@pytest.mark.parametrize(
    ("n_docs", "dim", "k", "cut", "tokens"), [(60, 48, 2, 2, 10), (60, 48, 2, 10, 10), (200, 96, 3, 5, 12), (40, 24, 1, 1, 6)]
)
def test_predicted_recall_is_the_mean_over_draws(n_docs, dim, k, cut, tokens):
    """Simulation of the model itself: sums of random vectors, one asked token in k documents."""
    rng = np.random.default_rng(0)
    measured = []
    for _ in range(400):
        asked = rng.standard_normal(dim) / np.sqrt(dim)
        docs = rng.standard_normal((n_docs, dim)) * np.sqrt(tokens / dim)
        docs[:k] += asked
        order = np.argsort(-(docs @ asked))
        measured.append((order[:cut] < k).sum() / k)
    assert predicted_recall(n_docs, dim, k=k, cut=cut, tokens_per_doc=tokens) == pytest.approx(np.mean(measured), abs=0.05)


def test_predicted_recall_grows_with_dimension_and_cut_and_falls_with_documents():
    by_dim = [predicted_recall(1000, d) for d in (8, 32, 128, 512, 4096)]
    assert by_dim == sorted(by_dim) and by_dim[-1] > 0.99
    by_cut = [predicted_recall(1000, 64, cut=c) for c in (1, 2, 10, 100, 1000)]
    assert by_cut == sorted(by_cut) and by_cut[-1] == pytest.approx(1.0)
    assert predicted_recall(100, 64) > predicted_recall(10_000, 64)


def test_a_prediction_is_given_only_where_its_model_holds():
    facts = {"n_docs": 3, "n_relevant": 2}
    phrases, words = TokenSums(dim=8), TokenSums(dim=8, tokens="words")
    phrases.index(DOCS, QUERIES)
    words.index(DOCS, QUERIES)
    assert 0 < phrases.predict("recall", 2, dim=4, **facts) <= 1
    assert phrases.predict("ndcg", 10, dim=4, **facts) is None
    assert words.predict("recall", 2, dim=4, **facts) is None


@pytest.mark.parametrize("options", [{"dim": 0}, {"dim": 1.5}, {"dim": 10**6}, {"seed": -1}])
def test_numbers_out_of_range_are_refused(options):
    with pytest.raises(RangeError, match=r"TokenSums\(\)"):
        TokenSums(**options)


def test_unknown_tokens_and_a_wrong_k_are_refused():
    with pytest.raises(UnknownName, match="did you mean 'phrases'"):
        TokenSums(tokens="phrase")
    with pytest.raises(RangeError, match="k must be in"):
        predicted_recall(5, 8, k=6)


def test_settings_show_in_name_and_config():
    assert TokenSums(dim=8).name == "token-sums"
    assert TokenSums(dim=8, seed=1, tokens="words").name == "token-sums:tokens=words,seed=1"
    assert len({str(r.config(10)) for r in (TokenSums(dim=8), TokenSums(dim=16), TokenSums(dim=8, seed=1))}) == 3
