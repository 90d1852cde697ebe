"""The same model, data, cuts and tie rule give the numbers of sentence-transformers' own evaluators, to 1e-6.

On the first 150 queries of the released LIMIT-small and all its documents. tests/golden has MiniLM on all 1,000 queries.
"""

from __future__ import annotations

from pathlib import Path

import pytest

import limitlab as ll

DATA = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "limit-small"
MEASURES = ("recall@2", "recall@10", "recall@20", "mrr@10", "ndcg@10")

pytestmark = [
    pytest.mark.models,
    pytest.mark.skipif(not DATA.is_dir(), reason="the released LIMIT-small is not at <repository root>/../shared/data/limit-small"),
]


def limit_small(n_queries: int) -> ll.Dataset:
    data = ll.load(DATA)
    ids = data.queries.ids[:n_queries]
    relevance = data.relevance
    qrels = {
        q: {relevance.doc_ids[j]: 1 for j in relevance.indices[relevance.indptr[i] : relevance.indptr[i + 1]]} for i, q in enumerate(ids)
    }
    return ll.Dataset.from_texts(dict(zip(data.docs.ids, data.docs)), {q: data.queries[i] for i, q in enumerate(ids)}, qrels)


def ours(data: ll.Dataset, model: str, measures=MEASURES) -> list[float]:
    row = ll.evaluate(data, [model], measures=measures, ties="st", precision="float32").rows[0]
    assert row.status.name == "SOLVED", row.message
    return [row.measures[m].mean for m in measures]


def theirs(evaluator_class, model, data: ll.Dataset) -> list[float]:
    relevance = data.relevance
    relevant = {
        q: {relevance.doc_ids[j] for j in relevance.indices[relevance.indptr[i] : relevance.indptr[i + 1]]}
        for i, q in enumerate(data.queries.ids)
    }
    evaluator = evaluator_class(
        dict(zip(data.queries.ids, data.queries)), dict(zip(data.docs.ids, data.docs)), relevant,
        precision_recall_at_k=[2, 10, 20], mrr_at_k=[10], ndcg_at_k=[10], accuracy_at_k=[1], map_at_k=[10], write_csv=False,
    )  # fmt: skip
    found = evaluator(model)
    prefix = evaluator.primary_metric.rsplit("_", 1)[0].rsplit("_", 1)[0]
    return [found[f"{prefix}_{name}"] for name in MEASURES]


def test_dense(tiny_model):
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.evaluation import InformationRetrievalEvaluator

    from limitlab.retrieval.packaged import packaged_folder

    some = limit_small(150)
    for name, folder in (("minilm", packaged_folder("minilm")), (tiny_model, tiny_model)):
        expected = theirs(InformationRetrievalEvaluator, SentenceTransformer(folder, device="cpu"), some)
        assert ours(some, name) == pytest.approx(expected, abs=1e-6)


def test_sparse(tiny_sparse):
    from sentence_transformers import SparseEncoder
    from sentence_transformers.sparse_encoder.evaluation import SparseInformationRetrievalEvaluator

    some = limit_small(150)
    expected = theirs(SparseInformationRetrievalEvaluator, SparseEncoder(tiny_sparse, device="cpu"), some)
    assert ours(some, tiny_sparse) == pytest.approx(expected, abs=1e-6)


def test_multi_vector(tiny_multi_vector):
    from sentence_transformers import MultiVectorEncoder
    from sentence_transformers.multi_vector_encoder.evaluation import MultiVectorInformationRetrievalEvaluator

    some = limit_small(150)
    expected = theirs(MultiVectorInformationRetrievalEvaluator, MultiVectorEncoder(tiny_multi_vector, device="cpu"), some)
    assert ours(some, tiny_multi_vector) == pytest.approx(expected, abs=1e-6)
