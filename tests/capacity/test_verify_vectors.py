"""Stored vectors are checked over all sets in exact arithmetic; a flipped sign or byte, or a claim beyond the proof, is refused."""

from __future__ import annotations

import base64
import json
import zlib
from fractions import Fraction
from itertools import combinations

import numpy as np
import pytest

from limitlab._core.errors import DataError, LimitlabError, NotSolved
from limitlab.capacity import Certificate, trig_frame, vectors_certificate, verify
from limitlab.capacity.verification.vectors import check_vectors, exact_difference


def curve(n: int = 12) -> tuple[np.ndarray, np.ndarray]:
    frame = trig_frame(n)
    sets = np.array(list(combinations(range(n), 2)))
    return frame.docs(dtype="float32"), frame.queries(sets).astype(np.float32)


def test_a_certificate_survives_save_and_load(tmp_path):
    made = vectors_certificate(*curve())
    path = made.save(tmp_path / "c.json")
    verdict = verify(path)
    assert verdict.verified and verdict.facts["sets"] == 66
    assert verdict.facts["least_gap"] >= made.min_gap > 0
    assert Certificate.from_dict(json.loads(path.read_text())) == made


def test_the_gap_is_a_lower_bound_of_the_exact_one():
    docs, queries = curve()
    made = vectors_certificate(docs, queries)
    least = min(
        exact_difference(docs, q, np.array(s))
        / Fraction(float(np.linalg.norm(q.astype(float)) * np.linalg.norm(docs.astype(float), axis=1).max()))
        for q, s in zip(queries, combinations(range(12), 2))
    )
    assert 0.999 * float(least) < made.min_gap <= float(least)


def test_a_close_call_is_decided_exactly():
    tiny = np.float32(2.0**-80)
    docs = np.array([[1, 0], [1, -tiny], [-1, 0]], np.float32)
    query = np.array([[1, 1]], np.float32)  # in float64 both scores are 1: only the exact sum tells them apart
    assert float(query[0].astype(float) @ docs[0].astype(float)) == float(query[0].astype(float) @ docs[1].astype(float))
    assert not check_vectors(docs, [query], [(0,)]).failed
    assert check_vectors(docs, [query], [(1,)]).failed
    docs[1, 1] = 0
    assert check_vectors(docs, [query], [(0,)]).failed, "a tie is not on top"


def test_listed_sets(tmp_path):
    docs, queries = curve()
    all_sets = list(combinations(range(12), 2))
    made = vectors_certificate(docs, queries[5:9], all_sets[5:9])
    assert made.sets == [list(s) for s in all_sets[5:9]]
    assert verify(made.save(tmp_path / "c.json")).verified


def test_vectors_that_miss_a_set_get_no_certificate():
    docs, queries = curve()
    queries = queries.copy()
    queries[7] = -queries[7]
    with pytest.raises(NotSolved, match="an irrelevant document scores as much or more"):
        vectors_certificate(docs, queries)


def flipped(record: dict, name: str, rng: np.random.Generator) -> dict:
    raw = bytearray(zlib.decompress(base64.b64decode(record["construction"][name])))
    at = rng.integers(len(raw) // 4) * 4 + 3
    raw[at] ^= 0x80 if rng.integers(2) else 1 << int(rng.integers(7))  # a sign, or a bit of the exponent
    return {**record, "construction": {**record["construction"], name: base64.b64encode(zlib.compress(bytes(raw))).decode()}}


def test_mutants_are_refused_or_true():
    record = vectors_certificate(*curve()).to_dict()
    rng = np.random.default_rng(0)
    accepted = []
    for i in range(300):
        mutant = flipped(record, ("docs", "queries")[i % 2], rng)
        if verify(mutant).verified:
            accepted.append(mutant)
    for mutant in accepted:  # a shorter document or longer query may still hold everything: then brute force agrees
        arrays = [
            np.frombuffer(zlib.decompress(base64.b64decode(mutant["construction"][n])), "<f4").reshape(-1, 4) for n in ("docs", "queries")
        ]
        for q, s in zip(arrays[1], combinations(range(12), 2)):
            assert exact_difference(arrays[0], q, np.array(s)) > 0
    assert len(accepted) < 100


@pytest.mark.parametrize(
    ("change", "word"),
    [
        (lambda r: r["claim"].update(min_gap=r["claim"]["min_gap"] * 1.01), "below"),
        (lambda r: r["claim"].update(n_docs=13), "13 x 4"),
        (lambda r: r["claim"].update(k=3), "220"),
        (lambda r: r["claim"].update(dtype="float16"), "float32"),
        (lambda r: r["claim"].update(min_gap=float("nan")), "min_gap"),
        (lambda r: r["claim"].update(min_gap=-1), "min_gap"),
        (lambda r: r["claim"].update(n_docs=True), "n_docs"),
        (lambda r: r["claim"].update(n_docs=1e9), "n_docs"),
        (lambda r: r["claim"].update(extra=1), "must state"),
        (lambda r: r["claim"].pop("dim"), "must state"),
        (lambda r: r["proof"].update(kind="sampled"), "sample"),
        (lambda r: r["proof"].update(kind="theorem"), "no check"),
        (lambda r: r["construction"].update(kind="magic"), "no check"),
        (lambda r: r["construction"].update(docs="AAAA"), "unpacked"),
        (lambda r: r["construction"].update(docs=17), "unpacked"),
        (lambda r: r["construction"].pop("queries"), "must state"),
        (lambda r: r.update(schema="other/1"), "schema"),
        (lambda r: r.pop("proof"), "missing"),
        (lambda r: r["claim"].update(sets=[[0, 0]]), "different"),
        (lambda r: r["claim"].update(sets=[[0, 99]]), "whole number"),
        (lambda r: r["claim"].update(sets={}), "sets"),
    ],
)
def test_wrong_records_are_refused_with_the_reason(change, word):
    record = json.loads(json.dumps(vectors_certificate(*curve()).to_dict()))
    change(record)
    verdict = verify(record)
    assert not verdict.verified and word in verdict.reason, verdict.reason


def test_foreign_and_truncated_files(tmp_path):
    path = vectors_certificate(*curve()).save(tmp_path / "c.json")
    text = path.read_text()
    for cut in (0, 1, len(text) // 2, len(text) - 3):
        path.write_text(text[:cut])
        with pytest.raises(DataError, match="not a certificate"):
            verify(path)
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(DataError):
        verify(path)
    for foreign in ("[]", "3", '"text"', '{"a": 1}', "null"):
        path.write_text(foreign)
        assert not verify(path).verified
    path.write_text("[" * 100_000)
    with pytest.raises(DataError):
        verify(path)


def test_a_packed_bomb_is_not_unpacked():
    record = vectors_certificate(*curve()).to_dict()
    record["construction"]["docs"] = base64.b64encode(zlib.compress(bytes(10_000_000))).decode()
    assert "must hold" in verify(record).reason


def test_the_trigonometric_curve_in_float32():
    record = {
        "schema": "limitlab.certificate/1",
        "claim": {"n_docs": 100, "k": 2, "dim": 4, "dtype": "float32", "query_dtype": "float32", "sets": "all", "min_gap": 4.5e-6},
        "construction": {"kind": "trig-curve", "weights": [4, 1]},
        "proof": {"kind": "exhaustive-exact"},
    }
    assert verify(record).verified, "467.6 n**-4 = 4.68e-6"
    record["claim"].update(n_docs=340, min_gap=1e-12)
    assert not verify(record).verified, "beyond float32"


def test_errors_of_making(tmp_path):
    docs, queries = curve()
    with pytest.raises(LimitlabError, match="one query per set"):
        vectors_certificate(docs, queries[:-1])
    with pytest.raises(LimitlabError, match="dimension"):
        vectors_certificate(docs, queries[:, :3])
    with pytest.raises(LimitlabError, match="different documents"):
        vectors_certificate(docs, queries[:1], [[3, 3]])
