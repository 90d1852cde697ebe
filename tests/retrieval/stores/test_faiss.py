"""faiss: kinds of index, their losses, files of the user's."""

from __future__ import annotations

import numpy as np
import pytest

from limitlab._core.errors import DataError, InvalidArgument, RangeError, ShapeError
from limitlab.retrieval import build
from limitlab.retrieval.stores import export_vectors, store_of

faiss = pytest.importorskip("faiss")


def overlap(found, made, k=20):
    return np.mean([len(set(a) & set(b)) / k for a, b in zip(found.indices.tolist(), made.exact(k=k)[0].tolist())])


def test_a_small_ef_or_few_lists_lose_what_more_would_find(made):
    few, many = (made.searched(store_of(f"faiss:index=hnsw,m=4,ef_search={ef}"), k=10) for ef in (1, 120))
    assert overlap(few, made, 10) < overlap(many, made, 10) == 1.0
    assert (few.notes["search"], few.notes["index"]) == ("approximate", "HNSWFlat m=4 ef_construction=40 ef_search=1")
    one, all_lists = (made.searched(store_of(f"faiss:index=ivf,nlist=10,nprobe={n}")) for n in (1, 10))
    assert overlap(one, made) < overlap(all_lists, made) == 1.0
    assert one.notes["index"] == "IVFFlat nlist=10 nprobe=1" and one.notes["queries_with_fewer_hits"] > 0


@pytest.mark.parametrize("spec", ["faiss:index=hnsw,m=8,ef_search=8", "faiss:index=ivf,nprobe=3", "faiss:index=sq8"])
def test_the_same_again(made, spec):
    a, b = made.searched(store_of(spec)), made.searched(store_of(spec))
    assert np.array_equal(a.indices, b.indices) and np.array_equal(a.scores, b.scores)


def test_rows_of_a_graph_that_several_threads_build_are_measured_again(made, tmp_path):
    """Up to 100,000 documents one thread builds it; other indexes repeat themselves at every size, and a file is there as it is."""
    from limitlab.retrieval.stores import StoreRetriever

    faiss.write_index(faiss.IndexHNSWFlat(16, 4), str(tmp_path / "my.faiss"))
    kept = {
        spec: [StoreRetriever([made.part], store_of(spec)).config(n)["cache"] for n in (100_000, 100_001)]
        for spec in ("faiss:index=hnsw", "faiss:index=ivf", "faiss:", f"faiss:file={tmp_path / 'my.faiss'}", "qdrant:location=:memory:")
    }
    assert kept.pop("faiss:index=hnsw") == [True, False]
    assert list(kept.values()) == [[True, True]] * 4


def test_codes_are_named(made):
    found = made.searched(store_of("faiss:index=sq8"))
    assert found.notes["search"] == "every vector, quantised" and found.notes["quantisation"] == "scalar"
    assert found.notes["stored_as"] == "scalar code, 128 bits a vector" and overlap(found, made) > 0.95


def test_product_quantisation():
    rng = np.random.default_rng(0)
    docs = rng.standard_normal((300, 16)).astype(np.float32)
    store = store_of("faiss:index=pq,pq_m=4")
    ids = [f"d{i}" for i in range(300)]
    store.rows_are(ids)
    store.upload("x", ids, docs)
    assert store.describe("x").quantisation == "product" and store.describe("x").dtype == "product code, 32 bits a vector"
    with pytest.raises(RangeError, match="pq_m must divide the dimension, 16; got pq_m=3"):
        store_of("faiss:index=pq,pq_m=3").upload("x", ids, docs)
    with pytest.raises(RangeError, match="at least 256 documents to train on; got 20"):
        store_of("faiss:index=pq").upload("x", ids, docs[:20])
    with pytest.raises(InvalidArgument, match="nlist must be at most the number of documents, 20"):
        store_of("faiss:index=ivf,nlist=30").upload("x", ids, docs[:20])


def test_a_file_of_the_users(made, tmp_path):
    index = faiss.IndexHNSWFlat(16, 8, faiss.METRIC_INNER_PRODUCT)
    index.add(made.docs)
    path = str(tmp_path / "my.faiss")
    faiss.write_index(index, path)
    found = made.searched(store_of(f"faiss:file={path},ef_search=120"))
    assert np.allclose(found.scores[0], np.sort(made.docs @ made.queries[0])[::-1][:20], atol=1e-5)
    assert found.notes["index"].endswith("ef_search=120") and found.notes["uploaded"] == 0
    assert found.notes["lengths_of_stored_vectors"].startswith("0.")  # raw inner product over vectors of different lengths
    vectors, ids = export_vectors(f"faiss:file={path}", tmp_path / "out.npz")
    assert np.array_equal(vectors, made.docs) and ids == tuple(map(str, range(120)))
    assert set(np.load(tmp_path / "out.npz").files) == {"vectors", "id"}
    far = faiss.IndexFlatL2(16)
    far.add(made.docs[:50])
    faiss.write_index(far, path)
    with pytest.raises(ShapeError, match=r"must hold the documents of the dataset, 120, in their order; .*my.faiss holds 50"):
        made.searched(store_of(f"faiss:file={path}"))
    far.add(made.docs[50:])
    faiss.write_index(far, path)
    found = made.searched(store_of(f"faiss:file={path}"))
    assert found.notes["metric"] == "euclidean" and (found.scores <= 0).all() and found.notes["search"] == "exact"
    (tmp_path / "no.faiss").write_text("no")
    with pytest.raises(DataError, match="not readable as a faiss index"):
        made.searched(store_of(f"faiss:file={tmp_path / 'no.faiss'}"))


def test_through_the_registry_and_the_evaluation(made, tmp_path, tiny_model):
    import limitlab as ll

    specs = [
        f"{tiny_model}:name=tiny",
        f"faiss({tiny_model}:name=tiny):index=hnsw,m=4,ef_construction=40,ef_search=2",
        f"qdrant({tiny_model}):path=q,name=q",
    ]
    pytest.importorskip("qdrant_client")
    import os

    os.chdir(tmp_path)
    data = ll.make_limit(n_docs=60, n_queries=40, seed=0, name="limit")
    result = ll.evaluate(data, specs, dims=[8, 32])
    assert result.status.key == "solved", result.message
    names = [row.retriever for row in result.rows]
    assert names[2] == names[3] == "faiss(tiny):index=hnsw,m=4,ef_construction=40,ef_search=2"
    exact, other = result.row("tiny@32"), result.row("q@32")
    assert exact.measures == other.measures  # Qdrant in this process is exact
    assert result.row(names[2] + "@8").notes["served_dimension"] == 8 and result.row(names[2] + "@32").notes["served_dimension"] == 32
    assert result.row(names[2] + "@32").notes["queries_with_fewer_hits"] == 40
    again = ll.evaluate(data, specs, dims=[8, 32])
    assert [row.cost for row in again.rows] == [row.cost for row in result.rows]  # the ledger's
    from limitlab.evaluation.remarks import all_remarks

    text = "\n".join(all_remarks(result.rows))
    assert (
        "search approximate: HNSWFlat m=4 ef_construction=40 ef_search=2." in text
        and "gave fewer than the 60 documents asked for to 40 queries" in text
    )
    comparison = result.compare("tiny@32", names[2] + "@32", "recall@2")
    assert comparison.wins + comparison.losses + comparison.equal == 40
    assert build(specs[1]).family == "dense"
