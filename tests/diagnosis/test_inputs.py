"""What is refused, in one sentence with counts and first examples; files of vectors; results that come back."""

from __future__ import annotations

import csv
import io

import numpy as np
import pytest

import limitlab as ll
from limitlab._core.errors import DataError, InvalidArgument, MissingExtra, RangeError, ShapeError, UnknownName
from limitlab.data import read_hits
from limitlab.diagnosis import Diagnosis, diagnose, load_diagnosis, read_ids, read_vectors
from limitlab.relevance import RelevanceMatrix

MATRIX = RelevanceMatrix.from_qrels({"q1": {"a": 1, "b": 1}, "q2": {"c": 2}}, doc_ids=["a", "b", "c", "d"])
DOCS = np.array([[1.0, 0.1, 0], [1, 0.2, 0], [0, 1, 0.1], [0, 0.1, 1]])
QUERIES = np.array([[1.0, 0.1, 0.05], [0.1, 1, 0]])


def refused(error, words, **changed):
    with pytest.raises(error, match=words) as caught:
        diagnose(MATRIX, **{"docs": DOCS, "queries": QUERIES, "k": 2, **changed})
    assert "\n" not in str(caught.value) and str(caught.value).startswith("diagnose(): ")


def test_what_is_refused():
    broken = DOCS.copy()
    broken[[1, 2], 0] = np.nan
    refused(ShapeError, r"2 of 4 that hold NaN or infinity: 'b', 'c'", docs=broken)
    refused(ShapeError, r"1 of 4 that have the same value in every dimension: 'd'", docs=np.vstack([DOCS[:3], np.zeros((1, 3))]))
    refused(ShapeError, "all 4 vectors are the same", docs=np.tile(DOCS[:1], (4, 1)))
    refused(ShapeError, "same dimension; got 3 and 2", queries=QUERIES[:, :2])
    refused(ShapeError, "one row for each of the 4 ids", docs=DOCS[:3])
    refused(ShapeError, "got 3 ids", doc_ids=["a", "b", "c"])
    refused(DataError, "1 repeat: 'a'", doc_ids=["a", "a", "b", "c"])
    refused(DataError, r"2 of 3 have none: 'a', 'b'", doc_ids=["c", "x", "y", "z"])
    refused(DataError, r"all queries of the qrels must have a vector; 1 of 2", query_ids=["q1", "q3"])
    refused(RangeError, "k=9 for 4 documents", k=9)
    refused(RangeError, "dim must be in", dim=4)
    refused(DataError, "1 of 1 are unknown: 'q9'", run={"q9": ["a"]})
    refused(DataError, "2 of 3 are unknown: 'x', 'y'", run={"q1": ["a", "x", "y"]})
    refused(InvalidArgument, "must come with a run", chunk_separator="#")
    refused(InvalidArgument, "docs and queries, or a model", docs=None)
    refused(InvalidArgument, "a dense model; bm25 has no vectors", docs=None, queries=None, model="bm25")
    refused(UnknownName, "did you mean 'cosine'", similarity="cosin")
    refused(DataError, "at least one document must be relevant", min_relevance=3)
    with pytest.raises(InvalidArgument, match="must be a Dataset"):
        diagnose("folder", docs=DOCS, queries=QUERIES)


def test_ids_bring_rows_into_order_and_what_is_left_out_is_counted():
    order, extra = [2, 0, 3, 1], np.vstack([QUERIES[::-1], [[0, 0.1, 1]]])
    found = diagnose(MATRIX, docs=DOCS[order], queries=extra, k=2, doc_ids=["c", "a", "d", "b"], query_ids=["q2", "q1", "q3"])
    assert found.n_missing == 0 and [q.query for q in found.queries] == ["q2", "q1"]
    assert found.notes == {"queries without a relevant document, left out": 1}
    fewer = diagnose(MATRIX, docs=DOCS[:3], queries=QUERIES, k=2, doc_ids=["a", "b", "c"])
    assert fewer.notes == {"documents of the dataset without a vector, none of them relevant": 1}


@pytest.mark.parametrize("kind", [np.float16, np.int8, np.float64])
def test_types_and_memory_maps_give_the_same_levels(tmp_path, kind):
    docs, queries = (100 * DOCS).astype(kind), (100 * QUERIES).astype(kind)
    np.save(tmp_path / "d.npy", docs)
    file = read_vectors(tmp_path / "d.npy")
    assert isinstance(file.vectors, np.memmap) and file.ids is None
    found = diagnose(MATRIX, docs=file.vectors, queries=queries, k=2)
    assert found.n_missing == 0


def test_vector_files(tmp_path, monkeypatch):
    np.savez(tmp_path / "d.npz", id=np.array(["a", "b", "c", "d"]), vectors=DOCS)
    assert read_vectors(tmp_path / "d.npz").ids == ("a", "b", "c", "d")
    np.savez(tmp_path / "two.npz", x=DOCS, y=DOCS)
    np.save(tmp_path / "flat.npy", DOCS[0])
    (tmp_path / "text.npy").write_text("no")
    for name in ("two.npz", "flat.npy", "text.npy", "absent.npy"):
        with pytest.raises(DataError, match=name):
            read_vectors(tmp_path / name)
    with pytest.raises(UnknownName):
        read_vectors(tmp_path / "d.csv")
    (tmp_path / "ids").write_text("a\n\nb\n")
    with pytest.raises(DataError, match="ids:2: an id is empty"):
        read_ids(tmp_path / "ids")
    (tmp_path / "ids").write_text("a\nb\n")
    assert read_ids(tmp_path / "ids") == ("a", "b")


def test_parquet(tmp_path):
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    parquet.write_table(pyarrow.table({"id": ["a", "b", "c", "d"], "embedding": DOCS.tolist()}), tmp_path / "d.parquet")
    file = read_vectors(tmp_path / "d.parquet")
    assert file.ids == ("a", "b", "c", "d") and np.array_equal(file.vectors, DOCS)
    parquet.write_table(pyarrow.table({"embedding": [[1.0], [1.0, 2.0]]}), tmp_path / "uneven.parquet")
    with pytest.raises(DataError, match="same length"):
        read_vectors(tmp_path / "uneven.parquet")


def test_parquet_and_indexes_name_their_extra(tmp_path, monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "pyarrow", None)
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    monkeypatch.setitem(sys.modules, "faiss", None)
    (tmp_path / "d.parquet").write_bytes(b"PAR1")
    with pytest.raises(MissingExtra, match=r"limitlab\[parquet\]"):
        read_vectors(tmp_path / "d.parquet")
    for option in ({"index": "hnsw"}, {"dtype": "pq:1"}):
        with pytest.raises(MissingExtra, match=r"limitlab\[ann\]"):
            diagnose(MATRIX, docs=DOCS, queries=QUERIES, k=2, **option)


def test_hits_of_a_run_file(tmp_path):
    (tmp_path / "a.trec").write_text("q Q0 d1 1 2.0 t\nq Q0 d2 2 3.0 t\nq Q0 d1 3 1.0 t\n")
    assert read_hits(tmp_path / "a.trec") == {"q": ["d2", "d1", "d1"]}
    (tmp_path / "a.json").write_text('{"q": ["d1", "d1", "d2"], "r": {"x": 1, "y": 2}}')
    assert read_hits(tmp_path / "a.json") == {"q": ["d1", "d1", "d2"], "r": ["y", "x"]}
    (tmp_path / "b.json").write_text('{"q": 3}')
    with pytest.raises(DataError, match="'q' has neither"):
        read_hits(tmp_path / "b.json")


def test_a_result_comes_back_from_files_and_from_the_ledger(tmp_path):
    found = ll.diagnose(MATRIX, docs=DOCS, queries=QUERIES[::-1].copy(), k=2, run={"q1": ["a"], "q2": ["d", "c"]})
    assert Diagnosis.load(found.save(tmp_path / "d.json")) == found
    assert load_diagnosis("last") == found
    rows = list(csv.DictReader(io.StringIO(found.to_csv(tmp_path / "d.csv"))))
    assert [r["query"] for r in rows] == ["q1", "q2"] and rows[0]["retained_platform"] == "1"
    assert int(rows[0]["blamed_encoder"]) + int(rows[0]["blamed_platform"]) + int(rows[0]["blamed_index"]) == 1
    with pytest.raises(DataError, match="schema"):
        Diagnosis.from_dict({"schema": "other"})
    with pytest.raises(UnknownName):
        found.level("encodr")


@pytest.mark.ann
def test_a_run_that_failed_is_in_the_ledger_and_has_no_result():
    with pytest.raises(RangeError, match="at least 256 documents"):
        ll.diagnose(MATRIX, docs=DOCS, queries=QUERIES, k=2, dtype="pq:1")
    assert ll.Ledger().run("last").status.key == "failed"
    with pytest.raises(InvalidArgument, match=r"has no result: .*at least 256"):
        load_diagnosis("last")


def test_parquet_of_int8_has_its_scales_everywhere(tmp_path):
    pytest.importorskip("pyarrow")
    from limitlab.search.shard_writing import write_shard
    from limitlab.search.shards import open_shards

    rows = np.random.default_rng(0).standard_normal((30, 4)).astype(np.float32) * np.arange(1, 31)[:, None].astype(np.float32)
    write_shard(tmp_path, 0, rows, [f"d{i}" for i in range(30)], dtype="int8", form="parquet", texts="")
    file = read_vectors(tmp_path / "shard-00000.parquet")
    assert np.array_equal(file.vectors, open_shards(tmp_path / "shard-00000.parquet"))
    np.testing.assert_allclose(np.asarray(file.vectors), rows, rtol=0.3, atol=1)


def test_ids_are_read_by_one_rule(tmp_path):
    from limitlab.search.shard_writing import write_shard
    from limitlab.search.shards import open_shards

    ids = ["a\u2028b", " c ", "d\x85", "e\x0cf"]
    entry = write_shard(tmp_path, 0, DOCS.astype(np.float32), ids, dtype="float32", form="npy", texts="")
    assert read_ids(tmp_path / entry["ids"]) == tuple(ids)
    (tmp_path / "bom").write_bytes("\ufeffa\r\nb".encode())
    assert read_ids(tmp_path / "bom") == ("a", "b")
    assert open_shards(tmp_path / "shard-00000.npy").shape == DOCS.shape


def test_vectors_of_another_dataset_are_refused_with_counts():
    data = ll.make_limit(n_docs=20, n_queries=4)
    rng = np.random.default_rng(0)
    docs, queries = rng.standard_normal((20, 4)), rng.standard_normal((4, 4))
    names = [*data.docs.ids[:19], "stranger"]
    with pytest.raises(DataError, match=r"1 of 20 are of others: 'stranger'; 1 of 20 documents have none"):
        diagnose(data, docs=docs, queries=queries, doc_ids=names, k=2)


def test_large_copies_are_not_sent_to_workers_by_path(monkeypatch):
    from limitlab.diagnosis import scratch as module
    from limitlab.search.shards import Shards

    monkeypatch.setattr(module, "_IN_MEMORY_BYTES", 0)
    with module.Scratch() as scratch:
        made = scratch.array((3, 2))
        made[:] = 1
        assert Shards.of_map(made) is None and made.sum() == 6
