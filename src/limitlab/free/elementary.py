"""Exponential and logarithms of sixteen lanes, to about float32's precision (relative error below 2e-7).

NaN goes in and comes out: a loss that is not a number must be seen.
"""

from __future__ import annotations

import numba as nb
import numpy as np

from limitlab.free.lanes import exponent_of, fma, larger, splat, times_power_of_two

_F = np.float32
_LOG2_E = _F(1.4426950408889634)
_LN2_HIGH, _LN2_LOW = _F(0.693359375), _F(-2.12194440e-4)  # their sum is ln 2; n times the first is exact for |n| < 2**14
_LN2 = _F(0.6931471805599453)
_ROUND = _F(12582912.0)  # 1.5 * 2**23: adding it rounds to a whole number
_LEAST = _F(-87.0)  # exp of less is below float32's normal range
_C2, _C3, _C4, _C5, _C6, _C7 = (_F(1 / f) for f in (2, 6, 24, 120, 720, 5040))
# 2**f = 1 + f (B1 + B2 f + ... + B6 f**5) on [-1/2, 1/2]: least maximal relative error of that degree, 2e-9.
_B1, _B2, _B3, _B4, _B5, _B6 = (
    _F(b)
    for b in (0.693147202855083, 0.24022647913626496, 0.055503324711001, 0.00961843735782262, 0.0013398874422268815, 0.00015353361887817177)
)
_A3, _A5, _A7, _A9, _A11, _A13, _A15 = (_F(2 / k) for k in (3, 5, 7, 9, 11, 13, 15))


@nb.njit(inline="always")
def exp(x):
    """exp(x) for x <= 88; exp(-87) for all less."""
    x = larger(splat(_LEAST), x)
    shifted = fma(x, splat(_LOG2_E), splat(_ROUND))
    n = shifted - splat(_ROUND)
    r = fma(n, splat(-_LN2_LOW), fma(n, splat(-_LN2_HIGH), x))  # |r| <= ln(2) / 2: the Taylor remainder is below 6e-9
    p = fma(splat(_C7), r, splat(_C6))
    p = fma(p, r, splat(_C5))
    p = fma(p, r, splat(_C4))
    p = fma(p, r, splat(_C3))
    p = fma(p, r, splat(_C2))
    p = fma(p * r, r, r) + splat(_F(1.0))
    return times_power_of_two(p, shifted)


@nb.njit(inline="always")
def exp2(x):
    """2**x for x <= 127; 2**-126 for all less than -126."""
    x = larger(splat(_F(-126.0)), x)
    shifted = x + splat(_ROUND)
    f = x - (shifted - splat(_ROUND))
    p = fma(splat(_B6), f, splat(_B5))
    p = fma(p, f, splat(_B4))
    p = fma(p, f, splat(_B3))
    p = fma(p, f, splat(_B2))
    p = fma(p, f, splat(_B1))
    return times_power_of_two(fma(p, f, splat(_F(1.0))), shifted)


@nb.njit(inline="always")
def log(x):
    """log(x) of positive normal numbers: 2 artanh((m - 1) / (m + 1)) + n ln 2."""
    n = exponent_of(x)
    m = times_power_of_two(x, splat(_ROUND) - n)
    w = (m - splat(_F(1.0))) / (m + splat(_F(1.0)))  # |w| <= 0.2: the remainder of the series is below 1e-9
    return fma(n, splat(_LN2), _artanh_twice(w))


@nb.njit(inline="always")
def log1p(z):
    """log(1 + z) for 0 <= z <= 1, small z at full relative precision: 2 artanh(z / (2 + z))."""
    return _artanh_twice(z / (z + splat(_F(2.0))))  # the argument is at most 1/3: the remainder is below 2e-9


@nb.njit(inline="always")
def _artanh_twice(w):
    square = w * w
    p = fma(splat(_A15), square, splat(_A13))
    p = fma(p, square, splat(_A11))
    p = fma(p, square, splat(_A9))
    p = fma(p, square, splat(_A7))
    p = fma(p, square, splat(_A5))
    p = fma(p, square, splat(_A3))
    return fma(p * square, w, w + w)
