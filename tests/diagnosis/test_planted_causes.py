"""Planted causes are found: at least 95 % of the documents lost beyond the cut are assigned to the level that was broken."""

from __future__ import annotations

import numpy as np
import pytest

SIZES = ("below", "above", "equal")


def totals(plant, size, change, seeds=range(20)):
    """Blamed documents by level, what the cut must lose, lost and regained, over all seeds; the balance is checked on the way."""
    blamed: dict[str, int] = {}
    must = gained = 0
    for seed in seeds:
        data = plant(size, seed)
        found = data.diagnosed(**change(data))
        balance(found)
        for level in found.levels:
            blamed[level.key] = blamed.get(level.key, 0) + level.blamed
            gained += level.gained if level.key == "platform" else 0
        must += int((data.relevance.relevant_counts() - data.k).clip(0).sum())
    assert blamed["cut"] == must
    return blamed, gained


def balance(found):
    """Losses minus gains over all levels are what is missing at the end, for every query and in whole numbers."""
    for q in found.queries:
        assert sum(q.lost) - sum(q.gained) == q.relevant - q.retained[-1] == len(q.missing) == sum(q.causes.values())
        before = q.relevant
        for kept, lost, gained in zip(q.retained, q.lost, q.gained):
            assert kept == before - lost + gained
            before = kept
    assert sum(level.lost - level.gained for level in found.levels) == found.n_missing == sum(level.blamed for level in found.levels)
    assert [level.retained for level in found.levels] == np.sum([q.retained for q in found.queries], axis=0).tolist()


def blamed_enough(blamed, *planted):
    beyond = sum(count for key, count in blamed.items() if key != "cut")
    assert beyond >= 60
    assert sum(blamed[key] for key in planted) >= 0.95 * beyond, blamed


def turned(queries):
    return np.roll(queries, 1, axis=1)


@pytest.mark.parametrize("size", SIZES)
def test_turned_queries_are_the_query_encoder(plant, size):
    blamed, _ = totals(plant, size, lambda data: {"queries": turned(data.queries)})
    blamed_enough(blamed, "encoder")


@pytest.mark.parametrize("size", SIZES)
def test_documents_in_a_plane_are_the_document_vectors(plant, size):
    def collapsed(data):
        docs = data.docs.copy()
        docs[:, 2:] = 0
        docs /= np.linalg.norm(docs, axis=1, keepdims=True)
        return {"docs": docs, "queries": best_in_plane(docs, data.relevance, data.k)}

    blamed, _ = totals(plant, size, collapsed)
    blamed_enough(blamed, "documents")


def best_in_plane(docs, relevance, k):
    """Queries that no other can beat: on a circle the k nearest documents are neighbours, so all windows of k are tried."""
    angles = np.arctan2(docs[:, 1], docs[:, 0])
    order = np.argsort(angles)
    queries = np.zeros((relevance.n_queries, docs.shape[1]), np.float32)
    for q in range(relevance.n_queries):
        relevant = np.isin(order, relevance.row(q))
        counts = sum(np.roll(relevant, -i) for i in range(k))
        first = int(np.argmax(counts))
        low, high = angles[order[first]], angles[order[(first + k - 1) % len(order)]]
        middle = (low + (high if high >= low else high + 2 * np.pi)) / 2
        queries[q, :2] = np.cos(middle), np.sin(middle)
    return queries


@pytest.mark.parametrize("size", SIZES)
def test_binary_documents_are_the_quantisation(plant, size):
    blamed, _ = totals(plant, size, lambda data: {"dtype": "binary", "query_dtype": "binary"})
    blamed_enough(blamed, "quantisation")


@pytest.mark.parametrize("size", SIZES)
def test_few_dimensions_are_the_truncation(plant, size):
    blamed, _ = totals(plant, size, lambda data: {"dim": 4, "dtype": "float16"})
    blamed_enough(blamed, "truncation")


@pytest.mark.ann
@pytest.mark.parametrize("size", SIZES)
def test_a_tiny_ef_is_the_index(plant, size):
    blamed, _ = totals(plant, size, lambda data: {"index": "hnsw:m=2,ef_construction=1,ef_search=1"})
    blamed_enough(blamed, "index")


def above_threshold(data, least=0.945):
    """The run of a platform that drops what scores below a threshold."""
    scores = data.queries @ data.docs.T
    at = {name: j for j, name in enumerate(data.relevance.doc_ids)}
    rows = zip(data.ranked.items(), scores)
    return {q: [d for d in ranked if row[at[d]] >= least] for (q, ranked), row in rows}


@pytest.mark.parametrize("size", SIZES)
def test_a_score_threshold_is_the_platform(plant, size):
    blamed, _ = totals(plant, size, lambda data: {"run": above_threshold(data)})
    blamed_enough(blamed, "platform")


@pytest.mark.parametrize("size", SIZES)
def test_two_causes_are_told_apart(plant, size):
    lost = {"encoder": 0, "platform": 0}
    right = 0
    for seed in range(20):
        data = plant(size, seed)
        queries = data.queries.copy()
        queries[::2] = turned(data.queries)[::2]
        order = np.argsort(-(queries @ data.docs.T), axis=1, kind="stable")
        ids = data.relevance.doc_ids
        cut = {q: [ids[j] for j in row[: data.k if i % 2 == 0 else 1]] for i, (q, row) in enumerate(zip(data.relevance.query_ids, order))}
        found = data.diagnosed(queries=queries, run=cut)
        balance(found)
        for i, q in enumerate(found.queries):
            planted = "encoder" if i % 2 == 0 else "platform"
            beyond = len(q.missing) - q.causes.get("cut", 0)
            lost[planted] += beyond
            right += q.causes.get(planted, 0)
    assert min(lost.values()) >= 60
    assert right >= 0.95 * sum(lost.values())


@pytest.mark.parametrize("size", SIZES)
def test_a_platform_can_bring_back_what_the_encoder_lost(plant, size):
    blamed, gained = totals(plant, size, lambda data: {"queries": turned(data.queries), "run": data.ranked})
    assert sum(count for key, count in blamed.items() if key != "cut") == 0
    assert gained >= 150


@pytest.mark.parametrize("size", SIZES)
def test_nothing_is_blamed_where_nothing_is_lost(plant, size):
    for seed in range(20):
        data = plant(size, seed)
        found = data.diagnosed(dim=data.docs.shape[1], run=data.ranked)
        balance(found)
        assert all(level.lost == level.gained == level.blamed == 0 for level in found.levels if level.key != "cut")
        assert found.level("cut").blamed == found.n_missing == int((data.relevance.relevant_counts() - data.k).clip(0).sum())
