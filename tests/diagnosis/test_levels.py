"""Single levels against brute force: the best query, the dimension, served vectors, the index, the run."""

from __future__ import annotations

import numpy as np
import pytest

from limitlab._core.errors import DataError, InvalidArgument, RangeError, ShapeError, UnknownName
from limitlab.capacity.number_types import round_to
from limitlab.diagnosis import diagnose, parse_index
from limitlab.relevance import RelevanceMatrix, all_subsets
from limitlab.search.chunk_ids import chunk_mapping


def unit(rows):
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def brute(docs, queries, relevance, k):
    """Relevant documents among the k best of every query, in float64."""
    top = np.argsort(-(queries.astype(float) @ docs.astype(float).T), axis=1, kind="stable")[:, :k]
    return [len(set(row.tolist()) & set(relevance.row(i).tolist())) for i, row in enumerate(top)]


def retained(found, key):
    at = [level.key for level in found.levels].index(key)
    return [q.retained[at] for q in found.queries]


def test_encoder_truncation_and_quantisation_are_exact_searches(plant):
    data = plant("equal", 3)
    queries = unit(data.queries + 0.8 * unit(data.rng.standard_normal(data.queries.shape)))
    found = data.diagnosed(queries=queries, dim=12, dtype="int8", query_dtype="float16")
    cut = unit(data.docs[:, :12]), unit(queries[:, :12])
    assert retained(found, "encoder") == brute(data.docs, queries, data.relevance, data.k)
    assert retained(found, "truncation") == brute(*cut, data.relevance, data.k)
    served = round_to(cut[0], "int8"), round_to(cut[1], "float16")
    assert retained(found, "quantisation") == brute(*served, data.relevance, data.k)
    plain = data.diagnosed(queries=queries, dim=12, renormalise=False)
    assert retained(plain, "truncation") == brute(data.docs[:, :12], queries[:, :12], data.relevance, data.k)


def test_recall_and_intervals_are_means_over_queries(plant):
    data = plant("above", 1)
    queries = np.roll(data.queries, 1, axis=1)
    level = data.diagnosed(queries=queries).level("encoder")
    counts = np.array(brute(data.docs, queries, data.relevance, data.k))
    sizes = data.relevance.relevant_counts()
    assert level.recall.mean == pytest.approx((counts / sizes).mean()) and level.all_relevant.mean == (counts == sizes).mean()
    assert level.recall.low <= level.recall.mean <= level.recall.high


def test_the_best_query_in_a_plane_is_nearly_the_best_there_is():
    """On a circle the truth is known: the k nearest documents are neighbours. What is found may fall short of it, never exceed it."""
    attained = possible = 0
    for seed in range(10):
        rng = np.random.default_rng(seed)
        docs, k = unit(rng.standard_normal((60, 2))), 5
        relevance = RelevanceMatrix(np.arange(0, 41, 4), np.concatenate([np.sort(rng.choice(60, 4, False)) for _ in range(10)]), n_docs=60)
        order = np.argsort(np.arctan2(docs[:, 1], docs[:, 0]))
        truth = [max(np.isin(np.roll(order, -i)[:k], relevance.row(q)).sum() for i in range(60)) for q in range(10)]
        found = diagnose(relevance, docs=docs, queries=unit(rng.standard_normal((10, 2))), k=k)
        best = retained(found, "documents")
        assert all(b <= t for b, t in zip(best, truth))
        attained, possible = attained + sum(best), possible + sum(truth)
    assert attained >= 0.9 * possible


def test_every_relevant_document_within_k_is_enough_not_separation():
    """The middle of three points on a line is never first; with k = 2 it is among the first two."""
    docs = np.array([[1.0, 0.0], [0.8, 0.6 - 1e-3], [0.6, 0.8]])
    docs = np.array([docs[0], (docs[0] + docs[2]) / 2, docs[2]])
    relevance = RelevanceMatrix.from_qrels({"q": {"b": 1}}, doc_ids=["a", "b", "c"])
    query = np.array([[-1.0, -1.2]])
    once = diagnose(relevance, docs=docs, queries=query, k=1, similarity="dot").level("documents")
    assert once.lost == 1 and once.status == "lower bound"
    twice = diagnose(relevance, docs=docs, queries=np.array([[-1.0, 5.0]]), k=2, similarity="dot").level("documents")
    assert twice.lost == 0


def test_a_dimension_too_small_is_said_to_be_impossible_and_charged_with_nothing():
    pairs = all_subsets(7, 2)
    rng = np.random.default_rng(0)
    docs, queries = unit(rng.standard_normal((7, 3))), unit(rng.standard_normal((21, 3)))
    found = diagnose(pairs, docs=docs, queries=queries, k=2)
    level = found.level("dimension")
    assert level.status == "impossible" and "need at least 4 dimensions" in level.note and level.lost == 0
    assert "too small" in found.verdict[2]
    enough = diagnose(pairs, docs=np.eye(7), queries=unit(rng.standard_normal((21, 7))), k=2)
    assert enough.level("dimension").status == "possible" and enough.level("documents").lost == 0


def test_the_cut_takes_what_cannot_fit(plant):
    data = plant("below", 0)
    found = data.diagnosed()
    assert found.level("cut").blamed == found.n_missing == 8 and found.level("cut").all_relevant.mean == 0
    assert found.level("encoder").recall.mean == pytest.approx(2 / 3)


def test_a_run_is_taken_apart_into_lists_and_platform(plant):
    data = plant("equal", 2)
    ids, rows = data.relevance.doc_ids, data.ranked
    first = list(rows)
    own = {q: [ids[j] for j in data.relevance.row(i)] for i, q in enumerate(first)}
    others = {q: [d for d in row if d not in own[q]] for q, row in rows.items()}
    run = {q: row[:8] for q, row in rows.items()}
    del run[first[0]]  # no hits: 4
    run[first[1]] = own[first[1]][:1]  # short: 3
    run[first[2]] = [*own[first[2]][:2], own[first[2]][0], own[first[2]][0], *own[first[2]][2:]]  # repeated: 2
    run[first[3]] = [*own[first[3]][:3], *others[first[3]][:5]]  # absent though full: 1
    run[first[4]] = [*others[first[4]][:1], *own[first[4]]]  # below k: 1
    found = data.diagnosed(run=run)
    assert (found.level("index").blamed, found.level("platform").blamed) == (2, 9)
    reasons = [m.reason for q in found.queries for m in q.missing]
    assert [sum(word in r for r in reasons) for word in ("no hits", "shorter", "repeated", "absent", "another order")] == [4, 3, 2, 1, 1]
    assert "1 queries without hits" in found.level("platform").note
    scored = {q: {d: -float(i) for i, d in enumerate(row)} for q, row in rows.items()} | {"another": {"x": 1.0}}
    whole = data.diagnosed(run=scored)
    assert whole.n_missing == 0 and "1 queries that are not evaluated" in whole.level("platform").note


def test_chunks_are_mapped_to_documents(plant):
    data = plant("equal", 2)
    run = {q: [f"{d}#{i}" for i, d in enumerate(row[:4])] for q, row in data.ranked.items()}
    assert data.diagnosed(run=run, chunk_separator="#").n_missing == 0
    assert data.diagnosed(run=run, chunk_pattern=r"(?P<doc>.+)#\d+").n_missing == 0
    with pytest.raises(DataError, match="chunk-separator"):
        data.diagnosed(run=run)
    assert chunk_mapping("#", None)("a#b#1") == "a#b" and chunk_mapping(None, "x(.)")("yz") == "yz"
    for wrong in (
        {"chunk_separator": ""},
        {"chunk_pattern": "("},
        {"chunk_pattern": "a"},
        {"chunk_pattern": "(a)", "chunk_separator": "#"},
    ):
        with pytest.raises(InvalidArgument):
            data.diagnosed(run=run, **wrong)


@pytest.mark.ann
def test_an_exact_index_loses_nothing_and_a_file_must_fit(plant, tmp_path):
    import faiss

    data = plant("equal", 5)
    assert data.diagnosed(index="ivf:nlist=8,nprobe=8").level("index").lost == 0
    for dim in (32, 16):
        index = faiss.IndexFlatIP(dim)
        index.add(np.ascontiguousarray(data.docs[:, :dim]))
        faiss.write_index(index, str(tmp_path / f"{dim}.faiss"))
    assert data.diagnosed(index=str(tmp_path / "32.faiss")).level("index").lost == 0
    with pytest.raises(ShapeError, match="holds 240 of dimension 16"):
        data.diagnosed(index=str(tmp_path / "16.faiss"))
    (tmp_path / "no.faiss").write_bytes(b"nothing of the kind")
    with pytest.raises(DataError, match="not readable"):
        data.diagnosed(index=str(tmp_path / "no.faiss"))


@pytest.mark.ann
def test_product_quantisation_is_the_decoded_vectors(plant):
    rng = np.random.default_rng(0)
    docs = unit(rng.standard_normal((400, 16)))
    relevance = RelevanceMatrix(np.arange(11), np.arange(10), n_docs=400)
    found = diagnose(relevance, docs=docs, queries=docs[:10], k=1, dtype="pq:2")
    assert found.level("encoder").lost == 0 and found.level("quantisation").lost > 0
    with pytest.raises(RangeError, match="must divide"):
        diagnose(relevance, docs=docs, queries=docs[:10], k=1, dtype="pq:3")


def test_names_of_indexes_and_types(plant):
    assert parse_index("hnsw:ef_search=64").options == {"m": 32, "ef_construction": 40, "ef_search": 64}
    for text, error in (("hnws", UnknownName), ("hnsw:ef=3", UnknownName), ("ivf:nprobe=x", InvalidArgument), ("ivf:nprobe=0", RangeError)):
        with pytest.raises(error):
            parse_index(text)
    data = plant("above", 0)
    with pytest.raises(UnknownName, match="did you mean 'binary'"):
        data.diagnosed(dtype="binry")
