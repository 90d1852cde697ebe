"""Max-margin queries over shards are those of one array, byte for byte."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from fakes.cluster import FakeCluster
from fakes.shard_folders import manifest_folder, plain_folder
from limitlab._core.errors import DataError
from limitlab.engine import using
from limitlab.search import part_map, separate
from limitlab.search.shards import open_shards
from limitlab.search.violators import Asked, Corpus, violators

module = sys.modules["limitlab.search.separate"]
planes = sys.modules["limitlab.search.cutting_plane"]


@pytest.fixture
def in_blocks(monkeypatch) -> None:
    """Cutting planes in several rounds on small problems, few documents a part."""
    monkeypatch.setattr(module, "_IN_MEMORY", 0)
    monkeypatch.setattr(part_map, "_ROWS", 333)
    monkeypatch.setattr("limitlab.search.violators._ROWS", 128)
    for name, value in {"_FIRST": 6, "_MORE": 3, "_RELEVANT": 2}.items():
        monkeypatch.setattr(planes, name, value)


def problem(seed: int):
    """Documents that occur twice and three times, so that violators tie across parts."""
    rng = np.random.default_rng(seed)
    base = rng.integers(-3, 4, (700, 6)).astype(np.float32)
    docs = np.concatenate([base, base[:500], base[:300]])
    return docs, np.array([np.sort(rng.choice(700, 3, replace=False)) for _ in range(12)])


def same(one, other) -> bool:
    names = ("queries", "gaps", "bounds", "worst", "steps", "converged")
    return all(getattr(one, n).tobytes() == getattr(other, n).tobytes() for n in names) and (one.weights != other.weights).nnz == 0


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.float16])
@pytest.mark.parametrize("sizes", [[], [777], [5, 600, 1, 100, 300]])
def test_parts_change_no_byte(tmp_path: Path, in_blocks, sizes: list[int], dtype) -> None:
    docs, sets = problem(0)
    docs = docs.astype(dtype)
    whole = separate(docs, sets, with_weights=True)
    assert whole.steps.min() > 0
    shards = open_shards(plain_folder(tmp_path / "v", docs, sizes))
    assert same(separate(shards, sets, with_weights=True), whole)
    assert same(separate(docs, sets, with_weights=True, block_docs=17), whole), "nor do blocks"


def test_another_engine_changes_no_byte(tmp_path: Path, in_blocks) -> None:
    docs, sets = problem(1)
    whole = separate(docs, sets, with_weights=True)
    np.save(tmp_path / "one.npy", docs)
    cluster = FakeCluster(memory_rows=None)
    with using(cluster):
        assert same(separate(np.load(tmp_path / "one.npy", mmap_mode="r"), sets, with_weights=True), whole)
    assert len(cluster.items) > 10


def test_scaled_vectors_are_separated_as_what_they_stand_for(tmp_path: Path, in_blocks) -> None:
    docs, sets = problem(2)
    shards = open_shards(manifest_folder(tmp_path / "m", docs * np.float32(0.37), [400, 400], dtype="int8"))
    assert same(separate(shards, sets, with_weights=True), separate(np.asarray(shards), sets, with_weights=True))


def test_few_documents_are_solved_in_memory_from_shards_too(tmp_path: Path) -> None:
    docs, sets = problem(3)
    shards = open_shards(plain_folder(tmp_path / "v", docs, [400]))
    assert same(separate(shards, sets, with_weights=True), separate(docs, sets, with_weights=True))


def test_a_poisoned_part_is_named(tmp_path: Path, in_blocks) -> None:
    docs, sets = problem(4)
    docs[900, 2] = np.nan
    shards = open_shards(plain_folder(tmp_path / "v", docs, [600, 600]))
    with pytest.raises(DataError, match=r"1 rows hold NaN or infinity, first rows: 900"):
        separate(shards, sets)


@pytest.mark.parametrize("block_docs", [1, 2, 5])
def test_of_equal_violators_the_first_documents_are_kept(block_docs: int) -> None:
    docs = np.array([[1.0], [1.0], [2.0], [0.0], [1.0]])
    corpus = Corpus.read("test", docs, docs, docs.dtype, 5)
    none = np.array([-np.inf])
    asked = Asked(np.ones((1, 1)), np.array([0, 1]), np.array([3]), none, none, np.array([1e-9]), 2, 1, docs.dtype)
    others, relevant = violators(corpus, asked, block_docs)
    assert others.docs.tolist() == [[0, 2]] and others.scores.tolist() == [[1.0, 2.0]]
    assert relevant.docs.tolist() == [[3]]


@pytest.mark.parametrize("sizes", [[], [100, 200, 300]])
def test_directions_to_start_from_stay_as_they_are(tmp_path: Path, in_blocks, sizes: list[int]) -> None:
    docs, sets = problem(3)
    start = np.random.default_rng(0).standard_normal((12, 6))
    start.setflags(write=False)
    before = start.copy()
    whole = separate(docs, sets, start=start, with_weights=True)
    assert same(separate(open_shards(plain_folder(tmp_path / "v", docs, sizes)), sets, start=start, with_weights=True), whole)
    assert start.tobytes() == before.tobytes()


KILLED = """
import os, signal, sys
import numpy as np
from limitlab.search import part_map, separate
from limitlab.search.shards import open_shards
module, planes = sys.modules["limitlab.search.separate"], sys.modules["limitlab.search.cutting_plane"]
module._IN_MEMORY, part_map._ROWS = 0, 333
planes._FIRST, planes._MORE, planes._RELEVANT = 6, 3, 2
work, log, stop = planes.CuttingPlane._round, sys.argv[2], int(sys.argv[3])
def counted(self, rows):
    with open(log, "a") as out:
        out.write(f"{rows.size}\\n")
    if stop and len(open(log).readlines()) == stop:
        os.kill(os.getpid(), signal.SIGKILL)
    return work(self, rows)
planes.CuttingPlane._round = counted
sets = np.load(sys.argv[4])
found = separate(open_shards(sys.argv[1]), sets, memory_bytes=int(sys.argv[5]))
sys.stdout.buffer.write(b"".join(getattr(found, n).tobytes() for n in ("queries", "gaps", "bounds", "worst", "steps")))
"""


@pytest.mark.parametrize("memory", [256 << 20, 1 << 20])  # all sets at once; blocks of 16 sets
def test_a_killed_driver_repeats_only_the_round_in_work(tmp_path: Path, memory: int) -> None:
    docs, sets = problem(4)
    sets = np.concatenate([sets, sets[::-1] + 1, sets + 2])
    folder = plain_folder(tmp_path / "v", docs, [777])
    np.save(tmp_path / "sets.npy", sets)

    def run(home: str, log: str, stop: int) -> subprocess.CompletedProcess:
        environment = {**os.environ, "LIMITLAB_HOME": str(tmp_path / home), "NUMBA_NUM_THREADS": "1"}
        command = [sys.executable, "-c", KILLED, folder, tmp_path / log, str(stop), tmp_path / "sets.npy", str(memory)]
        return subprocess.run(command, env=environment, capture_output=True, check=False)

    whole = run("other", "calm", 0)
    assert whole.returncode == 0, whole.stderr
    assert run("home", "log", 3).returncode == -signal.SIGKILL
    assert list((tmp_path / "home" / "engine").iterdir()), "what two rounds found is kept"
    done = run("home", "log", 0)
    assert done.returncode == 0, done.stderr
    assert done.stdout == whole.stdout
    calm, killed = ((tmp_path / name).read_text().split() for name in ("calm", "log"))
    assert len(calm) > 3 and sorted(killed) == sorted([*calm, killed[2]]), "every round once, the one in work at the kill twice"
    assert not list((tmp_path / "home" / "engine").iterdir()), "nothing is left when all sets are solved"
