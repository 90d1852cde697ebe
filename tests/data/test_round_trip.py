"""A dataset that is written and read again is the same dataset, whatever its ids and texts hold."""

from __future__ import annotations

import hashlib
import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from limitlab._core.errors import InvalidArgument
from limitlab.data import Dataset, load, make_limit, write_dataset

# fmt: off
AWKWARD_IDS = [
    "plain", "two words", " spaces around ", "a\ttab", 'a "quoted" id', '"', '""', "it's", "50%", "%20", "%09", "a,b;c",
    "汉字", "🦦", "e\u0301 combining", "é", "\u200bzero width", "\ufeffmark", "line\u2028separator", "next\x85line", "new\nline",
    "back\\slash", "/slash/", "#hash", "{brace}", "-1", "007", "1e5", "null", "true", "score", "corpus-id",
]
# fmt: on


def awkward(ids: list[str]) -> Dataset:
    docs = {d: f"text of {d}" for d in ids}
    queries = {q: f'query of {q}\t"?"\n' for q in ids}
    return Dataset.from_texts(docs, queries, {q: {q: 1, ids[n - 1]: 2 + n} for n, q in enumerate(ids)}, name="awkward")


def same(one: Dataset, two: Dataset) -> None:
    assert list(one.docs.ids) == list(two.docs.ids) and list(one.docs) == list(two.docs)
    assert list(one.queries.ids) == list(two.queries.ids) and list(one.queries) == list(two.queries)
    assert one.relevance.to_qrels() == two.relevance.to_qrels()
    assert one.fingerprint() == two.fingerprint()


@pytest.mark.parametrize("name", ["qrels/test.tsv", "qrels/test.jsonl"])
def test_awkward_ids_come_back(tmp_path, name):
    data = awkward(AWKWARD_IDS)
    out = write_dataset(data, tmp_path / "out")
    same(load(out, qrels=out / name), data)


def test_an_id_with_a_carriage_return_comes_back(tmp_path):
    data = awkward(["plain", "carriage\rreturn"])
    same(load(write_dataset(data, tmp_path / "out")), data)


def test_half_of_a_surrogate_pair_comes_back(tmp_path, folder):
    """JSON allows it, and text cut by other tools holds it: it must not make a dataset that loads unwritable."""
    data = load(folder(corpus='{"_id": "d1", "text": "cut \\ud83e"}\n{"_id": "d2", "text": "whole"}\n'))
    assert data.docs[0] == "cut \ud83e"
    same(load(write_dataset(data, tmp_path / "out")), data)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    ids=st.lists(
        st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r"), min_size=1, max_size=8),
        min_size=2,
        max_size=6,
        unique=True,
    )
)
def test_any_ids_come_back(tmp_path, ids):
    data = awkward(ids)
    out = write_dataset(data, tmp_path / "out", overwrite=True)
    same(load(out), data)
    same(load(out, qrels=out / "qrels/test.jsonl"), data)


def test_grades_come_back(tmp_path):
    data = Dataset.from_texts({"a": "1", "b": "2", "c": "3"}, {"q": "?"}, {"q": {"a": 3, "b": -2, "c": 0}})
    assert load(write_dataset(data, tmp_path / "out")).relevance.to_qrels() == {"q": {"a": 3, "b": -2, "c": 0}}


def test_titles_are_written_into_the_text(folder, tmp_path):
    data = load(folder(corpus=[{"_id": "d1", "title": "Fruit", "text": "apples"}, {"_id": "d2", "text": "b"}]))
    same(load(write_dataset(data, tmp_path / "out")), data)


def test_the_release_comes_back(released, tmp_path):
    data = load(released)
    same(load(write_dataset(data, tmp_path / "out")), data)


def test_a_made_dataset_keeps_its_promise_when_written(tmp_path):
    data = make_limit(n_docs=200, n_queries=20, pattern="cycle", seed=4)
    read = load(write_dataset(data, tmp_path / "out"))
    same(read, data)
    assert read.origin["pattern"] == "cycle" and read.origin["config"]["seed"] == 4


def test_the_manifest_counts_and_hashes_every_file(tmp_path):
    out = write_dataset(make_limit(n_docs=200, n_queries=20), tmp_path / "out")
    manifest = json.loads((out / "manifest.json").read_text())
    assert (manifest["n_docs"], manifest["n_queries"], manifest["n_relevant"]) == (200, 20, 40)
    files = {
        p.relative_to(out).as_posix(): hashlib.sha256(p.read_bytes()).hexdigest()
        for p in out.rglob("*")
        if p.is_file() and p.name != "manifest.json"
    }
    assert manifest["sha256"] == files


def test_an_existing_folder_is_refused(tmp_path):
    data = make_limit(n_docs=50, n_queries=5)
    out = write_dataset(data, tmp_path / "out")
    with pytest.raises(InvalidArgument, match="must not exist"):
        write_dataset(data, out)
    write_dataset(make_limit(n_docs=60, n_queries=5), out, overwrite=True)
    assert load(out).n_docs == 60


def test_a_failing_write_leaves_nothing(tmp_path, monkeypatch):
    data = make_limit(n_docs=50, n_queries=5)
    monkeypatch.setattr("limitlab.data.formats.writing._write_about", lambda *a: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        write_dataset(data, tmp_path / "out")
    assert list(tmp_path.iterdir()) == []
