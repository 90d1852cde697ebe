"""Artefacts: stored once by content, collected only when nothing needs them."""

from __future__ import annotations

import os
import time

import numpy as np
import pytest

from limitlab._core.errors import DataError
from limitlab.ledger import Artefacts


@pytest.fixture
def artefacts(tmp_path) -> Artefacts:
    return Artefacts(tmp_path / "artefacts")


def test_what_is_put_comes_back_bit_for_bit(artefacts):
    arrays = {"a": np.array([0.1, np.nan, -0.0], np.float32), "b": np.arange(6, dtype=np.int32).reshape(2, 3)}
    stored = artefacts.get(artefacts.put(arrays))
    assert list(stored) == ["a", "b"]
    for name, array in arrays.items():
        assert stored[name].dtype == array.dtype
        assert stored[name].tobytes() == array.tobytes()


def test_equal_content_is_stored_once(artefacts):
    first = artefacts.put({"a": np.arange(3), "b": np.ones(2)})
    time.sleep(0.01)
    assert artefacts.put({"b": np.ones(2), "a": np.arange(3)}) == first
    assert len(list(artefacts.folder.rglob("*.npz"))) == 1


@pytest.mark.parametrize(
    "other",
    [
        {"a": np.arange(4)},
        {"b": np.arange(3)},
        {"a": np.arange(3, dtype=np.int32)},
        {"a": np.arange(3).reshape(3, 1)},
        {"a": np.arange(3)[::-1]},
    ],
)
def test_other_content_has_another_name(artefacts, other):
    assert artefacts.put(other) != artefacts.put({"a": np.arange(3)})


def test_a_missing_artefact_says_what_to_do(artefacts):
    with pytest.raises(DataError, match="run the evaluation again"):
        artefacts.get("0" * 64)


def test_collect_deletes_what_is_not_kept(artefacts):
    kept, lost = artefacts.put({"a": np.arange(3)}), artefacts.put({"a": np.arange(4)})
    size = artefacts.path(lost).stat().st_size
    assert artefacts.collect({kept}) == (1, size)
    assert artefacts.path(kept).exists() and not artefacts.path(lost).exists()
    assert artefacts.collect({kept}) == (0, 0)


def test_collect_deletes_old_temporary_files_only(artefacts):
    kept = artefacts.put({"a": np.arange(3)})
    folder = artefacts.path(kept).parent
    young, old = folder / ".young.npz.x1.part", folder / ".old.npz.x2.part"
    young.write_bytes(b"being written")
    old.write_bytes(b"left over")
    os.utime(old, (time.time() - 7200,) * 2)
    assert artefacts.collect({kept}) == (1, len(b"left over"))
    assert young.exists() and not old.exists() and artefacts.path(kept).exists()


def test_collect_without_a_folder_is_nothing(artefacts):
    assert artefacts.collect(set()) == (0, 0)
