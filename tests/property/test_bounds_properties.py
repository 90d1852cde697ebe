"""Bounds on random matrices: no lower bound exceeds an upper one, and symmetries change no exact statement."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from limitlab.relevance import RelevanceMatrix
from limitlab.search import separate
from limitlab.theory import bounds
from limitlab.theory.crossings import best_order, changes_of
from limitlab.theory.gap_ceilings import gap_upper_global_dual, gap_upper_row_wise_dual
from limitlab.theory.matrix import Clock, SignMatrix
from limitlab.theory.matrix_rank import rank_upper
from limitlab.theory.moment_curve import moment_curve
from limitlab.theory.quantities import QUANTITIES
from limitlab.theory.spectral import squared_singular_values
from limitlab.theory.traces import KINDS, holds, largest_traces


def matrix(rows: np.ndarray) -> RelevanceMatrix:
    return RelevanceMatrix.from_pairs(
        *np.nonzero(rows), query_ids=[str(i) for i in range(rows.shape[0])], doc_ids=[str(j) for j in range(rows.shape[1])]
    )


def made(kind: str, n_rows: int, n_cols: int, rng: np.random.Generator) -> np.ndarray:
    """Matrices of many shapes: coins, sparse, dense, intervals, half-spaces of a low dimension, blocks, constant rows."""
    if kind == "half-spaces":
        dim = int(rng.integers(1, 4))
        return rng.standard_normal((n_rows, dim)) @ rng.standard_normal((dim, n_cols)) > rng.standard_normal((n_rows, 1))
    if kind == "intervals":
        ends = np.sort(rng.random((n_rows, 2)), axis=1)
        at = rng.random(n_cols)
        return (ends[:, :1] < at) & (at < ends[:, 1:])
    if kind == "sets":
        k = int(rng.integers(1, n_cols + 1))
        return np.argsort(rng.random((n_rows, n_cols)), axis=1) < k
    if kind == "blocks":
        return rng.integers(0, 4, n_rows)[:, None] == rng.integers(0, 4, n_cols)
    return rng.random((n_rows, n_cols)) < {"coins": 0.5, "sparse": 0.1, "dense": 0.9}[kind]


SHAPES = ("coins", "sparse", "dense", "sets", "intervals", "half-spaces", "blocks")
matrices = st.builds(
    lambda kind, n_rows, n_cols, seed: made(kind, n_rows, n_cols, np.random.default_rng(seed)),
    st.sampled_from(SHAPES),
    st.integers(1, 14),
    st.integers(1, 12),
    st.integers(0, 10**6),
)


@settings(max_examples=300, deadline=None)
@given(matrices, st.sampled_from([0.0, 0.05, 0.2]))
def test_no_lower_bound_exceeds_an_upper_bound(rows, seconds):
    table = bounds(matrix(rows), seconds=seconds)
    for quantity in QUANTITIES:
        if quantity.startswith("dim_at") or quantity.startswith("dim_in"):
            continue
        below = [b for b in table.bounds if b.quantity == quantity and b.computed and b.direction != "upper"]
        above = [b for b in table.bounds if b.quantity == quantity and b.computed and b.direction != "lower"]
        for low in below:
            for high in above:
                assert low.value <= high.value + (1e-9 if quantity.startswith("gap") else 0), (low, high)


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 4), st.integers(2, 40), st.integers(2, 20), st.booleans())
def test_lower_bounds_do_not_exceed_a_dimension_that_is_known_to_suffice(seed, dim, n_rows, n_cols, homogeneous):
    """Half-spaces of random vectors: realised in ``dim`` dimensions by construction."""
    rng = np.random.default_rng(seed)
    threshold = 0.0 if homogeneous else rng.standard_normal((n_rows, 1))
    rows = rng.standard_normal((n_rows, dim)) @ rng.standard_normal((dim, n_cols)) > threshold
    table = bounds(matrix(rows), seconds=0.3)
    assert table.lower("dim").value <= dim
    assert table.lower("sign_rank").value <= (dim if homogeneous else dim + 1)


@settings(max_examples=60, deadline=None)
@given(matrices, st.integers(0, 10**6))
def test_order_of_rows_and_columns_and_copies_change_no_statement(rows, seed):
    """What searches nothing: these numbers belong to the matrix, not to how it is written."""
    rng = np.random.default_rng(seed)
    moved = rows[rng.permutation(len(rows))][:, rng.permutation(rows.shape[1])]
    again = np.vstack([moved, moved[:1]])
    again = np.hstack([again, again[:, -1:]])
    names = ("dim_upper_curve", "dim_cosine_upper_curve", "dim_upper_simplex", "dim_upper_rows", "dim_exact_subsets")
    first, second = ({b.name: b.value for b in bounds(matrix(m), seconds=0).bounds if b.name in names} for m in (rows, again))
    assert first == second


@settings(max_examples=100, deadline=None)
@given(matrices)
def test_the_polynomials_of_an_order_show_the_matrix(rows):
    part = SignMatrix.of(matrix(rows)).varying
    order, _ = best_order(part, Clock(0.05))
    found = changes_of(part, order)
    dense = part.dense()[:, order].astype(int)
    assert found.changes == np.abs(np.diff(dense, axis=1)).sum(axis=1).max(initial=0)
    assert found.circular == (dense != np.roll(dense, 1, axis=1)).sum(axis=1).max(initial=0)
    curve = moment_curve(part, order)
    assert curve.dim == found.changes and curve.shows(part)


@settings(max_examples=100, deadline=None)
@given(matrices, st.sampled_from(KINDS))
def test_trace_sets_pass_the_definition_and_are_the_largest(rows, kind):
    found, complete = largest_traces(rows, kind, Clock(5.0))
    assert complete and holds(rows[:, list(found)], kind)
    from itertools import combinations

    if rows.shape[1] <= 8:
        larger = combinations(range(rows.shape[1]), len(found) + 1)
        assert not any(holds(rows[:, list(c)], kind) for c in larger)


@settings(max_examples=100, deadline=None)
@given(matrices)
def test_rank_and_singular_values(rows):
    signs = np.where(rows, 1, -1)
    assert rank_upper(signs, Clock(5.0)) == np.linalg.matrix_rank(signs)
    assert rank_upper(rows.astype(int), Clock(5.0)) == np.linalg.matrix_rank(rows)
    squares = squared_singular_values(signs)
    assert (squares >= np.linalg.svd(signs, compute_uv=False) ** 2 * (1 - 1e-15)).all()


@settings(max_examples=60, deadline=None)
@given(matrices, st.integers(0, 10**6), st.integers(1, 6))
def test_no_vectors_beat_the_ceiling_of_the_gap(rows, seed, dim):
    """Random documents with their best queries, and the matrix's own singular vectors."""
    rows = rows[rows.any(axis=1) & ~rows.all(axis=1)]
    if not len(rows):
        return
    rng = np.random.default_rng(seed)
    docs = rng.standard_normal((rows.shape[1], dim))
    lifted = np.linalg.svd(np.where(rows, 1.0, -1.0), full_matrices=False)[2].T
    for vectors in (docs, lifted + 1e-6):
        vectors = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
        gap = separate(vectors, matrix(rows)).gaps.min()
        assert gap <= gap_upper_row_wise_dual(rows, Clock(0.05)) + 1e-9
    assert gap_upper_global_dual(rows, Clock(0.05)) <= 2.0


@pytest.mark.parametrize("seed", range(3))
def test_the_same_matrix_gives_the_same_records(seed):
    rows = made("coins", 9, 8, np.random.default_rng(seed))
    first, second = (bounds(matrix(rows), seconds=20).to_dict()["bounds"] for _ in range(2))
    assert first == second
