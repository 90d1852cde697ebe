"""Several ranked lists as one, against the formulas written out."""

from __future__ import annotations

import numpy as np
import pytest

from limitlab._core.errors import RangeError, ShapeError, UnknownName
from limitlab.search import RelevantSet, SearchResult, fused, tie_order

PLACES = tie_order([f"d{i}" for i in range(5)], "st")
FIRST = SearchResult(np.array([[0, 1, 2]]), np.array([[9.0, 5.0, 1.0]], np.float32))
SECOND = SearchResult(np.array([[2, 3, -1]]), np.array([[0.8, 0.2, -np.inf]], np.float32))


def test_reciprocal_rank():
    found = fused([FIRST, SECOND], k=4, places=PLACES, rank_constant=1)
    expected = {0: 1 / 2, 1: 1 / 3, 2: 1 / 4 + 1 / 2, 3: 1 / 3}
    assert found.indices[0].tolist() == [2, 0, 1, 3]  # 1 and 3 tie: the smaller place first
    np.testing.assert_array_equal(found.scores[0], np.array([expected[d] for d in (2, 0, 1, 3)], np.float32))


def test_weighted_scores():
    found = fused([FIRST, SECOND], k=2, places=PLACES, method="weighted", weights=[1, 3])
    assert found.indices[0].tolist() == [2, 0]
    np.testing.assert_allclose(found.scores[0], [3.0, 1.0])


def test_distribution_based_scores():
    found = fused([FIRST], k=3, places=PLACES, method="dbsf")
    s = np.array([9.0, 5.0, 1.0])
    np.testing.assert_allclose(found.scores[0], (s - s.mean() + 3 * s.std()) / (6 * s.std()), rtol=1e-6)


def test_ranks_are_those_within_all_candidates():
    found = fused([FIRST, SECOND], k=1, places=PLACES, relevant=RelevantSet([0, 3], [1, 2, 4]), rank_constant=1)
    assert found.ranks.by_id().tolist() == [3, 1, 0]


def test_wrong_arguments_are_refused():
    with pytest.raises(UnknownName, match="did you mean 'rrf'"):
        fused([FIRST], k=1, places=PLACES, method="rff")
    with pytest.raises(ShapeError, match="one a list, 2; got 1"):
        fused([FIRST, SECOND], k=1, places=PLACES, weights=[1])
    with pytest.raises(RangeError, match="weight must be in"):
        fused([FIRST, SECOND], k=1, places=PLACES, weights=[1, -1])
    with pytest.raises(ShapeError, match="not all be 0"):
        fused([FIRST, SECOND], k=1, places=PLACES, weights=[0, 0])
    with pytest.raises(ShapeError, match="same queries"):
        fused([FIRST, SearchResult(np.zeros((2, 1), np.int64), np.zeros((2, 1), np.float32))], k=1, places=PLACES)
