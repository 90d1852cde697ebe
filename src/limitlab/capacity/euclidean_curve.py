"""Nearest neighbours: every set of at most k documents are the nearest ones of some point, in 2 k - 1 dimensions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from limitlab._core.checks import whole
from limitlab._core.errors import RangeError
from limitlab.capacity.curves import TrigCurve
from limitlab.capacity.sets import Sets, set_table


@dataclass(frozen=True)
class EuclideanCurve:
    r"""A stereographic image of the trigonometric moment curve, for distances instead of inner products.

    Theorem: put n_docs + 1 points on the curve in the unit sphere of R^{2k} and project from the last one, N. A half-space
    ``<u, v> > b`` that holds S and neither N nor another document becomes the ball around ``B^T u / (b - <u, N>)``, B an
    orthonormal basis of the complement of N. So S are the |S| nearest documents of that centre.

    Attributes
    ----------
    n_docs
        >= 2 k + 1.
    k
        Most documents of a set, >= 1.

    References
    ----------
    [Wang2026], where 2 k dimensions are used; the projection saves one.

    Examples
    --------
    >>> import numpy as np
    >>> curve = EuclideanCurve(12, k=2)
    >>> distances = np.linalg.norm(curve.docs() - curve.centres([[3, 8]]), axis=1)
    >>> curve.dim, sorted(np.argsort(distances)[:2].tolist())
    (3, [3, 8])
    """

    n_docs: int
    k: int = 2

    def __post_init__(self) -> None:
        k = whole("EuclideanCurve()", "k", self.k, low=1)
        if whole("EuclideanCurve()", "n_docs", self.n_docs) < 2 * k + 1:
            raise RangeError.of("EuclideanCurve()", "n_docs", f"at least 2 k + 1 = {2 * k + 1}", n_docs=self.n_docs)
        object.__setattr__(self, "n_docs", int(self.n_docs))
        object.__setattr__(self, "k", k)

    @property
    def dim(self) -> int:
        """2 k - 1."""
        return 2 * self.k - 1

    def docs(self) -> np.ndarray:
        """(n_docs, 2 k - 1) float64. Documents near the pole lie far out, at most about n_docs / 2 from the origin."""
        points, pole, basis = self._sphere()
        return points @ basis / (1 - points @ pole)[:, None]

    def centres(self, sets: Sets) -> np.ndarray:
        """(n_sets, 2 k - 1) float64: points whose nearest documents are the set, for sets of at most k documents."""
        table = set_table("EuclideanCurve.centres()", sets, self.n_docs, at_most=self.k)
        curve = TrigCurve(self.n_docs + 1, 2 * self.k)
        points, pole, basis = self._sphere()
        # Of the theorem's query: all of S has one score, and the pole counts as one of the others.
        queries = curve.queries(table, rule="polynomial")
        scores = queries @ points.T
        rows = np.arange(table.shape[0])[:, None]
        inside = scores[rows, table].min(axis=1)
        scores[rows, table] = -np.inf
        at_pole = queries @ pole
        border = (inside + np.maximum(scores.max(axis=1), at_pole)) / 2
        return queries @ basis / (border - at_pole)[:, None]

    def _sphere(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Points (n_docs, 2 k) but the last, the last, and an orthonormal basis (2 k, 2 k - 1) of its complement."""
        points = TrigCurve(self.n_docs + 1, 2 * self.k).docs()
        pole = points[-1]
        basis = np.linalg.svd(pole[None, :])[2][1:].T
        return points[:-1], pole, basis
