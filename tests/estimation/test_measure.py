from __future__ import annotations

import numpy as np
import pytest

from limitlab.estimation import measure
from limitlab.estimation.machine import RATES


def test_candidates_that_enter_a_list_as_counted_one_by_one():
    rng = np.random.default_rng(0)
    k, n, first = 10, 4_000, 500
    counts = []
    for _ in range(60):
        scores = rng.random(n)
        kept = np.sort(scores[:first])[-k:]
        entered = k
        for score in scores[first:]:
            if score > kept[0]:
                kept[0] = score
                kept.sort()
                entered += 1
        counts.append(entered)
    assert measure.entering(k, n, first=first) == pytest.approx(np.mean(counts), rel=0.1)
    assert measure.entering(100, 60) == 60


def test_texts_have_the_length_asked_for_and_are_the_same_again():
    texts = measure.sample_texts(20, 50)
    assert texts == measure.sample_texts(20, 50)
    assert {len(t.split()) for t in texts} == {50}


def test_the_parts_of_the_benchmark_measure_all_constants(tmp_path, monkeypatch):
    monkeypatch.setenv("LIMITLAB_HOME", str(tmp_path))
    monkeypatch.setattr(measure, "BLOCK", 512)
    monkeypatch.setattr(measure, "DIM", 32)
    monkeypatch.setattr(measure, "DIMS", (16, 32))
    monkeypatch.setattr(measure, "QUERIES", (1, 16))
    monkeypatch.setattr(measure, "STEPS", ((4, 8), (6, 12)))
    monkeypatch.setattr(measure, "_FILE_BYTES", 1 << 20)
    monkeypatch.setattr(measure, "_TEXTS", 200)
    monkeypatch.setattr(measure, "list_rates", lambda: {"scan": 1.0, "count": 1.0, "offer": 1.0, "enter": 1.0})  # has a block of its own
    monkeypatch.setattr(measure, "start_of_a_process", lambda: (1.0, 1))
    found = measure.measure_machine()
    assert set(found.rates) == set(RATES)
    assert all(rate > 0 for rate in found.rates.values())
    assert len(found.products) == 4 and all(rate > 0 for _, _, rate in found.products)
    assert [m for m, _ in found.steps] == [3 * 28 * 8 * 4, 3 * 66 * 12 * 6]
    assert not list(tmp_path.glob("tmp*"))


def test_the_quickest_round_counts():
    waits = iter([0, 0, 0, 0])
    seen = []
    measure.quickest(lambda: seen.append(next(waits)), rounds=3)
    assert len(seen) == 4
