"""A run as a block: however it ends, the ledger knows."""

from __future__ import annotations

import pytest

from limitlab._core.errors import DataError
from limitlab._core.status import Status
from limitlab.ledger import Ledger, running


@pytest.fixture
def ledger(tmp_path):
    return Ledger(tmp_path)


def test_a_block_says_how_it_ended(ledger):
    with running(ledger, "eval", "title", {"a": 1}, more=lambda: {"trials": 3}) as run:
        assert ledger.run(run.id).status is Status.RUNNING
        run.ended(Status.NOT_SOLVED, "no size was solved")
    kept = ledger.run(run.id)
    assert (kept.status, kept.message, kept.config) == (Status.NOT_SOLVED, "no size was solved", {"a": 1})
    assert run.provenance["trials"] == 3 and run.provenance["wall_seconds"] >= 0


def test_ended_alone_is_solved_and_silence_is_failure(ledger):
    with running(ledger, "eval", "t", {}) as run:
        run.ended()
    assert (run.status, run.message) == (Status.SOLVED, Status.SOLVED.value)
    with running(ledger, "eval", "t", {}) as silent:
        pass
    assert ledger.run(silent.id).status is Status.FAILED


@pytest.mark.parametrize(
    ("error", "status", "message"),
    [
        (KeyboardInterrupt(), Status.STOPPED, Status.STOPPED.value),
        (DataError("a.tsv:3: wrong"), Status.FAILED, "a.tsv:3: wrong"),
        (RuntimeError("a bug"), Status.FAILED, Status.FAILED.value),
    ],
)
def test_errors_are_recorded_and_passed_on(ledger, error, status, message):
    with pytest.raises(type(error)), running(ledger, "eval", "t", {}) as run:
        run.ended()
        raise error
    kept = ledger.run(run.id)
    assert (kept.status, kept.message) == (status, message)


def test_provenance_made_inside_is_kept(ledger):
    with running(ledger, "eval", "t", {}) as run:
        made = run.made()
        run.ended()
    assert run.provenance == made
