"""Bounds that only count: how many divisions n points can have, how many sign matrices have small rank."""

from __future__ import annotations

import math

from limitlab._core.checks import whole


def dim_lower_cover(n_divisions: int, n_points: int) -> int:
    """Least d in which hyperplanes can divide n points in so many ways.

    n points in R^d have at most 1 + (n - 1) + ... + C(n - 1, d) divisions into two parts by a hyperplane, a division and its
    reverse counted once and the empty one included.

    Parameters
    ----------
    n_divisions
        Divisions wanted, into two non-empty parts, reverses not counted, >= 0.
    n_points
        >= 1.

    Raises
    ------
    RangeError
        A number is outside its range, or there are more divisions than n points have at all.

    References
    ----------
    [Cover1965]
    """
    who = "dim_lower_cover()"
    n = whole(who, "n_points", n_points, low=1)
    most = (1 << min(n - 1, 4096)) - 1
    wanted = whole(who, "n_divisions", n_divisions, low=0, high=most, high_name="2**(n_points - 1) - 1") + 1
    return _terms(wanted, n) - 1


def sign_rank_lower_cover(n_divisions: int, n_points: int) -> int:
    """Least r in which hyperplanes through the origin can divide n vectors in so many ways; the empty division counts where wanted.

    References
    ----------
    [Cover1965]
    """
    who = "sign_rank_lower_cover()"
    n = whole(who, "n_points", n_points, low=1)
    wanted = whole(who, "n_divisions", n_divisions, low=1, high=1 << min(n - 1, 4096), high_name="2**(n_points - 1)")
    return _terms(wanted, n)


def sign_rank_typical_warren(n_queries: int, n_docs: int) -> int:
    """A sign rank that all but one in a million of the sign matrices of this size have at least.

    Scores of rank r are N n polynomials of degree 2 in r (N + n) variables, which have at most (8 e N n / l)**l sign patterns,
    l = r (N + n) <= N n. It is about matrices drawn at random and says nothing about a given one.

    Parameters
    ----------
    n_queries, n_docs
        >= 1.

    References
    ----------
    [Warren1968], [AlonFranklRodl1985]
    """
    who = "sign_rank_typical_warren()"
    rows, columns = whole(who, "n_queries", n_queries, low=1), whole(who, "n_docs", n_docs, low=1)
    entries, sides = rows * columns, rows + columns

    def few(r: int) -> bool:
        length = r * sides
        return length <= entries and length * math.log2(8 * math.e * entries / length) <= entries - 20

    low, high = 0, min(rows, columns)  # few() is monotone: the bound on the patterns grows with r up to length = entries
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if few(middle) else (low, middle - 1)
    return low + 1


def _terms(wanted: int, n: int) -> int:
    """The fewest terms C(n - 1, 0) + C(n - 1, 1) + ... that reach ``wanted``."""
    total, term, i = 0, 1, 0
    while total < wanted:
        total += term
        term = term * (n - 1 - i) // (i + 1)
        i += 1
    return i
