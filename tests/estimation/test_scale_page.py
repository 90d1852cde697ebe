"""docs/scale.md says what the model says, and its profile names no machine."""

from __future__ import annotations

import importlib.util
import json
import re
import shlex
from pathlib import Path

import pytest

from limitlab.estimation.machine import read_profile

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "scale.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def build():
    spec = importlib.util.spec_from_file_location("build_scale", ROOT / "docs" / "build_scale.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def in_process(build, monkeypatch):
    """The builder's estimates without a process each: the same command line, read by the same program."""
    from limitlab.cli import estimate
    from limitlab.cli.main import app

    def estimated(command):
        told = []
        monkeypatch.setattr(estimate, "answer_json", told.append)
        app(["estimate", *shlex.split(command), "--machine", str(ROOT / build.PROFILE), "--json"], standalone_mode=False)
        return told[0]

    monkeypatch.setattr(build, "estimated", estimated)
    return build


def test_the_tables_are_what_the_model_gives(in_process):
    assert in_process.page(PAGE) == PAGE
    assert set(re.findall(r"<!-- table ([a-z-]+) -->", PAGE)) == {*in_process.TABLES, "bytes"}


def test_the_commands_shown_are_those_of_the_tables(build):
    shown = [line.strip("` ") for line in re.findall(r"`limitlab estimate [^`]+--machine [^`]+`", PAGE)]
    assert len(shown) == 2
    commands = {f"limitlab estimate {command} --machine {build.PROFILE}" for _, cases in build.TABLES.values() for _, command in cases}
    assert set(shown) <= commands


def test_the_profile_is_one_and_names_no_host(build):
    path = ROOT / build.PROFILE
    assert read_profile(path).cores >= 1
    assert set(json.loads(path.read_text())) == {
        "schema", "kind", "cores", "memory_bytes", "start_seconds", "start_bytes", "rates", "units", "products", "steps", "shared_step", "created",
        "versions", "share",
    }  # fmt: skip
    assert build.PROFILE.removeprefix("docs/") in PAGE
