"""Certificates: made from frames, codes and vectors, written and read."""

from __future__ import annotations

import base64
import json
import math
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from limitlab._core.checks import choice, real, vectors, whole
from limitlab._core.errors import InvalidArgument, NotSolved, RangeError, ShapeError
from limitlab._core.files import write_text
from limitlab.capacity.codes import DualBCHCode, KerdockSet
from limitlab.capacity.frames import HarmonicFrame
from limitlab.capacity.verification import Verdict, rounding
from limitlab.capacity.verification.claim import SCHEMA
from limitlab.capacity.verification.codes import stored_gap
from limitlab.capacity.verification.frames import frame_loss
from limitlab.capacity.verification.vectors import all_sets_in_order, check_vectors
from limitlab.capacity.verifying import verify as check


@dataclass(frozen=True)
class Certificate:
    """A claim about what a number of dimensions holds, with what is needed to prove it again.

    Attributes
    ----------
    n_docs, k, dim, dtype, query_dtype
        The claim: every set spoken of is exactly on top in ``dim`` dimensions, documents and queries stored in these types.
    min_gap
        Least relevant minus greatest irrelevant score of the rounded vectors that is claimed for every set, in (0, 2]; 0 only for
        real numbers (dtype "exact"), where it means any positive gap.
    construction, proof
        As stored; ``proof["kind"]`` is orbit-enclosure, orbit-exact, exhaustive-exact or theorem.
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
        """``harmonic-frame-d12-n13873-k2``, ``dual-bch-d1024-n2^40-k4``: how a shipped certificate is addressed.

        Kerdock sets ship in two forms, ``kerdock-d64-n2048-k4`` (rows of signs) and ``kerdock-d64-n2112-k4`` (with unit vectors).
        """
        n = self.n_docs
        power = n.bit_length() - 1
        return f"{self.construction['kind']}-d{self.dim}-n{f'2^{power}' if power >= 40 and n == 1 << power else n}-k{self.k}"

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

    def code(self) -> DualBCHCode | KerdockSet:
        """The documents' code; the claim may speak of its first ``n_docs`` documents only.

        Raises
        ------
        InvalidArgument
            The construction is no code.
        """
        c = self.construction
        if c["kind"] not in ("dual-bch", "kerdock"):
            raise InvalidArgument(f"Certificate.code(): the construction must be a dual-bch or a kerdock; it is {c['kind']!r}.")
        return DualBCHCode(c["m"], c["t"], c["polynomial"]) if c["kind"] == "dual-bch" else KerdockSet(c["m"], c["polynomial"])


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
    choice(who, "dtype", dtype, rounding.NAMES)
    choice(who, "query_dtype", query_dtype, rounding.NAMES)
    if {dtype, query_dtype} & {"binary", "int64"}:
        raise RangeError(f"{who}: dtype and query_dtype must be types whose rounding has a bound; got {dtype!r} and {query_dtype!r}.")
    lost = frame_loss(dtype, query_dtype, frame.weights or ())
    if real(who, "gap", gap, high=2.0) <= lost:
        raise RangeError(f"{who}: gap must be more than rounding to {dtype} can take, {lost:.3g}; got {gap:.3g}.")
    proof: dict[str, Any] = {"kind": "orbit-enclosure", "multipliers": list(multipliers), "ideal_gap": float(gap)}
    if len(least_class):
        proof["least_class"] = [int(i) for i in least_class]
    return Certificate(
        n_docs=frame.n_docs,
        k=k,
        dim=dim,
        min_gap=rounded_down(gap - lost),
        construction={"kind": "harmonic-frame", "frequencies": list(frame.frequencies), "weights": list(frame.weights or ())},
        proof=proof,
        dtype=dtype,
        query_dtype=query_dtype,
    )


def code_certificate(
    code: DualBCHCode | KerdockSet,
    *,
    k: int | None = None,
    n_docs: int | None = None,
    dim: int | None = None,
    dtype: str | None = None,
    query_dtype: str = "int8",
    by: str = "orbit-exact",
) -> Certificate:
    """The claim that the sum of any k documents of a code finds them, with the gap that follows from the extreme inner products.

    Parameters
    ----------
    k
        None: the greatest for which a gap is proved, at most 127.
    n_docs
        The first so many documents; None: all of them (of a Kerdock set in "binary": all rows of signs).
    dim
        At least the code's own.
    dtype
        None: "binary", or "int8" when unit vectors of a Kerdock set are among the documents.
    query_dtype
        The sum is a whole-number query: exact in int8 up to k = 127, in fp8-e4m3 up to 16, in fp8-e5m2 up to 8, in float types.
    by
        "orbit-exact": the exact extremes; "theorem": those of the theorem of Carlitz and Uchiyama (dual BCH codes only).

    Raises
    ------
    RangeError
        An argument is out of range, or nothing is proved for this k and these types.
    UnknownName
        A type or a proof is not known.
    """
    who = "code_certificate()"
    choice(who, "by", by, ("orbit-exact", "theorem") if isinstance(code, DualBCHCode) else ("orbit-exact",))
    signs = code.n_docs if isinstance(code, DualBCHCode) else code.n_signs
    n = (signs if dtype == "binary" else code.n_docs) if n_docs is None else whole(who, "n_docs", n_docs, low=3, high=code.n_docs)
    dtype = choice(who, "dtype", dtype or ("binary" if n <= signs else "int8"), rounding.NAMES)
    choice(who, "query_dtype", query_dtype, rounding.NAMES)
    dim = code.dim if dim is None else whole(who, "dim", dim, low=code.dim)
    extremes = code.bound() if by == "theorem" and isinstance(code, DualBCHCode) else code.extremes()
    construction: dict[str, Any] = {"kind": "kerdock", "m": code.m, "polynomial": code.polynomial}
    if isinstance(code, DualBCHCode):
        construction = {"kind": "dual-bch", "m": code.m, "t": code.t, "polynomial": code.polynomial}
    proof: dict[str, Any] = {"kind": by, "least": extremes.least, "most": extremes.most}
    if by == "theorem":
        proof["theorem"] = "carlitz-uchiyama"
    claim = {"n_docs": n, "dim": dim, "dtype": dtype, "query_dtype": query_dtype}
    wanted = range(min(127, n - 1), 0, -1) if k is None else [whole(who, "k", k, low=1, high=n - 1, high_name="n_docs - 1")]
    for size in wanted:
        gap = stored_gap(claim | {"k": size}, construction, extremes)
        if gap > 0:
            return Certificate(n, size, dim, rounded_down(gap), construction, proof, dtype, query_dtype)
    raise RangeError(
        f"{who}: inner products must be small enough for k; got {extremes.least} to {extremes.most} in {code.dim} dimensions, "
        f"which prove nothing for k={k or 1} with documents in {dtype} and queries in {query_dtype}."
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
    found = check_vectors(
        d, (q[i : i + 2048] for i in range(0, count, 2048)), all_sets_in_order(len(d), k) if listed is None else map(tuple, listed)
    )
    if found.failed:
        raise NotSolved(f"{who}: the vectors do not hold every set: {found.failed}.")
    return Certificate(
        n_docs=len(d),
        k=k,
        dim=d.shape[1],
        min_gap=rounded_down(found.gap),
        construction={"kind": "vectors", "docs": _packed(d), "queries": _packed(q)},
        proof={"kind": "exhaustive-exact", "least_set": list(found.least)},
        sets="all" if listed is None else listed,
    )


def _packed(values: np.ndarray) -> str:
    return base64.b64encode(zlib.compress(np.ascontiguousarray(values, "<f4").tobytes(), 9)).decode("ascii")


def rounded_down(value: float) -> float:
    """A positive number rounded down to four digits; 0 stays 0."""
    if value <= 0:
        return 0.0
    digits = 3 - math.floor(math.log10(value))
    scaled = math.floor(value * 10.0**digits) if digits < 300 else math.floor(value * 10.0**150 * 10.0 ** (digits - 150))
    down = float(f"{scaled}e{-digits}")
    return down if down <= value else float(f"{scaled - 1}e{-digits}")
