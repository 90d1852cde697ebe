"""``limitlab diagnose``: levels and verdict on standard output, files where asked, refusals of one sentence."""

from __future__ import annotations

import csv
import json

import numpy as np
import pytest

from limitlab.diagnosis import Diagnosis


@pytest.fixture
def folder(tmp_path):
    """Vectors of 40 documents and 10 queries in files; query i asks for documents 2i and 2i + 1 and finds only every second."""
    rng = np.random.default_rng(0)
    docs = rng.standard_normal((40, 12)).astype(np.float32)
    docs /= np.linalg.norm(docs, axis=1, keepdims=True)
    np.save(tmp_path / "docs.npy", docs)
    np.save(tmp_path / "queries.npy", docs[0:20:2])
    lines = [f"q{i}\td{j}\t1" for i in range(10) for j in (2 * i, 2 * i + 1)]
    (tmp_path / "qrels.tsv").write_text("query-id\tcorpus-id\tscore\n" + "\n".join(lines) + "\n")
    (tmp_path / "d.txt").write_text("".join(f"d{j}\n" for j in range(40)))
    (tmp_path / "q.txt").write_text("".join(f"q{i}\n" for i in range(10)))
    return tmp_path


VECTORS = ("--docs", "docs.npy", "--queries", "queries.npy")
OWN = (*VECTORS, "--doc-ids", "d.txt", "--query-ids", "q.txt", "--qrels", "qrels.tsv", "--k", "2")


def test_levels_verdict_and_queries(cli, folder):
    done = cli("diagnose", *OWN)
    assert (done.code, done.err) == (0, "")
    lines = done.out.splitlines()
    assert lines[0].startswith("Recall@2 is ") and "of the loss is the query encoder" in lines[0]
    assert lines[1].startswith("For 100 % of the queries a query vector exists that retrieves every relevant document")
    assert lines[2].startswith("More dimensions are not needed")
    assert "Queries with most missing documents" in done.out and "Next: limitlab report " in done.out


def test_json_csv_and_page_hold_the_same_numbers(cli, folder):
    run = {f"q{i}": [f"d{2 * i}", f"d{2 * i + 1}"][: 1 + i % 2] for i in range(10)}
    (folder / "run.json").write_text(json.dumps(run))
    served = ("--dim", "8", "--dtype", "int8", "--run", "run.json")
    record = cli("diagnose", *OWN, *served, "--json", "-o", "found.csv").json()
    assert record["schema"] == "limitlab.diagnosis/1" and record["n_missing"] == 5
    assert [level["status"] != "not given" for level in record["levels"]] == [True] * 8
    rows = list(csv.DictReader((folder / "found.csv").open()))
    assert sum(int(r["retained_encoder"]) for r in rows) == record["levels"][3]["retained"]
    assert cli("diagnose", *OWN, *served, "-o", "found.html").code == 0
    assert cli("diagnose", *OWN, *served, "-o", "found.json").code == 0
    assert Diagnosis.load("found.json").n_missing == 5
    assert "Where recall goes" in (folder / "found.html").read_text(encoding="utf-8")


def test_stored_runs_are_shown_and_reported(cli, folder):
    first = cli("diagnose", *OWN, "--json").json()["run_ids"][0]
    cli("diagnose", *OWN)
    assert cli("report", first, "-o", "page.html").out == "written: page.html\n"
    assert "of the loss is the query encoder" in cli("runs", "show", first).out
    assert cli("runs", "show", first, "--json").json()["run_ids"] == [first]
    cli("report", first, "last").refused(1, "InvalidArgument: report: a diagnosis must be the only run of its page; got 2 runs")
    cli("report", first, "--png", "figures").refused(1, "InvalidArgument: report: --png must not be given for a diagnosis")


def test_row_numbers_stand_for_ids_and_are_named(cli, folder):
    (folder / "numbers.tsv").write_text("query-id\tcorpus-id\tscore\n" + "".join(f"{i}\t{2 * i}\t1\n" for i in range(10)))
    done = cli("diagnose", *VECTORS, "--qrels", "numbers.tsv", "--k", "1")
    assert "Recall@1 is 100 %: all 10 relevant documents" in done.out
    assert "note: ids of docs: row numbers from 0" in done.out


def test_a_dataset_in_the_order_of_its_rows(cli, limit_folder, tmp_path):
    rng = np.random.default_rng(0)
    np.savez(tmp_path / "docs.npz", vectors=rng.standard_normal((60, 8)))
    np.save(tmp_path / "queries.npy", rng.standard_normal((40, 8)))
    done = cli("diagnose", limit_folder, "--docs", "docs.npz", "--queries", "queries.npy")
    assert done.code == 0 and "rows in the order of the dataset" in done.out


@pytest.mark.models
def test_a_model_encodes_the_dataset(cli, limit_folder):
    record = cli("diagnose", limit_folder, "-m", "minilm", "--k", "2", "--json").json()
    assert record["config"]["full_dim"] == 384 and record["levels"][2]["recall"]["mean"] >= record["levels"][3]["recall"]["mean"]


def test_refusals(cli, folder, limit_folder):
    cli("diagnose").refused(1, "InvalidArgument: limitlab diagnose: a DATASET or --qrels FILE must be given")
    cli("diagnose", limit_folder).refused(1, "InvalidArgument: limitlab diagnose: either --model, or --docs with --queries")
    cli("diagnose", "--qrels", "qrels.tsv", "-m", "minilm").refused(
        1, "InvalidArgument: limitlab diagnose: --model must come with a DATASET"
    )
    cli("diagnose", limit_folder, "-m", "minilm", "--doc-ids", "d.txt").refused(
        1, "InvalidArgument: limitlab diagnose: --doc-ids must come"
    )
    cli("diagnose", limit_folder, "-m", "bm25").refused(1, "InvalidArgument: diagnose(): a model must be given with a dense model")
    cli("diagnose", *OWN, "-o", "x.xlsx").refused(1, "UnknownName: --output: unknown file type")
    cli("diagnose", *VECTORS, "--qrels", "absent.tsv").refused(1, "DataError: absent.tsv: this qrels file does not exist")
    said = cli("diagnose", *VECTORS, "--qrels", "qrels.tsv").refused(
        1, "DataError: diagnose(): all queries of the qrels must have a vector"
    )
    assert "10 of 10 have none: 'q0', 'q1', 'q2', ..." in said
