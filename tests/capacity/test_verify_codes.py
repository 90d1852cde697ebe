"""Certificates of codes: what is proved exactly, in which number types, for which k; golden numbers and their refusals."""

from __future__ import annotations

import numpy as np
import pytest

from limitlab._core.errors import LimitlabError, NotSolved
from limitlab.capacity import (
    Certificate,
    DualBCHCode,
    KerdockSet,
    certificates_for,
    certified_n,
    code_certificate,
    holds,
    restated,
    shipped,
    shipped_certificate,
    verify,
)

CODES = [c for c in shipped() if c.construction["kind"] in ("dual-bch", "kerdock")]
ASKED = [  # (dim, k, documents, gap) that must be certified exactly
    (32, 2, 1_024, 0.158),
    (64, 2, 4_096, 0.158),
    (128, 2, 2_097_152, 0.158),
    (256, 2, 16_777_216, 0.158),
    (512, 2, 134_217_728, 0.417),
    (1024, 2, 2**40, 0.383),
    (4096, 10, 16_777_216, 0.114),
    (4096, 16, 16_777_216, 1e-3),
]


@pytest.mark.parametrize(("dim", "k", "n", "gap"), ASKED)
def test_numbers_asked_for_are_shipped_and_exact(dim, k, n, gap):
    found = certified_n(dim, k, min_gap=gap, dtype="binary", query_dtype="int8")
    assert found.n_docs >= n and found.min_gap >= gap and found.dim <= dim
    exact = [c for c in CODES if c.dim <= dim and c.n_docs >= n and c.proof["kind"] == "orbit-exact"]
    assert any((holds(c, "binary", "int8", k=k) or 0) >= gap for c in exact)


@pytest.mark.parametrize(
    "certificate",
    [c for c in CODES if c.name not in ("dual-bch-d512-n2^45-k2", "dual-bch-d4096-n2^48-k6", "dual-bch-d2048-n2^44-k5")],
    ids=lambda c: f"{c.name}-{c.dtype}",
)
def test_shipped_codes_are_proved_from_their_definition(certificate):
    """The three left out take up to a minute: benchmarks/codes.py proves them."""
    verdict = certificate.verify()
    assert verdict.verified, verdict.reason
    assert certificate.min_gap <= verdict.facts["least_gap"]


def test_each_k_up_to_the_claimed_one_follows_with_a_larger_gap():
    c = shipped_certificate("kerdock-d1024-n524288-k16")
    gaps = [holds(c, "binary", "int8", k=k) for k in range(1, 17)]
    assert gaps == sorted(gaps, reverse=True) and gaps[-1] > 0
    assert holds(c, "binary", "int8", k=17) is None
    for k in (1, 2, 10):
        other = restated(c, k=k)
        assert other.k == k and verify(other.to_dict()).verified
    assert restated(c) is c
    assert shipped_certificate("kerdock-d1024-n524288-k10").k == 10
    with pytest.raises(LimitlabError, match="unknown name"):
        shipped_certificate("kerdock-d1024-n524288-k17")


@pytest.mark.parametrize(
    "dtype", ["float64", "float32", "float16", "bfloat16", "fp8-e4m3", "fp8-e5m2", "int8", "int8-per-dim", "binary", "int64", "exact"]
)
def test_signs_are_exact_in_every_type(dtype):
    c = shipped_certificate("dual-bch-d128-n2097152-k2")
    assert holds(c, dtype, "float32") == holds(c, "binary", "int8")
    assert restated(c, dtype=dtype, query_dtype="float16").verify().verified


def test_queries_are_whole_numbers_while_they_fit_and_rounded_beyond():
    c = shipped_certificate("dual-bch-d2048-n4194304-k16")
    exact = holds(c, "binary", "int8", k=9)
    assert holds(c, "binary", "fp8-e4m3", k=9) == exact, "whole numbers up to 16 are exact in e4m3"
    assert holds(c, "binary", "fp8-e5m2", k=8) == holds(c, "binary", "int8", k=8)
    rounded = holds(c, "binary", "fp8-e5m2", k=9)
    assert rounded is None or rounded < exact
    assert holds(c, "binary", "binary") is None, "the sign of a sum is another query"


def test_unit_vectors_of_a_kerdock_set_are_not_signs():
    c = shipped_certificate("kerdock-d64-n2112-k4")
    assert c.dtype == "int8" and holds(c, "binary", "int8") is None and holds(c, "int8-per-dim", "int8") is None
    assert holds(c, "float16", "float16") == holds(c, "int8", "int8")
    record = c.to_dict()
    record["claim"]["dtype"] = "binary"
    assert not verify(record).verified
    record["claim"]["n_docs"] = 2048
    assert verify(record).verified


def test_more_dimensions():
    """Zeros are appended; in one bit a constant, which makes documents longer and the gap smaller."""
    c = shipped_certificate("dual-bch-d32-n1024-k2")
    assert holds(c, "float32", "float32", dim=40) == holds(c, "float32", "float32")
    assert holds(c, "binary", "int8", dim=40) == pytest.approx(c.min_gap * (32 / 40) ** 0.5, rel=1e-3)
    assert holds(c, "binary", "int8", dim=31) is None
    docs = np.hstack([DualBCHCode(5, 2).docs(range(1024)), np.ones((1024, 8), np.int8)]).astype(np.float32)
    query = docs[5] + docs[900]
    query[32:] = 0
    scores = docs @ query
    rest = np.delete(scores, [5, 900]).max()
    assert (min(scores[5], scores[900]) - rest) / np.linalg.norm(query) / 40**0.5 >= holds(c, "binary", "int8", dim=40)
    found = certified_n(40, 2, dtype="binary", query_dtype="int8")
    assert found.dim == 40 and found.n_docs == 1024 and found.verify().verified


def test_fewer_documents_hold_what_more_do():
    made = code_certificate(DualBCHCode(6, 2), n_docs=1000)
    assert made.n_docs == 1000 and made.verify().verified
    assert code_certificate(KerdockSet(4), n_docs=100).dtype == "binary"


def test_a_code_round_trips(tmp_path):
    made = code_certificate(KerdockSet(6), k=3, query_dtype="float32")
    path = made.save(tmp_path / "c.json")
    assert verify(path).verified
    assert made.code() == KerdockSet(6) and CODES[0].code().dim == CODES[0].dim


def test_by_theorem():
    code = DualBCHCode(10, 6)
    made = code_certificate(code, by="theorem", k=2)
    verdict = made.verify()
    assert verdict.verified and "Carlitz" in verdict.reason and made.n_docs == 2**60
    with pytest.raises(LimitlabError, match="prove nothing"):
        code_certificate(DualBCHCode(10, 7), k=2, by="theorem")
    record = made.to_dict()
    record["proof"]["kind"] = "orbit-exact"
    assert "too many cosets" in verify(record).reason


@pytest.mark.parametrize(
    ("change", "word"),
    [
        (lambda r: r["claim"].update(n_docs=2**21 + 1), "documents"),
        (lambda r: r["claim"].update(min_gap=0.2042), "not proved"),
        (lambda r: r["claim"].update(k=3), "not proved"),
        (lambda r: r["claim"].update(dim=127), "takes 128"),
        (lambda r: r["claim"].update(dtype="exact", query_dtype="exact", min_gap=0), "min_gap"),
        (lambda r: r["claim"].update(query_dtype="binary"), "not proved"),
        (lambda r: r["claim"].update(sets=[[0, 1]]), "'all'"),
        (lambda r: r["construction"].update(polynomial=133), "not primitive"),
        (lambda r: r["construction"].update(polynomial=10**30), "polynomial"),
        (lambda r: r["construction"].update(polynomial="131"), "polynomial"),
        (lambda r: r["construction"].update(m=8), "takes 256"),
        (lambda r: r["construction"].update(t=4), "reach"),
        (lambda r: r["construction"].update(t=2), "documents"),
        (lambda r: r["construction"].update(t=10**9), "t must be"),
        (lambda r: r["construction"].update(m=True), "m must be"),
        (lambda r: r["construction"].update(kind="kerdock"), "must state"),
        (lambda r: r["construction"].pop("t"), "must state"),
        (lambda r: r["proof"].update(most=31), "reach"),
        (lambda r: r["proof"].update(least=-31), "reach"),
        (lambda r: r["proof"].update(most=43), "not proved"),
        (lambda r: r["proof"].update(least=1), "proof.least"),
        (lambda r: r["proof"].pop("most"), "proof.most"),
        (lambda r: r["proof"].update(kind="exhaustive-exact"), "no check"),
        (lambda r: r["proof"].update(kind="theorem"), "proof.theorem"),
        (lambda r: r["proof"].update(kind="theorem", theorem="carlitz-uchiyama"), "reach"),
        (lambda r: r["proof"].update(kind="sampled"), "sample"),
    ],
)
def test_wrong_claims_are_refused_with_the_reason(change, word):
    record = Certificate.from_dict(shipped_certificate("dual-bch-d128-n2097152-k2").to_dict()).to_dict()
    record = {part: dict(value) if isinstance(value, dict) else value for part, value in record.items()}
    change(record)
    verdict = verify(record)
    assert not verdict.verified and word in verdict.reason, verdict.reason


def test_stated_extremes_may_be_wider_than_the_true_ones_and_the_gap_is_theirs():
    record = shipped_certificate("dual-bch-d128-n16384-k4").to_dict()
    record["proof"] = {**record["proof"], "least": -20, "most": 20}
    record["claim"] = {**record["claim"], "k": 2, "min_gap": 0.3}
    assert verify(record).verified
    record["claim"]["min_gap"] = 0.4725
    assert not verify(record).verified


def test_everything_certified_for_some_numbers():
    found = certificates_for(1024, 10, min_gap=0.1, dtype="int8")
    assert [c.n_docs for c in found] == sorted((c.n_docs for c in found), reverse=True)
    assert found[0].name == "kerdock-d1024-n525312-k10"
    kinds = {c.construction["kind"] for c in certificates_for(8, 3)}
    assert kinds >= {"simplex", "trig-curve"}
    for c in certificates_for(8, 3):
        assert (c.k, c.dtype) == (3, "float32") and c.verify().verified
    assert certificates_for(2, 3, min_gap=0.1) == []
    with pytest.raises(NotSolved, match="no limit"):
        certified_n(8, 3, min_gap=1.9)


def test_looking_up_is_quick():
    from time import perf_counter

    shipped()
    start = perf_counter()
    for dim in range(4, 300, 7):
        certificates_for(dim, 2, min_gap=1e-4, dtype="float16")
    assert perf_counter() - start < 5
