"""Search over shards: the bytes of one array whatever the parts, and what happens to parts that are killed or poisoned."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fakes.cluster import FakeCluster
from fakes.shard_folders import manifest_folder, plain_folder
from limitlab._core.errors import DataError, InvalidArgument, LimitlabError, MissingExtra, RangeError, ShapeError, TooLarge
from limitlab._core.home import home
from limitlab.engine import using
from limitlab.search import RelevantSet, SearchResult, exact_search, part_map, tie_order
from limitlab.search.shards import open_shards


def same(one: SearchResult, other: SearchResult) -> bool:
    arrays = [("indices", one, other), ("scores", one, other)] + [(n, one.ranks, other.ranks) for n in ("above", "tied", "before")]
    return all(getattr(a, name).tobytes() == getattr(b, name).tobytes() for name, a, b in arrays)


def problem(seed: int = 0, n: int = 900, dim: int = 20):
    """Many ties within and across parts: whole numbers, repeated rows, and near ties."""
    rng = np.random.default_rng(seed)
    docs = rng.integers(-1, 2, (n, dim)).astype(np.float32)
    docs[n // 2 : n // 2 + 200] = docs[:200]
    docs[-100:] = docs[:100] + np.float32(1e-7)
    queries = rng.standard_normal((30, dim)).astype(np.float32)
    queries[:10] = np.rint(queries[:10])
    members = [np.sort(rng.choice(n, 3, replace=False)) for _ in range(30)]
    ids = [f"d{(7919 * i) % 10_007}" for i in range(n)]
    return docs, queries, RelevantSet(np.arange(31) * 3, np.concatenate(members)), tie_order(ids)


def in_parts(monkeypatch, rows: int) -> None:
    monkeypatch.setattr(part_map, "_ROWS", rows)


@pytest.mark.parametrize("normalise", [True, False])
@pytest.mark.parametrize(("sizes", "rows"), [([], 10_000), ([451], 10_000), ([450], 70), ([1, 200, 3, 333, 50], 130)])
def test_parts_blocks_and_files_change_no_byte(tmp_path: Path, monkeypatch, sizes, rows: int, normalise: bool) -> None:
    docs, queries, relevant, places = problem()
    shards = open_shards(plain_folder(tmp_path / "v", docs, sizes))
    in_parts(monkeypatch, rows)
    for options in ({}, {"dim": 7}, {"block_docs": 13}):
        given = {"k": 50, "places": places, "relevant": relevant, "normalise": normalise, **options}
        assert same(exact_search(shards, queries, **given), exact_search(docs, queries, **{**given, "block_docs": None}))


@pytest.mark.parametrize("dtype", ["float16", "int8"])
def test_short_types_are_searched_as_the_values_they_stand_for(tmp_path: Path, monkeypatch, dtype: str) -> None:
    docs, queries, relevant, places = problem(1)
    docs = docs + np.random.default_rng(5).standard_normal(docs.shape).astype(np.float32)
    shards = open_shards(manifest_folder(tmp_path / "m", docs, [100, 501], dtype=dtype))
    in_parts(monkeypatch, 77)
    given = {"k": 1000, "places": places, "relevant": relevant}
    assert same(exact_search(shards, queries, **given), exact_search(np.asarray(shards), queries, **given))


def test_another_engine_another_order_and_less_memory_change_no_byte(tmp_path: Path, monkeypatch) -> None:
    docs, queries, relevant, places = problem(2)
    in_parts(monkeypatch, 130)
    given = {"k": 25, "places": places, "relevant": relevant}
    whole = exact_search(docs, queries, **given)
    np.save(tmp_path / "one.npy", docs)
    mapped = np.load(tmp_path / "one.npy", mmap_mode="r")
    cluster = FakeCluster(memory_rows=100)
    with using(cluster):
        assert same(exact_search(mapped, queries, **given), whole)
        assert len(cluster.items) == 7, "a memory map of a file is searched by workers that open it"
        assert same(exact_search(docs, queries, **given), whole)
        assert len(cluster.items) == 7, "what is in memory stays here"


@settings(max_examples=12, deadline=None, derandomize=True)
@given(
    st.integers(0, 1000), st.lists(st.integers(1, 40), max_size=6), st.integers(9, 60), st.integers(1, 70), st.sampled_from(["trec", "st"])
)
def test_any_cut_of_the_rows_gives_the_same_bytes(tmp_path_factory, seed: int, sizes: list[int], rows: int, k: int, rule: str) -> None:
    rng = np.random.default_rng(seed)
    n = sum(sizes) + 5
    docs, queries = rng.integers(-1, 2, (n, 4)).astype(np.float32), rng.integers(-2, 3, (6, 4)).astype(np.float32)
    relevant = RelevantSet(np.arange(7), rng.integers(0, n, 6))
    folder = plain_folder(tmp_path_factory.mktemp("cut") / "v", docs, sizes)
    given = {"k": k, "places": tie_order([str(i) for i in range(n)], rule), "relevant": relevant, "normalise": False}
    with pytest.MonkeyPatch.context() as patch:
        in_parts(patch, rows)
        assert same(exact_search(open_shards(folder), queries, **given), exact_search(docs, queries, **given))


# -- parts that fail ----------------------------------------------------------------------------------------------


def test_a_poisoned_part_is_named_the_others_are_kept_and_the_same_search_goes_on(tmp_path: Path, monkeypatch) -> None:
    docs, queries, _, places = problem(3)
    relevant = RelevantSet(np.arange(31), np.arange(30))  # all in the first file
    broken = docs.copy()
    broken[[700, 703]] = np.nan
    folder = plain_folder(tmp_path / "v", broken, [300, 300])
    in_parts(monkeypatch, 300)
    given = {"k": 10, "places": places, "relevant": relevant}
    with pytest.raises(DataError) as caught:
        exact_search(open_shards(folder), queries, **given)
    words = str(caught.value)
    assert "part-002.npy, rows 0 to 299" in words and "2 rows hold NaN or infinity, first rows: 100, 103" in words
    assert "1 of 3 are not" in words and "The other 2 are kept" in words and "\n" not in words
    np.save(folder / "part-002.npy", docs[600:])
    cluster = FakeCluster()
    with using(cluster):
        assert same(exact_search(open_shards(folder), queries, **given), exact_search(docs, queries, **given))
        assert [i.part.first for i in cluster.items] == [600], "only the part that failed is searched again"
        exact_search(open_shards(folder), queries, **given)
        assert len(cluster.items) == 4, "a finished search leaves nothing behind"


def test_a_file_cut_short_after_it_was_opened_is_named(tmp_path: Path, monkeypatch) -> None:
    docs, queries, _, places = problem(4)
    folder = plain_folder(tmp_path / "v", docs, [300, 300])
    shards = open_shards(folder)
    (folder / "part-001.npy").write_bytes((folder / "part-001.npy").read_bytes()[:5000])
    with pytest.raises(DataError, match=r"1 of 3 are not: .*part-001.npy: not readable as vectors: cut short.* The other 2 are kept"):
        exact_search(shards, queries, k=5, places=places)


def test_a_kept_part_is_not_taken_when_its_file_was_changed(tmp_path: Path, monkeypatch) -> None:
    docs, queries, _, places = problem(5)
    folder = plain_folder(tmp_path / "v", docs, [300, 300])
    with using(FakeCluster(stop_after=2)), pytest.raises(KeyboardInterrupt):  # the last two parts are done first
        exact_search(open_shards(folder), queries, k=10, places=places)
    changed = docs.copy()
    changed[600:] *= -1
    np.save(folder / "part-002.npy", changed[600:])
    cluster = FakeCluster()
    with using(cluster):
        found = exact_search(open_shards(folder), queries, k=10, places=places)
    assert [i.part.first for i in cluster.items] == [600, 0]
    assert found.indices.tobytes() == exact_search(changed, queries, k=10, places=places).indices.tobytes()


@pytest.mark.parametrize("normalise", [True, False])
@pytest.mark.parametrize("value", [np.nan, -np.inf, 1e300])
def test_poisoned_relevant_rows_are_named_before_anything_else_is_searched(tmp_path: Path, value: float, normalise: bool) -> None:
    docs, queries, relevant, places = problem(7)
    broken = docs.astype(np.float64)
    broken[relevant.members[relevant.members >= 600][0], 3] = value
    folder = plain_folder(tmp_path / "v", broken, [300, 300])
    cluster, given = FakeCluster(), {"k": 10, "places": places, "relevant": relevant, "normalise": normalise}
    with using(cluster), pytest.raises(DataError) as caught:
        exact_search(open_shards(folder), queries, **given)
    words = str(caught.value)
    assert "part-002.npy, rows 0 to 299: " in words and "1 rows" in words and "repair the files" in words
    assert "are kept" not in words and [i.part.first for i in cluster.items] == [600]
    assert not (home() / "engine").exists(), "nothing is left that no later search could use"
    np.save(folder / "part-002.npy", docs[600:].astype(np.float64))
    assert same(exact_search(open_shards(folder), queries, **given), exact_search(docs, queries, **given))


def test_a_relevant_value_beyond_those_compared_does_not_matter(tmp_path: Path) -> None:
    docs, queries, relevant, places = problem(8)
    wide = docs.astype(np.float64)
    wide[:, 19] = 1e300
    given = {"k": 10, "places": places, "relevant": relevant, "dim": 19}
    assert same(
        exact_search(open_shards(plain_folder(tmp_path / "v", wide, [300])), queries, **given), exact_search(docs, queries, **given)
    )


def test_a_file_of_relevant_rows_cut_short_is_named(tmp_path: Path) -> None:
    docs, queries, relevant, places = problem(9)
    folder = plain_folder(tmp_path / "v", docs, [300, 300])
    shards = open_shards(folder)
    (folder / "part-001.npy").write_bytes((folder / "part-001.npy").read_bytes()[:5000])
    with pytest.raises(DataError, match=r"1 of 1 are not: .*part-001.npy: not readable as vectors: cut short.*repair the files"):
        exact_search(shards, queries, k=5, places=places, relevant=relevant)
    with pytest.raises(ShapeError, match="one row per query"):
        exact_search(open_shards(plain_folder(tmp_path / "w", docs, [300])), queries[:5], k=5, places=places, relevant=relevant)


def test_folders_of_one_name_share_nothing_that_is_kept(tmp_path: Path) -> None:
    docs, queries, _, places = problem(10)
    one, other = plain_folder(tmp_path / "a" / "v", docs, [300, 300]), plain_folder(tmp_path / "b" / "v", -docs, [300, 300])
    for file in one.iterdir():
        os.utime(other / file.name, ns=(file.stat().st_atime_ns, file.stat().st_mtime_ns))
    with using(FakeCluster(stop_after=2)), pytest.raises(KeyboardInterrupt):
        exact_search(open_shards(one), queries, k=10, places=places)
    cluster = FakeCluster()
    with using(cluster):
        found = exact_search(open_shards(other), queries, k=10, places=places)
    assert len(cluster.items) == 3
    assert found.indices.tobytes() == exact_search(-docs, queries, k=10, places=places).indices.tobytes()


def test_a_kept_part_is_not_taken_when_other_bytes_came_with_the_same_time(tmp_path: Path) -> None:
    docs, queries, _, places = problem(11)
    folder = plain_folder(tmp_path / "v", docs, [300, 300])
    with using(FakeCluster(stop_after=2)), pytest.raises(KeyboardInterrupt):
        exact_search(open_shards(folder), queries, k=10, places=places)
    before = (folder / "part-002.npy").stat()
    np.save(tmp_path / "new.npy", -docs[600:])
    os.utime(tmp_path / "new.npy", ns=(before.st_atime_ns, before.st_mtime_ns))
    os.replace(tmp_path / "new.npy", folder / "part-002.npy")
    cluster = FakeCluster()
    with using(cluster):
        exact_search(open_shards(folder), queries, k=10, places=places)
    assert [i.part.first for i in cluster.items] == [600, 0]


def refuse(shared: dict[str, LimitlabError], item: str) -> dict[str, np.ndarray]:
    """A task that fails as it is told."""
    if item in shared:
        raise shared[item]
    return {}


def test_what_no_file_is_to_blame_for_keeps_its_class_and_its_sentence() -> None:
    def failure(errors: dict[str, LimitlabError], **options) -> LimitlabError:
        with pytest.raises(LimitlabError) as caught:
            list(part_map.map_parts("who()", refuse, ["a", "b", "c"], shared=errors, label="", weights=[1, 1, 1], **options))
        return caught.value

    missing = MissingExtra("pyarrow is needed; install it.")
    found = failure({"a": missing, "b": missing}, keeps=True)
    assert type(found) is MissingExtra
    words = "pyarrow is needed; install it. This ended 2 of 3 parts. The other 1 are kept, and the same command goes on from them."
    assert str(found) == words
    assert str(failure({"a": TooLarge("a: too much memory.")})) == "a: too much memory. This ended 1 of 3 parts."
    assert type(failure({"a": RangeError("x."), "b": ShapeError("y.")})) is InvalidArgument
    mixed = failure({"a": TooLarge("a: too much memory."), "b": DataError("b: no file.")})
    assert type(mixed) is DataError and "2 of 3 are not: " in str(mixed) and "b: no file" in str(mixed)


KILLED = """
import os, signal, sys
import numpy as np
from limitlab.search import exact_search, part_map, sharded
from limitlab.search.shards import open_shards
part_map._ROWS = 100
answer, log, stop = sharded._answer, sys.argv[2], int(sys.argv[3])
def counted(asked, work):
    with open(log, "a") as out:
        out.write(f"{work.part.first}\\n")
    if stop and len(open(log).readlines()) == stop:
        os.kill(os.getpid(), signal.SIGKILL)
    return answer(asked, work)
sharded._answer = counted
rng = np.random.default_rng(1)
found = exact_search(open_shards(sys.argv[1]), rng.standard_normal((5, 20)), k=20, places=np.arange(900, dtype=np.int32))
sys.stdout.buffer.write(found.indices.tobytes() + found.scores.tobytes())
"""


def test_a_killed_driver_repeats_only_the_part_in_work(tmp_path: Path) -> None:
    docs, _, _, _ = problem(6)
    folder, log = plain_folder(tmp_path / "v", docs, [450]), tmp_path / "log"
    environment = {**os.environ, "LIMITLAB_HOME": str(tmp_path / "home"), "NUMBA_NUM_THREADS": "1"}

    def run(stop: int) -> subprocess.CompletedProcess:
        return subprocess.run([sys.executable, "-c", KILLED, folder, log, str(stop)], env=environment, capture_output=True, check=False)

    assert run(4).returncode == -signal.SIGKILL
    done = run(0)
    assert done.returncode == 0, done.stderr
    started = [int(line) for line in log.read_text().split()]
    assert sorted(started) == sorted([*range(0, 450, 90), *range(450, 900, 90), 270]), "every part once, the one in work at the kill twice"
    queries = np.random.default_rng(1).standard_normal((5, 20))
    whole = exact_search(docs, queries, k=20, places=np.arange(900, dtype=np.int32))
    assert done.stdout == whole.indices.tobytes() + whole.scores.tobytes()
