"""Stored vectors checked set by set over all sets, exactly: float32 products are exact in float64, close calls go to fractions."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import combinations, islice

import numpy as np

_UNIT = 2.0**-53
_BLOCK = 2048


@dataclass(frozen=True)
class Found:
    """``gap`` is the least gap of unit vectors in the directions of the stored ones, rounded down; ``failed`` names a set."""

    sets: int
    gap: float
    least: tuple[int, ...] = ()
    failed: str = ""


def all_sets(n: int, k: int) -> Iterator[tuple[int, ...]]:
    """All k-subsets of n documents, in dictionary order: the order in which queries are stored."""
    return combinations(range(n), k)


def check_vectors(docs: np.ndarray, queries: Iterable[np.ndarray], sets: Iterable[tuple[int, ...]]) -> Found:
    """Whether each query scores every document of its set above every other document, in exact arithmetic.

    Parameters
    ----------
    docs
        Shape (n, dim), float32, no zero row.
    queries
        Blocks of rows, (rows, dim) float32, in the order of ``sets``.
    sets
        The documents of each query; all sets of a block have the same size.

    The gap of a query is (least score inside - greatest score outside) / (|u| max |v|): what its unit query attains on
    documents scaled to at most unit length.
    """
    wide = docs.astype(np.float64)
    longest = math.sqrt(float(np.einsum("nd,nd->n", wide, wide).max())) * (1 + 2.0**-40)
    terms = docs.shape[1]
    worst, least, count = math.inf, (), 0
    ids = iter(sets)
    for block in queries:
        u = block.astype(np.float64)
        members = np.array(list(islice(ids, len(u))), np.int64)
        if len(members) < len(u):
            return Found(count, worst, least, f"there are more queries than sets ({count + len(members)})")
        norms = np.sqrt(np.einsum("qd,qd->q", u, u))
        if not (norms > 0).all() or not np.isfinite(norms).all():
            return Found(count, worst, least, f"query {count + int((~(norms > 0)).argmax())} is zero or not finite")
        scores = u @ wide.T
        rows = np.arange(len(u))[:, None]
        low = scores[rows, members].min(axis=1)
        scores[rows, members] = -np.inf
        difference = low - scores.max(axis=1)
        # Products are exact; their float64 sum, in any order, errs by at most dim 2**-53 |u| |v|.
        error = 2 * (terms + 1) * _UNIT * norms * longest
        for q in np.flatnonzero(difference <= error):
            exact = exact_difference(docs, block[q], members[q])
            if exact <= 0:
                return Found(
                    count + int(q), worst, least, f"set {tuple(members[q].tolist())}: an irrelevant document scores as much or more"
                )
            difference[q], error[q] = float(exact) * (1 - 2.0**-50), 0.0
        gaps = (difference - error) / (norms * longest) * (1 - 2.0**-40)
        at = int(gaps.argmin())
        if gaps[at] < worst:
            worst, least = float(gaps[at]), tuple(members[at].tolist())
        count += len(u)
    if next(ids, None) is not None:
        return Found(count, worst, least, f"there are more sets than queries ({count})")
    return Found(count, worst, least)


def exact_difference(docs: np.ndarray, query: np.ndarray, members: np.ndarray) -> Fraction:
    """Least score inside minus greatest outside, of the stored numbers, as a fraction."""
    u = [Fraction(float(x)) for x in query]
    scores = [sum((a * Fraction(float(b)) for a, b in zip(u, row)), Fraction(0)) for row in docs]
    inside = set(members.tolist())
    return min(scores[i] for i in inside) - max(s for i, s in enumerate(scores) if i not in inside)


def trig_docs(n: int, weights: list[int], table: np.ndarray) -> np.ndarray:
    """n equally spaced points of the trigonometric moment curve, (sqrt(p_r/P) cos(r t), sqrt(p_r/P) sin(r t))_r, as float32.

    ``table`` is cosine_table(8 n): cos(pi j / (8 n)).
    """
    j = np.arange(n)
    columns = []
    for r, p in enumerate(weights, start=1):
        w = math.sqrt(p / sum(weights))
        columns += [w * _cos(table, 16 * r * j), w * _cos(table, 16 * r * j - len(table) // 2)]
    return np.stack(columns, axis=1).astype(np.float32)


def trig_pair_queries(n: int, weights: list[int], table: np.ndarray) -> Iterator[np.ndarray]:
    """Max-margin queries of all pairs in dictionary order, in closed form (for two weights), as unit float32 rows in blocks.

    About its middle m a pair at angles m - s h / 2 and m + s h / 2 (h = 2 pi / n, shorter arc) sees the points of a parabola;
    the best query touches it between the pair and the nearest outsiders. The rule only proposes: every query is checked.
    """
    w1, w2 = (math.sqrt(p / sum(weights)) for p in weights)
    pairs = all_sets(n, 2)
    while block := list(islice(pairs, _BLOCK)):
        a, b = np.array(block).T
        s = np.minimum(b - a, n - (b - a))
        middle = np.where(b - a <= n - (b - a), a + b, a + b + n)  # in steps of pi / n
        far = _cos(table, 8 * (s + 2))
        near = np.where(s == 1, _cos(table, 8 * s), _cos(table, 8 * (s - 2)))
        # Neighbours (s = 1) are best cut off along the chord to the next point, all others by the line through both outsiders.
        first = np.where(s == 1, w1, 2 * w2 * (near + far))
        second = np.where(s == 1, 2 * w2 * (near + far), -w1)
        columns = [
            first * _cos(table, 8 * middle),
            first * _cos(table, 8 * middle - len(table) // 2),
            second * _cos(table, 16 * middle),
            second * _cos(table, 16 * middle - len(table) // 2),
        ]
        u = np.stack(columns, axis=1)
        yield (u / np.sqrt((u * u).sum(axis=1, keepdims=True))).astype(np.float32)


def _cos(table: np.ndarray, steps: np.ndarray) -> np.ndarray:
    """cos(pi steps / (len(table) - 1)) for whole numbers of any sign."""
    half = len(table) - 1
    turned = np.mod(steps, 2 * half)
    return table[np.minimum(turned, 2 * half - turned)]
