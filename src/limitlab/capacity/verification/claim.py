"""What a certificate claims: every field checked before anything is computed."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from limitlab.capacity.verification import rounding

SCHEMA = "limitlab.certificate/1"
MOST_DOCS = 2**25 - 1  # whose vectors are computed; a theorem or a code may speak of more
_FIELDS = {"n_docs", "k", "dim", "dtype", "query_dtype", "sets", "min_gap"}
_CONSTRUCTIONS = {
    "harmonic-frame": {"frequencies", "weights"},
    "trig-curve": {"weights"},
    "vectors": {"docs", "queries"},
    "dual-bch": {"m", "t", "polynomial"},
    "kerdock": {"m", "polynomial"},
    "simplex": set(),
    "integer-moment-curve": set(),
}


class Refused(Exception):
    """Why a certificate is refused; becomes the reason of a verdict."""


def read_claim(record: Any) -> dict[str, Any]:
    """The claim of a record, with every field checked.

    Raises
    ------
    Refused
        The record is no certificate, or a field is missing, unknown or out of range.
    """
    if not isinstance(record, Mapping) or record.get("schema") != SCHEMA:
        raise Refused(f"not a certificate: the schema must be {SCHEMA!r}")
    for part in ("claim", "construction", "proof"):
        if not isinstance(record.get(part), Mapping):
            raise Refused(f"the part {part!r} is missing")
    for part in ("construction", "proof"):
        if not isinstance(record[part].get("kind"), str):
            raise Refused(f"{part}.kind is missing")
    claim = dict(record["claim"])
    if set(claim) != _FIELDS:
        raise Refused(f"the claim must state {', '.join(sorted(_FIELDS))}; it states {', '.join(sorted(shown(f) for f in claim))}")
    n = whole(claim["n_docs"], "claim.n_docs", 2, 2**1000)
    whole(claim["k"], "claim.k", 1, min(n - 1, 2**20))
    whole(claim["dim"], "claim.dim", 1, 2**1000 if record["construction"]["kind"] == "simplex" else 2**20)
    for name in ("dtype", "query_dtype"):
        if not isinstance(claim[name], str) or claim[name] not in rounding.NAMES:
            raise Refused(f"claim.{name} must be one of {', '.join(rounding.NAMES)}; it is {shown(claim[name])}")
    gap, by_theorem = claim["min_gap"], record["proof"]["kind"] == "theorem" and claim["dtype"] == claim["query_dtype"] == "exact"
    if isinstance(gap, bool) or not isinstance(gap, (int, float)) or not 0 <= gap <= 2 or (gap == 0 and not by_theorem):
        raise Refused(
            f"claim.min_gap must be a number in (0, 2], or 0 for any positive gap by a theorem in exact numbers; it is {shown(gap)}"
        )
    kind = record["construction"]["kind"]
    given = set(record["construction"]) - {"kind"}
    if kind in _CONSTRUCTIONS and given != _CONSTRUCTIONS[kind]:
        wanted = ", ".join(sorted(_CONSTRUCTIONS[kind])) or "nothing more"
        raise Refused(f"a {kind} must state {wanted}; it states {', '.join(sorted(shown(g) for g in given)) or 'nothing'}")
    return claim


def shown(value: Any) -> str:
    """A value in a sentence: short, whatever it is."""
    if isinstance(value, int) and value.bit_length() > 128:
        return f"a number of {value.bit_length()} bits"
    return repr(value)[:40] if isinstance(value, (str, int, float, bool, type(None))) else f"a {type(value).__name__}"


def whole(value: Any, name: str, low: int, high: int) -> int:
    """A whole number in [low, high]; anything else is refused."""
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise Refused(f"{name} must be a whole number in [{shown(low)}, {shown(high)}]; it is {shown(value)}")
    return value


def wholes(value: Any, name: str, low: int, high: int) -> list[int]:
    """A list of 1 to 4,096 whole numbers in [low, high]."""
    if not isinstance(value, list) or not 1 <= len(value) <= 4096:
        raise Refused(f"{name} must be a list of whole numbers")
    return [whole(v, f"{name}[{i}]", low, high) for i, v in enumerate(value)]


def all_sets(claim: Mapping[str, Any]) -> None:
    """Refuses a claim about listed sets where only all sets are spoken of."""
    if claim["sets"] != "all":
        raise Refused(f"claim.sets must be 'all' for this construction; it is {shown(claim['sets'])}")


def how_many(n: int, k: int) -> str:
    """C(n, k) in a sentence."""
    k = min(k, n - k)
    if k * n.bit_length() > 2**16:
        return "more than 1e+300"
    count = math.comb(n, k)
    if count < 10**15:
        return f"{count:,}"
    power = math.floor(math.log10(count))
    return f"about {math.exp(math.log(count) - power * math.log(10)):.1f}e+{power}"


def float_types(claim: Mapping[str, Any]) -> None:
    """Refuses types for which no bound of what rounding moves is known."""
    for name in ("dtype", "query_dtype"):
        if claim[name] in ("binary", "int64"):
            raise Refused(f"nothing is proved for claim.{name} = {claim[name]!r} with this construction")
