"""Counts of the model against counts taken from the code while it runs."""

from __future__ import annotations

import numpy as np
import pytest

from limitlab.estimation.search_cost import GAP_SPREAD, PASSES, PASSES_SPREAD, exact_search_parts, gap_passes, separate_parts, share_of_file
from limitlab.estimation.sizes import Sizes
from limitlab.search import RelevantSet, exact_search, normalised, separate


@pytest.fixture
def flop(monkeypatch):
    """Floating-point operations of np.matmul so far."""
    counted = [0.0]
    matmul = np.matmul

    def counting(a, b, *args, **kwargs):
        counted[0] += 2.0 * a.shape[0] * a.shape[1] * b.shape[1]
        return matmul(a, b, *args, **kwargs)

    monkeypatch.setattr(np, "matmul", counting)
    return counted


def named(parts, start):
    return [p for p in parts if p.name.startswith(start)]


@pytest.mark.parametrize(("n_docs", "n_queries", "dim"), [(3_000, 1_300, 24), (9_000, 20, 7)])
def test_products_of_a_search_are_those_it_makes(machine, flop, n_docs, n_queries, dim):
    rng = np.random.default_rng(0)
    docs, queries = (rng.standard_normal((n, dim)).astype(np.float32) for n in (n_docs, n_queries))
    relevant = RelevantSet(np.arange(n_queries + 1), np.arange(n_queries))
    exact_search(docs, queries, k=5, places=np.arange(n_docs, dtype=np.int32), relevant=relevant)
    parts = exact_search_parts(machine, n_docs=n_docs, n_queries=n_queries, dim=dim, k=5, pairs=n_queries, normalise=True, what="search")
    assert named(parts, "products")[0].amount == flop[0]
    assert named(parts, "candidate scan")[0].amount == n_docs * n_queries
    assert named(parts, "ranks")[0].amount == n_docs * n_queries
    assert {p.name for p in parts if p.unit == "values"} == {"test rows for NaN", "scale rows to unit length"}


def test_passes_of_best_queries_and_gaps_are_near_those_it_makes(machine, flop):
    rng = np.random.default_rng(1)
    n, dim, sets = 20_000, 96, 60
    docs = normalised(rng.standard_normal((n, dim)).astype(np.float32))
    rows = np.stack([rng.choice(n, 2, replace=False) for _ in range(sets)])
    separate(docs, rows, tolerance=1e-9, enough=1e-6)
    one_pass = 2.0 * sets * n * dim
    assert PASSES_SPREAD[0] * PASSES <= flop[0] / one_pass <= PASSES_SPREAD[1] * PASSES
    flop[0] = 0.0
    separate(docs, rows, tolerance=1e-3)
    assert GAP_SPREAD[0] * gap_passes(n) <= flop[0] / one_pass <= GAP_SPREAD[1] * gap_passes(n)


def test_sets_that_nobody_needs_cost_nothing_and_the_range_follows_their_number(machine):
    s = Sizes(100_000, 1_000, 384)
    assert separate_parts(machine, s, (0.0, 0.0, 0.0), PASSES, "separate_first", "best") == []
    narrow = separate_parts(machine, s, (500.0, 500.0, 500.0), PASSES, "separate_first", "best")
    wide = separate_parts(machine, s, (100.0, 500.0, 1000.0), PASSES, "separate_first", "best")
    for a, b in zip(narrow, wide):
        assert a.seconds()[1] == pytest.approx(b.seconds()[1])
        if a.rate_name in ("products", "scan"):
            assert b.seconds()[0] < a.seconds()[0] and b.seconds()[2] > a.seconds()[2]


def test_a_file_larger_than_memory_is_read_from_disk_each_time(machine):
    small, large = Sizes(10**6, 10, 384), Sizes(10**8, 10, 384)
    assert share_of_file(small, machine) == ("file_cached", machine.rates["file_cached"])
    assert share_of_file(large, machine) == ("file_cold", machine.rates["file_cold"])
