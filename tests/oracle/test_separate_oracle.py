"""Max-margin queries against exact rational arithmetic, enumeration of all active sets, and non-negative least squares."""

from __future__ import annotations

from fractions import Fraction
from itertools import chain, combinations

import numpy as np
import pytest
from scipy.optimize import nnls

from limitlab.search import Separation, separate


def unit(rows: np.ndarray) -> np.ndarray:
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def rational(rows: np.ndarray) -> list[list[Fraction]]:
    return [[Fraction(float(x)) for x in row] for row in rows]


def exact_gap(docs: list[list[Fraction]], query: np.ndarray, members: set[int]) -> Fraction:
    u = [Fraction(float(x)) for x in query]
    scores = [sum(a * b for a, b in zip(u, v)) for v in docs]
    return min(s for i, s in enumerate(scores) if i in members) - max(s for i, s in enumerate(scores) if i not in members)


def solved(matrix: list[list[Fraction]], right: list[Fraction]) -> list[Fraction] | None:
    """Gaussian elimination over the rationals; None where the matrix is singular."""
    rows = [[*row, b] for row, b in zip(matrix, right)]
    size = len(rows)
    for c in range(size):
        pivot = next((r for r in range(c, size) if rows[r][c] != 0), None)
        if pivot is None:
            return None
        rows[c], rows[pivot] = rows[pivot], rows[c]
        rows[c] = [x / rows[c][c] for x in rows[c]]
        for r in range(size):
            if r != c and rows[r][c] != 0:
                rows[r] = [x - rows[r][c] * y for x, y in zip(rows[r], rows[c])]
    return [row[-1] for row in rows]


def exact_distance_squared(docs: list[list[Fraction]], members: set[int]) -> Fraction:
    """Least squared distance of the two hulls: the affine minimum of every choice of active documents that is a convex one.

    The nearest points have affinely independent active documents with positive weights, so one of the choices is exact.
    """
    n, dim = len(docs), len(docs[0])
    inside, outside = sorted(members), [j for j in range(n) if j not in members]
    best: Fraction | None = None
    subsets = [list(chain.from_iterable(combinations(side, m) for m in range(1, dim + 2))) for side in (inside, outside)]
    for a in subsets[0]:
        for b in subsets[1]:
            if len(a) + len(b) > dim + 2:
                continue
            signed = [docs[i] for i in a] + [[-x for x in docs[j]] for j in b]
            size = len(signed)
            matrix = [
                [sum(x * y for x, y in zip(p, q)) for q in signed] + [Fraction(c < len(a)), Fraction(c >= len(a))]
                for c, p in enumerate(signed)
            ]
            matrix += [
                [Fraction(c < len(a)) for c in range(size)] + [Fraction(0)] * 2,
                [Fraction(c >= len(a)) for c in range(size)] + [Fraction(0)] * 2,
            ]
            weights = solved(matrix, [Fraction(0)] * size + [Fraction(1)] * 2)
            if weights is None or min(weights[:size]) < 0:
                continue
            point = [sum(w * p[t] for w, p in zip(weights, signed)) for t in range(dim)]
            square = sum(x * x for x in point)
            best = square if best is None else min(best, square)
    assert best is not None
    return best


@pytest.mark.parametrize(("n", "dim", "k"), [(6, 2, 1), (6, 2, 2), (7, 3, 2), (6, 3, 3), (5, 4, 4)])
def test_every_set_of_a_few_documents_against_enumeration(n: int, dim: int, k: int) -> None:
    rng = np.random.default_rng(100 * n + 10 * dim + k)
    for docs in (unit(rng.standard_normal((n, dim))), rng.integers(-2, 3, size=(n, dim)).astype(float)):
        sets = np.array(list(combinations(range(n), k)))
        found = separate(docs, sets)
        exact = rational(docs)
        for row, members in enumerate(sets.tolist()):
            square = exact_distance_squared(exact, set(members))
            assert Fraction(float(found.bounds[row])) ** 2 >= square  # proven, so without tolerance
            assert found.gaps[row] == pytest.approx(float(square) ** 0.5, abs=1e-12)
            assert found.separable[row] == (square > 0)


def _kinds() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(5)
    angles = 2 * np.pi * np.arange(60) / 60
    circle = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    curve = np.stack([f(r * angles) for r in (1, 2) for f in (np.cos, np.sin)], axis=1)
    base = unit(rng.standard_normal((40, 12)))
    near = unit(base[:20] + 1e-6 * rng.standard_normal((20, 12)))
    return {
        "random": unit(rng.standard_normal((60, 10))),
        "more dimensions than documents": unit(rng.standard_normal((20, 50))),
        "circle": circle,
        "curve of tiny gaps": unit(curve),
        "duplicates": np.concatenate([base, base[:10]]),
        "almost duplicates": np.concatenate([base, near]),
        "a plane in 12 dimensions": unit(rng.standard_normal((30, 2)) @ rng.standard_normal((2, 12))),
        "signs": rng.choice([-1.0, 1.0], size=(40, 12)) / np.sqrt(12),
        "one line": np.linspace(-1, 1, 15)[:, None] * unit(np.ones((1, 3))),
        "lengths from 1e-6 to 1": base * 10.0 ** rng.uniform(-6, 0, size=(40, 1)),
        "axes from 1e-8 to 1": base * 10.0 ** rng.uniform(-8, 0, size=12),
        "a narrow cone": unit(base[:1] + 1e-4 * base),
    }


KINDS = _kinds()


def solve(name: str, k: int) -> tuple[np.ndarray, np.ndarray, Separation]:
    docs = KINDS[name]
    k = min(k, len(docs) - 1)
    rng = np.random.default_rng(k)
    sets = np.array([rng.choice(len(docs), size=k, replace=False) for _ in range(25)])
    return docs, sets, separate(docs, sets, with_weights=True)


@pytest.mark.parametrize("k", [1, 2, 5, 1000], ids=["k = 1", "k = 2", "k = 5", "all but one"])
@pytest.mark.parametrize("name", KINDS)
def test_the_gap_is_squeezed_by_exact_arithmetic(name: str, k: int) -> None:
    """The query's exact gap from below, the exact distance of the two weighted points from above: both are proofs."""
    docs, sets, found = solve(name, k)
    exact = rational(docs)
    for row, members in enumerate(sets.tolist()):
        if found.queries[row].any():
            gap = exact_gap(exact, found.queries[row], set(members))
            assert abs(gap - Fraction(float(found.gaps[row]))) <= Fraction(found.rounding)
        weights = found.weights[row].toarray()[0]
        own = {i: Fraction(float(weights[i])) for i in np.flatnonzero(weights)}
        sums = [sum(w for i, w in own.items() if (i in members) == side) for side in (True, False)]
        assert all((w > 0) == (i in members) for i, w in own.items())
        parts = [(w / abs(sums[0 if i in members else 1]), i) for i, w in own.items()]
        point = [sum(w * exact[i][t] for w, i in parts) for t in range(docs.shape[1])]
        assert sum(x * x for x in point) <= Fraction(float(found.bounds[row])) ** 2
    assert (found.bounds - found.gaps).max() <= 1e-10
    assert found.converged.all()


@pytest.mark.parametrize("k", [1, 2, 5])
@pytest.mark.parametrize("name", [name for name in KINDS if not name.startswith(("axes", "lengths"))])
def test_distances_agree_with_non_negative_least_squares(name: str, k: int) -> None:
    docs, sets, found = solve(name, k)
    heavy = 1e4
    for row, members in enumerate(sets):
        inside = np.isin(np.arange(len(docs)), members)
        signed = np.where(inside[:, None], docs, -docs)
        system = np.concatenate([signed.T, heavy * inside[None, :], heavy * ~inside[None, :]])
        right = np.concatenate([np.zeros(docs.shape[1]), [heavy, heavy]])
        weights = nnls(system, right, maxiter=10_000)[0]
        weights /= np.where(inside, weights[inside].sum(), weights[~inside].sum())
        distance = np.linalg.norm(weights @ signed)
        assert found.gaps[row] <= distance + 1e-12
        assert found.gaps[row] == pytest.approx(distance, abs=1e-7)


def test_gaps_of_a_millionth_are_found_to_twelve_digits() -> None:
    angles = 2 * np.pi * np.arange(140) / 140
    docs = unit(np.stack([f(r * angles) for r in (1, 2) for f in (np.cos, np.sin)], axis=1))
    found = separate(docs, np.array([[i, (i + 2) % 140] for i in range(140)]))
    assert 0.9e-6 < found.gaps.min() < found.gaps.max() < 1.1e-6
    assert np.ptp(found.gaps) < 1e-15  # one symmetry class
    assert (found.bounds - found.gaps).max() < 2e-14
