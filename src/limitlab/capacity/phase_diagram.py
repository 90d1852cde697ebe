"""The phase diagram of capacity: for each number of documents the dimensions that are needed, shown to suffice, and certified to suffice."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from limitlab._core.checks import choice, real, whole
from limitlab._core.errors import RangeError
from limitlab.capacity.catalogue import certificates_for
from limitlab.capacity.evidence import NO_DIM, certified, existing, impossible
from limitlab.capacity.verification import rounding

SCHEMA = "limitlab.capacity-map/1"
DIMS = (2, 16_384)
N_DOCS = (10, 10**12)
_PER_DECADE = 5


@dataclass(frozen=True)
class PhasePoint:
    """One number of documents.

    Attributes
    ----------
    n_docs
        Number of documents.
    impossible_below
        Fewer dimensions are impossible; None: all are (no vectors have the gap).
    existing_from, certified_from
        These dimensions are shown, or certified, to suffice; None: none are known up to the map's last dimension.
    is_step
        Added beside the even spacing because a certificate ends here or one document earlier; ``existing_from`` is not computed.
    certificate
        Name of the certificate.
    """

    n_docs: int
    impossible_below: int | None
    existing_from: int | None
    certified_from: int | None
    certificate: str | None
    is_step: bool = False


@dataclass(frozen=True)
class PhaseMap:
    """The diagram of one k, gap and pair of number types.

    Attributes
    ----------
    k, gap, dtype, query_dtype
        As asked; gap 0.0: any positive gap.
    dims
        Least and greatest dimension of the map.
    points
        Ascending in n_docs; both sides of every step of the certified line are among them.
    """

    k: int
    gap: float
    dtype: str
    query_dtype: str
    dims: tuple[int, int]
    points: tuple[PhasePoint, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain values with a schema version."""
        return {"schema": SCHEMA, **self.__dict__, "dims": list(self.dims), "points": [dict(p.__dict__) for p in self.points]}


def phase_map(
    k: int = 2,
    *,
    gap: float = 0.0,
    dtype: str = "float32",
    query_dtype: str = "float32",
    n_docs: tuple[int, int] = N_DOCS,
    dims: tuple[int, int] = DIMS,
) -> PhaseMap:
    """Compute the phase diagram; see ``capacity`` for what the words mean.

    Parameters
    ----------
    k
        In [1, 256].
    gap
        In [0, 2); 0: any positive gap after rounding.
    n_docs, dims
        First and last number of documents, at most 1e15, and of dimensions, at most 2**24.

    Raises
    ------
    RangeError, UnknownName
        A number is outside its range; a type is not known.
    """
    who = "phase_map()"
    k = whole(who, "k", k, low=1, high=256)
    gap = real(who, "gap", gap, low=0.0, high=2.0)
    types: dict[str, Any] = {
        "dtype": choice(who, "dtype", dtype, rounding.NAMES),
        "query_dtype": choice(who, "query_dtype", query_dtype, rounding.NAMES),
    }
    low, high = (whole(who, "n_docs", n, low=2, high=10**15) for n in n_docs)
    first, last = (whole(who, "dims", d, low=1, high=2**24) for d in dims)
    if low >= high or first >= last:
        raise RangeError(f"{who}: n_docs and dims must ascend; got n_docs={n_docs}, dims={dims}.")
    low = max(low, k + 1)
    even = _even(low, high)
    steps = {c.n_docs + more for c in certificates_for(last, k, min_gap=gap, **types) for more in (0, 1)}
    added = [n for n in steps - set(even) if low <= n <= high]
    points = [_point(n, k, gap, types, last) for n in even] + [_point(n, k, gap, types, last, is_step=True) for n in added]
    return PhaseMap(k, gap, dtype, query_dtype, (first, last), tuple(sorted(points, key=lambda p: p.n_docs)))


def _even(low: int, high: int) -> list[int]:
    """Numbers of documents evenly spaced on a log axis, powers of ten among them."""
    exponents = range(math.floor(_PER_DECADE * math.log10(low)), math.ceil(_PER_DECADE * math.log10(high)) + 1)
    return sorted({low, high, *(n for n in (round(10 ** (e / _PER_DECADE)) for e in exponents) if low <= n <= high)})


def _point(n: int, k: int, gap: float, types: dict[str, Any], last: int, *, is_step: bool = False) -> PhasePoint:
    never = impossible(n, k, gap=gap, **types)
    if never.dim == NO_DIM:
        return PhasePoint(n, None, None, None, None, is_step)
    shown = None if is_step else existing(n, k, gap=gap, max_dim=last, **types)
    made = certified(n, k, gap=gap, **types)
    if made is not None and made.dim > last:
        made = None
    existing_from = shown.dim if shown is not None and shown.dim <= last else None
    return PhasePoint(n, never.dim, existing_from, None if made is None else made.dim, None if made is None else made.name, is_step)
