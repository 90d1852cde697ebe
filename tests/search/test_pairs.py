"""Scores of given pairs and documents before them, against brute force, with equal scores and with vectors of any length."""

from __future__ import annotations

import numpy as np
import pytest

from limitlab._core.errors import ShapeError
from limitlab.search import RelevantSet, documents_before, exact_search, pair_scores, tie_order


@pytest.mark.parametrize("scale", [1.0, 300.0])
def test_documents_before_are_those_of_the_exact_search(scale):
    rng = np.random.default_rng(0)
    docs = (scale * rng.integers(-2, 3, (400, 5))).astype(np.float32)  # many equal scores
    queries = rng.integers(-2, 3, (30, 5)).astype(np.float32)
    members = np.sort(np.stack([rng.choice(400, 3, False) for _ in range(30)]), axis=1).reshape(-1)
    pairs, places = RelevantSet(np.arange(0, 91, 3), members), tie_order([f"d{i}" for i in range(400)])
    scores = pair_scores(docs, queries, pairs)
    truth = (queries.astype(np.float64) @ docs.T).astype(np.float32)
    assert np.array_equal(scores, truth[pairs.rows, members])
    ranks = exact_search(docs, queries, k=1, places=places, normalise=False, relevant=pairs).ranks.by_id()
    everything = documents_before(docs, queries, pairs, scores, among=np.arange(400), places=places)
    assert np.array_equal(everything, ranks - 1)
    some = np.sort(rng.choice(400, 150, False))
    by_hand = [
        sum(truth[q, d] > truth[q, m] or (truth[q, d] == truth[q, m] and places[d] < places[m]) for d in some)
        for q, m in zip(pairs.rows, members)
    ]
    assert documents_before(docs, queries, pairs, scores, among=some, places=places).tolist() == by_hand
    assert not documents_before(docs, queries, pairs, scores, among=some[:0], places=places).any()


def test_pairs_must_fit_the_queries():
    with pytest.raises(ShapeError, match="one row per query; got 2 rows, 1 queries"):
        pair_scores(np.eye(3, dtype=np.float32), np.eye(3, dtype=np.float32)[:1], RelevantSet(np.array([0, 1, 2]), np.array([0, 1])))
