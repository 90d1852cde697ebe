"""``limitlab eval`` with vector stores: the same model searched exactly and by a store, and what is said about it."""

from __future__ import annotations

import pytest


@pytest.mark.models
def test_model_loss_and_index_loss_stand_side_by_side(cli, limit_folder):
    pytest.importorskip("faiss")
    pytest.importorskip("qdrant_client")
    poor = "faiss(minilm):index=hnsw,m=4,ef_search=1,name=poor"
    arguments = ["eval", limit_folder, "-m", "minilm", "-m", poor, "-m", "qdrant(minilm):path=q,name=embedded", "--dim", "32"]
    done = cli(*arguments, "--compare", "minilm@32,poor@32", "--json")
    assert done.code == 0, done.err
    record = done.json()
    rows = {row["retriever"]: row for row in record["rows"]}
    recall = {name: row["measures"]["recall@10"]["mean"] for name, row in rows.items()}
    assert recall["poor"] < recall["minilm"] == recall["embedded"]
    assert rows["poor"]["notes"]["index"] == "HNSWFlat m=4 ef_construction=40 ef_search=1"
    assert rows["poor"]["notes"]["queries_with_fewer_hits"] == 40
    assert {c["first"] for c in record["comparisons"]} == {"minilm@32"}
    assert cli("eval", limit_folder, "-m", "faiss:index=hnsw").refused(1, "InvalidArgument: retrievers: faiss must have one retriever in")
    assert cli("eval", limit_folder, "-m", "faiss(minilm):index=hnws").refused(1, "UnknownName: faiss: unknown index 'hnws'")


def test_stores_are_listed(cli):
    out = cli("models").out
    for name in ("faiss", "qdrant", "pgvector", "elasticsearch", "opensearch", "milvus"):
        assert name in out
