"""A thousand mutants of certificates of every kind: refused, or true and proved; never a traceback.

What is accepted is compared with a truth found another way: golden extreme inner products, closed forms in plain floats, all pairs
of a frame by ``separate``, all sets of stored vectors in fractions.
"""

from __future__ import annotations

import base64
import copy
import json
import math
import zlib
from fractions import Fraction
from itertools import combinations
from typing import Any

import numpy as np
import pytest

from limitlab._core.errors import DataError
from limitlab.capacity import (
    DualBCHCode,
    HarmonicFrame,
    KerdockSet,
    code_certificate,
    frame_certificate,
    moment_curve_certificate,
    round_to,
    simplex_certificate,
    trig_certificate,
    trig_frame,
    vectors_certificate,
    verify,
)
from limitlab.capacity.verification.vectors import exact_difference

EXTREMES = {
    (5, 2): 8,
    (6, 2): 16,
    (7, 2): 16,
    (7, 3): 32,
    (7, 4): 40,
    (8, 2): 32,
    (8, 3): 64,
    (9, 2): 32,
    (6, 1): 0,
    (7, 1): 0,
    (5, 1): 0,
    (8, 1): 0,
    (9, 1): 0,
}
WHOLE = {
    "float64": 2**53,
    "float32": 2**24,
    "float16": 2048,
    "bfloat16": 256,
    "fp8-e4m3": 16,
    "fp8-e5m2": 8,
    "int8": 127,
    "int8-per-dim": 127,
    "int64": 2**63,
    "exact": 10**9,
}
PRIMITIVE = {3: (11, 13), 5: (37, 41, 47, 55, 59, 61), 6: (67, 91, 97, 103, 109, 115)}


def stored() -> dict[str, Any]:
    frame = trig_frame(9)
    return vectors_certificate(
        frame.docs(dtype="float32"), frame.queries(np.array(list(combinations(range(9), 2)))).astype(np.float32)
    ).to_dict()


def curve_in_float32() -> dict[str, Any]:
    return {
        "schema": "limitlab.certificate/1",
        "claim": {"n_docs": 40, "k": 2, "dim": 4, "dtype": "float32", "query_dtype": "float32", "sets": "all", "min_gap": 1.8e-4},
        "construction": {"kind": "trig-curve", "weights": [4, 1]},
        "proof": {"kind": "exhaustive-exact"},
    }


BASES = {
    "bch 5 2": code_certificate(DualBCHCode(5, 2)).to_dict(),
    "bch 6 2": code_certificate(DualBCHCode(6, 2), query_dtype="float32").to_dict(),
    "bch 7 3": code_certificate(DualBCHCode(7, 3), dtype="float16").to_dict(),
    "bch 7 2": code_certificate(DualBCHCode(7, 2), k=3).to_dict(),
    "bch theorem": code_certificate(DualBCHCode(10, 6), by="theorem", k=2).to_dict(),
    "kerdock signs": code_certificate(KerdockSet(6), dtype="binary").to_dict(),
    "kerdock": code_certificate(KerdockSet(4)).to_dict(),
    "simplex": simplex_certificate(20, 3).to_dict(),
    "trig theorem": trig_certificate(100, 3).to_dict(),
    "trig theorem float32": trig_certificate(40, 2, dtype="float32", query_dtype="float32").to_dict(),
    "moment curve": moment_curve_certificate(1000).to_dict(),
    "frame": frame_certificate(HarmonicFrame(97, (1, 35, 36)), 0.00393, multipliers=[35]).to_dict(),
    "frame k 3": frame_certificate(HarmonicFrame(13, (1, 2, 3)), 0.004, k=3).to_dict(),
    "curve in float32": curve_in_float32(),
    "vectors": stored(),
}
ODD: list[Any] = [True, None, "2", 1.5, math.nan, math.inf, -1, 0, 10**30, 10**5000, [], {}, [1, 2], 2.0, -(10**400), "é", b"\x00"]


def leaves(part: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    if isinstance(part, dict):
        return [p for key, value in part.items() for p in leaves(value, (*path, key))]
    if isinstance(part, list) and part:
        return [p for i, value in enumerate(part) for p in leaves(value, (*path, i))]
    return [path]


def put(record: dict[str, Any], path: tuple[Any, ...], value: Any) -> None:
    at: Any = record
    for step in path[:-1]:
        at = at[step]
    at[path[-1]] = value


def get(record: dict[str, Any], path: tuple[Any, ...]) -> Any:
    at: Any = record
    for step in path:
        at = at[step]
    return at


def mutate(record: dict[str, Any], rng: np.random.Generator) -> dict[str, Any]:
    """One change of one of twelve sorts."""
    claim, construction, proof = record["claim"], record["construction"], record["proof"]
    sort = int(rng.integers(12))
    paths = leaves(record)
    path = paths[rng.integers(len(paths))]
    numbers = [p for p in paths if isinstance(get(record, p), int)]
    if sort == 0:
        claim["n_docs"] += int(rng.integers(1, 3)) * (1 if rng.random() < 0.8 else -1)
    elif sort == 1:
        claim["min_gap"] = min(2.0, claim["min_gap"] * (1 + 10 ** -rng.uniform(0, 3)) + 1e-300)
    elif sort == 2:
        claim["k"] += int(rng.choice([-1, 1, 1, 1]))
    elif sort == 3:
        claim["dim"] += int(rng.choice([-1, -1, 1]))
    elif sort == 4:
        chosen = numbers[rng.integers(len(numbers))]
        put(record, chosen, get(record, chosen) + int(rng.choice([-2, -1, 1, 2])))
    elif sort == 5:
        chosen = numbers[rng.integers(len(numbers))]
        put(record, chosen, get(record, chosen) ^ (1 << int(rng.integers(8))))
    elif sort == 6:
        put(record, path, ODD[rng.integers(len(ODD))])
    elif sort == 7:
        part = (record, claim, construction, proof)[rng.integers(4)]
        del part[sorted(part)[rng.integers(len(part))]]
    elif sort == 8:
        claim[("dtype", "query_dtype")[rng.integers(2)]] = str(rng.choice([*WHOLE, "binary", "int4", ""]))
    elif sort == 9:
        other = list(BASES.values())[rng.integers(len(BASES))]
        name = ("construction", "proof")[rng.integers(2)]
        record[name] = copy.deepcopy(other[name])
    elif sort == 10:
        proof["kind"] = str(rng.choice(["sampled", "theorem", "orbit-exact", "orbit-enclosure", "exhaustive-exact", "trust-me"]))
    elif construction["kind"] == "vectors":
        name = ("docs", "queries")[rng.integers(2)]
        raw = bytearray(zlib.decompress(base64.b64decode(construction[name])))
        raw[rng.integers(len(raw))] ^= 1 << int(rng.integers(8))
        construction[name] = base64.b64encode(zlib.compress(bytes(raw))).decode()
    else:
        proof[str(rng.choice(["least", "most", "theorem", "multipliers"]))] = [0, 1, "carlitz-uchiyama", [5], 8, -8, 0.5][rng.integers(7)]
    return record


def is_true(record: dict[str, Any]) -> bool:
    """Whether the claim of an accepted record holds, by another route than the check's."""
    claim, c = record["claim"], record["construction"]
    n, k, dim, gap = claim["n_docs"], claim["k"], claim["dim"], claim["min_gap"]
    types = (claim["dtype"], claim["query_dtype"])
    if not 1 <= k < n:
        return False
    if c["kind"] in ("dual-bch", "kerdock"):
        return _code_is_true(claim, c)
    if c["kind"] == "simplex":
        return (
            dim >= n - 1
            and gap <= n / math.sqrt(k * (n - 1) * (n - k))
            and "binary" not in types
            and record["proof"]["theorem"] == "regular-simplex"
        )
    if c["kind"] == "integer-moment-curve":
        fits = all((4**k - 1) * (n // 2) ** (2 * k) <= WHOLE[t] for t in types if t != "exact")
        return fits and dim >= 2 * k and gap < 1e-3 and record["proof"]["theorem"] == "integer-moment-curve"
    if c["kind"] == "trig-curve":
        frame = HarmonicFrame(n, tuple(range(1, len(c["weights"]) + 1)), tuple(c["weights"]))
        sets = np.array([[0, *rest] for rest in combinations(range(1, min(n, 12)), k - 1)])
        return len(c["weights"]) == k and dim >= 2 * k and n >= 2 * k + 1 and _least_gap(frame, sets, types) >= gap * (1 - 1e-6) - 1e-12
    if c["kind"] == "harmonic-frame":
        frame = HarmonicFrame(n, tuple(c["frequencies"]), tuple(c["weights"]))
        sets = np.array([[0, *rest] for rest in combinations(range(1, n), k - 1)])
        return dim >= frame.dim and _least_gap(frame, sets, types) >= gap
    docs, queries = (np.frombuffer(zlib.decompress(base64.b64decode(c[name])), "<f4").reshape(-1, dim) for name in ("docs", "queries"))
    longest = max(sum(Fraction(float(x)) ** 2 for x in v) for v in docs)
    for q, s in zip(queries, combinations(range(n), k), strict=True):
        difference = exact_difference(docs, q, np.array(s))
        if difference <= 0 or difference**2 < Fraction(gap) ** 2 * longest * sum(Fraction(float(x)) ** 2 for x in q):
            return False
    return len(docs) == n and set(types) <= {"float32", "float64"}  # float32 values are float64 values


def _least_gap(frame: HarmonicFrame, sets: np.ndarray, types: tuple[str, str]) -> float:
    docs, queries = frame.docs(), frame.queries(sets)
    docs, queries = (a if t == "exact" else round_to(a, t).astype(float) for a, t in zip((docs, queries), types))
    scores = queries @ docs.T
    rows = np.arange(len(sets))[:, None]
    inside = scores[rows, sets].min(axis=1)
    scores[rows, sets] = -9
    return float((inside - scores.max(axis=1)).min())


def _code_is_true(claim: dict[str, Any], c: dict[str, Any]) -> bool:
    n, k, dim, dtype, query_dtype = (claim[name] for name in ("n_docs", "k", "dim", "dtype", "query_dtype"))
    m, d = c["m"], 1 << c["m"]
    if c["kind"] == "kerdock":
        signs, size, most = d * d // 2, d * d // 2 + d, math.isqrt(d)
        if n > signs and dtype in ("binary", "int8-per-dim"):
            return False
        if (m - 1) in PRIMITIVE and c["polynomial"] not in PRIMITIVE[m - 1]:
            return False
    else:
        signs = size = d ** c["t"]
        weil = (2 * c["t"] - 2) * math.sqrt(d)
        most = EXTREMES.get((m, c["t"]), weil)
        if m in PRIMITIVE and c["polynomial"] not in PRIMITIVE[m]:
            return False
    entry = k - 1 + (math.isqrt(d) if n > signs else 1)
    if n > size or dim < d or query_dtype not in WHOLE:
        return False
    length = dim if dtype == "binary" else d
    proved = (d - (k - 1) * most - k * most) / math.sqrt(length * (k * d - 2 * (k - 1) * most + (k - 1) * (k - 2) * most))
    if entry > WHOLE[query_dtype]:
        proved -= 0.001  # a query that is rounded costs something; the check must have taken at least this off
    return claim["min_gap"] <= proved


def test_the_bases_are_proved():
    for name, record in BASES.items():
        assert verify(record).verified, name


@pytest.mark.parametrize("seed", range(10))
def test_a_hundred_mutants_are_refused_or_true(seed):
    rng = np.random.default_rng(seed)
    names = sorted(BASES)
    accepted = changed = 0
    for i in range(100):
        name = names[(seed * 100 + i) % len(names)]
        mutant = mutate(copy.deepcopy(BASES[name]), rng)
        verdict = verify(mutant)
        assert verdict.reason and isinstance(verdict.reason, str) and len(verdict.reason) < 500
        changed += mutant != BASES[name]
        if verdict.verified:
            accepted += 1
            assert is_true(mutant), (name, mutant["claim"], str(mutant["construction"])[:200], mutant["proof"], verdict.reason)
    assert changed > 80 and accepted < 50


@pytest.mark.parametrize("name", BASES)
def test_raising_the_claim_or_dropping_any_field_is_refused(name):
    base = BASES[name]
    record = copy.deepcopy(base)
    record["claim"]["min_gap"] *= 20
    record["claim"]["min_gap"] = min(record["claim"]["min_gap"], 1.9)
    assert not verify(record).verified or name == "moment curve"
    record = copy.deepcopy(base)
    record["claim"]["dim"] = 1
    assert not verify(record).verified
    for part in ("claim", "construction"):
        for key in base[part]:
            record = copy.deepcopy(base)
            del record[part][key]
            assert not verify(record).verified, (part, key)
    for key in ("schema", "claim", "construction", "proof"):
        record = copy.deepcopy(base)
        del record[key]
        assert not verify(record).verified


@pytest.mark.parametrize("name", BASES)
def test_truncated_and_scrambled_texts_are_no_tracebacks(name, tmp_path):
    rng = np.random.default_rng(1)
    text = json.dumps(BASES[name])
    path = tmp_path / "c.json"
    for _ in range(12):
        cut = int(rng.integers(0, len(text)))
        path.write_text(text[:cut])
        with pytest.raises(DataError, match="not a certificate"):
            verify(path)
        at = int(rng.integers(0, len(text)))
        path.write_text(text[:at] + chr(int(rng.integers(32, 127))) + text[at + 1 :])
        try:
            verdict = verify(path)
        except DataError:
            continue
        if verdict.verified:
            assert is_true(json.loads(path.read_text()))


def test_numbers_of_any_size_are_refused_in_a_sentence(tmp_path):
    for name, base in BASES.items():
        for path in leaves(base):
            if isinstance(get(base, path), (int, float)):
                record = copy.deepcopy(base)
                put(record, path, 10**6000)
                verdict = verify(record)
                assert len(verdict.reason) < 500
                remark = path[:2] in {("proof", "ideal_gap"), ("proof", "least_set")}  # for the reader; nothing depends on it
                assert not verdict.verified or remark, (name, path)
    file = tmp_path / "c.json"
    file.write_text(json.dumps(BASES["simplex"]).replace("20", "1" * 5000))
    with pytest.raises(DataError):
        verify(file)
