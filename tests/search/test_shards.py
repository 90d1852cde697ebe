"""Vectors in several files look like one array, and folders that are not what they say are refused by name."""

from __future__ import annotations

import json
import pickle
from pathlib import Path

import numpy as np
import pytest

from fakes.shard_folders import manifest_folder, plain_folder
from limitlab._core.errors import DataError, TooLarge
from limitlab._core.number_types import round_to
from limitlab.search.shards import Shards, is_sharded, open_shards

RNG = np.random.default_rng(0)
ARRAY = RNG.standard_normal((101, 6)).astype(np.float32)
SIZES = [13, 1, 40, 7]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return plain_folder(tmp_path / "v", ARRAY, SIZES)


def test_slices_gathers_and_single_rows_are_those_of_the_array(folder: Path) -> None:
    shards = open_shards(folder)
    assert shards.shape == (101, 6) and len(shards) == 101 and shards.ndim == 2 and shards.dtype == np.float32
    for key in (
        slice(0, 101), slice(5, 9), slice(12, 15), slice(100, 200), slice(50, 50), slice(-3, None), slice(0, 101, 7), slice(None, None, -1),
        np.array([3, 100, 13, 13, 0]), np.array([-1, 5]), np.array([[1, 60], [99, 2]]), np.arange(101) % 3 == 0, 17, -1, np.int64(54),
    ):  # fmt: skip
        assert np.array_equal(shards[key], ARRAY[key]), key
    assert np.array_equal(np.asarray(shards), ARRAY)
    with pytest.raises(IndexError, match="rows must be in"):
        shards[np.array([101])]


def test_a_slice_within_one_file_is_a_view_of_its_map(folder: Path) -> None:
    assert isinstance(open_shards(folder)[14:30].base, np.memmap | type(None)) is True
    assert not open_shards(folder)[14:30].flags.owndata


def test_a_worker_gets_names_and_opens_the_files_itself(folder: Path) -> None:
    shards = open_shards(folder)
    shards[0:50]
    sent = pickle.dumps(shards)
    assert len(sent) < 4000
    assert np.array_equal(pickle.loads(sent)[:], ARRAY)
    for part in pickle.loads(pickle.dumps(shards.parts(9))):
        own = part.open()
        assert np.array_equal(own[:], ARRAY[part.first : part.first + part.rows])
        assert np.array_equal(own[np.array([part.rows - 1, 0])], ARRAY[[part.first + part.rows - 1, part.first]])
        assert len(own) == part.rows


@pytest.mark.parametrize("n", [1, 2, 7, 1000])
def test_parts_cover_all_rows_once_and_stay_within_a_file(folder: Path, n: int) -> None:
    parts = open_shards(folder).parts(n)
    assert [p.first for p in parts] == np.cumsum([0, *[p.rows for p in parts]])[:-1].tolist()
    assert sum(p.rows for p in parts) == 101 and all(p.start + p.rows <= p.file.rows for p in parts)
    assert max(p.rows for p in parts) <= -(-101 // n)


@pytest.mark.parametrize("dtype", ["float32", "float16", "int8"])
def test_stored_types_are_read_as_the_values_they_stand_for(tmp_path: Path, dtype: str) -> None:
    ids = [f"d {i}\u2028x" for i in range(101)]
    shards = open_shards(manifest_folder(tmp_path / "m", ARRAY, SIZES, dtype=dtype, ids=ids))
    assert shards.dtype == (np.float32 if dtype == "int8" else np.dtype(dtype))
    expected = round_to(ARRAY, dtype).astype(np.float32)
    assert np.array_equal(shards[:].astype(np.float32), expected)
    assert np.array_equal(shards[np.array([60, 3])].astype(np.float32), expected[[60, 3]])
    assert shards.ids() == ids


def test_parquet_files_by_pattern(tmp_path: Path) -> None:
    pyarrow, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    for number, piece in enumerate(np.split(ARRAY, [40, 41])):
        names = [f"{number}-{i}" for i in range(len(piece))]
        table = pyarrow.table({"id": names, "vector": pyarrow.FixedSizeListArray.from_arrays(piece.ravel(), 6)})
        parquet.write_table(table, tmp_path / f"p{number}.parquet", row_group_size=11)
    shards = open_shards(str(tmp_path / "p*.parquet"))
    assert is_sharded(str(tmp_path / "p*.parquet"))
    assert np.array_equal(shards[:], ARRAY)
    take = RNG.integers(0, 101, 50)
    assert np.array_equal(shards[take], ARRAY[take])
    assert shards.ids()[39:42] == ["0-39", "1-0", "2-0"]
    assert np.array_equal(shards.parts(6)[3].open()[:], ARRAY[shards.parts(6)[3].first :][: shards.parts(6)[3].rows])


def test_parquet_files_without_rows_are_left_out(tmp_path: Path) -> None:
    pyarrow, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    for number, rows in enumerate(([], [[1.0, 2.0]], [], [[3.0, 4.0]])):
        parquet.write_table(
            pyarrow.table({"vector": pyarrow.array(rows, pyarrow.list_(pyarrow.float32()))}), tmp_path / f"part-{number}.parquet"
        )
    for source in (tmp_path, str(tmp_path / "part-*.parquet")):
        assert open_shards(source)[:].tolist() == [[1, 2], [3, 4]]
    for source in (tmp_path / "part-0.parquet", str(tmp_path / "part-[02].parquet")):
        with pytest.raises(DataError, match=r"vectors are expected; (the file has|all files have) no rows"):
            open_shards(source)


@pytest.mark.parametrize("kind", ["float32", "int8"])
@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([[1, None], [3, 4]], "every value of column 'vector' must be there; 1 are null"),
        ([None, [3, 4]], "every list of column 'vector' must be there"),
        ([[1, 2, 3], [4, 5, 6]], "lists of 2 (float32|int8) are expected as in the groups before; it holds 3"),
        ([[1, 2], [3]], "every list of column 'vector' must be there and have the same length"),
    ],
)
def test_a_row_group_that_is_no_table_is_named(tmp_path: Path, rows: list, words: str, kind: str) -> None:
    pyarrow, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    column = pyarrow.array([[1, 2], [3, 4], *rows], pyarrow.list_(pyarrow.type_for_alias(kind)))
    parquet.write_table(pyarrow.table({"vector": column}), tmp_path / "v.parquet", row_group_size=2)
    shards = open_shards(tmp_path / "v.parquet")
    with pytest.raises(DataError, match=rf"v.parquet: row group 1: {words}"):
        shards[2:4]
    parquet.write_table(pyarrow.table({"vector": column[2:]}), tmp_path / "w.parquet")
    if "groups before" not in words:
        with pytest.raises(DataError, match=r"w.parquet: row group 0: "):
            open_shards(tmp_path / "w.parquet")


def test_a_map_is_a_shard_only_while_the_file_holds_what_it_shows(tmp_path: Path) -> None:
    path = tmp_path / "a.npy"
    np.save(path, ARRAY)
    assert Shards.of_map(np.load(path, mmap_mode="c")) is None
    for mode in ("r+", "w+"):
        written = np.lib.format.open_memmap(path, mode=mode, dtype=np.float32, shape=ARRAY.shape)
        written[:] = ARRAY + 1
        found = Shards.of_map(written)
        assert found is not None and np.array_equal(found[:], ARRAY + 1)
    assert Shards.of_map(np.memmap(path, np.float32, "r", offset=124, shape=(101, 6))) is None, "not where the rows begin"
    mapped = np.load(path, mmap_mode="r")
    np.save(tmp_path / "b.npy", ARRAY * 2)
    (tmp_path / "b.npy").replace(path)
    assert Shards.of_map(mapped) is None, "another file has its name now"


def test_a_memory_map_of_a_file_is_a_shard_and_other_arrays_are_not(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", ARRAY)
    mapped = np.load(tmp_path / "a.npy", mmap_mode="r")
    found = Shards.of_map(mapped)
    assert found is not None and np.array_equal(found[:], ARRAY)
    assert Shards.of_map(mapped[10:]) is None and Shards.of_map(mapped[:, :3]) is None and Shards.of_map(ARRAY) is None


def test_a_table_beyond_memory_is_not_read_as_one_array(folder: Path, monkeypatch) -> None:
    monkeypatch.setattr("limitlab._core.row_tables._WHOLE_BYTES", 100)
    with pytest.raises(TooLarge, match="would take 2,424"):
        np.asarray(open_shards(folder))


def _change(folder: Path, **changes) -> None:
    path = folder / "manifest.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def _other_dim(folder: Path) -> None:
    np.save(folder / "s2.npy", ARRAY[:40, :3])


def _other_type(folder: Path) -> None:
    np.save(folder / "s2.npy", ARRAY[:40].astype(np.float64))


def _cut_short(folder: Path) -> None:
    whole = (folder / "s2.npy").read_bytes()
    (folder / "s2.npy").write_bytes(whole[:-9])


def _fewer(folder: Path) -> None:
    np.save(folder / "s2.npy", ARRAY[:39])


@pytest.mark.parametrize(
    ("break_it", "message"),
    [
        (lambda f: (f / "s2.npy").unlink(), r"every file of manifest.json must be there; 's2.npy' is missing"),
        (_other_dim, r"every file must have dimension 6; 1 have not: 's2.npy: 3'"),
        (_other_type, r"s2.npy: 40 rows of float32 are expected by manifest.json; the file holds 40 of float64"),
        (_cut_short, r"s2.npy: not readable as vectors: cut short"),
        (_fewer, r"s2.npy: 40 rows of float32 are expected by manifest.json; the file holds 39"),
        (lambda f: _change(f, rows=100), r"must have 100 rows together; they have 101"),
        (lambda f: _change(f, schema="limitlab.manifest/1"), r"schema 'limitlab.vectors/1' is expected; it is 'limitlab.manifest/1'"),
        (lambda f: _change(f, dtype="int8"), r"int8 vectors must have a file of scales"),
        (lambda f: _change(f, files=[{"file": "../s1.npy", "rows": 1}]), r"files must be named without a folder"),
        (lambda f: (f / "manifest.json").write_text("[1"), r"manifest.json:1: not valid JSON"),
    ],
    ids=["missing", "dimension", "type", "cut short", "fewer rows", "sum", "schema", "scales", "outside", "json"],
)  # fmt: skip
def test_a_folder_that_is_not_what_its_manifest_says_is_refused(tmp_path: Path, break_it, message: str) -> None:
    folder = manifest_folder(tmp_path / "m", ARRAY, SIZES)
    break_it(folder)
    with pytest.raises(DataError, match=message):
        open_shards(folder)


def test_plain_folders_are_refused_by_the_file_that_differs(tmp_path: Path, folder: Path) -> None:
    np.save(folder / "part-002.npy", ARRAY[:5, :2])
    with pytest.raises(DataError, match=r"must have the dimension of the first, 6; 1 have another: 'part-002.npy'"):
        open_shards(folder)
    np.save(folder / "part-002.npy", ARRAY[:5].astype(np.float16))
    with pytest.raises(DataError, match=r"must have the type of the first, float32; 1 have another: 'part-002.npy'"):
        open_shards(folder)
    with pytest.raises(DataError, match="no file has a name of this pattern"):
        open_shards(tmp_path / "no" / "*.npy")
    for name in ("nope", "nope.npy"):
        with pytest.raises(DataError, match=f"{name}: this file or folder does not exist"):
            open_shards(tmp_path / name)
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="are expected; there is nothing of the kind"):
        open_shards(tmp_path / "empty")
    (folder / "encoding.json").write_text("{}")
    with pytest.raises(DataError, match="these vectors are not finished"):
        open_shards(folder)


def test_ids_that_do_not_fit_the_rows_are_refused(tmp_path: Path) -> None:
    folder = manifest_folder(tmp_path / "m", ARRAY, SIZES, ids=[str(i) for i in range(101)])
    (folder / "s1.ids.txt").write_text("a\nb\n")
    with pytest.raises(DataError, match=r"s1.ids.txt: 1 ids are expected, none empty; there are 2"):
        open_shards(folder).ids()
