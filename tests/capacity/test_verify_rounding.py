"""What rounding may cost is a bound: against the rounding that is done, for every number type."""

from __future__ import annotations

import ast
import math
from pathlib import Path

import numpy as np
import pytest

import limitlab.capacity.verification as room
from limitlab.capacity import NUMBER_TYPES, HarmonicFrame, frame_certificate, holds, round_to, shipped_certificate
from limitlab.capacity.verification import rounding
from limitlab.capacity.verification.frames import frame_loss

BOUNDED = [*rounding.TYPES, *rounding.SCALED]


def unit_rows(rng: np.random.Generator, rows: int, dim: int, spread: float) -> np.ndarray:
    """Unit vectors, with coordinates over ``spread`` powers of ten."""
    v = rng.standard_normal((rows, dim)) * 10.0 ** rng.uniform(-spread, 0, (rows, dim))
    return v / np.linalg.norm(v, axis=1, keepdims=True)


@pytest.mark.parametrize("dtype", BOUNDED)
@pytest.mark.parametrize("dim", [1, 4, 24, 512])
def test_no_vector_moves_further_than_stated(dtype, dim):
    rng = np.random.default_rng(dim)
    worst = 0.0
    for spread in (0.0, 3.0, 9.0):
        v = unit_rows(rng, 400, dim, spread)
        distance = np.linalg.norm(round_to(v, dtype).astype(float) - v, axis=1)
        largest = float(np.abs(v).max())
        assert distance.max() <= rounding.moved(dtype, dim, largest) <= rounding.moved(dtype, dim)
        worst = max(worst, distance.max())
    assert dim != 512 or dtype == "float64" or worst > 0.05 * rounding.moved(dtype, dim), "a bound of the right size"


def test_the_worst_case_of_floating_types():
    """Halfway between two numbers a value moves by the unit roundoff: 2**-8 in bfloat16, whose significand has 8 bits."""
    for dtype, unit in (("bfloat16", 2.0**-8), ("float16", 2.0**-11), ("float32", 2.0**-24), ("fp8-e4m3", 2.0**-4), ("fp8-e5m2", 2.0**-3)):
        value = 0.5 * (1 + unit)
        move = abs(float(round_to(np.array([[value]]), dtype)[0, 0]) - value)
        assert move == 0.5 * unit
        assert rounding.TYPES[dtype][0] == unit == NUMBER_TYPES[dtype].unit
        tiny = rounding.TYPES[dtype][1]
        assert tiny == NUMBER_TYPES[dtype].tiny
        assert float(round_to(np.array([[tiny * 0.999]]), dtype)[0, 0]) == 0 != float(round_to(np.array([[tiny * 1.001]]), dtype)[0, 0])


@pytest.mark.parametrize("dtype", BOUNDED)
@pytest.mark.parametrize("query_dtype", ["float32", "float16", "fp8-e4m3", "int8"])
def test_a_gap_falls_by_no_more_than_stated(dtype, query_dtype):
    rng = np.random.default_rng(5)
    docs, queries = unit_rows(rng, 60, 24, 1.0), unit_rows(rng, 60, 24, 1.0)
    ideal = queries @ docs.T
    stored = round_to(queries, query_dtype).astype(float) @ round_to(docs, dtype).astype(float).T
    move = np.abs(stored - ideal).max()
    assert 2 * move <= rounding.rounding_loss(dtype, query_dtype, 24)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "int8", "int8-per-dim", "fp8-e4m3"])
@pytest.mark.parametrize("query_dtype", ["float32", "float16"])
def test_frames_keep_what_is_claimed_after_rounding(dtype, query_dtype):
    """A frame with a large gap; all its pairs are scored after the rounding that users do."""
    frame = HarmonicFrame(31, (1, 2, 5, 7, 11, 13))
    gaps = [frame.gap([0, d]) for d in range(1, 16)]
    ideal = min(gaps) - 1e-9
    loss = frame_loss(dtype, query_dtype, (1,) * 6)
    if loss >= ideal:
        assert dtype == "fp8-e4m3"
        return
    made = frame_certificate(frame, ideal, dtype=dtype, query_dtype=query_dtype)
    assert made.verify().verified, made.verify().reason
    sets = np.array([[i, (i + d) % 31] for d in range(1, 16) for i in range(31)])
    docs, queries = round_to(frame.docs(), dtype).astype(float), round_to(frame.queries(sets), query_dtype).astype(float)
    scores = queries @ docs.T
    rows = np.arange(len(sets))[:, None]
    inside = scores[rows, sets].min(axis=1)
    scores[rows, sets] = -9
    assert (inside - scores.max(axis=1)).min() >= made.min_gap > ideal - loss - 1e-3 * ideal


def test_what_a_shipped_frame_proves_in_other_types():
    c = shipped_certificate("harmonic-frame-d42-n489133-k2")
    assert holds(c, "float32") == c.min_gap
    ideal = c.min_gap + frame_loss("float32", "float32", c.construction["weights"])
    for dtype in ("float64", "float16", "bfloat16", "int8", "int8-per-dim"):
        assert holds(c, dtype) == pytest.approx(ideal - frame_loss(dtype, "float32", c.construction["weights"]))
    assert holds(c, "exact", "exact") == pytest.approx(ideal)
    assert holds(c, "fp8-e5m2") is None and holds(c, "binary") is None
    assert holds(c, "float32", k=1) is None, "all pairs say nothing about single documents here"
    assert holds(c, "float32", dim=41) is None and holds(c, "float32", dim=100) == c.min_gap


def test_what_stored_vectors_prove_in_other_types():
    c = shipped_certificate("trig-curve-d4-n320-k2")
    assert holds(c, "float64", "float64") == c.min_gap, "float32 numbers are float64 numbers"
    assert holds(c, "float16", "float16") is None


def test_scores_in_short_types_are_summed_in_float32():
    plain = 2 * 24 * 2.0**-24
    assert rounding.scoring_loss("int8", "float32", 24) == pytest.approx(plain, rel=0.05)
    assert plain < rounding.scoring_loss("fp8-e4m3", "fp8-e5m2", 24) < 1.3 * plain
    assert rounding.scoring_loss("float16", "float16", 24) > 1000 * plain
    assert rounding.scoring_loss("bfloat16", "bfloat16", 500) == math.inf


def test_the_check_stays_small():
    """A sceptic reads it in ten minutes: about 1,500 lines with docstrings, none of it from other rooms."""
    lines = [len(p.read_text(encoding="utf-8").splitlines()) for p in Path(room.__file__).parent.glob("*.py")]
    assert sum(lines) < 1_700 and max(lines) <= 360
    for path in Path(room.__file__).parent.glob("*.py"):
        assert ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
