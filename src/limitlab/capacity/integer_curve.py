"""The integer moment curve: documents and queries are whole numbers, so that scores are exact and orders certain."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from limitlab._core.checks import whole
from limitlab._core.errors import RangeError, TooLarge
from limitlab.capacity.sets import Sets, set_table


@dataclass(frozen=True)
class IntegerCurve:
    r"""Documents ``(t, t**2, ..., t**(2 k))`` at whole ``t`` from ``-(n_docs // 2)`` on: every k-subset exactly on top.

    Theorem: with ``P_S(t) = prod_{i in S} (t - t_i)`` and ``P_S**2 = sum_j c_j t**j`` the query ``-(c_1, ..., c_2k)`` scores the
    document at ``t`` as ``c_0 - P_S(t)**2``: c_0 on S, less by at least 1 elsewhere. All numbers are whole. ``t`` is centred
    because powers of ``n_docs / 2`` overflow later than those of ``n_docs``. The vectors have very different lengths.

    Attributes
    ----------
    n_docs
        >= 2.
    k
        Documents of a set, >= 1.

    References
    ----------
    [AlonFranklRodl1985], [Wang2026]

    Examples
    --------
    >>> curve = IntegerCurve(9)
    >>> (curve.queries([[0, 5]]) @ curve.docs().T).tolist()  # t = -4 and 1: c_0 = 16
    [[16, 0, -20, -20, 0, 16, -20, -180, -560]]
    >>> IntegerCurve.largest_n(2, bits=63), IntegerCurve.largest_n(2, bits=53)
    (56005, 9901)
    """

    n_docs: int
    k: int = 2

    def __post_init__(self) -> None:
        object.__setattr__(self, "n_docs", whole("IntegerCurve()", "n_docs", self.n_docs, low=2))
        object.__setattr__(self, "k", whole("IntegerCurve()", "k", self.k, low=1, high=31))

    @property
    def dim(self) -> int:
        """2 k."""
        return 2 * self.k

    @property
    def positions(self) -> np.ndarray:
        """(n_docs,) int64: t of each document."""
        return np.arange(self.n_docs) - self.n_docs // 2

    def docs(self) -> np.ndarray:
        """(n_docs, 2 k) int64.

        Raises
        ------
        TooLarge
            A partial sum of a score could leave int64.
        """
        self._fits("IntegerCurve.docs()")
        return self.positions[:, None] ** np.arange(1, self.dim + 1)

    def queries(self, sets: Sets) -> np.ndarray:
        """(n_sets, 2 k) int64, for sets of at most k documents.

        Raises
        ------
        TooLarge
            A partial sum of a score could leave int64.
        """
        who = "IntegerCurve.queries()"
        self._fits(who)
        table = set_table(who, sets, self.n_docs, at_most=self.k)
        c = np.ones((table.shape[0], 1), np.int64)
        for column in np.repeat(np.arange(table.shape[1]), 2):
            t = self.positions[table[:, column]][:, None]
            grown = np.zeros((c.shape[0], c.shape[1] + 1), np.int64)
            grown[:, 1:] += c
            grown[:, :-1] -= t * c
            c = grown
        out = np.zeros((table.shape[0], self.dim), np.int64)
        out[:, : c.shape[1] - 1] = -c[:, 1:]
        return out

    @staticmethod
    def largest_n(k: int, *, bits: int) -> int:
        r"""The most documents for which every partial sum of every score, in any order, is below ``2**bits``.

        With |t| <= T the terms ``|c_j t**j|``, j >= 1, add up to at most ``((2 T)**(2 k)) - T**(2 k)``. ``bits`` 63 is int64, 53
        float64, 24 float32: in these types all scores are then exact. It is a sufficient condition; more may be right.

        Raises
        ------
        RangeError
            Not even n_docs = 3 fits.
        """
        who = "IntegerCurve.largest_n()"
        k, bits = whole(who, "k", k, low=1), whole(who, "bits", bits, low=1)
        limit, far = (2**bits - 1) // (4**k - 1), 0
        for step in (1 << e for e in range(bits, -1, -1)):
            if (far + step) ** (2 * k) <= limit:
                far += step
        if not far:
            raise RangeError.of(who, "bits", f"at least {(4**k - 1).bit_length()} for k={k}", bits=bits)
        return 2 * far + 1

    def _fits(self, who: str) -> None:
        most = self.largest_n(self.k, bits=63)
        if self.n_docs > most:
            raise TooLarge(f"{who}: n_docs must be at most {most:,} for k={self.k}, or sums could leave int64; got n_docs={self.n_docs:,}.")
