"""Harmonic frames checked class by class, by enclosure: the error bound of every number compared is part of the comparison.

Document ``j`` of ``n`` is, for frequencies ``f`` with squared weights ``p_f / P`` (whole numbers, ``P`` their sum),
``v_j = (sqrt(p_f/P) cos(2 pi f j / n), sqrt(p_f/P) sin(2 pi f j / n))_f``: a unit vector. Shifting all documents by one is
a rotation of the space, mirroring them a reflection, and multiplying by ``g`` a permutation of coordinates whenever
``f -> g f mod n`` permutes the frequencies up to sign and keeps their weights. So one set of every class is enough.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from typing import Any

import numpy as np

from limitlab.capacity.verification import rounding
from limitlab.capacity.verification.claim import MOST_DOCS, Refused, all_sets, float_types, how_many, whole, wholes
from limitlab.capacity.verification.cosines import cosine_table
from limitlab.capacity.verification.here import HERE, Mapper
from limitlab.capacity.verification.propose import least_norm_points

_UNIT = 2.0**-53
_MOST_VALUES = 2**28  # numbers held in memory
_MOST_STEPS = 2**40  # products of one complete check, k > 2
_TILE = 4096  # documents scored together; the best of each tile joins the working set, so small sets get small tiles
_BLOCK = 128
_PASSES = 60


@dataclass(frozen=True)
class Found:
    """How a check ended: ``failed`` names the first class that was not separated, with the best gap seen for it."""

    classes: int
    error_bound: float
    failed: str = ""


def check_frame(
    n: int, k: int, frequencies: list[int], weights: list[int], multipliers: list[int], gap: float, *, map: Mapper = HERE
) -> Found:
    """Whether every k-subset of the ideal vectors has a unit query whose gap is at least ``gap``.

    Parameters
    ----------
    n, k
        Documents, n < 2**25; size of the sets, 2 <= k < n.
    frequencies, weights
        Whole numbers, one weight >= 1 a frequency.
    multipliers
        Multipliers used to join classes; each is checked. Only for k = 2.
    gap
        > 0.
    map
        Does the blocks of classes; the result is the same whoever does them.
    """
    classes = _pair_blocks(n, pair_classes(n, frequencies, weights, multipliers)) if k == 2 else _set_blocks(set_classes(n, k))
    names: deque[list[str]] = deque()  # of the blocks that are being done, oldest first

    def blocks() -> Iterator[tuple[int, np.ndarray]]:
        for family, inside, called in classes:
            names.append(called)
            yield family, inside

    bound, count = 0.0, 0
    try:
        for size, error, failed, best in map(_check_block, (n, k, tuple(frequencies), tuple(weights), gap), blocks()):
            called = names.popleft()
            bound, count = max(bound, error), count + size
            if failed is not None:
                return Found(count, bound, f"{called[failed]}: the best gap found is {best:.6g}, below {gap:.6g}")
    finally:
        _points.cache_clear()
        _table.cache_clear()
    return Found(count, bound)


def _check_block(
    shared: tuple[int, int, tuple[int, ...], tuple[int, ...], float], block: tuple[int, np.ndarray]
) -> tuple[int, float, int | None, float]:
    """(classes, greatest error bound, the first class that was not separated, its best gap) of some classes of one family."""
    n, k, frequencies, weights, gap = shared
    family, inside = block
    separated, best, error = _separate(_points(n, k, frequencies, weights, family), inside, gap)
    if separated.all():
        return len(inside), error, None, 0.0
    at = int((~separated).argmax())
    return len(inside), error, at, float(best[at])


def symmetric_under(n: int, frequencies: list[int], weights: list[int], multiplier: int) -> bool:
    """Whether f -> multiplier * f mod n permutes the frequencies up to sign and keeps their weights."""
    if math.gcd(multiplier, n) != 1:
        return False

    def folded(factor: int) -> list[tuple[int, int]]:
        return sorted((min(f * factor % n, -f * factor % n), p) for f, p in zip(frequencies, weights))

    return folded(1) == folded(multiplier)


def pair_classes(n: int, frequencies: list[int], weights: list[int], multipliers: list[int]) -> list[int]:
    """One difference D of every class of pairs {i, i + D}, 1 <= D <= n // 2.

    Raises
    ------
    ValueError
        A multiplier is no symmetry.
    """
    for g in multipliers:
        if not symmetric_under(n, frequencies, weights, g):
            raise ValueError(f"multiplying by {g} does not map the frequencies to themselves")
    seen = bytearray(n // 2 + 1)
    classes = []
    for first in range(1, n // 2 + 1):
        if seen[first]:
            continue
        classes.append(first)
        seen[first] = 1
        reached = [first]
        while reached:
            d = reached.pop()
            for g in multipliers:
                e = min(d * g % n, -d * g % n)
                if not seen[e]:
                    seen[e] = 1
                    reached.append(e)
    return classes


def set_classes(n: int, k: int) -> Iterator[tuple[int, ...]]:
    """One k-subset {0, ...} of every class under shifts and the reflection, as its members.

    The steps between neighbours around the circle are k whole numbers with sum n. Of the sequences that a shift or the
    reflection turns into each other only the least in dictionary order is kept; it begins with the least step.
    """

    def steps(left: int, parts: int, least: int) -> Iterator[list[int]]:
        if parts == 1:
            if left >= least:
                yield [left]
            return
        for first in range(least, left - (parts - 1) * least + 1):
            for rest in steps(left - first, parts - 1, least):
                yield [first, *rest]

    for least in range(1, n // k + 1):
        for rest in steps(n - least, k - 1, least):
            s = [least, *rest]
            turns = [s[i:] + s[:i] for i in range(k)]
            if all(s <= t and s <= t[::-1] for t in turns):
                yield tuple(np.cumsum([0, *s[:-1]]).tolist())


def _pair_blocks(n: int, classes: list[int]) -> Iterator[tuple[int, np.ndarray, list[str]]]:
    """(family, place of each pair among the family's points, names) of blocks of differences; the family is a parity.

    For odd n every difference is even, or becomes so as n - D: one family. For even n there are two.
    """
    for parity in (0, 1):
        mine = [(d, d if d % 2 == parity else n - d) for d in classes if (n % 2 == 0 and d % 2 == parity) or (n % 2 == 1 and parity == 0)]
        for start in range(0, len(mine), _BLOCK):
            part = mine[start : start + _BLOCK]
            yield parity, np.array([[(place - parity) // 2] for _, place in part]), [f"pairs {{i, i + {d}}}" for d, _ in part]


def _set_blocks(classes: Iterator[tuple[int, ...]]) -> Iterator[tuple[int, np.ndarray, list[str]]]:
    """(0, members, names) of blocks of sets."""
    while block := list(islice(classes, _BLOCK)):
        yield 0, np.array(block), [f"sets {m} + i" for m in block]


@lru_cache(maxsize=1)
def _points(n: int, k: int, frequencies: tuple[int, ...], weights: tuple[int, ...], family: int) -> np.ndarray:
    """What a query is compared with: shape (points, coordinates), float64.

    Pairs: the mirror image of the best query about the pair's middle is as good, so the best one is symmetric. Seen from the middle, in
    half steps t, a symmetric query sees document t as ``(w_f cos(pi f t / n))_f``; t and -t look the same, and t has the parity of D. The
    pair itself is one point. Sets of any other size: documents and queries in all 2 m coordinates.
    """
    weight = np.sqrt(np.array(weights, float) / sum(weights))
    if k == 2:
        table, t = _table(n), np.arange(family, n + 1, 2)
        angles = [np.mod(f * t, 2 * n) for f in frequencies]
        return np.stack([w * table[np.minimum(a, 2 * n - a)] for w, a in zip(weight, angles)], axis=1)
    table = _table(4 * n)  # sin(x) = cos(x - pi/2), and pi/2 is 2 n steps of pi / (4 n)
    columns = []
    for f, w in zip(frequencies, weight):
        for quarter in (0, 2 * n):
            a = np.mod(8 * f * np.arange(n) - quarter, 8 * n)
            columns.append(w * table[np.minimum(a, 8 * n - a)])
    return np.stack(columns, axis=1)


@lru_cache(maxsize=1)
def _table(n: int) -> np.ndarray:
    """For both parities."""
    return cosine_table(n)


def _separate(points: np.ndarray, inside: np.ndarray, gap: float) -> tuple[np.ndarray, np.ndarray, float]:
    """(separated, best proven gap, greatest error bound) of each set; directions come from ``least_norm_points``."""
    count = len(inside)
    best = np.full(count, -np.inf)
    direction = points[inside].mean(axis=1)
    pool = np.empty((count, 0), np.int64)
    todo, largest = np.arange(count), 0.0
    for _ in range(_PASSES):
        proven, rivals, error = proven_gaps(points, inside[todo], direction)
        largest = max(largest, float(error.max()))
        best[todo] = np.maximum(best[todo], proven)
        again = best[todo] < gap
        todo, rivals, pool = todo[again], rivals[again], pool[again]
        if todo.size == 0:
            break
        first = pool.shape[1] == 0
        pool = np.concatenate([pool, rivals], axis=1)
        differences = (points[pool][:, :, None, :] - points[inside[todo]][:, None, :, :]).reshape(todo.size, -1, points.shape[1])
        least = least_norm_points(differences, goal=gap * (4 if first else 1.5))
        reach = np.sqrt(np.einsum("sd,sd->s", least, least))
        if (reach < gap * (1 - 1e-9)).any():  # two points of the hulls are nearer than the gap: no query has it, looking on is idle
            break
        direction = -least
    return best >= gap, best, largest


def proven_gaps(points: np.ndarray, inside: np.ndarray, direction: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Lower bounds on the gap of the unit queries ``direction / |direction|``, the best outside document of every tile, and the error.

    A table entry errs by 2**-53 at most, its product with a weight (itself rounded twice) by 3 more; a float64 dot product
    of m terms by m 2**-53 / (1 - m 2**-53) times the sum of the |a_f x_f| in any order of summation [Higham2002, section 3.1].
    With |x_f| <= 1 a score is wrong by at most (m + 6) 2**-53 |a|_1, where the spare units cover second-order terms.
    """
    m = points.shape[1]
    norm = np.sqrt(np.einsum("sd,sd->s", direction, direction))
    norm = np.where(norm > 0, norm, 1.0)
    error = (m + 6) * _UNIT * np.abs(direction).sum(axis=1) / norm
    lowest = np.einsum("skd,sd->sk", points[inside], direction).min(axis=1)
    rows = np.arange(len(inside))
    tops, rivals = [], []
    tile = min(_TILE, max(16, len(points) // 16))
    for start in range(0, len(points), tile):
        scores = direction @ points[start : start + tile].T
        for column in inside.T:
            here = (column >= start) & (column < start + tile)
            scores[rows[here], column[here] - start] = -np.inf
        top = scores.argmax(axis=1)
        rivals.append(start + top)
        tops.append(scores[rows, top])
    values, chosen = np.stack(tops, axis=1), np.stack(rivals, axis=1)
    highest = values.max(axis=1)
    # A tile of the set's own documents alone has no rival; the best one of all tiles stands in.
    chosen = np.where(np.isfinite(values), chosen, chosen[rows, values.argmax(axis=1)][:, None])
    proven = ((lowest - highest) / norm - 2 * error) * (1 - np.sign(lowest - highest) * (m + 16) * _UNIT)
    return proven, chosen, error


def prove(record: Mapping[str, Any], claim: Mapping[str, Any], map: Mapper = HERE) -> tuple[str, dict[str, Any]]:
    """The reason and the numbers of the proof, or Refused."""
    n, k = claim["n_docs"], claim["k"]
    all_sets(claim)
    float_types(claim)
    frequencies, weights, multipliers = _fields(record, claim)
    lost = frame_loss(claim["dtype"], claim["query_dtype"], weights)
    needed = claim["min_gap"] + lost
    try:
        found = check_frame(n, k, frequencies, weights, multipliers, needed, map=map)
    except ValueError as error:
        raise Refused(str(error)) from error
    if found.failed:
        raise Refused(f"not proved for {found.failed}, which the claim needs before rounding")
    facts: dict[str, Any] = {"classes": found.classes, "sets": how_many(n, k), "error_bound": found.error_bound, "rounding_loss": lost}
    ideal = f"all {how_many(n, k)} sets, by one set of each of {found.classes:,} symmetry classes: ideal gap at least {needed:.6g}"
    if claim["dtype"] == claim["query_dtype"] == "exact":
        return ideal, facts
    scoring = rounding.scoring_loss(claim["dtype"], claim["query_dtype"], claim["dim"])
    facts |= {"scoring_loss": scoring, "gap_with_rounded_scores": max(0.0, claim["min_gap"] - scoring)}
    return f"{ideal}, after rounding to {claim['dtype']} at least {claim['min_gap']:.6g}", facts


def frame_loss(dtype: str, query_dtype: str, weights: Sequence[int]) -> float:
    """What rounding documents and queries can take from a gap: all vectors live in two coordinates a weight, the others are 0.

    No coordinate of a document is greater than the square root of its weight's share.
    """
    return rounding.rounding_loss(dtype, query_dtype, 2 * len(weights), largest=math.sqrt(max(weights) / sum(weights)))


def _fields(record: Mapping[str, Any], claim: Mapping[str, Any]) -> tuple[list[int], list[int], list[int]]:
    """Frequencies, weights and multipliers, in range and not more than the check takes on."""
    n, k, dim = claim["n_docs"], claim["k"], claim["dim"]
    whole(n, "claim.n_docs", 3, MOST_DOCS)
    whole(k, "claim.k", 2, min(n - 1, 64))
    frequencies = wholes(record["construction"]["frequencies"], "frequencies", 1, n - 1)
    weights = wholes(record["construction"]["weights"], "weights", 1, 2**40)
    if len(weights) != len(frequencies):
        raise Refused(f"there must be one weight a frequency; there are {len(weights)} and {len(frequencies)}")
    if 2 * len(frequencies) > dim:
        raise Refused(f"{len(frequencies)} frequencies take {2 * len(frequencies)} dimensions; the claim is {dim}")
    multipliers = record["proof"].get("multipliers", [])
    if multipliers != []:
        multipliers = wholes(multipliers, "multipliers", 2, n - 1)
        if k != 2:
            raise Refused("multipliers join classes for k = 2 only")
    classes = math.comb(n, k) // (2 * n)  # at least so many for k > 2
    if n * len(frequencies) > _MOST_VALUES or (k > 2 and classes * n * dim > _MOST_STEPS):
        raise Refused(f"the check of {n:,} documents, k = {k}, is more than this check takes on")
    return frequencies, weights, multipliers
