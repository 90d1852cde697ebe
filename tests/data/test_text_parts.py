"""Corpora in parts: every text once, in order, by whoever reads a part; malformed texts are refused where they stand."""

from __future__ import annotations

import json
import pickle
from pathlib import Path

import pytest

import limitlab as ll
from limitlab._core.errors import DataError, InvalidArgument
from limitlab.data.formats.text_parts import source_note, text_parts

RECORDS = [{"_id": f"d{i}", "title": "T" if i % 3 else "", "text": f"text {i} — é"} for i in range(23)]
WANTED = [(r["_id"], f"{r['title']} {r['text']}".strip()) for r in RECORDS]


def lines(path: Path, records: list[dict], *, blank: bool = False) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(("\n" if blank else "") + ("\n\n" if blank else "\n").join(json.dumps(r) for r in records), encoding="utf-8")
    return path


def all_of(parts) -> list[tuple[str, str]]:
    read = [pickle.loads(pickle.dumps(p)).read() for p in parts]
    return [pair for ids, texts in read for pair in zip(ids, texts)]


@pytest.mark.parametrize("size", [1, 5, 23, 100])
@pytest.mark.parametrize("blank", [False, True])
def test_lines_are_read_once_and_in_order(tmp_path: Path, size: int, blank: bool) -> None:
    parts = text_parts(lines(tmp_path / "c.jsonl", RECORDS, blank=blank), size=size)
    assert [p.rows for p in parts] == [min(size, 23 - at) for at in range(0, 23, size)]
    assert all_of(parts) == WANTED


def test_folders_patterns_and_datasets(tmp_path: Path) -> None:
    lines(tmp_path / "many" / "a.jsonl", RECORDS[:9])
    lines(tmp_path / "many" / "b.jsonl", RECORDS[9:])
    assert all_of(text_parts(tmp_path / "many", size=4)) == WANTED
    assert all_of(text_parts(str(tmp_path / "many" / "*.jsonl"), size=100)) == WANTED
    data = ll.make_limit(n_docs=30, n_queries=4)
    ll.write_dataset(data, tmp_path / "data")
    assert all_of(text_parts(tmp_path / "data", size=7)) == list(zip(data.docs.ids, data.docs))
    assert all_of(text_parts(tmp_path / "data", size=7, kind="query")) == list(zip(data.queries.ids, data.queries))


def test_rows_of_parquet(tmp_path: Path) -> None:
    pyarrow, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    columns = {
        "id": [r["_id"] for r in RECORDS],
        "title": [r["title"] for r in RECORDS],
        "text": [r["text"] for r in RECORDS],
        "n": [0] * 23,
    }
    parquet.write_table(pyarrow.table(columns), tmp_path / "c.parquet", row_group_size=6)
    assert all_of(text_parts(tmp_path / "c.parquet", size=5)) == WANTED
    parquet.write_table(pyarrow.table({"text": ["a"]}), tmp_path / "d.parquet")
    with pytest.raises(DataError, match="columns 'id' and 'text' are expected; there are 'text'"):
        text_parts(tmp_path / "d.parquet", size=5)


def test_a_digest_changes_with_its_own_texts_alone(tmp_path: Path) -> None:
    before = text_parts(lines(tmp_path / "c.jsonl", RECORDS), size=5)
    changed = [{**r, "text": "other words"} if r["_id"] == "d7" else r for r in RECORDS]
    after = text_parts(lines(tmp_path / "c.jsonl", changed), size=5)
    assert [a.digest != b.digest for a, b in zip(before, after)] == [False, True, False, False, False]


def test_what_is_wrong_is_told_with_its_line(tmp_path: Path) -> None:
    path = lines(tmp_path / "c.jsonl", [*RECORDS[:6], {"_id": "x"}])
    parts = text_parts(path, size=4)
    with pytest.raises(DataError, match=r"c.jsonl:7: field 'text' is missing"):
        parts[1].read()
    path.write_text("\n".join(path.read_text().splitlines()[:5]))
    with pytest.raises(DataError, match="3 texts are expected from line 5 on; there are 1: it was changed"):
        parts[1].read()
    with pytest.raises(InvalidArgument, match="there is nothing of that name"):
        text_parts(tmp_path / "none-*.jsonl", size=4)
    (tmp_path / "e.jsonl").write_text("\n")
    with pytest.raises(DataError, match="no texts"):
        text_parts(tmp_path / "e.jsonl", size=4)


def test_texts_that_change_while_they_are_read_are_refused(tmp_path: Path) -> None:
    path = lines(tmp_path / "c.jsonl", RECORDS)
    part = text_parts(path, size=5)[1]
    path.write_text(path.read_text(encoding="utf-8").replace("text 7", "text 8"), encoding="utf-8")
    with pytest.raises(DataError, match=r"c.jsonl:6: the 5 texts from here on were changed"):
        part.read()


def test_empty_files_among_others_are_passed_over(tmp_path: Path) -> None:
    lines(tmp_path / "a.jsonl", RECORDS)
    (tmp_path / "b.jsonl").write_text("")
    assert all_of(text_parts(str(tmp_path / "*.jsonl"), size=9)) == WANTED
    (tmp_path / "a.jsonl").write_text("\n")
    with pytest.raises(DataError, match="no texts: all 2 files are empty"):
        text_parts(str(tmp_path / "*.jsonl"), size=9)


def test_compressed_files_are_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "c.jsonl.gz").write_bytes(b"x")
    for source in (tmp_path, tmp_path / "c.jsonl.gz", str(tmp_path / "*.gz")):
        with pytest.raises(InvalidArgument, match=r"\.jsonl\) or parquet .*c.jsonl.gz is compressed. Unpack it first"):
            text_parts(source, size=4)


def test_what_may_be_meant_otherwise_is_noted(tmp_path: Path) -> None:
    ll.write_dataset(ll.make_limit(n_docs=30, n_queries=4), tmp_path / "data")
    assert source_note(tmp_path / "data", "query") == source_note(tmp_path / "data", "document") == ""
    assert "all were encoded as documents" in source_note(str(tmp_path / "data" / "*.jsonl"), "document")
    assert "every text in it was encoded as a query" in source_note(tmp_path / "data" / "corpus.jsonl", "query")
    assert source_note(tmp_path / "data" / "queries.jsonl", "query") == ""
