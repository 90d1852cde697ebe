"""Density and mean query strength of the query-query graph."""

from __future__ import annotations

import time
from itertools import combinations

import numpy as np
import pytest

from limitlab._core.errors import RangeError
from limitlab.relevance import RelevanceMatrix, dense, disjoint, query_graph, random


def brute_force(sets: list[set[int]]) -> tuple[int, int, float, float]:
    sets = [s for s in sets if s]
    strength = np.zeros(len(sets))
    edges = 0
    for a, b in combinations(range(len(sets)), 2):
        weight = len(sets[a] & sets[b]) / len(sets[a] | sets[b])
        edges += weight > 0
        strength[[a, b]] += weight
    pairs = len(sets) * (len(sets) - 1) / 2
    return len(sets), edges, edges / pairs if pairs else 0.0, float(strength.mean()) if sets else 0.0


def random_matrix(rng: np.random.Generator) -> RelevanceMatrix:
    n_queries, n_docs = rng.integers(1, 30, size=2)
    grades = rng.integers(-1, 4, size=(n_queries, n_docs)) * (rng.random((n_queries, n_docs)) < 0.3)
    rows, columns = np.nonzero(grades)
    ids = [f"q{i}" for i in range(n_queries)], [f"d{j}" for j in range(n_docs)]
    return RelevanceMatrix.from_pairs(rows, columns, grades[rows, columns], query_ids=ids[0], doc_ids=ids[1])


@pytest.mark.parametrize("min_relevance", [1, 2])
@pytest.mark.parametrize("seed", range(8))
def test_agrees_with_all_pairs_of_sets(seed: int, min_relevance: int) -> None:
    matrix = random_matrix(np.random.default_rng(seed))
    sets = [set(np.flatnonzero(row >= min_relevance)) for row in matrix.to_csr().toarray()]
    n_queries, edges, density, strength = brute_force(sets)
    graph = query_graph(matrix, min_relevance=min_relevance)
    assert (graph.n_queries, graph.n_edges) == (n_queries, edges)
    assert graph.density == pytest.approx(density, abs=1e-12)
    assert graph.mean_query_strength == pytest.approx(strength, rel=1e-12)


@pytest.mark.parametrize("block", [1, 7, 300, 10**9])
def test_block_size_changes_nothing(block: int) -> None:
    matrix = dense(46, 1000)
    whole = query_graph(matrix)
    parts = query_graph(matrix, max_block_entries=block)
    assert (parts.n_queries, parts.n_edges, parts.density) == (whole.n_queries, whole.n_edges, whole.density)
    assert parts.mean_query_strength == pytest.approx(whole.mean_query_strength, rel=1e-12)


def test_queries_without_relevant_documents_are_left_out() -> None:
    with_empty = RelevanceMatrix.from_qrels({"a": {"x": 1, "y": 1}, "b": {}, "c": {"y": 1}, "d": {"z": 0}}, doc_ids=["x", "y", "z"])
    graph = query_graph(with_empty)
    assert graph.to_dict() == {"n_queries": 2, "n_edges": 1, "density": 1.0, "mean_query_strength": 0.5}


def test_disjoint_queries_have_no_edge() -> None:
    assert query_graph(disjoint(100, 50)).to_dict() == {"n_queries": 50, "n_edges": 0, "density": 0.0, "mean_query_strength": 0.0}


@pytest.mark.parametrize("qrels", [{}, {"q": {}}, {"q": {"d": 1}}])
def test_graphs_without_pairs_have_density_zero(qrels: dict) -> None:
    assert query_graph(RelevanceMatrix.from_qrels(qrels)).density == 0.0


def test_identical_queries_are_joined_with_weight_one() -> None:
    graph = query_graph(RelevanceMatrix.from_qrels({f"q{i}": {"a": 1, "b": 1} for i in range(4)}))
    assert (graph.n_edges, graph.density, graph.mean_query_strength) == (6, 1.0, 3.0)


def test_a_hundred_thousand_sparse_queries_take_seconds() -> None:
    matrix = random(1_000_000, 100_000, seed=0)
    started = time.perf_counter()
    graph = query_graph(matrix)
    assert time.perf_counter() - started < 10
    degree = np.bincount(matrix.indices)
    sharing = int((degree * (degree - 1) // 2).sum())  # pairs that share a document, counted once a shared document
    assert 0 < graph.n_edges <= sharing <= graph.n_edges + 5
    assert graph.n_queries == 100_000


def test_a_block_holds_at_least_one_entry() -> None:
    with pytest.raises(RangeError, match="max_block_entries"):
        query_graph(dense(46, 10), max_block_entries=0)
