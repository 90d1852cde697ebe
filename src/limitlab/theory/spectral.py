r"""Lower bounds on the sign rank from singular values, and upper bounds on the gap from the same quantity.

[Forster2002]: documents and queries of sign rank d can be moved so that the queries are unit vectors in isotropic position. Then for every
real J with the signs of the matrix, |J_ij| >= 1, and weights q_j >= 0 of the columns that sum to 1,

    N <= d (s_1**2 + ... + s_d**2),    s the singular values of K = J diag(q)**(1/2), N rows

(weights and J: our extension of [ForsterSimon2006], where q is uniform and J the sign matrix; proof in docs/concepts/bounds.md). With all
s_i replaced by the greatest: d >= sqrt(N) / s_1. Any q and J are valid; those that the search finds good are evaluated again.

In the other direction, sum_ij J_ij <u_i, v_j> <= |diag(p)**(-1/2) J diag(q)**(-1/2)| for unit vectors, which bounds the margin for every J
whose left side is at least the margin. Norms are those of float64, enlarged by a bound on their rounding.
"""

from __future__ import annotations

import math

import numpy as np

from limitlab.theory.matrix import Clock

_EPS = 2.0**-52
_ROUNDS = 60
_LEVELS = (1.0, 1.5, 2.0, 3.0, 5.0, 8.0, 13.0, 21.0, 34.0)


def squared_singular_values(matrix: np.ndarray) -> np.ndarray:
    """Upper bounds of the squares of all singular values, descending: those of float64 plus a bound on their error.

    Parameters
    ----------
    matrix
        (m, n) real.

    Returns
    -------
    (min(m, n),) float64. The Gram matrix errs by n eps times the squared Frobenius norm, the eigenvalues by at most m**2 eps times the
    norm (backward stability of the symmetric eigensolver, with a constant below 1 a step); both are exceeded fourfold.
    """
    matrix = np.asarray(matrix, np.float64)
    if matrix.shape[0] > matrix.shape[1]:
        matrix = matrix.T
    m, n = matrix.shape
    gram = matrix @ matrix.T
    values = np.maximum(np.linalg.eigvalsh(gram)[::-1], 0.0)
    total = float(np.trace(gram))
    return values + 4 * _EPS * (n + m * m) * total


def spectral_norm(matrix: np.ndarray) -> float:
    """The largest singular value, rounded up (see ``squared_singular_values``)."""
    return math.sqrt(float(squared_singular_values(matrix)[0]) * (1 + 4 * _EPS))


def sign_rank_lower_forster(signs: np.ndarray) -> float:
    """sqrt(N n) / |M| for a sign matrix M, rounded down. The sign rank is at least this.

    References
    ----------
    [Forster2002]
    """
    return math.sqrt(signs.size) / spectral_norm(_plus_minus(signs)) * (1 - 4 * _EPS)


def sign_rank_lower_forster_simon(signs: np.ndarray) -> int:
    """Least d with d (s_1**2 + ... + s_d**2) >= N n, s the singular values of the sign matrix.

    References
    ----------
    [ForsterSimon2006]
    """
    return _least(squared_singular_values(_plus_minus(signs)), float(signs.size))


def sign_rank_lower_forster_weighted(signs: np.ndarray, clock: Clock) -> tuple[int, str]:
    """The bound of this module's head with J constant on the relevant and on the other entries, and weights that a search finds.

    Parameters
    ----------
    signs
        (N, n) bool.

    Returns
    -------
    Least d, and in words which J and weights gave it. At least as good as the unweighted ones up to rounding.
    """
    best, told = 1, "uniform weights"
    for turned in (False, True):
        matrix = signs.T if turned else signs
        for level in _levels(matrix, clock):
            found = _lowered(_two_levels(matrix, level), clock)
            value = _least(squared_singular_values(_two_levels(matrix, level) * np.sqrt(found)[None, :]), float(matrix.shape[0]))
            if value > best:
                side = "queries" if turned else "documents"
                best, told = value, f"weights on the {side}, relevant entries {level:.3g} times the others"
            if clock.over:
                return best, told
    return best, told


def _plus_minus(signs: np.ndarray) -> np.ndarray:
    return np.where(signs, 1.0, -1.0)


def _two_levels(signs: np.ndarray, level: float) -> np.ndarray:
    """The rarer entries ``level`` >= 1, the others 1 in absolute value."""
    return np.where(signs, level, -1.0) if 2 * signs.sum() <= signs.size else np.where(signs, 1.0, -level)


def _levels(signs: np.ndarray, clock: Clock) -> list[float]:
    """Two levels worth a search: the ratio that makes rows sum to zero, and the best of a grid with uniform weights."""
    share = min(signs.mean(), 1 - signs.mean())
    tried = {max(1.0, 1 / share - 1), *_LEVELS} if share > 0 else {1.0}
    norms: dict[float, float] = {}
    for level in sorted(tried, reverse=True):
        norms[level] = spectral_norm(_two_levels(signs, level))
        if clock.over:
            break
    return sorted(norms, key=lambda a: norms[a])[:2]


def _least(squares: np.ndarray, total: float) -> int:
    """Least d with d (s_1**2 + ... + s_d**2) >= total (a little less, so that rounding cannot raise it)."""
    products = np.arange(1, squares.size + 1) * np.cumsum(squares)
    return 1 + int(np.count_nonzero(products < total * (1 - 1e-12)))


def _lowered(matrix: np.ndarray, clock: Clock) -> np.ndarray:
    """Column weights that make the norm of matrix diag(q)**(1/2) small; the squared norm is convex in q.

    Every round moves towards columns that the leading left singular vector sees little of.
    """
    n = matrix.shape[1]
    weights = np.full(n, 1.0 / n)
    best, best_norm = weights, math.inf
    for step in range(_ROUNDS):
        scaled = matrix * np.sqrt(weights)[None, :]
        value, vector, _ = leading_vectors(scaled)
        if value < best_norm:
            best, best_norm = weights, value
        if clock.over:
            break
        slope = (matrix.T @ vector) ** 2
        weights = weights * np.exp(-(0.5 / math.sqrt(1 + step)) * (slope / max(value, 1e-300) - 1))
        weights = np.maximum(weights / weights.sum(), 1e-9)
        weights /= weights.sum()
    return best


def leading_vectors(matrix: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
    """The square of the greatest singular value and its unit vectors, left and right, by the smaller Gram matrix."""
    turned = matrix.shape[0] > matrix.shape[1]
    short = matrix.T if turned else matrix
    values, vectors = np.linalg.eigh(short @ short.T)
    near = vectors[:, -1]
    far = short.T @ near / math.sqrt(max(float(values[-1]), 1e-300))
    return float(values[-1]), (far if turned else near), (near if turned else far)
