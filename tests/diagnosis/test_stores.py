"""Vectors out of a store, a store as the index, packed bits, and eight bits a dimension."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import numpy as np
import pytest

from limitlab._core.errors import DataError, InvalidArgument, UnknownName
from limitlab.diagnosis import parse_index, read_vectors
from limitlab.diagnosis.scratch import Scratch
from limitlab.diagnosis.served import quantised


@pytest.fixture
def qdrant():
    """A fake Qdrant server."""
    path = Path(__file__).resolve().parents[1] / "fakes" / "vector_stores.py"
    spec = importlib.util.spec_from_file_location("fake_vector_stores_of_the_diagnosis", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    server = module.FakeQdrant()
    yield server
    server.close()


def test_vectors_out_of_a_store_are_diagnosed_as_those_of_a_file(qdrant, plant, tmp_path):
    data = plant("above", 1)
    ids = list(data.relevance.doc_ids)
    order = np.random.default_rng(0).permutation(len(ids))  # points have their own order
    qdrant.make("mine", {i: (data.docs[j].tolist(), {"doc": ids[j]}) for i, j in enumerate(order)})
    file = read_vectors(f"qdrant:url={qdrant.url},collection=mine,id_field=doc")
    assert file.ids == tuple(ids[j] for j in order)
    found, usual = data.diagnosed(docs=file.vectors, doc_ids=file.ids), data.diagnosed()
    assert [level.retained for level in found.levels] == [level.retained for level in usual.levels]


@pytest.mark.ann
def test_a_store_is_the_index(qdrant, plant):
    data = plant("equal", 2)
    whole = data.diagnosed(index=f"qdrant:url={qdrant.url},exact=true")
    assert whole.n_missing == 0 and whole.level("index").note.startswith("qdrant, exact: hnsw m=16")
    assert qdrant.collections == {}  # what was filled for the diagnosis is gone
    small = data.diagnosed(index=f"qdrant:url={qdrant.url},indexing_threshold=0,hnsw_ef=40")
    assert small.level("index").blamed == small.n_missing > 0 and "approximate" in small.level("index").note
    local = data.diagnosed(index="faiss:index=ivf,nlist=120,nprobe=1")
    same = data.diagnosed(index="ivf:nlist=120,nprobe=1")
    assert local.level("index").retained == same.level("index").retained and local.n_missing > 0


def test_a_collection_of_the_users_is_the_index(qdrant, plant):
    data = plant("above", 3)
    ids = list(data.relevance.doc_ids)
    lost = set(data.relevance.binary().indices[:3].tolist())
    qdrant.make("mine", {j: (data.docs[j].tolist(), {"_id": ids[j]}) for j in range(len(ids)) if j not in lost})
    found = data.diagnosed(index=f"qdrant:url={qdrant.url},collection=mine,existing=true,exact=true")
    assert found.level("index").blamed == found.n_missing == 3
    qdrant.make("strange", {0: (data.docs[0].tolist(), {"_id": "nobody"})})
    strange = data.diagnosed(index=f"qdrant:url={qdrant.url},collection=strange,existing=true")
    assert f"{len(data.queries)} hits of unknown ids" in strange.level("index").note
    cut = {j: (row[:10].tolist(), {"_id": ids[j]}) for j, row in enumerate(data.docs)}
    qdrant.make("cut", cut)
    assert "serves 10 of 24 dimensions" in data.diagnosed(index=f"qdrant:url={qdrant.url},collection=cut,existing=true").level("index").note


@pytest.mark.ann
@pytest.mark.parametrize("served", [{"similarity": "dot"}, {"dim": 6, "renormalise": False}, {"dtype": "int8"}, {"dtype": "fp8-e4m3"}])
def test_an_exact_index_of_faiss_loses_nothing_of_the_vectors_as_served(plant, served):
    data = plant("equal", 4)
    docs = data.docs * np.random.default_rng(1).uniform(0.5, 2, (len(data.docs), 1)).astype(np.float32)
    with_index = data.diagnosed(docs=docs, index="faiss:index=flat", remedies="serving", **served)
    without = data.diagnosed(docs=docs, **served)
    assert with_index.level("index").retained == without.levels[-1].retained and with_index.level("index").blamed == 0
    exact = next(r for r in with_index.remedies if r.key == "exact-search")
    assert (exact.won, exact.lost) == (0, 0)


def test_a_store_that_scales_says_so_or_refuses(qdrant, plant):
    data, store = plant("equal", 4), f"qdrant:url={qdrant.url},exact=true"
    assert "scaled to unit length" not in data.diagnosed(index=store, dtype="binary").level("index").note  # all of one length
    assert (
        "scaled to unit length, while documents as served have lengths from"
        in data.diagnosed(index=store, dtype="fp8-e5m2").level("index").note
    )
    with pytest.raises(InvalidArgument, match=r"cut and not scaled again"):
        data.diagnosed(index=store, dim=6, renormalise=False)


def test_wrong_stores_are_refused_before_the_other_levels(plant):
    with pytest.raises(UnknownName, match="did you mean 'hnsw_ef'"):
        parse_index("qdrant:url=http://localhost:1,hsnw_ef=3")
    with pytest.raises(UnknownName, match=r"Or the path of a faiss index file, or a store such as qdrant:url=URL"):
        parse_index("qdrnt:url=x")
    with pytest.raises(InvalidArgument, match=r"a store is filled by cosine; got vectors compared by inner product"):
        plant("below", 1).diagnosed(index="qdrant:url=http://localhost:1", similarity="dot")


def test_packed_bits(tmp_path):
    signs = np.where(np.random.default_rng(0).random((5, 24)) < 0.5, -1, 1).astype(np.int8)
    bits = np.packbits(signs > 0, axis=1)
    np.save(tmp_path / "u.npy", bits)
    np.save(tmp_path / "i.npy", (bits.astype(np.int16) - 128).astype(np.int8))
    np.save(tmp_path / "f.npy", bits.astype(np.float32))
    for name in ("u.npy", "i.npy"):
        file = read_vectors(tmp_path / name, packed=True)
        assert np.array_equal(file.vectors, signs) and file.vectors.dtype == np.int8
    assert read_vectors(tmp_path / "u.npy").vectors.shape == (5, 3)
    with pytest.raises(DataError, match=r"packed bits must be of dtype uint8 or int8; they are float32"):
        read_vectors(tmp_path / "f.npy", packed=True)


def test_eight_bits_a_dimension_follow_the_range_of_each(plant):
    rng = np.random.default_rng(0)
    docs = (rng.standard_normal((3000, 8)) * 10.0 ** np.arange(-4, 4)).astype(np.float32)
    docs[:, 3] = 0.25
    with Scratch() as scratch:
        out, flat = np.array(quantised(docs, "int8-ranges", scratch=scratch)), np.array(quantised(docs, "int8", scratch=scratch))
    low, high = docs.min(axis=0), docs.max(axis=0)
    step = (high - low) / 255
    assert (np.abs(out - docs) <= step * (1 + 1e-5) + 1e-6 * np.abs(docs).max(axis=0)).all() and (out[:, 3] == 0.25).all()
    assert all(len(np.unique(out[:, d])) <= 256 for d in range(8))
    assert np.allclose(out.min(axis=0), low, rtol=1e-5) and np.allclose(out.max(axis=0), high, rtol=1e-5)
    assert (np.abs(flat - docs)[:, 0] > np.abs(out - docs)[:, 0]).mean() > 0.9  # one scale a vector loses small dimensions
    for dtype in ("int8-per-dim", "int8-ranges"):
        assert plant("above", 1).diagnosed(dtype=dtype).level("quantisation").status == "measured"
    with pytest.raises(UnknownName):
        plant("above", 1).diagnosed(query_dtype="int8-per-dim")


def test_from_the_command_line(qdrant, plant, tmp_path, monkeypatch):
    """The collection's vectors and its own search, with a key that is nowhere to be found afterwards."""
    import contextlib
    import io
    import sys

    from limitlab.cli.main import run

    data = plant("below", 1)
    secret = "hunter2hunter2"
    monkeypatch.setenv("QDRANT_API_KEY", secret)
    monkeypatch.setenv("LIMITLAB_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    qdrant.key = ("api-key", secret)
    ids = list(data.relevance.doc_ids)
    qdrant.make("mine", {j: (row.tolist(), {"_id": ids[j]}) for j, row in enumerate(data.docs)})
    np.savez("q.npz", vectors=data.queries, id=np.array(list(data.relevance.query_ids)))
    pairs = data.relevance.binary()
    rows = [f"{q}\t{ids[j]}\t1" for q, a, b in zip(data.relevance.query_ids, pairs.indptr, pairs.indptr[1:]) for j in pairs.indices[a:b]]
    Path("qrels.tsv").write_text("query-id\tcorpus-id\tscore\n" + "\n".join(rows) + "\n", encoding="utf-8")
    store = f"qdrant:url={qdrant.url},collection=mine"
    arguments = ["limitlab", "diagnose", "--docs", store, "--queries", "q.npz", "--qrels", "qrels.tsv", "--k", "2"]
    monkeypatch.setattr(sys, "argv", [*arguments, "--index", store + ",existing=true,exact=true", "--json"])
    out = io.StringIO()
    with contextlib.redirect_stdout(out), pytest.raises(SystemExit) as end:
        run()
    assert not end.value.code
    record = json.loads(out.getvalue())
    levels = {level["key"]: level for level in record["levels"]}
    assert record["n_missing"] == data.diagnosed(k=2).n_missing and levels["index"]["note"].startswith("qdrant, exact")
    for path in [p for p in tmp_path.rglob("*") if p.is_file()]:
        assert secret.encode() not in path.read_bytes(), path
    assert secret not in out.getvalue()
