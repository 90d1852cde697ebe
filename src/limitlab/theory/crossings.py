"""Orders of the documents in which every query's documents lie in few runs: the fewer, the fewer dimensions are needed.

With documents in this order on a curve, a polynomial that changes sign between neighbours where relevance changes realises the row.
For an order with at most c changes in a row, r runs of relevant documents, and 2 s changes when the order is closed to a circle:

- sign rank <= c + 1, own thresholds <= c: the moment curve [AlonMoranYehudayoff2016];
- cosine <= 2 s: the trigonometric curve of degree s has unit vectors;
- one threshold for all queries <= 2 r and Euclidean distance <= 2 r - 1: the rest of the circle is one more document, irrelevant to all.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import reverse_cuthill_mckee

from limitlab.theory.matrix import Clock, SignMatrix

_TREE_CELLS = 40_000_000  # distances x rows of the spanning path
_LOCAL_COLUMNS = 4_000


@dataclass(frozen=True)
class Changes:
    """Of one order, the largest over all rows.

    Attributes
    ----------
    changes, circular, runs
        Changes of relevance along the order; along the circle (even); runs of relevant documents.
    """

    changes: int
    circular: int
    runs: int


def changes_of(matrix: SignMatrix, order: np.ndarray) -> Changes:
    """Count the changes and runs of an order, exactly.

    Parameters
    ----------
    order
        (n_cols,) a permutation of the columns.
    """
    changes, circular, runs = _per_row(matrix.rows, order)
    most = [int(a.max(initial=0)) for a in (changes, circular, runs)]
    return Changes(*most)


def best_order(matrix: SignMatrix, clock: Clock) -> tuple[np.ndarray, str]:
    """An order with few changes: the best of the given one, reverse Cuthill-McKee, and a spanning path of low crossing number.

    The path follows [AlonMoranYehudayoff2016], after Welzl: join the two paths' ends whose columns differ in rows of the least weight,
    and double the weights of these rows. Then pieces are turned around as long as that helps and time is left.

    Returns
    -------
    The order, and where it came from.
    """
    n = matrix.n_cols
    candidates = [(np.arange(n), "the given order"), (_cuthill_mckee(matrix), "reverse Cuthill-McKee")]
    if n * n * matrix.n_rows <= _TREE_CELLS and not clock.over:
        path = _spanning_path(matrix, clock.part(0.5))
        if path is not None:
            candidates.append((path, "a spanning path of low crossing number"))
    order, name = min(candidates, key=lambda c: _cost(matrix, c[0]))
    if 3 < n <= _LOCAL_COLUMNS and changes_of(matrix, order).changes > 1:
        better = _turned(matrix, order, clock)
        if _cost(matrix, better) < _cost(matrix, order):
            order, name = better, f"{name}, pieces turned around"
    return order, name


def _per_row(rows: sparse.csr_matrix, order: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(n_rows,) each: changes, circular changes, runs."""
    n_rows, n = rows.shape
    place = np.empty(n, np.int64)
    place[order] = np.arange(n)
    row = np.repeat(np.arange(n_rows), np.diff(rows.indptr))
    key = np.sort(row * (n + 2) + place[rows.indices])  # two unused places between rows: neighbours of different rows never touch
    at = key % (n + 2)
    row = key // (n + 2)
    begins = np.ones(key.size, bool)
    begins[1:] = np.diff(key) != 1
    runs = np.bincount(row[begins], minlength=n_rows)
    first = np.bincount(row[at == 0], minlength=n_rows)
    last = np.bincount(row[at == n - 1], minlength=n_rows)
    full = np.diff(rows.indptr) == n
    changes = 2 * runs - first - last
    circular = np.where(full, 0, 2 * (runs - (first & last)))
    return changes, circular, runs


def _cost(matrix: SignMatrix, order: np.ndarray) -> tuple[int, int, float]:
    changes, circular, _ = _per_row(matrix.rows, order)
    most = int(changes.max(initial=0))
    return most, int(circular.max(initial=0)), float(np.exp2(changes - most).sum())


def _cuthill_mckee(matrix: SignMatrix) -> np.ndarray:
    """Columns in the order of the bipartite graph of rows and columns."""
    n_rows, n = matrix.n_rows, matrix.n_cols
    graph = sparse.bmat([[None, matrix.rows], [matrix.rows.T, None]], format="csr") if matrix.rows.nnz else None
    if graph is None:
        return np.arange(n)
    order = reverse_cuthill_mckee(graph, symmetric_mode=True)
    out: np.ndarray = order[order >= n_rows].astype(np.int64) - n_rows
    return out


def _spanning_path(matrix: SignMatrix, clock: Clock) -> np.ndarray | None:
    """Paths joined at their ends by the pair that the heaviest rows cross least; None when time ran out."""
    dense = matrix.dense()
    n = matrix.n_cols
    weights = np.ones(matrix.n_rows)
    ends: dict[int, tuple[int, ...]] = {i: (i,) for i in range(n)}  # a path by either of its end columns
    while True:
        if clock.over:
            return None
        paths = {id(p): p for p in ends.values()}
        if len(paths) == 1:
            return np.array(next(iter(paths.values())), np.int64)
        heads = np.array(sorted(ends))
        part = dense[:, heads].astype(np.float64)
        inner = part.T @ (weights[:, None] * part)
        alone = np.diag(inner)
        apart = alone[:, None] + alone[None, :] - 2 * inner
        owner = np.array([id(ends[int(h)]) for h in heads])
        apart[owner[:, None] == owner[None, :]] = np.inf
        i, j = divmod(int(np.argmin(apart)), heads.size)
        a, b = int(heads[i]), int(heads[j])
        crossed = dense[:, a] != dense[:, b]
        weights[crossed] *= 2
        weights /= weights.max()
        left, right = ends[a], ends[b]
        joined = (left if left[-1] == a else left[::-1]) + (right if right[0] == b else right[::-1])
        for end in (left[0], left[-1], right[0], right[-1]):
            ends.pop(end, None)
        ends[joined[0]] = ends[joined[-1]] = joined


def _turned(matrix: SignMatrix, order: np.ndarray, clock: Clock) -> np.ndarray:
    """Reverse or move pieces where that lowers the cost, until three thousand tries in a row failed or time is over."""
    rng = np.random.default_rng(0)
    n = order.size
    best, cost = order, _cost(matrix, order)
    failed = 0
    while failed < 3000 and not clock.over and cost[0] > 1:
        i, j = np.sort(rng.choice(n + 1, size=2, replace=False))
        piece = best[i:j]
        if rng.random() < 0.5:
            new = np.concatenate([best[:i], piece[::-1], best[j:]])
        else:
            rest = np.concatenate([best[:i], best[j:]])
            at = int(rng.integers(rest.size + 1))
            new = np.concatenate([rest[:at], piece, rest[at:]])
        found = _cost(matrix, new)
        failed = 0 if found < cost else failed + 1
        if found <= cost:
            best, cost = new, found
    return best
