"""Orders of few changes and the polynomials that show them."""

from __future__ import annotations

import numpy as np
import pytest

from limitlab._core.errors import ShapeError, TooLarge
from limitlab.relevance import RelevanceMatrix, cycle
from limitlab.theory.crossings import best_order, changes_of
from limitlab.theory.matrix import Clock, SignMatrix
from limitlab.theory.matrix_rank import rank_upper
from limitlab.theory.moment_curve import moment_curve


def of(rows) -> SignMatrix:
    rows = np.asarray(rows, bool)
    return SignMatrix.of(RelevanceMatrix.from_pairs(*np.nonzero(rows), query_ids=range(rows.shape[0]), doc_ids=range(rows.shape[1])))


def test_shuffled_intervals_are_put_in_order_again():
    rng = np.random.default_rng(0)
    rows = np.array([[a <= j < a + 4 for j in range(20)] for a in range(17)])
    matrix = of(rows[:, rng.permutation(20)])
    order, name = best_order(matrix, Clock(5))
    found = changes_of(matrix, order)
    assert (found.changes, found.circular, found.runs) == (2, 2, 1), name


def test_a_ring_has_two_runs_on_a_line_and_two_changes_around():
    matrix = SignMatrix.of(cycle(12, 12))
    found = changes_of(matrix, np.arange(12))
    assert (found.changes, found.circular, found.runs) == (2, 2, 2)


def test_rows_that_end_where_the_next_begins_are_kept_apart():
    matrix = of([[0, 0, 1], [1, 0, 0]])
    found = changes_of(matrix, np.arange(3))
    assert (found.changes, found.circular, found.runs) == (1, 2, 1)


def test_polynomials_of_high_degree_are_exact():
    rows = np.array([[(j >> b) & 1 for j in range(64)] for b in range(6)])  # up to 63 changes
    matrix = of(rows)
    curve = moment_curve(matrix, np.arange(64))
    assert curve.dim == 63 and curve.shows(matrix)
    curve.thresholds[0] += 10**200
    assert not curve.shows(matrix)


def test_refused():
    matrix = of(np.eye(3))
    with pytest.raises(ShapeError, match="permutation"):
        moment_curve(matrix, np.array([0, 0, 1]))
    with pytest.raises(TooLarge, match="whole numbers"):
        moment_curve(of(np.random.default_rng(0).random((300, 300)) < 0.5), np.arange(300))


def test_a_rank_below_full_is_proved():
    rng = np.random.default_rng(0)
    low = rng.integers(0, 2, (60, 5))
    matrix = np.hstack([low, low[:, :3], 1 - low])  # rank at most 6: the columns and the constant
    assert rank_upper(matrix, Clock(20)) == np.linalg.matrix_rank(matrix)
    assert rank_upper(matrix, Clock(0)) is None
