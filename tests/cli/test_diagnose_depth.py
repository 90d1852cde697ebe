"""``limitlab diagnose``: what it prints beneath the levels, and how parts are skipped."""

from __future__ import annotations

import csv

import numpy as np
import pytest


@pytest.fixture
def given(tmp_path):
    """Vectors of 300 documents and 40 queries in files; two equal documents, one relevant and one not."""
    rng = np.random.default_rng(0)
    docs = rng.standard_normal((300, 12)).astype(np.float32)
    docs[299] = docs[0]
    np.save(tmp_path / "docs.npy", docs)
    np.save(tmp_path / "queries.npy", docs[:40] + 0.9 * rng.standard_normal((40, 12)))
    (tmp_path / "qrels.tsv").write_text("query-id\tcorpus-id\tscore\n" + "".join(f"{i}\t{i}\t1\n" for i in range(40)))
    return ("--docs", "docs.npy", "--queries", "queries.npy", "--qrels", "qrels.tsv", "--k", "5")


def test_drowning_gaps_and_geometry_are_printed(cli, given):
    done = cli("diagnose", *given)
    assert (done.code, done.err) == (0, "")
    assert done.out.splitlines()[3].startswith("Also found (problem): 2 documents share their vector")
    for words in (
        "Drowning: ",
        "extrapolated",
        "recall@5 falls under 90 %: ",
        "assumed: new documents",
        "Gaps: ",
        "best query vectors (40 solved for)",
    ):
        assert words in done.out
    assert "Geometry of the vectors" in done.out and "intrinsic dimension" in done.out
    run = done.out.splitlines()[-1].split()[1].rstrip(".")
    assert cli("runs", "show", run).out.count("Geometry of the vectors") == 1


def test_parts_are_skipped(cli, given, tmp_path):
    done = cli("diagnose", *given, "--skip", "drowning,geometry", "-o", "found.csv")
    assert "Drowning" not in done.out and "Geometry" not in done.out and "Also found" not in done.out and "Gaps: " in done.out
    assert all(float(row["gap"]) > -2 for row in csv.DictReader((tmp_path / "found.csv").open()))
    record = cli("diagnose", *given, "--skip", "gaps", "--json").json()
    assert set(record["depth"]) == {"drowning", "geometry"} and record["config"]["skip"] == ["gaps"]
    cli("diagnose", *given, "--skip", "gap").refused(1, "UnknownName: diagnose(): unknown part to skip 'gap'; did you mean 'gaps'?")


@pytest.mark.models
def test_documents_that_the_model_cuts_are_known(cli, tmp_path):
    import json

    folder = tmp_path / "long"
    (folder / "qrels").mkdir(parents=True)
    texts = {f"d{i}": f"person {i} likes item {i} " + ("and more " * 400 if i < 3 else "") for i in range(12)}
    (folder / "corpus.jsonl").write_text("".join(json.dumps({"_id": d, "title": "", "text": t}) + "\n" for d, t in texts.items()))
    (folder / "queries.jsonl").write_text("".join(json.dumps({"_id": f"q{i}", "text": f"who likes item {i}"}) + "\n" for i in range(6)))
    (folder / "qrels" / "test.tsv").write_text("query-id\tcorpus-id\tscore\n" + "".join(f"q{i}\td{i}\t1\n" for i in range(6)))
    record = cli("diagnose", str(folder), "-m", "minilm", "--k", "2", "--skip", "drowning,gaps", "--json").json()
    cut = next(f for f in record["depth"]["geometry"] if f["name"] == "cut_documents")
    assert cut["values"]["documents"] == 3 and cut["values"]["relevant pairs"] == 3 and "tokens" in cut["meaning"]
