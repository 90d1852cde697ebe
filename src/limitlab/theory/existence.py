r"""Dimensions in which an embedding is known to exist without being constructed: random documents succeed with positive probability.

Constants are explicit; nothing is asymptotic. All k-subsets of n documents are spoken of. One inequality carries it: let the documents be
the columns of a Gaussian matrix V of shape (d, n), S one set of k of them, and D the distance between the hull of S and the hull
of the others, which is the greatest gap that a unit query attains (D = 0: none separates S). For every e >= 0, xi in (0, 1/2), a > 0

    P(D <= e) <= 2 (1 - 2 xi)**((d + 1)/2) A**k B**(n - k),
    A = E exp(xi ((g + a + e)_+)**2),  B = E exp(xi ((g - a)_+)**2),  g standard normal.

Proof. First P(D < e) for e > 0; the right side is continuous in e, which gives the rest. Let
``C = {w : w >= 0 on S, w <= 0 elsewhere, sum w = 0}`` and l(w) the sum of w over S, so that D is the least ``|V w|`` over w in C
with l(w) = 1. For a Gaussian G of shape (d, m) independent of V let ``C' = {(w, x) : w in C, |x| <= t l(w)}``, a closed convex cone. If
``|V w| < e l(w)`` and the least singular value of G is at least e / t, then ``x = -G^+ V w`` puts (w, x) into C' and the kernel of
[V, G]. That kernel is a uniformly random subspace of codimension d: it meets C' with probability
``2 (v_{d+1} + v_{d+3} + ...)``, v the conic intrinsic volumes [Amelunxen2014, Fact 2.12]. By Markov's inequality on
``sum_j v_j (1 - 2 xi)**(-j/2) = E exp(xi |P(g, h)|**2)``, P the projection onto C' [McCoyTropp2014], this is at most
``2 (1 - 2 xi)**((d + 1)/2) E exp(xi dist**2)``, dist the distance of (g, h) to any point of the polar cone, which is all (z, y) with
``z + t |y| on S <= -a`` and ``z >= -a`` elsewhere for some a. With y = h that leaves the two factors, with t |h| in the place of e. Let m
grow with t = e / sqrt(m): the least singular value over sqrt(m) and |h| over sqrt(m) both tend to 1.

With e = 0 the exponent agrees with the neighbourliness of random polytopes, 2 e k ln(n/d) [DonohoTanner2009].
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from scipy.special import chdtri, log_ndtr, ndtri

from limitlab._core.checks import real, whole
from limitlab.theory.counting import log_binomial

# Every grid point is a valid bound by itself: a coarser grid would be worse, never wrong.
_TILT = 0.5 / (1.0 + np.exp(-np.linspace(-8.0, 7.0, 120)))[:, None]  # xi, in (0, 1/2)
_SHIFT = np.linspace(0.02, 13.0, 160)[None, :]  # a
_REST = 1.0 - 2.0 * _TILT
_SAFE = 1e-6  # what float64 could have added to a sum of logarithms, many times over


def dim_upper_gaussian(n_docs: int, k: int) -> int:
    """Least dimension in which Gaussian documents are shown to realise all k-subsets, in real arithmetic, with no stated gap.

    The inequality above with e = 0, times C(n, k), is below 1.

    Parameters
    ----------
    n_docs, k
        1 <= k < n_docs <= 1e18.

    Returns
    -------
    d for inner products with one threshold a query (any norms). Unit vectors: d + 1 (append a constant, rescale).

    Raises
    ------
    RangeError
        A number is outside its range.

    Examples
    --------
    >>> dim_upper_gaussian(1_000, 2)
    42
    """
    n, k = _checked("dim_upper_gaussian()", n_docs, k)
    start = math.log(2.0) + log_binomial(n, k) + _log_moments(n, k, 0.0).min(axis=1)
    needed = 2.0 * start / -np.log(_REST[:, 0])
    return max(2, math.floor(float(needed.min()) * (1 + _SAFE) - 1.0) + 1)


def failure_upper_gaussian(n_docs: int, k: int, *, dim: int, distance: float = 0.0) -> float:
    """Upper bound on the probability that one given k-subset of n Gaussian documents has a gap below ``distance``, unit query.

    Parameters
    ----------
    n_docs, k
        1 <= k < n_docs <= 1e18.
    dim
        >= 1; a threshold for every query. Documents have independent standard normal coordinates: length about sqrt(dim).
    distance
        >= 0. At 0: that no query separates the set.

    Returns
    -------
    In [0, 1].

    Raises
    ------
    RangeError
        A number is outside its range.
    """
    who = "failure_upper_gaussian()"
    n, k = _checked(who, n_docs, k)
    dim = whole(who, "dim", dim, low=1, high=2**40)
    return math.exp(min(0.0, _log_failure(n, k, dim, real(who, "distance", distance, low=0.0))))


def gap_exists_gaussian(n_docs: int, k: int, *, dim: int, gap: float) -> bool:
    """Whether some unit documents in ``dim`` dimensions are shown to have more than ``gap`` on all k-subsets.

    N = n / 0.9 Gaussian documents in d = dim - 1 dimensions are drawn and those are thrown away that are longer than R, shorter than r, or
    have a coordinate above c, three events that are rare enough for n documents to be left with probability 3/4 (Markov). If
    ``C(N, k) P(D < gap R) <= 1/2`` for N documents, both happen together with positive probability, and fewer documents have no smaller
    gap. One more coordinate brings every document to length R.

    Parameters
    ----------
    n_docs, k
        1 <= k < n_docs <= 1e18.
    dim
        >= 2.
    gap
        Least relevant minus greatest irrelevant score, in [0, 2].

    Returns
    -------
    False says nothing: other documents may have it.

    Raises
    ------
    RangeError
        A number is outside its range.
    """
    who = "gap_exists_gaussian()"
    n, k = _checked(who, n_docs, k)
    d = whole(who, "dim", dim, low=2, high=2**40) - 1
    kept = _kept(n, d)
    distance = real(who, "gap", gap, low=0.0, high=2.0) * kept.longest
    return _log_failure(kept.drawn, k, d, distance) + log_binomial(kept.drawn, k) * (1 + _SAFE) < -math.log(2.0)


def dim_upper_gaussian_gap(n_docs: int, k: int, *, gap: float, max_dim: int = 2**24) -> int | None:
    """Least dimension at which ``gap_exists_gaussian`` shows more than ``gap``; None when it is above ``max_dim``.

    Parameters
    ----------
    n_docs, k
        1 <= k < n_docs <= 1e18.
    gap
        In [0, 2], unit documents and queries.

    Raises
    ------
    RangeError
        A number is outside its range.

    Examples
    --------
    >>> dim_upper_gaussian_gap(1_000, 2, gap=0.05)
    53
    """
    return least_dim(lambda dim: gap_exists_gaussian(n_docs, k, dim=dim, gap=gap), max_dim)


def least_dim(enough: Callable[[int], bool], max_dim: int) -> int | None:
    """A dimension in [2, max_dim] that is enough while one less is not; None when no power of two and not ``max_dim`` is.

    The least one for a condition that more dimensions keep.
    """
    high, low = 2, 1
    while high > max_dim or not enough(high):
        if high >= max_dim:
            return None
        low, high = high, min(2 * high, max_dim)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high


def gap_lower_gaussian(n_docs: int, k: int, *, dim: int) -> float:
    """The greatest gap that ``gap_exists_gaussian`` shows, to one part in a thousand; 0.0 when none is shown.

    Parameters
    ----------
    n_docs, k
        1 <= k < n_docs <= 1e18.
    dim
        >= 2.

    Raises
    ------
    RangeError
        A number is outside its range.
    """
    if not gap_exists_gaussian(n_docs, k, dim=dim, gap=1e-12):
        return 0.0
    low, high = 1e-12, 2.0
    while high / low > 1.001:
        middle = math.sqrt(low * high)
        low, high = (middle, high) if gap_exists_gaussian(n_docs, k, dim=dim, gap=middle) else (low, middle)
    return low


def coordinate_upper_gaussian(n_docs: int, *, dim: int) -> float:
    r"""No coordinate of the documents of ``gap_exists_gaussian`` need be greater: what int8 loses depends on it.

    The coordinate that brings a document to length R is at most ``sqrt(R**2 - r**2)``. Turned to the direction (1, ..., 1) it adds that over
    sqrt(dim) to every coordinate, and the others stay normal with variance at most 1.

    Parameters
    ----------
    n_docs
        In [2, 1e18].
    dim
        >= 2.

    Returns
    -------
    In (0, 1], for unit documents.

    Raises
    ------
    RangeError
        A number is outside its range.
    """
    who = "coordinate_upper_gaussian()"
    n = whole(who, "n_docs", n_docs, low=2, high=10**18)
    dim = whole(who, "dim", dim, low=2, high=2**40)
    kept = _kept(n, dim - 1)
    lifted = math.sqrt((kept.longest**2 - kept.shortest**2) / dim)
    return min(1.0, (lifted + kept.coordinate) / kept.longest * (1 + _SAFE))


def dim_upper_signs(n_docs: int, k: int, *, gap: float = 0.0) -> int | None:
    r"""Least dimension in which random sign vectors, one bit a value, are shown to hold all k-subsets by the sum query.

    If all inner products of unit documents are at most mu in absolute value, the sum of k documents is a query with the gap
    ``(1 - (2k - 1) mu) / sqrt(k (1 + (k - 1) mu))``. Two random sign vectors exceed mu with probability at most
    ``2 exp(-d D)``, D the relative entropy of a coin (1 + mu)/2 to a fair one (Chernoff); ``n (n - 1) exp(-d D) < 1`` is enough.

    Parameters
    ----------
    gap
        In [0, 2]. At 0: any positive gap.

    Returns
    -------
    None when the sum query cannot have this gap at any dimension (above 1/sqrt(k)).

    Raises
    ------
    RangeError
        A number is outside its range.

    References
    ----------
    [Wang2026]
    """
    who = "dim_upper_signs()"
    n, k = _checked(who, n_docs, k)
    gap = real(who, "gap", gap, low=0.0, high=2.0)
    low, high = 0.0, 1.0 / (2 * k - 1)
    if gap >= 1.0 / math.sqrt(k):
        return None
    for _ in range(60):  # the gap falls in mu: keep the side that still has it
        mu = (low + high) / 2
        low, high = (mu, high) if (1 - (2 * k - 1) * mu) / math.sqrt(k * (1 + (k - 1) * mu)) > gap else (low, mu)
    if low == 0.0:
        return None
    entropy = 0.5 * ((1 + low) * math.log1p(low) + (1 - low) * (math.log1p(-low) if low < 1 else 0.0))
    return math.floor((math.log(n) + math.log(n - 1)) / entropy * (1 + _SAFE)) + 1


class _Kept(NamedTuple):
    """Documents drawn, and what those that are kept satisfy: length in [shortest, longest], turned coordinates at most ``coordinate``."""

    drawn: int
    longest: float
    shortest: float
    coordinate: float


@lru_cache(maxsize=4096)
def _kept(n: int, d: int) -> _Kept:
    drawn = -(-10 * n // 9)
    # More than drawn - n documents are thrown away with probability at most 1/4 when each is with probability ``rare``.
    rare = (drawn - n + 1) / (4 * drawn) * (1 - _SAFE)
    longest, shortest = math.sqrt(chdtri(d, rare / 3)), math.sqrt(chdtri(d, 1 - rare / 3))
    coordinate = -float(ndtri(rare / (6 * (d + 1))))
    return _Kept(drawn, longest * (1 + _SAFE), shortest * (1 - _SAFE), coordinate * (1 + _SAFE))


def _log_failure(n: int, k: int, d: int, distance: float) -> float:
    """The logarithm of the inequality's right side at the best point of the grid, rounded up."""
    terms = math.log(2.0) + 0.5 * (d + 1) * np.log(_REST) + _log_moments(n, k, distance)
    at = np.unravel_index(int(terms.argmin()), terms.shape)
    size = abs(0.5 * (d + 1) * math.log(_REST[at[0], 0])) + abs(_log_moments(n, k, distance)[at])
    return float(terms[at]) + _SAFE * float(size)


@lru_cache(maxsize=32)
def _log_moments(n: int, k: int, distance: float) -> np.ndarray:
    """(tilt, shift): the logarithm of A**k B**(n - k)."""
    a = _SHIFT + distance
    with np.errstate(over="ignore"):
        inside = np.logaddexp(log_ndtr(-a), _tilted(a) + log_ndtr(a / np.sqrt(_REST)))
        return k * inside + _log_outside(n - k)


@lru_cache(maxsize=32)
def _log_outside(count: int) -> np.ndarray:
    """(tilt, shift): the logarithm of B**count."""
    tail = _tilted(_SHIFT) + log_ndtr(-_SHIFT / np.sqrt(_REST))
    with np.errstate(over="ignore"):
        # B - 1, the small number itself: exp(tail) - Q(a). The factors cover what float64 loses in the difference.
        excess = np.exp(tail) * (1 + 1e-12) - np.exp(log_ndtr(-_SHIFT)) * (1 - 1e-12)
        return count * np.log1p(excess)


def _tilted(a: np.ndarray) -> np.ndarray:
    """The logarithm of E exp(xi (g + a)**2)."""
    return _TILT * a**2 / _REST - 0.5 * np.log(_REST)


def _checked(who: str, n_docs: int, k: int) -> tuple[int, int]:
    n = whole(who, "n_docs", n_docs, low=2, high=10**18)
    return n, whole(who, "k", k, low=1, high=n - 1, high_name="n_docs - 1")
