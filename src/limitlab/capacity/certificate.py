"""Certificates: made from frames and vectors, written, read, and looked up among those that ship with limitlab."""

from __future__ import annotations

import base64
import json
import math
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np

from limitlab._core.checks import choice, real, vectors, whole
from limitlab._core.errors import InvalidArgument, NotSolved, RangeError, ShapeError, UnknownName
from limitlab._core.files import write_text
from limitlab.capacity.frames import HarmonicFrame
from limitlab.capacity.verification import Verdict, rounding
from limitlab.capacity.verification import verify as check
from limitlab.capacity.verification.certificate import SCHEMA
from limitlab.capacity.verification.vectors import check_vectors


@dataclass(frozen=True)
class Certificate:
    """A claim about what a number of dimensions holds, with what is needed to prove it again.

    Attributes
    ----------
    n_docs, k, dim, dtype, query_dtype
        The claim: every set spoken of is exactly on top in ``dim`` dimensions, documents and queries stored in these types.
    min_gap
        Least relevant minus greatest irrelevant score of the rounded vectors that is claimed for every set, in (0, 2].
    construction, proof
        As stored; ``proof["kind"]`` is orbit-enclosure or exhaustive-exact.
    sets
        "all", or the list of sets.
    """

    n_docs: int
    k: int
    dim: int
    min_gap: float
    construction: dict[str, Any]
    proof: dict[str, Any]
    dtype: str = "float32"
    query_dtype: str = "float32"
    sets: str | list[list[int]] = field(default="all", repr=False)

    @property
    def name(self) -> str:
        """``harmonic-frame-d12-n13873-k2``: how a shipped certificate is addressed."""
        return f"{self.construction['kind']}-d{self.dim}-n{self.n_docs}-k{self.k}"

    def to_dict(self) -> dict[str, Any]:
        """The file's content."""
        names = ("n_docs", "k", "dim", "dtype", "query_dtype", "sets", "min_gap")
        return {"schema": SCHEMA, "claim": {n: getattr(self, n) for n in names}, "construction": self.construction, "proof": self.proof}

    @classmethod
    def from_dict(cls, record: Mapping[str, Any]) -> Certificate:
        """The inverse of ``to_dict``; nothing is checked, see ``verify``."""
        return cls(**record["claim"], construction=dict(record["construction"]), proof=dict(record["proof"]))

    def save(self, path: str | Path) -> Path:
        """Write as JSON."""
        return write_text(path, json.dumps(self.to_dict(), allow_nan=False) + "\n")

    def verify(self) -> Verdict:
        """Prove the claim again."""
        return check(self.to_dict())

    def frame(self) -> HarmonicFrame:
        """The documents' frame.

        Raises
        ------
        InvalidArgument
            The construction is another one.
        """
        if self.construction["kind"] != "harmonic-frame":
            raise InvalidArgument(f"Certificate.frame(): the construction must be a harmonic-frame; it is {self.construction['kind']!r}.")
        return HarmonicFrame(self.n_docs, tuple(self.construction["frequencies"]), tuple(self.construction["weights"]))


def frame_certificate(
    frame: HarmonicFrame,
    gap: float,
    *,
    k: int = 2,
    dim: int | None = None,
    dtype: str = "float32",
    query_dtype: str = "float32",
    multipliers: Sequence[int] = (),
    least_class: Sequence[int] = (),
) -> Certificate:
    """The claim that every k-subset of a frame keeps the gap that is left of ``gap`` (of ideal vectors) after rounding.

    Nothing is proved here; call ``verify`` on what is returned. The claimed gap is rounded down to four digits.

    Parameters
    ----------
    gap
        Least gap of the ideal vectors over all sets, > 0.
    dim
        At least the frame's own; more pads with zeros.
    multipliers
        Symmetries that join classes of pairs, see ``verification/frames.py``.
    least_class
        The set of documents with the least gap, if known; for the reader.

    Raises
    ------
    RangeError
        Rounding may take the whole gap.
    """
    who = "frame_certificate()"
    whole(who, "k", k, low=2, high=frame.n_docs - 1, high_name="n_docs - 1")
    dim = frame.dim if dim is None else whole(who, "dim", dim, low=frame.dim)
    choice(who, "dtype", dtype, rounding.TYPES)
    choice(who, "query_dtype", query_dtype, rounding.TYPES)
    lost = rounding.rounding_loss(dtype, query_dtype, dim)
    if real(who, "gap", gap, high=2.0) <= lost:
        raise RangeError(f"{who}: gap must be more than rounding to {dtype} can take, {lost:.3g}; got {gap:.3g}.")
    proof: dict[str, Any] = {"kind": "orbit-enclosure", "multipliers": list(multipliers), "ideal_gap": float(gap)}
    if len(least_class):
        proof["least_class"] = [int(i) for i in least_class]
    return Certificate(
        n_docs=frame.n_docs,
        k=k,
        dim=dim,
        min_gap=_down(gap - lost),
        construction={"kind": "harmonic-frame", "frequencies": list(frame.frequencies), "weights": list(frame.weights or ())},
        proof=proof,
        dtype=dtype,
        query_dtype=query_dtype,
    )


def vectors_certificate(
    docs: np.ndarray, queries: np.ndarray, sets: Sequence[Sequence[int]] | np.ndarray | None = None, *, k: int = 2
) -> Certificate:
    """A certificate of stored vectors: every set is checked here in exact arithmetic, and can be checked again.

    Parameters
    ----------
    docs, queries
        (n_docs, dim) and (n_sets, dim); stored as float32.
    sets
        The documents of each query, all of one size; None: all k-subsets in dictionary order.
    k
        Size of the sets when ``sets`` is None.

    Raises
    ------
    ShapeError
        Shapes do not fit, or values are not finite.
    NotSolved
        Some query does not score its set above every other document.
    """
    who = "vectors_certificate()"
    d = np.ascontiguousarray(vectors(who, "docs", docs), np.float32)
    q = np.ascontiguousarray(vectors(who, "queries", queries), np.float32)
    if d.shape[1] != q.shape[1] or not np.isfinite(d).all() or not np.isfinite(q).all():
        raise ShapeError(f"{who}: docs and queries must be finite and of one dimension; got shapes {d.shape} and {q.shape}.")
    listed = None if sets is None else [[int(i) for i in s] for s in sets]
    k = whole(who, "k", k if listed is None else len(listed[0]), low=1, high=len(d) - 1)
    count = math.comb(len(d), k) if listed is None else len(listed)
    if len(q) != count:
        raise ShapeError(f"{who}: there must be one query per set, {count:,}; got {len(q):,}.")
    if listed is not None and any(len(set(s)) != k or min(s) < 0 or max(s) >= len(d) for s in listed):
        raise ShapeError(f"{who}: every set must hold k={k} different documents in [0, {len(d)}).")
    from limitlab.capacity.verification.vectors import all_sets

    found = check_vectors(
        d, (q[i : i + 2048] for i in range(0, count, 2048)), all_sets(len(d), k) if listed is None else map(tuple, listed)
    )
    if found.failed:
        raise NotSolved(f"{who}: the vectors do not hold every set: {found.failed}.")
    return Certificate(
        n_docs=len(d),
        k=k,
        dim=d.shape[1],
        min_gap=_down(found.gap),
        construction={"kind": "vectors", "docs": _packed(d), "queries": _packed(q)},
        proof={"kind": "exhaustive-exact", "least_set": list(found.least)},
        sets="all" if listed is None else listed,
    )


def _packed(values: np.ndarray) -> str:
    return base64.b64encode(zlib.compress(np.ascontiguousarray(values, "<f4").tobytes(), 9)).decode("ascii")


def _down(value: float) -> float:
    """Rounded down to four digits."""
    digits = 3 - math.floor(math.log10(value))
    scaled = math.floor(value * 10.0**digits)
    down = float(f"{scaled}e{-digits}")
    return down if down <= value else float(f"{scaled - 1}e{-digits}")


@lru_cache(maxsize=1)
def shipped() -> tuple[Certificate, ...]:
    """The certificates that come with limitlab, ascending in k, dim and n."""
    text = resources.files("limitlab.capacity").joinpath("data/certificates.jsonl").read_text(encoding="utf-8")
    found = [Certificate.from_dict(json.loads(line)) for line in text.splitlines() if line.strip()]
    return tuple(sorted(found, key=lambda c: (c.k, c.dim, c.n_docs)))


def shipped_certificate(name: str) -> Certificate:
    """A shipped certificate by name.

    Raises
    ------
    UnknownName
        There is none of that name.
    """
    known = {c.name: c for c in shipped()}
    if name not in known:
        raise UnknownName.of("certificate", "name", name, known)
    return known[name]


def certified_n(dim: int, k: int = 2, *, min_gap: float = 1e-3) -> Certificate:
    """The shipped certificate with the most documents that holds in ``dim`` dimensions with at least this gap.

    A certificate for fewer dimensions holds in more: zeros are appended.

    Raises
    ------
    NotSolved
        No shipped certificate says anything about it; that is no limit.

    Examples
    --------
    >>> certified_n(6).n_docs > 100
    True
    """
    who = "certified_n()"
    whole(who, "dim", dim, low=1)
    whole(who, "k", k, low=1)
    real(who, "min_gap", min_gap, low=0.0, high=2.0)
    fitting = [c for c in shipped() if c.k == k and c.dim <= dim and c.min_gap >= min_gap and c.sets == "all"]
    if not fitting:
        raise NotSolved(f"{who}: no shipped certificate for k={k} holds in {dim} dimensions with gap {min_gap:g}; that is no limit.")
    return max(fitting, key=lambda c: (c.n_docs, -c.dim, c.min_gap))
