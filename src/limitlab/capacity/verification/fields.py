"""Finite fields of 2**m elements as tables of whole numbers; that a table is a field is checked when it is made."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

LARGEST = 14


class BinaryField:
    """GF(2**m): elements are the whole numbers below 2**m, read as polynomials over GF(2); addition is exclusive or.

    Parameters
    ----------
    m
        1 <= m <= 14.
    polynomial
        A primitive polynomial of degree m as a whole number: x**3 + x + 1 is 0b1011.

    Attributes
    ----------
    powers
        Shape (2 (2**m - 1),), int64: the powers g**0, g**1, ... of the element g = x, written out twice.
    logs
        Shape (2**m,), int64: the inverse; entry 0 is -1.
    trace
        Shape (2**m,), int8: Tr(y) = y + y**2 + y**4 + ... + y**(2**(m-1)), 0 or 1.

    Raises
    ------
    ValueError
        The powers of x modulo the polynomial do not run through all 2**m - 1 nonzero elements, so the polynomial is not primitive.
        When they do, every nonzero element is a power of x and has an inverse: the ring is a field.
    """

    def __init__(self, m: int, polynomial: int) -> None:
        size = 1 << m
        if not 1 <= m <= LARGEST or not size <= polynomial < 2 * size:
            raise ValueError(f"{polynomial} is no polynomial of degree {m}, 1 <= degree <= {LARGEST}")
        self.m, self.polynomial, self.size, self.order = m, polynomial, size, size - 1
        powers, y = [], 1
        for _ in range(self.order):
            powers.append(y)
            y <<= 1
            if y & size:
                y ^= polynomial
        if y != 1 or len(set(powers)) != self.order or 0 in powers:
            raise ValueError(f"the polynomial {polynomial} is not primitive of degree {m}")
        self.powers = np.array(powers + powers, np.int64)
        self.logs = np.full(size, -1, np.int64)
        self.logs[self.powers[: self.order]] = np.arange(self.order)
        conjugate, total = np.arange(size), np.zeros(size, np.int64)
        for _ in range(m):
            total ^= conjugate
            conjugate = self.times(conjugate, conjugate)
        if total.max() != 1:
            raise ValueError(f"the trace of the field of {polynomial} is not a map onto 0 and 1")
        self.trace = total.astype(np.int8)

    def times(self, a: np.ndarray | int, b: np.ndarray | int) -> np.ndarray:
        """Products, elementwise."""
        a, b = np.asarray(a), np.asarray(b)
        return np.where((a == 0) | (b == 0), 0, self.powers[self.logs[a] + self.logs[b]])

    def to_the(self, exponent: int) -> np.ndarray:
        """y**exponent for every element y in turn, exponent >= 1."""
        table = self.powers[self.logs * exponent % self.order]
        table[0] = 0
        return table


@lru_cache(maxsize=32)
def binary_field(m: int, polynomial: int) -> BinaryField:
    """The field, made and checked once; see BinaryField."""
    return BinaryField(m, polynomial)


@lru_cache(maxsize=32)
def smallest_primitive(m: int) -> int:
    """The primitive polynomial of degree m that is smallest as a whole number, found by trying: 0b111, 0b1011, 0b10011, ..."""
    for polynomial in range((1 << m) + 1, 2 << m, 2):
        try:
            binary_field.__wrapped__(m, polynomial)
        except ValueError:
            continue
        return polynomial
    raise ValueError(f"there is no primitive polynomial of degree {m}, 1 <= degree <= {LARGEST}")
