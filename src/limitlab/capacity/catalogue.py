"""The certificates that ship with limitlab, and what they prove for other k, number types and dimensions."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from functools import lru_cache
from importlib import resources

from limitlab._core.checks import choice, real, whole
from limitlab._core.errors import NotSolved, UnknownName
from limitlab.capacity.certificate import Certificate, rounded_down
from limitlab.capacity.closed_forms import closed_form_certificates
from limitlab.capacity.verification import rounding
from limitlab.capacity.verification.codes import Extremes, stored_gap
from limitlab.capacity.verification.frames import frame_loss

_WIDER = {("float32", "float32"), ("float32", "float64"), ("float64", "float64")}


@lru_cache(maxsize=1)
def shipped() -> tuple[Certificate, ...]:
    """The certificates that come with limitlab, ascending in k, dim and n."""
    text = resources.files("limitlab.capacity").joinpath("data/certificates.jsonl").read_text(encoding="utf-8")
    found = [Certificate.from_dict(json.loads(line)) for line in text.splitlines() if line.strip()]
    return tuple(sorted(found, key=lambda c: (c.k, c.dim, c.n_docs)))


def shipped_certificate(name: str) -> Certificate:
    """A shipped certificate by name; one of a code also by the name with any smaller k, restated for that k.

    Raises
    ------
    UnknownName
        There is none of that name.
    """
    known = {c.name: c for c in shipped()}
    if name in known:
        return known[name]
    if match := re.fullmatch(r"((?:dual-bch|kerdock)-d\d+-n[\d^]+)-k(\d{1,6})", name):
        for c in known.values():
            if c.name.startswith(match[1] + "-k") and 1 <= int(match[2]) < c.k and (found := restated(c, k=int(match[2]))):
                return found
    raise UnknownName.of("certificate", "name", name, known)


def holds(
    certificate: Certificate, dtype: str, query_dtype: str = "float32", *, k: int | None = None, dim: int | None = None
) -> float | None:
    """The gap that a certificate's proof gives for other number types, a smaller k, or more dimensions; None: it gives none.

    A proof with room to spare says more than its claim. Codes: signs are exact in every type, the gap is computed anew for k.
    Frames: the ideal gap that was proved, less what rounding to the types can take, for the claim's k only. Theorems likewise.
    Stored vectors and the trigonometric curve in float32: as claimed, and in float64. Fewer documents hold what more do.

    Parameters
    ----------
    k
        None: the claim's.
    dim
        None: the claim's. In one bit a larger one lowers the gap, otherwise zeros are appended.

    Raises
    ------
    RangeError, UnknownName
        An argument is out of range or not known.
    """
    who = "holds()"
    choice(who, "dtype", dtype, rounding.NAMES)
    choice(who, "query_dtype", query_dtype, rounding.NAMES)
    c = certificate
    k = c.k if k is None else whole(who, "k", k, low=1)
    dim = c.dim if dim is None else whole(who, "dim", dim, low=1)
    kind = c.construction["kind"]
    if dim < c.dim or c.sets != "all":
        return None
    if kind in ("dual-bch", "kerdock"):
        if k > c.k:
            return None
        asked = {"n_docs": c.n_docs, "k": k, "dim": dim, "dtype": dtype, "query_dtype": query_dtype}
        gap = stored_gap(asked, c.construction, Extremes(c.proof["least"], c.proof["most"], 0))
        return gap or None
    if k != c.k:
        return None
    if (dtype, query_dtype) == (c.dtype, c.query_dtype):
        return c.min_gap
    if {dtype, query_dtype} & {"binary", "int64"}:
        return None
    if kind == "harmonic-frame":
        weights = c.construction["weights"]
        gap = c.min_gap + frame_loss(c.dtype, c.query_dtype, weights) - frame_loss(dtype, query_dtype, weights)
        return gap if gap > 0 else None
    wider = (c.dtype, dtype) in _WIDER and (c.query_dtype, query_dtype) in _WIDER
    return c.min_gap if wider and c.proof["kind"] == "exhaustive-exact" else None


def restated(
    certificate: Certificate, *, k: int | None = None, dim: int | None = None, dtype: str | None = None, query_dtype: str | None = None
) -> Certificate | None:
    """A certificate for other types, a smaller k or more dimensions, with the gap that its proof gives for them; None: it gives none.

    Unchanged arguments give back the same object. What is returned is a certificate of its own: ``verify`` proves it as it stands.
    """
    c = certificate
    k, dim = c.k if k is None else k, c.dim if dim is None else dim
    dtype, query_dtype = dtype or c.dtype, query_dtype or c.query_dtype
    if (k, dim, dtype, query_dtype) == (c.k, c.dim, c.dtype, c.query_dtype):
        return c
    gap = holds(c, dtype, query_dtype, k=k, dim=dim)
    if gap is None or rounded_down(gap) <= 0:
        return None
    return replace(c, k=k, dim=dim, dtype=dtype, query_dtype=query_dtype, min_gap=gap if gap == c.min_gap else rounded_down(gap))


def certified_n(dim: int, k: int = 2, *, min_gap: float = 1e-3, dtype: str = "float32", query_dtype: str | None = None) -> Certificate:
    """The shipped certificate with the most documents that holds in ``dim`` dimensions with at least this gap.

    A certificate for fewer dimensions holds in more: zeros are appended. One of a code holds for smaller k, and one of any
    construction in all types that its gap leaves room for; it is then restated for the k and the types asked for.

    Parameters
    ----------
    dim, k
        >= 1.
    min_gap
        In [0, 2]; 0: any positive gap.
    dtype, query_dtype
        Of documents and queries; ``query_dtype`` None: float32.

    Raises
    ------
    NotSolved
        No shipped certificate says anything about it; that is no limit.
    RangeError, UnknownName
        A number is out of range, or a type is not known.

    Examples
    --------
    >>> certified_n(6).n_docs > 100
    True
    >>> certified_n(1024, 2, dtype="binary", min_gap=0.4).n_docs == 2**40
    True
    """
    who = "certified_n()"
    whole(who, "dim", dim, low=1)
    whole(who, "k", k, low=1)
    real(who, "min_gap", min_gap, low=0.0, high=2.0)
    choice(who, "dtype", dtype, rounding.NAMES)
    query_dtype = choice(who, "query_dtype", query_dtype or "float32", rounding.NAMES)
    fitting = [c for c in _restated(dim, k, dtype, query_dtype) if c.min_gap >= min_gap]
    if not fitting:
        raise NotSolved(
            f"{who}: no shipped certificate for k={k} holds in {dim} dimensions with gap {min_gap:g} in {dtype} and {query_dtype}; "
            "that is no limit."
        )
    return max(fitting, key=lambda c: (c.n_docs, -c.dim, c.min_gap))


def certificates_for(
    dim: int, k: int = 2, *, min_gap: float = 0.0, dtype: str = "float32", query_dtype: str = "float32"
) -> list[Certificate]:
    """Everything certified for these numbers: shipped certificates and closed forms, most documents first.

    Each is restated for ``k`` and the types; a certificate for fewer dimensions is listed with its own (in one bit with ``dim``).
    May be empty; that is no limit.

    Raises
    ------
    RangeError, UnknownName
        A number is out of range, or a type is not known.
    """
    who = "certificates_for()"
    whole(who, "dim", dim, low=1)
    whole(who, "k", k, low=1)
    real(who, "min_gap", min_gap, low=0.0, high=2.0)
    choice(who, "dtype", dtype, rounding.NAMES)
    choice(who, "query_dtype", query_dtype, rounding.NAMES)
    found = [c for c in _restated(dim, k, dtype, query_dtype) if c.min_gap >= min_gap]
    found += closed_form_certificates(dim, k, min_gap=min_gap, dtype=dtype, query_dtype=query_dtype)
    return sorted(found, key=lambda c: (-c.n_docs, c.dim, -c.min_gap))


@lru_cache(maxsize=4096)
def _restated(dim: int, k: int, dtype: str, query_dtype: str) -> tuple[Certificate, ...]:
    found = []
    for c in shipped():
        if c.dim <= dim and c.sets == "all" and (c.k == k or (c.k > k and c.construction["kind"] in ("dual-bch", "kerdock"))):
            other = restated(c, k=k, dim=dim if dtype == "binary" else None, dtype=dtype, query_dtype=query_dtype)
            found += [other] if other else []
    return tuple(found)
