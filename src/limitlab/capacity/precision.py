"""Whether a construction survives rounding to a number type, and up to how many documents."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from limitlab._core.checks import choice, whole
from limitlab._core.errors import InvalidArgument, RangeError, TooLarge
from limitlab.capacity.curves import pair_gap_asymptote
from limitlab.capacity.exact_scores import set_differences
from limitlab.capacity.number_types import NUMBER_TYPES, number_type, round_to
from limitlab.capacity.sets import Sets, all_sets
from limitlab.search import separate

_BLOCK = 2048
_MOST_SETS = 20_000_000


class Construction(Protocol):
    """Documents, and a query for every set of them."""

    n_docs: int

    @property
    def dim(self) -> int: ...

    def docs(self) -> np.ndarray: ...

    def queries(self, sets: Sets) -> np.ndarray: ...


@dataclass(frozen=True)
class Survival:
    """Whether every k-subset is still strictly on top after rounding.

    Attributes
    ----------
    survives
        All sets were checked, and in each the least score inside is greater than every score outside.
    n_docs, k, dim, dtype, query_dtype, accumulation
        What was asked.
    sets
        Sets looked at: all C(n_docs, k) when it survives, those up to the first failure otherwise.
    least_gap
        Least (score inside - score outside) / (|query| longest |document|) over the sets looked at.
    failed
        The first set that failed; empty when it survives.
    """

    survives: bool
    n_docs: int
    k: int
    dim: int
    dtype: str
    query_dtype: str
    accumulation: str
    sets: int
    least_gap: float
    failed: tuple[int, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return {"schema": "limitlab.survival/1", **self.__dict__, "failed": list(self.failed)}


@dataclass(frozen=True)
class LargestN:
    """Up to how many documents a family of constructions survives rounding.

    Attributes
    ----------
    every_up_to
        Every n from ``low`` up to here survives; ``low - 1`` when not even ``low`` does.
    largest
        The largest single n up to ``scanned_to`` that survives: at least ``every_up_to``.
    low, scanned_to
        All n in between were checked, each over all sets. Nothing is said about larger ones.
    first_failure
        Of the least n that fails; None when all survive.
    """

    every_up_to: int
    largest: int
    low: int
    scanned_to: int
    first_failure: Survival | None

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        failure = self.first_failure
        return {"schema": "limitlab.largest_n/1", **self.__dict__, "first_failure": failure.to_dict() if failure else None}


def survives(
    construction: Construction,
    dtype: str,
    *,
    k: int = 2,
    query_dtype: str | None = None,
    accumulation: str = "exact",
    solve_on: str = "ideal",
    rule: str | None = None,
) -> Survival:
    """Round documents and queries, score, and look at every k-subset: is it still strictly on top?

    Rounding breaks the symmetry of a construction, so no set stands for another: all are checked. Symmetry only decides which
    are looked at first.

    Parameters
    ----------
    construction
        Documents and queries before rounding: TrigCurve, HarmonicFrame, Simplex, RandomDocs, KhatriRao, or anything with
        ``n_docs``, ``dim``, ``docs()`` and ``queries(sets)``.
    dtype
        Number type of the documents, see ``NUMBER_TYPES``.
    k
        Documents of a set.
    query_dtype
        Number type of the queries; None: that of the documents. "float64" leaves them as they are.
    accumulation
        "exact": scores of the rounded vectors as real numbers, close calls decided in fractions. "native": every product
        is rounded to the type and added from the first dimension to the last, every sum rounded (no fused multiply-add); in
        the wider type when the two differ.
    solve_on
        "ideal": queries of the construction. "stored": max-margin queries for the documents as they are after rounding.
    rule
        Passed on to ``construction.queries``.

    Raises
    ------
    UnknownName
        No such number type, accumulation or solve_on.
    InvalidArgument
        Native accumulation is asked of int8 or binary, whose sums of whole numbers are exact, or of two types of which
        neither holds the other.
    TooLarge
        More than 20,000,000 sets.

    Examples
    --------
    >>> from limitlab.capacity import TrigCurve
    >>> survives(TrigCurve(20), "bfloat16").survives, survives(TrigCurve(21), "bfloat16").survives
    (True, False)
    """
    who = "survives()"
    query_dtype = dtype if query_dtype is None else query_dtype
    number_type(who, dtype)
    number_type(who, query_dtype, name="query_dtype")
    choice(who, "solve_on", solve_on, ("ideal", "stored"))
    add_in = _accumulator(who, dtype, query_dtype, choice(who, "accumulation", accumulation, ("exact", "native")))
    n, k = construction.n_docs, whole(who, "k", k, low=1, high=construction.n_docs - 1, high_name="n_docs - 1")
    if math.comb(n, k) > _MOST_SETS:
        raise TooLarge(f"{who}: {math.comb(n, k):,} sets are to be checked; the limit is {_MOST_SETS:,}. Ask fewer documents.")
    ideal = construction.docs()
    docs = round_to(ideal, dtype).astype(np.float64)
    longest = float(np.linalg.norm(docs, axis=1).max())
    looked_at, least = 0, math.inf
    for table in _hard_first(n, k, whole_table=query_dtype == "int8-per-dim"):
        asked = separate(docs, table).queries if solve_on == "stored" else construction.queries(table, **({"rule": rule} if rule else {}))
        stored = round_to(asked, query_dtype).astype(np.float64)
        for at in range(0, len(table), _BLOCK):
            queries, members = stored[at : at + _BLOCK], table[at : at + _BLOCK]
            difference = set_differences(docs, queries, members) if add_in is None else _native(docs, queries, members, add_in)
            lengths = np.maximum(np.linalg.norm(queries, axis=1) * longest, 5e-324)
            bad = np.flatnonzero(~(difference > 0))
            seen = slice(0, int(bad[0]) + 1) if bad.size else slice(None)
            least = min(least, float((difference / lengths)[seen].min()))
            looked_at += len(difference[seen])
            if bad.size:
                failed = tuple(members[bad[0]].tolist())
                return Survival(False, n, k, construction.dim, dtype, query_dtype, accumulation, looked_at, least, failed)
    return Survival(True, n, k, construction.dim, dtype, query_dtype, accumulation, looked_at, least)


def largest_n(
    family: Callable[[int], Construction],
    dtype: str,
    *,
    k: int = 2,
    low: int = 5,
    high: int | None = None,
    query_dtype: str | None = None,
    accumulation: str = "exact",
    solve_on: str = "ideal",
    rule: str | None = None,
) -> LargestN:
    """Check every n from ``low`` on, each over all k-subsets, and say up to where all survive.

    Parameters
    ----------
    family
        The construction for n documents: ``TrigCurve``, or ``lambda n: TrigCurve(n, 6)``.
    dtype, k, query_dtype, accumulation, solve_on, rule
        As for ``survives``.
    low
        First n.
    high
        Last n. None: a quarter beyond the first failure, and 8 more.

    Examples
    --------
    >>> from limitlab.capacity import TrigCurve
    >>> found = largest_n(TrigCurve, "fp8-e4m3")
    >>> found.every_up_to, found.largest, found.scanned_to
    (12, 12, 24)
    """
    who = "largest_n()"
    low = whole(who, "low", low, low=2)
    last = None if high is None else whole(who, "high", high, low=low)
    first, largest, n = None, low - 1, low
    while last is None or n <= last:
        found = survives(family(n), dtype, k=k, query_dtype=query_dtype, accumulation=accumulation, solve_on=solve_on, rule=rule)
        if found.survives:
            largest = n
        elif first is None:
            first = found
            last = n + n // 4 + 8 if last is None else last
        n += 1
    return LargestN(first.n_docs - 1 if first else n - 1, largest, low, n - 1, first)


def rule_of_thumb(dtype: str, *, weights: tuple[int, int] = (4, 1)) -> float:
    """About where the trigonometric curve in dimension 4 stops: ``(c / u)**(1/4)``, c n**-4 the least gap, u the unit roundoff.

    4.65 u**(-1/4) for the best weights. A measurement turned into a rule: rounding may cost about u, so pairs survive while the gap is
    above it. It is no bound.

    Examples
    --------
    >>> [round(rule_of_thumb(t)) for t in ("bfloat16", "float16", "float32")]
    [19, 31, 298]
    """
    unit = number_type("rule_of_thumb()", dtype).unit
    if unit is None:
        floating = ", ".join(t.name for t in NUMBER_TYPES.values() if t.unit)
        raise RangeError(f"rule_of_thumb(): dtype must have a unit roundoff: {floating}; got {dtype}.")
    return (pair_gap_asymptote(weights) / unit) ** 0.25


def _hard_first(n: int, k: int, *, whole_table: bool) -> Iterator[np.ndarray]:
    """All k-subsets; pairs with the smallest circular distances first, those with one document between before neighbours."""
    if k == 2:
        table = next(all_sets(n, 2, block=_MOST_SETS))
        apart = np.minimum(table[:, 1] - table[:, 0], n - (table[:, 1] - table[:, 0]))
        table = table[np.argsort(np.where(apart == 1, 3.5, apart), kind="stable")]
        block = len(table) if whole_table else 8 * _BLOCK
        yield from (table[at : at + block] for at in range(0, len(table), block))
        return
    yield from all_sets(n, k, block=_MOST_SETS if whole_table else 8 * _BLOCK)


def _accumulator(who: str, dtype: str, query_dtype: str, accumulation: str) -> str | None:
    """The type that native sums are rounded to; None for exact ones."""
    if accumulation == "exact":
        return None
    types = sorted((NUMBER_TYPES[dtype], NUMBER_TYPES[query_dtype]), key=lambda t: (t.significand, -t.least_exponent))
    narrow, wide = types
    if narrow.unit is None:
        raise InvalidArgument(
            f"{who}: accumulation must be 'exact' for {narrow.name}, whose sums of whole numbers are exact anyway; got 'native'."
        )
    if narrow.least_exponent - narrow.significand < wide.least_exponent - wide.significand:
        raise InvalidArgument(
            f"{who}: native accumulation needs one type that holds the other; got {dtype} and {query_dtype}. Use 'exact'."
        )
    return wide.name


def _native(docs: np.ndarray, queries: np.ndarray, members: np.ndarray, dtype: str) -> np.ndarray:
    """Least score inside minus greatest outside, summed in the type itself from the first dimension to the last."""
    own = {"float16": np.float16, "float32": np.float32, "float64": np.float64}.get(dtype)
    if own is not None:  # numpy rounds float16 products and sums once: 24 bits are enough for that
        total = np.zeros((len(queries), len(docs)), own)
        for q, d in zip(queries.T.astype(own), docs.T.astype(own)):
            total += q[:, None] * d[None, :]
        scores = total.astype(np.float64)
    else:
        scores = np.zeros((len(queries), len(docs)))
        for q, d in zip(queries.T, docs.T):
            scores = round_to(scores + round_to(q[:, None] * d[None, :], dtype), dtype).astype(np.float64)
    rows = np.arange(len(queries))[:, None]
    low = scores[rows, members].min(axis=1)
    scores[rows, members] = -np.inf
    return low - scores.max(axis=1)
