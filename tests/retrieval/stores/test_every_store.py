"""What holds for every store: lists and similarities of brute force where it is exact, one upload, resuming, dropping, failures in between."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap

import numpy as np
import pytest

from limitlab._core.errors import DataError, InvalidArgument, RangeError, ServiceError
from limitlab.retrieval.stores import StoreRetriever, export_vectors, store_of

SERVERS = {
    "qdrant": ("FakeQdrant", "qdrant:url={url},exact=true"),
    "elasticsearch-exact": ("FakeElasticsearch", "elasticsearch:url={url},exact=true"),
    "elasticsearch": ("FakeElasticsearch", "elasticsearch:url={url},type=flat"),
    "opensearch": ("FakeOpenSearch", "opensearch:url={url},exact=true"),
    "milvus": ("FakeMilvus", "milvus:url={url},index=flat"),
}
LOCAL = {"faiss": "faiss:", "embedded": "qdrant:location=:memory:", "pgvector": "pgvector:"}


@pytest.fixture(params=[*SERVERS, *LOCAL])
def spec(request, start, monkeypatch):
    """A specification of each store, searched exactly."""
    if request.param in SERVERS:
        fake, text = SERVERS[request.param]
        return text.format(url=start(fake).url)
    if request.param == "pgvector":
        monkeypatch.setenv("DATABASE_URL", request.getfixturevalue("postgres"))
    else:
        from importlib.util import find_spec

        package = {"faiss": "faiss", "embedded": "qdrant_client"}[request.param]
        if find_spec(package) is None and os.environ.get("LIMITLAB_REQUIRE_ALL") != "1":
            pytest.skip(f"not installed: {package}")
    return LOCAL[request.param]


@pytest.mark.parametrize("dim", [None, 8])
def test_lists_and_similarities_are_those_of_brute_force(spec, made, dim):
    found = made.searched(store_of(spec), dim=dim)
    best, scores = made.exact(dim=dim)
    assert np.array_equal(found.indices, best)
    assert np.allclose(found.scores, np.take_along_axis(scores, best, axis=1), atol=2e-6)
    assert found.notes["points"] == 120 and found.notes["search"] == "exact" and found.notes["served_dimension"] == (dim or 16)
    assert set(found.cost) == {"upload_seconds", "search_seconds"}
    rank = found.ranks.by_id()
    for query, (a, b) in enumerate(zip(found.ranks.indptr, found.ranks.indptr[1:])):
        for pair, j in zip(rank[a:b], made.data.relevance.binary().indices[a:b]):
            assert pair == (list(best[query]).index(j) + 1 if j in best[query] else 0)


def test_the_same_vectors_are_uploaded_once_and_others_get_a_collection_of_their_own(spec, made):
    store = store_of(spec)
    first, second, other = made.searched(store), made.searched(store), made.searched(store, dim=8)
    assert (first.notes["uploaded"], second.notes["uploaded"], other.notes["uploaded"]) == (120, 0, 120)
    assert first.notes["collection"] == second.notes["collection"] != other.notes["collection"]
    assert np.array_equal(first.indices, second.indices)


def test_a_collection_that_is_not_kept_is_dropped_also_when_the_search_fails(spec, made, monkeypatch):
    store = store_of(spec)
    name = made.searched(store, keep=False).notes["collection"]
    assert store.held(name) is None

    def broken(*_):
        raise ServiceError("no")

    monkeypatch.setattr(store, "search", broken)
    with pytest.raises(ServiceError):
        made.searched(store, keep=False)
    assert store.held(name) is None


def test_a_collection_that_was_kept_stays(spec, made):
    store = store_of(spec)
    name = made.searched(store).notes["collection"]
    assert made.searched(store, keep=False).notes["uploaded"] == 0
    assert store.held(name) == 120


def test_what_a_failed_upload_left_is_dropped_and_the_failure_told(spec, made, monkeypatch):
    store, names = store_of(spec), []

    def broken(name, n_docs):
        names.append(name)
        raise ServiceError("the index cannot be built")

    monkeypatch.setattr(store, "finish", broken)
    if store.kind == "faiss":
        monkeypatch.setattr(store, "upload", lambda name, *_, **__: broken(name, 0))
    with pytest.raises(ServiceError, match="cannot be built"):
        made.searched(store, keep=False)
    assert store.held(names[0]) is None
    with pytest.raises(ServiceError, match="cannot be built"):  # and is kept for the next run otherwise
        made.searched(store)
    assert store.held(names[0]) == (None if store.kind == "faiss" else 120)


def test_what_is_stored_comes_back(spec, made):
    store = store_of(spec)
    name = made.searched(store).notes["collection"]
    if store.kind == "faiss":
        return
    blocks = list(store.stored(name))
    got = dict(zip([i for ids, _ in blocks for i in ids], np.concatenate([v for _, v in blocks])))
    expected = made.docs / np.linalg.norm(made.docs, axis=1, keepdims=True)
    if store.kind in ("elasticsearch", "opensearch"):
        assert len(got) == 120
    assert np.allclose([got[i] for i in made.ids], expected, atol=1e-6)


def test_ids_with_odd_letters_come_back(spec, made):
    store = store_of(spec)
    ids = ["a'b", 'c"d', "e\\f", "\u00e4\u4e2d \U0001f600", "g\th", "{}", "%s"]
    docs = np.eye(7, 8, dtype=np.float32)
    store.rows_are(ids)
    store.upload("limitlab_odd", ids, docs)
    hits = store.search("limitlab_odd", docs, 1)
    assert [row[0][0] for row in hits] == ids
    store.drop("limitlab_odd")


@pytest.mark.parametrize("server", SERVERS)
def test_one_request_in_three_failing_changes_nothing(server, start, made):
    fake, text = SERVERS[server]
    calm, busy = start(fake), start(fake)
    busy.fail_every = 3
    results = []
    for running in (calm, busy):
        store = store_of(text.format(url=running.url))
        store.batch = lambda dim: 25
        results.append(made.searched(store))
    assert np.array_equal(results[0].indices, results[1].indices) and np.array_equal(results[0].scores, results[1].scores)
    assert results[1].notes["uploaded"] == 120


WRITES = {"qdrant": ("PUT", "/points"), "elasticsearch": ("POST", "/_bulk"), "milvus": ("POST", "/entities/upsert")}


@pytest.mark.parametrize("server", WRITES)
def test_a_killed_upload_goes_on_where_it_stopped(server, start, made, tmp_path):
    fake, text = SERVERS[server]
    running = start(fake)
    spec = text.format(url=running.url)
    code = f"""
        import numpy as np
        from limitlab.retrieval.stores import store_of
        store = store_of({spec!r})
        store.batch = lambda dim: 10
        docs = np.load({str(tmp_path / "docs.npy")!r})
        store.upload("limitlab_killed", [f"d{{i}}" for i in range(len(docs))], docs)
    """
    docs = np.random.default_rng(0).standard_normal((60, 8)).astype(np.float32)
    np.save(tmp_path / "docs.npy", docs)
    writes: list[int] = []
    children: list[subprocess.Popen] = []
    method, tail = WRITES[server]

    def kill(seen: str, path: str) -> None:
        if seen == method and tail in path and "?scroll" not in path:
            writes.append(1)
            if len(writes) == 4:
                os.kill(children[0].pid, signal.SIGKILL)

    with running.lock:  # the first request waits until the child is known
        running.before = kill
        children.append(
            subprocess.Popen([sys.executable, "-c", textwrap.dedent(code)], env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)})
        )
    assert children[0].wait(timeout=60) == -signal.SIGKILL
    assert len(writes) == 4
    store = store_of(spec)
    store.batch = lambda dim: 10
    written = store.upload("limitlab_killed", [f"d{i}" for i in range(60)], docs)
    assert written in (20, 30)  # the fourth batch had arrived, or is sent again; three had
    assert store.held("limitlab_killed") == 60
    hits = store.search("limitlab_killed", docs, 1)
    assert [row[0][0] for row in hits] == [f"d{i}" for i in range(60)]


def test_a_store_that_loses_points_is_named(start, made):
    fake = start("FakeQdrant")
    store = store_of(f"qdrant:url={fake.url}")
    create = store.create

    def forgetful(name, dim):
        create(name, dim)
        fake.collections[name]["points"] = type(
            "Forgetful", (dict,), {"__setitem__": lambda self, k, v: dict.__setitem__(self, k % 100, v)}
        )()

    store.create = forgetful
    with pytest.raises(ServiceError, match=r"must hold 120 vectors after the upload; it holds 100"):
        made.searched(store)


def test_hits_of_other_documents_and_of_chunks(start, made, fakes):
    fake = start("FakeQdrant")
    chunks = [(row, doc) for row, doc in zip(made.docs.tolist(), made.ids)] * 2 + [([1.0] * 16, "stranger")]
    fake.make("mine", {i: (row, {"meta": {"doc": doc}}) for i, (row, doc) in enumerate(chunks)})
    spec = f"qdrant:url={fake.url},collection=mine,existing=true,id_field=meta.doc,exact=true"
    with pytest.raises(DataError, match=r"hits must name documents of the dataset; 5 hits with 1 ids do not: 'stranger'. Check id_field"):
        made.searched(store_of(spec), k=120)
    found = made.searched(store_of(spec), k=20, unknown="count")
    best, _ = made.exact(k=20)
    for row, expected in zip(found.indices, best):
        kept = row[row >= 0].tolist()
        assert kept == expected[: len(kept)].tolist() and len(kept) in (9, 10)
    notes = found.notes
    assert notes["queries_with_fewer_hits"] == 8 and notes["hits_asked"] == 20 and notes["documents"] == 120 and notes["points"] == 241
    assert notes["hits_that_repeat_a_document"] >= 70 and notes["uploaded"] == 0
    whole = made.searched(store_of(spec), k=20, unknown="count", fetch=60)  # the 20 best documents are among 41 points
    assert np.array_equal(whole.indices, best) and "queries_with_fewer_hits" not in whole.notes
    assert not [1 for method, path, _ in fake.log if method in ("PUT", "DELETE")]


def test_an_existing_collection_is_never_written(start, made):
    for name, spec in {
        "FakeQdrant": "qdrant:url={url},collection=absent,existing=true",
        "FakeElasticsearch": "elasticsearch:url={url},index=absent,existing=true",
        "FakeMilvus": "milvus:url={url},collection=absent,existing=true",
    }.items():
        fake = start(name)
        with pytest.raises(InvalidArgument, match=r"the collection must exist; there is no 'absent'"):
            made.searched(store_of(spec.format(url=fake.url)))
        assert not [
            path for method, path, _ in fake.log if method in ("PUT", "DELETE") or "upsert" in path or "create" in path or "_bulk" in path
        ]


def test_a_model_of_another_dimension_is_refused_and_one_cut_short_is_named(start, made):
    fake = start("FakeQdrant")
    fake.make("long", {0: ([1.0] * 24, {"_id": made.ids[0]})})
    with pytest.raises(InvalidArgument, match=r"the model has 16, the collection 24. Another model made it"):
        made.searched(store_of(f"qdrant:url={fake.url},collection=long,existing=true"))
    cut = {i: (row[:6], {"_id": doc}) for i, (row, doc) in enumerate(zip(made.docs.tolist(), made.ids))}
    fake.make("cut", cut)
    store = store_of(f"qdrant:url={fake.url},collection=cut,existing=true,exact=true")
    found = made.searched(store)
    assert found.notes["served_dimension"] == 6 and found.notes["model_dimension"] == 16
    assert np.array_equal(found.indices, made.exact(dim=6)[0])
    retriever = StoreRetriever([made.part], store)
    assert retriever.max_dim == 6
    with pytest.raises(RangeError, match=r"searched at its own dimension, 6; got dim=4"):
        made.searched(store, dim=4)


def test_long_vectors_win_by_inner_product_and_the_note_says_so(start, made):
    fake = start("FakeQdrant")
    points = {i: (row, {"_id": doc}) for i, (row, doc) in enumerate(zip(made.docs.tolist(), made.ids))}
    fake.make("raw", points, "Dot")
    fake.make("right", points, "Cosine")
    raw, right = (
        made.searched(store_of(f"qdrant:url={fake.url},collection={name},existing=true,exact=true"), k=10) for name in ("raw", "right")
    )
    best = made.exact(k=10)[0]
    assert np.array_equal(right.indices, best) and "lengths_of_stored_vectors" not in right.notes
    shared = np.mean([len(set(a) & set(b)) / 10 for a, b in zip(raw.indices.tolist(), best.tolist())])
    assert shared < 0.9 and raw.notes["metric"] == "inner product" and raw.notes["lengths_of_stored_vectors"].startswith("0.")


def test_keys_are_sent_and_never_shown(start, made, monkeypatch):
    secret = "hunter2hunter2"
    cases = {
        "FakeQdrant": ("qdrant:url={url},key=MY_KEY", ("api-key", secret)),
        "FakeElasticsearch": ("elasticsearch:url={url},key=MY_KEY", ("Authorization", f"ApiKey {secret}")),
        "FakeMilvus": ("milvus:url={url},key=MY_KEY", ("Authorization", f"Bearer {secret}")),
    }
    for name, (spec, sent) in cases.items():
        fake = start(name)
        fake.key = sent
        monkeypatch.setenv("MY_KEY", secret)
        store = store_of(spec.format(url=fake.url))
        made.searched(store)
        assert secret not in repr(store.config()) + repr(store.shown()) + repr(vars(store))
        monkeypatch.setenv("MY_KEY", "wrongwrong")
        with pytest.raises(ServiceError) as error:
            made.searched(store_of(spec.format(url=fake.url)))
        assert "wrongwrong" not in str(error.value) and "***" in str(error.value)
        monkeypatch.delenv("MY_KEY")
        with pytest.raises(InvalidArgument, match="environment variable MY_KEY"):
            store_of(spec.format(url=fake.url))


@pytest.mark.parametrize("kind", ["milvus", "elasticsearch", "opensearch", "qdrant"])
@pytest.mark.parametrize("key", ["sk-abc-123", "abc.123", "abc123", 123])
def test_a_key_given_in_place_of_its_name_is_refused_and_not_shown(kind, key):
    with pytest.raises(InvalidArgument, match=rf"{kind}: key must be the NAME of an environment variable") as error:
        store_of(f"{kind}:url=http://localhost:1,key={key}")
    assert "123" not in str(error.value)


@pytest.mark.parametrize(
    ("spec", "call", "answer"),
    [
        ("qdrant", lambda s: s.held("x"), {"said": "{text}"}),
        ("milvus", lambda s: s.held("x"), {"said": "{text}"}),
        ("milvus", lambda s: s.held("x"), {"code": 65_535, "message": "{text}"}),
        ("milvus", lambda s: s._finished("x"), {"code": 0, "data": {"indexState": "Failed", "failReason": "{text}"}}),
        (
            "elasticsearch",
            lambda s: s.add("x", 0, ["d"], np.ones((1, 2), np.float32)),
            {"items": [{"index": {"_id": "0", "status": 400, "error": {"type": "t", "reason": "{text}"}}}]},
        ),
    ],
)
@pytest.mark.parametrize("before", [0, 170])
def test_a_key_that_a_service_sends_back_is_not_shown_nor_half_of_it(monkeypatch, spec, call, answer, before):
    secret = "hunter2" * 20  # longer than what is left at any cut
    monkeypatch.setenv("MY_KEY", secret)
    store = store_of(f"{spec}:url=http://localhost:1,key=MY_KEY")
    said = json.loads(json.dumps(answer).replace("{text}", "x" * before + f" invalid key {secret}"))
    monkeypatch.setattr(store._client, "request", lambda *_, **__: said)
    if "data" in said:
        monkeypatch.setattr(store, "_index_record", lambda name: said["data"])
    with pytest.raises(ServiceError) as error:
        call(store)
    assert "hunter" not in str(error.value) and ("***" in str(error.value) or before)


def test_a_login_becomes_basic_authentication(start, made, monkeypatch):
    fake = start("FakeElasticsearch")
    fake.key = ("Authorization", "Basic dXNlcjpwYXNz")
    monkeypatch.setenv("ES_LOGIN", "user:pass")
    assert made.searched(store_of(f"elasticsearch:url={fake.url},login=ES_LOGIN,type=flat")).notes["uploaded"] == 120


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ("nothing:", "unknown store 'nothing'"),
        ("qdrant(minilm):path=x", "without a retriever in parentheses"),
        ("qdrant:", "exactly one of path=FOLDER"),
        ("qdrant:path=x,url=http://localhost:1", "exactly one of path=FOLDER"),
        ("qdrant:path=x,hnsw_ef=3", "searches exactly and has no hnsw_ef"),
        ("qdrant:location=here", "unknown location"),
        ("qdrant:url=http://localhost:1,quantisation=scalr", "did you mean 'scalar'"),
        ("qdrant:url=http://me:pw@localhost:1", "must not hold a user name or password"),
        ("faiss:index=hnws", "did you mean 'hnsw'"),
        ("faiss:index=hnsw,nprobe=3", "must be among m, ef_construction, ef_search; got nprobe"),
        ("faiss:file=absent.faiss", "the file must exist"),
        ("elasticsearch:num_candidates=10001", "num_candidates must be in"),
        ("elasticsearch:type=flat,m=3", "must come with a type of hnsw"),
        ("opensearch:engine=nmslib", "unknown engine"),
        ("milvus:index=hnsw,ef=0", "ef must be >= 1"),
        ("milvus:idex=hnsw", "did you mean 'index'"),
        ("milvus:existing=no", "existing must be true or false; got 'no'"),
        ("elasticsearch:exact=yes", "exact must be true or false"),
        ("qdrant:url=http://localhost:1,rescore=1", "rescore must be true or false; got 1"),
    ],
)
def test_what_is_refused(spec, words):
    with pytest.raises(InvalidArgument, match=words) as error:
        store_of(spec)
    assert "\n" not in str(error.value)


def test_a_part_without_vectors_is_refused():
    from limitlab.retrieval import build

    with pytest.raises(InvalidArgument, match=r"faiss: one dense retriever must be in parentheses; got bm25"):
        build("faiss(bm25)")
    with pytest.raises(InvalidArgument, match=r"must have one retriever in parentheses"):
        build("faiss:index=hnsw")
    with pytest.raises(InvalidArgument, match=r"unknown option 'kep'; did you mean 'keep'"):
        build("qdrant(bm25):path=x,kep=true")


def test_a_folder_that_is_not_there_is_refused_and_not_made(tmp_path):
    with pytest.raises(DataError, match="this folder of an existing Qdrant collection does not exist"):
        store_of(f"qdrant:path={tmp_path / 'nope'},collection=mine,existing=true")
    assert not (tmp_path / "nope").exists()


def test_two_retrievers_and_an_export_share_a_folder_of_the_embedded_qdrant(made, tmp_path):
    pytest.importorskip("qdrant_client")
    first, second = (store_of(f"qdrant:path={tmp_path / 'q'}") for _ in range(2))
    name = made.searched(first).notes["collection"]
    assert made.searched(second).notes["uploaded"] == 0  # what the first wrote is in the folder
    assert made.searched(first, dim=8).notes["uploaded"] == 120
    vectors, ids = export_vectors(f"qdrant:path={tmp_path / 'q'},collection={name}", tmp_path / "out.npz")
    assert set(ids) == set(made.ids) and vectors.shape == (120, 16)
    mine = made.searched(store_of(f"qdrant:path={tmp_path / 'q'},collection={name},existing=true"))
    assert np.array_equal(mine.indices, made.exact()[0])
    import qdrant_client

    held = qdrant_client.QdrantClient(path=str(tmp_path / "q"))
    with pytest.raises(InvalidArgument, match="the folder must be open in no other process"):
        made.searched(first)
    held.close()


def test_export_refuses_what_is_not_whole(start, made):
    fake = start("FakeQdrant")
    fake.make("twice", {0: ([1.0, 0.0], {"_id": "a"}), 1: ([0.0, 1.0], {"_id": "a"})})
    with pytest.raises(DataError, match=r"ids must be distinct; 1 repeat: 'a'"):
        export_vectors(f"qdrant:url={fake.url},collection=twice")
    with pytest.raises(DataError, match=r"must have its document's id in the field 'doc'; one has not \(fields: _id\)"):
        export_vectors(f"qdrant:url={fake.url},collection=twice,id_field=doc")
    with pytest.raises(InvalidArgument, match=r"must end with .npz"):
        export_vectors(f"qdrant:url={fake.url},collection=twice", "x.npy")


def test_a_row_of_an_evaluation_by_a_server_is_measured_again_and_holds_no_key(start, made, monkeypatch, home):
    import limitlab as ll

    secret = "hunter2hunter2"
    monkeypatch.setenv("MY_KEY", secret)
    fake, absent = start("FakeQdrant"), start("FakeElasticsearch")
    fake.key = ("api-key", secret)
    there = StoreRetriever([made.part], store_of(f"qdrant:url={fake.url},key=MY_KEY,exact=true"))
    absent.refuse_document = lambda document: (400, "mapper_parsing_exception", "no")
    refused = StoreRetriever([made.part], store_of(f"elasticsearch:url={absent.url},type=flat"))
    result = ll.evaluate(made.data, [made.part, there, refused], dims=[8, 16], measures=["recall@10"])
    assert [row.status.key for row in result.rows] == ["solved"] * 4 + ["failed"] * 2
    exact, stored = result.row("given@8"), result.row("qdrant(given):exact=true@8")
    assert exact.measures == stored.measures and stored.notes["uploaded"] == 120
    assert "120 of 120 documents of a bulk request were refused" in result.rows[-1].message
    again = ll.evaluate(made.data, [there], dims=[8, 16], measures=["recall@10"])
    assert [row.notes["uploaded"] for row in again.rows] == [0, 0]
    result.report(home / "page.html")
    held = [path for path in home.rglob("*") if path.is_file()]
    assert len(held) > 3 and not [path for path in held if secret.encode() in path.read_bytes()]
    assert "search exact: hnsw m=16" in (home / "page.html").read_text(encoding="utf-8")
