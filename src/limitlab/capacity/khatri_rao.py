"""The Khatri-Rao lift: documents times themselves, so that a query can measure their distance from a subspace."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from limitlab._core.checks import whole
from limitlab._core.errors import RangeError
from limitlab._core.seeds import derived
from limitlab.capacity.sets import Sets, set_table


@dataclass(frozen=True)
class KhatriRao:
    r"""Documents ``(v v^T - I / m) / sqrt(1 - 1 / m)`` of random unit ``v`` in R^m: dim ``m (m + 1) / 2 - 1``, unit rows.

    Construction: the query of S is ``-(P - (m - k) / m I) / sqrt((m - k) k / m)``, P the projector onto the complement of the
    span of ``v_S``, and its gap ``min_{j not in S} dist(v_j, span v_S)**2 / (sqrt((m - k) k / m) sqrt(1 - 1 / m))``. So every set of
    at most m - 1 documents whose span holds no other document is exactly on top; for random v that is every set, with
    probability 1. How large the least gap is was only measured. [Bangachev2026] state a lift of this kind; the formulas
    here are a reconstruction.

    Attributes
    ----------
    n_docs
        >= 2.
    base
        m, the dimension before the lift, >= 2.
    seed
        Of the random base vectors.

    References
    ----------
    [Bangachev2026]

    Examples
    --------
    >>> import numpy as np
    >>> lift = KhatriRao(100, 4)
    >>> q, docs = lift.queries([[3, 8]]), lift.docs()
    >>> lift.dim, sorted(np.argsort(-(q @ docs.T)[0])[:2].tolist())
    (9, [3, 8])
    """

    n_docs: int
    base: int
    seed: int = 0
    _base_docs: np.ndarray = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        n, m = whole("KhatriRao()", "n_docs", self.n_docs, low=2), whole("KhatriRao()", "base", self.base, low=2)
        whole("KhatriRao()", "seed", self.seed, low=0)
        drawn = derived(self.seed, "Khatri-Rao").standard_normal((n, m))
        object.__setattr__(self, "_base_docs", drawn / np.linalg.norm(drawn, axis=1, keepdims=True))

    @property
    def dim(self) -> int:
        """m (m + 1) / 2 - 1: symmetric matrices without their trace."""
        return self.base * (self.base + 1) // 2 - 1

    def docs(self) -> np.ndarray:
        """(n_docs, dim) float64, unit rows."""
        v = self._base_docs
        return _flat(np.einsum("ni,nj->nij", v, v)) / math.sqrt(1 - 1 / self.base)

    def queries(self, sets: Sets) -> np.ndarray:
        """(n_sets, dim) float64, unit rows, for sets of at most base - 1 documents.

        Raises
        ------
        RangeError
            A set has more documents, or its base vectors are linearly dependent.
        """
        who = "KhatriRao.queries()"
        table = set_table(who, sets, self.n_docs, at_most=self.base - 1)
        m, k = self.base, table.shape[1]
        basis, triangle = np.linalg.qr(self._base_docs[table].transpose(0, 2, 1))
        least = np.abs(np.diagonal(triangle, axis1=1, axis2=2)).min(axis=1)
        if (least < 1e-12).any():
            raise RangeError(f"{who}: base vectors of a set must be independent; those of set {int(least.argmin())} are not to 1e-12.")
        # The trace of P is m - k, so leaving the trace out of P is subtracting (m - k) / m of the identity.
        return _flat(np.einsum("sik,sjk->sij", basis, basis)) / math.sqrt((m - k) * k / m)

    def gaps(self, sets: Sets) -> np.ndarray:
        """(n_sets,) float64: gap of each set by the distance formula."""
        table = set_table("KhatriRao.gaps()", sets, self.n_docs, at_most=self.base - 1)
        m, k = self.base, table.shape[1]
        out = np.empty(table.shape[0])
        for row, members in enumerate(table):
            basis = np.linalg.qr(self._base_docs[members].T)[0]
            left = self._base_docs - (self._base_docs @ basis) @ basis.T
            squares = np.einsum("nm,nm->n", left, left)
            squares[members] = np.inf
            out[row] = squares.min()
        return out / (math.sqrt((m - k) * k / m) * math.sqrt(1 - 1 / m))


def _flat(matrices: np.ndarray) -> np.ndarray:
    """Symmetric matrices as vectors with the same inner products, the trace left out: (count, m (m + 1) / 2 - 1)."""
    m = matrices.shape[1]
    rows, columns = np.triu_indices(m, 1)
    diagonal = np.diagonal(matrices, axis1=1, axis2=2)
    r = np.arange(1, m)
    helmert = np.where(np.arange(m)[:, None] < r[None, :], 1.0, 0.0) / np.sqrt(r * (r + 1.0))
    helmert[r, r - 1] = -np.sqrt(r / (r + 1.0))
    return np.concatenate([math.sqrt(2) * matrices[:, rows, columns], diagonal @ helmert], axis=1)
