"""Counts of subsets as exact integers or logarithms, and the dimensions that counting alone demands."""

from __future__ import annotations

import math
from fractions import Fraction

from limitlab._core.checks import real, whole

_EXACT_K = 2048  # C(n, k) is computed as a whole number up to here; above, Stirling's series errs by less than 1e-20
_EXACT_DIGITS = 12
_ROUNDING = 1e-12  # how far a quotient of two of our logarithms may be from the true one, relatively
_MOST_BITS = 1 << 20


def log_binomial(n: int, k: int) -> float:
    """Natural logarithm of C(n, k), to 1e-12 relatively.

    Parameters
    ----------
    n, k
        0 <= k <= n <= 2e18.

    Raises
    ------
    RangeError
        Outside that.
    """
    n, k = _sizes("log_binomial()", n, k)
    k = min(k, n - k)
    if k <= _EXACT_K:
        return math.log(math.comb(n, k))
    rest = n - k
    # n ln n - k ln k - rest ln rest without its cancellation: both terms are positive
    leading = k * math.log(n / k) - rest * math.log1p(-k / n)
    return leading + 0.5 * math.log(n / (2 * math.pi * k * rest)) + _stirling(n) - _stirling(k) - _stirling(rest)


def count_text(n: int, k: int) -> str:
    """C(n, k) for people: all digits up to twelve, else ``7.7e+311``.

    Above about 10 to the 10th digits the mantissa is not known from a 64-bit logarithm; then ``10^(3.01e+17)``.
    """
    n, k = _sizes("count_text()", n, k)
    digits = log_binomial(n, k) / math.log(10)
    if digits < _EXACT_DIGITS - 0.5:
        return f"{math.comb(n, k):,}"
    return text_of_log10(digits)


def text_of_log10(digits: float) -> str:
    """10**digits as ``7.7e+311``; ``10^(3.01e+17)`` where a double does not hold the mantissa."""
    if digits > 1e11:
        return f"10^({digits:.3g})"
    exponent = math.floor(digits)
    mantissa = f"{10 ** (digits - exponent):.1f}"
    if mantissa == "10.0":
        mantissa, exponent = "1.0", exponent + 1
    return f"{mantissa}e+{exponent}"


def dim_lower_packing(n_docs: int, k: int, *, gap: float) -> int:
    r"""Least d with C(n, k) <= (1 + 2 / gap)**d: fewer dimensions hold all k-subsets with that gap for no vectors.

    Queries of two sets are at least ``gap`` apart, so balls of half that radius around them are disjoint.

    Parameters
    ----------
    n_docs, k
        1 <= k <= n_docs.
    gap
        Full gap (least relevant minus greatest irrelevant score, unit vectors), in (0, 2].

    Returns
    -------
    Whole number >= 0. Where rounding leaves open which of two numbers is the least one, the smaller.

    References
    ----------
    [Weller2025], Theorem 1 of version 2 (there with half the gap).
    """
    who = "dim_lower_packing()"
    n_docs, k = _subsets(who, n_docs, k)
    gap = _gap(who, gap)
    return least_power(log_binomial(n_docs, k), gap, math.comb(n_docs, k) if min(k, n_docs - k) <= _EXACT_K else None)


def least_power(log_count: float, gap: float, count: int | None = None) -> int:
    """Least d with count <= (1 + 2 / gap)**d, given the logarithm of the count and, to decide near ties, the count."""
    base = math.log1p(2 / gap)
    quotient = log_count / base
    nearest = round(quotient)
    if abs(quotient - nearest) > _ROUNDING * max(1.0, quotient):
        return math.ceil(quotient)
    if count is None or nearest * 64 > _MOST_BITS:
        return nearest
    power = (1 + 2 / Fraction(gap)) ** nearest
    return nearest if count <= power else nearest + 1


def gap_upper_packing(n_docs: int, k: int, *, dim: int) -> float:
    """Largest full gap in (0, 2] that ``dim_lower_packing`` leaves open in ``dim`` dimensions, rounded up by 1e-12.

    References
    ----------
    [Weller2025]
    """
    who = "gap_upper_packing()"
    n_docs, k = _subsets(who, n_docs, k)
    dim = whole(who, "dim", dim, low=1)
    return gap_of_count(log_binomial(n_docs, k), dim)


def gap_of_count(log_count: float, dim: int) -> float:
    """Largest gap with count <= (1 + 2 / gap)**dim, at most 2, rounded up by what the logarithm may be off."""
    exponent = log_count / dim
    if exponent > 700:  # exp() would overflow; 2 exp(-700) is below every gap that double precision can show
        return 2 * math.exp(-700)
    return 2.0 if exponent < math.log(2) else min(2.0, 2 / math.expm1(exponent) * (1 + (1 + exponent) * _ROUNDING))


def dim_lower_bits(n_docs: int, k: int, *, query_bits: int) -> int:
    """Least d with 2**(query_bits d) >= C(n, k): each set needs a query of its own, and there are no more stored queries.

    Parameters
    ----------
    n_docs, k
        1 <= k <= n_docs.
    query_bits
        Bits a coordinate of a *query*, >= 1. Where queries are not stored in so few bits this bounds nothing.

    References
    ----------
    [Okajima2026]
    """
    who = "dim_lower_bits()"
    n_docs, k = _subsets(who, n_docs, k)
    bits = whole(who, "query_bits", query_bits, low=1)
    if min(k, n_docs - k) <= _EXACT_K:
        return -(-(math.comb(n_docs, k) - 1).bit_length() // bits)
    needed = log_binomial(n_docs, k) / math.log(2)
    return math.ceil(needed * (1 - _ROUNDING) / bits)


def dim_lower_distinct(n_docs: int, *, doc_bits: int) -> int:
    """Least d with 2**(doc_bits d) >= n: documents that different queries ask must differ, whatever the queries are.

    Parameters
    ----------
    n_docs
        Documents of which no two are relevant to the same queries, >= 1.
    doc_bits
        Bits a coordinate of a document, >= 1.
    """
    who = "dim_lower_distinct()"
    n_docs = whole(who, "n_docs", n_docs, low=1)
    bits = whole(who, "doc_bits", doc_bits, low=1)
    return -(-(n_docs - 1).bit_length() // bits)


def _stirling(x: int) -> float:
    """ln x! minus Stirling's leading part, x > 2000."""
    return 1 / (12 * x) - 1 / (360 * x**3)


def _sizes(who: str, n: int, k: int) -> tuple[int, int]:
    n = whole(who, "n", n, low=0, high=2 * 10**18)
    return n, whole(who, "k", k, low=0, high=n, high_name="n")


def _subsets(who: str, n_docs: int, k: int) -> tuple[int, int]:
    n_docs = whole(who, "n_docs", n_docs, low=1, high=10**18)
    return n_docs, whole(who, "k", k, low=1, high=n_docs, high_name="n_docs")


def _gap(who: str, gap: float) -> float:
    return real(who, "gap", gap, low=5e-324, high=2.0)
