"""What a killed driver had been told is there again, whole or not at all."""

from __future__ import annotations

import os
import subprocess
import sys
import time

import numpy as np
import pytest

from fakes.ray_clusters import PATH
from limitlab._core.errors import RangeError
from limitlab._core.home import home
from limitlab.engine import Finished

DRIVER = """
import os, signal, sys
import numpy as np
from limitlab.engine import Finished
done = Finished(sys.argv[1], {"what": "squares"})
for index in range(10):
    if done.get(index) is None:
        print(index, flush=True)
        done.put(index, {"square": np.array([index * index])})
    if index == int(sys.argv[2]):
        os.kill(os.getpid(), signal.SIGKILL)
"""


def test_arrays_come_back_as_they_were(tmp_path):
    done = Finished(tmp_path, {"n": 3, "model": "minilm"})
    arrays = {
        "scores": np.linspace(0, 1, 6, dtype=np.float32).reshape(2, 3),
        "ids": np.array(["a", "b"]),
        "none": np.empty((0, 4), np.int8),
    }
    assert done.get(1) is None
    done.put(1, arrays)
    found = Finished(tmp_path, {"model": "minilm", "n": 3}).get(1)
    assert found is not None and list(found) == list(arrays)
    assert all(found[k].dtype == v.dtype and np.array_equal(found[k], v) for k, v in arrays.items())
    done.put(1, {"other": np.ones(1)})
    assert list(done.get(1) or ()) == ["other"]


def test_another_run_has_another_folder(tmp_path):
    Finished(tmp_path, {"n": 3}).put(0, {"x": np.ones(1)})
    assert Finished(tmp_path, {"n": 4}).get(0) is None
    assert Finished(None, {"n": 3}).folder.parent == home() / "engine"


def test_a_file_that_is_not_whole_is_missing(tmp_path):
    done = Finished(tmp_path, {"n": 1})
    done.put(0, {"x": np.arange(10_000)})
    whole = (done.folder / "0.npz").read_bytes()
    for part in (whole[:0], whole[:50], whole[: len(whole) // 2], whole[:-1], b"not a zip", whole[:5_000] + bytes(100) + whole[5_100:]):
        (done.folder / "0.npz").write_bytes(part)
        assert done.get(0) is None
    (done.folder / "0.npz").write_bytes(whole)
    assert done.get(0) is not None


def test_clear_forgets_this_run_alone(tmp_path):
    one, other = Finished(tmp_path, {"n": 1}), Finished(tmp_path, {"n": 2})
    one.put(0, {"x": np.ones(1)})
    other.put(0, {"x": np.ones(1)})
    one.clear()
    one.clear()
    assert one.get(0) is None and not one.folder.exists() and other.get(0) is not None


def test_another_version_of_limitlab_takes_nothing(monkeypatch):
    Finished(None, {"n": 3}).put(0, {"x": np.ones(1)})
    monkeypatch.setattr("limitlab.__version__", "0.0.1")
    assert Finished(None, {"n": 3}).get(0) is None


def test_runs_nobody_went_on_with_are_removed(tmp_path):
    old, young, foreign = Finished(None, {"n": 1}), Finished(None, {"n": 2}), home() / "engine" / "notes"
    for done in (old, young):
        done.put(0, {"x": np.ones(1)})
    foreign.mkdir()
    for folder, days in ((old.folder, 15), (young.folder, 13), (foreign, 99)):
        os.utime(folder, (time.time() - days * 86_400,) * 2)
    Finished(tmp_path, {"n": 3})
    assert old.folder.exists(), "another folder, another owner"
    Finished(None, {"n": 1})
    assert old.get(0) is not None, "its own is not too old"
    os.utime(old.folder, (time.time() - 15 * 86_400,) * 2)
    Finished(None, {"n": 3})
    assert not old.folder.exists() and young.get(0) is not None and foreign.exists()


def test_wrong_arguments(tmp_path):
    done = Finished(tmp_path, {"n": 1})
    with pytest.raises(RangeError, match="index"):
        done.get(-1)
    with pytest.raises(ValueError, match="Python objects"):
        done.put(0, {"x": np.array([object()])})
    assert not done.folder.exists()


def test_a_driver_killed_again_and_again_repeats_nothing(tmp_path):
    told = []
    for kill_at in (3, 3, 7, 99):
        command = [sys.executable, "-c", DRIVER, str(tmp_path), str(kill_at)]
        done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": PATH}, check=False)
        told += done.stdout.split()
        assert (done.returncode == 0) == (kill_at == 99), done.stderr
    assert told == [str(i) for i in range(10)]
