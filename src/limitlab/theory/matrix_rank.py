"""The rank of a matrix of small whole numbers, proved: elimination modulo enough primes."""

from __future__ import annotations

import math

import numpy as np

from limitlab.theory.matrix import Clock

_LARGEST_PRIME = 2**31 - 1


def rank_upper(matrix: np.ndarray, clock: Clock) -> int | None:
    """The rank over the real numbers of a matrix with entries -1, 0, 1; None when time ran out before it was proved.

    If every minor of size r + 1 is zero modulo primes whose product exceeds Hadamard's bound of such a minor, all are zero and the rank
    is at most r. A rank modulo a prime never exceeds the true one, so it is exact.

    Parameters
    ----------
    matrix
        (m, n) whole numbers in [-1, 1].
    """
    m, n = matrix.shape
    rank, log_product, prime = 0, 0.0, _LARGEST_PRIME
    while True:
        if clock.over:
            return None
        rank_here = _rank_modulo(matrix, prime, clock)
        if rank_here is None:
            return None
        if rank_here > rank:
            rank = rank_here
        log_product += math.log(prime)
        size = rank + 1
        if rank == min(m, n) or log_product > 0.5 * size * math.log(size) + 1e-6:
            return rank
        prime = _prime_below(prime)


def _rank_modulo(matrix: np.ndarray, prime: int, clock: Clock) -> int | None:
    """Gaussian elimination; products of two residues fit 62 bits."""
    work = matrix.astype(np.int64) % prime
    if work.shape[0] > work.shape[1]:
        work = np.ascontiguousarray(work.T)
    row = 0
    for column in range(work.shape[1]):
        if row == work.shape[0]:
            break
        below = np.flatnonzero(work[row:, column])
        if not below.size:
            continue
        if clock.over:
            return None
        pivot = row + int(below[0])
        work[[row, pivot]] = work[[pivot, row]]
        work[row] = work[row] * pow(int(work[row, column]), -1, prime) % prime
        others = row + 1 + np.flatnonzero(work[row + 1 :, column])
        work[others, column:] = (work[others, column:] - work[others, column][:, None] * work[row, column:][None, :] % prime) % prime
        row += 1
    return row


def _prime_below(number: int) -> int:
    """The next smaller prime, for numbers of 31 bits: Miller-Rabin with bases that are proved to suffice below 3.4e14."""
    candidate = number - 2
    while not all(_passes(candidate, base) for base in (2, 3, 5, 7, 11, 13, 17)):
        candidate -= 2
    return candidate


def _passes(candidate: int, base: int) -> bool:
    odd, twos = candidate - 1, 0
    while odd % 2 == 0:
        odd, twos = odd // 2, twos + 1
    power = pow(base, odd, candidate)
    if power in (1, candidate - 1):
        return True
    for _ in range(twos - 1):
        power = power * power % candidate
        if power == candidate - 1:
            return True
    return False
