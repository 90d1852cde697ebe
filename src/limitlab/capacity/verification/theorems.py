"""Claims that follow from a theorem with explicit constants: its hypotheses are checked, its gap is computed in fractions.

Each function returns the square of a gap of unit vectors (the moment curve: of documents of at most unit length) that holds for
all k-subsets of n documents in real numbers; the proofs are in the docstrings.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from fractions import Fraction
from functools import lru_cache
from typing import Any

from limitlab.capacity.verification import rounding
from limitlab.capacity.verification.claim import Refused, all_sets, float_types, how_many, shown, whole, wholes

_PI = Fraction(31415926535897932384626433832795, 10**31)  # below pi


def simplex_gap_squared(n: int, k: int) -> Fraction:
    """The regular simplex of n unit vectors in n - 1 dimensions, each set with its sum as the query: n**2 / (k (n - 1)(n - k)).

    Different vertices have the inner product -1/(n - 1). So a sum of k scores (n - k)/(n - 1) inside, -k/(n - 1) outside, and its
    squared length is k (n - k)/(n - 1). No vectors in any dimension do better [Wang2026].
    """
    return Fraction(n * n, k * (n - 1) * (n - k))


def trig_gap_squared(n: int, k: int, weights: list[int]) -> Fraction:
    """The trigonometric moment curve in 2 k dimensions with squared weights p_r / P, n >= 2 k + 1 equally spaced documents.

    The query of S has the score c_0 - Q(t) at angle t, with Q(t) = prod_{i in S} (1 - cos(t - t_i)) = c_0 + sum_r (A_r cos r t +
    B_r sin r t); its coordinates are -A_r / w_r, -B_r / w_r [AlonFranklRodl1985], [Wang2026]. Q is 0 on S.

    - Outside S, each factor is 2 sin(pi s / n)**2 for a distance of s steps, and at most two documents are at the same distance: Q is
      at least the product for s = 1, 1, 2, 2, 3, ... (k factors).
    - A factor is 1 - z/2 - 1/(2 z), z = exp(i (t - t_i)). So |A_r + i B_r| = 2 |coefficient of z**r| is at most the one of
      (1 + z/2 + 1/(2 z))**k, twice C(2 k, k + r) / 2**k, and the query's squared length is at most the sum over r of
      4 C(2 k, k + r)**2 / 4**k * P / p_r.
    """
    least = Fraction(1)
    for i in range(k):
        least = _shorter(least * 2 * _sine_below(Fraction(i // 2 + 1, n)) ** 2)
    return least**2 / _query_square(k, tuple(weights))


@lru_cache(maxsize=64)
def _query_square(k: int, weights: tuple[int, ...]) -> Fraction:
    total = sum(weights)
    return sum((Fraction(4 * math.comb(2 * k, k + r) ** 2 * total, 4**k * p) for r, p in enumerate(weights, start=1)), Fraction(0))


def _shorter(x: Fraction) -> Fraction:
    """A positive fraction rounded down to about 192 bits, so that products stay short."""
    bits = 192 + x.denominator.bit_length() - x.numerator.bit_length()
    return Fraction((x.numerator << bits) // x.denominator, 1 << bits) if bits > 0 else x


def _sine_below(turns: Fraction) -> Fraction:
    """At most sin(pi turns), 0 < turns <= 1/2: the sine rises there, and its series alternates with falling terms."""
    x = _shorter(turns * _PI)
    return x - x**3 / 6 + x**5 / 120 - x**7 / 5040


def moment_curve_gap_squared(n: int, k: int) -> Fraction:
    """The integer moment curve: document t is (t, t**2, ..., t**(2 k)) for n whole numbers t with |t| <= T = n // 2.

    The query of S is -(c_1, ..., c_{2k}) with prod_{i in S} (t - t_i)**2 = sum_j c_j t**j [AlonFranklRodl1985], [Wang2026]; it scores
    c_0 - prod (t - t_i)**2: at least 1 less outside than inside. For k = 2 and {a, b} it is
    (2 a b (a + b), -((a + b)**2 + 2 a b), 2 (a + b), -1). As |t_i| <= T, |c_j| <= C(2 k, j) T**(2 k - j).
    """
    t = n // 2
    query = sum(math.comb(2 * k, j) ** 2 * t ** (2 * (2 * k - j)) for j in range(1, 2 * k + 1))
    return Fraction(1, query * sum(t ** (2 * j) for j in range(1, 2 * k + 1)))


def moment_curve_sums(n: int, k: int) -> int:
    """No partial sum of a score, in any order, is larger in absolute value: sum over j of C(2 k, j) T**(2 k - j) T**j, T = n // 2.

    Nor is a coordinate or a product: each is at most one term of it.
    """
    return (4**k - 1) * (n // 2) ** (2 * k)


def prove(record: Mapping[str, Any], claim: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """The reason and the numbers of the proof, or Refused."""
    construction, name = record["construction"]["kind"], record["proof"].get("theorem")
    names = {"simplex": "regular-simplex", "trig-curve": "trigonometric-moment-curve", "integer-moment-curve": "integer-moment-curve"}
    if name != names[construction]:
        raise Refused(f"proof.theorem must be {names[construction]!r} for a {construction}; it is {shown(name)}")
    all_sets(claim)
    n, k, dim = claim["n_docs"], claim["k"], claim["dim"]
    if construction == "integer-moment-curve":
        return _moment_curve(n, k, dim, claim)
    float_types(claim)
    if construction == "simplex":
        if dim < n - 1:
            raise Refused(f"a regular simplex of {shown(n)} documents takes n - 1 dimensions; the claim is {shown(dim)}")
        square, own, largest = simplex_gap_squared(n, k), n - 1, 1.0
    else:
        weights = wholes(record["construction"]["weights"], "weights", 1, 2**40)
        whole(k, "claim.k", 1, 256)
        whole(n, "claim.n_docs", 2 * k + 1, 2**64)
        if len(weights) != k or dim < 2 * k:
            raise Refused(
                f"the trigonometric curve takes k = {k} weights and 2 k dimensions; it is {len(weights)} weights, {dim} dimensions"
            )
        square, own, largest = trig_gap_squared(n, k, weights), 2 * k, math.sqrt(max(weights) / sum(weights))
    in_numbers = claim["dtype"] == claim["query_dtype"] == "exact"
    if not in_numbers and own > 2**40:
        raise Refused(f"rounding is bounded up to 2**40 dimensions; the vectors have {shown(own)}")
    lost = 0.0 if in_numbers else rounding.rounding_loss(claim["dtype"], claim["query_dtype"], own, largest=largest)
    _compare(square, claim["min_gap"], lost)
    facts: dict[str, Any] = {"theorem": name, "sets": how_many(n, k), "ideal_gap": root_below(square), "rounding_loss": lost}
    if not in_numbers:
        scoring = rounding.scoring_loss(claim["dtype"], claim["query_dtype"], own)
        facts |= {"scoring_loss": scoring, "gap_with_rounded_scores": max(0.0, claim["min_gap"] - scoring)}
    stated = f"gap at least {claim['min_gap']:.6g}" if claim["min_gap"] else "a positive gap"
    where = "in real numbers" if in_numbers else f"after rounding to {claim['dtype']}"
    return f"all {how_many(n, k)} sets, by a theorem whose hypotheses hold ({name}): {stated} {where}", facts


def _moment_curve(n: int, k: int, dim: int, claim: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    whole(k, "claim.k", 1, 31)
    whole(n, "claim.n_docs", k + 1, 2**64)
    if dim < 2 * k:
        raise Refused(f"the integer moment curve takes 2 k = {2 * k} dimensions; the claim is {dim}")
    sums = moment_curve_sums(n, k)
    for name in ("dtype", "query_dtype"):
        if claim[name] not in ("int64", "float64", "float32", "exact"):
            raise Refused(f"the integer moment curve is for int64, float64, float32 or exact numbers; claim.{name} is {claim[name]!r}")
        if not rounding.holds_whole_numbers(claim[name], sums):
            raise Refused(f"sums may reach {shown(sums)}, which {claim[name]} does not hold exactly")
    square = moment_curve_gap_squared(n, k)
    _compare(square, claim["min_gap"], 0.0)
    facts = {"theorem": "integer-moment-curve", "sets": how_many(n, k), "greatest_sum": sums, "ideal_gap": root_below(square)}
    return f"all {how_many(n, k)} sets, in whole numbers without overflow: scores inside are greater by 1 at least", facts


def _compare(square: Fraction, claimed: float, lost: float) -> None:
    """Whether sqrt(square) >= claimed + lost, in fractions; for a claim of 0, whether it is greater than ``lost``."""
    needed = Fraction(claimed) + Fraction(lost)
    if needed**2 > square or (claimed == 0 and needed**2 >= square):
        raise Refused(f"not proved: the theorem gives the gap {root_below(square):.6g}, and {float(needed):.6g} is needed before rounding")


def root_below(square: Fraction) -> float:
    """The square root, rounded down; 0 below 1e-300."""
    bits = max(0, square.denominator.bit_length() - square.numerator.bit_length() + 128)
    bits += bits % 2
    root = Fraction(math.isqrt((square.numerator << bits) // square.denominator), 1 << (bits // 2))
    return float(root * (1 - Fraction(1, 2**52))) if root > Fraction(1, 10**300) else 0.0
