"""Inner products of code documents, exactly: every pair of documents, by one Walsh-Hadamard transform of every class of cosets.

Documents are rows of signs (-1)**f(x), so the inner product of two of them is W = sum over x of (-1)**(f(x) + g(x)), a whole
number. Both codes below contain all linear functions of the bits of x: one transform of length d gives W for f + g and all
linear functions added to it. All arithmetic is in whole numbers: |W| <= d <= 2**14 fits int16 at every step.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache, partial
from itertools import product
from threading import Event, Lock
from typing import Any

import numpy as np

from limitlab.capacity.verification import rounding
from limitlab.capacity.verification.claim import Refused, all_sets, how_many, shown, whole
from limitlab.capacity.verification.fields import LARGEST, BinaryField, binary_field

MOST_STEPS = 2**37  # additions of one exact check: about two minutes
_CACHED = 1 << 17  # numbers transformed together: both buffers stay in a core's cache


@dataclass(frozen=True)
class Extremes:
    """Least and greatest inner product of two different documents (each of squared length d), and how many cosets were transformed."""

    least: int
    most: int
    cosets: int


def walsh_hadamard(values: np.ndarray, spare: np.ndarray) -> np.ndarray:
    """The transform of every column of ``values`` (d, columns), d a power of two; overwrites both arrays and returns one.

    Entry b of a column becomes the sum over x of (-1)**(number of common one-bits of b and x) times entry x.
    """
    d, columns = values.shape
    half = 1
    while half < d:
        old = values.reshape(d // (2 * half), 2, half, columns)
        new = spare.reshape(d // (2 * half), 2, half, columns)
        np.add(old[:, 0], old[:, 1], out=new[:, 0])
        np.subtract(old[:, 0], old[:, 1], out=new[:, 1])
        values, spare, half = spare, values, 2 * half
    return values


def _extremes(d: int, blocks: Iterator[Callable[[], np.ndarray]], within: Extremes | None) -> Extremes:
    """Over all blocks of columns of signs, transformed; stops at the first number outside ``within``, which settles the matter.

    Two threads: NumPy's loops run side by side.
    """

    def work(_: int) -> tuple[int, int, int]:
        spares: dict[int, np.ndarray] = {}
        least = most = cosets = 0
        while (make := next_block()) is not None and not settled.is_set():
            signs = make()
            columns = signs.shape[1]
            if columns not in spares:
                spares[columns] = np.empty((2, d, columns), np.int16)
            first, second = spares[columns]
            first[...] = signs
            sums = walsh_hadamard(first, second)
            least, most, cosets = min(least, int(sums.min())), max(most, int(sums.max())), cosets + columns
            if within is not None and (least < within.least or most > within.most):
                settled.set()
        return least, most, cosets

    settled = Event()
    next_block = _shared(blocks)
    with ThreadPoolExecutor(2) as pool:
        found = list(pool.map(work, range(2)))
    return Extremes(min(f[0] for f in found), max(f[1] for f in found), sum(f[2] for f in found))


def _shared(blocks: Iterator[Callable[[], np.ndarray]]) -> Callable[[], Callable[[], np.ndarray] | None]:
    """``next(blocks)``, one thread at a time; None at the end."""
    lock = Lock()

    def take() -> Callable[[], np.ndarray] | None:
        with lock:
            return next(blocks, None)

    return take


def dual_bch_extremes(field: BinaryField, t: int, within: Extremes | None = None) -> Extremes:
    """Extreme inner products of the documents (-1)**Tr(a_1 x + a_3 x**3 + ... + a_{2t-1} x**(2t-1)), a_i in the field, d = 2**m.

    The difference of two documents' coefficients is again such a vector, so W is wanted for every nonzero (a_1, a_3, ...). If only
    a_1 is not 0, W = 0: a linear function that is not constant (the trace is not 0 everywhere). The transform runs through all a_1,
    since a -> Tr(a x) gives every linear function. Which (a_3, a_5, ...) are left out is said at ``leading_pairs``.
    With ``within`` the search ends at the first inner product outside of it: then the result is not extreme, but outside as well.
    """
    exponents = list(range(3, 2 * t, 2))
    for e in exponents:
        _check_substitutions(field, e)
    return _extremes(field.size, _bch_blocks(field, exponents), within)


def dual_bch_cosets(m: int, t: int) -> int:
    """About how many cosets ``dual_bch_extremes`` transforms, to refuse what would take too long."""
    order, count = (1 << m) - 1, 0
    for left, e in enumerate(range(2 * t - 1, 1, -2)):
        g = math.gcd(e, order)
        count += g if left == 0 else max(1, (g << m) // (m * g)) << (m * (left - 1))
    return count


def leading_pairs(field: BinaryField, e: int, after: int) -> list[tuple[int, int]]:
    """One (i, b) of every class of vectors whose first nonzero coefficient is a_e = g**i and whose next one is a_after = b.

    Two substitutions permute the field and so leave W as it is: x -> c x turns a_j into c**j a_j for all j at once; x -> x**2 turns
    a_j into the square root of a_j, as Tr(y**2) = Tr(y), so its inverse squares every a_j. By the first, every a_e becomes one of
    g**0, ..., g**(G - 1), G = gcd(e, d - 1). What is left of both acts on the pairs (i, b), by these maps:

    - scaling by c with c**e = 1, generated by c = g**((d - 1) / G): b -> c**after b;
    - squaring, then scaling by c = g**s so that a_e = g**(2 i) becomes g**(2 i mod G) again: b -> c**after b**2.

    All later coefficients are run through afterwards, so what the maps do to them does not matter.
    """
    order = field.order
    g = math.gcd(e, order)
    step = -pow(e // g, -1, order // g) % order if order > g else 0  # e * step = -g modulo d - 1
    if (e * step + g) % order:
        raise ValueError(f"scaling does not lead back to a representative for x**{e}")
    b = np.arange(field.size)
    turned = field.times(field.powers[order // g * after % order], b)
    squared = field.times(b, b)
    rescaled = field.times(field.powers[step * after % order], squared)
    left = {(i, v) for i in range(g) for v in range(field.size)}
    chosen = []
    for pair in sorted(left):
        if pair not in left:
            continue
        chosen.append(pair)
        todo = [pair]
        while todo:
            i, v = todo.pop()
            if (i, v) in left:
                left.remove((i, v))
                twice = 2 * i
                todo += [(i, int(turned[v])), (twice, int(squared[v])) if twice < g else (twice - g, int(rescaled[v]))]
    return chosen


def _check_substitutions(field: BinaryField, e: int) -> None:
    """(g x)**e = g**e x**e and (x**2)**e = (x**e)**2 for all x; Tr(y**2) = Tr(y); every nonzero element is g**i c**e, i < gcd(e, d - 1)."""
    x, power = np.arange(field.size), field.to_the(e)
    g, squares = field.powers[1], field.times(x, x)
    if not np.array_equal(power[field.times(g, x)], field.times(power[g], power)):
        raise ValueError(f"scaling is no symmetry of x**{e}")
    if not np.array_equal(power[squares], squares[power]) or not np.array_equal(field.trace[squares], field.trace):
        raise ValueError(f"squaring is no symmetry of x**{e}")
    reached = {int(v) for i in range(math.gcd(e, field.order)) for v in field.times(field.powers[i], power[1:])}
    if reached != set(range(1, field.size)):
        raise ValueError(f"not every element is scaled to a representative for x**{e}")


def _bch_blocks(field: BinaryField, exponents: list[int]) -> Iterator[Callable[[], np.ndarray]]:
    """Blocks of columns of signs: the last coefficient runs along the columns, those before it are fixed in a block."""
    width = max(16, _CACHED // field.size)
    signs = (1 - 2 * field.trace).astype(np.int8)
    powers = {e: field.to_the(e) for e in exponents}

    def row(e: int, a: int) -> np.ndarray:
        return signs[field.times(powers[e], a)][:, None]

    @lru_cache(maxsize=_CACHED // 128)
    def columns(start: int) -> np.ndarray:
        return signs[field.times(powers[exponents[-1]][:, None], np.arange(start, min(field.size, start + width))[None, :])]

    def last_alone(e: int) -> np.ndarray:
        return np.concatenate([row(e, int(field.powers[i])) for i in range(math.gcd(e, field.order))], axis=1)

    def all_columns(prefix: np.ndarray, start: int) -> np.ndarray:
        return prefix * columns(start)

    for first, e in enumerate(exponents):
        later = exponents[first + 1 :]
        if not later:
            yield partial(last_alone, e)
            return
        for i, b in leading_pairs(field, e, later[0]):
            two = row(e, int(field.powers[i])) * row(later[0], b)
            if len(later) == 1:
                yield partial(np.asarray, two)
                continue
            for middle in product(range(field.size), repeat=len(later) - 2):
                prefix = two
                for f, a in zip(later[1:], middle):
                    prefix = prefix * row(f, a)
                for start in range(0, field.size, width):
                    yield partial(all_columns, prefix, start)


def kerdock_form(field: BinaryField, u: int) -> np.ndarray:
    """The bits of f_u(x, e) = sum_{i=1}^{(m-2)/2} Tr((u x)**(2**i + 1)) + e Tr(u x), m - 1 the field's degree [MacWilliamsSloane1977].

    Entry x + 2**(m-1) e of the result, shape (2**m,), int8, 0 or 1.
    """
    scaled = field.times(u, np.arange(field.size))
    square = np.zeros(field.size, np.int8)
    for i in range(1, (field.m - 1) // 2 + 1):
        square ^= field.trace[field.to_the(2**i + 1)[scaled]]
    return np.concatenate([square, square ^ field.trace[scaled]])


def kerdock_extremes(field: BinaryField) -> Extremes:
    """Extreme inner products of the documents (-1)**(f_u + linear), u in the field of 2**(m-1) elements, d = 2**m, m even.

    Two documents with one u differ by a linear function: W = 0. Otherwise W belongs to f_u + f_v + linear. Scaling x by c
    permutes the field, turns (u, v) into (c u, c v), which is checked for a generator c, and linear functions into linear
    functions. So u = 1 and all v other than 1 are enough (u = 0 is v = 0). The standard basis, scaled to squared length d, has
    inner products -sqrt(d) and sqrt(d) with every row of signs and 0 with itself; it changes nothing when these occur anyway.
    """
    d, width = 2 * field.size, max(16, _CACHED // (2 * field.size))
    one, g = kerdock_form(field, 1), int(field.powers[1])
    where = field.times(g, np.arange(field.size))
    if not np.array_equal(kerdock_form(field, g), one[np.concatenate([where, where + field.size])]):
        raise ValueError("scaling is no symmetry of the Kerdock forms")
    others = [v for v in range(field.size) if v != 1]

    def block(part: list[int]) -> np.ndarray:
        return np.stack([1 - 2 * (one ^ kerdock_form(field, v)) for v in part], axis=1)

    found = _extremes(d, iter([partial(block, others[i : i + width]) for i in range(0, len(others), width)]), None)
    root = math.isqrt(d)
    return Extremes(min(found.least, -root), max(found.most, root), found.cosets)


def carlitz_uchiyama(m: int, t: int) -> Extremes:
    """The bound |W| <= (2 t - 2) sqrt(d) of a theorem [CarlitzUchiyama1957]: nothing is computed.

    For f of odd degree D over GF(2**m), |sum over x of (-1)**Tr(f(x))| <= (D - 1) sqrt(2**m). Its hypothesis holds: the difference
    of two documents is a nonzero polynomial of odd exponents up to 2 t - 1 < 2**m, so its degree is odd and at most 2 t - 1.
    """
    most = math.isqrt((2 * t - 2) ** 2 << m)
    return Extremes(-most, most, 0)


def sum_query_gap(d: int, k: int, extremes: Extremes, *, length: int | None = None) -> float:
    """A gap that the sum of any k documents has as a query, scaled to unit length like the documents; 0 when none is proved.

    Documents have d**0.5 as length and inner products in [lo, hi]. Let r be the least, over the documents of the set, of the
    sum of inner products with the others of the set: r >= (k - 1) lo. Scores are d + r or more inside, k hi or less outside, and
    the squared length of the query is at most k d + 2 r + (k - 1)(k - 2) hi. The quotient grows with r because
    (k - 1) d + k hi + (k - 1)(k - 2) hi + r >= 0 (hi >= 0), so r = (k - 1) lo is the worst case.

    Parameters
    ----------
    length
        Squared length of the documents when a constant coordinate was appended to fill more dimensions; None: d.

    Returns
    -------
    Rounded down.
    """
    lo, hi = extremes.least, max(extremes.most, 0)
    if hi >= d:
        return 0.0  # two documents may be the same
    difference = d + (k - 1) * lo - k * hi
    square = k * d + 2 * (k - 1) * lo + (k - 1) * (k - 2) * hi
    if difference <= 0:
        return 0.0
    return difference / math.sqrt(square * (length or d)) * (1 - 2.0**-48)


def documents(construction: Mapping[str, Any]) -> tuple[int, int, int]:
    """(d, rows of signs, all documents) of a code: the standard basis is part of a Kerdock set, and is numbered last."""
    if construction["kind"] == "dual-bch":
        m = whole(construction["m"], "m", 2, LARGEST)
        t = whole(construction["t"], "t", 1, (1 << m) // 2)
        return 1 << m, 1 << (m * t), 1 << (m * t)
    m = whole(construction["m"], "m", 4, 12)
    if m % 2:
        raise Refused(f"a Kerdock set needs an even m; it is {m}")
    d = 1 << m
    return d, d * d // 2, d * d // 2 + d


def stored_gap(claim: Mapping[str, Any], construction: Mapping[str, Any], extremes: Extremes) -> float:
    """The gap proved for the claim's k and number types by the extreme inner products; 0 when none is.

    Rows of signs are exact in every type, and so is a whole-number query while its entries are small enough; a unit query that is
    rounded instead costs a gap twice what it moves by. In one bit nothing can be 0, so more dimensions are filled with a constant
    and the query with zeros there.
    """
    d, rows, _ = documents(construction)
    k, dtype, query_dtype = claim["k"], claim["dtype"], claim["query_dtype"]
    with_basis = claim["n_docs"] > rows
    if query_dtype == "binary" or (with_basis and dtype in ("binary", "int8-per-dim")):
        return 0.0
    gap = sum_query_gap(d, k, extremes, length=claim["dim"] if dtype == "binary" else None)
    largest = greatest_entry(claim, construction)
    if not rounding.holds_whole_numbers(query_dtype, largest):
        gap -= 2 * rounding.moved(query_dtype, d)
    return max(0.0, gap)


def greatest_entry(claim: Mapping[str, Any], construction: Mapping[str, Any]) -> int:
    """No entry of the sum of k documents is larger: two unit vectors are never at the same place."""
    d, rows, _ = documents(construction)
    return claim["k"] - 1 + (math.isqrt(d) if claim["n_docs"] > rows else 1)


def prove(record: Mapping[str, Any], claim: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """The reason and the numbers of the proof, or Refused."""
    construction, proof = record["construction"], record["proof"]
    all_sets(claim)
    n, k, dim = claim["n_docs"], claim["k"], claim["dim"]
    d, _, most_docs = documents(construction)
    if n > most_docs:
        raise Refused(f"the code has {shown(most_docs)} documents; the claim is {shown(n)}")
    if dim < d:
        raise Refused(f"the code takes {d} dimensions; the claim is {dim}")
    stated = Extremes(whole(proof.get("least"), "proof.least", -d, 0), whole(proof.get("most"), "proof.most", 0, d), 0)
    gap = stored_gap(claim, construction, stated)
    if gap < claim["min_gap"] or gap == 0:
        raise Refused(f"not proved: inner products in [{stated.least}, {stated.most}] give the gap {gap:.6g} for k = {k} in these types")
    try:
        found, by = _found(construction, proof, stated)
    except ValueError as error:
        raise Refused(str(error)) from error
    if found.least < stated.least or found.most > stated.most:
        raise Refused(f"inner products of documents reach [{found.least}, {found.most}]; the proof states [{stated.least}, {stated.most}]")
    facts = {"sets": how_many(n, k), "least": found.least, "most": found.most, "cosets": found.cosets, "least_gap": gap}
    if rounding.holds_whole_numbers(claim["query_dtype"], greatest_entry(claim, construction)):
        facts["greatest_sum"] = greatest_entry(claim, construction) * d  # scores and all their partial sums are whole numbers up to this
    return f"all {how_many(n, k)} sets, {by}: the sum of k documents has gap {gap:.6g} at least", facts


def _found(construction: Mapping[str, Any], proof: Mapping[str, Any], stated: Extremes) -> tuple[Extremes, str]:
    m, polynomial = construction["m"], construction["polynomial"]
    whole(polynomial, "polynomial", 2, 2 ** (LARGEST + 1))
    if construction["kind"] == "kerdock":
        found = kerdock_extremes(binary_field(m - 1, polynomial))
    else:
        t, field = construction["t"], binary_field(m, polynomial)
        if proof["kind"] == "theorem":
            if proof.get("theorem") != "carlitz-uchiyama":
                raise Refused(f"proof.theorem must be 'carlitz-uchiyama' for a dual-bch; it is {shown(proof.get('theorem'))}")
            return carlitz_uchiyama(m, t), "inner products bounded by the theorem of Carlitz and Uchiyama, whose hypotheses hold"
        if dual_bch_cosets(m, t) * field.size * m > MOST_STEPS:
            raise Refused(f"m = {m}, t = {t} has too many cosets to transform; the theorem of Carlitz and Uchiyama may serve")
        found = dual_bch_extremes(field, t, stated)
    return found, f"inner products of all pairs exact (cosets transformed in whole numbers: {found.cosets:,})"
