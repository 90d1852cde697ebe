"""Files are told apart by what is in them, and read for that once."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

import numpy as np
import pytest

from fakes.shard_folders import manifest_folder
from limitlab._core.errors import DataError
from limitlab._core.home import home
from limitlab.search import file_states
from limitlab.search.shards import open_shards

ARRAY = np.random.default_rng(0).standard_normal((50, 4)).astype(np.float32)
IDS = [f"d{i}" for i in range(50)]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """int8 with scales and ids in files of their own, the SHA-256 of every table noted."""
    made = manifest_folder(tmp_path / "m", ARRAY, [30], dtype="int8", ids=IDS)
    manifest = json.loads((made / "manifest.json").read_text())
    for entry in manifest["files"]:
        entry["sha256"] = hashlib.sha256((made / entry["file"]).read_bytes()).hexdigest()
    (made / "manifest.json").write_text(json.dumps(manifest))
    return made


def other_bytes(path: Path, content: bytes) -> None:
    """Other bytes of the same number, with the time that the file had."""
    before = path.stat()
    assert len(content) == before.st_size
    path.write_bytes(content)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def test_replaced_vectors_are_refused_by_name(folder: Path) -> None:
    open_shards(folder).identity()
    whole = (folder / "s1.npy").read_bytes()
    other_bytes(folder / "s1.npy", whole[:-1] + bytes([whole[-1] ^ 1]))
    with pytest.raises(DataError, match=r"s1.npy: the file is not what manifest.json says; encode it again, or remove the manifest"):
        open_shards(folder).identity()


@pytest.mark.parametrize("name", ["s0.scales.npy", "s1.ids.txt"])
def test_other_scales_or_ids_are_another_identity(folder: Path, name: str) -> None:
    one = open_shards(folder).identity()
    whole = (folder / name).read_bytes()
    other_bytes(folder / name, whole[:-2] + bytes([whole[-2] ^ 1]) + whole[-1:])
    assert open_shards(folder).identity() != one


def test_a_copy_elsewhere_is_the_same(folder: Path, tmp_path: Path) -> None:
    one = open_shards(folder).identity()
    folder.rename(tmp_path / "moved")
    assert open_shards(tmp_path / "moved").identity() == one


def test_a_file_is_read_once_for_every_state(folder: Path, monkeypatch) -> None:
    read: list[str] = []
    monkeypatch.setattr(file_states, "sha256_file", lambda path: read.append(path) or hashlib.sha256(Path(path).read_bytes()).hexdigest())
    path = folder / "s0.npy"
    file_states.digest(path)
    file_states.digest(path)
    assert len(read) == 2, "a file of this moment may change again within the same tick"
    monkeypatch.setattr(file_states, "_SETTLED_NS", 0)
    found = [file_states.digest(path) for _ in range(3)]
    assert len(read) == 3 and len(set(found)) == 1
    path.write_bytes(path.read_bytes()[:-1] + b"\x07")
    assert file_states.digest(path) != found[0] and len(read) == 4
    next((home() / "verified").iterdir()).write_text("[")
    file_states.digest(path)
    assert len(read) == 5, "a damaged record is no record"
    with pytest.raises(DataError, match=r"nope.npy: not readable"):
        file_states.digest(folder / "nope.npy")
