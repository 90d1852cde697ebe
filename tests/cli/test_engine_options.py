"""``--engine`` and ``--workers``: on every verb that has tasks, said in the record, refused before anything runs."""

from __future__ import annotations

import pytest

from limitlab.data import make_limit, write_dataset

VERBS = {
    "eval": ["-m", "bm25"],
    "diagnose": ["-m", "token-sums"],
    "critical-n": ["--dim", "2"],
    "verify": ["--shipped", "--dim", "4"],
    "train": [],
}


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_with_tasks_knows_engines(verb, cli, tmp_path):
    place = [str(write_dataset(make_limit(small=True), tmp_path / "data"))] if verb in ("eval", "diagnose") else []
    assert "did you mean 'ray'" in cli(verb, *place, *VERBS[verb], "--engine", "rai").refused(1, "UnknownName: ")
    said = cli(verb, *place, *VERBS[verb], "--engine", "ray://nowhere.invalid:1").refused(1, "EngineError: ")
    assert "must answer at ray://nowhere.invalid:1" in said


def test_the_record_says_where(cli, tmp_path):
    data = str(write_dataset(make_limit(small=True), tmp_path / "data"))
    assert cli("eval", data, "-m", "bm25", "--json").json()["provenance"]["engine"]["engine"] == "local"
    found = cli("eval", data, "-m", "bm25", "--fresh", "--workers", "3", "--json").json()
    assert found["provenance"]["engine"] == {"engine": "local", "workers": 3, "machines": 1}


def test_what_is_proved_is_not_optimised(cli):
    cli("critical-n", "--dim", "4", "--objective", "gap", "--engine", "local").refused(1, "InvalidArgument: ")
