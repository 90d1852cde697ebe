"""A checkpoint is never scored as what it is not: its kind is read before it is loaded."""

from __future__ import annotations

import json

import pytest

from limitlab._core.errors import InvalidArgument
from limitlab.retrieval import Dense, build
from limitlab.retrieval.model_kinds import model_kind
from limitlab.retrieval.multi_vector import MultiVector
from limitlab.retrieval.sparse import Sparse
from limitlab.retrieval.static import Static

pytestmark = pytest.mark.models


def test_folders_are_built_by_their_kind(tiny_model, tiny_sparse, tiny_multi_vector, tiny_static):
    for folder, kind, cls in (
        (tiny_model, "dense", Dense),
        (tiny_sparse, "sparse", Sparse),
        (tiny_multi_vector, "multi-vector", MultiVector),
        (tiny_static, "static", Static),
    ):
        assert model_kind(folder) == kind
        assert type(build(folder)) is cls
        assert type(build(f"{folder}:name=x")) is cls


def test_other_kinds_are_refused_before_anything_is_encoded(tiny_model, tiny_sparse, tiny_multi_vector):
    for cls, folder, words in (
        (Dense, tiny_sparse, "is a sparse model.*Use Sparse"),
        (Dense, tiny_multi_vector, "is a multi-vector model.*Use MultiVector"),
        (Sparse, tiny_model, "is a dense model"),
        (Sparse, tiny_multi_vector, "is a multi-vector model"),
        (MultiVector, tiny_model, r"is a dense model.*tokens\("),
        (MultiVector, tiny_sparse, "is a sparse model"),
    ):
        with pytest.raises(InvalidArgument, match=words):
            retriever = cls(folder)
            _ = retriever.max_dim, retriever._encoder.model()


def test_what_sentence_transformers_would_have_done(tiny_sparse):
    """Why this is needed: it loads a sparse checkpoint as a dense model and pools its tokens."""
    from sentence_transformers import SentenceTransformer

    assert SentenceTransformer(tiny_sparse, device="cpu").encode(["abc"]).shape == (1, 32)


@pytest.mark.parametrize(
    ("name", "content", "kind"),
    [
        ("modules.json", [{"type": "sentence_transformers.sparse_encoder.models.SpladePooling"}], "sparse"),
        ("modules.json", [{"type": "sentence_transformers.models.Transformer"}, {"type": "pylate.models.Dense.Dense"}], "multi-vector"),
        ("modules.json", [{"type": "sentence_transformers.models.StaticEmbedding", "path": "0_StaticEmbedding"}], "dense"),
        ("config_sentence_transformers.json", {"model_type": "SparseEncoder"}, "sparse"),
        ("config.json", {"architectures": ["HF_ColBERT"], "hidden_size": 768}, "multi-vector"),
        ("config.json", {"architectures": ["BertModel"], "hidden_size": 768}, None),
        ("config.json", {"model_type": "model2vec", "architectures": ["StaticModel"]}, "static"),
        ("artifact.metadata", {"dim": 128}, "multi-vector"),
    ],
)
def test_signs_of_each_kind(tmp_path, name, content, kind):
    (tmp_path / name).write_text(json.dumps(content))
    assert model_kind(str(tmp_path)) == kind


def test_files_that_are_no_json_decide_nothing(tmp_path):
    (tmp_path / "modules.json").write_text("{")
    assert model_kind(str(tmp_path)) is None
    assert model_kind("no-one/no-such-model") is None
