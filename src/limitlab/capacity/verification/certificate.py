"""Reading a certificate and deciding on it."""

from __future__ import annotations

import base64
import binascii
import json
import math
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from limitlab._core.errors import DataError
from limitlab.capacity.verification import frames, rounding, vectors
from limitlab.capacity.verification.cosines import cosine_table

SCHEMA = "limitlab.certificate/1"
_MOST_DOCS = 2**25 - 1
_MOST_VALUES = 2**30
_CLAIM = {"n_docs", "k", "dim", "dtype", "query_dtype", "sets", "min_gap"}
_CONSTRUCTIONS = {
    "harmonic-frame": {"frequencies", "weights"},
    "trig-curve": {"weights"},
    "vectors": {"docs", "queries"},
}


@dataclass(frozen=True)
class Verdict:
    """What a check found.

    Attributes
    ----------
    verified
        The claim was proved again, here and now.
    reason
        One sentence: what was proved, or why not.
    claim
        As stated in the certificate.
    facts
        Numbers of the proof: classes or sets checked, error bound, what rounding and scoring may cost.
    """

    verified: bool
    reason: str
    claim: dict[str, Any] = field(default_factory=dict)
    facts: dict[str, Any] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Plain values with a schema version."""
        return {"schema": "limitlab.verdict/1", **self.__dict__}


class _Refused(Exception):
    """Why a certificate is refused; becomes the reason of a verdict."""


def verify(source: str | Path | Mapping[str, Any]) -> Verdict:
    """Prove the claim of a certificate again, from its definition.

    Parameters
    ----------
    source
        A file, or the certificate as a mapping.

    Returns
    -------
    A Verdict. A certificate that is malformed, states a sample, or claims more than can be proved is refused with the
    reason; that a proof was not found does not show that the claim is false.

    Raises
    ------
    DataError
        The file cannot be read, or is not JSON.
    """
    record = _read(source) if isinstance(source, (str, Path)) else source
    claim: dict[str, Any] = {}
    try:
        claim = _claim(record)
        kind = record["proof"]["kind"]
        construction = record["construction"]["kind"]
        checks = {
            ("harmonic-frame", "orbit-enclosure"): _frame,
            ("trig-curve", "exhaustive-exact"): _trig,
            ("vectors", "exhaustive-exact"): _vectors,
        }
        if kind == "sampled":
            raise _Refused("a sample is no proof of a claim about all sets")
        if (construction, kind) not in checks:
            raise _Refused(f"no check is known for the construction {construction!r} with the proof kind {kind!r}")
        reason, facts = checks[construction, kind](record, claim)
        return Verdict(True, reason, claim, facts)
    except _Refused as refusal:
        return Verdict(False, str(refusal), claim)


def _read(path: str | Path) -> Any:
    try:
        text = Path(path).read_text(encoding="utf-8")
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise DataError.at(path, error.lineno, f"not a certificate: not valid JSON ({error.msg}); the file may be truncated") from error
    except (UnicodeDecodeError, RecursionError, ValueError) as error:
        raise DataError.at(path, None, "not a certificate: not a text of JSON") from error


def _claim(record: Any) -> dict[str, Any]:
    """The claim, with every field checked."""
    if not isinstance(record, Mapping) or record.get("schema") != SCHEMA:
        raise _Refused(f"not a certificate: the schema must be {SCHEMA!r}")
    for part in ("claim", "construction", "proof"):
        if not isinstance(record.get(part), Mapping):
            raise _Refused(f"the part {part!r} is missing")
    for part in ("construction", "proof"):
        if not isinstance(record[part].get("kind"), str):
            raise _Refused(f"{part}.kind is missing")
    claim = dict(record["claim"])
    if set(claim) != _CLAIM:
        raise _Refused(f"the claim must state {', '.join(sorted(_CLAIM))}; it states {', '.join(sorted(map(str, claim)))}")
    n = _whole(claim["n_docs"], "claim.n_docs", 2, _MOST_DOCS)
    _whole(claim["k"], "claim.k", 1, n - 1)
    _whole(claim["dim"], "claim.dim", 1, 2**20)
    for name in ("dtype", "query_dtype"):
        if not isinstance(claim[name], str) or claim[name] not in rounding.TYPES:
            raise _Refused(f"claim.{name} must be one of {', '.join(rounding.TYPES)}; it is {claim[name]!r}")
    gap = claim["min_gap"]
    if isinstance(gap, bool) or not isinstance(gap, (int, float)) or not 0 < gap <= 2:
        raise _Refused(f"claim.min_gap must be a number in (0, 2]; it is {gap!r}")
    kind = record["construction"]["kind"]
    given = set(record["construction"]) - {"kind"}
    if kind in _CONSTRUCTIONS and given != _CONSTRUCTIONS[kind]:
        raise _Refused(f"a {kind} must state {', '.join(sorted(_CONSTRUCTIONS[kind]))}; it states {', '.join(sorted(given)) or 'nothing'}")
    return claim


def _whole(value: Any, name: str, low: int, high: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise _Refused(f"{name} must be a whole number in [{low}, {high}]; it is {str(value)[:40]}")
    return value


def _wholes(value: Any, name: str, low: int, high: int) -> list[int]:
    if not isinstance(value, list) or not 1 <= len(value) <= 4096:
        raise _Refused(f"{name} must be a list of whole numbers")
    return [_whole(v, f"{name}[{i}]", low, high) for i, v in enumerate(value)]


def _all_sets(claim: Mapping[str, Any]) -> None:
    if claim["sets"] != "all":
        raise _Refused(f"claim.sets must be 'all' for this construction; it is {str(claim['sets'])[:40]!r}")


def _frame(record: Mapping[str, Any], claim: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    n, k, dim = claim["n_docs"], claim["k"], claim["dim"]
    _all_sets(claim)
    if k < 2 or k >= n:
        raise _Refused(f"the check of frames is for k >= 2; the claim is k = {k}")
    frequencies = _wholes(record["construction"]["frequencies"], "frequencies", 1, n - 1)
    weights = _wholes(record["construction"]["weights"], "weights", 1, 2**40)
    if len(weights) != len(frequencies):
        raise _Refused(f"there must be one weight a frequency; there are {len(weights)} and {len(frequencies)}")
    if 2 * len(frequencies) > dim:
        raise _Refused(f"{len(frequencies)} frequencies take {2 * len(frequencies)} dimensions; the claim is {dim}")
    multipliers = record["proof"].get("multipliers", [])
    if multipliers:
        multipliers = _wholes(multipliers, "multipliers", 2, n - 1)
        if k != 2:
            raise _Refused("multipliers join classes for k = 2 only")
    lost = rounding.rounding_loss(claim["dtype"], claim["query_dtype"], dim)
    needed = claim["min_gap"] + lost
    try:
        found = frames.check_frame(n, k, frequencies, weights, list(multipliers), needed)
    except ValueError as error:
        raise _Refused(str(error)) from error
    if found.failed:
        raise _Refused(f"not proved for {found.failed}, which the claim needs before rounding")
    scoring = rounding.scoring_loss(claim["dtype"], claim["query_dtype"], dim)
    facts = {
        "classes": found.classes,
        "sets": math.comb(n, k),
        "error_bound": found.error_bound,
        "rounding_loss": lost,
        "scoring_loss": scoring,
        "gap_with_rounded_scores": max(0.0, claim["min_gap"] - scoring),
    }
    reason = (
        f"all {math.comb(n, k):,} sets, by one set of each of {found.classes:,} symmetry classes: ideal gap at least {needed:.6g}, "
        f"after rounding to {claim['dtype']} at least {claim['min_gap']:.6g}"
    )
    return reason, facts


def _trig(record: Mapping[str, Any], claim: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    n = claim["n_docs"]
    _all_sets(claim)
    weights = _wholes(record["construction"]["weights"], "weights", 1, 2**40)
    if claim["k"] != 2 or len(weights) != 2 or claim["dim"] < 4 or n < 5 or n > 4096:
        raise _Refused("the trigonometric curve is checked for k = 2, two weights, dim >= 4 and 5 to 4,096 documents")
    _float32(claim)
    table = cosine_table(8 * n)
    docs = vectors.trig_docs(n, weights, table)
    return _exhaustive(docs, vectors.trig_pair_queries(n, weights, table), claim)


def _vectors(record: Mapping[str, Any], claim: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    n, k, dim = claim["n_docs"], claim["k"], claim["dim"]
    _float32(claim)
    sets = claim["sets"]
    if sets != "all":
        if not isinstance(sets, list) or not sets or not all(isinstance(s, list) for s in sets):
            raise _Refused("claim.sets must be 'all', or a list of lists of document numbers")
        for i, s in enumerate(sets):
            members = _wholes(s, f"sets[{i}]", 0, n - 1)
            if len(set(members)) != k:
                raise _Refused(f"sets[{i}] must hold k = {k} different documents; it holds {len(set(members))}")
    count = math.comb(n, k) if sets == "all" else len(sets)
    if (count + n) * dim > _MOST_VALUES:
        raise _Refused(f"the claim has {count:,} sets; stored vectors are checked up to {_MOST_VALUES:,} values")
    docs = _array(record["construction"]["docs"], "docs", (n, dim))
    if not (np.einsum("nd,nd->n", docs.astype(np.float64), docs.astype(np.float64)) > 0).all():
        raise _Refused("a document is the zero vector")
    queries = _array(record["construction"]["queries"], "queries", (count, dim))
    return _exhaustive(docs, (queries[i : i + 2048] for i in range(0, count, 2048)), claim)


def _float32(claim: Mapping[str, Any]) -> None:
    if (claim["dtype"], claim["query_dtype"]) != ("float32", "float32"):
        raise _Refused("stored vectors are checked in float32; the claim is another type")


def _array(text: Any, name: str, shape: tuple[int, int]) -> np.ndarray:
    """Base64 of zlib of little-endian float32 values, row by row."""
    size = 4 * shape[0] * shape[1]
    try:
        unpacker = zlib.decompressobj()
        raw = unpacker.decompress(base64.b64decode(str(text), validate=True), size + 1)
    except (binascii.Error, zlib.error, ValueError) as error:
        raise _Refused(f"{name} cannot be unpacked ({error})") from error
    if len(raw) != size or unpacker.unconsumed_tail or not unpacker.eof:
        raise _Refused(f"{name} must hold {shape[0]} x {shape[1]} float32 values")
    values = np.frombuffer(raw, "<f4").reshape(shape)
    if not np.isfinite(values).all():
        raise _Refused(f"{name} holds values that are not finite")
    return values


def _exhaustive(docs: np.ndarray, queries: Iterator[np.ndarray], claim: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    n, k = claim["n_docs"], claim["k"]
    sets = vectors.all_sets(n, k) if claim["sets"] == "all" else (tuple(s) for s in claim["sets"])
    found = vectors.check_vectors(docs, queries, sets)
    if found.failed:
        raise _Refused(f"not proved: {found.failed}")
    if found.gap < claim["min_gap"]:
        raise _Refused(f"not proved: set {found.least} has the gap {found.gap:.6g}, below {claim['min_gap']:.6g}")
    which = f"all {found.sets:,} sets" if claim["sets"] == "all" else f"the {found.sets:,} sets listed"
    facts = {"sets": found.sets, "least_gap": found.gap, "least_set": list(found.least)}
    return f"{which}, each in exact arithmetic on the stored float32 values: gap at least {found.gap:.6g}", facts
