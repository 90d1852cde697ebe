"""What is stored about how a result came to be; home folder; status; texts; progress."""

from __future__ import annotations

import json
import re
import socket
from pathlib import Path

import pytest

from limitlab._core import provenance
from limitlab._core.home import home
from limitlab._core.progress import SILENT
from limitlab._core.status import Status
from limitlab._core.texts import TextList, Texts, listed_phrases


def test_provenance_says_versions_machine_commit_time_and_memory():
    record = provenance.provenance(wall_seconds=1.23456)
    assert set(record) == {"created", "versions", "machine", "git_commit", "peak_memory_bytes", "wall_seconds"}
    assert record["wall_seconds"] == 1.235
    assert {"python", "limitlab", "numpy", "bm25s"} <= set(record["versions"])
    assert record["machine"]["cores"] >= 1 and record["machine"]["memory_gib"] > 0
    assert record["peak_memory_bytes"] > 10_000_000
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00", record["created"])


def test_provenance_does_not_name_the_host():
    told = json.dumps(provenance.provenance())
    assert socket.gethostname() not in told or len(socket.gethostname()) < 4


def test_git_commit_is_that_of_the_checkout():
    commit = provenance.git_commit()
    in_checkout = any((p / ".git").exists() for p in Path(provenance.__file__).parents)
    assert (commit is not None) == in_checkout
    assert commit is None or re.fullmatch(r"[0-9a-f]{12}\+?", commit)


def test_stopwatch_measures_its_block():
    with provenance.Stopwatch() as watch:
        assert watch.so_far() >= 0
        sum(range(10_000))
    assert 0 < watch.seconds < 10


def test_home_is_the_folder_named_by_the_environment(tmp_path, monkeypatch):
    monkeypatch.setenv("LIMITLAB_HOME", str(tmp_path / "deep" / "state"))
    assert home() == tmp_path / "deep" / "state"
    assert home().is_dir()


def test_home_is_the_platform_folder_otherwise(tmp_path, monkeypatch):
    monkeypatch.delenv("LIMITLAB_HOME")
    monkeypatch.setattr("platformdirs.user_data_path", lambda name, appauthor: tmp_path / name)
    assert home() == tmp_path / "limitlab"


@pytest.mark.parametrize("status", list(Status))
def test_a_status_is_a_word_in_files_and_a_sentence_for_people(status):
    assert Status.of(status.key) is status
    assert status.key == status.key.lower()
    assert status.value.endswith(".") and " " in status.value


def test_text_lists_are_texts():
    texts = TextList(("a", "b"), ("first", "second"))
    assert isinstance(texts, Texts)
    assert (len(texts), texts[1], list(texts), texts.ids) == (2, "second", ["first", "second"], ["a", "b"])


@pytest.mark.parametrize(
    ("text", "phrases"),
    [
        ("Ann Lee likes Tea, River Otters and Law.", ["Tea", "River Otters", "Law"]),
        ("Who likes River Otters?", ["River Otters"]),
        ("Ann likes Salt and Pepper, Bread and Butter and Tea.", ["Salt and Pepper", "Bread and Butter", "Tea"]),
        ("Ann likes Tea and Law.", ["Tea", "Law"]),
    ],
)
def test_listed_phrases(text, phrases):
    assert listed_phrases(text) == phrases


def test_silent_progress_shows_nothing(capsys):
    with SILENT.task("x", 3) as task:
        task.advance()
    SILENT.say("line")
    assert capsys.readouterr() == ("", "")
