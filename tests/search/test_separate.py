"""The max-margin query of sets: closed forms, its promises, and what it refuses."""

from __future__ import annotations

import os
import subprocess
import sys
import tracemalloc
from itertools import combinations, islice

import numpy as np
import pytest

from limitlab._core.errors import RangeError, ShapeError
from limitlab.relevance import RelevanceMatrix, all_subsets
from limitlab.search import Separation, separate
from limitlab.search import separate as public

module = sys.modules["limitlab.search.separate"]
planes = sys.modules["limitlab.search.cutting_plane"]


def unit(rows: np.ndarray) -> np.ndarray:
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def random_docs(n: int, dim: int, seed: int = 0) -> np.ndarray:
    return unit(np.random.default_rng(seed).standard_normal((n, dim)))


def trig_docs(n: int, dim: int, weights: list[float] | None = None) -> np.ndarray:
    angles = 2 * np.pi * np.arange(n) / n
    w = np.ones(dim // 2) if weights is None else np.array(weights)
    columns = [w[r - 1] * f(r * angles) for r in range(1, dim // 2 + 1) for f in (np.cos, np.sin)]
    return unit(np.stack(columns, axis=1))


def pairs(n: int) -> np.ndarray:
    return np.array(list(combinations(range(n), 2)))


def evaluated(docs: np.ndarray, queries: np.ndarray, sets: np.ndarray) -> np.ndarray:
    """Gaps by the definition, in extended precision."""
    scores = queries.astype(np.longdouble) @ docs.T.astype(np.longdouble)
    least = np.take_along_axis(scores, sets, axis=1).min(axis=1)
    np.put_along_axis(scores, sets, -np.inf, axis=1)
    return (least - scores.max(axis=1)).astype(np.float64)


@pytest.fixture
def in_blocks(monkeypatch) -> None:
    """Cutting planes with few documents a round, so that small problems take several rounds."""
    monkeypatch.setattr(module, "_IN_MEMORY", 0)
    for name, value in {"_FIRST": 6, "_MORE": 3, "_RELEVANT": 2}.items():
        monkeypatch.setattr(planes, name, value)


@pytest.mark.parametrize(("n", "k"), [(5, 1), (7, 2), (12, 3), (12, 11), (30, 15)])
def test_simplex_reaches_the_ceiling_of_any_dimension(n: int, k: int) -> None:
    docs = unit(np.eye(n) - 1 / n)
    found = separate(docs, np.array([list(s) for s in islice(combinations(range(n), k), 50)]))
    np.testing.assert_allclose(found.gaps, n / np.sqrt(k * (n - 1) * (n - k)), atol=1e-13)
    assert found.converged.all() and found.separable.all()


@pytest.mark.parametrize("n", [12, 46, 100, 300, 1000])
@pytest.mark.parametrize("weights", [[1.0, 1.0], [np.sqrt(0.8), np.sqrt(0.2)]])
def test_trigonometric_curve_has_its_closed_gaps(n: int, weights: list[float]) -> None:
    """Theory: s >= 2 slots apart on the equally spaced curve in R^4, a plane problem with points on a parabola."""
    docs, (w1, w2) = trig_docs(n, 4, weights), np.array(weights) / np.linalg.norm(weights)
    steps = np.arange(2, min(n // 2, 40))
    found = separate(docs, np.stack([np.zeros_like(steps), steps], axis=1))
    h = 2 * np.pi / n
    inner, at, outer = (np.cos((steps / 2 + shift) * h) for shift in (-1, 0, 1))
    exact = 2 * w2 * (inner - at) * (at - outer) / np.sqrt(1 + (2 * w2 / w1) ** 2 * (inner + outer) ** 2)
    np.testing.assert_allclose(found.gaps, exact, atol=2e-15)
    np.testing.assert_allclose(found.bounds, exact, atol=2e-14)
    assert found.separable.all()


def test_bounds_meet_gaps_and_gaps_are_those_of_the_queries() -> None:
    docs, sets = random_docs(261, 30), pairs(261)[::40]
    found = separate(docs, sets, with_weights=True)
    assert (found.bounds - found.gaps).max() <= 1e-12
    assert np.abs(evaluated(docs, found.queries, sets) - found.gaps).max() <= found.rounding
    np.testing.assert_allclose(np.linalg.norm(found.queries, axis=1), 1.0, atol=1e-15)
    difference = found.weights @ docs
    np.testing.assert_allclose(np.linalg.norm(difference, axis=1), found.bounds, atol=1e-13)
    np.testing.assert_allclose(unit(difference), found.queries, atol=1e-12)
    assert (found.worst == (found.queries @ docs.T - 9 * (all_members(sets, 261))).argmax(axis=1)).mean() > 0.4  # ties abound


def all_members(sets: np.ndarray, n: int) -> np.ndarray:
    out = np.zeros((len(sets), n))
    np.put_along_axis(out, sets, 1.0, axis=1)
    return out


def test_in_blocks_and_in_memory_agree(in_blocks, monkeypatch) -> None:
    docs = np.concatenate([random_docs(300, 24), random_docs(40, 24)])  # some documents twice
    sets = np.concatenate([pairs(40)[::9], [[0, 340 - 40]], pairs(300)[-5:]])
    blocks = separate(docs, sets, block_docs=37, with_weights=True)
    monkeypatch.setattr(module, "_IN_MEMORY", 1 << 20)
    memory = separate(docs, sets)
    assert blocks.converged.all() and memory.converged.all()
    np.testing.assert_allclose(blocks.gaps, memory.gaps, atol=1e-10)
    assert np.array_equal(blocks.separable, memory.separable)
    assert np.abs(np.linalg.norm(blocks.weights @ docs, axis=1) - blocks.bounds).max() <= 1e-13
    on = blocks.separable
    assert on.any() and not on.all()
    assert np.abs(evaluated(docs, blocks.queries, sets) - blocks.gaps)[on].max() <= blocks.rounding


def test_large_and_small_sets_in_one_call(in_blocks) -> None:
    """Sets of 1 to n - 1 documents: the relevant side is searched for violators too."""
    docs = random_docs(90, 40)
    members = [np.arange(m) for m in (1, 2, 30, 60, 88, 89)]
    indptr = np.concatenate([[0], np.cumsum([m.size for m in members])])
    found = separate(docs, (indptr, np.concatenate(members)), block_docs=16)
    assert found.converged.all()
    for row, own in enumerate(members):
        alone = separate(docs, own[None, :])
        assert found.gaps[row] == pytest.approx(alone.gaps[0], abs=1e-10)


def test_three_ways_to_give_sets_are_one() -> None:
    docs = random_docs(20, 8)
    relevance = all_subsets(20, 2)
    array = relevance.indices.reshape(-1, 2)
    one, two, three = separate(docs, relevance), separate(docs, array[:, ::-1]), separate(docs, (relevance.indptr, relevance.indices))
    assert np.array_equal(one.queries, two.queries) and np.array_equal(one.queries, three.queries)
    graded = RelevanceMatrix(np.array([0, 3]), np.array([0, 1, 2]), np.array([1, 0, 2]), n_docs=20)
    assert separate(docs, graded).gaps[0] == separate(docs, np.array([[0, 2]])).gaps[0]


def test_a_set_that_is_not_separable_says_so_without_a_theorem() -> None:
    docs = np.array([[1.0, 0.0], [-1.0, 0.0], [0.0, 0.0], [0.0, 1.0]])
    found = separate(docs, np.array([[0, 1], [3, 0]]))
    assert not found.separable[0] and found.separable[1]
    assert found.gaps[0] == 0.0 and found.worst[0] == -1 and not found.queries[0].any()
    assert found.converged.all() and 0.0 <= found.bounds[0] <= 1e-14


def test_duplicates_across_the_border_are_inseparable() -> None:
    docs = random_docs(30, 10)
    docs[20] = docs[3]
    found = separate(docs, np.array([[3, 4], [3, 20]]))
    assert found.separable.tolist() == [False, True]


def test_enough_stops_early_with_a_true_gap(in_blocks, monkeypatch) -> None:
    docs, sets = random_docs(120, 20), pairs(120)[::50]
    full = separate(docs, sets)
    for limit in (0, 1 << 20):
        monkeypatch.setattr(module, "_IN_MEMORY", limit)
        found = separate(docs, sets, enough=1e-3)
        assert np.abs(evaluated(docs, found.queries, sets) - found.gaps)[found.separable].max() <= found.rounding
        assert found.converged.all() and np.array_equal(found.separable, full.separable)
        assert (found.gaps[full.gaps >= 1e-3] >= 1e-3).all() and found.steps.sum() < 0.5 * full.steps.sum()
        assert (found.bounds >= full.gaps - full.rounding).all()


def test_start_changes_the_way_and_not_the_result(in_blocks) -> None:
    docs, sets = random_docs(200, 16), pairs(200)[::301]
    cold = separate(docs, sets)
    warm = separate(docs, sets, start=cold.queries)
    odd = separate(docs, sets, start=random_docs(len(sets), 16, seed=9))
    assert warm.converged.all() and odd.converged.all()
    np.testing.assert_allclose(warm.gaps, cold.gaps, atol=1e-10)
    np.testing.assert_allclose(odd.gaps, cold.gaps, atol=1e-10)
    assert warm.steps.sum() < cold.steps.sum()


@pytest.mark.parametrize("scale", [1e-8, 1.0, 1e6])
def test_documents_are_used_as_they_are(scale: float) -> None:
    docs, sets = random_docs(50, 12), pairs(50)[::50]
    found = separate(scale * docs, sets, tolerance=min(1.0, 1e-10 * max(scale, 1)))
    np.testing.assert_allclose(found.gaps, scale * separate(docs, sets).gaps, atol=1e-12 * scale)


def test_not_reaching_the_tolerance_is_reported() -> None:
    found = separate(1e6 * random_docs(60, 12), pairs(60)[::40], tolerance=1e-14)
    assert not found.converged.all() and found.separable.any()
    assert (found.bounds >= found.gaps).all() and (found.bounds - found.gaps).max() < 1e-7


@pytest.mark.parametrize("kind", [np.float16, np.float32, np.int8, "columns", "reversed"])
def test_types_and_layouts(kind, in_blocks) -> None:
    plain = random_docs(60, 10)
    docs = {"columns": np.asfortranarray(plain), "reversed": plain[::-1]}.get(kind) if isinstance(kind, str) else (100 * plain).astype(kind)
    sets = pairs(60)[::77]
    found = separate(docs, sets, block_docs=13)
    assert found.converged.all()
    assert np.abs(evaluated(docs.astype(np.float64), found.queries, sets) - found.gaps)[found.separable].max() <= found.rounding


def test_a_memory_map_is_read_in_blocks(tmp_path) -> None:
    """100 sets over 100,000 documents: their scores would take 80 MB, the documents 12.8 MB as float64."""
    rng = np.random.default_rng(0)
    docs = np.lib.format.open_memmap(tmp_path / "docs.npy", "w+", np.float32, (100_000, 16))
    docs[:] = unit(rng.standard_normal((100_000, 16)))
    docs.flush()
    mapped = np.load(tmp_path / "docs.npy", mmap_mode="r")
    sets = rng.choice(100_000, size=(100, 1), replace=False)
    separate(mapped[:2000], np.array([[0]]), memory_bytes=4 << 20)
    tracemalloc.start()
    found = separate(mapped, sets, memory_bytes=4 << 20)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert found.converged.all() and found.separable.all()  # unit vectors are in convex position
    assert peak < 30 << 20


def test_no_sets_is_no_error() -> None:
    found = separate(np.eye(3), np.zeros((0, 2), np.int64), with_weights=True)
    assert isinstance(found, Separation) and found.queries.shape == (0, 3) and found.weights.shape == (0, 3)


PROGRAM = """
import hashlib, numpy as np
from limitlab.search import separate
rng = np.random.default_rng(0)
docs = rng.standard_normal((6000, 24)).astype(np.float32)
sets = np.stack([np.arange(0, 200, 2), np.arange(1, 201, 2)], axis=1)
digest = hashlib.sha256()
for found in (separate(docs, sets, with_weights=True), separate(docs[:300], sets)):
    for array in (found.queries, found.gaps, found.bounds, found.worst, found.steps):
        digest.update(np.ascontiguousarray(array).tobytes())
print(digest.hexdigest())
"""


@pytest.mark.skipif((os.cpu_count() or 1) < 2, reason="one core: there is no second thread to compare with")
def test_one_thread_and_two_give_the_same_bytes() -> None:
    def run(threads: int) -> str:
        names = ("NUMBA_NUM_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
        env = {**os.environ, **{name: str(threads) for name in names}}
        done = subprocess.run([sys.executable, "-c", PROGRAM], env=env, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stderr
        return done.stdout

    assert run(1) == run(2)


BAD_CALLS = {
    "one vector": (ShapeError, r"docs must have shape", lambda d: separate(d[0], [[0]])),
    "text": (ShapeError, r"docs must hold real numbers", lambda d: separate(d.astype(str), [[0]])),
    "NaN": (ShapeError, r"first rows: 2", lambda d: separate(np.where(np.arange(6)[:, None] == 2, np.nan, d), [[0]])),
    "too long": (RangeError, r"at most 1e\+15", lambda d: separate(d * 1e200, [[0]])),
    "flat sets": (ShapeError, r"2-dimensional array of whole numbers", lambda d: separate(d, [0, 1])),
    "fractions": (ShapeError, r"float64", lambda d: separate(d, [[0.5]])),
    "empty set": (RangeError, r"got 0 in set 1", lambda d: separate(d, (np.array([0, 1, 1]), np.array([0])))),
    "no member": (RangeError, r"between 1 and 5 of 6 documents; got 0", lambda d: separate(d, np.zeros((2, 0), int))),
    "all documents": (RangeError, r"got 6 in set 0", lambda d: separate(d, [list(range(6))])),
    "one document": (RangeError, r"between 1 and 0 of 1", lambda d: separate(d[:1], [[0]])),
    "outside": (RangeError, r"in \[0, 6\); got 0 to 6", lambda d: separate(d, [[0, 6]])),
    "negative": (RangeError, r"got -1 to 0", lambda d: separate(d, [[0, -1]])),
    "repeated": (RangeError, r"got 2 repeats, in sets 1, 2", lambda d: separate(d, [[0, 1], [3, 3], [2, 2]])),
    "indptr": (ShapeError, r"indptr must ascend", lambda d: separate(d, (np.array([0, 3]), np.array([0])))),
    "three arrays": (ShapeError, r"got 3 arrays", lambda d: separate(d, (np.array([0]),) * 3)),
    "columns": (ShapeError, r"one column per document, 6; got 9", lambda d: separate(d, all_subsets(9, 2))),
    "start": (ShapeError, r"start must have shape \(1, 3\)", lambda d: separate(d, [[0]], start=d)),
    "start NaN": (ShapeError, r"start must be finite", lambda d: separate(d, [[0]], start=np.full((1, 3), np.inf))),
    "tolerance": (RangeError, r"tolerance must be in", lambda d: separate(d, [[0]], tolerance=0.0)),
    "enough": (RangeError, r"enough must be in", lambda d: separate(d, [[0]], enough=-1.0)),
}


@pytest.mark.parametrize(("kind", "words", "call"), BAD_CALLS.values(), ids=BAD_CALLS.keys())
def test_bad_arguments(kind, words, call) -> None:
    with pytest.raises(kind, match=words):
        call(random_docs(6, 3))


def test_the_room_offers_it() -> None:
    assert public is separate


def test_sets_of_different_sizes_as_lists():
    docs = np.random.default_rng(0).standard_normal((12, 6))
    found = separate(docs, [[0, 1], [5], [2, 3, 4]])
    alone = [separate(docs, [s]).gaps[0] for s in ([0, 1], [5], [2, 3, 4])]
    assert np.allclose(found.gaps, alone, atol=1e-12)
