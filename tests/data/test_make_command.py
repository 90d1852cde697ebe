"""``limitlab make limit`` as a process: interrupted, repeated, timed, measured."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from limitlab._core.errors import InvalidArgument
from limitlab.data import LimitConfig, load, make_limit, write_limit


@pytest.fixture
def halfway(tmp_path: Path, limitlab_command: list[str]) -> Callable[[], tuple[subprocess.Popen, Path, Path]]:
    """Starts writing three million documents and returns once some are on disk: (process, target, its part folder)."""
    started: list[subprocess.Popen] = []

    def start() -> tuple[subprocess.Popen, Path, Path]:
        target = tmp_path / "out" / "limit"
        process = subprocess.Popen(
            [*limitlab_command, "make", "limit", "--n-docs", "3000000", "-o", str(target)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),  # a runner in the background may have it ignored
        )
        started.append(process)
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and process.poll() is None:
            written = [p for p in tmp_path.glob("out/.*.part/corpus.jsonl") if p.stat().st_size > 2_000_000]
            if written:
                return process, target, written[0].parent
            time.sleep(0.02)
        pytest.fail(f"nothing was written: {process.communicate()}")

    yield start
    for process in started:
        if process.poll() is None:
            process.kill()
        process.communicate()


def test_a_killed_run_leaves_no_folder_and_the_next_run_is_not_in_its_way(halfway, limitlab_command):
    process, target, part = halfway()
    process.kill()
    process.communicate()
    assert part.is_dir(), "the run was not halfway"
    assert not target.exists()
    subprocess.run(
        [*limitlab_command, "make", "limit", "--n-docs", "300", "--n-queries", "20", "-o", str(target)], check=True, capture_output=True
    )
    assert load(target).n_docs == 300


def test_ctrl_c_leaves_nothing_and_exits_130(halfway):
    process, _, part = halfway()
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=30)
    assert process.returncode == 130, errors
    assert list(part.parent.iterdir()) == []
    assert "Traceback" not in errors


def test_ctrl_c_is_answered_with_a_word_that_is_true(halfway):
    """Nothing is kept of an interrupted ``make limit``: it must not be said that the next run continues."""
    process, _, _ = halfway()
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=30)
    assert "Stopped" in errors and "continues" not in errors


def test_an_existing_folder_is_refused_and_left_as_it_is(tmp_path, limitlab_command):
    target = tmp_path / "limit"
    target.mkdir()
    (target / "mine.txt").write_text("keep me")
    done = subprocess.run(
        [*limitlab_command, "make", "limit", "--n-docs", "300", "--n-queries", "20", "-o", str(target)], capture_output=True, text=True
    )
    assert done.returncode == 1
    assert done.stderr.startswith("InvalidArgument: ") and "--overwrite" in done.stderr and "Traceback" not in done.stderr
    assert [p.name for p in target.iterdir()] == ["mine.txt"]
    assert [p.name for p in tmp_path.iterdir()] == ["limit"]


def test_overwrite_replaces_the_whole_folder(tmp_path):
    target = write_limit(LimitConfig(n_docs=300, n_queries=20, seed=0), tmp_path / "limit")
    (target / "stale.txt").write_text("old")
    config = LimitConfig(n_docs=200, n_queries=20, seed=1)
    with pytest.raises(InvalidArgument, match="must not exist"):
        write_limit(config, target)
    assert load(target).n_docs == 300
    write_limit(config, target, overwrite=True)
    assert load(target).fingerprint() == make_limit(config).fingerprint()
    assert not (target / "stale.txt").exists()
    assert [p.name for p in tmp_path.iterdir()] == ["limit"]  # neither .part nor .old


def test_a_file_in_the_place_of_the_folder_is_refused_even_with_overwrite(tmp_path):
    (tmp_path / "limit").write_text("a file")
    with pytest.raises(InvalidArgument, match="is a file"):
        write_limit(LimitConfig(n_docs=300, n_queries=20), tmp_path / "limit", overwrite=True)
    assert (tmp_path / "limit").read_text() == "a file"


def test_an_impossible_request_writes_nothing(tmp_path, limitlab_command):
    done = subprocess.run(
        [*limitlab_command, "make", "limit", "--n-queries", "9000", "-o", str(tmp_path / "limit")], capture_output=True, text=True
    )
    assert done.returncode == 1 and done.stderr.startswith("RangeError: make_limit(): n_queries must be at most ")
    assert list(tmp_path.iterdir()) == []


def test_every_option_reaches_the_generator(tmp_path, limitlab_command):
    (tmp_path / "t.toml").write_text('query = "Which one has {attribute}?"')
    sizes = ["--n-docs", "250", "--n-queries", "30", "--k", "3", "--pattern", "random", "--attributes-per-doc", "50", "--seed", "9"]
    kind = ["--small", "--split", "train", "--synonyms", "--templates", str(tmp_path / "t.toml"), "--json"]
    command = [*limitlab_command, "make", "limit", "-o", str(tmp_path / "out"), *sizes, *kind]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    wanted = LimitConfig(250, 30, 3, "random", 9, 50, True, "train", True)
    assert json.loads(done.stdout)["config"] == wanted.to_dict()
    data = load(tmp_path / "out")
    assert list(data.docs) == list(make_limit(wanted).docs)
    assert data.queries[0].startswith("Which one has ")


def test_fifty_thousand_documents_are_written_in_seconds(tmp_path):
    start = time.perf_counter()
    write_limit(LimitConfig(), tmp_path / "limit")
    assert time.perf_counter() - start < 6


def test_memory_does_not_grow_with_the_number_of_documents(tmp_path):
    script = (
        "import sys\n"
        "from limitlab._core.provenance import peak_memory\n"
        "from limitlab.data import LimitConfig, write_limit\n"
        "write_limit(LimitConfig(n_docs=int(sys.argv[1])), sys.argv[2])\n"
        "print(peak_memory())\n"
    )
    peak = {}
    for n_docs in (20_000, 400_000):
        target = tmp_path / str(n_docs)
        done = subprocess.run([sys.executable, "-c", script, str(n_docs), str(target)], capture_output=True, text=True, check=True)
        peak[n_docs] = int(done.stdout)
        size = (target / "corpus.jsonl").stat().st_size
        (target / "corpus.jsonl").unlink()
    assert peak[400_000] < 600 << 20
    assert peak[400_000] - peak[20_000] < 60 << 20 < size / 3  # far less than the documents themselves
