"""``limitlab eval``: numbers on standard output, files where asked."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest

from limitlab.data import load, read_run
from limitlab.evaluation import EvaluationResult
from limitlab.ledger import Ledger


def test_json_is_the_evaluation_with_its_comparisons(evaluated):
    assert (evaluated.answer.code, evaluated.answer.err) == (0, "")
    found = evaluated.answer.json()
    assert found["schema"] == "limitlab.evaluation/1"
    assert [(r["retriever"], r["dim"], r["status"]) for r in found["rows"]] == [
        ("bm25", None, "solved"),
        ("token-sums", 4, "solved"),
        ("token-sums", 32, "solved"),
    ]
    assert set(found["rows"][0]["measures"]) == {"recall@2", "recall@10"}
    assert found["config"]["command"][:2] == ["limitlab", "eval"]
    assert found["provenance"]["wall_seconds"] > 0
    comparison = next(c for c in found["comparisons"] if c["measure"] == "recall@2")
    assert (comparison["first"], comparison["second"]) == ("bm25", "token-sums@32")
    expected = found["rows"][0]["measures"]["recall@2"]["mean"] - found["rows"][2]["measures"]["recall@2"]["mean"]
    assert comparison["difference"]["mean"] == pytest.approx(expected)
    assert 0 < comparison["p_value"] <= 1


def test_csv_holds_the_same_numbers(evaluated):
    rows = list(csv.DictReader(io.StringIO((evaluated.folder / "rows.csv").read_text(encoding="utf-8"))))
    told = evaluated.answer.json()["rows"]
    assert [float(r["recall@2"]) for r in rows] == [r["measures"]["recall@2"]["mean"] for r in told]


def test_trec_files_read_back_give_the_same_recall(evaluated, limit_folder):
    files = sorted(p.name for p in (evaluated.folder / "runs").iterdir())
    assert files == ["limit.bm25.trec", "limit.token-sums@32.trec", "limit.token-sums@4.trec"]
    data = load(limit_folder)
    qrels = data.relevance.to_qrels()
    for row in evaluated.answer.json()["rows"]:
        name = row["retriever"] if row["dim"] is None else f"{row['retriever']}@{row['dim']}"
        run = read_run(evaluated.folder / "runs" / f"limit.{name}.trec")
        recalls = []
        for q, relevant in qrels.items():
            first = list(run.get(q, {}))[:10]
            recalls.append(sum(d in relevant for d in first) / len(relevant))
        assert sum(recalls) / len(recalls) == pytest.approx(row["measures"]["recall@10"]["mean"])


def test_the_table_shows_rows_next_step_and_comparison(cli, limit_folder):
    found = cli(
        "eval",
        limit_folder,
        "-m",
        "bm25",
        "-m",
        "token-sums",
        "--dim",
        "8",
        "--compare",
        "bm25,token-sums@8",
        "--measure",
        "recall@2",
        "-o",
        "result.json",
        "-o",
        "result.html",
    )
    assert (found.code, found.err) == (0, "")
    page = Path("result.html").read_text(encoding="utf-8")
    assert "Compared on the same queries" in page
    run = found.out.rpartition("limitlab report ")[2].split()[0]
    assert cli("report", run, "--compare", "bm25,token-sums@8", "-o", "again.html").code == 0
    section = [p.partition('<section id="compared">')[2].partition("</section>")[0] for p in (page, Path("again.html").read_text("utf-8"))]
    assert section[0] == section[1] and "token-sums@8" in section[0]
    assert "limit: 60 documents, 40 queries, 80 relevant pairs; percent" in " ".join(found.out.split())
    assert "R@2" in found.out and "predicted R@2" in found.out
    assert "bm25 - token-sums@8, recall@2: +" in found.out and "p = " in found.out
    assert "Next: limitlab report " in found.out
    saved = EvaluationResult.load("result.json")
    assert f"{100 * saved.row('bm25').measures['recall@2'].mean:.1f}" in found.out
    assert saved.row("bm25").measures["recall@2"].mean > 0.9


def test_html_is_the_report(cli, limit_folder, tmp_path):
    assert cli("eval", limit_folder, "-m", "bm25", "-o", "report.html").code == 0
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert page.lstrip().lower().startswith("<!doctype html>") and "BM25" in page


def test_an_impossible_dimension_exits_with_3(process, limit_folder):
    found = process("eval", limit_folder, "-m", "token-sums:dim=8", "--dim", "8,16")
    assert found.code == 3
    assert "token-sums has 8 dimensions; 16 were asked for." in found.out


def test_a_failed_row_exits_with_1_and_is_shown(process, limit_folder):
    found = process("eval", limit_folder, "-m", "bm25:stopwords=klingon", "-m", "bm25", "--json")
    assert found.code == 1
    assert [r["status"] for r in found.json()["rows"]] == ["failed", "solved"]
    assert "stopwords must be 'none' or a language" in found.json()["rows"][0]["message"]


def test_the_second_time_rows_come_from_the_ledger_unless_fresh(cli, limit_folder):
    first, second, fresh = (cli("eval", limit_folder, "-m", "bm25", "--json", *more).json() for more in ([], [], ["--fresh"]))
    assert second["rows"] == first["rows"]
    assert fresh["rows"][0]["measures"] == first["rows"][0]["measures"]
    assert fresh["rows"][0]["cost"] != first["rows"][0]["cost"]
    assert len(Ledger().runs()) == 3


def test_a_wrong_suffix_is_refused_before_anything_is_measured(cli, limit_folder):
    cli("eval", limit_folder, "-m", "bm25", "-o", "rows.xlsx").refused(1, "UnknownName: --output: unknown file type '.xlsx'")
    assert Ledger().runs() == []


def test_a_file_in_the_place_of_the_folder_of_runs_is_refused(cli, limit_folder, tmp_path):
    cli("eval", limit_folder, "-m", "bm25", "--runs", str(tmp_path / "lists.trec")).refused(
        1, "InvalidArgument: --runs: a folder must be given"
    )
    assert Ledger().runs() == [] and not (tmp_path / "lists.trec").exists()


def test_a_malformed_comparison_is_refused_before_anything_is_measured(cli, limit_folder):
    cli("eval", limit_folder, "-m", "bm25", "--compare", "bm25").refused(1, "InvalidArgument: --compare: two rows are expected")
    assert Ledger().runs() == []


def test_a_failed_row_costs_neither_the_files_nor_the_run(process, limit_folder, tmp_path):
    failing = ("eval", limit_folder, "-m", "bm25:stopwords=klingon", "-m", "token-sums", "--dim", "8", "-o", str(tmp_path / "r.html"))
    found = process(*failing, "--compare", "bm25:stopwords=klingon,token-sums@8")
    assert found.code == 1 and "not compared: bm25:stopwords=klingon: " in found.out and "Next: limitlab report" in found.out
    assert "stopwords must be" in (tmp_path / "r.html").read_text(encoding="utf-8").partition('id="compared"')[2]
    unknown = process(*failing, "--compare", "bm25,token-sums@8")
    assert unknown.code == 1 and "unknown row 'bm25'" in unknown.err and "Next: limitlab report" in unknown.out


def test_an_unknown_row_to_compare_is_told_with_a_suggestion_after_what_was_measured(cli, limit_folder):
    found = cli("eval", limit_folder, "-m", "bm25", "-m", "token-sums", "--dim", "8", "--compare", "bm25,token-sums")
    assert found.code == 1 and "R@100" in found.out
    assert "UnknownName: compare_rows(): unknown row 'token-sums'; did you mean 'token-sums@8'?" in found.err


def test_other_qrels_and_splits(cli, limit_folder, tmp_path):
    docs = load(limit_folder).docs.ids
    (tmp_path / "other.tsv").write_text(f"query-id\tcorpus-id\tscore\nquery_0\t{docs[0]}\t1\n", encoding="utf-8")
    found = cli("eval", limit_folder, "-m", "bm25", "--qrels", "other.tsv", "--json").json()
    assert (found["datasets"][0]["n_queries"], found["datasets"][0]["n_relevant"]) == (1, 1)
    cli("eval", limit_folder, "-m", "bm25", "--qrels", "other.tsv", "--strict").refused(1, "DataError: ")
    assert "split 'dev'" in cli("eval", limit_folder, "-m", "bm25", "--split", "dev").refused(1, "DataError: ")
