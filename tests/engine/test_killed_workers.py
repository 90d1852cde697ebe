"""Workers killed at random while a room's own work runs on them: the same bytes, nothing counted twice."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from fakes.killing import Killing
from fakes.shard_folders import plain_folder
from limitlab.engine import using
from limitlab.evaluation.encode_corpus import encode_corpus
from limitlab.free.critical_n import critical_n
from limitlab.ledger import Ledger
from limitlab.search import RelevantSet, exact_search, part_map, separate, tie_order
from limitlab.search.shards import open_shards


@pytest.fixture(scope="module")
def problem() -> tuple[np.ndarray, np.ndarray, RelevantSet, np.ndarray]:
    """Ties within and across parts, whose order a part that is counted twice would change."""
    rng = np.random.default_rng(3)
    docs = rng.integers(-1, 2, (1_400, 24)).astype(np.float32)
    docs[700:900] = docs[:200]
    queries = rng.standard_normal((40, 24)).astype(np.float32)
    members = np.concatenate([np.sort(rng.choice(1_400, 3, replace=False)) for _ in range(40)])
    return docs, queries, RelevantSet(np.arange(41) * 3, members), tie_order([f"d{(7919 * i) % 10_007}" for i in range(1_400)])


@pytest.mark.parametrize("parts", [1, 2, 7])
def test_a_search_in_parts_survives_as_many_as_twenty_deaths(engine, problem, tmp_path, monkeypatch, parts):
    docs, queries, relevant, places = problem
    monkeypatch.setattr(part_map, "_ROWS", -(-1_400 // parts))
    given = {"k": 60, "places": places, "relevant": relevant}
    whole = exact_search(docs, queries, **given)
    deaths = 0 if parts == 1 and engine.name.startswith("local") else {1: 1, 2: 3, 7: 20}[parts]  # one part is searched by the driver
    killing = Killing(engine, tmp_path / "plan", deaths, seed=parts)
    with using(killing):
        found = exact_search(open_shards(plain_folder(tmp_path / "v", docs, [1_400])), queries, **given)
    for name in ("indices", "scores"):
        assert getattr(found, name).tobytes() == getattr(whole, name).tobytes()
    for name in ("above", "tied", "before"):
        assert getattr(found.ranks, name).tobytes() == getattr(whole.ranks, name).tobytes()
    tried = list((tmp_path / "plan").glob("map-*/try-*"))
    assert killing.left == 0 and len(tried) == parts + deaths, "each part once, and once more for every death"


def test_best_queries_survive_deaths(engine, tmp_path, monkeypatch):
    monkeypatch.setattr(sys.modules["limitlab.search.separate"], "_IN_MEMORY", 0)
    monkeypatch.setattr(part_map, "_ROWS", 400)
    for name, value in {"_FIRST": 6, "_MORE": 3, "_RELEVANT": 2}.items():  # several rounds on a small problem
        monkeypatch.setattr(sys.modules["limitlab.search.cutting_plane"], name, value)
    rng = np.random.default_rng(4)
    docs = rng.integers(-3, 4, (1_500, 6)).astype(np.float32)
    sets = np.array([np.sort(rng.choice(1_500, 3, replace=False)) for _ in range(12)])
    shards = open_shards(plain_folder(tmp_path / "v", docs, [500, 1_100]))
    here = separate(shards, sets)
    killing = Killing(engine, tmp_path / "plan", 4, seed=5)
    with using(killing):
        there = separate(shards, sets)
    for name in ("queries", "gaps", "bounds", "worst", "steps", "converged"):
        assert getattr(there, name).tobytes() == getattr(here, name).tobytes()
    assert killing.left == 0 and killing.maps > 2


def test_vectors_in_shards_survive_deaths(engine, tmp_path):
    texts = tmp_path / "texts.jsonl"
    texts.write_text("".join(f'{{"_id": "d{i}", "text": "word{i % 13} and word{i}"}}\n' for i in range(350)), encoding="utf-8")
    calm = encode_corpus(texts, "token-sums:tokens=words,dim=16", tmp_path / "calm", shard_docs=50, dtype="int8")
    killing = Killing(engine, tmp_path / "plan", 4, seed=6)
    made = encode_corpus(texts, "token-sums:tokens=words,dim=16", tmp_path / "made", shard_docs=50, dtype="int8", engine=killing)
    assert (made.rows, made.shards, killing.left) == (calm.rows, calm.shards, 0) == (350, 7, 0)
    one, other = (open_shards(tmp_path / name) for name in ("calm", "made"))
    assert np.asarray(one).tobytes() == np.asarray(other).tobytes() and list(one.ids()) == list(other.ids())


def test_a_critical_n_survives_deaths(engine, tmp_path):
    quick = {"max_steps": 500, "patience": 50, "device": "cpu", "start": 4}
    here = critical_n([2, 3], 2, seeds=[1, 2], ledger=Ledger(tmp_path / "here"), **quick)
    killing = Killing(engine, tmp_path / "plan", 3, seed=7)
    there = critical_n([2, 3], 2, seeds=[1, 2], ledger=Ledger(tmp_path / "there"), engine=killing, **quick)

    def plain(result):
        rows = [r.to_dict() | {"seconds": 0} for r in result.rows]
        return [r | {"trials": [t | {"seconds": 0} for t in r["trials"]]} for r in rows]

    assert plain(there) == plain(here) and killing.left == 0
