"""The critical n beside the published table, with certified rows, from a real (short) run of the protocol."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from limitlab._core.errors import InvalidArgument, RangeError
from limitlab._core.status import Status
from limitlab.free.result import CriticalN, CriticalNResult
from limitlab.ledger import Ledger
from limitlab.published import critical_n_table
from limitlab.reproduce import compared, joined, reproduce_critical_n, with_certified

CERTIFICATES = {4: [(24, 0.0014), (290, 4e-8)], 5: [(24, 0.0014), (24, 0.0014)], 7: [None, (50, 1e-5)]}  # at 1e-3, at any gap


def fake_curve(dims, k=2, *, min_gap=1e-3, command=None):
    """``certified_curve`` on the table above: nothing else is certified."""
    rows = []
    for dim in dims:
        found = CERTIFICATES.get(dim, [None, None])[0 if min_gap > 0 else 1] if k == 2 else None
        if found is None:
            rows.append(CriticalN(dim, k, None, "gap", Status.NOT_SOLVED, f"no certificate with gap {min_gap:g}", None))
        else:
            rows.append(CriticalN(dim, k, None, "gap", Status.SOLVED, "", found[0], gap=found[1], certificate=f"c-{dim}-{found[0]}"))
    return CriticalNResult(tuple(rows))


@pytest.fixture(autouse=True)
def certificates(monkeypatch):
    monkeypatch.setattr("limitlab.reproduce.critical_n.certified_curve", fake_curve)


def row(dim: int, n: int | None, seed: int = 42, k: int = 2, status: Status = Status.SOLVED) -> CriticalN:
    return CriticalN(dim, k, seed, "infonce", status, "", n)


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    """The protocol at d = 4 and 5, two seeds, really run."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("limitlab.reproduce.critical_n.certified_curve", fake_curve)
        ledger = Ledger(tmp_path_factory.mktemp("ledger"))
        return reproduce_critical_n([5, 4], [42, 43], ledger=ledger, command=["limitlab", "reproduce", "critical-n"]), ledger


def test_the_protocol_is_run_and_compared(measured):
    found, _ = measured
    told = dict(critical_n_table())
    assert [d.dim for d in found.dimensions] == [4, 5]
    for d in found.dimensions:
        assert d.published == told[d.dim] and d.n_seeds == d.n_solved == 2
        assert d.difference == d.median - d.published and abs(d.difference) <= 6  # two seeds, one short run: the order of magnitude
    assert found.result.status is Status.SOLVED and len(found.result.run_ids) == 1
    assert found.published_fit.r_squared == pytest.approx(0.99858, abs=5e-6) and found.fit is None


def test_certified_rows_are_beside_it(measured):
    found, _ = measured
    assert {d: r.critical_n for d, r in found.certified.items()} == {4: 24, 5: 24}
    assert {d: r.critical_n for d, r in found.certified_any_gap.items()} == {4: 290, 5: 24}
    assert len([r for r in found.result.rows if r.objective == "gap"]) == 3  # the same certificate at both gaps is one row


def test_a_second_run_reads_the_ledger(measured):
    found, ledger = measured
    again = reproduce_critical_n([4, 5], [42, 43], ledger=ledger)
    assert again.result.provenance["trials_run"] == 0
    assert [d.median for d in again.dimensions] == [d.median for d in found.dimensions]


def test_it_is_plain_json(measured):
    found, _ = measured
    record = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert record["schema"] == "limitlab.reproduce-critical-n/1"
    assert [d["published"] for d in record["dimensions"]] == [10, 14] and record["result"]["schema"] == "limitlab.critical_n/1"


def test_a_dimension_without_certificate_says_so_once():
    result = with_certified(CriticalNResult((row(6, 19), row(7, 24))))
    gap = [r for r in result.rows if r.objective == "gap"]
    assert [(r.dim, r.status, r.critical_n) for r in gap] == [(6, Status.NOT_SOLVED, None), (7, Status.SOLVED, 50)]
    assert result.config["min_gap"] == 1e-3 and result.status is Status.SOLVED


def test_certified_rows_follow_each_k_and_are_not_added_twice():
    result = with_certified(with_certified(CriticalNResult((row(4, 10), row(5, 9, k=3)))))
    assert [(r.k, r.dim, r.critical_n) for r in result.rows if r.objective == "gap"] == [(2, 4, 24), (2, 4, 290), (3, 5, None)]


def test_a_row_without_number_is_not_compared():
    found = compared(CriticalNResult((row(4, 9), row(4, None, 43, status=Status.FAILED), row(5, None, status=Status.NOT_SOLVED))))
    assert [(d.dim, d.n_solved, d.median, d.difference) for d in found.dimensions] == [(4, 1, 9, -1), (5, 0, None, None)]
    assert found.certified == {}


def test_joined_keeps_the_later_row_and_the_worse_status():
    one = CriticalNResult((row(4, 10), row(5, 14)), ("a",), config={"command": ["x"]})
    two = CriticalNResult((row(4, 11), row(4, 9, 43)), ("b",), Status.STOPPED, "stopped", config={"command": ["y"]})
    result = joined([one, two])
    assert [(r.dim, r.seed, r.critical_n) for r in result.rows] == [(4, 42, 11), (5, 42, 14), (4, 43, 9)]
    assert (result.status, result.run_ids, result.config) == (
        Status.STOPPED,
        ("a", "b"),
        {"merged": [{"command": ["x"]}, {"command": ["y"]}]},
    )
    assert joined([one]) is one
    with pytest.raises(InvalidArgument, match="at least one"):
        joined([])


@pytest.mark.parametrize("gap", [0.0, -1e-3, float("nan"), 3.0])
def test_a_gap_that_is_none_is_refused(gap):
    with pytest.raises(RangeError, match="min_gap"):
        reproduce_critical_n([4], min_gap=gap)
    with pytest.raises(RangeError, match="min_gap"):
        with_certified(CriticalNResult((row(4, 10),)), min_gap=gap)


# ---- on the command line ---------------------------------------------------------------------------------------------------


@pytest.fixture
def cli(capsys, monkeypatch, tmp_path):
    """Calls the entry point of the console script: (exit code, standard output, standard error)."""

    def call(*arguments: object) -> tuple[int, str, str]:
        from limitlab.cli.main import run

        monkeypatch.chdir(tmp_path)
        monkeypatch.setattr("sys.argv", ["limitlab", *map(str, arguments)])
        with pytest.raises(SystemExit) as end:
            run()
        shown = capsys.readouterr()
        return int(end.value.code or 0), shown.out, shown.err

    return call


def test_reproduce_critical_n_writes_page_and_figures(cli, tmp_path):
    pytest.importorskip("matplotlib")
    code, out, _ = cli("reproduce", "critical-n", "--dim", "4", "--png", "figures")
    assert code == 0 and out.startswith("critical n, all pairs (k = 2)")
    assert "written: critical-n.html" in out and "290" in out
    page = (tmp_path / "critical-n.html").read_text(encoding="utf-8")
    assert "limitlab reproduce critical-n --dim 4 --png figures" in page and "c-4-24" in page
    assert {p.suffix for p in (tmp_path / "figures").iterdir()} == {".png"}
    # Once more as JSON, and from the ledger as a report of the stored run.
    code, out, _ = cli("reproduce", "critical-n", "--dim", "4", "-o", "again.html", "--json")
    record = json.loads(out)
    assert code == 0 and record["files"] == ["again.html"] and record["result"]["provenance"]["trials_run"] == 0
    code, out, _ = cli("report", "last", "-o", "stored.html", "--svg", "svg")
    assert code == 0 and out.startswith("written: stored.html")
    assert "c-4-290" in (tmp_path / "stored.html").read_text(encoding="utf-8")
    assert (tmp_path / "svg" / "critical-n-k2.svg").exists()
    code, out, err = cli("report", "last", "--with-text", "folder")
    assert code == 1 and out == "" and err.startswith("InvalidArgument: --with-text: goes with evaluations")


def test_a_page_shows_one_kind_of_run(cli):
    ledger = Ledger()
    runs = {kind: ledger.start(kind, kind, {}) for kind in ("critical-n", "eval", "free")}
    for run_id in runs.values():
        ledger.finish(run_id, Status.SOLVED)
    code, _, err = cli("report", runs["critical-n"], runs["eval"])
    assert code == 1 and err.startswith("InvalidArgument: report: runs must be of one kind")
    code, _, err = cli("report", runs["free"])
    assert code == 1 and "kind free" in err


@pytest.mark.parametrize(
    ("arguments", "start"),
    [
        (["--seeds", "0"], "RangeError: reproduce critical-n: --seeds"),
        (["--min-gap", "0"], "RangeError: reproduce_critical_n(): min_gap"),
        (["--dim", "0:4"], "RangeError: --dim"),
        (["--device", "tpu"], "UnknownName: FreeConfig(): "),
    ],
)
def test_bad_arguments_are_refused_before_anything_runs(cli, arguments, start, tmp_path):
    code, out, err = cli("reproduce", "critical-n", *arguments)
    assert code == 1 and out == "" and err.startswith(start) and len(err.splitlines()) == 1
    assert not list(tmp_path.glob("*.html")) and Ledger().runs() == []


def test_a_failed_run_still_writes_its_page_and_exits_1(cli, tmp_path, monkeypatch):
    failed = CriticalNResult((row(4, None, status=Status.FAILED),), status=Status.FAILED, message="NaN in the loss at step 50")
    monkeypatch.setattr("limitlab.reproduce.critical_n.critical_n", lambda *_, **__: replace(failed))
    code, out, _ = cli("reproduce", "critical-n", "--dim", "4")
    assert code == 1 and "d = 4, seed 42: failed" in out
    assert "NaN in the loss at step 50" in (tmp_path / "critical-n.html").read_text(encoding="utf-8")
