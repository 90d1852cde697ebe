"""Second stages: exact ranks against a ranking written out by hand, and sentence-transformers' own cross-encoder results."""

from __future__ import annotations

import shutil

import numpy as np
import pytest

import limitlab as ll
from limitlab._core.errors import DataError, InvalidArgument, UnknownName
from limitlab._core.texts import TextList
from limitlab.retrieval import BM25, Rerank, TokenSums, build, cross_encoder
from limitlab.search import RelevantSet, tie_order

WORDS = ["red", "green", "blue", "cat", "dog", "sun", "moon", "tree"]
RNG = np.random.default_rng(5)
DOCS = TextList([f"d{i:02}" for i in range(30)], [" ".join(RNG.choice(WORDS, 3)) for _ in range(30)])
QUERIES = TextList([f"q{i}" for i in range(15)], [" ".join(RNG.choice(WORDS, 2)) for _ in range(15)])
MEMBERS = np.array([RNG.choice(30, 6, replace=False) for _ in range(15)])
RELEVANT = RelevantSet(np.arange(0, 91, 6), MEMBERS.ravel())
PLACES = tie_order(DOCS.ids, "trec")


def coarse(query, documents):
    """Few different values, so that there are ties; negative ones too."""
    return [float(hash_of(query, text) % 4 - 2) for text in documents]


def hash_of(*texts):
    import zlib

    return zlib.crc32(" | ".join(texts).encode())


def found(retriever, k, dim=None):
    retriever.index(DOCS, QUERIES)
    return retriever.search(k=k, places=PLACES, relevant=RELEVANT, dim=dim)


@pytest.mark.parametrize("first", [BM25, lambda: TokenSums(dim=3)])
@pytest.mark.parametrize("rest", ["keep", "drop"])
@pytest.mark.parametrize("depth", [1, 4, 11, 100])
def test_ranks_and_lists_are_those_of_the_whole_order_written_out(first, rest, depth):
    result = found(Rerank(first(), scorer=coarse, depth=depth, rest=rest), k=20)
    whole = found(first(), k=30)  # every document that the first stage retrieves, in its order
    for q in range(len(QUERIES)):
        old = {int(d): float(s) for d, s in zip(whole.indices[q], whole.scores[q]) if d >= 0}
        listed = list(old)
        top, below = listed[:depth], listed[depth:] if rest == "keep" else []
        new = dict(zip(top, coarse(QUERIES[q], [DOCS[d] for d in top])))
        key = {**{d: (1, s) for d, s in new.items()}, **{d: (0, old[d]) for d in below}}
        order = sorted(key, key=lambda d: (-key[d][0], -key[d][1], PLACES[d]))
        kept = result.indices[q][result.indices[q] >= 0]
        assert kept.tolist() == order[:20]
        scores = result.scores[q][: kept.size]
        assert all((a > b) == (key[int(x)] > key[int(y)]) for a, b, x, y in zip(scores, scores[1:], kept, kept[1:]))
        for p, doc in enumerate(MEMBERS[q]):
            at = 6 * q + p
            if int(doc) not in key:
                assert (result.ranks.above[at], result.ranks.tied[at], result.ranks.before[at]) == (-1, 0, 0)
                continue
            mine = key[int(doc)]
            same = [d for d in key if key[d] == mine]
            assert result.ranks.above[at] == sum(key[d] > mine for d in key)
            assert result.ranks.tied[at] == len(same)
            assert result.ranks.before[at] == sum(PLACES[d] < PLACES[doc] for d in same)


def test_scores_below_the_reranked_ones_keep_their_order_at_any_size():
    for size in (1e-20, 1.0, 1e7, 1e12, -1e12):
        result = found(Rerank(TokenSums(dim=8), scorer=lambda q, d, s=size: [s] * len(d), depth=3), k=30)
        assert (np.diff(result.scores[:, 3:], axis=1) <= 0).all() and (result.scores[:, 2] > result.scores[:, 3]).all()


def test_the_dimension_and_the_bytes_are_those_of_the_first_stage():
    retriever = Rerank(TokenSums(dim=16), scorer=coarse, depth=2)
    assert retriever.max_dim == 16 and Rerank(BM25(), scorer=coarse).max_dim is None
    retriever.index(DOCS, QUERIES)
    assert retriever.bytes_per_doc(4) == 16
    below = found(retriever, 30, dim=4).indices[:, 2:]
    assert (below == found(TokenSums(dim=16), 30, dim=4).indices[:, 2:]).all()


def test_functions_are_cached_by_version_only_and_checked():
    assert Rerank(BM25(), scorer=coarse).config(1)["cache"] is False
    assert Rerank(BM25(), scorer=coarse, version="1").config(1)["cache"] is True
    assert Rerank(BM25(), scorer=coarse).name == "rerank(bm25):coarse"
    for wrong in (lambda q, d: [1.0], lambda q, d: [float("nan")] * len(d), lambda q, d: ["x"] * len(d)):
        with pytest.raises(DataError, match=r"one finite number a document|failed"):
            found(Rerank(BM25(), scorer=wrong), k=5)


def test_evaluation_takes_a_function_reranker():
    data = ll.make_limit(small=True)
    result = ll.evaluate(data, [Rerank(BM25(), scorer=lambda q, d: [-i for i in range(len(d))], depth=10), "bm25"])
    reranked, plain = result.rows  # reranked into the order they came in: nothing changes
    assert {n: e.mean for n, e in reranked.measures.items()} == {n: e.mean for n, e in plain.measures.items()}


def test_what_scores_must_be_said_once():
    for options in ({}, {"model": "m", "scorer": coarse}, {"scorer": coarse, "server": "tei"}):
        with pytest.raises(InvalidArgument, match="one of model=, scorer= and server="):
            Rerank(BM25(), **options)
    with pytest.raises(InvalidArgument, match="scorer must be a function"):
        build("rerank(bm25):scorer=len")
    with pytest.raises(InvalidArgument, match="first must be one retriever"):
        Rerank("bm25", scorer=coarse)
    with pytest.raises(InvalidArgument, match="one retriever in parentheses"):
        build("rerank(bm25,minilm):model=x")
    with pytest.raises(UnknownName, match="did you mean 'keep'"):
        build("rerank(bm25):model=x,rest=kep")
    with pytest.raises(InvalidArgument, match="trust_remote_code must be true or false"):
        build("rerank(bm25):model=x,trust_remote_code=no")


# -- cross-encoders ----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def tiny_cross_encoder(tiny_model, tmp_path_factory):
    """The folder of a cross-encoder with random weights and one output, at most 64 tokens."""
    from pathlib import Path

    import torch
    from sentence_transformers import CrossEncoder
    from transformers import AutoTokenizer, BertConfig, BertForSequenceClassification

    folder = tmp_path_factory.mktemp("cross")
    tokenizer = AutoTokenizer.from_pretrained(Path(tiny_model))
    tokenizer.model_max_length = 64
    tokenizer.save_pretrained(folder / "bert")
    config = BertConfig(
        vocab_size=len(tokenizer), hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=32,
        max_position_embeddings=64, num_labels=1, initializer_range=0.3,
    )  # fmt: skip
    with torch.random.fork_rng():
        torch.manual_seed(1)
        BertForSequenceClassification(config).save_pretrained(folder / "bert")
    CrossEncoder(str(folder / "bert"), device="cpu").save_pretrained(str(folder / "model"))
    return str(folder / "model")


@pytest.fixture
def count_pairs(monkeypatch):
    """The number of pairs of every call that really scores."""
    counts = []
    scored = cross_encoder.CrossEncoderScorer._predicted

    def counted(self, model, pairs):
        counts.append(len(pairs))
        return scored(self, model, pairs)

    monkeypatch.setattr(cross_encoder.CrossEncoderScorer, "_predicted", counted)
    return counts


@pytest.mark.models
def test_scores_are_those_of_the_librarys_own_rank(tiny_cross_encoder):
    from sentence_transformers import CrossEncoder

    data = ll.make_limit(small=True)
    retriever = build(f"rerank(bm25):model={tiny_cross_encoder},depth=7")
    places = tie_order(data.docs.ids, "trec")
    queries = TextList(data.queries.ids[:15], [data.queries[i] for i in range(15)])
    nothing = RelevantSet(np.zeros(16, np.int64), np.zeros(0, np.int64))
    retriever.index(data.docs, queries)
    mine = retriever.search(k=7, places=places, relevant=nothing)
    first = BM25()
    first.index(data.docs, queries)
    listed = first.search(k=7, places=places, relevant=nothing).indices
    library = CrossEncoder(tiny_cross_encoder, device="cpu")
    for q in range(15):
        there = listed[q][listed[q] >= 0]
        ranked = library.rank(queries[q], [data.docs[int(d)] for d in there])
        np.testing.assert_allclose(mine.scores[q][: there.size], [r["score"] for r in ranked], atol=1e-6, rtol=0)
        scores = {int(there[r["corpus_id"]]): r["score"] for r in ranked}
        assert all(abs(scores[int(d)] - s) < 1e-6 for d, s in zip(mine.indices[q], mine.scores[q]) if d >= 0)


@pytest.mark.models
def test_measures_are_those_of_the_librarys_reranking_evaluator(tiny_cross_encoder):
    from sentence_transformers import CrossEncoder
    from sentence_transformers.cross_encoder.evaluation import CrossEncoderRerankingEvaluator

    small = ll.make_limit(small=True)
    texts = dict(zip(small.docs.ids, small.docs))
    queries = {small.queries.ids[i]: small.queries[i] for i in range(0, 1000, 100)}
    qrels = {q: {small.docs.ids[j]: 1 for j in small.relevance.row(small.queries.ids.index(q))} for q in queries}
    data = ll.Dataset.from_texts(texts, queries, qrels)
    order = list(texts)

    def everything(asked, k):
        return [{d: float(len(order) - i) for i, d in enumerate(order)} for _ in asked]

    reranked = Rerank(build(everything), model=tiny_cross_encoder, depth=46)
    row = ll.evaluate(data, [reranked], measures=["ndcg@10", "mrr@10"]).rows[0]
    assert row.tie_rate == 0
    samples = [{"query": queries[q], "positive": [texts[d] for d in qrels[q]], "documents": list(texts.values())} for q in queries]
    theirs = CrossEncoderRerankingEvaluator(samples, at_k=10, write_csv=False)(CrossEncoder(tiny_cross_encoder, device="cpu"))
    assert row.measures["ndcg@10"].mean == pytest.approx(theirs["ndcg@10"], abs=1e-6)
    assert row.measures["mrr@10"].mean == pytest.approx(theirs["mrr@10"], abs=1e-6)


@pytest.mark.models
def test_a_pair_is_scored_once_whatever_the_dimension_and_after_an_interruption(tiny_cross_encoder, count_pairs, monkeypatch):
    monkeypatch.setattr(cross_encoder, "BLOCK", 10)
    whole = build(f"rerank(token-sums:dim=8):model={tiny_cross_encoder},depth=5")
    pairs = {(q, DOCS[int(d)]) for dim in (4, 8) for q, row in zip(QUERIES, found(TokenSums(dim=8), 5, dim=dim).indices) for d in row}
    scored = cross_encoder.CrossEncoderScorer._predicted

    def until_the_third(self, model, some):
        if len(count_pairs) == 3:
            raise KeyboardInterrupt
        return scored(self, model, some)

    monkeypatch.setattr(cross_encoder.CrossEncoderScorer, "_predicted", until_the_third)
    with pytest.raises(KeyboardInterrupt):
        found(whole, 10, dim=8)
    monkeypatch.setattr(cross_encoder.CrossEncoderScorer, "_predicted", scored)
    first = found(whole, 10, dim=8)
    found(whole, 10, dim=4)
    assert sum(count_pairs) == len(pairs)
    again = found(build(f"rerank(token-sums:dim=8):model={tiny_cross_encoder},depth=5"), 10, dim=8)
    assert sum(count_pairs) == len(pairs)
    assert (again.indices == first.indices).all() and again.scores.tobytes() == first.scores.tobytes()


@pytest.mark.models
def test_models_that_are_no_rerankers_are_refused(tiny_cross_encoder, tmp_path):
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    two = tmp_path / "two"
    shutil.copytree(tiny_cross_encoder, two)
    AutoModelForSequenceClassification.from_pretrained(two, num_labels=2, ignore_mismatched_sizes=True).save_pretrained(two)
    AutoTokenizer.from_pretrained(two).save_pretrained(two)
    with pytest.raises(DataError, match="must have one output, a score; this model has 2"):
        found(build(f"rerank(bm25):model={two}"), 5)
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="cannot be loaded as a cross-encoder"):
        found(build(f"rerank(bm25):model={tmp_path / 'empty'}"), 5)


@pytest.mark.models
def test_a_model_that_changes_is_another_row(tiny_cross_encoder):
    one = build(f"rerank(bm25):model={tiny_cross_encoder}").config(5)
    assert one == build(f"rerank(bm25):model={tiny_cross_encoder}").config(5)
    assert one != build(f"rerank(bm25):model={tiny_cross_encoder},depth=9").config(5)
    assert one != build(f"rerank(bm25):model={tiny_cross_encoder},max_length=8").config(5)
