"""The four patterns of the LIMIT paper and all k-subsets."""

from __future__ import annotations

import time
from itertools import combinations, islice
from math import comb

import numpy as np
import pytest

from limitlab._core.errors import RangeError, TooLarge, UnknownName
from limitlab.relevance import PATTERNS, RelevanceMatrix, all_subsets, cycle, dense, dense_documents, disjoint, from_pattern, random


def rows_of(matrix: RelevanceMatrix) -> list[tuple[int, ...]]:
    return [tuple(matrix.row(i).tolist()) for i in range(matrix.n_queries)]


# -- dense --------------------------------------------------------------------------------------------------------


def test_dense_is_the_first_1000_of_1035_pairs() -> None:
    matrix = dense(46, 1000)
    assert comb(46, 2) == 1035
    assert matrix.shape == (1000, 46)
    assert rows_of(matrix) == list(islice(combinations(range(46), 2), 1000))


def test_dense_keeps_to_the_first_columns_of_a_large_corpus() -> None:
    matrix = dense(50_000, 1000)
    assert matrix.shape == (1000, 50_000)
    assert int(matrix.indices.max()) == 45
    assert rows_of(matrix) == rows_of(dense(46, 1000))


@pytest.mark.parametrize("k", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("n_queries", [1, 2, 7, 100])
def test_dense_uses_the_fewest_documents_for_any_k(k: int, n_queries: int) -> None:
    need = dense_documents(n_queries, k)
    assert comb(need, k) >= n_queries
    assert need == k or comb(need - 1, k) < n_queries
    assert rows_of(dense(need, n_queries, k=k)) == list(islice(combinations(range(need), k), n_queries))


@pytest.mark.parametrize(
    "n_queries, k, need",
    [(1000, 2, 46), (1035, 2, 46), (1036, 2, 47), (1, 7, 7), (5_000_000, 1, 5_000_000), (10**12, 2, 1_414_215)],
)
def test_fewest_documents(n_queries: int, k: int, need: int) -> None:
    assert dense_documents(n_queries, k) == need


def test_dense_refuses_too_few_documents_and_says_how_many_it_needs() -> None:
    with pytest.raises(RangeError) as caught:
        dense(45, 1000)
    assert str(caught.value) == "dense(): n_docs must be at least 46 for n_queries=1000, k=2; got n_docs=45."


# -- random, cycle, disjoint --------------------------------------------------------------------------------------


@pytest.mark.parametrize("n_docs, k", [(50, 2), (50, 1), (6, 5), (6, 6), (1000, 10)])
def test_random_draws_k_different_documents_from_all_of_them(n_docs: int, k: int) -> None:
    rows = rows_of(random(n_docs, 400, k=k, seed=1))
    assert all(len(set(row)) == k for row in rows)
    assert {j for row in rows for j in row} <= set(range(n_docs))
    if k < n_docs:
        assert len(set(rows)) > 1


def test_random_is_uniform_over_pairs() -> None:
    """Chi-square over the 15 pairs of 6 documents; 36.1 is the 0.999 quantile with 14 degrees of freedom."""
    rows = random(6, 15_000, seed=5).indices.reshape(-1, 2)
    counts = np.bincount(rows[:, 0] * 6 + rows[:, 1])
    counts = counts[counts > 0]
    assert counts.size == 15
    assert ((counts - 1000) ** 2 / 1000).sum() < 36.1


def test_random_depends_on_the_seed_alone() -> None:
    assert random(100, 50, seed=3) == random(100, 50, seed=3)
    assert random(100, 50, seed=3) != random(100, 50, seed=4)
    assert random(100, 50, seed=3) == random(100, 50, seed=np.random.default_rng(3))


@pytest.mark.parametrize("k", [1, 2, 3, 5])
def test_cycle_goes_round_a_ring_of_as_many_documents_as_queries(k: int) -> None:
    matrix = cycle(40, 12, k=k)
    assert rows_of(matrix) == [tuple(sorted((i + j) % 12 for j in range(k))) for i in range(12)]
    degree = np.bincount(matrix.indices, minlength=40)
    assert degree[:12].tolist() == [k] * 12
    assert not degree[12:].any()


def test_cycle_on_few_documents_goes_round_again() -> None:
    assert rows_of(cycle(3, 5)) == [(0, 1), (1, 2), (0, 2), (0, 1), (1, 2)]


@pytest.mark.parametrize("k", [1, 2, 4])
def test_disjoint_gives_every_query_its_own_documents(k: int) -> None:
    matrix = disjoint(50, 10, k=k)
    assert rows_of(matrix) == [tuple(range(k * i, k * i + k)) for i in range(10)]


def test_disjoint_refuses_too_few_documents() -> None:
    with pytest.raises(RangeError) as caught:
        disjoint(1_999, 1_000)
    assert str(caught.value) == "disjoint(): n_docs must be at least n_queries * k = 2,000; got n_docs=1,999."


# -- all subsets --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("k", [1, 2, 3, 4])
@pytest.mark.parametrize("n_docs", [4, 5, 9])
def test_all_subsets_are_those_of_itertools_in_order(n_docs: int, k: int) -> None:
    matrix = all_subsets(n_docs, k)
    assert matrix.shape == (comb(n_docs, k), n_docs)
    assert rows_of(matrix) == list(combinations(range(n_docs), k))


def test_a_sample_is_distinct_subsets_reproducible_and_sorted() -> None:
    rows = rows_of(all_subsets(1000, 4, sample=200, seed=1))
    assert len(set(rows)) == 200
    assert all(len(set(row)) == 4 for row in rows)
    assert rows == sorted(rows)
    assert rows == rows_of(all_subsets(1000, 4, sample=200, seed=1))
    assert rows != rows_of(all_subsets(1000, 4, sample=200, seed=2))


@pytest.mark.parametrize("sample", [9, 10, 11])
def test_a_sample_near_the_whole_is_distinct_and_never_more_than_all(sample: int) -> None:
    rows = rows_of(all_subsets(5, 2, sample=sample))
    assert len(set(rows)) == len(rows) == min(sample, 10)
    assert set(rows) <= set(combinations(range(5), 2))


def test_small_samples_are_uniform() -> None:
    """Both ways of sampling (by listing, by rejection) give each of 20 subsets its share; 43.8 is the 0.999 quantile."""
    for sample, n_draws in ((8, 250), (2, 1000)):
        seen = [row for seed in range(n_draws) for row in rows_of(all_subsets(6, 3, sample=sample, seed=seed))]
        counts = np.array([seen.count(s) for s in combinations(range(6), 3)])
        expected = sample * n_draws / 20
        assert ((counts - expected) ** 2 / expected).sum() < 43.8


def test_too_many_subsets_are_refused_word_for_word() -> None:
    with pytest.raises(TooLarge) as caught:
        all_subsets(500, 4)
    assert str(caught.value) == "all_subsets(n_docs=500, k=4) has 2,573,031,125 rows; the limit is 50,000,000. Pass sample=N, or max_rows=."


def test_a_k_beyond_the_documents_is_refused_word_for_word() -> None:
    with pytest.raises(RangeError) as caught:
        all_subsets(5, 7)
    assert str(caught.value) == "all_subsets(): k must be in [1, n_docs]; got k=7, n_docs=5."


def test_the_row_limit_can_be_set() -> None:
    assert all_subsets(10, 2, max_rows=45).n_queries == 45
    with pytest.raises(TooLarge, match=r"all_subsets\(n_docs=10, k=2\) has 45 rows; the limit is 44\."):
        all_subsets(10, 2, max_rows=44)


def test_refusals_come_before_any_work() -> None:
    """Astronomic sizes are refused from their count alone."""
    started = time.perf_counter()
    with pytest.raises(TooLarge, match=r"has about 10\^\d+ rows"):
        all_subsets(50_000, 1000)
    for pattern in (random, cycle):
        with pytest.raises(TooLarge) as caught:
            pattern(2_000_000_000, 1_000_000_000)
        assert str(caught.value) == (
            f"{pattern.__name__}(): 1,000,000,000 queries x 2 relevant documents are 2,000,000,000 entries; the limit is 100,000,000."
        )
    assert time.perf_counter() - started < 2


def test_a_sample_of_an_astronomic_number_of_subsets_is_quick() -> None:
    matrix = all_subsets(1_000_000, 10, sample=50)
    assert matrix.shape == (50, 1_000_000)
    assert matrix.relevant_counts().tolist() == [10] * 50


def test_more_documents_than_columns_can_number_are_refused() -> None:
    with pytest.raises(RangeError, match="n_docs"):
        all_subsets(3_000_000_000, 1, sample=3)


# -- by name, and bad arguments -----------------------------------------------------------------------------------


@pytest.mark.parametrize("pattern, function", [("dense", dense), ("random", random), ("cycle", cycle), ("disjoint", disjoint)])
def test_patterns_by_name(pattern: str, function) -> None:
    assert from_pattern(pattern, 50, 20, k=2) == function(50, 20, k=2)


def test_the_seed_reaches_the_named_random_pattern() -> None:
    assert from_pattern("random", 50, 20, seed=9) == random(50, 20, seed=9)


def test_a_mistyped_pattern_is_answered_with_the_nearest() -> None:
    assert PATTERNS == ("dense", "random", "cycle", "disjoint")
    with pytest.raises(UnknownName, match="did you mean 'disjoint'"):
        from_pattern("disjiont", 10, 2)


@pytest.mark.parametrize("function", [dense, random, cycle, disjoint])
@pytest.mark.parametrize(
    "bad",
    [{"n_docs": 0}, {"n_docs": 2**31}, {"n_queries": 0}, {"n_queries": "3"}, {"k": 0}, {"k": 11}, {"k": 1.5}, {"k": True}],
    ids=str,
)
def test_bad_sizes_are_refused(function, bad: dict) -> None:
    sizes = {"n_docs": 10, "n_queries": 3, "k": 2, **bad}
    (name,) = bad
    with pytest.raises(RangeError, match=rf"{function.__name__}\(\): {name} must be"):
        function(sizes["n_docs"], sizes["n_queries"], k=sizes["k"])


@pytest.mark.parametrize("seed", [-1, 1.5, "0", True])
def test_bad_seeds_are_refused(seed: object) -> None:
    with pytest.raises(RangeError, match="seed must be a whole number >= 0"):
        random(10, 3, seed=seed)  # type: ignore[arg-type]
