"""Given vectors as a retriever: rows are found by id, answers are those of exact search over the same arrays."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import limitlab as ll
from fakes.shard_folders import manifest_folder, plain_folder
from limitlab._core.errors import DataError, InvalidArgument, UnknownName
from limitlab._core.files import sha256_file
from limitlab.retrieval import build
from limitlab.search import exact_search, normalised, open_shards, tie_order

RNG = np.random.default_rng(0)
DATA = ll.make_limit(n_docs=60, n_queries=12)
DOCS, QUERIES = RNG.integers(-1, 2, (60, 8)).astype(np.float32), RNG.standard_normal((12, 8)).astype(np.float32)


@pytest.fixture
def queries(tmp_path: Path) -> Path:
    np.save(tmp_path / "q.npy", QUERIES)
    return tmp_path / "q.npy"


def lists(result) -> list[bytes]:
    return [result.load_arrays(r.artefact)[name].tobytes() for r in result.rows for name in ("indices", "scores")]


@pytest.mark.parametrize("similarity", ["cosine", "dot"])
def test_any_order_of_the_rows_gives_the_same_ranking(tmp_path: Path, queries: Path, similarity: str) -> None:
    plain = plain_folder(tmp_path / "plain", DOCS, [25])
    order = RNG.permutation(60)
    mixed = manifest_folder(tmp_path / "mixed", DOCS[order], [7, 30], ids=[DATA.docs.ids[i] for i in order])
    found = [
        ll.evaluate(DATA, [f"vectors:docs={folder},queries={queries},similarity={similarity}"], dims=[3, 8]) for folder in (plain, mixed)
    ]
    assert lists(found[0]) == lists(found[1])
    places = tie_order(DATA.docs.ids)
    for row in found[0].rows:
        own = exact_search(DOCS, QUERIES, k=60, places=places, dim=row.dim, normalise=similarity == "cosine")
        arrays = found[0].load_arrays(row.artefact)
        assert np.array_equal(arrays["indices"], own.indices[:, : arrays["indices"].shape[1]])


def test_ids_from_a_file_and_more_queries_than_are_asked(tmp_path: Path) -> None:
    order = RNG.permutation(60)
    np.save(tmp_path / "d.npy", DOCS[order])
    np.save(tmp_path / "q.npy", np.concatenate([QUERIES[::-1], QUERIES]))
    (tmp_path / "d.txt").write_text("".join(f"{DATA.docs.ids[i]}\n" for i in order), encoding="utf-8")
    names = [*DATA.queries.ids[::-1], *(f"other {i}" for i in range(12))]
    (tmp_path / "q.txt").write_text("\n".join(names), encoding="utf-8")
    np.save(tmp_path / "same.npy", DOCS)
    np.save(tmp_path / "asked.npy", QUERIES)
    spec = f"vectors:docs={tmp_path}/d.npy,queries={tmp_path}/q.npy,doc_ids={tmp_path}/d.txt,query_ids={tmp_path}/q.txt"
    plain = f"vectors:docs={tmp_path}/same.npy,queries={tmp_path}/asked.npy"
    assert lists(ll.evaluate(DATA, [spec])) == lists(ll.evaluate(DATA, [plain]))


def test_rows_are_taken_from_the_ledger_until_a_file_changes(tmp_path: Path, queries: Path) -> None:
    folder = plain_folder(tmp_path / "v", DOCS, [25])
    spec = f"vectors:docs={folder},queries={queries}"
    one = build(spec).config(60)
    assert build(spec).config(60) == one
    np.save(folder / "part-001.npy", DOCS[25:] * 2)
    assert build(spec).config(60) != one


def test_numbers_in_the_ledger_are_not_taken_for_other_ids_or_a_replaced_shard(tmp_path: Path, queries: Path) -> None:
    ids = list(DATA.docs.ids)
    folder = manifest_folder(tmp_path / "m", DOCS, [25], ids=ids)
    manifest = json.loads((folder / "manifest.json").read_text())
    for entry in manifest["files"]:
        entry["sha256"] = sha256_file(folder / entry["file"])
    (folder / "manifest.json").write_text(json.dumps(manifest))
    spec = f"vectors:docs={folder},queries={queries}"
    before = lists(ll.evaluate(DATA, [spec]))
    assert lists(ll.evaluate(DATA, [spec])) == before
    (folder / "s0.ids.txt").write_text("".join(f"{i}\n" for i in ids[24::-1]), encoding="utf-8")
    assert lists(ll.evaluate(DATA, [spec])) != before
    np.save(folder / "s1.npy", np.full_like(DOCS[25:], np.nan))
    with pytest.raises(DataError, match=r"s1.npy: the file is not what manifest.json says"):
        ll.evaluate(DATA, [spec])


def test_vectors_that_do_not_fit_the_dataset_are_refused(tmp_path: Path, queries: Path) -> None:
    ids = list(DATA.docs.ids)

    def refused(name: str, array: np.ndarray, names: list[str] | None, words: str) -> None:
        folder = manifest_folder(tmp_path / name, array, [10], ids=names)
        retriever = build(f"vectors:docs={folder},queries={queries}")
        with pytest.raises(DataError, match=words):
            retriever.index(DATA.docs, DATA.queries)

    refused("few", DOCS[:50], ids[:50], r"all documents must have a vector; 10 of 60 have none: ")
    refused("many", np.vstack([DOCS, DOCS[:2]]), [*ids, "x", "y"], r"2 are of others: 'x', 'y'")
    refused("twice", np.vstack([DOCS, DOCS[:1]]), [*ids, ids[0]], "ids of documents must be distinct; 1 vectors repeat one")
    refused("no ids", DOCS[:50], None, "got 50 vectors without ids for 60 documents")
    np.save(tmp_path / "short.npy", QUERIES[:, :5])
    with pytest.raises(DataError, match=r"same dimension; .* has 8, .* has 5"):
        build(f"vectors:docs={tmp_path}/few,queries={tmp_path}/short.npy")
    with pytest.raises(InvalidArgument, match="docs and queries must be given"):
        build("vectors:docs=x.npy")
    with pytest.raises(UnknownName, match="similarity"):
        build(f"vectors:docs={queries},queries={queries},similarity=l2")


def test_diagnosis_of_shards_is_that_of_the_array(tmp_path: Path) -> None:
    unit = normalised((DOCS + RNG.standard_normal(DOCS.shape)).astype(np.float32))
    shards = open_shards(plain_folder(tmp_path / "v", unit, [25]))
    one, other = (ll.diagnose(DATA, docs=d, queries=QUERIES, k=3).to_dict() for d in (unit, shards))
    for found in (one, other):
        del found["provenance"], found["run_ids"]
    assert one == other


def test_documents_and_queries_of_different_models_are_refused(tmp_path: Path) -> None:
    import json

    ids = {"docs": list(DATA.docs.ids), "queries": list(DATA.queries.ids)}

    def folder(name: str, what: str, model: dict) -> Path:
        made = manifest_folder(tmp_path / name, DOCS if what == "docs" else QUERIES, [], ids=ids[what])
        manifest = json.loads((made / "manifest.json").read_text())
        (made / "manifest.json").write_text(json.dumps({**manifest, "model": model}))
        return made

    one = {"retriever": "dense", "model": "abc", "query_prompt": None, "document_precision": "bfloat16", "sentence-transformers": "6.1"}
    docs = folder("docs", "docs", one)
    same = folder("same", "queries", {**one, "query_prompt": "q: ", "document_precision": "float32"})
    newer = folder("newer", "queries", {**one, "sentence-transformers": "6.2"})
    other = folder("other", "queries", {**one, "model": "xyz"})
    assert "different_names_or_versions" not in build(f"vectors:docs={docs},queries={same}").index(DATA.docs, DATA.queries)["notes"]
    notes = build(f"vectors:docs={docs},queries={newer}").index(DATA.docs, DATA.queries)["notes"]
    assert next(iter(notes.items())) == ("different_names_or_versions", "sentence-transformers '6.1' and '6.2'")
    words = r"encoded by one model; .*docs and .*other differ: model 'abc' and 'xyz'"
    with pytest.raises(InvalidArgument, match=words):
        build(f"vectors:docs={docs},queries={other}")
    with pytest.raises(InvalidArgument, match=words):
        ll.diagnose(DATA, docs=open_shards(docs), queries=open_shards(other), k=2)
    told = ll.diagnose(DATA, docs=open_shards(docs), queries=open_shards(newer), k=2, skip=("drowning", "gaps", "geometry"))
    assert next(iter(told.notes)) == "documents and queries were encoded under different names or versions"
