"""Files are whole or absent; hashes do not change."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from limitlab._core.errors import DataError, InvalidArgument
from limitlab._core.files import atomic_file, atomic_folder, canonical_json, content_hash, read_json, sha256_file, write_text


class Broken(RuntimeError):
    pass


def test_atomic_file_appears_with_its_content(tmp_path):
    with atomic_file(tmp_path / "deep" / "a.bin") as out:
        out.write(b"abc")
        assert not (tmp_path / "deep" / "a.bin").exists()
    assert (tmp_path / "deep" / "a.bin").read_bytes() == b"abc"
    assert os.listdir(tmp_path / "deep") == ["a.bin"]


def test_atomic_file_leaves_the_old_content_after_an_error(tmp_path):
    path = tmp_path / "a.txt"
    write_text(path, "old")
    with pytest.raises(Broken), atomic_file(path) as out:
        out.write(b"half of the new")
        raise Broken
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["a.txt"]


def test_atomic_file_leaves_nothing_when_stopped(tmp_path):
    with pytest.raises(KeyboardInterrupt), atomic_file(tmp_path / "a.txt") as out:
        out.write(b"x")
        raise KeyboardInterrupt
    assert os.listdir(tmp_path) == []


def test_what_killed_runs_left_is_removed_by_the_next_one(tmp_path):
    gone = subprocess.run(
        [sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, text=True, check=True
    ).stdout.strip()
    kept = [f".data.{os.getpid()}.x.part", f".data.{gone}.young.part", f".other.{gone}.x.part", ".data.notes.part"]
    for name in (*kept, f".data.{gone}.old.part"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "half").write_text("x")
        if "young" not in name:
            os.utime(tmp_path / name, (0, 0))
    with atomic_folder(tmp_path / "data", who="make") as part:
        (part / "corpus.jsonl").write_text("x")
    assert sorted(os.listdir(tmp_path)) == sorted([*kept, "data"])


def test_atomic_file_has_the_usual_permissions(tmp_path):
    old = os.umask(0o027)
    try:
        write_text(tmp_path / "a.txt", "x")
    finally:
        os.umask(old)
    assert stat.S_IMODE((tmp_path / "a.txt").stat().st_mode) == 0o640


def test_atomic_folder_appears_when_complete(tmp_path):
    with atomic_folder(tmp_path / "data", who="make") as part:
        (part / "corpus.jsonl").write_text("x")
        assert not (tmp_path / "data").exists()
    assert os.listdir(tmp_path) == ["data"]
    assert (tmp_path / "data" / "corpus.jsonl").read_text() == "x"


def test_atomic_folder_leaves_nothing_after_an_error(tmp_path):
    with pytest.raises(Broken), atomic_folder(tmp_path / "data", who="make") as part:
        (part / "corpus.jsonl").write_text("x")
        raise Broken
    assert os.listdir(tmp_path) == []


def test_atomic_folder_refuses_an_existing_folder_and_names_the_way_out(tmp_path):
    (tmp_path / "data").mkdir()
    with pytest.raises(InvalidArgument, match=r"make: .*--overwrite"), atomic_folder(tmp_path / "data", who="make"):
        pass


def test_atomic_folder_replaces_whole_when_asked(tmp_path):
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "manifest.json").write_text("old")
    with atomic_folder(folder, who="make", overwrite=True) as part:
        (part / "new").write_text("new")
    assert os.listdir(folder) == ["new"]
    assert os.listdir(tmp_path) == ["data"]


def test_atomic_folder_keeps_the_old_folder_after_an_error(tmp_path):
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "manifest.json").write_text("old")
    with pytest.raises(Broken), atomic_folder(folder, who="make", overwrite=True) as part:
        (part / "new").write_text("new")
        raise Broken
    assert os.listdir(folder) == ["manifest.json"]
    assert os.listdir(tmp_path) == ["data"]


def test_atomic_folder_never_replaces_a_file(tmp_path):
    (tmp_path / "data").write_text("precious")
    with pytest.raises(InvalidArgument, match="is a file"), atomic_folder(tmp_path / "data", who="make", overwrite=True):
        pass
    assert (tmp_path / "data").read_text() == "precious"


def test_canonical_json_does_not_depend_on_the_order_of_keys():
    assert canonical_json({"b": 1, "a": [1, 2]}) == '{"a":[1,2],"b":1}' == canonical_json({"a": (1, 2), "b": 1})


def test_canonical_json_takes_numpy_sets_and_paths():
    value = {"a": np.float32(0.5), "b": np.arange(2), "c": {"y", "x"}, "d": Path("p")}
    assert canonical_json(value) == '{"a":0.5,"b":[0,1],"c":["x","y"],"d":"p"}'
    with pytest.raises(TypeError, match="not JSON: object"):
        canonical_json(object())


def test_content_hash_is_the_same_for_ever():
    """Cache keys of older versions must stay valid: these digits are SHA-256 of the canonical JSON, and never change."""
    assert content_hash({"b": 1, "a": "ä"}) == content_hash({"a": "ä", "b": 1}) == "507aab815f2bdfce"
    assert content_hash({"b": 1, "a": "a"}) != content_hash({"a": "ä", "b": 1})
    assert len(content_hash([], length=32)) == 32


def test_sha256_of_a_file_is_the_known_one(tmp_path):
    (tmp_path / "abc").write_bytes(b"abc")
    assert sha256_file(tmp_path / "abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


def test_read_json_points_at_the_line(tmp_path):
    path = tmp_path / "a.json"
    path.write_text('{\n "a": 1,\n oops}\n')
    with pytest.raises(DataError, match=r"a\.json:3: not valid JSON"):
        read_json(path)
    path.write_bytes(b'{"a": "\xff"}')
    with pytest.raises(DataError, match="not UTF-8 text"):
        read_json(path)


def test_nobodys_own_folder_is_replaced(tmp_path):
    own = tmp_path / "thesis"
    own.mkdir()
    (own / "thesis.txt").write_text("years of work")
    refused = pytest.raises(InvalidArgument, match=r"make: only an earlier product may be replaced; .* has no manifest.json")
    with refused, atomic_folder(own, who="make", overwrite=True):
        raise AssertionError("never entered")
    assert (own / "thesis.txt").read_text() == "years of work"
    assert [p.name for p in tmp_path.iterdir()] == ["thesis"]
    (own / "thesis.txt").unlink()
    with atomic_folder(own, who="make", overwrite=True) as part:  # an empty folder holds nothing to lose
        (part / "manifest.json").write_text("{}")
    link = tmp_path / "link"
    link.symlink_to(own)
    with atomic_folder(link, who="make", overwrite=True) as part:
        (part / "manifest.json").write_text("{}")
    assert link.is_symlink() and sorted(p.name for p in tmp_path.iterdir()) == ["link", "thesis"]
