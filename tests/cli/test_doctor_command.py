"""limitlab doctor: exit codes, what is said, what is not loaded."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from typer.testing import CliRunner

from limitlab.cli.main import app
from limitlab.retrieval import checkup as room
from limitlab.retrieval.checkup import Checkup
from limitlab.retrieval.remote.probes import SERVICES


@pytest.fixture(autouse=True)
def _quiet(monkeypatch):
    for variable, _, _ in SERVICES.values():
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setattr(room, "packaged_folder", lambda name: name)
    monkeypatch.setattr(room, "_cuda_cards", lambda: 0)


def run(*arguments: str):
    return CliRunner().invoke(app, ["doctor", *arguments])


def test_it_answers_and_exits_with_zero_whatever_is_missing(monkeypatch):
    monkeypatch.setattr(room, "installed_version", lambda name: None)
    done = run()
    assert done.exit_code == 0, done.output
    assert "torch is not installed" in done.output and "no address given: postgresql (DATABASE_URL)" in done.output


def test_needs_that_are_not_met_give_three_and_a_sentence_each(monkeypatch):
    monkeypatch.delenv("GEMINI_API_KEY", raising=False)
    done = run("--need", "elasticsearch,GEMINI_API_KEY,cuda", "--json")
    assert done.exit_code == 3
    unmet = json.loads(done.output)["unmet"]
    assert [u.split(":")[0] for u in unmet] == ["elasticsearch", "GEMINI_API_KEY", "cuda"]
    assert "export GEMINI_API_KEY=" in unmet[1]


def test_needs_that_are_met_give_zero(monkeypatch):
    monkeypatch.setenv("GEMINI_API_KEY", "x")
    assert run("--need", "minilm,GEMINI_API_KEY").exit_code == 0


def test_an_extra_that_is_missing_is_unmet_with_its_pip_line(monkeypatch):
    from limitlab._core.extras import Extra

    monkeypatch.setattr(room, "extras", lambda: [Extra("qdrant", {"qdrant-client": None}, {"qdrant-client": ">=1"})])
    done = run("--need", "qdrant")
    assert done.exit_code == 3 and "pip install 'limitlab[qdrant]'" in done.output
    monkeypatch.setattr(room, "extras", lambda: [Extra("qdrant", {"qdrant-client": "1.0"}, {"qdrant-client": ">=1"})])
    assert run("--need", "qdrant").exit_code == 0, "without an address the client is all that is asked for"
    assert run("--need", "qdrant", "--url", "qdrant=http://127.0.0.1:1", "--timeout", "0.2").exit_code == 3


@pytest.mark.parametrize(("arguments", "said"), [(("--need", "modles"), "unknown need 'modles'"), (("--url", "qdrant"), "NAME=ADDRESS")])
def test_usage_is_checked(arguments, said):
    done = run(*arguments)
    assert done.exit_code == 1 and said in str(done.exception)


def test_json_holds_what_a_checkup_holds():
    record = json.loads(run("--json").output)
    assert record["schema"] == "limitlab.doctor/1"
    assert set(record) == {"schema", "unmet", *Checkup.__dataclass_fields__}
    assert record["disk"]["writable"] is True


def test_cuda_cards_that_torch_cannot_use_are_said(monkeypatch):
    monkeypatch.setattr(room, "_cuda_cards", lambda: 2)
    monkeypatch.setattr(room, "installed_version", lambda name: "2.13.0+cpu")
    assert "built for the processor only" in room._device()["said"]
    monkeypatch.setattr(room, "installed_version", lambda name: "2.13.0")
    assert room._device()["device"] == "cuda"


def test_nothing_heavy_is_loaded():
    code = (
        "import sys\n"
        "from limitlab.retrieval.checkup import checkup\n"
        "checkup(timeout=0.1)\n"
        "heavy = {'torch', 'sentence_transformers', 'mteb', 'faiss', 'qdrant_client', 'psycopg', 'tantivy'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
