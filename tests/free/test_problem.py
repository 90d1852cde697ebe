"""What free embeddings are asked to hold: which subsets, which rows are refused, where a run starts."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from limitlab._core.errors import RangeError, ShapeError, TooLarge
from limitlab.free.problem import FreeProblem
from limitlab.relevance import RelevanceMatrix, all_subsets, random


@pytest.mark.parametrize(("n", "k"), [(2, 1), (5, 2), (6, 3), (7, 6), (9, 4), (12, 1)])
def test_all_subsets_are_the_combinations_in_order(n: int, k: int) -> None:
    problem = FreeProblem.all_subsets(n, k)
    assert problem.members.reshape(-1, k).tolist() == [list(c) for c in combinations(range(n), k)]
    assert problem.indptr.tolist() == list(range(0, problem.n_relevant + 1, k))
    assert (problem.n_docs, problem.n_queries, problem.k) == (n, len(list(combinations(range(n), k))), k)


def test_all_subsets_and_the_relevance_matrix_of_all_subsets_are_one_problem() -> None:
    a, b = FreeProblem.all_subsets(9, 3, seed=5), FreeProblem.from_relevance(all_subsets(9, 3), seed=5)
    assert a.members.tolist() == b.members.tolist() and a.indptr.tolist() == b.indptr.tolist() and a.k == b.k == 3
    assert [x.tobytes() for x in a.start(4)] == [x.tobytes() for x in b.start(4)]


def test_rows_of_different_size_have_no_k() -> None:
    relevance = RelevanceMatrix.from_qrels({"p": {"a": 1}, "q": {"a": 1, "b": 2, "c": 0}}, doc_ids=["a", "b", "c"])
    problem = FreeProblem.from_relevance(relevance)
    assert (problem.k, problem.n_docs, problem.members.tolist()) == (None, 3, [0, 0, 1])
    assert FreeProblem.from_relevance(relevance.select([1]), min_relevance=2).members.tolist() == [1]
    assert FreeProblem.from_relevance(RelevanceMatrix(np.array([0, 1, 4]), np.array([0, 0, 1, 2]), n_docs=4)).k is None  # mean 2


@pytest.mark.parametrize(("n", "k"), [(5, 5), (5, 7), (1, 1), (0, 1), (5, 0), (2.5, 1)])
def test_a_k_that_leaves_nothing_to_rank_below_is_refused(n: int, k: int) -> None:
    with pytest.raises(RangeError, match=r"^FreeProblem.all_subsets\(\): .*got "):
        FreeProblem.all_subsets(n, k)


@pytest.mark.parametrize(("n", "k"), [(100_000, 2), (200, 100), (2**31 - 1, 2**30), (2**31 - 1, 1_000_000), (400, 5)])
def test_too_many_subsets_are_refused_before_anything_is_made(n: int, k: int) -> None:
    with pytest.raises(TooLarge, match=r"has (more than 10\^18|[\d,]+) relevant pairs; the limit is 200,000,000"):
        FreeProblem.all_subsets(n, k)


def test_empty_and_full_rows_are_named() -> None:
    rows = {f"q{i}": {"a": 1, "b": int(i == 7)} for i in range(8)}
    relevance = RelevanceMatrix.from_qrels({**rows, "empty": {"a": 0}}, doc_ids=["a", "b"])
    with pytest.raises(ShapeError, match=r"must have a relevant document; got 1 of 9 without: 'empty'\."):
        FreeProblem.from_relevance(relevance)
    with pytest.raises(ShapeError, match=r"must have a document that is not relevant; got 1 of 8 without: 'q7'\."):
        FreeProblem.from_relevance(relevance.select(range(8)))
    many = RelevanceMatrix(np.zeros(12, np.int64), np.zeros(0, np.int32), n_docs=3)
    with pytest.raises(ShapeError, match=r"got 11 of 11 without: '0', '1', '2', \.\.\."):
        FreeProblem.from_relevance(many)
    with pytest.raises(ShapeError, match="at least one query; got none"):
        FreeProblem.from_relevance(RelevanceMatrix(np.zeros(1, np.int64), np.zeros(0, np.int32), n_docs=3))
    with pytest.raises(ShapeError, match="must be a RelevanceMatrix; got list"):
        FreeProblem.from_relevance([[0, 1]])  # type: ignore[arg-type]


def test_the_start_is_unit_rows_that_depend_on_seed_size_and_dimension_alone() -> None:
    docs, queries = FreeProblem.all_subsets(30, 2, seed=3).start(5)
    assert docs.shape == (30, 5) and queries.shape == (435, 5) and docs.dtype == queries.dtype == np.float32
    for rows in (docs, queries):
        np.testing.assert_allclose((rows.astype(float) ** 2).sum(axis=1), 1.0, atol=3e-7)
    same = FreeProblem.from_relevance(random(30, 100, k=3), seed=3).start(5)
    assert same[0].tobytes() == docs.tobytes()  # documents are drawn first
    for other in (FreeProblem.all_subsets(30, 2, seed=4).start(5), FreeProblem.all_subsets(31, 2, seed=3).start(5)):
        assert not np.array_equal(other[0][:30], docs)
    # Standard normal directions: no direction is preferred. 435 rows, five standard errors.
    assert abs(queries.mean(axis=0)).max() < 5 / np.sqrt(5 * 435)


def test_memory_is_estimated_before_it_is_taken() -> None:
    problem = FreeProblem.all_subsets(40)
    docs, queries = problem.start(8)
    assert problem.memory_bytes(8) > 3 * (docs.nbytes + queries.nbytes)
    problem.check_memory("test", 8, limit_bytes=problem.memory_bytes(8))
    with pytest.raises(TooLarge, match=r"^test: n_docs=40, n_queries=780, dim=8 needs about .* GiB; the limit is .*Use fewer queries"):
        problem.check_memory("test", 8, limit_bytes=problem.memory_bytes(8) - 1)


def test_it_cannot_be_changed() -> None:
    problem = FreeProblem.all_subsets(4)
    with pytest.raises(AttributeError):
        problem.seed = 3  # type: ignore[misc]
    with pytest.raises(ValueError, match="read-only"):
        problem.members[0] = 3
