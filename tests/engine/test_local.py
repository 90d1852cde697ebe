"""The engine of this machine: when it copies nothing, and that its processes end with it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from fakes import engine_tasks as tasks
from fakes.ray_clusters import PATH
from limitlab._core.errors import RangeError
from limitlab._core.provenance import cores
from limitlab.engine import local
from limitlab.engine.local import LocalEngine

PROGRAM = """
import sys, time
from pathlib import Path
from fakes import engine_tasks as tasks
from limitlab.engine import using
with using("local:2") as engine:
    for done in engine.map(tasks.{task}, range(6), shared={shared!r}):
        print(done.value, flush=True)
"""


def script(tmp_path: Path, task: str, shared: object) -> subprocess.Popen:
    """A user's program without a ``__main__`` guard."""
    path = tmp_path / "program.py"
    path.write_text(PROGRAM.format(task=task, shared=shared))
    return subprocess.Popen([sys.executable, str(path)], stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": PATH})


def gone(pid: int) -> bool:
    """Within ten seconds."""
    for _ in range(100):
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            return True
        if state == "Z":
            return True
        time.sleep(0.1)
    return False


def children(pid: int) -> list[int]:
    return [int(p) for t in Path(f"/proc/{pid}/task").iterdir() for p in (t / "children").read_text().split()]


def test_one_worker_one_item_or_a_whole_machine_run_here():
    mine = {os.getpid()}
    assert {d.value[0] for d in LocalEngine(1).map(tasks.who_and_threads, range(2), shared=None)} == mine
    assert {d.value[0] for d in LocalEngine(3).map(tasks.who_and_threads, [0], shared=None)} == mine
    assert {d.value[0] for d in LocalEngine(3).map(tasks.who_and_threads, range(2), shared=None, whole_machine=True)} == mine


def test_here_an_exception_is_the_tasks_own():
    with pytest.raises(tasks.Unsendable) as caught:
        list(LocalEngine(1).map(tasks.break_at_three, range(5), shared="unsendable"))
    assert not hasattr(caught.value, "__notes__")


def test_workers_are_one_a_core_unless_given(monkeypatch):
    monkeypatch.setenv("LIMITLAB_CORES", "1")
    assert LocalEngine().workers == cores() == 1
    assert LocalEngine(3).workers == 3 and LocalEngine(3).name == "local:3"
    with pytest.raises(RangeError, match="workers"):
        LocalEngine(0)


def test_workers_stay_between_maps_and_end_with_close():
    engine = LocalEngine(2)
    first = {d.value[0] for d in engine.map(tasks.who_and_threads, range(12), shared=None)}
    second = {d.value[0] for d in engine.map(tasks.who_and_threads, range(12), shared=None)}
    assert len(first) == 2 and second == first
    engine.close()
    assert all(gone(pid) for pid in first)
    again = {d.value[0] for d in engine.map(tasks.who_and_threads, range(12), shared=None)}
    assert again and not again & first
    engine.close()


def test_an_item_that_cannot_be_sent_is_the_callers_error():
    engine = LocalEngine(2)
    with pytest.raises(Exception, match=r"(?i)pickle"):
        list(engine.map(tasks.square, [1, lambda: 2], shared=0))
    assert len(list(engine.map(tasks.square, [1, 2], shared=0))) == 2
    engine.close()


def test_an_answer_that_cannot_be_unpacked_ends_the_map_and_loses_no_worker():
    engine = LocalEngine(2)
    before = {d.value[0] for d in engine.map(tasks.who_and_threads, range(12), shared=None)}
    for _ in range(3):
        with pytest.raises(ModuleNotFoundError, match="there") as caught:
            list(engine.map(tasks.answer_only_there, [0, 0], shared=None))
        assert caught.value.__notes__ == ["The answer of a worker could not be unpacked."]
    engine.close()
    assert all(gone(pid) for pid in before)
    assert not [pid for pid in children(os.getpid()) if "limitlab.engine.worker" in Path(f"/proc/{pid}/cmdline").read_text()]


def test_what_ended_beside_a_failure_is_given_first(monkeypatch):
    def all_of(channels):
        for channel in channels:
            channel.poll(None)
        return channels

    monkeypatch.setattr(local, "wait", all_of)
    engine = LocalEngine(3)
    found = []
    with pytest.raises(ZeroDivisionError, match="three is broken"):
        for done in engine.map(tasks.break_at_three, [3, 1, 2], shared=None):
            found.append(done.value)
    assert found == [1, 2]
    engine.close()


def test_a_program_without_a_main_guard_runs_once(tmp_path):
    done = script(tmp_path, "square", 0)
    out, _ = done.communicate(timeout=60)
    assert done.returncode == 0 and sorted(map(int, out.split())) == [0, 1, 4, 9, 16, 25]


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="children are looked up in /proc")
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_a_driver_that_is_stopped_leaves_no_worker(tmp_path, how):
    driver = script(tmp_path, "slowly", str(tmp_path))
    assert driver.stdout is not None and driver.stdout.readline() == "0\n"
    workers = children(driver.pid)
    assert len(workers) == 2
    driver.send_signal(how)
    driver.wait(timeout=30)
    assert all(gone(pid) for pid in workers)
    assert not list(tmp_path.glob("ended-[1-9]"))
