"""What is particular to each service: limits, parameters, its own errors, and collections of the user's."""

from __future__ import annotations

import json

import numpy as np
import pytest

from limitlab._core.errors import DataError, InvalidArgument, RangeError, ServiceError
from limitlab.retrieval.stores import export_vectors, store_of


def overlap(found, made, k=10):
    """Share of the true k nearest that were found."""
    return np.mean([len(set(a[:k]) & set(b)) / k for a, b in zip(found.indices.tolist(), made.exact(k=k)[0].tolist())])


def bodies(fake, tail):
    return [json.loads(body) for _, path, body in fake.log if path.split("?")[0].endswith(tail)]


def test_qdrant_small_ef_loses_and_exact_does_not(start, made):
    fake = start("FakeQdrant")
    spec = f"qdrant:url={fake.url},indexing_threshold=0,m=8,ef_construct=50"
    small, exact = made.searched(store_of(spec + ",hnsw_ef=30"), k=10), made.searched(store_of(spec + ",exact=true"), k=10)
    assert small.notes["search"] == "approximate" and small.notes["index"] == "hnsw m=8 ef_construct=50 hnsw_ef=30"
    assert exact.notes["search"] == "exact" and small.notes["collection"] == exact.notes["collection"]
    assert overlap(exact, made) == 1.0 and overlap(small, made) < 0.6
    assert bodies(fake, "/points/query/batch")[0]["searches"][0]["params"] == {"hnsw_ef": 30}


def test_qdrant_says_when_a_small_collection_has_no_index(start, made):
    found = made.searched(store_of(f"qdrant:url={start('FakeQdrant').url},hnsw_ef=64"))
    assert found.notes["search"] == "exact" and "0 of 120 vectors indexed" in found.notes["index"]


def test_qdrant_quantisation_and_rescoring_are_asked_for_and_reported(start, made):
    fake = start("FakeQdrant")
    found = made.searched(store_of(f"qdrant:url={fake.url},quantisation=binary,rescore=true,oversampling=2.0"))
    assert found.notes["quantisation"] == "binary, rescore=true"
    assert found.notes["search"] == "every vector, quantised"
    assert bodies(fake, "/points/query/batch")[0]["searches"][0]["params"] == {"quantization": {"rescore": True, "oversampling": 2.0}}
    scalar = made.searched(store_of(f"qdrant:url={fake.url},quantisation=scalar"))
    assert scalar.notes["quantisation"] == "scalar int8" and scalar.notes["collection"] != found.notes["collection"]


def test_qdrant_distances_count_negative_and_a_red_collection_is_named(start, made):
    fake = start("FakeQdrant")
    fake.make("far", {i: (row, {"_id": doc}) for i, (row, doc) in enumerate(zip(made.docs.tolist(), made.ids))}, "Euclid", threshold=10**9)
    found = made.searched(store_of(f"qdrant:url={fake.url},collection=far,existing=true"))
    distances = np.linalg.norm(made.queries[:, None] - made.docs[None], axis=2)
    assert np.allclose(found.scores, -np.sort(distances, axis=1)[:, :20], atol=1e-5) and found.notes["metric"] == "euclidean"
    store = store_of(f"qdrant:url={fake.url}")
    fake.collections["far"]["status"] = "red"
    with pytest.raises(ServiceError, match="its status is red"):
        store.finish("far", 120)


def test_qdrant_point_ids_and_named_vectors(start, made):
    fake = start("FakeQdrant")
    numbered = made.docs.tolist()
    fake.make("plain", {i: (row, {}) for i, row in enumerate(numbered)})
    vectors, ids = export_vectors(f"qdrant:url={fake.url},collection=plain,id_field=point-id")
    assert ids == tuple(map(str, range(120))) and vectors.shape == (120, 16)
    fake.info = lambda held: {
        "result": {"status": "green", "points_count": 1, "config": {"params": {"vectors": {"text": held["vectors"]}}}}
    }
    with pytest.raises(InvalidArgument, match=r"vector must name one of the vectors of plain: text; got None"):
        store_of(f"qdrant:url={fake.url},collection=plain,existing=true").describe("plain")


def test_elasticsearch_candidates_are_checked_before_anything_is_sent(start, made):
    fake = start("FakeElasticsearch")
    with pytest.raises(RangeError, match=r"num_candidates must be at least the length of the lists, k=20; got num_candidates=10. Use num"):
        made.searched(store_of(f"elasticsearch:url={fake.url},num_candidates=10"))
    assert fake.log == []
    few, many = (made.searched(store_of(f"elasticsearch:url={fake.url},num_candidates={n}"), k=10) for n in (10, 60))
    assert overlap(few, made) < 0.5 < overlap(many, made) == 1.0
    assert few.notes["index"] == "hnsw, num_candidates=10 a shard" and few.notes["search"] == "approximate"


@pytest.mark.parametrize("server", ["FakeElasticsearch", "FakeOpenSearch"])
def test_a_key_that_may_only_read_does_for_an_index_of_the_users(start, made, server):
    fake = start(server)
    mapping = {"dims": 16, "similarity": "cosine"} if server == "FakeElasticsearch" else {"dimension": 16, "space_type": "cosinesimil"}
    fake.make("mine", {doc: {"embedding": row} for row, doc in zip(made.docs.tolist(), made.ids)}, mapping)
    reading = ("/_search", "/_count", "/_mapping", "/_search/scroll")

    def only_reading(method, path):
        if path != "/" and not path.split("?")[0].endswith(reading):
            raise fake.error(403, "security_exception: this action is unauthorized")

    fake.before = only_reading
    spec = f"{server.removeprefix('Fake').lower()}:url={fake.url},index=mine,existing=true,exact=true"
    assert np.array_equal(made.searched(store_of(spec)).indices, made.exact()[0])
    assert np.array_equal(export_vectors(spec.removesuffix(",exact=true"))[0], made.docs)
    with pytest.raises(ServiceError, match="403"):
        made.searched(store_of(f"{spec.split(':')[0]}:url={fake.url}"))


@pytest.mark.parametrize(("type", "dim", "words"), [("bbq_hnsw", 16, "at least 64 dimensions; got 16"), ("hnsw", 4097, "at most 4,096")])
def test_elasticsearch_dimensions(start, type, dim, words):
    with pytest.raises(RangeError, match=words):
        store_of(f"elasticsearch:type={type}").check(10, dim)


def test_elasticsearch_partial_failures_of_a_bulk_answer_are_found(start, made):
    fake = start("FakeElasticsearch")
    fake.refuse_document = lambda d: (400, "document_parsing_exception", "no") if d["doc_id"] == made.ids[7] else None
    with pytest.raises(
        ServiceError, match=r"1 of 120 documents of a bulk request were refused, the first '.*' with 400: document_parsing"
    ) as e:
        made.searched(store_of(f"elasticsearch:url={fake.url}"))
    assert made.ids[7] in str(e.value)
    busy = {"left": 2}

    def sometimes(document):
        if document["doc_id"] == made.ids[3] and busy["left"]:
            busy["left"] -= 1
            return (429, "es_rejected_execution_exception", "queue full")
        return None

    fake.refuse_document = sometimes
    import limitlab.retrieval.stores.search_engine as engine

    slept: list[float] = []
    engine.time, clock = type("Clock", (), {"sleep": staticmethod(slept.append)}), engine.time
    try:
        found = made.searched(store_of(f"elasticsearch:url={fake.url},type=flat"))
    finally:
        engine.time = clock
    assert np.array_equal(found.indices, made.exact()[0]) and len(slept) == 2
    assert [body.count("\n") // 2 for _, path, body in fake.log if path.endswith("_bulk")][-3:] == [120, 1, 1]


@pytest.mark.parametrize(
    ("similarity", "of"),
    [
        ("cosine", lambda q, d: (q / np.linalg.norm(q)) @ (d / np.linalg.norm(d, axis=1, keepdims=True)).T),
        ("max_inner_product", lambda q, d: q @ d.T),
        ("l2_norm", lambda q, d: -np.linalg.norm(d - q, axis=1)),
    ],
)
@pytest.mark.parametrize("server", ["FakeElasticsearch", "FakeOpenSearch"])
def test_scores_become_similarities_whatever_the_metric(start, made, server, similarity, of):
    fake = start(server)
    documents = {f"n{i}": {"vec": row, "name": doc} for i, (row, doc) in enumerate(zip(made.docs.tolist(), made.ids))}
    if server == "FakeElasticsearch":
        fake.make("mine", documents, {"dims": 16, "similarity": similarity, "index_options": {"type": "flat"}}, "vec")
        spec = f"elasticsearch:url={fake.url},index=mine,existing=true,field=vec,id_field=name"
    else:
        space = {"cosine": "cosinesimil", "max_inner_product": "innerproduct", "l2_norm": "l2"}[similarity]
        fake.make("mine", documents, {"dimension": 16, "space_type": space}, "vec")
        spec = f"opensearch:url={fake.url},index=mine,existing=true,field=vec,id_field=name"
    found = made.searched(store_of(spec))
    for query, row, scores in zip(made.queries, found.indices, found.scores):
        expected = of(query.astype(np.float64), made.docs.astype(np.float64))
        assert np.allclose(scores, expected[row], atol=1e-5) and np.allclose(scores, np.sort(expected)[::-1][:20], atol=1e-5)
    assert ("lengths_of_stored_vectors" in found.notes) == (similarity == "max_inner_product")
    vectors, ids = export_vectors(spec)
    assert ids == tuple(made.ids) and np.array_equal(vectors, made.docs)


def test_elasticsearch_default_index_and_vectors_out_of_the_source(start, made):
    fake = start("FakeElasticsearch", "9.2.0")
    fake.make("mine", {doc: {"embedding": row} for row, doc in zip(made.docs.tolist(), made.ids)}, {"dims": 16})
    spec = f"elasticsearch:url={fake.url},index=mine,existing=true"
    found = made.searched(store_of(spec))
    assert "type not stated, the default of Elasticsearch 9.2.0: int8_hnsw from 8.14" in found.notes["index"]
    assert found.notes["quantisation"] == "by default" and found.notes["search"] == "approximate"
    assert np.array_equal(export_vectors(spec)[0], made.docs)
    with pytest.raises(DataError, match=r"must have the field 'vec'; it has not. Pass field=NAME"):
        made.searched(store_of(spec + ",field=vec"))
    for document in fake.indices["mine"]["documents"].values():
        document.clear()
        document["embedding"] = None
    with pytest.raises(DataError, match=r"must keep the field 'embedding' in their source"):
        export_vectors(spec)


def test_opensearch_parameters(start, made):
    fake = start("FakeOpenSearch")
    found = made.searched(store_of(f"opensearch:url={fake.url},engine=faiss,m=8,ef_construction=64,ef_search=30"), k=10)
    assert found.notes["index"] == "hnsw engine=faiss m=8 ef_construction=64 ef_search=30" and overlap(found, made) < 0.9
    assert bodies(fake, "/_search")[0]["query"]["knn"]["embedding"]["method_parameters"] == {"ef_search": 30}
    fake.make("ip", {"a": {"embedding": [1.0, 2.0]}}, {"dimension": 2, "space_type": "innerproduct"})
    store = store_of(f"opensearch:url={fake.url},index=ip,existing=true,exact=true")
    with pytest.raises(InvalidArgument, match=r"exact=true must be with cosinesimil or l2; ip has innerproduct"):
        store.search("ip", np.ones((1, 2), np.float32), 1)


def test_milvus_limits_are_checked_before_anything_is_sent(start, made):
    fake = start("FakeMilvus")
    store = store_of(f"milvus:url={fake.url},ef=10")
    with pytest.raises(RangeError, match=r"ef must be at least the length of the lists, k=20; got ef=10"):
        made.searched(store)
    with pytest.raises(RangeError, match=r"fewer than 16,384 hits; got k=16,384"):
        store.check_k(16_384)
    with pytest.raises(RangeError, match=r"2 to 32,768 dimensions; got 1"):
        store.check(10, 1)
    assert fake.log == []
    small, large = (made.searched(store_of(f"milvus:url={fake.url},ef={ef}"), k=10) for ef in (20, 60))
    assert overlap(small, made) < 0.6 < overlap(large, made) == 1.0
    assert small.notes["index"] == "hnsw M=16 efConstruction=200 ef=20" and small.notes["search"] == "approximate"


def test_milvus_failures_come_with_status_200_and_are_seen(start, made):
    fake = start("FakeMilvus")
    rows = [{"pk": i, "name": doc, "vec": row} for i, (row, doc) in enumerate(zip(made.docs.tolist(), made.ids))]
    fake.make("mine", rows, key="pk", field="vec", metric="L2", index="FLAT")
    spec = f"milvus:url={fake.url},collection=mine,existing=true,field=vec,id_field=name"
    found = made.searched(store_of(spec))
    assert found.notes["metric"] == "euclidean" and (found.scores <= 0).all()
    assert np.array_equal(found.indices, np.argsort(((made.queries[:, None] - made.docs[None]) ** 2).sum(axis=2), axis=1)[:, :20])
    assert np.array_equal(export_vectors(spec)[0], made.docs)
    with pytest.raises(ServiceError, match=r"collections/describe of gone was refused with code 100: can't find collection"):
        store_of(spec).describe("gone")
    with pytest.raises(InvalidArgument, match="field 'other' of mine must have an index"):
        store_of(spec.replace("field=vec", "field=other")).search("mine", made.queries, 3)
    fake.collections["mine"]["loaded"] = False
    with pytest.raises(InvalidArgument, match=r"collection mine must be loaded; it is not"):
        made.searched(store_of(spec))


def test_milvus_export_pages_along_text_keys(start, made):
    fake = start("FakeMilvus")
    rows = [{"pk": f'k"{i}\\', "vec": row} for i, row in enumerate(made.docs.tolist())]
    fake.make("mine", rows, key="pk", field="vec")
    store = store_of(f"milvus:url={fake.url},collection=mine,existing=true,field=vec,id_field=pk")
    pages = list(store._pages("mine", 50))
    assert [len(ids) for ids, _ in pages] == [50, 50, 20]
    assert {i for ids, _ in pages for i in ids} == {row["pk"] for row in rows}
    fake.queried = lambda body, held: [{"count(*)": 200}] if body["outputFields"] == ["count(*)"] else []
    with pytest.raises(DataError, match=r"must hold vectors of one dimension; it holds 0 vectors"):
        export_vectors(store)
