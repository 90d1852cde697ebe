"""The ledger: nothing lost, nothing unfinished taken for done."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time

import numpy as np
import pytest

from limitlab._core.errors import DataError, UnknownName
from limitlab._core.status import Status
from limitlab.ledger import Cell, Ledger

WRITER = """
import sys
from limitlab._core.status import Status
from limitlab.ledger import Cell, Ledger
ledger = Ledger()
run = ledger.start("eval", sys.argv[1], {})
for i in range(50):
    ledger.add_cell(run, Cell(f"{sys.argv[1]}-{i}", Status.SOLVED, "", {"i": i}))
ledger.finish(run, Status.SOLVED)
"""
OPENER = """
import sys, time
from pathlib import Path
from limitlab.ledger import Ledger
for i in range(20):
    while time.time() < float(sys.argv[1]) + 0.1 * i:
        pass
    Ledger(Path(sys.argv[2]) / str(i)).start("eval", "x", {})
"""
STARTED = """
import time
from limitlab.ledger import Ledger
print(Ledger().start("eval", "endless", {}), flush=True)
time.sleep(120)
"""


def solved(key: str, artefact: str | None = None) -> Cell:
    return Cell(key, Status.SOLVED, "", {"key": key}, artefact)


@pytest.fixture
def ledger() -> Ledger:
    return Ledger()


# -- writing and reading ------------------------------------------------------------------------------------------


def test_a_run_and_its_cells_come_back(ledger):
    run_id = ledger.start("eval", "a title", {"b": 1, "a": [1, 2]})
    assert ledger.run(run_id).status is Status.RUNNING
    cells = [Cell("k1", Status.SOLVED, "fine", {"x": 0.1}, "ab" * 32), Cell("k0", Status.FAILED, "broke", {})]
    for cell in cells:
        ledger.add_cell(run_id, cell)
    ledger.finish(run_id, Status.SOLVED, "done", {"wall_seconds": 1.5})
    run = Ledger().run(run_id)
    assert (run.kind, run.title, run.config, run.status, run.message) == ("eval", "a title", {"b": 1, "a": [1, 2]}, Status.SOLVED, "done")
    assert (run.n_cells, run.n_solved, run.provenance) == (2, 1, {"wall_seconds": 1.5})
    assert run.finished is not None and run.finished >= run.created
    assert Ledger().cells(run_id) == cells
    assert run.to_dict()["status"] == "solved"


def test_runs_are_listed_newest_first_by_kind_and_up_to_a_limit(ledger):
    ids = [ledger.start(kind, kind, {}) for kind in ("eval", "demo", "eval")]
    assert [r.id for r in ledger.runs()] == ids[::-1]
    assert [r.id for r in ledger.runs(kind="eval")] == [ids[2], ids[0]]
    assert [r.id for r in ledger.runs(limit=1)] == [ids[2]]


def test_two_processes_write_at_once_and_no_cell_is_lost(ledger):
    writers = [subprocess.Popen([sys.executable, "-c", WRITER, name], stderr=subprocess.PIPE, text=True) for name in ("first", "second")]
    errors = [w.communicate(timeout=60)[1] for w in writers]
    assert [w.returncode for w in writers] == [0, 0], errors
    for name in ("first", "second"):
        run = next(r for r in ledger.runs() if r.title == name)
        assert [c.record["i"] for c in ledger.cells(run.id)] == list(range(50))
        assert run.status is Status.SOLVED


def test_processes_may_open_a_new_ledger_at_the_same_moment(tmp_path):
    """Twenty new ledgers, each opened by four processes in the same instant."""
    start = str(time.time() + 2)
    starters = [subprocess.Popen([sys.executable, "-c", OPENER, start, str(tmp_path)], stderr=subprocess.PIPE, text=True) for _ in range(4)]
    errors = [s.communicate(timeout=60)[1][-300:] for s in starters]
    assert [s.returncode for s in starters] == [0] * 4, errors
    assert [len(Ledger(tmp_path / str(i)).runs()) for i in range(20)] == [4] * 20


def test_cells_of_one_run_written_from_two_places_keep_one_order(ledger):
    run_id = ledger.start("eval", "t", {})
    for i in range(6):
        (ledger if i % 2 else Ledger()).add_cell(run_id, solved(str(i)))
    assert [c.key for c in ledger.cells(run_id)] == list("012345")


# -- runs that did not end -----------------------------------------------------------------------------------------


def test_a_run_whose_process_was_killed_is_shown_as_stopped(ledger):
    process = subprocess.Popen([sys.executable, "-c", STARTED], stdout=subprocess.PIPE, text=True)
    run_id = process.stdout.readline().strip()
    assert ledger.run(run_id).status is Status.RUNNING
    os.kill(process.pid, signal.SIGKILL)
    process.wait(timeout=20)
    process.stdout.close()
    run = ledger.run(run_id)
    assert run.status is Status.STOPPED
    assert "process ended before the run" in run.message


def test_a_reused_process_number_is_not_taken_for_the_run(ledger):
    run_id = ledger.start("eval", "t", {})
    with sqlite3.connect(ledger.path) as db:
        db.execute("UPDATE runs SET pid_start = 'another time'")
    db.close()
    assert ledger.run(run_id).status is Status.STOPPED


def test_a_finished_run_of_a_dead_process_stays_finished(ledger):
    subprocess.run([sys.executable, "-c", WRITER, "done"], check=True, timeout=60)
    assert ledger.runs()[0].status is Status.SOLVED


# -- what counts as done -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [s for s in Status if s is not Status.SOLVED])
def test_only_solved_cells_are_reused(ledger, status):
    run_id = ledger.start("eval", "t", {})
    ledger.add_cell(run_id, Cell("key", status, "no number", {"x": 1}))
    assert ledger.solved("key") is None
    ledger.add_cell(run_id, solved("key"))
    ledger.add_cell(run_id, Cell("key", status, "later, no number", {"x": 2}))
    assert ledger.solved("key").record == {"key": "key"}


def test_what_ended_by_its_own_rule_is_finished_and_nothing_else(ledger):
    run_id = ledger.start("critical-n", "t", {})
    for status in (Status.RUNNING, Status.STOPPED, Status.FAILED):
        ledger.add_cell(run_id, Cell("key", status, "", {}))
        assert ledger.finished("key") is None
    ledger.add_cell(run_id, Cell("key", Status.NOT_SOLVED, "", {"n": 1}))
    ledger.add_cell(run_id, Cell("key", Status.FAILED, "", {"n": 2}))
    assert ledger.finished("key").record == {"n": 1}
    assert ledger.solved("key") is None
    ledger.add_cell(run_id, Cell("key", Status.SOLVED, "", {"n": 3}))
    assert ledger.finished("key").record == ledger.solved("key").record == {"n": 3}
    ledger.add_cell(run_id, Cell("gone", Status.NOT_SOLVED, "", {}, "ab" * 32))
    assert ledger.finished("gone") is None


def test_solved_cells_of_a_stopped_run_are_kept(ledger):
    run_id = ledger.start("eval", "t", {})
    ledger.add_cell(run_id, solved("key"))
    ledger.finish(run_id, Status.STOPPED)
    assert ledger.solved("key") == solved("key")


def test_a_cell_whose_artefact_is_gone_is_not_reused(ledger):
    run_id = ledger.start("eval", "t", {})
    sha = ledger.artefacts.put({"a": np.arange(3)})
    ledger.add_cell(run_id, solved("key", sha))
    assert ledger.solved("key") is not None
    ledger.artefacts.path(sha).unlink()
    assert ledger.solved("key") is None


def test_another_key_is_not_found(ledger):
    ledger.add_cell(ledger.start("eval", "t", {}), solved("key"))
    assert ledger.solved("ke") is None


# -- removing ------------------------------------------------------------------------------------------------------


def test_remove_deletes_the_run_and_its_cells_only(ledger):
    first, second = ledger.start("eval", "1", {}), ledger.start("eval", "2", {})
    ledger.add_cell(first, solved("one"))
    ledger.add_cell(second, solved("two"))
    ledger.remove(first)
    assert [r.id for r in ledger.runs()] == [second]
    assert ledger.solved("one") is None and ledger.solved("two") is not None
    with pytest.raises(UnknownName):
        ledger.remove(first)


def test_collect_keeps_what_any_run_needs(ledger):
    first, second = ledger.start("eval", "1", {}), ledger.start("eval", "2", {})
    shared, own = ledger.artefacts.put({"a": np.arange(3)}), ledger.artefacts.put({"a": np.arange(4)})
    for run_id, sha in ((first, shared), (first, own), (second, shared)):
        ledger.add_cell(run_id, solved("k", sha))
    assert ledger.collect() == (0, 0)
    ledger.remove(first)
    assert ledger.collect()[0] == 1
    assert ledger.artefacts.path(shared).exists() and not ledger.artefacts.path(own).exists()


# -- names of runs -------------------------------------------------------------------------------------------------


def with_ids(ledger: Ledger, *ids: str) -> None:
    for run_id in ids:
        made = ledger.start("eval", run_id, {})
        with sqlite3.connect(ledger.path) as db:
            db.execute("UPDATE runs SET id = ? WHERE id = ?", (run_id, made))
        db.close()


def test_resolve_by_id_prefix_and_last(ledger):
    with_ids(ledger, "26-aa", "26-ab", "26-a")
    assert ledger.resolve("26-aa") == "26-aa"
    assert ledger.resolve("26-ab") == ledger.resolve("26-ab") == "26-ab"
    assert ledger.resolve("26-a") == "26-a"  # a whole id, though others begin with it
    assert ledger.resolve("last") == "26-a"


def test_resolve_refuses_what_is_ambiguous_unknown_or_empty(ledger):
    with pytest.raises(UnknownName, match="there are no runs yet"):
        ledger.resolve("last")
    with_ids(ledger, "26-aa", "26-ab")
    with pytest.raises(UnknownName, match=r"'26-'.*2 runs start so"):
        ledger.resolve("26-")
    with pytest.raises(UnknownName, match=r"'zz'.*there are 2 runs"):
        ledger.resolve("zz")
    with pytest.raises(UnknownName):
        ledger.resolve("")


# -- files that are no ledgers -------------------------------------------------------------------------------------


def test_a_foreign_file_is_a_data_error(home):
    home.mkdir()
    (home / "ledger.sqlite").write_text("these are my notes, not a database\n" * 100)
    with pytest.raises(DataError, match=r"ledger\.sqlite: not a limitlab ledger"):
        Ledger()
    assert (home / "ledger.sqlite").read_text().startswith("these are my notes")


def test_a_database_of_another_program_is_a_data_error_and_is_left_alone(home):
    home.mkdir()
    path = home / "ledger.sqlite"
    with sqlite3.connect(path) as db:
        db.execute("CREATE TABLE runs (distance REAL, shoes TEXT)")
        db.execute("INSERT INTO runs VALUES (10.5, 'blue')")
    db.close()
    with pytest.raises(DataError):
        Ledger().runs()
    db = sqlite3.connect(path)
    assert [row[0] for row in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")] == ["runs"]
    db.close()


def test_a_truncated_ledger_is_a_data_error(ledger):
    run_id = ledger.start("eval", "t", {})
    for i in range(200):
        ledger.add_cell(run_id, Cell(str(i), Status.SOLVED, "", {"text": "x" * 200}))
    with sqlite3.connect(ledger.path) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    db.close()
    whole = ledger.path.read_bytes()
    ledger.path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DataError, match="not a limitlab ledger"):
        ledger.cells(run_id)


def test_a_newer_format_is_refused(ledger):
    with sqlite3.connect(ledger.path) as db:
        db.execute("PRAGMA user_version = 99")
    db.close()
    with pytest.raises(DataError, match=r"format 99; this limitlab reads up to \d+\. Upgrade limitlab"):
        Ledger()


def test_a_ledger_may_lie_in_any_folder(tmp_path):
    ledger = Ledger(tmp_path / "elsewhere")
    ledger.start("eval", "t", {})
    assert (tmp_path / "elsewhere" / "ledger.sqlite").is_file()
    assert Ledger().runs() == []


def test_opening_an_existing_ledger_changes_nothing(ledger):
    ledger.start("eval", "t", {})
    before = [r.to_dict() for r in ledger.runs()]
    time.sleep(0.01)
    assert [r.to_dict() for r in Ledger().runs()] == before


def test_a_folder_that_disappears_is_named(tmp_path):
    ledger = Ledger(tmp_path / "home")
    shutil.rmtree(tmp_path / "home")
    with pytest.raises(DataError, match="the ledger cannot be opened; its folder must exist and be writable"):
        ledger.runs()
