"""What `separate` returns: queries, their gaps over all documents, and proven bounds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse


@dataclass(frozen=True)
class Separation:
    """The best query found for every set, with a proven bound on what any query can reach.

    Attributes
    ----------
    queries
        (n_sets, dim) float64, unit rows; a zero row where no query with a positive gap was found.
    gaps
        (n_sets,) float64: least relevant minus greatest irrelevant score of that very query over all documents. Each
        differs from the exact value by at most ``rounding``. Zero for a zero row.
    bounds
        (n_sets,) float64: no unit query has a larger gap. The distance of two points, one in the hull of the set and one
        in the hull of the other documents, plus the rounding of its computation.
    worst
        (n_sets,) int64: the irrelevant document with the greatest score; -1 for a zero row.
    steps
        (n_sets,) int64: active-set steps taken.
    converged
        (n_sets,) bool: ``bounds - gaps <= tolerance``, or the gap reached ``enough``.
    rounding
        Bound on the rounding error of every gap.
    weights
        (n_sets, n_docs) CSR float64, or None: positive on the set, negative elsewhere, summing to 1 and to -1. ``weights @
        docs`` is the vector between the two hull points: its norm is the bound, its direction the query.

    Notes
    -----
    A bound of 1e-12 does not prove a set inseparable: it proves that no unit query separates it by more than 1e-12.
    """

    queries: np.ndarray
    gaps: np.ndarray
    bounds: np.ndarray
    worst: np.ndarray
    steps: np.ndarray
    converged: np.ndarray
    rounding: float
    weights: sparse.csr_matrix | None = None

    @property
    def separable(self) -> np.ndarray:
        """(n_sets,) bool: the query is proven to score the set above all other documents (gap above its rounding)."""
        return self.gaps > self.rounding


@dataclass
class Part:
    """Consecutive sets as a solver leaves them; ``active`` and ``shares`` (n_sets, any): documents (-1: none), weights."""

    queries: np.ndarray
    gaps: np.ndarray
    bounds: np.ndarray
    worst: np.ndarray
    steps: np.ndarray
    active: np.ndarray
    shares: np.ndarray

    def weights(self, n_docs: int) -> sparse.csr_matrix:
        """(n_sets, n_docs) CSR of the shares."""
        used = self.active >= 0
        indptr = np.concatenate([[0], np.cumsum(used.sum(axis=1))])
        matrix = sparse.csr_matrix((self.shares[used], self.active[used], indptr), shape=(self.active.shape[0], n_docs))
        matrix.sort_indices()
        return matrix


def joined(parts: list[Part], *, tolerance: float, enough: float, rounding: float, n_docs: int, with_weights: bool) -> Separation:
    """Parts as one; a query without a positive gap becomes a zero row."""
    queries = np.concatenate([p.queries for p in parts])
    gaps, bounds, worst, steps = (np.concatenate([getattr(p, name) for p in parts]) for name in ("gaps", "bounds", "worst", "steps"))
    without = ~(gaps > 0)
    queries[without], gaps[without], worst[without] = 0.0, 0.0, -1
    converged = (bounds - gaps <= tolerance) | (gaps >= enough)
    weights = sparse.vstack([p.weights(n_docs) for p in parts], format="csr") if with_weights else None
    return Separation(queries, gaps, bounds, worst, steps, converged, rounding, weights)
