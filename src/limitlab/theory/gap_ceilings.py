r"""The largest gap that any vectors of any dimension can have on a given relevance matrix: upper bounds by duality.

For unit queries u_i and documents v_j, weights p_i, q_j of rows and columns that sum to 1, and any real J,

    sum_ij J_ij <u_i, v_j>  <=  | diag(p)**(-1/2) J diag(q)**(-1/2) |      (spectral norm).

*Own thresholds*: give row i the weight p_i, spread as a distribution over its relevant columns, and minus a distribution over its others.
Then every threshold cancels and the left side is at least the gap.
*Threshold 0*: let J have the signs of the matrix and sum to 1 in absolute value. The left side is at least the margin, half the gap.

On all k-subsets with uniform weights both give the ceilings of ``gap_upper_row_wise`` and ``gap_upper_global`` exactly. The dual with J
the sign matrix over N n is Forster's bound on the margin [Forster2002]; that the best J is exact is duality [LinialShraibman2009].
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from limitlab._core.errors import ShapeError
from limitlab.theory.matrix import Clock
from limitlab.theory.spectral import leading_vectors, spectral_norm

_ROUNDS = 30


def gap_upper_row_wise_dual(signs: np.ndarray, clock: Clock | None = None) -> float:
    """No unit vectors have a larger gap on this matrix, every query with a threshold of its own. Full gap, at most 2.

    Parameters
    ----------
    signs
        (N, n) bool, no row constant.
    clock
        When to stop improving the weights; any weights give a valid bound. Default: one second.

    Raises
    ------
    ShapeError
        A row is constant, or there is no row.

    References
    ----------
    [Wang2026] (all k-subsets), [LinialShraibman2009] (duality); proof in docs/concepts/bounds.md.
    """
    _check("gap_upper_row_wise_dual()", signs)
    clock = clock or Clock(1.0)

    def spread(weights: np.ndarray) -> np.ndarray:
        return _over(signs, weights) - _over(~signs, weights)

    return min(2.0, _lowest(signs, spread, clock))


def gap_upper_global_dual(signs: np.ndarray, clock: Clock | None = None) -> float:
    """No unit vectors have a larger twice-the-margin on this matrix with threshold 0 for all queries. Full gap, at most 2.

    Parameters
    ----------
    signs
        (N, n) bool, no row constant.
    clock
        When to stop improving the weights. Default: one second.

    Raises
    ------
    ShapeError
        A row is constant, or there is no row.

    References
    ----------
    [Forster2002], [LinialShraibman2009]
    """
    _check("gap_upper_global_dual()", signs)
    clock = clock or Clock(1.0)
    best = 2 * spectral_norm(_signed(signs) / math.sqrt(signs.size))  # Forster: J = M / (N n), uniform weights
    for share in _shares(signs):

        def spread(weights: np.ndarray, share: float = share) -> np.ndarray:
            return share * _over(signs, weights) - (1 - share) * _over(~signs, weights)

        best = min(best, 2 * _lowest(signs, spread, clock))
        if clock.over:
            break
    return min(2.0, best)


def _signed(signs: np.ndarray) -> np.ndarray:
    return np.where(signs, 1.0, -1.0)


def _over(chosen: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Every row a distribution over its chosen columns, in proportion to the weights."""
    part = np.where(chosen, weights[None, :], 0.0)
    out: np.ndarray = part / part.sum(axis=1, keepdims=True)
    return out


def _shares(signs: np.ndarray) -> list[float]:
    """Shares of the relevant entries worth trying: the best one of all k-subsets, for the typical row, and 1/2."""
    n = signs.shape[1]
    k = float(np.median(signs.sum(axis=1)))
    h = min(k, n - k)
    a, b = math.sqrt((n - h) / (h * (n - 1))), math.sqrt(h / ((n - 1) * (n - h)))
    share = (1 - b) / (2 + a - b)
    return [share if k == h else 1 - share, 0.5]


def _lowest(signs: np.ndarray, spread: Callable[[np.ndarray], np.ndarray], clock: Clock) -> float:
    """Least norm over some weights of rows and columns, the mass of a row spread uniformly or by the columns' weights."""
    n_rows, n = signs.shape
    uniform = np.full(n, 1.0 / n)
    best = math.inf
    for follow in (False, True):
        rows = np.full(n_rows, 1.0 / n_rows)
        columns = uniform
        for _ in range(_ROUNDS):
            mass = spread(columns if follow else uniform)
            # J = diag(p) mass, so diag(p)^(-1/2) J = diag(p)^(1/2) mass
            scaled = np.sqrt(rows)[:, None] * mass / np.sqrt(columns)[None, :]
            best = min(best, spectral_norm(scaled))
            if clock.over:
                return best
            _, _, right = leading_vectors(scaled)
            wanted = np.abs(right) * np.sqrt(columns)  # stationary where q_j is in proportion to |(J^T x)_j|
            columns = _mixed(columns, wanted)
            seen = ((mass / np.sqrt(columns)[None, :]) @ right) ** 2
            rows = rows * np.exp(-0.3 * (seen / max(float(seen @ rows), 1e-300) - 1).clip(-2, 2))
            rows = np.maximum(rows / rows.sum(), 1e-9)
            rows /= rows.sum()
    return best


def _mixed(old: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    new = 0.7 * old + 0.3 * wanted / max(float(wanted.sum()), 1e-300)
    out: np.ndarray = np.maximum(new, 1e-7) / np.maximum(new, 1e-7).sum()
    return out


def _check(who: str, signs: np.ndarray) -> None:
    if signs.ndim != 2 or not signs.size or (signs.all(axis=1) | ~signs.any(axis=1)).any():
        raise ShapeError(f"{who}: signs must have rows, none of them constant; got shape {signs.shape}. Drop constant rows first.")
