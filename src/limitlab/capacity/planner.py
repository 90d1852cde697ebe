"""The planner: whether n documents, k relevant ones and d dimensions go together in a number type, or the one of them that is left out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from limitlab._core.checks import choice, real, whole
from limitlab._core.errors import InvalidArgument
from limitlab.capacity.catalogue import certificates_for
from limitlab.capacity.evidence import (
    MOST_DIM,
    NO_DIM,
    Evidence,
    certified,
    evidence_of,
    existing,
    existing_gap,
    exists_in,
    gap_ceiling,
    impossible,
)
from limitlab.capacity.verification import rounding
from limitlab.published import critical_n_cubic, critical_n_table

STATUSES = ("possible", "exists", "impossible", "open")
MOST_DOCS = 10**18
MOST_K = 4096
_SAYS_NOT = (
    "This is about which vectors can exist: all sets of k documents, each with its best query. It does not say what a trained encoder "
    "learns, and not being certified is no limit."
)


@dataclass(frozen=True)
class CapacityAnswer:
    """What is known about one question of capacity.

    Attributes
    ----------
    n_docs, k, dim
        As asked; None for the one that was solved for.
    gap
        Least gap asked for after rounding; 0.0: any positive gap.
    dtype, query_dtype
        Number types of documents and queries.
    solved_for
        "n_docs", "k", "dim" or "gap" (when the other three are given and no gap).
    status
        "possible": certified, see ``certified``. "exists": a theorem constructs nothing, see ``existing``. "impossible": see
        ``impossible``. "open": none of them. With ``n_docs``, ``k`` or ``dim`` left out: None, the three answers differ.
    certified, existing, impossible
        The evidence, or None. With a number left out: the most documents (the largest k, the fewest dimensions, the greatest gap) that
        are certified and that are shown to exist, and the first that is impossible.
    value_certified, value_existing, value_impossible
        The number that was left out, in the same three senses; None: none is known.
    needs_certified, needs_existing, needs_at_least
        With n_docs and k given: dimensions that are certified to suffice, that are shown to suffice, and that are needed at least.
    extrapolation
        Where the paper's cubic of one optimiser's critical n stands in ``dim`` dimensions; k = 2 only, and no limit.
    """

    n_docs: int | None
    k: int | None
    dim: int | None
    gap: float
    dtype: str
    query_dtype: str
    solved_for: str | None
    status: str | None
    certified: Evidence | None
    existing: Evidence | None
    impossible: Evidence | None
    value_certified: float | int | None = None
    value_existing: float | int | None = None
    value_impossible: float | int | None = None
    needs_certified: int | None = None
    needs_existing: int | None = None
    needs_at_least: int | None = None
    extrapolation: float | None = None

    @property
    def says_not(self) -> str:
        """What no answer of this kind says."""
        return _SAYS_NOT

    def to_dict(self) -> dict[str, Any]:
        """Plain values with a schema version."""
        parts = {k: v.to_dict() if isinstance(v, Evidence) else v for k, v in self.__dict__.items()}
        return {"schema": "limitlab.capacity/1", **parts, "says_not": self.says_not}


def capacity(
    *,
    n_docs: int | None = None,
    k: int | None = None,
    dim: int | None = None,
    gap: float | None = None,
    dtype: str = "float32",
    query_dtype: str = "float32",
) -> CapacityAnswer:
    """Whether all k-subsets of n documents fit into d dimensions, or the one of the numbers that is left out.

    Unit vectors; a set fits when some query scores each of its documents above all others by at least the gap (without one: strictly), with documents and
    queries rounded to their types and scores summed exactly. Nothing is optimised and nothing is sampled: the answer names a
    certificate, a theorem, or says that the question is open.

    Parameters
    ----------
    n_docs
        In [2, 1e18].
    k
        In [1, n_docs - 1], at most 4,096.
    dim
        In [1, 2**24].
    gap
        Least gap after rounding, in (0, 2]; None: any positive one, and with the other three given the gap itself is solved for.
    dtype, query_dtype
        float64, float32, bfloat16, float16, fp8-e4m3, fp8-e5m2, int8, int8-per-dim, binary, int64, or exact (real numbers).

    Raises
    ------
    InvalidArgument
        More than one of n_docs, k and dim is left out.
    RangeError, UnknownName
        A number is outside its range; a type is not known.

    Examples
    --------
    >>> capacity(n_docs=50_000_000, k=10, dim=1024, dtype="int8").status
    'exists'
    >>> capacity(k=2, dim=1024, dtype="binary", gap=0.3).value_certified
    1099511627776
    """
    who = "capacity()"
    missing = [name for name, value in (("n_docs", n_docs), ("k", k), ("dim", dim)) if value is None]
    if len(missing) > 1:
        raise InvalidArgument(
            f"{who}: at most one of n_docs, k and dim may be left out; got no {' and no '.join(missing)}. Give one of them."
        )
    n_docs = None if n_docs is None else whole(who, "n_docs", n_docs, low=2, high=MOST_DOCS)
    top = MOST_K if n_docs is None else min(MOST_K, n_docs - 1)
    k = None if k is None else whole(who, "k", k, low=1, high=top, high_name="" if n_docs is None or top == MOST_K else "n_docs - 1")
    dim = None if dim is None else whole(who, "dim", dim, low=1, high=MOST_DIM)
    least = 0.0 if gap is None else real(who, "gap", gap, low=5e-324, high=2.0)
    types: dict[str, Any] = {
        "dtype": choice(who, "dtype", dtype, rounding.NAMES),
        "query_dtype": choice(who, "query_dtype", query_dtype, rounding.NAMES),
    }
    asked = {"n_docs": n_docs, "k": k, "dim": dim, "gap": least, **types}
    if n_docs is not None and k is not None:
        answer = _sized(asked, n_docs, k, dim, least, types, solve_gap=gap is None)
    elif n_docs is None:
        answer = _most_docs(asked, int(k or 0), int(dim or 0), least, types)
    else:
        answer = _largest_k(asked, n_docs, int(dim or 0), least, types)
    return answer


def _sized(asked: dict[str, Any], n: int, k: int, dim: int | None, gap: float, types: dict[str, Any], *, solve_gap: bool) -> CapacityAnswer:
    """n_docs and k are given: dimensions, and with ``dim`` the status and perhaps the gap."""
    made = certified(n, k, gap=gap, **types)
    exists = existing(n, k, gap=gap, **types)
    never = impossible(n, k, gap=gap, dim=dim, **types)
    needs: dict[str, Any] = {
        "needs_certified": None if made is None else made.dim,
        "needs_existing": None if exists is None else exists.dim,
        "needs_at_least": None if never.dim == NO_DIM else never.dim,
    }
    if dim is None:
        values: dict[str, Any] = dict(zip(("value_certified", "value_existing", "value_impossible"), needs.values()))
        status = "impossible" if never.dim == NO_DIM else None
        return CapacityAnswer(
            **asked, solved_for="dim", status=status, certified=made, existing=exists, impossible=never, **needs, **values
        )
    here = certified(n, k, gap=gap, dim=dim, **types)
    shown = exists if exists is not None and exists.dim <= dim else None
    if here is not None:
        status = "possible"
    elif dim < never.dim:
        status = "impossible"
    else:
        status = "exists" if shown is not None else "open"
    values = {}
    excluded = never if dim < never.dim else None
    if solve_gap and excluded is None:
        excluded = gap_ceiling(n, k, dim=dim, **types)
        values = {
            "value_certified": None if here is None else here.gap,
            "value_existing": existing_gap(n, k, dim=dim, **types) or None,
            "value_impossible": excluded.gap,
        }
    return CapacityAnswer(
        **asked,
        solved_for="gap" if solve_gap else None,
        status=status,
        certified=here,
        existing=shown or exists,
        impossible=excluded or never,
        extrapolation=_extrapolation(k, dim),
        **needs,
        **values,
    )


def _most_docs(asked: dict[str, Any], k: int, dim: int, gap: float, types: dict[str, Any]) -> CapacityAnswer:
    """k and dim are given: the most documents certified, the most shown to exist, the fewest that are impossible."""
    found = certificates_for(dim, k, min_gap=gap, **types)
    made = evidence_of(found[0]) if found else None

    def shown(n: int) -> bool:
        return exists_in(n, k, dim=dim, gap=gap, **types)

    def never(n: int) -> bool:
        return impossible(n, k, gap=gap, dim=dim, **types).dim > dim

    most = _last(shown, k + 1, MOST_DOCS)
    first = _first(never, k + 1, MOST_DOCS)
    return CapacityAnswer(
        **asked,
        solved_for="n_docs",
        status=None,
        certified=made,
        existing=None if most is None else existing(most, k, gap=gap, **types),
        impossible=None if first is None else impossible(first, k, gap=gap, dim=dim, **types),
        value_certified=None if made is None else made.n_docs,
        value_existing=most,
        value_impossible=first,
        extrapolation=_extrapolation(k, dim),
    )


def _largest_k(asked: dict[str, Any], n: int, dim: int, gap: float, types: dict[str, Any]) -> CapacityAnswer:
    """n_docs and dim are given: the largest k certified, the largest shown to exist, the least that is impossible (k <= n / 2)."""
    top = min(MOST_K, max(1, n // 2))

    def holds(k: int) -> bool:
        return certified(n, k, gap=gap, dim=dim, **types) is not None

    def shown(k: int) -> bool:
        return exists_in(n, k, dim=dim, gap=gap, **types)

    def never(k: int) -> bool:
        return impossible(n, k, gap=gap, dim=dim, **types).dim > dim

    largest = max((k for k in _candidates(top, dim) if holds(k)), default=None)
    most, first = _last(shown, 1, top), _first(never, 1, top)
    return CapacityAnswer(
        **asked,
        solved_for="k",
        status=None,
        certified=None if largest is None else certified(n, largest, gap=gap, dim=dim, **types),
        existing=None if most is None else existing(n, most, gap=gap, **types),
        impossible=None if first is None else impossible(n, first, gap=gap, dim=dim, **types),
        value_certified=largest,
        value_existing=most,
        value_impossible=first,
    )


def _candidates(top: int, dim: int) -> list[int]:
    """Values of k at which something may be certified: all up to 64, and the largest of the curve (2 k <= dim) and the simplex."""
    return sorted({k for k in (*range(1, min(top, 64) + 1), min(top, dim // 2, 256), min(top, dim), top) if 1 <= k <= top})


def _extrapolation(k: int, dim: int) -> float | None:
    """The paper's cubic, where it means anything: pairs, from its first dimension on."""
    return critical_n_cubic(dim) if k == 2 and dim >= critical_n_table()[0][0] else None


def _last(holds: Callable[[int], bool], low: int, high: int) -> int | None:
    """The greatest number in [low, high] of a condition that larger numbers lose; None when it never holds."""
    if not holds(low):
        return None
    reach = low
    while reach < high and holds(min(high, 2 * reach)):
        reach = min(high, 2 * reach)
    if reach == high:
        return high
    top = min(high, 2 * reach)
    while top - reach > 1:
        middle = (reach + top) // 2
        reach, top = (middle, top) if holds(middle) else (reach, middle)
    return reach


def _first(holds: Callable[[int], bool], low: int, high: int) -> int | None:
    """The least number in [low, high] of a condition that larger numbers keep; None when it never holds."""
    if holds(low):
        return low
    last = _last(lambda n: not holds(n), low, high)
    return None if last is None or last == high else last + 1
