"""Frames are proved by classes; the classes are all there, the proofs agree with brute force, and mutants are refused."""

from __future__ import annotations

import copy
import math
from itertools import combinations

import mpmath
import numpy as np
import pytest
from scipy.optimize import linprog

from limitlab.capacity import HarmonicFrame, frame_certificate, trig_frame, verify
from limitlab.capacity.verification import frames
from limitlab.capacity.verification.cosines import cosine_table
from limitlab.capacity.verification.propose import least_norm_points


def certificate(n, frequencies, gap, *, weights=None, k=2, multipliers=(), dim=None) -> dict:
    frame = HarmonicFrame(n, tuple(frequencies), None if weights is None else tuple(weights))
    record = frame_certificate(frame, 0.5, k=k, dim=dim, multipliers=multipliers).to_dict()
    record["claim"]["min_gap"] = gap
    return record


@pytest.mark.parametrize("n", [1, 2, 3, 8, 97, 1009])
def test_cosines_are_the_nearest_floats(n):
    mpmath.mp.prec = 200
    table = cosine_table(n)
    assert max(abs(mpmath.mpf(float(c)) - mpmath.cos(mpmath.pi * k / n)) for k, c in enumerate(table)) <= mpmath.mpf(2) ** -53


@pytest.mark.parametrize(("n", "k"), [(7, 2), (9, 3), (10, 3), (12, 4), (11, 4), (10, 5)])
def test_classes_of_sets_cover_every_set_once(n, k):
    seen: dict[frozenset, int] = {}
    for i, members in enumerate(frames.set_classes(n, k)):
        for sign in (1, -1):
            for shift in range(n):
                image = frozenset((sign * j + shift) % n for j in members)
                assert seen.setdefault(image, i) == i
    assert len(seen) == math.comb(n, k)


@pytest.mark.parametrize(
    ("n", "frequencies", "multipliers"), [(97, [1, 35, 36], [35]), (13, [1, 5], [5]), (12, [1, 5], [5]), (31, [1, 2, 4], [])]
)
def test_classes_of_pairs_cover_every_difference_once(n, frequencies, multipliers):
    classes = frames.pair_classes(n, frequencies, [1] * len(frequencies), multipliers)
    seen: set[int] = set()
    for d in classes:
        orbit, todo = {d}, [d]
        while todo:
            e = todo.pop()
            for g in multipliers:
                image = min(e * g % n, -e * g % n)
                if image not in orbit:
                    orbit.add(image)
                    todo.append(image)
        assert not orbit & seen
        seen |= orbit
    assert seen == set(range(1, n // 2 + 1))


def test_a_multiplier_must_be_a_symmetry():
    assert frames.symmetric_under(97, [1, 35, 36], [1, 1, 1], 35)
    assert not frames.symmetric_under(97, [1, 35, 36], [1, 2, 1], 35), "weights differ"
    assert not frames.symmetric_under(97, [1, 35, 37], [1, 1, 1], 35)
    assert not frames.symmetric_under(12, [2, 6], [1, 1], 3), "no unit of Z/12"
    verdict = verify(certificate(97, [1, 35, 36], 0.001, multipliers=[34]))
    assert not verdict.verified and "multiplying by 34" in verdict.reason


def best_gap(docs: np.ndarray, members: tuple[int, ...]) -> float:
    """Distance of the two hulls by an independent route: the least over a grid is not enough, so a quadratic programme by lines of linear ones."""
    inside, outside = docs[list(members)], np.delete(docs, list(members), axis=0)
    u = inside.mean(axis=0) - outside.mean(axis=0)
    cuts: list[np.ndarray] = []
    for _ in range(400):  # maximise <u, y> over the polytope of separating directions by successive supporting planes
        differences = (inside[:, None] - outside[None]).reshape(-1, docs.shape[1])
        cuts.append(differences[(differences @ u).argmin()])
        weights = simplex_least_norm(np.array(cuts))
        u_new = weights @ np.array(cuts)
        if np.linalg.norm(u_new) < 1e-12:
            return 0.0
        if np.linalg.norm(u_new) - (differences @ u_new).min() / np.linalg.norm(u_new) < 1e-9:
            break
        u = u_new
    return float((differences @ u_new).min() / np.linalg.norm(u_new))


def simplex_least_norm(points: np.ndarray) -> np.ndarray:
    from scipy.optimize import nnls

    scale = 1e4
    return nnls(np.vstack([points.T, np.full(len(points), scale)]), np.append(np.zeros(points.shape[1]), scale), maxiter=10_000)[0]


@pytest.mark.parametrize(
    ("n", "frequencies", "weights", "k"),
    [
        (13, [1, 4, 5], None, 2),
        (17, [1, 2, 6], None, 2),
        (16, [1, 2, 5], None, 2),
        (11, [1, 2], [4, 1], 2),
        (12, [1, 2], [4, 1], 2),
        (11, [1, 2, 3], None, 3),
        (9, [1, 2, 3, 4], None, 4),
    ],
)
def test_the_proved_gap_is_the_least_gap_of_all_sets(n, frequencies, weights, k):
    frame = HarmonicFrame(n, tuple(frequencies), None if weights is None else tuple(weights))
    docs = frame.docs()
    least = min(best_gap(docs, s) for s in combinations(range(n), k))
    assert least > 1e-4, "choose a frame that holds its sets"
    record = certificate(n, frequencies, least * (1 - 1e-5) - 3e-7, weights=weights, k=k)
    assert verify(record).verified, verify(record).reason
    record["claim"]["min_gap"] = least * (1 + 1e-5)
    assert not verify(record).verified


def test_a_frame_with_a_set_that_no_query_separates_is_refused():
    docs = HarmonicFrame(40, (1, 2)).docs()
    inside, outside = docs[[0, 10, 20]], np.delete(docs, [0, 10, 20], axis=0)
    rows = np.hstack([-(inside[:, None] - outside[None]).reshape(-1, 4)])
    assert linprog(np.zeros(4), A_ub=rows, b_ub=-np.ones(len(rows)), bounds=(-1e6, 1e6)).status == 2, "no query at all"
    assert not verify(certificate(40, [1, 2], 1e-6, k=3)).verified


def test_the_trigonometric_curve_reaches_its_formula():
    for n in (24, 25, 26):
        gap = 467.6 / n**4 * 0.99
        assert verify(certificate(n, [1, 2], gap, weights=[4, 1])).verified
        assert not verify(certificate(n, [1, 2], gap * 1.05, weights=[4, 1])).verified
    assert trig_frame(9, 3).frequencies == (1, 2, 3)


def test_known_least_gaps_of_frames():
    """Golden: least gaps over all classes, found independently by a min-norm point to 2e-14 and printed to their digits."""
    for n, frequencies, gap in [(97, [1, 35, 36], 0.00394), (149, [1, 17, 18, 41], 0.00793), (199, [1, 2, 21, 56, 77], 0.02028)]:
        assert verify(certificate(n, frequencies, gap - 5e-6)).verified
        assert not verify(certificate(n, frequencies, gap + 1e-5)).verified


def test_padding_with_zeros_is_allowed_and_fewer_dimensions_are_not():
    assert verify(certificate(97, [1, 35, 36], 0.0039, dim=7)).verified
    record = certificate(97, [1, 35, 36], 0.0039)
    record["claim"]["dim"] = 5
    assert not verify(record).verified


def test_rounding_is_part_of_the_claim():
    record = certificate(97, [1, 35, 36], 0.00394)
    assert verify(record).verified
    record["claim"]["dtype"] = "bfloat16"
    verdict = verify(record)
    assert not verdict.verified and "before rounding" in verdict.reason


@pytest.mark.parametrize("dtype", ["float32", "float16"])
def test_rounded_vectors_keep_the_claimed_gap(dtype):
    frame = HarmonicFrame(199, (1, 2, 21, 56, 77))
    verdict = verify(frame_certificate(frame, 0.02027, dtype=dtype, query_dtype=dtype).to_dict())
    assert verdict.verified
    docs = frame.docs().astype(dtype).astype(float)
    sets = np.array([[0, d] for d in range(1, 100)] + [[17, (17 + d) % 199] for d in range(1, 100)])
    queries = frame.queries(sets).astype(dtype).astype(float)
    scores = queries @ docs.T
    rows = np.arange(len(sets))[:, None]
    low = scores[rows, sets].min(axis=1)
    scores[rows, sets] = -np.inf
    assert (low - scores.max(axis=1)).min() >= verdict.claim["min_gap"]


def mutants(rng: np.random.Generator, count: int):
    base = [(97, [1, 35, 36], 0.00393, [35]), (149, [1, 17, 18, 41], 0.00792, []), (199, [1, 2, 21, 56, 77], 0.02027, [])]
    for _ in range(count):
        n, frequencies, gap, multipliers = base[rng.integers(3)]
        record = certificate(n, frequencies, gap, multipliers=multipliers)
        kind = rng.integers(6)
        if kind == 0:
            record["claim"]["n_docs"] += int(rng.integers(1, 4))
        elif kind == 1:
            record["claim"]["min_gap"] *= float(1 + 0.003 * rng.integers(1, 100))
        elif kind == 2:
            at = rng.integers(len(frequencies))
            record["construction"]["frequencies"][at] += int(rng.choice([-1, 1]))
        elif kind == 3:
            record["construction"]["weights"][rng.integers(len(frequencies))] += int(rng.integers(1, 5))
        elif kind == 4:
            record["proof"]["multipliers"] = [int(rng.integers(2, n))]
        else:
            del record["construction"]["frequencies"][0], record["construction"]["weights"][0]
        yield copy.deepcopy(record)


def test_mutants_are_refused_or_proved_as_they_stand():
    """An accepted mutant must be true: its least gap over all pairs, found another way, is at least what it claims."""
    accepted = 0
    for record in mutants(np.random.default_rng(0), 300):
        verdict = verify(record)
        if verdict.verified:
            accepted += 1
            c = record["construction"]
            frame = HarmonicFrame(record["claim"]["n_docs"], tuple(c["frequencies"]), tuple(c["weights"]))
            n = frame.n_docs
            queries = frame.queries(np.array([[0, d] for d in range(1, n // 2 + 1)]))
            scores = queries @ frame.docs().T
            low = np.minimum(scores[:, 0], scores[np.arange(n // 2), np.arange(1, n // 2 + 1)])
            scores[:, 0] = scores[np.arange(n // 2), np.arange(1, n // 2 + 1)] = -np.inf
            assert (low - scores.max(axis=1)).min() >= record["claim"]["min_gap"]
    assert accepted < 60


def test_proposed_points_have_least_norm():
    rng = np.random.default_rng(1)
    points = rng.standard_normal((40, 30, 5)) + 1.5 * rng.standard_normal((40, 1, 5))
    found = least_norm_points(points)
    for p, y in zip(points, found):
        best = simplex_least_norm(p) @ p
        assert np.linalg.norm(y) <= np.linalg.norm(best) + 1e-6
        if np.linalg.norm(y) > 1e-6:
            assert (p @ y).min() >= y @ y - 1e-9
