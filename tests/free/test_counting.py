"""Hits and gaps by counting, one query and one document at a time, in rational arithmetic."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from limitlab._core.errors import ShapeError
from limitlab.free import counting
from limitlab.free.counting import count_hits
from limitlab.free.problem import FreeProblem
from limitlab.relevance import RelevanceMatrix


def some_rows(rng: np.random.Generator, n_queries: int, n_docs: int) -> FreeProblem:
    sizes = rng.integers(1, n_docs, n_queries)
    members = [np.sort(rng.choice(n_docs, s, replace=False)) for s in sizes]
    return FreeProblem.from_relevance(RelevanceMatrix(np.concatenate([[0], np.cumsum(sizes)]), np.concatenate(members), n_docs=n_docs))


def by_hand(problem: FreeProblem, docs: np.ndarray, queries: np.ndarray) -> tuple[int, Fraction]:
    hits, gaps = 0, []
    for q, query in enumerate(queries):
        scores = [sum((Fraction(float(a)) * Fraction(float(b)) for a, b in zip(query, doc)), Fraction(0)) for doc in docs]
        relevant = set(problem.members[problem.indptr[q] : problem.indptr[q + 1]].tolist())
        first = sorted(range(len(docs)), key=lambda j: (-scores[j], j in relevant))[: len(relevant)]
        hits += len(relevant & set(first))
        gaps.append(min(scores[j] for j in relevant) - max(scores[j] for j in range(len(docs)) if j not in relevant))
    return hits, min(gaps)


@pytest.mark.parametrize("seed", range(20))
def test_counts_are_those_of_a_full_sort(seed: int, monkeypatch) -> None:
    rng = np.random.default_rng(seed)
    n_docs, dim = int(rng.integers(2, 9)), int(rng.integers(1, 4))
    problem = some_rows(rng, int(rng.integers(1, 12)), n_docs)
    # Few distinct values: many ties.
    docs, queries = (rng.integers(-2, 3, (rows, dim)).astype(np.float32) / 2 for rows in (n_docs, problem.n_queries))
    hits, gap = by_hand(problem, docs, queries)
    for block in (8, 1 << 20):  # one query a block, and all at once
        monkeypatch.setattr(counting, "_BLOCK_BYTES", block)
        assert count_hits(problem, docs, queries) == (hits, float(gap))


def test_a_lead_within_rounding_is_not_a_lead() -> None:
    """Three scores of which float64 cannot tell the order: 1 + 2**-60 against 1, and one that is clearly greater."""
    problem = FreeProblem.from_relevance(RelevanceMatrix(np.array([0, 1]), np.array([0]), n_docs=2))
    query = np.array([[1.0, 2.0**-30]], np.float32)
    for last, hits in ((2.0**-30, 0), (0.0, 0), (2.0**-20, 1)):
        docs = np.array([[1.0, last], [1.0, 0.0]], np.float32)
        assert count_hits(problem, docs, query)[0] == hits


def test_nan_is_never_a_hit() -> None:
    problem = FreeProblem.all_subsets(4)
    docs, queries = problem.start(3)
    for array in (docs, queries):
        kept = array[1, 1]
        array[1, 1] = np.nan
        hits, gap = count_hits(problem, docs, queries)
        assert hits < problem.n_relevant and np.isnan(gap)
        array[1, 1] = kept


def test_shapes_and_types_are_checked() -> None:
    problem = FreeProblem.all_subsets(4)
    docs, queries = problem.start(3)
    with pytest.raises(ShapeError, match=r"must have shapes \(4, dim\) and \(6, dim\); got \(3, 3\), \(6, 3\)"):
        count_hits(problem, docs[:3], queries)
    with pytest.raises(ShapeError, match=r"must be float32.*got float64"):
        count_hits(problem, docs.astype(np.float64), queries)
