"""Learned sparse retrievers against sentence-transformers."""

from __future__ import annotations

import numpy as np
import pytest

from limitlab._core.errors import InvalidArgument, RangeError
from limitlab._core.texts import TextList
from limitlab.retrieval import Retriever, build
from limitlab.retrieval import sparse as module
from limitlab.retrieval.sparse import Sparse
from limitlab.search import RelevantSet, tie_order

pytestmark = pytest.mark.models

RNG = np.random.default_rng(1)
ROWS = ["".join(RNG.choice(list("abcdefg h"), RNG.integers(2, 30))).strip() or "a" for _ in range(40)]
DOCS = TextList([f"d{i:02d}" for i in range(40)], ROWS)
QUERIES = TextList([f"q{i}" for i in range(6)], [r[::-1] for r in ROWS[:6]])
RELEVANT = RelevantSet(np.arange(7) * 2, np.arange(12))


def scores_of(retriever) -> np.ndarray:
    found = retriever.search(k=40, places=tie_order(DOCS.ids), relevant=RELEVANT)
    out = np.zeros((6, 40))
    for i in range(6):
        kept = found.indices[i] >= 0
        out[i, found.indices[i][kept]] = found.scores[i][kept]
    return out


@pytest.fixture(scope="module")
def library_model(tiny_sparse):
    from sentence_transformers import SparseEncoder

    return SparseEncoder(tiny_sparse, device="cpu")


def theirs(model, **options) -> np.ndarray:
    a, b = (encode(texts, **options) for encode, texts in ((model.encode_query, list(QUERIES)), (model.encode_document, ROWS)))
    return model.similarity(a, b).to_dense().numpy()


def test_scores_and_ranks_are_those_of_sentence_transformers(tiny_sparse, library_model):
    retriever = build(tiny_sparse)
    assert isinstance(retriever, Retriever) and retriever.max_dim is None and retriever.family == "sparse"
    made = retriever.index(DOCS, QUERIES)
    expected = theirs(library_model)
    np.testing.assert_allclose(scores_of(retriever), expected, rtol=1e-4, atol=1e-4)
    ranks = retriever.search(k=5, places=tie_order(DOCS.ids), relevant=RELEVANT).ranks
    own = expected[RELEVANT.rows, RELEVANT.members]
    assert (np.abs(ranks.above - (expected[RELEVANT.rows] > own[:, None]).sum(axis=1)) <= 1).all()
    active = (library_model.encode_document(ROWS).to_dense().numpy() != 0).sum(axis=1).mean()
    assert made["notes"]["active_dims_per_doc"] == pytest.approx(active, abs=0.02)
    assert made["cost"]["bytes_per_doc"] >= 8 * active


def test_few_active_dimensions(tiny_sparse, library_model):
    retriever = build(f"{tiny_sparse}:max_active_dims=5")
    made = retriever.index(DOCS, QUERIES)
    np.testing.assert_allclose(scores_of(retriever), theirs(library_model, max_active_dims=5), rtol=1e-4, atol=1e-4)
    assert made["notes"]["active_dims_per_doc"] <= 5
    assert retriever.name.endswith(":max_active_dims=5")


def test_a_document_that_shares_nothing_is_not_retrieved(tiny_sparse):
    retriever = Sparse(tiny_sparse, max_active_dims=1)
    retriever.index(DOCS, QUERIES)
    found = retriever.search(k=40, places=tie_order(DOCS.ids), relevant=RELEVANT)
    shares = (np.asarray((retriever._queries != 0).astype(int).todense()) @ np.asarray((retriever._docs != 0).astype(int).todense()).T) > 0
    assert (~shares).any()
    assert [(row >= 0).sum() for row in found.indices] == shares.sum(axis=1).tolist()
    assert ((found.ranks.above < 0) == ~shares[RELEVANT.rows, RELEVANT.members]).all()


def test_cosine_where_the_model_says_so(library_model, tmp_path):
    from sentence_transformers import SparseEncoder

    model = SparseEncoder(modules=list(library_model), prompts={"query": "q: "}, similarity_fn_name="cosine", device="cpu")
    model.save(str(tmp_path / "cosine"))
    retriever = build(str(tmp_path / "cosine"))
    assert retriever.index(DOCS, QUERIES)["notes"]["similarity"] == "cosine"
    np.testing.assert_allclose(scores_of(retriever), theirs(model), atol=1e-5)


def test_blocks_of_queries_and_of_encoding_change_nothing(tiny_sparse, tmp_path, monkeypatch):
    a = Sparse(tiny_sparse)
    a.index(DOCS, QUERIES)
    whole = scores_of(a)
    monkeypatch.setattr(module, "_BLOCK_BYTES", 1)
    assert scores_of(a).tobytes() == whole.tobytes()
    monkeypatch.setattr(module, "BLOCK", 7)
    b = Sparse(tiny_sparse, cache=tmp_path)
    b.index(DOCS, QUERIES)
    np.testing.assert_allclose(scores_of(b), whole, rtol=1e-4)


def test_vectors_are_encoded_once_and_prompts_decide_them(tiny_sparse, library_model):
    Sparse(tiny_sparse).index(DOCS, QUERIES)
    assert "encode_seconds" not in Sparse(tiny_sparse).index(DOCS, QUERIES)["cost"]
    other = Sparse(tiny_sparse, query_prompt="", document_prompt="x ")
    assert "encode_seconds" in other.index(DOCS, QUERIES)["cost"]
    a = library_model.encode(list(QUERIES), prompt="")
    expected = library_model.similarity(a, library_model.encode(ROWS, prompt="x ")).to_dense().numpy()
    np.testing.assert_allclose(scores_of(other), expected, rtol=1e-4, atol=1e-4)
    assert other.config(1) != Sparse(tiny_sparse).config(1)


def test_wrong_options_are_refused(tiny_sparse):
    with pytest.raises(RangeError, match="max_active_dims"):
        Sparse(tiny_sparse, max_active_dims=0)
    with pytest.raises(InvalidArgument, match="trust_remote_code"):
        Sparse(tiny_sparse, trust_remote_code="no")
    with pytest.raises(RangeError, match=r"index\(\) must be called first"):
        scores_of(Sparse(tiny_sparse))
