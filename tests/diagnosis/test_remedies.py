"""Remedies: what was planted is found on held-out queries, what was not is not claimed, and nothing leaks from a test query into training."""

from __future__ import annotations

import numpy as np
import pytest

from limitlab._core.errors import DataError, InvalidArgument, RangeError, UnknownName
from limitlab.data import Dataset
from limitlab.diagnosis import Diagnosis, RemedyPlan, diagnose
from limitlab.relevance import RelevanceMatrix
from limitlab.search import normalised


class NoLedger:
    """Takes what a ledger takes and keeps nothing."""

    def __init__(self):
        self.artefacts = self

    def start(self, *_):
        return "none"

    def put(self, arrays):
        return "none"

    def add_cell(self, *_):
        return None

    def finish(self, *_):
        return None


def planted(n_docs=200, n_queries=90, dim=16, *, noise=0.2, size=2, seed=0, alone=False):
    """(relevance, docs, queries, rng): queries near the sum of their relevant documents; ``alone``: no document is relevant twice."""
    rng = np.random.default_rng(seed)
    docs = normalised(rng.standard_normal((n_docs, dim)))
    rows = (
        rng.permutation(n_docs)[: n_queries * size].reshape(n_queries, size)
        if alone
        else np.stack([rng.choice(n_docs, size, False) for _ in range(n_queries)])
    )
    queries = normalised(docs[rows].sum(axis=1) + noise * normalised(rng.standard_normal((n_queries, dim))))
    relevance = RelevanceMatrix.from_pairs(
        np.repeat(np.arange(n_queries), size),
        rows.ravel(),
        query_ids=[f"q{i}" for i in range(n_queries)],
        doc_ids=[f"d{j}" for j in range(n_docs)],
    )
    return relevance, docs, queries, rng


def found(relevance, docs, queries, names, **options):
    plan = {name: options.pop(name) for name in ("rerank", "rerank_depth", "folds", "seed", "save_adapter") if name in options}
    return diagnose(relevance, docs=docs, queries=queries, remedies=RemedyPlan.of(names, **plan), ledger=NoLedger(), **{"k": 10, **options})


def by_key(result):
    return {r.key: r for r in result.remedies}


def with_texts(relevance, *, told):
    """A dataset: every document has a word of its own; queries name those of their relevant documents where ``told``."""
    docs = {name: f"thing{j}x report" for j, name in enumerate(relevance.doc_ids)}
    words = lambda i: " ".join(f"thing{int(j)}x" for j in relevance.indices[relevance.indptr[i] : relevance.indptr[i + 1]])  # noqa: E731
    queries = {name: f"ask {words(i)}" if told else "ask something" for i, name in enumerate(relevance.query_ids)}
    qrels = {
        q: {relevance.doc_ids[int(j)]: 1 for j in relevance.indices[relevance.indptr[i] : relevance.indptr[i + 1]]}
        for i, q in enumerate(relevance.query_ids)
    }
    return Dataset.from_texts(docs, queries, qrels)


def test_a_planted_rotation_is_recovered_on_held_out_queries_and_named_in_the_verdict():
    relevance, docs, queries, rng = planted()
    turned = normalised(queries @ np.linalg.qr(rng.standard_normal((16, 16)))[0])
    result = found(relevance, docs, turned, "adapter", folds=3)
    straight = diagnose(relevance, docs=docs, queries=queries, k=10, ledger=NoLedger()).level("encoder").recall.mean
    query = by_key(result)["query-adapter"]
    assert query.before["recall"].mean == pytest.approx(result.level("encoder").recall.mean) and query.before["recall"].mean < 0.3
    assert query.after["recall"].mean > straight - 0.05
    assert query.helps and query.p_adjusted < 0.01 and query.recall.difference.low > 0.4
    assert query.won - query.lost == pytest.approx(2 * 90 * query.gain)
    assert "adapter recovers" in result.verdict[-1] and "on held-out queries" in result.verdict[-1] and len(result.verdict) == 4
    assert query.details["unseen_documents"]["recall"]["difference"]["mean"] > 0.4  # a rotation holds for any document


def test_healthy_vectors_are_given_no_remedy():
    relevance, docs, queries, _ = planted(noise=0.1, dim=32)
    result = found(with_texts(relevance, told=False), docs, queries, "adapter,hybrid,serving", folds=3)
    assert result.level("encoder").recall.mean > 0.97
    assert not any(r.helps for r in result.remedies)
    assert result.verdict[-1] == "None of the 4 remedies measured helps significantly."
    assert abs(by_key(result)["query-adapter"].gain) <= 0.01


def test_labels_that_can_only_be_learnt_by_heart_gain_nothing():
    """Relevance at random, every document once: whatever is gained on held-out queries would be a leak."""
    relevance, docs, _, rng = planted(alone=True)
    queries = normalised(rng.standard_normal((90, 16)))
    result = found(relevance, docs, queries, "adapter", folds=3)
    for remedy in result.remedies:
        assert abs(remedy.gain) < 0.06 and not remedy.helps
        assert remedy.details["queries_that_share_a_relevant_document"] == 0


def test_a_prior_over_documents_gains_only_where_documents_were_seen():
    """Ten documents answer everything, queries say nothing: by query an adapter learns the ten, by document it cannot."""
    rng = np.random.default_rng(5)
    docs, queries = normalised(rng.standard_normal((400, 64))), normalised(rng.standard_normal((120, 64)))
    rows = np.stack([rng.choice(10, 1, False) for _ in range(120)])
    relevance = RelevanceMatrix.from_pairs(np.arange(120), rows.ravel(), query_ids=range(120), doc_ids=range(400))
    remedy = by_key(found(relevance, docs, queries, "adapter", folds=3))["query-adapter"]
    assert remedy.gain > 0.15 and remedy.helps
    assert remedy.details["unseen_documents"]["recall"]["difference"]["mean"] < 0.1
    assert "where no relevant document was seen in training" in remedy.note


def test_words_win_where_only_words_tell():
    relevance, docs, _, rng = planted()
    queries = normalised(rng.standard_normal((90, 16)))
    result = found(with_texts(relevance, told=True), docs, queries, "hybrid", k=4)
    weighted, rrf = (by_key(result)[key] for key in ("hybrid-weighted", "hybrid-rrf"))
    assert weighted.after["recall"].mean == 1.0 and weighted.helps and rrf.helps
    assert weighted.after["all_relevant"].mean == 1.0 and weighted.lost == 0
    assert result.remedies[0].gain == weighted.gain and "ybrid with BM25" in result.verdict[-1] and "recovers" in result.verdict[-1]


def test_a_perfect_cross_encoder_reaches_the_bound_and_no_more():
    relevance, docs, queries, _ = planted(noise=2.0)
    data = with_texts(relevance, told=True)
    seen = []

    def perfect(pairs):
        seen.append(len(pairs))
        return [float(doc.split()[0] in query.split()) for query, doc in pairs]

    result = found(data, docs, queries, "rerank", k=4, rerank=perfect, rerank_depth=30)
    model, bound = by_key(result)["rerank"], by_key(result)["rerank-bound"]
    assert (bound.kind, model.kind) == ("upper bound", "measured") and sum(seen) == 90 * 30
    assert model.helps and model.after == bound.after and bound.p_adjusted is None
    order = np.argsort(-(queries @ docs.T), axis=1)[:, :30]
    inside = [np.isin(relevance.indices[2 * i : 2 * i + 2], order[i]).mean() for i in range(90)]
    assert bound.after["recall"].mean == pytest.approx(np.mean(inside))
    assert model.note == "function perfect"


def test_documents_below_the_depth_stay_where_they_are():
    relevance, docs, queries, _ = planted(n_queries=30, size=5, noise=0.5)
    data = with_texts(relevance, told=True)
    result = found(data, docs, queries, "rerank", k=10, rerank=lambda pairs: [0.0] * len(pairs), rerank_depth=3)
    for remedy in result.remedies:
        assert remedy.after == remedy.before and remedy.won == remedy.lost == 0


def test_the_bound_keeps_at_most_k_documents_a_query():
    relevance, docs, queries, _ = planted(n_queries=30, size=5, noise=0.5)
    bound = by_key(found(relevance, docs, queries, "rerank", k=3, rerank_depth=200))["rerank-bound"]
    assert bound.after["recall"].mean == pytest.approx(3 / 5) and bound.lost == 0


def test_what_serving_took_is_given_back_one_by_one():
    relevance, docs, queries, _ = planted(noise=0.5)
    served = {"dim": 8, "dtype": "binary"}
    result = found(relevance, docs, queries, "serving,cut", **served)
    wide, typed = by_key(result)["more-dimensions"], by_key(result)["wider-type"]
    only_type = diagnose(relevance, docs=docs, queries=queries, dtype="binary", k=10, ledger=NoLedger())
    only_dim = diagnose(relevance, docs=docs, queries=queries, dim=8, k=10, ledger=NoLedger())
    assert wide.after["recall"].mean == pytest.approx(only_type.levels[-1].recall.mean)
    assert typed.after["recall"].mean == pytest.approx(only_dim.levels[-1].recall.mean)
    assert wide.before["recall"].mean == pytest.approx(result.levels[-1].recall.mean)
    at_20 = diagnose(relevance, docs=docs, queries=queries, k=20, ledger=NoLedger(), **served).levels[-1].recall.mean
    assert by_key(result)["cut-20"].after["recall"].mean == pytest.approx(at_20)
    assert [r.kind for r in result.remedies] == ["measured"] * 2 + ["larger cut"] * 3


@pytest.mark.ann
def test_exact_search_is_a_remedy_for_an_index():
    relevance, docs, queries, _ = planted(n_docs=600, noise=0.5)
    result = found(relevance, docs, queries, "serving", index="ivf:nlist=64,nprobe=1")
    exact = by_key(result)["exact-search"]
    assert exact.after["recall"].mean == pytest.approx(result.level("encoder").recall.mean)
    assert exact.before["recall"].mean == pytest.approx(result.level("index").recall.mean) and exact.helps


@pytest.mark.ann
@pytest.mark.parametrize("prefix", ["", "faiss:file="])
def test_an_index_that_is_there_is_not_asked_for_documents_it_does_not_hold(tmp_path, prefix):
    import faiss

    relevance, docs, queries, rng = planted(noise=0.5)
    turned = normalised(queries @ np.linalg.qr(rng.standard_normal((16, 16)))[0])
    served = {"dim": 8, "dtype": "binary"}
    stored = np.where(normalised(docs, 8) > 0, 1, -1).astype(np.float32)
    index = faiss.IndexFlatIP(8)
    index.add(stored)
    faiss.write_index(index, str(tmp_path / "mine.faiss"))
    result = found(relevance, docs, turned, "serving,adapter", folds=2, index=f"{prefix}{tmp_path / 'mine.faiss'}", **served)
    wide, typed = by_key(result)["more-dimensions"], by_key(result)["wider-type"]
    for remedy, alone in ((wide, {"dtype": "binary"}), (typed, {"dim": 8})):
        expected = diagnose(relevance, docs=docs, queries=turned, k=10, ledger=NoLedger(), **alone).levels[-1].recall.mean
        assert remedy.after["recall"].mean == pytest.approx(expected) and "the index holds the documents as they are served" in remedy.note
    both = by_key(result)["document-query-adapter"]
    assert both.kind == "not possible" and both.note == "the index holds the documents as they are"


def test_without_texts_what_needs_them_says_so():
    relevance, docs, queries, _ = planted(n_queries=20)
    result = found(relevance, docs, queries, "hybrid,rerank", rerank=lambda pairs: [0.0] * len(pairs))
    told = {r.key: (r.kind, r.note) for r in result.remedies}
    for key in ("hybrid-rrf", "hybrid-weighted", "rerank"):
        assert told[key] == ("not possible", "no texts: relevance alone was given")
    assert len(result.verdict) == 3


def test_vectors_in_another_order_than_the_texts_find_their_texts():
    relevance, docs, queries, _ = planted(n_queries=30)
    data = with_texts(relevance, told=True)
    back = {"doc_ids": list(relevance.doc_ids)[::-1], "query_ids": list(relevance.query_ids)[::-1]}
    result = found(data, docs[::-1].copy(), queries[::-1].copy(), "hybrid", **back)
    assert by_key(result)["hybrid-weighted"].after["recall"].mean == 1.0


def test_too_few_queries_are_not_trained_on():
    relevance, docs, queries, _ = planted(n_queries=7)
    result = found(relevance, docs, queries, "adapter")
    assert {r.kind for r in result.remedies} == {"not possible"} and "too few queries" in result.remedies[0].note


def test_the_same_seed_gives_the_same_record_and_it_survives_a_file(tmp_path):
    relevance, docs, queries, rng = planted(n_queries=40)
    turned = normalised(queries @ np.linalg.qr(rng.standard_normal((16, 16)))[0])
    data = with_texts(relevance, told=True)
    runs = [found(data, docs, turned, "adapter,hybrid", folds=2, seed=3, save_adapter=tmp_path / f"{i}.npz") for i in range(2)]
    assert [r.to_dict() for r in runs[0].remedies] == [r.to_dict() for r in runs[1].remedies]
    assert (tmp_path / "0.npz").read_bytes() == (tmp_path / "1.npz").read_bytes()
    again = Diagnosis.load(runs[0].save(tmp_path / "found.json"))
    assert again.remedies == runs[0].remedies
    old = {k: v for k, v in runs[0].to_dict().items() if k != "remedies"}
    assert Diagnosis.from_dict(old).remedies == ()


def test_refusals():
    relevance, docs, queries, _ = planted(n_queries=20)
    with pytest.raises(UnknownName, match="did you mean 'adapter'"):
        found(relevance, docs, queries, "adaptor")
    with pytest.raises(InvalidArgument, match="must be named"):
        found(relevance, docs, queries, "")
    with pytest.raises(RangeError, match="folds"):
        RemedyPlan(folds=1)
    with pytest.raises(InvalidArgument, match="must come with the remedy 'rerank'"):
        RemedyPlan(("hybrid",), rerank="some/model")
    with pytest.raises(InvalidArgument, match=r"saved as \.npz"):
        RemedyPlan(save_adapter="adapter.bin")
    with pytest.raises(DataError, match="one finite score a pair"):
        found(with_texts(relevance, told=True), docs, queries, "rerank", rerank=lambda pairs: [1.0])
