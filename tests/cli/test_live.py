"""Rows on standard error while a search runs; numbers as the tables print them."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from limitlab._core.status import Status
from limitlab.cli import live
from limitlab.cli.free_tables import counted, polynomial, short
from limitlab.cli.live import LiveRows
from limitlab.free.result import CriticalN, Trial


def row(dim: int, status: Status, seed: int = 42) -> CriticalN:
    trials = tuple(Trial(n, Status.SOLVED, 2, 2, 1_000, 0.5, 0.25) for n in (10, 11))
    return CriticalN(dim, 2, seed, "infonce", status, "2 n tried so far.", 11, 9, trials, seconds=0.5)


def test_a_terminal_shows_a_table_that_is_gone_at_the_end():
    out = io.StringIO()
    with LiveRows(several=True, console=Console(file=out, force_terminal=True, width=100)) as rows:
        rows.update(row(4, Status.RUNNING))
        rows.update(row(4, Status.SOLVED))
        rows.update(row(4, Status.RUNNING, seed=43))
    shown = out.getvalue()
    for word in ("dim", "seed", "least failed", "running", "solved", "43", "2,000", "0.5"):
        assert word in shown
    assert "\x1b[2K" in shown.split("running")[-1], "the last table is erased"


def test_elsewhere_a_finished_row_is_a_line():
    out = io.StringIO()
    with LiveRows(several=False, console=Console(file=out, width=40)) as rows:
        rows.update(row(4, Status.RUNNING))
        rows.update(row(4, Status.NOT_SOLVED))
    assert out.getvalue() == "d = 4: not solved: 2 n tried so far.\n"


def test_a_long_search_gives_a_sign_of_life(monkeypatch):
    out, now = io.StringIO(), [0.0]
    monkeypatch.setattr(live.time, "monotonic", lambda: now[0])
    with LiveRows(several=True, console=Console(file=out, width=200)) as rows:
        for seconds in (5, 11, 12, 25):
            now[0] = float(seconds)
            rows.update(row(4, Status.RUNNING))
    assert out.getvalue().splitlines() == ["d = 4, seed 42: running: 2 n tried so far."] * 2


@pytest.mark.parametrize(
    ("value", "text"),
    [(509_025.7, "509k"), (1_698_768, "1.7M"), (106_900_000, "107M"), (-13_178_824, "-13.2M"), (626, "626"), (999_999, "1M"), (3e9, "3G")],
)
def test_numbers_of_documents_have_three_digits(value, text):
    assert counted(value) == text


def test_polynomials_and_missing_numbers():
    assert polynomial((-10.5322, 4.0309, -0.052)) == "-10.5322 + 4.0309 d - 0.0520 d^2"
    assert (short(None), short(float("nan")), short(0.123456)) == ("", "", "0.123")
