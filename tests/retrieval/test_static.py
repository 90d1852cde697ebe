"""Static models: model2vec folders, and static embeddings of sentence-transformers, which are dense models to us."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from limitlab._core.errors import DataError, UnknownName
from limitlab._core.texts import TextList
from limitlab.retrieval import Dense, build
from limitlab.retrieval.static import Static
from limitlab.search import RelevantSet, exact_search, tie_order

pytestmark = pytest.mark.models

ROWS = ["abc de", "fgh", "a b c d e f", "", "xyz " * 300]
DOCS = TextList([f"d{i}" for i in range(5)], ROWS)
QUERIES = TextList(["q0", "q1"], ["cab", "z"])
NOTHING = RelevantSet(np.zeros(3, int), np.zeros(0, int))


def test_vectors_are_those_of_model2vec_at_every_dimension(tiny_static):
    from model2vec import StaticModel

    retriever = build(f"static:path={tiny_static}")
    assert isinstance(retriever, Static) and retriever.max_dim == 16
    made = retriever.index(DOCS, QUERIES)
    model = StaticModel.from_pretrained(tiny_static)
    docs, queries = model.encode(ROWS), model.encode(list(QUERIES))
    np.testing.assert_allclose(retriever._docs, docs, atol=1e-6)
    for dim in (16, 5):
        found = retriever.search(k=5, places=tie_order(DOCS.ids), relevant=NOTHING, dim=dim)
        again = exact_search(docs, queries, k=5, places=tie_order(DOCS.ids), dim=dim)
        assert (found.indices == again.indices).all()
    assert made["notes"]["token_limit"] in (16, 512) and made["notes"]["documents_cut"] == 1  # the tokeniser's limit or model2vec's


def test_a_folder_is_found_to_be_one_and_cached(tiny_static):
    first = build(tiny_static)
    assert first.index(DOCS, QUERIES)["cost"]["docs_encoded"] == 5
    assert "docs_encoded" not in build(f"static:path={tiny_static}").index(DOCS, QUERIES)["cost"]
    assert first.config(5)["retriever"] == "static"


def test_static_embeddings_of_sentence_transformers_are_dense_models(tiny_model, tmp_path):
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import StaticEmbedding
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(Path(tiny_model).parent / "bert" / "tokenizer.json"))
    weights = np.random.default_rng(3).standard_normal((tokenizer.get_vocab_size(), 8)).astype(np.float32)
    model = SentenceTransformer(modules=[StaticEmbedding(tokenizer, embedding_weights=weights)], device="cpu")
    model.save(str(tmp_path / "static"))
    retriever = build(str(tmp_path / "static"))
    assert type(retriever) is Dense
    made = retriever.index(DOCS, QUERIES)
    np.testing.assert_allclose(retriever._docs, model.encode(ROWS), atol=1e-5)
    assert "token_limit" not in made["notes"]


def test_what_is_no_static_model_is_refused(tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="cannot be loaded as a model2vec model"):
        _ = Static(str(tmp_path / "empty")).max_dim
    with pytest.raises(UnknownName, match="option 'dim'"):
        build("static:dim=3")
