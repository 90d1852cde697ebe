"""Radon traces: what the definition asks, cliques in graphs of queries, and what stops a search."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from scipy import sparse

from limitlab._core.errors import UnknownName
from limitlab.theory.matrix import Clock
from limitlab.theory.trace_bounds import trace_bound
from limitlab.theory.traces import holds, largest_traces


def rows_of(sets, n: int) -> np.ndarray:
    out = np.zeros((len(sets), n), bool)
    for i, s in enumerate(sets):
        out[i, list(s)] = True
    return out


def test_the_three_kinds_on_two_documents():
    one = rows_of([{0, 2}], 3)
    assert holds(one[:, [0, 1]], "affine")  # {0} against {1}: one part suffices
    assert not holds(one[:, [0, 1]], "linear")  # neither both nor none is asked
    assert not holds(one[:, [0, 1]], "shattered")
    assert holds(rows_of([{0}, {1}, {0, 1}, set()], 2), "shattered")


def test_five_documents_of_a_clique_with_neighbours_outside():
    pairs = [set(p) for p in combinations(range(5), 2)]
    inside = rows_of(pairs, 10)
    assert not holds(inside[:, :5], "affine")  # no single document is a trace
    outside = rows_of([*pairs, *({i, i + 5} for i in range(5))], 10)
    assert holds(outside[:, :5], "affine") and not holds(outside[:, :5], "linear")
    assert holds(rows_of([*pairs, *({i, i + 5} for i in range(5)), {8, 9}], 10)[:, :5], "linear")
    assert largest_traces(outside, "affine", Clock(5)) == ((0, 1, 2, 3, 4), True)


def test_a_hidden_clique_is_found_by_its_core_number():
    rng = np.random.default_rng(0)
    n = 3_000
    edges = {tuple(sorted(rng.choice(n, 2, replace=False).tolist())) for _ in range(6_000)}
    clique = sorted(rng.choice(n, 7, replace=False).tolist())
    edges |= set(combinations(clique, 2))
    pairs = np.array(sorted(edges))
    rows = sparse.csr_matrix((np.ones(pairs.size, np.int8), pairs.ravel(), np.arange(len(pairs) + 1) * 2), shape=(len(pairs), n))
    found, complete = trace_bound(rows, "linear", Clock(20), at_most=5)
    assert len(found) == 5 and complete and set(found) <= set(clique)


def test_an_ended_search_of_all_columns_is_complete_and_a_stopped_one_is_not():
    rows = np.random.default_rng(1).random((40, 14)) < 0.5
    found, complete = largest_traces(rows, "affine", Clock(20))
    assert complete and holds(rows[:, list(found)], "affine")
    stopped, complete = largest_traces(rows, "affine", Clock(0))
    assert not complete and len(stopped) <= len(found)


def test_no_rows_and_constant_rows():
    assert largest_traces(np.zeros((0, 4), bool), "affine", Clock(1)) == ((), True)
    assert largest_traces(np.zeros((1, 4), bool), "linear", Clock(1))[0] == (0,)
    assert largest_traces(np.zeros((1, 4), bool), "shattered", Clock(1))[0] == ()


def test_refused():
    with pytest.raises(UnknownName, match="kind"):
        holds(np.zeros((1, 1), bool), "radon")
