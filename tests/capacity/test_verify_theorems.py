"""Claims by theorem: closed forms against brute force, hypotheses, and the number types they are stated in."""

from __future__ import annotations

import math
from fractions import Fraction
from itertools import combinations

import numpy as np
import pytest

from limitlab._core.errors import LimitlabError
from limitlab.capacity import (
    Simplex,
    certificates_for,
    moment_curve_certificate,
    simplex_certificate,
    trig_certificate,
    trig_frame,
    verify,
)
from limitlab.capacity.closed_forms import best_weights
from limitlab.capacity.verification import theorems
from limitlab.search import separate


def polynomial_query(n: int, members: tuple[int, ...], weights: list[int]) -> tuple[np.ndarray, np.ndarray]:
    """Documents on the curve and the query of the product of (1 - cos), from the definition."""
    angles = 2 * np.pi * np.arange(n) / n
    k = len(members)
    c = np.array([1.0 + 0j])
    for i in members:
        c = np.convolve(c, [-np.exp(1j * angles[i]) / 2, 1, -np.exp(-1j * angles[i]) / 2])
    w = np.sqrt(np.array(weights) / sum(weights))
    docs = np.hstack([np.stack([w[r - 1] * np.cos(r * angles), w[r - 1] * np.sin(r * angles)], axis=1) for r in range(1, k + 1)])
    # c[k + r] multiplies exp(+i r t), so A_r = 2 Re c[k + r] and B_r = -2 Im c[k + r].
    u = np.concatenate([[-2 * c[k + r].real / w[r - 1], 2 * c[k + r].imag / w[r - 1]] for r in range(1, k + 1)])
    return docs, u / np.linalg.norm(u)


@pytest.mark.parametrize(
    ("n", "k", "weights"), [(7, 2, [4, 1]), (12, 2, [1, 1]), (15, 3, None), (9, 3, [1, 1, 1]), (11, 4, None), (5, 1, [1])]
)
def test_the_gap_of_the_curve_is_a_lower_bound_over_all_sets(n, k, weights):
    weights = weights or best_weights(k)
    bound = theorems.root_below(theorems.trig_gap_squared(n, k, weights))
    gaps = []
    for members in combinations(range(n), k):
        docs, u = polynomial_query(n, members, weights)
        scores = docs @ u
        gaps.append(scores[list(members)].min() - np.delete(scores, members).max())
    assert 0 < bound <= min(gaps) * (1 + 1e-6)
    assert bound > 0.3 * min(gaps), "and a useful one"


def test_the_gap_of_the_curve_has_the_known_constants():
    """Golden: 134 n**-4 with equal weights (the squared-polynomial query); 389.6 / 2.5 = 155.9 n**-4 with the best ones, 4 : 1."""
    n = 10**6
    assert theorems.root_below(theorems.trig_gap_squared(n, 2, [1, 1])) * n**4 == pytest.approx(4 * math.pi**4 / math.sqrt(8.5), rel=1e-6)
    assert theorems.root_below(theorems.trig_gap_squared(n, 2, [4, 1])) * n**4 == pytest.approx(4 * math.pi**4 / 2.5, rel=1e-6)
    assert best_weights(2) == [4, 1]
    assert theorems.root_below(theorems.trig_gap_squared(n, 2, [5, 1])) < theorems.root_below(theorems.trig_gap_squared(n, 2, [4, 1]))


@pytest.mark.parametrize(("n", "k"), [(5, 2), (46, 2), (9, 4), (7, 6), (12, 1)])
def test_the_simplex(n, k):
    docs = Simplex(n).docs()
    sets = np.array(list(combinations(range(n), k)))[:200]
    assert theorems.root_below(theorems.simplex_gap_squared(n, k)) == pytest.approx(separate(docs, sets).gaps.min(), rel=1e-9)
    made = simplex_certificate(n, k)
    assert made.dim == n - 1 and made.verify().verified


def test_the_simplex_after_rounding_keeps_its_claim():
    from limitlab.capacity import round_to

    made = simplex_certificate(46, 2, dtype="int8", query_dtype="float16")
    assert made.verify().verified
    docs = Simplex(46).docs()
    sets = np.array(list(combinations(range(46), 2)))
    queries = docs[sets].sum(axis=1)
    queries /= np.linalg.norm(queries, axis=1, keepdims=True)
    scores = round_to(queries, "float16").astype(float) @ round_to(docs, "int8").astype(float).T
    rows = np.arange(len(sets))[:, None]
    inside = scores[rows, sets].min(axis=1)
    scores[rows, sets] = -9
    assert (inside - scores.max(axis=1)).min() >= made.min_gap


@pytest.mark.parametrize(("n", "k"), [(3, 2), (4, 2), (9, 2), (64, 2), (65, 2), (9, 1), (8, 3), (11, 3)])
def test_the_moment_curve_over_all_sets(n, k):
    t = np.arange(n) - n // 2
    docs = np.stack([t**j for j in range(1, 2 * k + 1)], axis=1)
    least = Fraction(10)
    longest = max(int((v * v).sum()) for v in docs)
    for members in combinations(range(n), k):
        c = np.array([1])
        for i in members:
            c = np.convolve(c, np.convolve([-t[i], 1], [-t[i], 1]))
        u = -c[1:]
        scores = docs @ u
        assert np.abs(docs * u).sum(axis=1).max() <= theorems.moment_curve_sums(n, k)
        difference = scores[list(members)].min() - np.delete(scores, members).max()
        assert difference >= 1
        least = min(least, Fraction(int(difference) ** 2, int((u * u).sum()) * longest))
    assert theorems.moment_curve_gap_squared(n, k) <= least
    assert moment_curve_certificate(n, k, dtype="float32").verify().verified
    assert np.array_equal(docs.astype(np.float32).astype(np.int64), docs)


def test_how_far_the_moment_curve_is_exact():
    """Golden: 56,005 documents in int64 (15 T**4 < 2**63), 9,901 in float64, 65 in float32."""
    for dtype, n in (("int64", 56_005), ("float64", 9_901), ("float32", 65)):
        assert moment_curve_certificate(n, dtype=dtype).verify().verified
        with pytest.raises(LimitlabError, match="must be small enough"):
            moment_curve_certificate(n + 1, dtype=dtype)
        record = moment_curve_certificate(n, dtype=dtype).to_dict()
        record["claim"].update(n_docs=n + 1, min_gap=1e-40)
        assert "sums may reach" in verify(record).reason


def test_any_number_of_documents_in_real_numbers():
    made = trig_certificate(50_000_000, 10)
    assert made.dim == 20 and 0 < made.min_gap < 1e-100 and made.verify().verified
    tiny = trig_certificate(2**64, 100)
    assert tiny.min_gap == 0.0
    verdict = tiny.verify()
    assert verdict.verified and "a positive gap" in verdict.reason
    record = tiny.to_dict()
    record["claim"]["dtype"] = "float64"
    assert "min_gap" in verify(record).reason, "0 means any positive gap in real numbers alone"


def test_rounding_is_part_of_the_claim():
    made = trig_certificate(60, 2, dtype="float32", query_dtype="float32")
    assert made.verify().verified
    record = made.to_dict()
    record["claim"]["dtype"] = "float16"
    assert "before rounding" in verify(record).reason
    with pytest.raises(LimitlabError, match="more than rounding can take"):
        trig_certificate(60, 2, dtype="float16", query_dtype="float16")


@pytest.mark.parametrize("k", [1, 2, 3])
def test_the_greatest_n_of_a_closed_form_is_the_greatest(k):
    for c in certificates_for(2 * k + 1, k, min_gap=1e-4):
        if c.proof["kind"] == "theorem" and c.construction["kind"] == "trig-curve":
            assert c.verify().verified
            with_one_more = trig_certificate(c.n_docs + 1, k, dtype="float32", query_dtype="float32")
            assert with_one_more.min_gap < 1e-4


def test_the_curve_is_no_better_than_its_frame():
    """The polynomial's query is one of many: the best query of each set has at least its gap."""
    frame = trig_frame(20)
    least = min(frame.gap([0, d]) for d in range(1, 11))
    assert theorems.root_below(theorems.trig_gap_squared(20, 2, [4, 1])) < least


@pytest.mark.parametrize(
    ("make", "change", "word"),
    [
        (lambda: simplex_certificate(9, 2), lambda r: r["claim"].update(dim=7), "n - 1 dimensions"),
        (lambda: simplex_certificate(9, 2), lambda r: r["claim"].update(n_docs=10), "n - 1 dimensions"),
        (lambda: simplex_certificate(9, 2), lambda r: r["claim"].update(k=3), "not proved"),
        (lambda: simplex_certificate(9, 2), lambda r: r["claim"].update(k=9), "claim.k"),
        (lambda: simplex_certificate(9, 2), lambda r: r["claim"].update(dtype="binary"), "nothing is proved"),
        (lambda: simplex_certificate(9, 2), lambda r: r["proof"].update(theorem="trigonometric-moment-curve"), "proof.theorem"),
        (lambda: simplex_certificate(9, 2), lambda r: r["proof"].pop("theorem"), "proof.theorem"),
        (lambda: simplex_certificate(9, 2), lambda r: r["construction"].update(n=3), "nothing more"),
        (lambda: trig_certificate(9, 2), lambda r: r["claim"].update(dim=3), "2 k dimensions"),
        (lambda: trig_certificate(9, 2), lambda r: r["claim"].update(n_docs=4), "n_docs"),
        (lambda: trig_certificate(9, 2), lambda r: r["claim"].update(k=3), "2 k dimensions"),
        (lambda: trig_certificate(9, 2), lambda r: r["construction"].update(weights=[4, 1, 1]), "2 k dimensions"),
        (lambda: trig_certificate(9, 2), lambda r: r["construction"].update(weights=[4, 0]), "weights"),
        (lambda: trig_certificate(9, 2), lambda r: r["construction"].update(weights=[4, 2]), "not proved"),
        (lambda: trig_certificate(9, 2), lambda r: r["claim"].update(k=300, n_docs=10**6, dim=700), "claim.k"),
        (lambda: moment_curve_certificate(9), lambda r: r["claim"].update(k=3), "takes 2 k"),
        (lambda: moment_curve_certificate(9), lambda r: r["claim"].update(dim=3), "2 k = 4 dimensions"),
        (lambda: moment_curve_certificate(9), lambda r: r["claim"].update(dtype="float16"), "int64"),
        (lambda: moment_curve_certificate(9), lambda r: r["claim"].update(min_gap=0.1), "not proved"),
    ],
)
def test_a_dropped_hypothesis_is_refused(make, change, word):
    record = make().to_dict()
    record = {part: dict(value) if isinstance(value, dict) else value for part, value in record.items()}
    assert verify(record).verified
    change(record)
    verdict = verify(record)
    assert not verdict.verified and word in verdict.reason, verdict.reason


@pytest.mark.parametrize(
    "call",
    [
        lambda: simplex_certificate(1),
        lambda: simplex_certificate(5, 5),
        lambda: simplex_certificate(5, dtype="binary"),
        lambda: trig_certificate(4, 2),
        lambda: trig_certificate(9, 2, weights=[1]),
        lambda: trig_certificate(9, 2, dtype="int3"),
        lambda: moment_curve_certificate(9, dtype="float16"),
        lambda: moment_curve_certificate(2),
    ],
)
def test_bad_arguments(call):
    with pytest.raises(LimitlabError, match=r"^\w+\(\): .*(must|unknown)"):
        call()
