"""``limitlab free`` and ``limitlab critical-n``: answers, files, exit codes, sentences, and going on after a kill."""

from __future__ import annotations

import csv
import importlib
import io
import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from limitlab._core.status import Status
from limitlab.capacity import verify
from limitlab.cli.free_tables import stored_run
from limitlab.free.config import FreeConfig
from limitlab.free.result import CriticalNResult
from limitlab.ledger import Ledger

COMMAND = str(Path(sys.executable).with_name("limitlab"))
QUICK = ["--device", "cpu", "--max-steps", "1000", "--patience", "100"]


@pytest.fixture
def qrels(tmp_path: Path) -> Path:
    """Three queries over four documents: two documents answer the same queries."""
    path = tmp_path / "own.tsv"
    path.write_text("query-id\tcorpus-id\tscore\na\tw\t1\na\tx\t1\nb\ty\t1\nc\tw\t1\nc\tx\t1\nc\ty\t1\nc\tz\t0\n")
    return path


# -- free ----------------------------------------------------------------------------------------------------------------


def test_all_subsets_are_held_or_not(cli):
    found = cli("free", "--n-docs", 6, "--dim", "1,5,6", *QUICK)
    assert found.code == 0
    lines = found.out.splitlines()
    assert lines[0] == "all 2-subsets: 6 documents, 15 queries, 30 relevant pairs; infonce"
    assert [line.split()[:2] for line in lines[2:4]] == [["1", "not_solved"], ["5", "solved"]]
    assert "Held in 5 dimensions" in found.out and "the row-wise rank is at most 5 and the sign rank at most 6" in found.out


def test_an_optimisation_without_success_exits_with_3_and_claims_nothing(cli):
    found = cli("free", "--n-docs", 6, "--dim", "1", *QUICK, "--json", "-o", "vectors.npz")
    record = found.json()
    assert (found.code, record["status"], record["dim"], record["sign_rank_upper"]) == (3, "not_solved", None, None)
    assert record["files"] == [] and not Path("vectors.npz").exists()
    assert "no proof of impossibility" in record["message"]
    assert record["provenance"]["versions"] and record["config"]["free"]["max_steps"] == 1000


def test_vectors_are_written_and_hold(cli):
    found = cli("free", "--n-docs", 6, "--dim", "5", *QUICK, "-o", "vectors.npz", "--json")
    assert found.code == 0 and found.json()["files"] == ["vectors.npz"]
    stored = np.load("vectors.npz")
    scores = stored["queries"] @ stored["docs"].T
    pairs = [(i, j) for i in range(6) for j in range(i + 1, 6)]
    assert [tuple(sorted(np.argsort(-row)[:2].tolist())) for row in scores] == pairs


def test_a_dataset_folder_is_answered_for_its_own_relevance(cli, limit_folder):
    found = cli("free", limit_folder, "--dim", "24", *QUICK, "--json")
    config = found.json()["config"]
    assert (config["of_n_docs"], config["of_n_queries"], config["n_queries"]) == (60, 40, 40)
    assert config["n_docs"] == 10 + 1, "the documents that answer queries, and one for all others"
    assert found.code == 0 and found.json()["sign_rank_upper"] == 25


def test_a_qrels_file_alone_is_enough(cli, qrels):
    found = cli("free", "--qrels", qrels, "--dim", "2:4", *QUICK, "-o", "vectors.npz", "--json")
    record = found.json()
    assert found.code == 0 and (record["config"]["n_docs"], record["config"]["of_n_docs"]) == (3, 4)
    stored = np.load("vectors.npz")
    assert stored["doc_ids"].tolist() == ["w", "x", "y", "z"] and stored["query_ids"].tolist() == ["a", "b", "c"]
    scores = stored["queries"] @ stored["docs"].T
    wanted = np.array([[1, 1, 0, 0], [0, 0, 1, 0], [1, 1, 1, 0]], bool)
    assert (np.where(wanted, scores, 9).min(axis=1) > np.where(wanted, -9, scores).max(axis=1)).all()


def test_a_document_outside_the_qrels_is_added_when_they_name_none(cli):
    Path("all.jsonl").write_text('{"query-id": "a", "corpus-id": "x"}\n{"query-id": "a", "corpus-id": "y"}\n')
    record = cli("free", "--qrels", "all.jsonl", "--dim", "2", *QUICK, "--json").json()
    assert (record["config"]["n_docs"], record["config"]["of_n_docs"]) == (2, 3)


@pytest.mark.parametrize("pattern", ["dense", "random", "cycle", "disjoint"])
def test_patterns(cli, pattern):
    found = cli("free", "--n-docs", 14, "--pattern", pattern, "--n-queries", 6, "--dim", 12, *QUICK, "--json")
    assert found.code == 0 and found.json()["config"]["source"] == pattern
    assert (found.json()["config"]["n_docs"], found.json()["config"]["n_queries"]) == (14, 6)


def test_a_json_file_is_the_record(cli):
    record = cli("free", "--n-docs", 5, "--dim", "4", *QUICK, "-o", "record.json", "--json").json()
    stored = json.loads(Path("record.json").read_text())
    assert record.pop("files") == ["record.json"] and stored == record


def test_a_second_command_takes_the_vectors_from_the_ledger(cli):
    first = cli("free", "--n-docs", 6, "--dim", "5", *QUICK, "-o", "one.npz")
    again = cli("free", "--n-docs", 6, "--dim", "5", *QUICK, "-o", "two.npz")
    assert first.code == again.code == 0
    np.testing.assert_array_equal(np.load("one.npz")["docs"], np.load("two.npz")["docs"])


@pytest.fixture
def gap(monkeypatch):
    """Stands for the annealed optimisation of the gap: the protocol's vectors do."""
    from limitlab.free.optimise import free_embed

    module = ModuleType("limitlab.free.gap")
    module.maximise_gap = lambda problem, config, **_: free_embed(problem, replace(config, objective="infonce"))
    monkeypatch.setitem(sys.modules, "limitlab.free.gap", module)


def test_a_maximised_gap_gives_a_certificate(cli, gap):
    found = cli("free", "--n-docs", 6, "--dim", 5, *QUICK, "--objective", "gap", "--certificate", "six.json", "--json")
    assert found.code == 0 and found.json()["files"] == ["six.json"]
    record = json.loads(Path("six.json").read_text())
    assert {**record["claim"], "min_gap": 0} == {
        "n_docs": 6, "k": 2, "dim": 5, "dtype": "float32", "query_dtype": "float32", "sets": "all", "min_gap": 0,
    }  # fmt: skip
    assert 0 < record["claim"]["min_gap"] <= found.json()["results"][0]["gap"] * (1 + 1e-5)
    assert verify(record).verified


def test_a_certificate_of_own_relevance_lists_its_sets(cli, gap):
    Path("own.tsv").write_text("a\tx\t1\na\ty\t1\nb\ty\t1\nb\tz\t1\nc\tz\t1\nc\tx\t1\na\tw\t0\n")
    found = cli("free", "--qrels", "own.tsv", "--dim", 5, "--seed", 0, *QUICK, "--objective", "gap", "--certificate", "own.json")
    record = json.loads(Path("own.json").read_text())
    assert found.code == 0 and record["claim"]["sets"] == [[0, 1], [1, 2], [0, 2]] and verify(record).verified


def test_a_certificate_needs_sets_of_one_size(cli, gap, qrels):
    line = cli("free", "--qrels", qrels, "--dim", 4, "--objective", "gap", "--certificate", "own.json").refused(1, "InvalidArgument: ")
    assert "--certificate: every query must have the same number of relevant documents" in line


def test_what_is_not_solved_has_no_certificate(cli, gap):
    found = cli("free", "--n-docs", 6, "--dim", 1, *QUICK, "--objective", "gap", "--certificate", "six.json")
    assert found.code == 3 and not Path("six.json").exists()


@pytest.mark.parametrize(
    ("arguments", "start"),
    [
        (["free", "--dim", "4"], "InvalidArgument: free: a DATASET, --qrels FILE or --n-docs must be given"),
        (
            ["free", "--n-docs", "3", "--k", "3", "--dim", "2"],
            "RangeError: FreeProblem.all_subsets(): k must be in [1, n_docs - 1]; got k=3",
        ),
        (["free", "--n-docs", "9", "--k", "0", "--dim", "2"], "RangeError: FreeProblem.all_subsets(): k must be"),
        (["free", "--n-docs", "9", "--dim", "0"], "RangeError: --dim: "),
        (
            ["free", "--n-docs", "9", "--dim", "2", "--learning-rate", "nan"],
            "RangeError: FreeConfig(): learning_rate must be a finite number",
        ),
        (
            ["free", "--n-docs", "9", "--dim", "2", "--learning-rate", "inf"],
            "RangeError: FreeConfig(): learning_rate must be a finite number",
        ),
        (["free", "--n-docs", "9", "--dim", "2", "--temperature", "-1"], "RangeError: FreeConfig(): temperature must be in"),
        (
            ["free", "--n-docs", "9", "--dim", "2", "--objective", "infonse"],
            "UnknownName: FreeConfig(): unknown objective 'infonse'; did you",
        ),
        (["free", "--n-docs", "9", "--dim", "2", "--device", "gpu"], "UnknownName: FreeConfig(): unknown device 'gpu'"),
        (["free", "--n-docs", "9", "--dim", "2", "--n-queries", "3"], "InvalidArgument: --n-queries: goes with --pattern"),
        (["free", "--n-docs", "9", "--dim", "2", "--pattern", "dense"], "InvalidArgument: --pattern dense: --n-queries must be given"),
        (["free", "--n-docs", "9", "--dim", "2", "--pattern", "dens", "--n-queries", "3"], "UnknownName: from_pattern(): unknown pattern"),
        (["free", "--n-docs", "9", "--dim", "2", "-o", "x.txt"], "UnknownName: --output: unknown file type '.txt'"),
        (["free", "--n-docs", "9", "--dim", "2", "--certificate", "x"], "InvalidArgument: --certificate: goes with --objective gap"),
        (["free", "--n-docs", "90000", "--dim", "2"], "TooLarge: FreeProblem.all_subsets"),
        (["free", "--n-docs", "9", "--dim", "9999999999"], "TooLarge: least_dimension()"),
        (["free", "no-such-folder", "--dim", "2"], "InvalidArgument: load(): a dataset folder"),
        (["free", "--qrels", "none.tsv", "--dim", "2"], "DataError: none.tsv: this qrels file does not exist"),
        (["free", "DATA", "--n-docs", "9", "--dim", "2"], "InvalidArgument: --n-docs: goes without a dataset"),
        (["critical-n", "--dim", "0"], "RangeError: --dim: "),
        (["critical-n", "--dim", "4", "--k", "0"], "RangeError: critical_n(): k must be"),
        (["critical-n", "--dim", "4", "--seeds", "0"], "RangeError: critical-n: --seeds must be"),
        (["critical-n", "--dim", "4", "--seed", "-1"], "RangeError: critical-n: --seed must be"),
        (["critical-n", "--dim", "4", "--start", "2"], "RangeError: critical_n(): start must be"),
        (["critical-n", "--dim", "4", "--learning-rate", "nan"], "RangeError: FreeConfig(): learning_rate must be a finite number"),
        (["critical-n", "--dim", "4", "--min-gap", "0.1"], "InvalidArgument: --min-gap: goes with --objective gap"),
        (["critical-n", "--dim", "4", "--objective", "gap", "--patience", "3"], "InvalidArgument: --objective gap: shows certified n"),
        (["critical-n", "--dim", "4", "-o", "x.png"], "UnknownName: --output: unknown file type '.png'"),
    ],
    ids=lambda v: " ".join(v) if isinstance(v, list) else "",
)
def test_what_is_refused_is_one_sentence_and_leaves_no_run(cli, limit_folder, home, arguments, start):
    cli(*[limit_folder if a == "DATA" else a for a in arguments]).refused(1, start)
    assert not (home / "ledger.sqlite").exists() or Ledger().runs() == []


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"a\tx\t1\nb\ty\t0\n", "every query must have a relevant document; got 1 of 2 without: 'b'"),
        (b"", "must hold at least one relevant document; it has none"),
        (b"some words that are no qrels at all\n", "three tab-separated fields are expected"),
        (bytes(range(128, 256)), "not UTF-8 text"),
        (b"a\tx\thigh\n", "score must be a whole number"),
        (b"a\tx\t1\na\tx\t1\n", "must be judged once"),
    ],
    ids=["empty row", "nothing", "words", "bytes", "grade", "twice"],
)
def test_a_file_that_is_no_relevance_matrix_is_refused(cli, content, problem):
    Path("own.tsv").write_bytes(content)
    assert problem in cli("free", "--qrels", "own.tsv", "--dim", "2").refused(1, "")


def test_a_full_row_of_a_dataset_is_refused(cli, tmp_path):
    folder = tmp_path / "full"
    folder.mkdir()
    (folder / "corpus.jsonl").write_text('{"_id": "x", "text": "x"}\n{"_id": "y", "text": "y"}\n')
    (folder / "queries.jsonl").write_text('{"_id": "q", "text": "x"}\n')
    (folder / "qrels.jsonl").write_text(
        '{"query-id": "q", "corpus-id": "x", "score": 1}\n{"query-id": "q", "corpus-id": "y", "score": 1}\n'
    )
    line = cli("free", folder, "--dim", "2").refused(1, "ShapeError: reduced(): ")
    assert "every query must have a document that is not relevant; got 1 of 1 without: 'q'" in line


def test_usage(cli):
    for arguments in (["free", "--n-docs", "9"], ["critical-n"], ["critical-n", "--dim", "4", "--seeds", "many"]):
        found = cli(*arguments)
        assert (found.code, found.out) == (2, "") and found.err.rstrip().endswith("--help")


# -- critical-n --------------------------------------------------------------------------------------------------------------


def test_the_table_stands_beside_the_published_numbers(cli):
    found = cli("critical-n", "--dim", "3,4", *QUICK)
    assert found.code == 0
    title, head, three, four, run = found.out.splitlines()
    assert title.startswith("critical n, k = 2, infonce: the largest n solved")
    assert head.split() == ["dim", "critical", "n", "least", "failed", "published", "difference", "steps", "seconds"]
    assert three.split()[0] == "3" and len(three.split()) == 5
    assert four.split()[0] == "4" and four.split()[3] == "10" and float(four.split()[4]) == float(four.split()[1]) - 10
    assert run.startswith("run ")
    assert [line.split(":")[0] for line in found.err.splitlines()] == ["d = 3", "d = 4"]


def test_json_is_the_result_with_summaries_and_can_be_loaded(cli):
    found = cli("critical-n", "--dim", "3", "--seeds", 2, "--seed", 5, *QUICK, "--json", "-o", "result.json")
    record = found.json()
    assert record["schema"] == "limitlab.critical_n/1" and [r["seed"] for r in record["rows"]] == [5, 6]
    assert record["summaries"][0]["n_seeds"] == 2 and record["fit"] is None
    result = CriticalNResult.load("result.json")
    assert result.run_ids[0] == Ledger().runs()[0].id and result.curves
    assert result.config["command"][:2] == ["limitlab", "critical-n"]


def test_csv(cli):
    cli("critical-n", "--dim", "3", *QUICK, "-o", "rows.csv")
    rows = list(csv.DictReader(io.StringIO(Path("rows.csv").read_text())))
    assert len(rows) == 1 and rows[0]["dim"] == "3" and rows[0]["published"] == ""


def test_html_is_the_report(cli):
    found = cli("critical-n", "--dim", "3,4", *QUICK, "-o", "page.html")
    assert found.code == 0 and "</html>" in Path("page.html").read_text(encoding="utf-8")


def test_six_dimensions_give_the_fit_beside_the_published_one(cli):
    found = cli("critical-n", "--dim", "3:8", "--max-steps", 200, "--patience", 100, "--device", "cpu")
    assert "fit over d = " in found.out and "published, d = 4..45: n = -10.5322 + 4.0309 d + 0.0520 d^2 + 0.0037 d^3" in found.out
    line = next(line for line in found.out.splitlines() if line.startswith("4,096"))
    assert line.split()[-1] == "250M" and line.count(" to ") == 3


def test_certified_n_is_shown_beside_the_published_curve(cli):
    found = cli("critical-n", "--dim", "4,6", "--objective", "gap", "--min-gap", "0.001", "-o", "rows.csv")
    assert found.code == 0 and found.err == ""
    title, head, four, six = found.out.splitlines()
    assert title == "certified n, k = 2: all 2-subsets exactly right" and head.split()[:3] == ["dim", "certified", "n"]
    assert int(four.split()[1]) >= 24 and float(four.split()[2]) >= 0.001 and four.split()[3] == "10"
    assert int(six.split()[1]) >= 127
    rows = list(csv.DictReader(io.StringIO(Path("rows.csv").read_text())))
    assert [(r["objective"], r["seed"], r["status"]) for r in rows] == [("gap", "", "solved")] * 2


def test_a_gap_that_no_certificate_reaches_exits_with_3(cli):
    found = cli("critical-n", "--dim", "4", "--objective", "gap", "--min-gap", "1.9")
    assert found.code == 3 and "d = 4: not solved: " in found.out


def test_stored_runs_are_shown_again(cli):
    first = cli("critical-n", "--dim", "3", *QUICK).out.splitlines()[:-1]
    text, result = stored_run("critical-n", "last")
    assert text.splitlines() == first and result.rows[0].dim == 3
    second = cli("free", "--n-docs", 6, "--dim", 5, *QUICK).out.splitlines()[1:-1]
    text, found = stored_run("free", "last")
    assert text.splitlines() == second and found.dim == 5


def test_nothing_solved_exits_with_3(cli):
    found = cli("critical-n", "--dim", "1", *QUICK)
    assert found.code == 3 and "no proof of impossibility" in found.out


def test_a_loss_that_became_nan_exits_with_1_names_the_step_and_is_not_kept(cli, monkeypatch):
    module = importlib.import_module("limitlab.free.critical_n")
    embed = module.free_embed_many

    def broken(problems, config: FreeConfig, *, progress, on_result):
        def told(index, result):
            on_result(index, replace(result, status=Status.FAILED, message="The loss became NaN at step 7.", loss=float("nan")))

        return embed(problems, config, on_result=told)

    monkeypatch.setattr(module, "free_embed_many", broken)
    found = cli("critical-n", "--dim", "3", *QUICK, "--json")
    assert found.code == 1 and "NaN at step 7" in found.json()["message"]
    monkeypatch.setattr(module, "free_embed_many", embed)
    again = cli("critical-n", "--dim", "3", *QUICK, "--json")
    assert again.code == 0 and again.json()["provenance"]["trials_reused"] == 0


def trials(home: Path) -> int:
    try:
        db = sqlite3.connect(f"file:{home / 'ledger.sqlite'}?mode=ro", uri=True)
        try:
            return db.execute("SELECT COUNT(*) FROM cells").fetchone()[0]
        finally:
            db.close()
    except sqlite3.OperationalError:
        return 0


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL], ids=["Ctrl-C", "kill -9"])
def test_the_same_command_goes_on_after_a_stop(cli, home, how):
    arguments = ["critical-n", "--dim", "3:24", *QUICK, "--json"]
    process = subprocess.Popen([COMMAND, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 90
    while trials(home) < 12:
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.01)
    os.kill(process.pid, how)
    out, err = process.communicate(timeout=60)
    assert out == "" and "Traceback" not in err
    if how == signal.SIGINT:
        assert process.returncode == 130 and "Stopped. The same command continues where it was." in err
    assert Ledger().runs()[0].status.key == "stopped"
    record = cli("critical-n", "--dim", "3", *QUICK, "--json").json()
    assert record["provenance"]["trials_run"] == 0 < record["provenance"]["trials_reused"]


def test_help_loads_nothing_heavy():
    code = (
        "import sys; sys.argv = ['limitlab', 'critical-n', '--help']\n"
        "from limitlab.cli.main import run\n"
        "try: run()\n"
        "except SystemExit as end: assert not end.code\n"
        "heavy = {'torch', 'plotly', 'numba', 'scipy'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "--min-gap" in done.stdout


def test_the_gap_objective_enlarges_the_gap_and_its_certificate_is_proved(cli, tmp_path):
    quick = cli("free", "--n-docs", 12, "--dim", 4, "--objective", "gap", "--until", "solved", "--seconds", 100, "--json").json()
    best = cli("free", "--n-docs", 12, "--dim", 4, "--objective", "gap", "--seconds", 2, "--certificate", tmp_path / "c.json", "--json")
    assert best.code == 0
    gaps = [answer["results"][-1]["gap"] for answer in (quick, best.json())]
    assert gaps[1] > gaps[0] > 0
    assert cli("verify", tmp_path / "c.json").code == 0


def test_options_of_the_gap_objective_are_refused_without_it(cli):
    for option, value in (("--until", "best"), ("--seconds", 1), ("--start", "trig")):
        cli("free", "--n-docs", 6, "--dim", 4, option, value).refused(1, "InvalidArgument: ")
    cli("free", "--n-docs", 6, "--dim", 4, "--objective", "gap", "--until", "never").refused(1, "UnknownName: ")
