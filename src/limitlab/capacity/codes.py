"""Codes: documents of signs, one bit a dimension, whose inner products are so small that the sum of any k of them finds these k."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from limitlab._core.checks import whole
from limitlab._core.errors import RangeError, ShapeError
from limitlab.capacity.verification import codes as check
from limitlab.capacity.verification.fields import LARGEST, BinaryField, binary_field, smallest_primitive

_BLOCK = 1 << 20


@dataclass(frozen=True)
class DualBCHCode:
    r"""The dual BCH code: ``n_docs = d**t`` documents of ``d = 2**m`` signs, ``(-1)**Tr(a_1 x + a_3 x**3 + ... + a_{2t-1} x**(2t-1))``.

    Coordinate ``x`` runs over the elements of the field of ``d`` elements, as the whole numbers 0 .. d - 1. Document number ``i``
    has the coefficients ``a_1 = i mod d``, ``a_3 = (i // d) mod d``, ``a_5 = (i // d**2) mod d``, ...: the documents of a smaller
    ``t`` come first. Documents are not scaled; as unit vectors they are divided by ``d**0.5``.

    Attributes
    ----------
    m
        2 <= m <= 14.
    t
        1 <= t <= 2**(m - 1). The sum query needs (2 t - 2) / d**0.5 well below 1: see ``gap``.
    polynomial
        A primitive polynomial of degree m as a whole number (x**3 + x + 1 is 0b1011); None: the smallest.

    Raises
    ------
    RangeError
        A number is outside its range, or the polynomial is not primitive of degree m.

    References
    ----------
    [MacWilliamsSloane1977], [CarlitzUchiyama1957]

    Examples
    --------
    >>> code = DualBCHCode(7, 3)
    >>> code.n_docs, code.dim, code.coherence()
    (2097152, 128, 0.25)
    >>> sets = [[5, 1_000_000]]
    >>> scores = code.docs([5, 1_000_000, 77]).astype(int) @ code.queries(sets)[0]
    >>> bool(scores[:2].min() - scores[2] >= 32)
    True
    """

    m: int
    t: int
    polynomial: int | None = None

    def __post_init__(self) -> None:
        who = "DualBCHCode()"
        m = whole(who, "m", self.m, low=2, high=LARGEST)
        whole(who, "t", self.t, low=1, high=2 ** (m - 1), high_name="2**(m - 1)")
        object.__setattr__(self, "polynomial", _primitive(who, m, self.polynomial))

    @property
    def dim(self) -> int:
        """2**m."""
        return 1 << self.m

    @property
    def n_docs(self) -> int:
        """2**(m t), as a Python whole number of any size."""
        return 1 << (self.m * self.t)

    def docs(self, ids: Sequence[int] | np.ndarray) -> np.ndarray:
        """The documents with these numbers: shape (len(ids), dim), int8, +1 or -1. Memory for these alone.

        Raises
        ------
        RangeError, ShapeError
            A number is outside [0, n_docs), or ``ids`` is not a list of whole numbers.
        """
        chosen = _numbers("DualBCHCode.docs()", ids, self.n_docs)
        field = _field(self.m, self.polynomial)
        signs = (1 - 2 * field.trace).astype(np.int8)
        out = np.empty((len(chosen), self.dim), np.int8)
        step = max(1, _BLOCK // self.dim)
        for start in range(0, len(chosen), step):
            part = chosen[start : start + step]
            rows = np.ones((len(part), self.dim), np.int8)
            for j in range(self.t):
                a = np.array([(i >> (self.m * j)) & (self.dim - 1) for i in part], np.int64)
                used = np.flatnonzero(a)
                rows[used] *= signs[field.times(field.to_the(2 * j + 1)[None, :], a[used, None])]
            out[start : start + len(part)] = rows
        return out

    def queries(self, sets: Sequence[Sequence[int]] | np.ndarray) -> np.ndarray:
        """The query of each set: the sum of its documents, whole numbers. Shape (n_sets, dim), int8 where k <= 127, else int32.

        Raises
        ------
        RangeError, ShapeError
            A number is outside [0, n_docs), or ``sets`` is not a table of whole numbers.
        """
        return _sums("DualBCHCode.queries()", self, sets)

    def extremes(self) -> check.Extremes:
        """Least and greatest inner product of two different documents (squared length ``dim``), over all pairs, exact.

        Computed by transforms of one representative of every class, see ``verification/codes.py``: seconds for t <= 4.

        Raises
        ------
        RangeError
            More than 2**37 additions would be needed; ``bound`` needs none.
        """
        if check.dual_bch_cosets(self.m, self.t) * self.dim * self.m > check.MOST_STEPS:
            raise RangeError(f"DualBCHCode.extremes(): t must be smaller to be exact; got m={self.m}, t={self.t}; use bound().")
        return _bch_extremes(self.m, self.t, self.polynomial or 0)

    def bound(self) -> check.Extremes:
        """What the theorem of Carlitz and Uchiyama says of the inner products: at most (2 t - 2) dim**0.5 in absolute value."""
        return check.carlitz_uchiyama(self.m, self.t)

    def coherence(self) -> float:
        """Greatest absolute inner product of two different documents as unit vectors, exact; see ``extremes``."""
        found = self.extremes()
        return max(-found.least, found.most) / self.dim

    def gap(self, k: int = 2, *, extremes: check.Extremes | None = None) -> float:
        """What the sum query of every k-subset attains at least (unit vectors), by ``extremes`` (None: the exact ones); 0: nothing is proved."""
        return _gap(self.dim, k, extremes or self.extremes())


@dataclass(frozen=True)
class KerdockSet:
    r"""The Kerdock set with the standard basis: ``d**2 / 2 + d`` documents in ``d = 2**m`` dimensions with coherence ``d**-0.5``, m even.

    The first ``d**2 / 2`` are rows of signs ``(-1)**(f_u(x) + <b, x>)``, document number ``b + d u``, with ``<b, x>`` the number of
    common one-bits and ``f_u`` the quadratic forms of ``verification/codes.py``, u in the field of ``d / 2`` elements. Then come
    ``d**0.5`` times the unit vectors: all documents have the squared length d and whole-number entries.

    Attributes
    ----------
    m
        4, 6, 8, 10 or 12.
    polynomial
        A primitive polynomial of degree m - 1 as a whole number; None: the smallest.

    Raises
    ------
    RangeError
        m is another number, or the polynomial is not primitive of degree m - 1.

    References
    ----------
    [Kerdock1972], [MacWilliamsSloane1977]

    Examples
    --------
    >>> code = KerdockSet(10)
    >>> code.n_docs, code.coherence(), round(code.gap(10), 3)
    (525312, 0.03125, 0.119)
    """

    m: int
    polynomial: int | None = None

    def __post_init__(self) -> None:
        who = "KerdockSet()"
        m = whole(who, "m", self.m, low=4, high=12)
        if m % 2:
            raise RangeError(f"{who}: m must be even; got m={m}.")
        object.__setattr__(self, "polynomial", _primitive(who, m - 1, self.polynomial))

    @property
    def dim(self) -> int:
        """2**m."""
        return 1 << self.m

    @property
    def n_signs(self) -> int:
        """Documents that are rows of signs: dim**2 / 2; they are numbered first."""
        return self.dim**2 // 2

    @property
    def n_docs(self) -> int:
        """dim**2 / 2 + dim."""
        return self.n_signs + self.dim

    def docs(self, ids: Sequence[int] | np.ndarray) -> np.ndarray:
        """The documents with these numbers: shape (len(ids), dim), int8. Memory for these alone.

        Raises
        ------
        RangeError, ShapeError
            A number is outside [0, n_docs), or ``ids`` is not a list of whole numbers.
        """
        chosen = _numbers("KerdockSet.docs()", ids, self.n_docs)
        field = _field(self.m - 1, self.polynomial)
        out = np.zeros((len(chosen), self.dim), np.int8)
        place = np.arange(self.dim)
        forms: dict[int, np.ndarray] = {}
        for row, i in enumerate(chosen):
            if i >= self.n_signs:
                out[row, i - self.n_signs] = math.isqrt(self.dim)
                continue
            u, b = divmod(i, self.dim)
            if u not in forms:
                if len(forms) * self.dim >= _BLOCK:
                    forms.clear()
                forms[u] = check.kerdock_form(field, u)
            out[row] = 1 - 2 * (forms[u] ^ _parity(place & b))
        return out

    def queries(self, sets: Sequence[Sequence[int]] | np.ndarray) -> np.ndarray:
        """The query of each set: the sum of its documents, whole numbers. Shape (n_sets, dim), int8 where they fit, else int32.

        Raises
        ------
        RangeError, ShapeError
            A number is outside [0, n_docs), or ``sets`` is not a table of whole numbers.
        """
        return _sums("KerdockSet.queries()", self, sets)

    def extremes(self) -> check.Extremes:
        """Least and greatest inner product of two different documents (squared length ``dim``), over all pairs, exact."""
        return _kerdock_extremes(self.m, self.polynomial or 0)

    def coherence(self) -> float:
        """Greatest absolute inner product of two different documents as unit vectors, exact: dim**-0.5."""
        found = self.extremes()
        return max(-found.least, found.most) / self.dim

    def gap(self, k: int = 2) -> float:
        """What the sum query of every k-subset attains at least (unit vectors); 0: nothing is proved."""
        return _gap(self.dim, k, self.extremes())


def _primitive(who: str, degree: int, polynomial: int | None) -> int:
    if polynomial is None:
        return smallest_primitive(degree)
    whole(who, "polynomial", polynomial, low=2**degree, high=2 ** (degree + 1) - 1)
    try:
        return binary_field(degree, int(polynomial)).polynomial
    except ValueError as error:
        raise RangeError(f"{who}: polynomial must be primitive of degree {degree}; got polynomial={polynomial}.") from error


def _field(degree: int, polynomial: int | None) -> BinaryField:
    return binary_field(degree, polynomial or smallest_primitive(degree))


@lru_cache(maxsize=64)
def _bch_extremes(m: int, t: int, polynomial: int) -> check.Extremes:
    return check.dual_bch_extremes(binary_field(m, polynomial), t)


@lru_cache(maxsize=16)
def _kerdock_extremes(m: int, polynomial: int) -> check.Extremes:
    return check.kerdock_extremes(binary_field(m - 1, polynomial))


def _gap(dim: int, k: int, extremes: check.Extremes) -> float:
    return check.sum_query_gap(dim, whole("gap()", "k", k, low=1), extremes)


def _parity(values: np.ndarray) -> np.ndarray:
    for shift in (8, 4, 2, 1):
        values = values ^ (values >> shift)
    return (values & 1).astype(np.int8)


def _numbers(who: str, ids: Sequence[int] | np.ndarray, n_docs: int) -> list[int]:
    """Document numbers as Python whole numbers: they may be larger than any NumPy type."""
    table = ids.tolist() if isinstance(ids, np.ndarray) else list(ids)
    for i in table:
        if isinstance(i, bool) or not isinstance(i, (int, np.integer)):
            raise ShapeError(f"{who}: document numbers must be a flat list of whole numbers; got {type(i).__name__}.")
        if not 0 <= i < n_docs:
            raise RangeError(f"{who}: document numbers must be in [0, n_docs); got {i}, n_docs={n_docs}.")
    return [int(i) for i in table]


def _sums(who: str, code: DualBCHCode | KerdockSet, sets: Sequence[Sequence[int]] | np.ndarray) -> np.ndarray:
    rows = sets.tolist() if isinstance(sets, np.ndarray) else list(sets)
    if not rows or not all(isinstance(s, (list, tuple, np.ndarray)) and len(s) for s in rows):
        raise ShapeError(f"{who}: sets must be a table with k different document numbers a row; got something else.")
    table = [_numbers(who, s, code.n_docs) for s in rows]
    if any(len(set(s)) != len(table[0]) for s in table):
        raise ShapeError(
            f"{who}: sets must be a table with k different document numbers a row; got a repeated number, or rows of different lengths."
        )
    k, out = len(table[0]), np.empty((len(table), code.dim), np.int32)
    step = max(1, _BLOCK // (code.dim * k))
    for start in range(0, len(table), step):
        part = table[start : start + step]
        docs = code.docs([i for s in part for i in s]).reshape(len(part), k, code.dim)
        out[start : start + len(part)] = docs.sum(axis=1, dtype=np.int32)
    return out.astype(np.int8) if np.abs(out).max() <= 127 else out
