"""The trigonometric moment curve: every set of at most dim/2 documents exactly on top, unit vectors, queries in closed form."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from limitlab._core.checks import choice, whole
from limitlab._core.errors import InvalidArgument, RangeError
from limitlab.capacity.frames import HarmonicFrame, trig_frame
from limitlab.capacity.sets import Sets, set_table
from limitlab.search import separate


@dataclass(frozen=True)
class TrigCurve:
    r"""``n_docs`` equally spaced documents ``(w_1 cos t, w_1 sin t, ..., w_m cos m t, w_m sin m t)``, ``m = dim / 2``, unit rows.

    Theorem: every set of at most ``m`` documents is exactly on top of all others for some unit query, whatever ``n_docs`` is.
    The trigonometric polynomial ``prod_{i in S} (1 - cos(t - t_i))`` is zero on S, positive elsewhere and of degree |S| <= m,
    so minus it is, up to a constant, the score of a query. What falls with ``n_docs`` is the gap: like ``n_docs**-dim`` for
    sets of ``m`` documents.

    Attributes
    ----------
    n_docs
        >= dim + 1.
    dim
        Even, >= 2.
    weights
        m whole numbers >= 1: squared weights up to a common factor. None: 4 : 1 for ``dim`` 4, equal otherwise.

    Raises
    ------
    RangeError, InvalidArgument
        A number is outside its range, or there is not one weight a frequency.

    References
    ----------
    [AlonFranklRodl1985], [Wang2026], [Grivas2024]

    Examples
    --------
    >>> curve = TrigCurve(46)
    >>> curve.docs().shape, curve.queries([[3, 5]]).shape
    ((46, 4), (1, 4))
    >>> float(f"{curve.pair_gap(2):.3g}")  # the hardest pairs are those with one document between
    0.000105
    """

    n_docs: int
    dim: int = 4
    weights: tuple[int, ...] | None = None

    def __post_init__(self) -> None:
        dim = whole("TrigCurve()", "dim", self.dim, low=2)
        if dim % 2:
            raise RangeError.of("TrigCurve()", "dim", "even, two values a frequency", dim=dim)
        frame = trig_frame(whole("TrigCurve()", "n_docs", self.n_docs), dim // 2)
        if self.weights is not None:
            frame = HarmonicFrame(frame.n_docs, frame.frequencies, tuple(self.weights))
        object.__setattr__(self, "n_docs", frame.n_docs)
        object.__setattr__(self, "dim", dim)
        object.__setattr__(self, "weights", frame.weights)

    @property
    def k(self) -> int:
        """The most documents of a set for which the theorem holds."""
        return self.dim // 2

    @property
    def frame(self) -> HarmonicFrame:
        """The same documents as a harmonic frame, which certificates speak of."""
        return HarmonicFrame(self.n_docs, tuple(range(1, self.k + 1)), self.weights)

    @property
    def angles(self) -> np.ndarray:
        """(n_docs,) float64, radians."""
        return (2 * np.pi / self.n_docs) * np.arange(self.n_docs)

    def docs(self) -> np.ndarray:
        """(n_docs, dim) float64, unit rows up to rounding."""
        return self.frame.docs()

    def queries(self, sets: Sets, *, rule: str = "max-margin") -> np.ndarray:
        """(n_sets, dim) float64: unit queries that score each set above all other documents.

        Parameters
        ----------
        sets
            (n_sets, k), k <= dim / 2 for "polynomial"; "max-margin" tries any size.
        rule
            "max-margin": the query of greatest gap, in closed form for dim 4 and k <= 2, solved otherwise.
            "polynomial": the query of the theorem, in closed form; scores inside the set are equal.
        """
        who = "TrigCurve.queries()"
        choice(who, "rule", rule, ("max-margin", "polynomial"))
        table = set_table(who, sets, self.n_docs, at_most=self.k if rule == "polynomial" else None)
        if rule == "polynomial":
            return polynomial_queries(self.angles, table, self._lengths())
        if self.dim == 4 and table.shape[1] <= 2:
            return self._closed_form(table)
        return separate(self.docs(), table).queries

    def pair_gap(self, separation: int, *, rule: str = "max-margin") -> float:
        """Gap of the pair {i, i + separation}, exact up to rounding of the formula; for ``dim`` 4.

        With h = 2 pi / n the least over all pairs is that of separation 2, 1.5 h**4 w1 w2 / sqrt(w1**2 + 16 w2**2) for
        small h: 0.3 h**4 = 467.6 n**-4 for squared weights 4 : 1, 401 n**-4 for equal ones, 134 n**-4 with equal weights
        and the polynomial query.

        Raises
        ------
        InvalidArgument
            ``dim`` is not 4.
        """
        who = "TrigCurve.pair_gap()"
        choice(who, "rule", rule, ("max-margin", "polynomial"))
        if self.dim != 4:
            raise InvalidArgument(f"{who}: the closed form is for dim 4; got dim={self.dim}. Use separate(curve.docs(), sets).gaps.")
        s = whole(who, "separation", separation, low=1, high=self.n_docs - 1, high_name="n_docs - 1")
        s = min(s, self.n_docs - s)
        if rule == "max-margin":
            direction, gap = _planar(self.n_docs, s, *self._lengths())
            return gap if direction is not None else float(separate(self.docs(), np.array([[0, s]])).gaps[0])
        coefficients = _coefficients(self.angles, np.array([[0, s]]))
        least = min(_least_polynomial(self.n_docs, s, j) for j in (1, s - 1, s + 1, self.n_docs - 1) if j not in (0, s))
        return least / float(np.linalg.norm(_as_queries(coefficients, self._lengths())))

    def _lengths(self) -> np.ndarray:
        assert self.weights is not None  # set in __post_init__
        return np.sqrt(np.array(self.weights, float) / sum(self.weights))

    def _closed_form(self, table: np.ndarray) -> np.ndarray:
        """Best queries of singles and pairs: planar about the set's middle, by reflection symmetry."""
        n = self.n_docs
        apart = table[:, -1] - table[:, 0]
        s = np.minimum(apart, n - apart)
        # The middle of the shorter arc, in steps of pi / n.
        middle = np.where(apart <= n - apart, table[:, 0] + table[:, -1], table[:, 0] + table[:, -1] + n)
        out = np.empty((table.shape[0], 4))
        for each in np.unique(s).tolist():
            rows = np.flatnonzero(s == each)
            direction, _ = _planar(n, each, *self._lengths())
            if direction is None:
                out[rows] = separate(self.docs(), table[rows]).queries
                continue
            m = middle[rows] * (np.pi / n)
            out[rows] = np.stack([direction[0] * f(r * m) for r in (1, 2) for f in (np.cos, np.sin)], axis=1)
            out[rows, 2:] *= direction[1] / direction[0]
        return out


def polynomial_queries(angles: np.ndarray, sets: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """Unit queries of sets of documents at any distinct angles of the curve, by complex convolution.

    Parameters
    ----------
    angles
        (n_docs,), radians.
    sets
        (n_sets, s), s at most the number of frequencies.
    lengths
        (m,) positive: the weight w_r of frequency r = 1 .. m.

    Returns
    -------
    (n_sets, 2 m) float64, unit rows. The score of the document at ``t`` is (c_0 - prod_{i in S} (1 - cos(t - t_i))) / norm.
    """
    queries = _as_queries(_coefficients(angles, sets), lengths)
    return queries / np.linalg.norm(queries, axis=1, keepdims=True)


def curve_points(angles: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """(n, 2 m) float64: points of the curve at any angles, with weights ``lengths`` (m,) of the frequencies 1 .. m."""
    out = np.empty((angles.size, 2 * lengths.size))
    for r, w in enumerate(lengths, start=1):
        out[:, 2 * r - 2], out[:, 2 * r - 1] = w * np.cos(r * angles), w * np.sin(r * angles)
    return out


def _coefficients(angles: np.ndarray, sets: np.ndarray) -> np.ndarray:
    """(n_sets, 2 s + 1) complex: Q_S = sum_r c_r e^{i r t}, r = -s .. s, for Q_S = prod (1 - cos(t - t_i))."""
    c = np.ones((sets.shape[0], 1), complex)
    for column in range(sets.shape[1]):
        turn = np.exp(1j * angles[sets[:, column]])[:, None]
        grown = np.zeros((c.shape[0], c.shape[1] + 2), complex)
        grown[:, :-2] -= c * turn / 2
        grown[:, 1:-1] += c
        grown[:, 2:] -= c * turn.conj() / 2
        c = grown
    return c


def _as_queries(c: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """Minus the cosine and sine coefficients over the weights; frequencies beyond |S| get zeros."""
    s = c.shape[1] // 2
    out = np.zeros((c.shape[0], 2 * lengths.size))
    for r in range(1, s + 1):
        out[:, 2 * r - 2] = -2 * c[:, s + r].real / lengths[r - 1]
        out[:, 2 * r - 1] = 2 * c[:, s + r].imag / lengths[r - 1]
    return out


def _planar(n: int, s: int, w1: float, w2: float) -> tuple[tuple[float, float] | None, float]:
    """Unit direction in the plane of (w1 x, w2 (2 x**2 - 1)), x the cosine of the offset from the middle, and its gap.

    s = 0 is a single document. The direction is None where the chord's foot lies elsewhere, so that no closed form holds.
    """
    h = 2 * math.pi / n
    if s <= 1:
        # The set is the end of the parabola: the nearest point of the others' hull is the next document.
        a, b = s * h / 2, (s / 2 + 1) * h
        x0, x1 = math.cos(a), math.cos(b)
        lowest = math.cos(math.pi) if (n - s) % 2 == 0 else math.cos(math.pi - h / 2)
        first, second = w1, 2 * w2 * (x0 + x1)
        norm = math.hypot(first, second)
        if w1 * w1 + 4 * w2 * w2 * (x0 + x1) * (lowest + x1) < 0:
            return None, 0.0
        return (first / norm, second / norm), 2 * math.sin((a + b) / 2) * math.sin((b - a) / 2) * norm
    inner, own, outer = (s / 2 - 1) * h, s / 2 * h, (s / 2 + 1) * h
    first, second = 2 * w2 * (math.cos(inner) + math.cos(outer)), -w1
    norm = math.hypot(first, second)
    # Differences of cosines as products of sines: no cancellation at small h.
    near = 2 * math.sin((inner + own) / 2) * math.sin((own - inner) / 2)
    far = 2 * math.sin((own + outer) / 2) * math.sin((outer - own) / 2)
    # The pair's nearest point on the chord of its neighbours must lie between them; it does not for small n and large w2.
    span, ratio = math.cos(inner) + math.cos(outer), (2 * w2 / w1) ** 2
    if 1 + ratio * span * (math.cos(own) + min(math.cos(inner), math.cos(outer), key=lambda x: x * span)) < 0:
        return None, 0.0
    return (first / norm, second / norm), 2 * w1 * w2 * near * far / norm


def _least_polynomial(n: int, s: int, j: int) -> float:
    """prod over {0, s} of 1 - cos of the distance to document j, as squares of sines."""
    return math.prod(2 * math.sin(math.pi * ((j - i) % n) / n) ** 2 for i in (0, s))


def pair_gap_asymptote(weights: Sequence[float]) -> float:
    """The least pair gap of the curve in dimension 4 is this times ``n_docs**-4`` for large ``n_docs``, max-margin queries.

    1.5 (2 pi)**4 w1 w2 / sqrt(w1**2 + 16 w2**2) with w1, w2 the square roots of the weights over their sum.

    Examples
    --------
    >>> round(pair_gap_asymptote([4, 1]), 1), round(pair_gap_asymptote([1, 1]))
    (467.6, 401)
    """
    if len(weights) != 2 or min(weights) <= 0:
        raise InvalidArgument(f"pair_gap_asymptote(): two positive weights are expected; got {list(weights)}.")
    w1, w2 = (math.sqrt(w / sum(weights)) for w in weights)
    return 1.5 * (2 * math.pi) ** 4 * w1 * w2 / math.hypot(w1, 4 * w2)
