"""Cosines of rational angles, correctly computed with integers: no trust in a floating-point library is needed."""

from __future__ import annotations

import numpy as np

_BITS = 192  # fixed point; with n below 2**25 the recurrence below keeps 140 correct bits


def cosine_table(n: int) -> np.ndarray:
    """cos(pi k / n) for k = 0 .. n, each the float64 nearest to the true value or its neighbour (error at most 2**-53).

    Integers scaled by 2**192 follow c[k+1] = 2 c[1] c[k] - c[k-1]. One step errs by less than 4 units, and an error made
    i steps ago has grown at most i + 1 times (Chebyshev polynomials of the second kind), so entry k is wrong by at most
    4 (k + 1)**2 units: below 2**-140 for n < 2**25.

    Parameters
    ----------
    n
        1 <= n < 2**25.

    Returns
    -------
    Shape (n + 1,), float64.
    """
    one = 1 << _BITS
    c = _first_cosine(n)
    before, now = one, c
    table = np.empty(n + 1)
    table[0] = 1.0
    for k in range(1, n + 1):
        table[k] = now / one  # true division of integers rounds correctly
        before, now = now, ((2 * c * now) >> _BITS) - before
    return table


def _first_cosine(n: int) -> int:
    """cos(pi / n) scaled by 2**_BITS, wrong by less than one unit: Taylor's series with 32 guard bits."""
    bits = _BITS + 32
    angle = _pi(bits) // n
    square = (angle * angle) >> bits
    term, total, i = 1 << bits, 0, 0
    while term:
        total += term
        i += 2
        term = -((term * square) >> bits) // (i * (i - 1)) if term > 0 else ((-term * square) >> bits) // (i * (i - 1))
    return total >> 32


def _pi(bits: int) -> int:
    """pi scaled by 2**bits: Machin's formula, 16 arctan(1/5) - 4 arctan(1/239)."""

    def arctan_of_inverse(x: int) -> int:
        power = (1 << (bits + 16)) // x
        total, i, sign = 0, 1, 1
        while power:
            total += sign * (power // i)
            power //= x * x
            i, sign = i + 2, -sign
        return total

    return (16 * arctan_of_inverse(5) - 4 * arctan_of_inverse(239)) >> 16
