"""docs/reproduce.md and docs/concepts/domain-shift.md are what their builder makes of the records."""

from __future__ import annotations

import importlib.util
import json
import sys
from dataclasses import replace
from pathlib import Path

import pytest

DOCS = Path(__file__).resolve().parents[2] / "docs"


@pytest.fixture
def builder():
    spec = importlib.util.spec_from_file_location("build_reproduce", DOCS / "build_reproduce.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_pages_are_current(builder):
    for name in builder.PAGES:
        text = (DOCS / name).read_text(encoding="utf-8")
        assert builder.page(text) == text, f"docs/{name} is not current; run: python docs/build_reproduce.py"
        assert "<!--" in text


def test_numbers_come_from_the_newest_record_and_text_by_hand_stays(builder, tmp_path, monkeypatch):
    monkeypatch.setattr(builder, "RECORDS", tmp_path)
    lines = [
        {"command": "python benchmarks/x.py", "figures": {"a, b": {"c": 1.0}, "n": [3, 4]}},
        {"command": "python benchmarks/x.py", "figures": {"a, b": {"c": 2.345}, "n": [5, 6]}},
        {"command": "python benchmarks/x.py --long 1", "figures": {"shape": "d = 20", "v": "1 -> 2", "p": 2**40}},
    ]
    (tmp_path / "x.jsonl").write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    page = (
        "| speed | old <!-- x: {a, b > c~.2f} s --> | by hand |\n"
        "| other | 9 <!-- x@--long 1: {v~after} -->, 8 <!-- x#shape=d = 2: {p~pow2} --> | {n} |\n"
        "| bare | 7 |\n| words | none |\n<!-- table: training base=q -->\n| stale | 1 |\n<!-- end -->\n"
    )
    made = builder.page(page)
    assert "| speed | 2.35 s <!--" in made or "| speed | 2.34 s <!--" in made
    assert "| other | 2 <!--" in made and "-->, 2^40 <!--" in made and "| {n} |" in made and "stale" not in made and "No record yet" in made
    assert builder.page(made) == made
    assert builder.without_record(made) == ["bare"]
    with pytest.raises(LookupError, match="no record: x@--other"):
        builder.page("| a | 1 <!-- x@--other: {n} --> |")


def test_outcomes_and_trainings_become_records_once(builder, tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(DOCS.parent / "benchmarks"))
    sys.modules.pop("reproduce", None)
    spec = importlib.util.spec_from_file_location("reproduce_records", DOCS.parent / "benchmarks" / "reproduce.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    from limitlab.evaluation import Estimate
    from limitlab.training import Change, TrainResult

    numbers = {"what": "recall@2", "setting": "bm25", "published": 97.8, "low": 96.0, "high": 98.0}
    outcome = {
        "name": "limit-small", "size": "small", "counts": {"agrees": 1, "not run": 1}, "says": ["A | B."], "provenance": {"created": "2026", "wall_seconds": 3.0},
        "config": {"models": ["bm25", "minilm"], "limit": None, "limit_small": None},
        "rows": [{**numbers, "ours": 97.0, "verdict": "agrees"}, {**numbers, "ours": None, "verdict": "not run"}],
    }  # fmt: skip
    made = module.outcome_record(outcome)
    assert len(made["figures"]["rows"]) == 1 and made["command"] == "limitlab reproduce run limit-small --size small"
    given = {**outcome, "config": {"models": ["bm25"], "limit": None, "limit_small": "/somewhere/limit"}}
    assert module.outcome_record(given)["command"] == "limitlab reproduce run limit-small --size small --limit-small LIMIT-SMALL -m bm25"
    assert [module.add(tmp_path / "reproduce.jsonl", [made]) for _ in range(2)] == [1, 0]
    e = [Estimate(v, v - 0.01, v + 0.01) for v in (0.3, 0.5, 0.2)]
    change = Change("task", "LIMIT", 46, "train", 32, "recall@10", e[0], e[1], (0.49, 0.51), e[2])
    config = {"base": "q", "command": ["/somewhere/limitlab", "train", "-o", "/somewhere/x.json", "--base", "q"]}
    trained = module.training_record(TrainResult((), (change,), config=config))
    assert trained["command"] == "limitlab train --base q"
    faster = replace(change, after=Estimate(0.9, 0.89, 0.91))
    other = module.training_record(TrainResult((), (faster,), config={**config, "lr": 5e-4}))
    module.add(tmp_path / "training.jsonl", [trained, other])  # the newest, and not the protocol's
    monkeypatch.setattr(builder, "RECORDS", tmp_path)
    page = builder.page("<!-- table: reproduce -->\n<!-- end -->\n<!-- table: training base=q -->\n<!-- end -->\n")
    assert "| limit-small | small | 3.0 | 1 |  |  | 1 |  | A / B. |" in page
    assert "| 46 | 32 | 30.0 | 50.0 (+19.0 to +21.0; seeds 49.0 to 51.0) |" in page
    assert "| 46 | 32 | 30.0 | 90.0 (" in builder.page("<!-- table: training base=q lr=0.0005 -->\n<!-- end -->\n")
