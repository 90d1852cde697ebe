"""``limitlab place``: vectors of the user's own qrels, what they attain, refusals of one sentence."""

from __future__ import annotations

import json

import numpy as np


def test_a_dataset_is_placed_and_written(tmp_path, cli, limit_folder):
    out = tmp_path / "placed"
    done = cli("place", limit_folder, "--dim", "4", "-o", out)
    assert done.code == 0 and "R@2 = 1.0000 after rounding" in done.out and f"written: {out}" in done.out
    assert "60 documents" in done.out and "construction: every query has exactly its relevant documents on top" in done.out
    docs, queries = np.load(out / "docs.npy"), np.load(out / "queries.npy")
    assert docs.shape == (60, 4) and docs.dtype == np.float32 and queries.shape == (40, 4)
    ids = json.loads((out / "ids.json").read_text())
    assert len(ids["docs"]) == 60 and len(ids["queries"]) == 40
    facts = json.loads((out / "placement.json").read_text())
    assert facts["recall"] == 1.0 and facts["kind"] == "construction" and facts["docs_bytes"] == 960
    assert "must not exist" in cli("place", limit_folder, "-o", out).refused(1, "InvalidArgument: ")
    assert cli("place", limit_folder, "-o", out, "--overwrite").code == 0


def test_json_and_not_solved(cli, limit_folder):
    done = cli("place", limit_folder, "--dim", "2", "--json")
    record = done.json()
    assert done.code == 3 and record["kind"] == "measurement" and record["recall"] < 1 and record["folder"] is None
    assert "proves nothing about other vectors" in cli("place", limit_folder, "--dim", "2").out


def test_dimensions_in_ascending_order_until_one_holds(cli, limit_folder):
    done = cli("place", limit_folder, "--dim", "8,2:6", "--json")
    dims = [r["dim"] for r in done.json()["dims"]]
    assert done.code == 0 and dims == list(range(2, dims[-1] + 1)) and dims[-1] == done.json()["dim"] <= 4
    assert "dimension 2: recall 0." in cli("place", limit_folder, "--dim", "2,4").out


def test_qrels_alone_and_types(tmp_path, cli):
    qrels = tmp_path / "qrels.tsv"
    qrels.write_text("query-id\tcorpus-id\tscore\nq1\ta\t1\nq1\tb\t1\nq2\tb\t1\nq2\tc\t1\nq3\td\t1\n")
    done = cli("place", "--qrels", qrels, "--dtype", "float16", "--query-dtype", "float32")
    assert done.code == 0 and "float16 documents, float32 queries" in done.out and "recall among the first |S| = 1.0000" in done.out
    assert "5 documents" in done.out  # a, b, c, d, and one for the rest of the corpus


def test_documents_can_be_moved_further(cli, limit_folder):
    plain = cli("place", limit_folder, "--dim", "6", "--json").json()
    moved = cli("place", limit_folder, "--dim", "6", "--improve", "2", "--json").json()
    assert moved["least_gap"] >= plain["least_gap"] and moved["tried"][0]["method"].endswith("moved to enlarge the least gap")


def test_refusals(tmp_path, cli, limit_folder):
    cli("place").refused(1, "InvalidArgument: limitlab place: a DATASET or --qrels FILE must be given")
    cli("place", limit_folder, "--dim", "0").refused(1, "RangeError: --dim: dimensions must be at least 1")
    assert "did you mean 'bfloat16'" in cli("place", limit_folder, "--dtype", "bfloat").refused(1, "UnknownName: ")
    cli("place", "--qrels", tmp_path / "absent.tsv").refused(1, "DataError: ")
    cli("place", limit_folder, "--improve", "0").refused(1, "InvalidArgument: ")
    cli("place", limit_folder, "--dim", "x").refused(1, "RangeError: --dim: ")
