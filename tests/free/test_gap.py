"""Maximising the least gap: the objective and its compiled steps, what solved means, and that the best never ends below its start."""

from __future__ import annotations

import time
from itertools import combinations

import numpy as np
import pytest

from limitlab._core.errors import InvalidArgument, NotSolved, RangeError, ShapeError
from limitlab._core.status import Status
from limitlab.free import gap_annealing, gap_search
from limitlab.free.config import FreeConfig
from limitlab.free.gap import maximise_gap, smooth_worst_gap
from limitlab.free.gap_annealing import HOT, Annealing, sum_queries
from limitlab.free.gap_ascent import ascend
from limitlab.free.objectives import relevant_mask
from limitlab.free.problem import FreeProblem
from limitlab.relevance import dense
from limitlab.relevance import random as random_pattern
from limitlab.search import separate


def unit(rows: np.ndarray) -> np.ndarray:
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def random_docs(n: int, dim: int, seed: int = 0) -> np.ndarray:
    return unit(np.random.default_rng(seed).standard_normal((n, dim)))


def config(dim: int, **options) -> FreeConfig:
    return FreeConfig(dim=dim, objective="gap", **options)


def mixed() -> FreeProblem:
    """Relevant sets of one, two and three documents."""
    rows = [np.array(s) for k in (1, 2, 3) for s in list(combinations(range(11), k))[::3]]
    from limitlab.relevance import RelevanceMatrix

    indptr = np.concatenate([[0], np.cumsum([r.size for r in rows])])
    return FreeProblem.from_relevance(RelevanceMatrix(indptr, np.concatenate(rows), n_docs=11))


def test_gradient_is_that_of_finite_differences() -> None:
    rng = np.random.default_rng(0)
    relevant = relevant_mask(mixed())[:20]
    scores = rng.uniform(-1, 1, size=relevant.shape)
    for temperature in (0.5, 0.1):
        _, slopes = smooth_worst_gap(scores, relevant, temperature)
        for q, j in rng.integers([20, 11], size=(40, 2)):
            step = np.zeros_like(scores)
            step[q, j] = 1e-5
            up, down = (smooth_worst_gap(scores + sign * step, relevant, temperature)[0] for sign in (1, -1))
            assert slopes[q, j] == pytest.approx((up - down) / 2e-5, abs=1e-8)


def test_it_tends_to_the_worst_gap_and_overflows_nowhere() -> None:
    relevant = np.array([[True, True, False, False], [True, False, False, False]])
    scores = np.array([[0.2, 0.1, 0.4, -1.0], [0.9, -0.5, 0.2, 0.1]])
    loss, slopes = smooth_worst_gap(scores, relevant, 1e-4)
    assert loss == pytest.approx((0.3 / 1e-4 + 0.0) / 2) and np.isfinite(slopes).all()
    assert slopes[0].tolist() == pytest.approx([0, -5000, 5000, 0]) and not slopes[1].any()


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize(("problem", "dim"), [(FreeProblem.all_subsets(9, 2), 4), (mixed(), 5), (FreeProblem.all_subsets(40, 2), 17)])
def test_compiled_steps_are_those_of_numpy(problem, dim, threads, monkeypatch) -> None:
    """Five steps of Adam on the definition, in float64."""
    monkeypatch.setattr(gap_annealing, "_TRIAL_SECONDS", 0.0)
    docs, steps = random_docs(problem.n_docs, dim), 5
    work = Annealing(problem, docs, steps, learning_rate=0.01)
    work._ways = [threads]
    while work.step < steps:
        assert work.advance()
    v, u, moments = docs.copy(), sum_queries(problem, docs), [np.zeros((2, *x.shape)) for x in (docs, sum_queries(problem, docs))]
    for t in range(1, steps + 1):
        done = (t - 1) / steps
        loss, slopes = smooth_worst_gap(u @ v.T, relevant_mask(problem), HOT * (gap_annealing.COLD / HOT) ** done)
        rate = 0.01 * (0.5 + 0.5 * np.cos(np.pi * done))
        for x, slope, held in ((v, slopes.T @ u, moments[0]), (u, slopes @ v, moments[1])):
            held[0] = 0.9 * held[0] + 0.1 * slope
            held[1] = 0.999 * held[1] + 0.001 * slope**2
            held_rate = rate * (held[0] / (1 - 0.9**t)) / (np.sqrt(held[1] / (1 - 0.999**t)) + 1e-8)
            moments_now = x - held_rate
            if x is v:
                new_v = unit(moments_now)
            else:
                new_u = unit(moments_now)
        v, u = new_v, new_u
    assert work.loss == pytest.approx(loss, rel=1e-5)
    found = work.vectors()
    np.testing.assert_allclose(found[0], v, atol=2e-4)  # Adam's first steps have the size of the rate however small a slope is
    assert np.abs(found[0] - v).mean() < 1e-5 and np.abs(found[1] - u).mean() < 1e-5


def test_spreading_lowers_the_energy_it_is_the_slope_of() -> None:
    from limitlab.free.gap_kernels import spread

    docs = random_docs(30, 6)
    before, same = docs.copy(), docs.copy()
    spread(docs, 20, 8, 0.1)
    spread(same, 20, 8, 0.1)

    def energy(v: np.ndarray) -> float:
        return float((((v @ v.T) - np.eye(len(v))) ** 8).sum())

    assert energy(docs) < 0.2 * energy(before)
    np.testing.assert_allclose(np.linalg.norm(docs, axis=1), 1.0, atol=1e-14)
    assert np.array_equal(docs, same)


def test_the_slope_of_a_distance_is_weight_times_query() -> None:
    docs, pair = random_docs(25, 8), np.array([[3, 11]])
    found = separate(docs, pair, with_weights=True)
    slope = found.weights.T @ found.queries
    rng = np.random.default_rng(1)
    for _ in range(10):
        way = rng.standard_normal(docs.shape)
        up, down = (separate(docs + sign * 1e-6 * way, pair).gaps[0] for sign in (1, -1))
        assert (up - down) / 2e-6 == pytest.approx(float((slope * way).sum()), abs=1e-6)


def right_sets(result, problem: FreeProblem) -> int:
    """Sets whose query has exactly them on top, one by one."""
    docs, queries = result.docs.astype(np.float64), result.queries.astype(np.float64)
    count = 0
    for q in range(problem.n_queries):
        own = set(problem.members[problem.indptr[q] : problem.indptr[q + 1]].tolist())
        scores = docs @ queries[q]
        count += min(scores[i] for i in own) > max(s for j, s in enumerate(scores) if j not in own) + 1e-12
    return count


@pytest.mark.parametrize(("n", "k", "dim"), [(36, 2, 10), (24, 2, 4), (120, 2, 20), (14, 3, 6), (30, 1, 2), (8, 7, 9)])
def test_solved_means_every_set_is_right(n: int, k: int, dim: int) -> None:
    problem = FreeProblem.all_subsets(n, k, seed=3)
    result = maximise_gap(problem, config(dim))
    assert result.solved and result.status is Status.SOLVED
    assert result.hits == result.n_relevant == problem.n_relevant and result.n_queries == problem.n_queries
    assert right_sets(result, problem) == problem.n_queries
    assert result.docs.dtype == result.queries.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(result.queries.astype(float), axis=1), 1.0, atol=1e-6)
    scores = result.queries.astype(np.float64) @ result.docs.astype(np.float64).T
    mask = relevant_mask(problem)
    gap = (np.where(mask, scores, np.inf).min(axis=1) - np.where(mask, -np.inf, scores).max(axis=1)).min()
    assert result.gap == pytest.approx(gap, abs=1e-14) and result.gap > 0 and result.loss == -result.gap


def test_a_relevance_matrix_is_solved_in_few_dimensions() -> None:
    relevance = random_pattern(100, 150, k=3, seed=1)
    result = maximise_gap(relevance, config(6))
    assert result.solved and result.k == 3
    assert right_sets(result, FreeProblem.from_relevance(relevance)) == 150


def test_limit_fits_five_dimensions() -> None:
    assert maximise_gap(dense(46, 1000), config(5)).solved


def test_what_cannot_be_solved_is_not_called_impossible() -> None:
    """Five unit vectors in three dimensions: theory says no; the result says only that it was not found."""
    result = maximise_gap(5, config(3, max_steps=2_000))
    assert result.status is Status.NOT_SOLVED and not result.solved
    assert result.hits < result.n_relevant == 20 and result.gap <= 0
    assert "No proof of impossibility" in result.message and result.steps <= 2_000


def test_the_same_seed_gives_the_same_bytes() -> None:
    def digest(seed: int) -> tuple[bytes, bytes, int]:
        result = maximise_gap(24, config(4, seed=seed), until="best")
        return result.docs.tobytes(), result.queries.tobytes(), result.steps

    assert digest(1) == digest(1)
    assert digest(1) != digest(2)


def test_threads_change_no_bit(monkeypatch) -> None:
    problem, docs = FreeProblem.all_subsets(50, 2), random_docs(50, 8)

    def run(ways: list[int]) -> bytes:
        work = Annealing(problem, docs, 60, learning_rate=0.01)
        work._ways = ways
        while work.step < work.steps:
            work.advance()
        return b"".join(x.tobytes() for x in work.vectors())

    assert run([1]) == run([2]) == run([1, 2])


@pytest.mark.parametrize("start", ["trig", "frame", "own", "random"])
def test_the_best_never_ends_below_its_start(start: str) -> None:
    given = random_docs(20, 8, seed=5) if start == "own" else start
    n, dim = (20, 8) if start == "own" else (24, 4)
    first = maximise_gap(n, config(dim, max_steps=1), start=given, until="best")
    result = maximise_gap(n, config(dim), start=given, until="best")
    assert result.solved and result.gap >= first.gap
    assert result.curve[-1][2] == result.n_relevant and result.steps > 1
    assert result.gap > {"trig": 0.00142, "frame": 0.0012, "own": 0.27, "random": 0.001}[start]


def test_the_best_is_above_the_first_attempts() -> None:
    """Theory, section 9: d = 6, n = 64 reached a gap of .009."""
    assert maximise_gap(64, config(6), until="best").gap > 0.012


def test_ascent_only_rises_and_stops_where_a_set_has_no_slope() -> None:
    problem = FreeProblem.all_subsets(16, 2)
    gaps = [height.gap for height in ascend(problem, random_docs(16, 10), steps=30)]
    assert len(gaps) == 4 and gaps == sorted(gaps) and gaps[-1] > gaps[0] > 0
    closed = random_docs(16, 10)
    closed[1] = closed[0]
    assert [height.gap for height in ascend(problem, closed, steps=30)] == [0.0]


def test_time_is_kept() -> None:
    start = time.perf_counter()
    result = maximise_gap(60, config(3), seconds=0.5)
    assert time.perf_counter() - start < 5
    assert result.status is Status.NOT_SOLVED and "time allowed" in result.message
    more = maximise_gap(12, config(4), until="best", seconds=0.8)
    assert more.solved and more.steps > 4_000


def test_a_loss_that_is_not_finite_fails_with_the_step(monkeypatch) -> None:
    def advance(self) -> bool:
        self._run.counts[0] += 7
        return False

    monkeypatch.setattr(gap_search.Annealing, "advance", advance)
    result = maximise_gap(24, config(4))
    assert result.status is Status.FAILED and result.docs is None and result.queries is None
    assert "not finite after 27 steps" in result.message and np.isnan(result.gap)


BAD = {
    "objective": (InvalidArgument, "objective must be gap", lambda: maximise_gap(8, FreeConfig(dim=4))),
    "until": (InvalidArgument, "unknown until", lambda: maximise_gap(8, config(4), until="ever")),
    "start": (InvalidArgument, "unknown start", lambda: maximise_gap(8, config(4), start="circle")),
    "k": (RangeError, "k must be in", lambda: maximise_gap(8, config(4), k=8)),
    "n": (RangeError, "n_docs", lambda: maximise_gap(1, config(4))),
    "trig": (RangeError, "dim >= 2 k = 6", lambda: maximise_gap(9, config(5), k=3, start="trig")),
    "shape": (ShapeError, r"shape \(8, 4\)", lambda: maximise_gap(8, config(4), start=np.eye(4))),
    "zero": (ShapeError, "row 2 is", lambda: maximise_gap(3, config(3), start=np.diag([1.0, 1.0, 0.0]))),
    "NaN": (ShapeError, "finite", lambda: maximise_gap(3, config(3), start=np.full((3, 3), np.nan))),
    "seconds": (RangeError, "seconds", lambda: maximise_gap(8, config(4), seconds=-1.0)),
    "frame": (NotSolved, "no certified frame", lambda: maximise_gap(5_000, config(4), start="frame")),
}


@pytest.mark.parametrize(("kind", "words", "call"), BAD.values(), ids=BAD.keys())
def test_bad_arguments(kind, words, call) -> None:
    with pytest.raises(kind, match=words):
        call()
