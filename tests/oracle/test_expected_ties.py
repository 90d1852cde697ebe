"""The tie rules by brute force: every order of the documents that the scores allow."""

from __future__ import annotations

from itertools import permutations, product
from math import log2

import numpy as np
import pytest

from limitlab.evaluation.measures import parse_measures, per_query
from limitlab.relevance import RelevanceMatrix
from limitlab.search import RelevantSet, search_scores, tie_order

NAMES = [f"{kind}@{k}" for kind in ("recall", "all_relevant", "ndcg", "mrr") for k in (1, 2, 3, 4, 6, 9)]


def orders(scores: list[float]) -> list[list[int]]:
    """All rankings in which no document stands below one of smaller score."""
    groups = [[j for j, s in enumerate(scores) if s == value] for value in sorted(set(scores), reverse=True)]
    return [[j for group in choice for j in group] for choice in product(*(permutations(g) for g in groups))]


def value(name: str, ranking: list[int], grades: list[int], min_relevance: int) -> float:
    """A measure of one ranking, straight from its definition."""
    kind, k = name.split("@")
    first = ranking[: int(k)]
    counted = {j for j, g in enumerate(grades) if g >= min_relevance}
    if kind == "recall":
        return len(counted & set(first)) / len(counted)
    if kind == "all_relevant":
        return float(counted <= set(first))
    if kind == "mrr":
        return next((1 / rank for rank, j in enumerate(first, 1) if j in counted), 0.0)
    gain = sum(grades[j] / log2(rank + 1) for rank, j in enumerate(first, 1))
    ideal = sum(g / log2(rank + 1) for rank, g in enumerate(sorted(grades, reverse=True)[: int(k)], 1))
    return gain / ideal


@pytest.mark.parametrize("lowest", [-np.inf, 0.0], ids=["all retrieved", "some not retrieved"])
@pytest.mark.parametrize("min_relevance", [1, 2])
@pytest.mark.parametrize("seed", range(12))
def test_rules_are_mean_least_and_greatest_over_all_orders(seed: int, min_relevance: int, lowest: float) -> None:
    rng = np.random.default_rng(seed)
    n = 6
    scores = rng.integers(0, 3, n).astype(float).tolist()
    grades = rng.integers(0, 3, n).tolist()
    grades[int(rng.integers(n))] = 2
    relevance = RelevanceMatrix.from_qrels({"q": {str(j): g for j, g in enumerate(grades)}}, doc_ids=[str(j) for j in range(n)])
    positive = relevance.binary()
    relevant = RelevantSet(positive.indptr, positive.indices)
    ranked = [[j for j in order if scores[j] > lowest] for order in orders(scores)]
    every = {name: [value(name, order, grades, min_relevance) for order in ranked] for name in NAMES}
    for rule, over in (("expected", np.mean), ("worst", min), ("best", max)):
        places = tie_order(relevance.doc_ids, rule)
        found = search_scores([np.array([scores])], n_docs=n, k=1, places=places, relevant=relevant, lowest=lowest)
        assert found.ranks is not None
        ours = per_query(parse_measures(NAMES), relevance, found.ranks, ties=rule, min_relevance=min_relevance)
        for name in NAMES:
            assert ours[name][0] == pytest.approx(over(every[name]), abs=1e-12), (rule, name, scores, grades)
