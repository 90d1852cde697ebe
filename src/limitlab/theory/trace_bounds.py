"""Where to look for trace sets in a large matrix: few columns that many rows divide, and the neighbourhoods of single columns."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from scipy import sparse

from limitlab.theory.matrix import Clock
from limitlab.theory.traces import largest_traces

_POOL = 64
_NEAR = 40
_SEEDS = 200


def trace_bound(rows: sparse.csr_matrix, kind: str, clock: Clock, *, at_most: int) -> tuple[tuple[int, ...], bool]:
    """A large affine, linear or shattered set of columns of a sparse 0/1 matrix.

    Returns
    -------
    The columns, ascending, and whether it is known that there is no larger one (or ``at_most`` was reached).
    """
    most = int(np.minimum(np.diff(rows.indptr), rows.shape[1] - np.diff(rows.indptr)).max(initial=0))
    if kind != "shattered":
        at_most = min(at_most, 2 * most + 1)  # a division in halves needs a trace, or its complement, of floor(p / 2) columns
    columns = rows.tocsc()
    best: tuple[int, ...] = ()
    complete = False
    for number, pool in enumerate(_pools(rows, columns)):
        part = clock.part(0.5) if number == 0 and pool.size < rows.shape[1] else clock
        found, ended = largest_traces(_dense(columns, pool, rows.shape[0]), kind, part, at_most=at_most)
        if len(found) > len(best):
            best = tuple(sorted(int(pool[c]) for c in found))
        complete = len(best) >= at_most or (ended and pool.size == rows.shape[1])
        if complete or clock.over or pool.size == rows.shape[1]:
            break
    return best, complete


def _dense(columns: sparse.csc_matrix, pool: np.ndarray, n_rows: int) -> np.ndarray:
    """The traces of all rows on the pool, the empty one once where a row has it."""
    part = columns[:, pool].tocsr()
    touched = np.flatnonzero(np.diff(part.indptr))
    block = part[touched].toarray().astype(bool)
    if touched.size < n_rows:
        block = np.vstack([block, np.zeros((1, pool.size), bool)])
    return block


def _pools(rows: sparse.csr_matrix, columns: sparse.csc_matrix) -> Iterator[np.ndarray]:
    """Sets of columns, the most promising first, in each the most promising column first."""
    n_rows, n = rows.shape
    degrees = np.diff(columns.indptr)
    score = _cores(rows) if np.diff(rows.indptr).max(initial=0) == 2 else np.minimum(degrees, n_rows - degrees)
    order = np.lexsort((-degrees, -score))
    if n <= _POOL:
        yield order
        return
    yield order[:_POOL]
    for seed in order[:_SEEDS]:
        mine = columns.indices[columns.indptr[seed] : columns.indptr[seed + 1]]
        near = np.asarray(rows[mine].sum(axis=0)).ravel()
        near[seed] = near.max(initial=0) + 1
        ranked = np.lexsort((-score, -near))[:_NEAR]
        yield ranked[near[ranked] > 0]


def _cores(rows: sparse.csr_matrix) -> np.ndarray:
    """For queries of two documents: the core number of every document in the graph whose edges they are."""
    pairs = rows.indices[np.repeat(np.diff(rows.indptr) == 2, np.diff(rows.indptr))].reshape(-1, 2)
    n = rows.shape[1]
    core = np.zeros(n, np.int64)
    alive = np.ones(n, bool)
    level = 0
    while len(pairs):
        degree = np.bincount(pairs.reshape(-1), minlength=n)
        low = alive & (degree <= level)
        if not low.any():
            level += 1
            continue
        core[low] = level
        alive &= ~low
        pairs = pairs[alive[pairs].all(axis=1)]
    core[alive] = level
    return core
