"""Exit codes and errors: 0 answered, 1 refused or failed, 2 usage, 3 the answer is no, 130 stopped."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from limitlab import __version__

COMMAND = str(Path(sys.executable).with_name("limitlab"))


def test_version(process):
    found = process("--version")
    assert (found.code, found.out, found.err) == (0, f"limitlab {__version__}\n", "")


HELP = """
import sys
sys.argv = ["limitlab", "--help"]
from limitlab.cli.main import run
try:
    run()
except SystemExit as end:
    assert not end.code
heavy = {"torch", "plotly", "numba", "scipy", "transformers"} & set(sys.modules)
assert not heavy, heavy
"""


def test_help_names_every_verb_and_loads_nothing_heavy(cli):
    done = subprocess.run([sys.executable, "-c", HELP], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    for verb in ("demo", "make", "eval", "report", "reproduce", "runs", "models"):
        assert f" {verb} " in done.stdout


def test_models_lists_names(cli):
    assert "token-sums" in cli("models").out
    found = cli("models", "--json").json()
    assert found["schema"] == "limitlab.models/1" and {"bm25", "minilm", "token-sums"} <= set(found["models"])


# -- 1: refused ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "start"),
    [
        (["eval", "no-such-folder", "-m", "bm25"], "InvalidArgument: load(): a dataset folder"),
        (["eval", "DATA", "-m", "bm52"], "UnknownName: retrievers: unknown retriever 'bm52'; did you mean 'bm25'?"),
        (["eval", "DATA", "-m", "bm25", "--dim", "0"], "RangeError: --dim: "),
        (["eval", "DATA", "-m", "bm25", "--ties", "terc"], "UnknownName: evaluate(): unknown ties 'terc'; did you mean 'trec'?"),
        (
            ["eval", "DATA", "-m", "bm25", "--measure", "recall"],
            "UnknownName: measures: unknown measure 'recall'; did you mean 'recall@K'?",
        ),
        (["eval", "DATA", "-m", "bm25", "--qrels", "none.tsv"], "DataError: none.tsv: "),
        (["runs", "show", "last"], "UnknownName: ledger: a run id"),
        (["report", "none"], "UnknownName: ledger: a run id"),
        (["make", "limit", "--n-docs", "10"], "RangeError: make_limit(): n_docs must be at least 46"),
        (["eval", "DATA", "-m", "bm25", "--json", "--min-relevance", "7"], "InvalidArgument: evaluate(): some document must have grade"),
    ],
    ids=lambda v: " ".join(v) if isinstance(v, list) else "",
)
def test_an_error_is_one_line_without_traceback_and_nothing_else(cli, limit_folder, arguments, start):
    cli(*[limit_folder if a == "DATA" else a for a in arguments]).refused(1, start)


def test_a_malformed_line_is_named_with_file_and_line(cli, tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "corpus.jsonl").write_text('{"_id": "a", "text": "x"}\n{"_id": "b", oops\n')
    (tmp_path / "data" / "queries.jsonl").write_text('{"_id": "q", "text": "x"}\n')
    (tmp_path / "data" / "qrels.jsonl").write_text('{"query-id": "q", "corpus-id": "a", "score": 1}\n')
    assert "corpus.jsonl:2: " in cli("eval", "data", "-m", "bm25").refused(1, "DataError: ")


@pytest.mark.parametrize("before", [True, False])
def test_debug_shows_the_traceback_wherever_it_stands(process, before):
    arguments = ["eval", "no-such-folder", "-m", "bm25"]
    found = process("--debug", *arguments) if before else process(*arguments, "--debug")
    assert (found.code, found.out) == (1, "")
    assert "Traceback" in found.err and found.err.splitlines()[-1].startswith("InvalidArgument: load()")


def test_a_state_folder_that_is_a_file_is_one_line(cli, tmp_path, limit_folder):
    (tmp_path / "file").write_text("")
    cli("eval", limit_folder, "-m", "bm25", LIMITLAB_HOME=str(tmp_path / "file")).refused(1, "OSError: ")


def test_a_foreign_ledger_is_one_line(cli, home):
    home.mkdir()
    (home / "ledger.sqlite").write_text("notes\n" * 500)
    cli("runs").refused(1, "DataError: ")


def test_a_refused_command_is_one_line_in_a_process_of_its_own(process):
    process("eval", "no-such-folder", "-m", "bm25").refused(1, "InvalidArgument: load(): a dataset folder")


# -- 2: usage --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "arguments",
    [["evall"], ["eval"], ["eval", "x", "--no-such-option"], ["make", "limit", "--n-docs", "many"], ["report"], ["runs", "rm"]],
    ids=" ".join,
)
def test_wrong_usage_exits_with_2_and_names_the_help(cli, arguments):
    found = cli(*arguments)
    assert (found.code, found.out) == (2, "")
    assert "Traceback" not in found.err
    assert found.err.rstrip().endswith("--help")
    assert len(found.err.splitlines()) == 2


def test_wrong_usage_in_a_process_of_its_own(process):
    found = process("evall")
    assert (found.code, found.out) == (2, "") and "Traceback" not in found.err


@pytest.mark.parametrize("arguments", [[], ["make"], ["reproduce"]], ids=" ".join)
def test_a_group_without_a_verb_shows_its_help(cli, arguments):
    found = cli(*arguments)
    assert found.code in (0, 2)
    assert "Usage:" in found.out + found.err and "Traceback" not in found.err


# -- 130: stopped ------------------------------------------------------------------------------------------------------------


def status_of_runs(home: Path) -> list[str]:
    try:
        db = sqlite3.connect(f"file:{home / 'ledger.sqlite'}?mode=ro", uri=True)
        try:
            return [row[0] for row in db.execute("SELECT status FROM runs")]
        finally:
            db.close()
    except sqlite3.OperationalError:
        return []


def test_ctrl_c_exits_with_130_and_leaves_a_stopped_run(limit_folder, home):
    process = subprocess.Popen(
        [COMMAND, "eval", str(limit_folder), "-m", "bm25", "-m", "token-sums", "--dim", "1:4000"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    deadline = time.monotonic() + 60
    while status_of_runs(home) != ["running"]:
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.02)
    time.sleep(0.5)
    os.kill(process.pid, signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert out == ""
    assert "Traceback" not in err
    assert "Stopped. The same command continues where it was." in err
    assert status_of_runs(home) == ["stopped"]


def test_a_closed_pipe_is_no_error(limit_folder, home):
    process = subprocess.Popen([COMMAND, "models", "--json"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None and process.stderr is not None
    process.stdout.close()
    err = process.stderr.read()
    process.stderr.close()
    process.wait(timeout=60)
    assert "Traceback" not in err and "Exception" not in err
