"""Relevance matrices and patterns: round trips, and the same seed gives the same matrix."""

from __future__ import annotations

from itertools import combinations
from math import comb

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from limitlab.relevance import RelevanceMatrix, all_subsets, dense, from_pattern, query_graph

SETTINGS = settings(max_examples=80, deadline=None, derandomize=True)
IDS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=6)
QRELS = st.dictionaries(IDS, st.dictionaries(IDS, st.integers(-2, 4), max_size=6), max_size=8)


def matrix_of(qrels: dict) -> RelevanceMatrix:
    return RelevanceMatrix.from_qrels(qrels, doc_ids=sorted({d for row in qrels.values() for d in row}))


@SETTINGS
@given(QRELS)
def test_qrels_round_trip(qrels: dict) -> None:
    matrix = matrix_of(qrels)
    assert matrix.to_qrels() == qrels
    assert matrix_of(matrix.to_qrels()) == matrix
    assert matrix.n_judged == sum(map(len, qrels.values()))
    assert matrix.n_relevant == sum(g > 0 for row in qrels.values() for g in row.values())


@SETTINGS
@given(QRELS, st.randoms(use_true_random=False))
def test_the_order_of_judgements_does_not_matter(qrels: dict, random) -> None:
    triples = [(q, d, g) for q, row in qrels.items() for d, g in row.items()]
    random.shuffle(triples)
    expected = matrix_of(qrels)
    assert RelevanceMatrix.from_triples(triples, query_ids=list(qrels), doc_ids=list(expected.doc_ids)) == expected


@SETTINGS
@given(QRELS, QRELS)
def test_fingerprints_are_equal_exactly_when_contents_are(one: dict, other: dict) -> None:
    same = list(one.items()) == list(other.items())
    assert (matrix_of(one).fingerprint() == matrix_of(other).fingerprint()) == same


@SETTINGS
@given(QRELS, st.integers(1, 4))
def test_binary_is_idempotent_and_counts_what_it_keeps(qrels: dict, least: int) -> None:
    binary = matrix_of(qrels).binary(least)
    assert binary.binary() == binary
    assert binary.relevant_counts().tolist() == matrix_of(qrels).relevant_counts(least).tolist()
    assert [{binary.doc_ids[j] for j in binary.row(i)} for i in range(binary.n_queries)] == [
        {d for d, g in row.items() if g >= least} for row in qrels.values()
    ]


@SETTINGS
@given(QRELS, st.data())
def test_selecting_in_two_steps_is_selecting_at_once(qrels: dict, data: st.DataObject) -> None:
    matrix = matrix_of(qrels)
    first = data.draw(st.permutations(range(matrix.n_queries)))
    second = data.draw(st.permutations(range(matrix.n_queries)))[: data.draw(st.integers(0, matrix.n_queries))]
    assert matrix.select(first).select(second) == matrix.select([first[i] for i in second])


@SETTINGS
@given(st.sampled_from(["dense", "random", "cycle", "disjoint"]), st.integers(1, 5), st.integers(1, 12), st.integers(0, 2**32))
def test_same_seed_same_matrix_and_k_documents_a_query(pattern: str, k: int, n_queries: int, seed: int) -> None:
    made = [from_pattern(pattern, 60, n_queries, k=k, seed=seed) for _ in range(2)]
    assert made[0] == made[1]
    assert made[0].shape == (n_queries, 60)
    assert made[0].relevant_counts().tolist() == [k] * n_queries


@SETTINGS
@given(st.integers(1, 9), st.data())
def test_subsets_of_any_size_are_all_there_once(n_docs: int, data: st.DataObject) -> None:
    k = data.draw(st.integers(1, n_docs))
    matrix = all_subsets(n_docs, k)
    assert [tuple(matrix.row(i).tolist()) for i in range(matrix.n_queries)] == list(combinations(range(n_docs), k))
    sample = data.draw(st.integers(1, comb(n_docs, k)))
    rows = [tuple(matrix.row(i).tolist()) for i in range(sample)]
    assert dense(n_docs, sample, k=k).n_queries == len(set(rows))


@SETTINGS
@given(QRELS, st.randoms(use_true_random=False))
def test_the_query_graph_does_not_depend_on_the_order_of_queries(qrels: dict, random) -> None:
    matrix = matrix_of(qrels)
    order = list(range(matrix.n_queries))
    random.shuffle(order)
    one, other = query_graph(matrix), query_graph(matrix.select(order), max_block_entries=3)
    assert (one.n_queries, one.n_edges, one.density) == (other.n_queries, other.n_edges, other.density)
    assert np.isclose(one.mean_query_strength, other.mean_query_strength, rtol=1e-12)
