"""The regular simplex: the largest gap that n documents can have, in n - 1 dimensions."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from limitlab._core.checks import whole
from limitlab._core.errors import RangeError
from limitlab.capacity.sets import Sets, set_table


@dataclass(frozen=True)
class Simplex:
    r"""``n_docs`` unit documents with equal inner products ``-1 / (n_docs - 1)``; the query of a set is its mean.

    Theorem: every k-subset has gap ``n / sqrt(k (n - 1) (n - k))``, and no unit documents of any dimension have a larger least
    gap over all k-subsets. ``threshold_docs`` and ``threshold_queries`` are the best vectors for one threshold 0 for all queries.

    Attributes
    ----------
    n_docs
        >= 2.

    References
    ----------
    [Wang2026] for the gap; [Bangachev2026] for margins about one threshold.

    Examples
    --------
    >>> simplex = Simplex(46)
    >>> simplex.docs().shape, round(simplex.gap(2), 3)
    ((46, 45), 0.731)
    """

    n_docs: int

    def __post_init__(self) -> None:
        object.__setattr__(self, "n_docs", whole("Simplex()", "n_docs", self.n_docs, low=2))

    @property
    def dim(self) -> int:
        """n_docs - 1."""
        return self.n_docs - 1

    def docs(self) -> np.ndarray:
        """(n_docs, n_docs - 1) float64, unit rows."""
        n = self.n_docs
        # Helmert's basis of the complement of (1, ..., 1): row i is document i minus the mean, in that basis.
        r = np.arange(1, n)
        out = np.where(np.arange(n)[:, None] < r[None, :], 1.0, 0.0) / np.sqrt(r * (r + 1.0))
        out[r, r - 1] = -np.sqrt(r / (r + 1.0))
        return out / math.sqrt((n - 1) / n)

    def queries(self, sets: Sets) -> np.ndarray:
        """(n_sets, n_docs - 1) float64: unit vectors along the means of the sets."""
        sums = self.docs()[set_table("Simplex.queries()", sets, self.n_docs)].sum(axis=1)
        return sums / np.linalg.norm(sums, axis=1, keepdims=True)

    def gap(self, k: int) -> float:
        """Of every k-subset: n / sqrt(k (n - 1) (n - k))."""
        n, k = self.n_docs, self._size("Simplex.gap()", k)
        return n / math.sqrt(k * (n - 1) * (n - k))

    def threshold_docs(self, k: int) -> np.ndarray:
        """(n_docs, n_docs) float64 unit documents for one threshold 0 for all queries: ``(alpha, beta s_i)``."""
        alpha, beta = self._shares("Simplex.threshold_docs()", k)
        return np.concatenate([np.full((self.n_docs, 1), alpha), beta * self.docs()], axis=1)

    def threshold_queries(self, sets: Sets) -> np.ndarray:
        """(n_sets, n_docs) float64 unit queries: scores at least ``threshold_margin(k)`` on the set, at most minus it elsewhere."""
        table = set_table("Simplex.threshold_queries()", sets, self.n_docs)
        alpha, beta = self._shares("Simplex.threshold_queries()", table.shape[1])
        return np.concatenate([np.full((table.shape[0], 1), -alpha), beta * self.queries(table)], axis=1)

    def threshold_margin(self, k: int) -> float:
        """(a + b) / (2 + a - b), the greatest margin about one threshold for all k-subsets, for n_docs >= 2 k.

        A simplex query scores a = sqrt((n - k) / (k (n - 1))) inside its set and -b = -sqrt(k / ((n - 1) (n - k))) outside. For
        large n the margin goes to 1 / (2 sqrt(k) + 1).
        """
        a, b = self._scores("Simplex.threshold_margin()", k)
        return (a + b) / (2 + a - b)

    def _shares(self, who: str, k: int) -> tuple[float, float]:
        a, b = self._scores(who, k)
        t = (a - b) / 2
        return math.sqrt(t / (1 + t)), math.sqrt(1 / (1 + t))

    def _scores(self, who: str, k: int) -> tuple[float, float]:
        n, k = self.n_docs, self._size(who, k)
        if n < 2 * k:
            raise RangeError.of(who, "k", "at most n_docs / 2", k=k, n_docs=n)
        return math.sqrt((n - k) / (k * (n - 1))), math.sqrt(k / ((n - 1) * (n - k)))

    def _size(self, who: str, k: int) -> int:
        return whole(who, "k", k, low=1, high=self.n_docs - 1, high_name="n_docs - 1")
