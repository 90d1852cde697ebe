"""Rankings from files beside other retrievers: four formats, chunks, counts, and what is refused."""

from __future__ import annotations

import json

import pytest

from limitlab._core.errors import DataError, InvalidArgument
from limitlab.data import Dataset, write_run
from limitlab.evaluation import evaluate, remarks
from limitlab.retrieval import build
from limitlab.search.run_files import read_hits, read_scored

DOCS = {f"d{i}": f"text {i}" for i in range(5)}
DATA = Dataset.from_texts(DOCS, {"q1": "a", "q2": "b", "q3": "c"}, {"q1": {"d0": 1, "d1": 1}, "q2": {"d2": 1}, "q3": {"d3": 1}}, name="toy")
LISTS = {"q1": [("d0", 3.0), ("d4", 2.0), ("d1", 1.0)], "q2": [("d2", 0.5)], "other": [("d0", 1.0)]}


def trec(path):
    return write_run({q: dict(pairs) for q, pairs in LISTS.items()}, path)


def as_json(path):
    return write_run({q: dict(pairs) for q, pairs in LISTS.items()}, path, format="json")


def sentence_transformers(path):
    rows = [{"query_id": q, "query": "?", "results": [{"corpus_id": d, "score": s} for d, s in pairs]} for q, pairs in LISTS.items()]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def mteb(path):
    path.write_text(
        json.dumps({"mteb_model_meta": {"model_name": "m"}, "default": {"test": {q: dict(pairs) for q, pairs in LISTS.items()}}})
    )
    return path


@pytest.mark.parametrize("write", [trec, as_json, sentence_transformers, mteb])
def test_every_format_gives_the_same_numbers(tmp_path, write):
    path = write(tmp_path / "prod.run")
    assert read_scored(path) == LISTS
    assert read_hits(path)["q1"] == ["d0", "d4", "d1"]
    result = evaluate(DATA, ["bm25", f"run:file={path}"], measures=["recall@2", "recall@3"])
    row = result.row("run:prod.run")
    assert row.measures["recall@2"].mean == pytest.approx((0.5 + 1 + 0) / 3)
    assert row.measures["recall@3"].mean == pytest.approx(2 / 3)
    assert row.notes == {"empty_answers": 1, "queries_not_in_run": 1, "run_queries_left_out": 1, "short_answers": 2}
    assert any("1 queries are not in the run" in sentence for sentence in remarks(row))


def test_chunks_collapse_to_their_best(tmp_path):
    (tmp_path / "c.trec").write_text(
        "q1 Q0 d4#0 1 9 t\nq1 Q0 d4#1 2 8 t\nq1 Q0 d0#0 3 7 t\nq1 Q0 d1#2 4 6 t\nq1 Q0 zz#0 5 5 t\nq2 Q0 d2#0 1 1 t\nq3 Q0 d3#0 1 1 t\n"
    )
    row = evaluate(DATA, [f"run:file={tmp_path / 'c.trec'},chunk_separator=#"], measures=["recall@2", "recall@3"]).rows[0]
    assert row.measures["recall@2"].mean == pytest.approx((0.5 + 1 + 1) / 3) and row.measures["recall@3"].mean == 1.0
    assert row.notes["repeated_hits"] == 1 and row.notes["unknown_hits"] == 1 and row.notes["unknown_hits_such_as"] == "'zz#0'"
    failed = evaluate(DATA, [f"run:file={tmp_path / 'c.trec'}"]).rows[0]
    assert failed.status.key == "failed" and "chunk_separator" in failed.message


def test_the_content_of_the_file_decides_what_is_measured_again(tmp_path):
    path = trec(tmp_path / "a.trec")
    first = build(f"run:file={path}").config(5)
    assert build(f"run:file={trec(tmp_path / 'b.trec')}").config(5) == first
    path.write_text("q1 Q0 d1 1 1 t\n")
    assert build(f"run:file={path}").config(5) != first


def test_mteb_files_with_several_parts_must_be_told_which(tmp_path):
    lists = {"q1": {"d0": 1.0}}
    path = tmp_path / "p.json"
    path.write_text(json.dumps({"mteb_model_meta": {}, "en": {"test": lists, "dev": {}}, "de": {"test": {}}}))
    with pytest.raises(DataError, match=r"the subsets 'en', 'de'; none was named"):
        read_scored(path)
    with pytest.raises(DataError, match=r"the splits 'test', 'dev'"):
        read_scored(path, subset="en")
    assert read_scored(path, subset="en", split="test") == {"q1": [("d0", 1.0)]}
    assert build(f"run:file={path},subset=en,split=test").name == "run:p.json"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ('{"query_id": "a", "results": []}\n{"query_id": "b"}\n', ":2: a line must hold query_id and results"),
        ('{"query_id": "a", "results": []}\n{"query_id": "a", "results": []}\n', ":2: query 'a' is listed twice"),
        ('{"query_id": "a", "results": [{"corpus_id": "d", "score": "high"}]}\n', ":1: scores must be finite"),
    ],
)
def test_wrong_lines_of_predictions(tmp_path, content, words):
    (tmp_path / "p.jsonl").write_text(content)
    with pytest.raises(DataError) as raised:
        read_scored(tmp_path / "p.jsonl")
    assert words in str(raised.value)


def test_files_that_do_not_fit_the_dataset(tmp_path):
    with pytest.raises(InvalidArgument, match="file must be given"):
        build("run:")
    with pytest.raises(DataError, match="cannot be read"):
        build(f"run:file={tmp_path / 'absent'}")
    (tmp_path / "x.trec").write_text("z Q0 d1 1 1 t\n")
    assert "must name known queries" in evaluate(DATA, [f"run:file={tmp_path / 'x.trec'}"]).rows[0].message
