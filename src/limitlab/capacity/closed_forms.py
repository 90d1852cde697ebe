"""Certificates by theorem: constructions with a gap in closed form, for any number of documents."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from fractions import Fraction

from limitlab._core.checks import choice, whole
from limitlab._core.errors import RangeError
from limitlab.capacity.certificate import Certificate, rounded_down
from limitlab.capacity.verification import rounding, theorems

_MOST_DOCS = 2**64
_TYPES = tuple(t for t in rounding.NAMES if t not in ("binary", "int64"))


def simplex_certificate(n_docs: int, k: int = 2, *, dtype: str = "float32", query_dtype: str = "float32") -> Certificate:
    """The regular simplex: n documents in n - 1 dimensions with the greatest gap any vectors have, n / sqrt(k (n - 1)(n - k)).

    Parameters
    ----------
    n_docs
        >= 2.
    k
        1 <= k < n_docs.

    Raises
    ------
    RangeError
        A number is out of range, or rounding to these types may take the whole gap.
    UnknownName
        A type is not known, or no bound is known for it.

    References
    ----------
    [Wang2026]
    """
    who = "simplex_certificate()"
    n = whole(who, "n_docs", n_docs, low=2)
    k = whole(who, "k", k, low=1, high=n - 1, high_name="n_docs - 1")
    gap = _left(who, theorems.simplex_gap_squared(n, k), dtype, query_dtype, n - 1, 1.0)
    return Certificate(n, k, n - 1, gap, {"kind": "simplex"}, {"kind": "theorem", "theorem": "regular-simplex"}, dtype, query_dtype)


def trig_certificate(
    n_docs: int, k: int = 2, *, weights: Sequence[int] | None = None, dtype: str = "exact", query_dtype: str = "exact"
) -> Certificate:
    """The trigonometric moment curve in 2 k dimensions: every k-subset of any n documents, with a gap that falls like n**(-2 k).

    Parameters
    ----------
    n_docs
        2 k + 1 <= n_docs <= 2**64.
    k
        1 <= k <= 256.
    weights
        Squared weights up to a common factor, whole numbers >= 1, one for each of 1 .. k; None: those with the greatest proved gap,
        in proportion to C(2 k, k + r) (4 : 1 for k = 2).
    dtype, query_dtype
        "exact" for real numbers: then a gap too small for a float is claimed as 0, which means any positive gap.

    Raises
    ------
    RangeError
        A number is out of range, or rounding to these types may take the whole gap.
    UnknownName
        A type is not known, or no bound is known for it.

    References
    ----------
    [AlonFranklRodl1985], [Wang2026]
    """
    who = "trig_certificate()"
    k = whole(who, "k", k, low=1, high=256)
    n = whole(who, "n_docs", n_docs, low=2 * k + 1, high=_MOST_DOCS)
    chosen = best_weights(k) if weights is None else [whole(who, "weights", p, low=1, high=2**40) for p in weights]
    if len(chosen) != k:
        raise RangeError(f"{who}: weights must hold k={k} whole numbers; got {len(chosen)}.")
    largest = math.sqrt(max(chosen) / sum(chosen))
    gap = _left(who, theorems.trig_gap_squared(n, k, chosen), dtype, query_dtype, 2 * k, largest)
    proof = {"kind": "theorem", "theorem": "trigonometric-moment-curve"}
    return Certificate(n, k, 2 * k, gap, {"kind": "trig-curve", "weights": chosen}, proof, dtype, query_dtype)


def moment_curve_certificate(n_docs: int, k: int = 2, *, dtype: str = "int64") -> Certificate:
    """The integer moment curve: every k-subset in 2 k dimensions without any rounding, of up to 56,005 documents for k = 2 in int64.

    Parameters
    ----------
    n_docs
        > k; so few that no partial sum of a score is out of range: for k = 2 at most 56,005 in int64, 9,901 in float64, 65 in float32.
    k
        1 <= k <= 31.
    dtype
        Of documents and queries: "int64", "float64" or "float32".

    Raises
    ------
    RangeError
        n_docs is out of range for the type.
    UnknownName
        The type is another one.
    """
    who = "moment_curve_certificate()"
    choice(who, "dtype", dtype, ("int64", "float64", "float32"))
    k = whole(who, "k", k, low=1, high=31)
    n = whole(who, "n_docs", n_docs, low=k + 1)
    if not rounding.holds_whole_numbers(dtype, theorems.moment_curve_sums(n, k)):
        raise RangeError(f"{who}: n_docs must be small enough that every sum of a score is exact in {dtype}; got n_docs={n}, k={k}.")
    gap = rounded_down(theorems.root_below(theorems.moment_curve_gap_squared(n, k)))
    proof = {"kind": "theorem", "theorem": "integer-moment-curve"}
    return Certificate(n, k, 2 * k, gap, {"kind": "integer-moment-curve"}, proof, dtype, dtype)


def best_weights(k: int) -> list[int]:
    """Squared weights of the trigonometric curve in proportion to C(2 k, k + r), as whole numbers below 2**40.

    The proved length of a query is sqrt(sum of C(2 k, k + r)**2 / p_r) for shares p_r; by Cauchy's inequality it is least for these.
    """
    ideal = [math.comb(2 * k, k + r) for r in range(1, k + 1)]
    shift = max(0, ideal[0].bit_length() - 40)
    return [max(1, p >> shift) for p in ideal]


def closed_form_certificates(
    dim: int, k: int = 2, *, min_gap: float, dtype: str = "float32", query_dtype: str = "float32"
) -> list[Certificate]:
    """For each construction, the claim with the most documents in at most ``dim`` dimensions with at least this gap; unsorted.

    A construction that cannot have the gap is left out. With ``min_gap`` 0 in real numbers the trigonometric curve has no greatest
    number of documents; 2**64 stands for any.
    """
    makers: list[tuple[int, int, Callable[[int], Certificate]]] = []
    if not {dtype, query_dtype} & {"binary", "int64"}:
        if k <= dim:
            makers.append((k + 1, dim + 1, lambda n: simplex_certificate(n, k, dtype=dtype, query_dtype=query_dtype)))
        if 2 * k <= dim and k <= 256:
            makers.append((2 * k + 1, _MOST_DOCS, lambda n: trig_certificate(n, k, dtype=dtype, query_dtype=query_dtype)))
    if dtype == query_dtype and dtype in ("int64", "float64", "float32") and 2 * k <= dim and k <= 31:
        makers.append((k + 1, 2**34, lambda n: moment_curve_certificate(n, k, dtype=dtype)))
    found = [_greatest(low, high, make, min_gap) for low, high, make in makers]
    return [c for c in found if c is not None]


def _greatest(low: int, high: int, make: Callable[[int], Certificate], min_gap: float) -> Certificate | None:
    """The certificate of the greatest n in [low, high] that has one with this gap; gaps fall with n."""

    def attempt(n: int) -> Certificate | None:
        try:
            made = make(n)
        except RangeError:
            return None
        return made if made.min_gap >= min_gap else None

    best = attempt(high)
    if best is not None:
        return best
    best = attempt(low)
    while best is not None and low < high - 1:
        middle = (low + high) // 2
        made = attempt(middle)
        if made is None:
            high = middle
        else:
            low, best = middle, made
    return best


def _left(who: str, square: Fraction, dtype: str, query_dtype: str, dim: int, largest: float) -> float:
    """What rounding leaves of a gap, rounded down to four digits."""
    choice(who, "dtype", dtype, _TYPES)
    choice(who, "query_dtype", query_dtype, _TYPES)
    gap = theorems.root_below(square)
    if dtype == query_dtype == "exact":
        return rounded_down(gap)
    if dim > 2**40:
        raise RangeError(f"{who}: dim must be at most 2**40 for a type that rounds; got dim={dim}.")
    lost = rounding.rounding_loss(dtype, query_dtype, dim, largest=largest)
    if gap <= lost:
        raise RangeError(f"{who}: the gap must be more than rounding can take, {lost:.3g}; got {gap:.3g}.")
    return rounded_down(gap - lost)
