"""The search for the critical n: what it tries, what it keeps, what it refuses, and how it goes on after a kill."""

from __future__ import annotations

import importlib
import math
import os
import signal
import sqlite3
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from limitlab._core.errors import DataError, InvalidArgument, MissingExtra, RangeError, TooLarge, UnknownName
from limitlab._core.status import Status
from limitlab.free import stored
from limitlab.free.comparison import CSV_COLUMNS, as_csv, by_dimension, fit_of, published_critical_n
from limitlab.free.critical_n import critical_n
from limitlab.free.result import CriticalN, CriticalNResult, FreeResult
from limitlab.free.stored import CURVE_POINTS, load_critical_n, thinned
from limitlab.ledger import Ledger

module = importlib.import_module("limitlab.free.critical_n")

QUICK = {"max_steps": 1_000, "patience": 100, "device": "cpu"}


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return Ledger(tmp_path / "home")


class Fake:
    """Stands for the optimiser: an n is solved where ``solves(dim, n, seed)`` says so; counts what it was asked."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, solves) -> None:
        self.solves, self.batches = solves, []
        monkeypatch.setattr(module, "free_embed_many", self)

    @property
    def asked(self) -> list[tuple[int, int, int]]:
        return [one for batch in self.batches for one in batch]

    def __call__(self, problems, config, *, progress=None, on_result=None):
        self.batches.append([(config.dim, p.n_docs, p.seed) for p in problems])
        results = []
        for index, p in enumerate(problems):
            answer = self.solves(config.dim, p.n_docs, p.seed)
            if isinstance(answer, BaseException):
                raise answer
            status = answer if isinstance(answer, Status) else Status.SOLVED if answer else Status.NOT_SOLVED
            loss = math.nan if status is Status.FAILED else 0.5
            message = "The loss became NaN at step 7." if status is Status.FAILED else status.value
            hits = p.n_relevant if status is Status.SOLVED else p.n_relevant - 1
            curve = tuple((50 * i, 1 / i, i) for i in range(1, 4))
            one = FreeResult(
                status, message, p.n_docs, p.n_queries, p.k, config.dim, hits, p.n_relevant, 0.1 if answer else -0.1, 150, loss, 0.25, curve
            )
            results.append(one)
            on_result(index, one)
        return results


def tried(row: CriticalN) -> list[int]:
    return [t.n_docs for t in row.trials]


# -- the real optimiser on tiny sizes --------------------------------------------------------------------------------------


def test_tiny_dimensions_with_the_real_optimiser(ledger):
    result = critical_n([3, 2], seeds=(1, 2), ledger=ledger, **QUICK)
    assert [(r.dim, r.seed) for r in result.rows] == [(2, 1), (2, 2), (3, 1), (3, 2)]
    for row in result.rows:
        for t in row.trials:
            assert t.n_relevant == t.n_docs * (t.n_docs - 1) and t.seconds >= 0 and t.steps > 0
            assert (t.status is Status.SOLVED) == (t.hits == t.n_relevant)
        solved = [t.n_docs for t in row.trials if t.status is Status.SOLVED]
        assert row.critical_n == (max(solved) if solved else None)
        assert row.least_failed == min(t.n_docs for t in row.trials if t.status is Status.NOT_SOLVED)
        assert (row.status is Status.SOLVED) == bool(solved)
    assert any(r.critical_n for r in result.rows if r.dim == 3)
    assert result.provenance["wall_seconds"] > 0 and result.provenance["versions"]["numpy"]


def test_the_same_seed_gives_the_same_answer_alone_or_beside_others(tmp_path):
    def numbers(row):
        return [(t.n_docs, t.status, t.hits, t.steps, t.loss, t.gap) for t in row.trials]

    together = critical_n(3, seeds=(1, 2), ledger=Ledger(tmp_path / "a"), **QUICK)
    alone = critical_n(3, seeds=(2,), ledger=Ledger(tmp_path / "b"), **QUICK)
    assert numbers(together.rows[1]) == numbers(alone.rows[0])


# -- the protocol ------------------------------------------------------------------------------------------------------------


def test_the_answer_is_the_largest_n_solved_anywhere(ledger, monkeypatch):
    Fake(monkeypatch, lambda d, n, s: n <= 20 or n == 24)
    row = critical_n(8, ledger=ledger, start=16, device="cpu").rows[0]
    assert (row.status, row.critical_n, row.least_failed, row.gap) == (Status.SOLVED, 24, 21, 0.1)
    assert set(range(16, 26)) <= set(tried(row))
    assert "the largest solved is 24, the least not solved 21" in row.message


def test_a_solved_end_of_the_sweep_is_said(ledger, monkeypatch):
    Fake(monkeypatch, lambda d, n, s: n <= 20 or n == 25)
    row = critical_n(8, ledger=ledger, start=20, device="cpu").rows[0]
    assert row.critical_n == 25 and "larger n may be" in row.message


def test_seeds_are_tried_together_and_the_sweep_in_one_batch(ledger, monkeypatch):
    fake = Fake(monkeypatch, lambda d, n, s: n <= 20 + s)
    result = critical_n(8, seeds=(3, 1), ledger=ledger, start=20, device="cpu")
    assert [(r.seed, r.critical_n) for r in result.rows] == [(1, 21), (3, 23)]
    assert sorted(fake.batches[0]) == [(8, 20, 1), (8, 20, 3)]
    assert max(len({n for _, n, s in batch if s == 1}) for batch in fake.batches) == 6
    assert len(set(fake.asked)) == len(fake.asked)


def test_dimensions_begin_where_the_ones_before_point(ledger, monkeypatch):
    fake = Fake(monkeypatch, lambda d, n, s: n <= 5 * d)
    critical_n([6, 4, 5], ledger=ledger, device="cpu")
    first = {d: next(n for dim, n, _ in fake.asked if dim == d) for d in (4, 5, 6)}
    assert first == {4: 8, 5: 22, 6: 30}


def test_nothing_solved_is_no_proof(ledger, monkeypatch):
    Fake(monkeypatch, lambda d, n, s: False)
    result = critical_n(1, 3, ledger=ledger, device="cpu")
    row = result.rows[0]
    assert (row.status, row.critical_n, row.least_failed, result.status) == (Status.NOT_SOLVED, None, 4, Status.NOT_SOLVED)
    assert "no proof of impossibility" in row.message


def test_updates_show_every_trial_and_the_finished_row(ledger, monkeypatch):
    Fake(monkeypatch, lambda d, n, s: n <= 20)
    seen: list[CriticalN] = []
    result = critical_n(8, ledger=ledger, start=20, device="cpu", on_update=seen.append)
    assert [len(r.trials) for r in seen[:-1]] == list(range(1, len(result.rows[0].trials) + 1))
    assert {r.status for r in seen[:-1]} == {Status.RUNNING}
    assert seen[-1] == result.rows[0]


# -- what is kept, and what is never taken for an answer -------------------------------------------------------------------------


def test_finished_trials_are_taken_again_solved_or_not(ledger, monkeypatch):
    fake = Fake(monkeypatch, lambda d, n, s: n <= 20)
    first = critical_n(8, ledger=ledger, device="cpu")
    count = len(fake.asked)
    again = critical_n(8, ledger=ledger, device="cpu")
    assert len(fake.asked) == count == first.provenance["trials_run"]
    assert again.rows == first.rows and again.provenance["trials_reused"] == count
    critical_n(8, ledger=ledger, device="cpu", reuse=False)
    assert len(fake.asked) == 2 * count


@pytest.mark.parametrize(
    "changed",
    [
        {"learning_rate": 0.02},
        {"temperature": 0.2},
        {"objective": "sigmoid"},
        {"patience": 999},
        {"max_steps": 50},
        {"seeds": (43,)},
        {"k": 3},
    ],
    ids=lambda c: next(iter(c)),
)
def test_whatever_decides_a_trial_makes_another_one(ledger, monkeypatch, changed):
    fake = Fake(monkeypatch, lambda d, n, s: n <= 20)
    critical_n(8, ledger=ledger, start=20, device="cpu")
    count = len(fake.asked)
    result = critical_n(8, ledger=ledger, start=20, device="cpu", **changed)
    assert result.provenance["trials_reused"] == 0 and len(fake.asked) > count


def test_another_version_of_the_numerics_makes_another_trial(ledger, monkeypatch):
    fake = Fake(monkeypatch, lambda d, n, s: n <= 20)
    critical_n(8, ledger=ledger, device="cpu")
    count = len(fake.asked)
    monkeypatch.setattr(stored, "NUMERICS", stored.NUMERICS + 1)
    critical_n(8, ledger=ledger, device="cpu")
    assert len(fake.asked) == 2 * count


def test_a_loss_that_became_nan_is_failed_and_never_cached(ledger, monkeypatch):
    fake = Fake(monkeypatch, lambda d, n, s: Status.FAILED if s == 1 else n <= 20)
    result = critical_n(8, seeds=(1, 2), ledger=ledger, start=20, device="cpu")
    broken, fine = result.rows
    assert (broken.status, broken.critical_n, fine.status, fine.critical_n) == (Status.FAILED, None, Status.SOLVED, 20)
    assert broken.message == "n = 20: The loss became NaN at step 7."
    assert result.status is Status.FAILED and "1 of 2 rows have no number: d = 8, seed 1" in result.message
    assert broken.trials[0].loss is None
    assert tried(broken) == [20]
    fake.solves = lambda d, n, s: n <= 20
    assert [r.critical_n for r in critical_n(8, seeds=(1, 2), ledger=ledger, start=20, device="cpu").rows] == [20, 20]


def test_a_failure_in_the_sweep_leaves_no_number(ledger, monkeypatch):
    Fake(monkeypatch, lambda d, n, s: Status.FAILED if n == 23 else n <= 20)
    row = critical_n(8, ledger=ledger, start=20, device="cpu").rows[0]
    assert (row.status, row.critical_n, row.gap) == (Status.FAILED, None, None) and "n = 23" in row.message


def test_a_problem_that_does_not_fit_takes_no_other_with_it(ledger, monkeypatch):
    fake = Fake(monkeypatch, lambda d, n, s: TooLarge("free_embed(): too much memory.") if s == 2 else n <= 20)
    result = critical_n(8, seeds=(1, 2, 3), ledger=ledger, start=20, device="cpu")
    assert [r.status for r in result.rows] == [Status.SOLVED, Status.FAILED, Status.SOLVED]
    assert "too much memory" in result.rows[1].message
    assert fake.asked.count((8, 20, 1)) == 1


def test_a_missing_package_ends_the_whole_search(ledger, monkeypatch):
    Fake(monkeypatch, lambda d, n, s: MissingExtra("cuda needs torch, which is not installed."))
    with pytest.raises(MissingExtra):
        critical_n([4, 8], ledger=ledger)
    run = ledger.runs()[0]
    assert (run.status, run.message, run.n_cells) == (Status.FAILED, "cuda needs torch, which is not installed.", 0)


def test_ctrl_c_keeps_what_was_finished(ledger, monkeypatch):
    fake = Fake(monkeypatch, lambda d, n, s: KeyboardInterrupt() if n == 22 else n <= 20)
    with pytest.raises(KeyboardInterrupt):
        critical_n([4, 8], ledger=ledger, start=20, device="cpu")
    run = ledger.runs()[0]
    assert (run.kind, run.status, run.message) == ("critical-n", Status.STOPPED, Status.STOPPED.value)
    kept = len(fake.asked)
    fake.solves = lambda d, n, s: n <= 20
    result = critical_n([4, 8], ledger=ledger, start=20, device="cpu")
    assert result.provenance["trials_reused"] == 6 and len(fake.asked) > kept
    assert load_critical_n(run.id, ledger=ledger).rows == ()


KILLED = """
import importlib, sys, time
from pathlib import Path
module = importlib.import_module("limitlab.free.critical_n")
from limitlab.ledger import Ledger
embed = module.free_embed_many
def slow(problems, config, *, progress=None, on_result=None):
    def told(index, result):
        on_result(index, result)
        print("trial", flush=True)
        time.sleep(0.05)
    return embed(problems, config, on_result=told)
module.free_embed_many = slow
module.critical_n([3, 4], seeds=(1, 2), ledger=Ledger(Path(sys.argv[1])), max_steps=1000, patience=100, device="cpu")
print("end", flush=True)
"""


def test_a_killed_search_goes_on_with_the_trials_it_had(tmp_path):
    home = tmp_path / "home"
    process = subprocess.Popen([sys.executable, "-c", KILLED, str(home)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    lines = [process.stdout.readline() for _ in range(8)]
    assert lines == ["trial\n"] * 8, process.communicate()[1]
    os.kill(process.pid, signal.SIGKILL)
    rest = process.communicate(timeout=60)[0]
    assert "end" not in rest, "the process must be killed in the middle"
    ledger = Ledger(home)
    assert ledger.runs()[0].status is Status.STOPPED
    db = sqlite3.connect(ledger.path)
    had = db.execute('SELECT COUNT(*) FROM cells WHERE record LIKE \'%"part":"trial"%\'').fetchone()[0]
    db.close()
    assert had >= 8
    result = critical_n([3, 4], seeds=(1, 2), ledger=ledger, **QUICK)
    fresh = critical_n([3, 4], seeds=(1, 2), ledger=Ledger(tmp_path / "fresh"), **QUICK)
    assert result.provenance["trials_reused"] == had
    assert result.provenance["trials_run"] + had == fresh.provenance["trials_run"]
    assert [(r.critical_n, tried(r)) for r in result.rows] == [(r.critical_n, tried(r)) for r in fresh.rows]


# -- the ledger ------------------------------------------------------------------------------------------------------------------


def test_a_run_comes_back_whole(ledger, monkeypatch):
    Fake(monkeypatch, lambda d, n, s: n <= 4 * d and n != 15)
    result = critical_n([4, 5], seeds=(2, 1), ledger=ledger, device="cpu", command=["limitlab", "critical-n"])
    loaded = load_critical_n(result.run_ids[0], ledger=ledger)
    assert loaded == result
    assert loaded == load_critical_n("last", ledger=ledger)
    assert loaded.config["dims"] == [4, 5] and loaded.config["command"] == ["limitlab", "critical-n"]
    assert loaded.config["free"]["learning_rate"] == 0.01 and "seed" not in loaded.config["free"]
    assert loaded.provenance["versions"] and loaded.provenance["machine"]
    run = ledger.run(result.run_ids[0])
    assert run.title == "critical n, d = 4..5, k = 2, infonce" and run.status is Status.SOLVED
    assert CriticalNResult.from_dict(result.to_dict()) == result


def test_the_training_curves_of_the_critical_n_and_the_first_failure_are_kept(ledger, monkeypatch):
    Fake(monkeypatch, lambda d, n, s: n <= 4 * d)
    result = critical_n([4, 5], seeds=(1, 2), ledger=ledger, device="cpu")
    assert list(result.curves) == ["d = 4, n = 16, seed 1", "d = 4, n = 17, seed 1", "d = 5, n = 20, seed 1", "d = 5, n = 21, seed 1"]
    assert result.curves["d = 4, n = 16, seed 1"] == ((50, 1.0, 1), (100, 0.5, 2), (150, 1 / 3, 3))
    again = critical_n([4, 5], seeds=(1, 2), ledger=ledger, device="cpu")
    assert again.curves == result.curves


def test_long_curves_are_thinned_with_both_ends_kept():
    curve = [(50 * i, 1.0 / (i + 1), i) for i in range(2_000)]
    kept = thinned(curve)
    assert len(kept) == CURVE_POINTS == len(set(kept)) and (kept[0], kept[-1]) == (curve[0], curve[-1])
    assert list(kept) == sorted(kept)
    assert thinned([(1, math.nan, 0), (2, 0.5, 1)]) == ((2, 0.5, 1),)


def test_runs_of_another_kind_are_refused(ledger):
    run_id = ledger.start("eval", "an evaluation", {})
    with pytest.raises(DataError, match="a run of kind critical-n is needed"):
        load_critical_n(run_id, ledger=ledger)
    with pytest.raises(UnknownName):
        load_critical_n("none", ledger=ledger)


# -- beside the published numbers ----------------------------------------------------------------------------------------------------


def test_summaries_compare_the_median_over_seeds(ledger, monkeypatch):
    Fake(monkeypatch, lambda d, n, s: n <= {4: 10, 6: 25}[d] + s)
    result = critical_n([4, 6], seeds=(1, 2, 6), ledger=ledger, device="cpu")
    four, six = by_dimension(result)
    assert (four.median, four.least, four.greatest, four.least_failed) == (12, 11, 16, 12)
    assert (four.published, four.difference, four.within_3) == (10, 2, True)
    assert (six.published, six.difference, six.within_3) == (19, 8, False)
    assert four.steps == 150 * sum(len(r.trials) for r in result.rows if r.dim == 4)
    assert four.seconds == pytest.approx(four.steps / 600)
    assert by_dimension(critical_n(4, 3, start=10, ledger=ledger, device="cpu"))[0].published is None
    assert published_critical_n(45) == 626


def test_rows_without_a_number_are_counted_and_not_averaged(ledger, monkeypatch):
    Fake(monkeypatch, lambda d, n, s: n <= 10 if s else Status.FAILED)
    summary = by_dimension(critical_n(4, seeds=(0, 1, 2), ledger=ledger, device="cpu"))[0]
    assert (summary.n_seeds, summary.n_solved, summary.median) == (3, 2, 10)


def test_the_fit_needs_six_dimensions_of_one_kind(ledger, monkeypatch):
    Fake(monkeypatch, lambda d, n, s: n <= d * d)
    result = critical_n(range(4, 10), ledger=ledger, device="cpu")
    fit = fit_of(result, n_resamples=50)
    assert fit is not None and fit.predict(20) == pytest.approx(400)
    assert fit_of(replace(result, rows=result.rows[:5])) is None
    mixed = (*result.rows[:-1], replace(result.rows[-1], k=3))
    assert fit_of(replace(result, rows=(*result.rows, mixed[-1]))) is None
    certified = tuple(replace(r, objective="gap") for r in result.rows)
    assert fit_of(replace(result, rows=certified)) is None


def test_csv_has_a_line_a_row(ledger, monkeypatch):
    Fake(monkeypatch, lambda d, n, s: n <= 4 * d if s else Status.FAILED)
    lines = as_csv(critical_n([4, 5], seeds=(0, 1), ledger=ledger, device="cpu")).splitlines()
    assert lines[0] == ",".join(CSV_COLUMNS) and len(lines) == 5
    assert lines[1].startswith("infonce,2,4,0,failed,,,,10,1,150,")
    assert lines[2].startswith("infonce,2,4,1,solved,16,17,0.1,10,")


# -- refused before anything runs ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "options", "error"),
    [
        ((0,), {}, RangeError),
        (([],), {}, RangeError),
        ((4, 0), {}, RangeError),
        ((4,), {"seeds": ()}, RangeError),
        ((4,), {"seeds": (-1,)}, RangeError),
        ((4,), {"start": 2}, RangeError),
        ((4,), {"learning_rate": math.nan}, RangeError),
        ((4,), {"learning_rate": math.inf}, RangeError),
        ((4,), {"temperature": 0.0}, RangeError),
        ((4,), {"learning_rat": 0.1}, UnknownName),
        ((4,), {"seed": 42}, UnknownName),
        ((4,), {"objective": "infonse"}, UnknownName),
        ((4,), {"objective": "gap"}, InvalidArgument),
    ],
    ids=lambda v: str(v)[:30],
)
def test_bad_arguments_are_refused_and_no_run_is_begun(ledger, arguments, options, error):
    with pytest.raises(error, match=r"^[^:]+: .*(got|known)"):
        critical_n(*arguments, ledger=ledger, **options)
    assert ledger.runs() == []
