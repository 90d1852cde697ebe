"""``limitlab bounds``: from a dataset, qrels, a pattern or n and k; every bound with its kind; errors in one sentence."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

SMALL = Path(__file__).resolve().parents[3] / "shared" / "data" / "limit-small"


@pytest.mark.skipif(not SMALL.exists(), reason="the released data are not here")
def test_released_limit_small_is_exact(cli):
    done = cli("bounds", SMALL, "--json")
    assert done.code == 0
    summary = done.json()["summary"]
    assert {q: summary[q]["exact"] for q in ("dim", "sign_rank", "dim_cosine", "dim_euclidean")} == {
        "dim": 4,
        "sign_rank": 5,
        "dim_cosine": 4,
        "dim_euclidean": 3,
    }


def test_all_subsets_by_formula(cli):
    done = cli("bounds", "--n-docs", "50e6", "--k", 10, "--gap", "0.2,0.1", "--query-bits", 8)
    assert done.code == 0
    lines = done.out.splitlines()
    assert lines[0] == "all sets of exactly 10 of 50,000,000 documents: 2.7e+70 sets"
    assert any(line.split()[:1] == ["20"] and "dimension for exact top-k, inner product" in line for line in lines)
    assert any(line.split()[:1] == ["21"] and "sign rank" in line for line in lines)
    assert "not computed" in done.out  # theorems without known constants are listed
    most = cli("bounds", "--n-docs", 5, "--k", 2, "--at-most", "--json").json()
    assert most["summary"]["dim"]["exact"] == 4
    assert cli("bounds", "--n-docs", 5, "--k", 2, "--json").json()["summary"]["dim"]["exact"] == 3


def test_patterns_and_files(cli, tmp_path):
    ring = cli("bounds", "--pattern", "cycle", "--n-docs", 20, "--n-queries", 20, "--seconds", 1, "-o", tmp_path / "b.json", "--json")
    assert ring.json()["summary"]["dim"]["exact"] == 2
    assert json.loads((tmp_path / "b.json").read_text())["bounds"] == ring.json()["bounds"]
    every = cli("bounds", "--pattern", "all-subsets", "--n-docs", 7, "--k", 2, "--seconds", 1, "-o", tmp_path / "b.txt")
    assert every.code == 0 and "dim_exact_subsets" in (tmp_path / "b.txt").read_text()
    page = cli("bounds", "--n-docs", 46, "--k", 2, "-o", tmp_path / "b.html")
    assert page.code == 0 and "dim_exact_subsets" in (tmp_path / "b.html").read_text()


def test_qrels_alone_stand_for_any_corpus(cli, tmp_path):
    path = tmp_path / "qrels.tsv"
    path.write_text("query-id\tcorpus-id\tscore\nq1\ta\t1\nq1\tb\t1\nq2\tb\t2\nq3\tc\t1\n")
    found = cli("bounds", "--qrels", path, "--json").json()
    assert found["about"]["distinct_docs"] == 4  # a, b, c and any other
    assert found["summary"]["dim"]["exact"] == 1  # on a line: b, a, any other, c
    strict = cli("bounds", "--qrels", path, "--min-relevance", 2, "--json").json()
    assert strict["summary"]["dim"]["exact"] == 1 and strict["about"]["constant_queries"] == 1


def test_vectors_in_the_ledger_are_an_upper_bound(cli, tmp_path):
    path = tmp_path / "qrels.tsv"
    path.write_text("query-id\tcorpus-id\tscore\n" + "".join(f"q{i}\td{j}\t1\n" for i in range(6) for j in (i, (i + 1) % 6, (i + 3) % 6)))
    before = cli("bounds", "--qrels", path, "--seconds", 1, "--json").json()["bounds"]
    assert next(b for b in before if b["name"] == "dim_upper_free")["status"] == "not computed"
    assert cli("free", "--qrels", path, "--dim", "2:6").code == 0
    after = cli("bounds", "--qrels", path, "--seconds", 1, "--json").json()["bounds"]
    free = next(b for b in after if b["name"] == "dim_upper_free")
    assert free["kind"] == "measurement" and 2 <= free["value"] <= 6


@pytest.mark.parametrize(
    ("arguments", "start"),
    [
        ((), "InvalidArgument: limitlab bounds: a DATASET"),
        (("--n-docs", 5), "InvalidArgument: limitlab bounds: a DATASET"),
        (("--n-docs", 5, "--k", 5), "RangeError: bounds(): k must be in"),
        (("--n-docs", "many", "--k", 2), "RangeError: --n-docs: "),
        (("--n-docs", 9, "--k", 2, "--gap", "big"), "RangeError: --gap: "),
        (("--pattern", "ring", "--n-docs", 9), "UnknownName: limitlab bounds: unknown pattern"),
        (("--pattern", "dense", "--n-docs", 9), "InvalidArgument: limitlab bounds: --n-queries"),
        (("folder", "--k", 2), "InvalidArgument: limitlab bounds: --k must not"),
        (("--qrels", "absent.tsv"), "DataError: "),
        (("--n-docs", 9, "--k", 2, "-o", "b.pdf"), "UnknownName: --output"),
    ],
)
def test_refusals(cli, arguments, start):
    cli("bounds", *arguments).refused(1, start)
