r"""Dimensions in which an embedding is known to exist without being constructed: random documents succeed with positive probability.

Constants are explicit; nothing is asymptotic. All k-subsets of n documents are spoken of. For one set S, the hulls of its documents and
of the others are disjoint (so that some query and threshold separate them) unless the documents' matrix V, of shape (d, n), has
a vector of the cone ``C = {w : w >= 0 on S, w <= 0 elsewhere, sum w = 0}`` in its kernel. With V Gaussian that is a question about
the intrinsic volumes of C.
"""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
from scipy.special import log_ndtr

from limitlab._core.checks import real, whole
from limitlab.theory.counting import log_binomial

# Every grid point is a valid bound by itself: a coarser grid would be worse, never wrong.
_TILT = 0.5 / (1.0 + np.exp(-np.linspace(-8.0, 7.0, 160)))[:, None]  # xi or x, in (0, 1/2)
_SHIFT = np.linspace(0.02, 13.0, 240)[None, :]  # a
_STRETCH = np.exp(np.linspace(-8.0, 3.0, 96))[None, :]  # b
_STRETCHED = np.log1p(2.0 * _TILT / (1.0 + _STRETCH))
_SAFE = 1e-6  # what float64 could have added to a sum of logarithms, many times over


def dim_upper_gaussian(n_docs: int, k: int) -> int:
    r"""Least dimension in which Gaussian documents are shown to realise all k-subsets, in real arithmetic, with no stated gap.

    A random kernel of codimension d meets C with probability ``2 (v_{d+1} + v_{d+3} + ...)``, v the conic intrinsic volumes
    [Amelunxen2014]. By Markov's inequality on their generating function, ``sum_j v_j (1 - 2 xi)**(-j/2) = E exp(xi |P_C g|**2)``
    [McCoyTropp2014], and since ``|P_C g|`` is the distance of g to the polar cone, at most that to one point a of it:

        P(S fails) <= 2 (1 - 2 xi)**((d + 1)/2) A**k B**(n - k),
        A = E exp(xi ((g + a)_+)**2),  B = E exp(xi ((g - a)_+)**2),

    for every xi in (0, 1/2) and a > 0. C(n, k) times this must be below 1. Asymptotically it agrees with the neighbourliness of
    random polytopes, 2 e k ln(n/d) [DonohoTanner2009].

    Parameters
    ----------
    n_docs, k
        1 <= k < n_docs <= 1e15.

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
    start = math.log(2.0) + log_binomial(n, k)
    needed = 2.0 * (start + _log_moments(n, k)) / -np.log1p(-2.0 * _TILT[:, 0])
    return max(2, math.floor(float(needed.min()) * (1 + _SAFE) - 1.0) + 1)


def failure_upper_gaussian(n_docs: int, k: int, *, dim: int) -> float:
    """Upper bound on the probability that no query separates one given k-subset of n Gaussian documents (see ``dim_upper_gaussian``).

    Parameters
    ----------
    n_docs, k
        1 <= k < n_docs <= 1e15.
    dim
        >= 1; a threshold for every query, any norms.

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
    log_failure = math.log(2.0) + float((0.5 * (dim + 1) * np.log1p(-2.0 * _TILT[:, 0]) + _log_moments(n, k)).min())
    return min(1.0, math.exp(min(0.0, log_failure)) * (1 + _SAFE))


def gap_lower_gaussian(n_docs: int, k: int, *, dim: int) -> float:
    r"""A gap that some unit documents in ``dim`` dimensions are shown to have on all k-subsets; 0.0 when none is shown.

    Gordon's comparison [Gordon1988], [Thrampoulidis2015]: ``P(min |V w| < c) <= 2 P(|g_d| <= |P_C h| + c)`` over unit w in C, for
    Gaussian g in d and h in n dimensions, and ``|g| <= |P_C h| + c`` gives ``|g|**2 <= (1 + b) |P_C h|**2 + (1 + 1/b) c**2``, so that with
    x = xi (1 + b) in (0, 1/2):

        P(S fails) <= 2 (1 + 2 xi)**(-d/2) exp(x c**2 / b) A**k B**(n - k),  A and B at x.

    A point of both hulls' difference has ``|w| >= sqrt(1/k + 1/(n - k))``. With t = sqrt(2 ln 4n) all documents are shorter than
    ``R = sqrt(d) + t`` and longer than ``sqrt(d) - t``, each with probability 3/4 and more; one more coordinate brings them to
    length R. So d = dim - 1. ``C(n, k) P(S fails) <= 1/4`` is asked for, and the last quarter goes to ``coordinate_upper_gaussian``.

    Parameters
    ----------
    n_docs, k
        1 <= k < n_docs <= 1e15.
    dim
        >= 2.

    Raises
    ------
    RangeError
        A number is outside its range.
    """
    who = "gap_lower_gaussian()"
    n, k = _checked(who, n_docs, k)
    d = whole(who, "dim", dim, low=2, high=2**40) - 1
    x, log_moments = _TILT, _log_moments(n, k)[:, None]
    start = math.log(8.0) + log_binomial(n, k)  # solved for c**2
    left = 0.5 * d * _STRETCHED - start - log_moments
    left -= _SAFE * (start + np.abs(log_moments) + d)
    squared = float((left * _STRETCH / x).max())
    if squared <= 0.0:
        return 0.0
    longest = math.sqrt(d) + math.sqrt(2.0 * math.log(4.0 * n))
    return (1.0 - _SAFE) * math.sqrt(squared * (1.0 / k + 1.0 / (n - k))) / longest


def coordinate_upper_gaussian(n_docs: int, *, dim: int) -> float:
    r"""No coordinate of the documents of ``gap_lower_gaussian`` need be greater: what int8 loses depends on it.

    The coordinate that brings a document to length R is at most ``sqrt(R**2 - (sqrt(d) - t)**2)``; turned to the direction (1, ..., 1)
    it adds that over sqrt(dim) to every coordinate. The others stay normal with variance at most 1, so with probability 3/4 none
    of the n dim numbers exceeds sqrt(2 ln(4 n dim)).

    Parameters
    ----------
    n_docs
        In [2, 1e15].
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
    n = whole(who, "n_docs", n_docs, low=2, high=10**15)
    dim = whole(who, "dim", dim, low=2, high=2**40)
    root, spread = math.sqrt(dim - 1), math.sqrt(2.0 * math.log(4.0 * n))
    longest, shortest = root + spread, max(0.0, root - spread)
    lifted = math.sqrt((longest**2 - shortest**2) / dim)
    return min(1.0, (lifted + math.sqrt(2.0 * math.log(4.0 * n * dim))) / longest * (1 + _SAFE))


def dim_upper_gaussian_gap(n_docs: int, k: int, *, gap: float, max_dim: int = 2**24) -> int | None:
    """Least dimension at which ``gap_lower_gaussian`` reaches ``gap``; None when it is above ``max_dim``.

    Parameters
    ----------
    gap
        Least relevant minus greatest irrelevant score of unit vectors, in (0, 2].

    Raises
    ------
    RangeError
        A number is outside its range.
    """
    gap = real("dim_upper_gaussian_gap()", "gap", gap, low=0.0, high=2.0)
    high = 4
    while gap_lower_gaussian(n_docs, k, dim=high) <= gap:
        if high >= max_dim:
            return None
        high *= 2
    low = high // 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if gap_lower_gaussian(n_docs, k, dim=middle) > gap else (middle, high)
    return high


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


@lru_cache(maxsize=64)
def _log_moments(n: int, k: int) -> np.ndarray:
    """(tilt,): the logarithm of A**k B**(n - k) at the best shift."""
    rest = 1.0 - 2.0 * _TILT
    power = _TILT * _SHIFT**2 / rest - 0.5 * np.log(rest)
    root = np.sqrt(rest)
    inside = np.logaddexp(log_ndtr(-_SHIFT), power + log_ndtr(_SHIFT / root))
    tail = power + log_ndtr(-_SHIFT / root)
    with np.errstate(over="ignore"):
        # B - 1, the small number itself: 1 - Q(a) + exp(tail) - 1. The factor covers what float64 loses in the difference.
        excess = np.exp(tail) * (1 + 1e-12) - np.exp(log_ndtr(-_SHIFT)) * (1 - 1e-12)
        return (k * inside + (n - k) * np.log1p(excess)).min(axis=1)


def _checked(who: str, n_docs: int, k: int) -> tuple[int, int]:
    n = whole(who, "n_docs", n_docs, low=2, high=10**15)
    return n, whole(who, "k", k, low=1, high=n - 1, high_name="n_docs - 1")
