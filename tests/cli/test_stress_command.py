"""``limitlab make stress``: a corpus in, a dataset out, sound by the audit."""

from __future__ import annotations

import json

import pytest


@pytest.fixture
def corpus(tmp_path):
    path = tmp_path / "reports.jsonl"
    path.write_text("".join(json.dumps({"id": f"r{i}", "text": f"Report number {i}."}) + "\n" for i in range(80)), encoding="utf-8")
    return path


def test_it_writes_a_dataset_that_the_audit_and_the_evaluation_take(cli, corpus):
    found = cli("make", "stress", corpus, "-o", "out", "--n-queries", "20", "--n-chosen", "30", "--seed", "3")
    assert (found.code, found.err) == (0, "")
    assert "30 of 80 documents got 6 facts each, 20 queries; written to out" in " ".join(found.out.split())
    audited = cli("make", "audit", "out")
    assert audited.code == 0 and "facts: in 30 documents" in audited.out and "sound: nothing found" in audited.out
    row = cli("eval", "out", "-m", "bm25", "--measure", "recall@2", "--json").json()["rows"][0]
    assert row["measures"]["recall@2"]["mean"] > 0.9


def test_json_and_chinese(cli, corpus):
    told = cli("make", "stress", corpus, "-o", "zh", "--language", "zh", "--n-queries", "20", "--pattern", "disjoint", "--json").json()
    assert told["schema"] == "limitlab.make_stress/1" and told["n_chosen"] == 80 and told["facts_per_doc"] == 1
    assert told["config"]["language"] == "zh"
    assert cli("make", "audit", "zh", "--json").json()["sound"] is True


def test_own_words(cli, corpus, tmp_path):
    (tmp_path / "a.txt").write_text("".join(f"zeta{i:02}\n" for i in range(40)), encoding="utf-8")
    (tmp_path / "t.toml").write_text('document = "Tags: {attributes};"\nquery = "tag {attribute}"\n', encoding="utf-8")
    found = cli("make", "stress", corpus, "-o", "own", "--n-queries", "5", "--attributes", "a.txt", "--templates", "t.toml")
    assert found.code == 0
    assert "Tags: zeta" in (tmp_path / "own" / "corpus.jsonl").read_text(encoding="utf-8")


def test_bad_input_is_one_sentence(cli, corpus, tmp_path):
    cli("make", "stress", "nothing").refused(
        1, "InvalidArgument: corpus: a dataset folder or a file of JSON lines is needed; nothing does not"
    )
    cli("make", "stress", corpus, "-o", "x", "--n-queries", "9999").refused(1, "RangeError: make stress: the corpus must have at least 142")
    cli("make", "stress", corpus, "-o", tmp_path, "--overwrite").refused(
        1, "InvalidArgument: make stress: the output must be another folder"
    )
    assert not (tmp_path / "x").exists()
