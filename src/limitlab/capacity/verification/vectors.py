"""Stored vectors checked set by set over all sets, exactly: float32 products are exact in float64, close calls go to fractions."""

from __future__ import annotations

import base64
import binascii
import math
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from itertools import combinations, islice
from typing import Any

import numpy as np

from limitlab.capacity.verification.claim import Refused, all_sets, how_many, shown, wholes
from limitlab.capacity.verification.cosines import cosine_table

_UNIT = 2.0**-53
_BLOCK = 2048
_MOST_VALUES = 2**30


@dataclass(frozen=True)
class Found:
    """``gap`` is the least gap of unit vectors in the directions of the stored ones, rounded down; ``failed`` names a set."""

    sets: int
    gap: float
    least: tuple[int, ...] = ()
    failed: str = ""


def all_sets_in_order(n: int, k: int) -> Iterator[tuple[int, ...]]:
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
    terms = docs.shape[1]
    spare = (terms + 16) * _UNIT  # what a float64 length can be off, relatively, and more
    longest = math.sqrt(float(np.einsum("nd,nd->n", wide, wide).max())) * (1 + spare)
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
        error = 2 * (terms + 1) * _UNIT * norms * (1 + spare) * longest
        for q in np.flatnonzero(difference <= error):
            exact = exact_difference(docs, block[q], members[q])
            if exact <= 0:
                return Found(
                    count + int(q), worst, least, f"set {tuple(members[q].tolist())}: an irrelevant document scores as much or more"
                )
            difference[q], error[q] = float(exact) * (1 - 2.0**-50), 0.0
        gaps = (difference - error) / (norms * longest) * (1 - 2 * spare)
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
    pairs = all_sets_in_order(n, 2)
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


def prove_trig(record: Mapping[str, Any], claim: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """The reason and the numbers of the proof for the trigonometric curve in float32, or Refused."""
    n = claim["n_docs"]
    all_sets(claim)
    weights = wholes(record["construction"]["weights"], "weights", 1, 2**40)
    if claim["k"] != 2 or len(weights) != 2 or claim["dim"] < 4 or not 5 <= n <= 4096:
        raise Refused("the trigonometric curve is checked set by set for k = 2, two weights, dim >= 4 and 5 to 4,096 documents")
    _float32(claim)
    table = cosine_table(8 * n)
    docs = trig_docs(n, weights, table)
    return _exhaustive(docs, trig_pair_queries(n, weights, table), claim)


def prove(record: Mapping[str, Any], claim: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """The reason and the numbers of the proof for stored vectors, or Refused."""
    n, k, dim = claim["n_docs"], claim["k"], claim["dim"]
    _float32(claim)
    sets = claim["sets"]
    if sets == "all" and min(k, n - k) * math.log(n / min(k, n - k)) > math.log(_MOST_VALUES):
        raise Refused(f"the claim has {how_many(n, k)} sets; stored vectors are checked up to {_MOST_VALUES:,} values")
    if sets != "all":
        if not isinstance(sets, list) or not sets or not all(isinstance(s, list) for s in sets):
            raise Refused("claim.sets must be 'all', or a list of lists of document numbers")
        for i, s in enumerate(sets):
            members = wholes(s, f"sets[{i}]", 0, n - 1)
            if len(members) != k or len(set(members)) != k:
                raise Refused(f"sets[{i}] must hold k = {k} different documents; it holds {shown(len(set(members)))}")
    count = math.comb(n, k) if sets == "all" else len(sets)
    if (count + n) * dim > _MOST_VALUES:
        raise Refused(f"the claim has {shown(count)} sets; stored vectors are checked up to {_MOST_VALUES:,} values")
    docs = _array(record["construction"]["docs"], "docs", (n, dim))
    if not (np.einsum("nd,nd->n", docs.astype(np.float64), docs.astype(np.float64)) > 0).all():
        raise Refused("a document is the zero vector")
    queries = _array(record["construction"]["queries"], "queries", (count, dim))
    return _exhaustive(docs, (queries[i : i + _BLOCK] for i in range(0, count, _BLOCK)), claim)


def _float32(claim: Mapping[str, Any]) -> None:
    """float32 values are float64 values, and the check is exact: it holds for both."""
    if not {claim["dtype"], claim["query_dtype"]} <= {"float32", "float64"}:
        raise Refused("stored vectors are checked in float32, or as float64; the claim is another type")


def _array(text: Any, name: str, shape: tuple[int, int]) -> np.ndarray:
    """Base64 of zlib of little-endian float32 values, row by row."""
    size = 4 * shape[0] * shape[1]
    try:
        unpacker = zlib.decompressobj()
        raw = unpacker.decompress(base64.b64decode(str(text), validate=True), size + 1)
    except (binascii.Error, zlib.error, ValueError) as error:
        raise Refused(f"{name} cannot be unpacked ({error})") from error
    if len(raw) != size or unpacker.unconsumed_tail or not unpacker.eof:
        raise Refused(f"{name} must hold {shape[0]} x {shape[1]} float32 values")
    values = np.frombuffer(raw, "<f4").reshape(shape)
    if not np.isfinite(values).all():
        raise Refused(f"{name} holds values that are not finite")
    return values


def _exhaustive(docs: np.ndarray, queries: Iterator[np.ndarray], claim: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    n, k = claim["n_docs"], claim["k"]
    sets = all_sets_in_order(n, k) if claim["sets"] == "all" else (tuple(s) for s in claim["sets"])
    found = check_vectors(docs, queries, sets)
    if found.failed:
        raise Refused(f"not proved: {found.failed}")
    if found.gap < claim["min_gap"]:
        raise Refused(f"not proved: set {found.least} has the gap {found.gap:.6g}, below {claim['min_gap']:.6g}")
    which = f"all {found.sets:,} sets" if claim["sets"] == "all" else f"the {found.sets:,} sets listed"
    facts = {"sets": found.sets, "least_gap": found.gap, "least_set": list(found.least)}
    return f"{which}, each in exact arithmetic on the stored float32 values: gap at least {found.gap:.6g}", facts
