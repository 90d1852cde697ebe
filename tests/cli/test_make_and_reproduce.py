"""``limitlab make``, ``limitlab reproduce`` and ``limitlab demo``."""

from __future__ import annotations

import json
import re
import shutil

import pytest

from limitlab.cli.reproduction import _spoken
from limitlab.data import load


def test_make_limit_writes_a_folder_that_loads_and_is_sound(cli, tmp_path):
    found = cli("make", "limit", "-o", "limit", "--n-docs", "80", "--n-queries", "50", "--pattern", "cycle", "--json")
    assert (found.code, found.err) == (0, "")
    told = found.json()
    assert told["schema"] == "limitlab.make/1" and told["folder"] == "limit" and told["config"]["pattern"] == "cycle"
    data = load(tmp_path / "limit")
    assert (data.n_docs, data.n_queries) == (80, 50)
    audited = cli("make", "audit", "limit", "--json")
    assert audited.code == 0
    assert audited.json()["schema"] == "limitlab.audit/1" and audited.json()["sound"] is True
    assert json.loads((tmp_path / "limit" / "manifest.json").read_text())["audit"]["sound"] is True
    assert "sound: nothing found" in cli("make", "audit", "limit", "--no-write").out


def test_the_same_seed_makes_the_same_bytes(cli, tmp_path):
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        assert cli("make", "limit", "-o", name, "--n-docs", "60", "--n-queries", "40", "--seed", seed).code == 0
    corpora = [(tmp_path / n / "corpus.jsonl").read_bytes() for n in "abc"]
    assert corpora[0] == corpora[1] != corpora[2]


def test_make_limit_refuses_an_existing_folder(cli, tmp_path):
    (tmp_path / "limit").mkdir()
    (tmp_path / "limit" / "mine").write_text("keep")
    assert "--overwrite" in cli("make", "limit", "-o", "limit", "--n-docs", "60", "--n-queries", "40").refused(1, "InvalidArgument: ")
    assert (tmp_path / "limit" / "mine").read_text() == "keep"


def test_an_audit_that_finds_something_exits_with_3(cli, limit_folder, tmp_path):
    broken = tmp_path / "broken"
    shutil.copytree(limit_folder, broken)
    records = [json.loads(line) for line in (broken / "corpus.jsonl").read_text(encoding="utf-8").splitlines()]
    asked = (
        json.loads((broken / "queries.jsonl").read_text(encoding="utf-8").splitlines()[0])["text"]
        .removeprefix("Who likes ")
        .removesuffix("?")
    )
    for record in records:
        record["text"] = record["text"].rstrip(".") + f", {asked}."
    (broken / "corpus.jsonl").write_text("".join(json.dumps(r, ensure_ascii=False) + "\n" for r in records), encoding="utf-8")
    found = cli("make", "audit", "broken", "--no-write")
    assert found.code == 3
    assert "found: 1 queries leak" in found.out and f"leak: query_0 asks {asked!r}" in found.out


def test_reproduce_patterns_shows_ours_beside_the_published(cli, tmp_path):
    arguments = ["reproduce", "patterns", "--n-docs", "300", "--n-queries", "60", "-m", "bm25", "-m", "token-sums", "--dim", "32"]
    found = cli(*arguments, "-o", "patterns.html", "--json")
    assert found.code == 0, found.err
    told = found.json()
    assert told["schema"] == "limitlab.patterns/1"
    assert set(told["ours"]) == {"bm25", "token-sums@32"}
    for values in (*told["ours"].values(), told["published"]["BM25"]):
        assert set(values) == {"dense", "random", "cycle", "disjoint"}
    assert told["ours"]["bm25"]["dense"] > told["ours"]["token-sums@32"]["dense"]
    assert "BM25" in (tmp_path / "patterns.html").read_text(encoding="utf-8")

    table = cli(*arguments)  # rows come from the ledger
    assert table.code == 0
    head = table.out.splitlines()[1].split()
    assert head == ["retriever", "dense", "random", "cycle", "disjoint"]
    ours = next(line.split() for line in table.out.splitlines() if line.startswith("bm25"))
    assert ours == ["bm25", "ours", *(f"{told['ours']['bm25'][p]:.1f}" for p in head[1:])]
    assert any(line.split()[:2] == ["BM25", "published"] for line in table.out.splitlines())


@pytest.mark.models
def test_the_demo_makes_data_measures_and_reports(process, cli, tmp_path):
    found = process("demo", "--n-docs", "100", "-o", "demo.html", timeout=300)
    assert found.code == 0, found.err
    for words in ("LIMIT, 46 documents", "LIMIT, 100 documents", "bm25", "minilm", "token-sums", "384", "Report: demo.html", "Next:"):
        assert words in found.out
    assert "A query:" in found.err and "A query:" not in found.out
    page = (tmp_path / "demo.html").read_text(encoding="utf-8")
    assert "LIMIT, 100 documents" in page
    assert cli("runs", "--json").json()["runs"][0]["kind"] == "demo"


def test_experiments_are_listed_run_and_written(tmp_path, cli):
    listed = cli("reproduce", "list")
    assert listed.code == 0 and "theorem-table" in listed.out and "limit-full" in listed.out
    assert {e["name"] for e in cli("reproduce", "list", "--json").json()["experiments"]} >= {"critical-n", "patterns"}
    page = tmp_path / "r.html"
    done = cli("reproduce", "run", "theorem-table", "graph-density", "--size", "tiny", "-o", str(page))
    assert done.code == 0 and re.search(r"theorem-table \(full\): 37 agree$", done.out, re.M) and page.is_file()
    done = cli("reproduce", "graph-density", "-o", str(page), "--json")
    assert done.json()["outcomes"][0]["counts"] == {"agrees": 2, "not run": 8}
    assert re.match(r"1 experiment, (a few seconds|about \d+ (s|min)) on two cores", done.err)
    listed = cli("reproduce", "list")
    assert "small, estimate" in listed.out and "measured here" in listed.out and "full 0 s" in listed.out
    taken = {e["name"]: e["measured_seconds"] for e in cli("reproduce", "list", "--json").json()["experiments"]}
    assert set(taken["graph-density"]) == {"full"} and taken["critical-n"] == {}
    again = cli("report", done.json()["outcomes"][0]["run_ids"][0], "-o", str(tmp_path / "again.html"))
    assert again.code == 0 and "How entangled the queries are" in (tmp_path / "again.html").read_text()


def test_seconds_are_not_said_as_a_minute(tmp_path, cli):
    assert [_spoken(s) for s in (0, 1, 9, 20, 89, 90, 3_600)] == ["a few seconds"] * 3 + [
        "about 20 s",
        "about 89 s",
        "about 2 min",
        "about 60 min",
    ]
    done = cli("reproduce", "run", "theorem-table", "-o", str(tmp_path / "r.html"), "--json")
    assert done.err.startswith("1 experiment, a few seconds on two cores")


def test_wrong_experiments_are_refused(tmp_path, cli):
    page = str(tmp_path / "r.html")
    assert "did you mean 'limit-small'" in cli("reproduce", "run", "limit-smal", "-o", page).refused(1, "UnknownName: ")
    assert "NAME=FOLDER" in cli("reproduce", "graph-density", "--beir", "scifact", "-o", page).refused(1, "InvalidArgument: ")
    cli("reproduce", "graph-density", "--size", "smal", "-o", page).refused(1, "UnknownName: ")
    cli("reproduce", "graph-density", "-o", str(tmp_path / "r.txt")).refused(1, "UnknownName: ")
    done = cli("reproduce", "graph-density", "--beir", f"scifact={tmp_path / 'absent'}", "-o", page)
    assert done.code == 1 and "absent" in done.out
