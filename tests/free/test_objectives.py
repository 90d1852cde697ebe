"""The objectives against their printed formulas, term by term, and their gradients against differences."""

from __future__ import annotations

import math

import numpy as np
import pytest

from limitlab._core.errors import UnknownName
from limitlab.free.objectives import LEARNT, gradient
from limitlab.free.problem import FreeProblem
from limitlab.relevance import RelevanceMatrix

UNEVEN = FreeProblem.from_relevance(RelevanceMatrix(np.array([0, 1, 4, 6, 7]), np.array([2, 0, 1, 4, 1, 3, 0]), n_docs=5))
PROBLEMS = {"all pairs": FreeProblem.all_subsets(5, 2), "uneven rows": UNEVEN}


def vectors(problem: FreeProblem, dim: int = 3) -> tuple[np.ndarray, np.ndarray]:
    docs, queries = problem.start(dim)
    return docs.astype(np.float64), queries.astype(np.float64)


def by_hand(objective: str, problem: FreeProblem, docs: np.ndarray, queries: np.ndarray, t: float, scale: float, bias: float) -> float:
    """The formula of the docstring, one term at a time."""
    terms = []
    for q in range(problem.n_queries):
        relevant = problem.members[problem.indptr[q] : problem.indptr[q + 1]].tolist()
        scores = [math.fsum(queries[q] * doc) for doc in docs]
        whole = math.fsum(math.exp(s / t) for s in scores)
        if objective == "infonce":
            terms += [-math.log(math.exp(scores[i] / t) / whole) for i in relevant]
        elif objective == "footnote":
            terms.append(-math.log(math.fsum(math.exp(scores[i] / t) for i in relevant) / whole))
        else:
            signs = [1 if j in relevant else -1 for j in range(len(docs))]
            terms.append(math.fsum(math.log(1 + math.exp(-y * scale * (s - bias))) for s, y in zip(scores, signs)))
    return math.fsum(terms) / len(terms)


@pytest.mark.parametrize("problem", PROBLEMS.values(), ids=PROBLEMS.keys())
@pytest.mark.parametrize("objective", LEARNT)
@pytest.mark.parametrize(("temperature", "scale", "bias"), [(0.1, 1.0, 0.0), (0.7, 9.0, 0.4), (3.0, -2.0, -0.3)])
def test_the_value_is_the_printed_formula(objective, problem, temperature, scale, bias) -> None:
    docs, queries = vectors(problem)
    value = gradient(objective, problem, docs, queries, temperature=temperature, scale=scale, bias=bias).loss
    assert value == pytest.approx(by_hand(objective, problem, docs, queries, temperature, scale, bias), rel=1e-12)


@pytest.mark.parametrize("problem", PROBLEMS.values(), ids=PROBLEMS.keys())
@pytest.mark.parametrize("objective", LEARNT)
def test_the_gradient_is_that_of_the_value(objective, problem) -> None:
    docs, queries = vectors(problem)
    learnt = np.array([4.0, 0.2])
    arrays = [docs, queries, learnt]

    def value() -> float:
        return gradient(objective, problem, docs, queries, temperature=0.3, scale=learnt[0], bias=learnt[1]).loss

    found = gradient(objective, problem, docs, queries, temperature=0.3, scale=learnt[0], bias=learnt[1])
    for array, slope in zip(arrays, (found.docs, found.queries, np.array([found.scale, found.bias]))):
        assert slope.shape == array.shape
        for at in np.ndindex(array.shape):
            kept, step = array[at], 1e-5
            array[at] = kept + step
            above = value()
            array[at] = kept - step
            below = value()
            array[at] = kept
            assert slope[at] == pytest.approx((above - below) / (2 * step), abs=1e-8)


def test_infonce_is_least_when_all_weight_lies_evenly_on_the_relevant_documents() -> None:
    problem = FreeProblem.all_subsets(4, 2)
    docs = np.eye(4)
    queries = np.array([docs[problem.members[2 * q : 2 * q + 2]].sum(axis=0) for q in range(6)]) / math.sqrt(2)
    sharp = gradient("infonce", problem, docs, queries, temperature=0.01)
    assert sharp.loss == pytest.approx(math.log(2), abs=1e-12)
    assert abs(sharp.queries).max() < 1e-12


def test_the_footnote_is_content_with_one_relevant_document() -> None:
    """What tells the two formulas apart: one relevant document far ahead of everything, the other far behind."""
    problem = FreeProblem.from_relevance(RelevanceMatrix(np.array([0, 2]), np.array([0, 1]), n_docs=3))
    docs, queries = np.array([[1.0, 0], [-1, 0], [0, 1]]), np.array([[1.0, 0]])
    assert gradient("footnote", problem, docs, queries).loss < 1e-4
    assert gradient("infonce", problem, docs, queries).loss > 9


def test_large_scores_overflow_nothing() -> None:
    problem = PROBLEMS["uneven rows"]
    docs, queries = vectors(problem)
    for objective in LEARNT:
        found = gradient(objective, problem, docs, queries, temperature=1e-4, scale=1e4)
        assert all(np.isfinite(x).all() for x in (found.loss, found.docs, found.queries, found.scale, found.bias))


def test_an_unknown_objective_is_refused() -> None:
    with pytest.raises(UnknownName, match="did you mean 'infonce'"):
        gradient("infonse", PROBLEMS["all pairs"], *vectors(PROBLEMS["all pairs"]))
