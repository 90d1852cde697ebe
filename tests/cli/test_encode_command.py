"""``limitlab encode``, and evaluation and diagnosis of what it wrote, in one sitting."""

from __future__ import annotations

from pathlib import Path

import limitlab as ll

MODEL = "token-sums:tokens=phrases,dim=16"


def test_encode_evaluate_diagnose(cli, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    ll.write_dataset(ll.make_limit(n_docs=60, n_queries=8), "data")
    made = cli("encode", "data", "-m", MODEL, "-o", "docs", "--dtype", "int8", "--shard-docs", "25", "--json")
    assert made.code == 0, made.err
    assert {k: made.json()[k] for k in ("rows", "dim", "dtype", "shards", "encoded")} == {
        "rows": 60, "dim": 16, "dtype": "int8", "shards": 3, "encoded": 3,
    }  # fmt: skip
    again = cli("encode", "data", "-m", MODEL, "-o", "docs", "--dtype", "int8", "--shard-docs", "25")
    assert "60 documents in 3 shards of dimension 16, int8" in again.out and "0 shards encoded now" in again.out
    assert "8 queries in 1 shard of dimension 16" in cli("encode", "data", "-m", MODEL, "-o", "queries", "--queries").out
    found = cli("eval", "data", "-m", "vectors:docs=docs,queries=queries,similarity=dot", "--dim", "8,16", "--json")
    assert found.code == 0, found.err
    assert [row["dim"] for row in found.json()["rows"]] == [8, 16]
    told = cli("diagnose", "data", "--docs", "docs", "--queries", "queries", "--k", "3", "--skip", "drowning,gaps,geometry", "--json")
    assert told.code == 0, told.err
    assert told.json()["config"]["n_docs"] == 60
    forgotten = cli("encode", "data", "-m", MODEL, "-o", "docs", "--dtype", "int8")
    assert "in 3 shards" in forgotten.out and "0 shards encoded now" in forgotten.out
    (Path("docs") / "shard-00001.npy").unlink()
    assert (
        "note: 1 shard encoded again: its files were missing or changed"
        in cli("encode", "data", "-m", MODEL, "-o", "docs", "--dtype", "int8").out
    )
    plain = cli("encode", "data/corpus.jsonl", "-m", MODEL, "-o", "plain", "--queries")
    assert "note: data/corpus.jsonl is no dataset folder: every text in it was encoded as a query" in plain.out


def test_refusals_are_one_sentence(cli, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    ll.write_dataset(ll.make_limit(n_docs=60, n_queries=8), "data")
    for arguments, words in (
        (("nowhere", "-m", MODEL, "-o", "v"), "there is nothing of that name"),
        (("data", "-m", "bm25", "-o", "v"), "must give one vector a text"),
        (("data", "-m", MODEL, "-o", "v", "--dtype", "int4"), "unknown dtype 'int4'"),
        (("data", "-m", MODEL, "-o", "v", "--dim", "17"), "dim must be at most the model's dimension, 16"),
    ):
        done = cli("encode", *arguments)
        assert done.code == 1 and words in done.err and done.err.count("\n") == 1, done.err
        assert not Path("v").exists()
    cli("eval", "data", "-m", "static").refused(
        1, "InvalidArgument: static: path must be the folder of a model2vec model; got none. Write: static:path=FOLDER"
    )
