"""Vectors of presets against transformers alone: one text at a time, no padding, pooling written out here."""

from __future__ import annotations

import numpy as np
import pytest

from limitlab._core.errors import DataError
from limitlab._core.texts import TextList
from limitlab.retrieval import Dense, build

from .conftest import VOCABULARY

pytestmark = pytest.mark.models

DOCS = ["hello, you", "a", "the quick brown fox jumps over the lazy dog. " * 3, "who likes apples", "The end.", "one two three"]
QUERIES = ["who?", "apples and pears and plums", "z"]
ASK = "Instruct: Given a web search query, retrieve relevant passages that answer the query\nQuery:"
BOS, EOS, END = (VOCABULARY[t] for t in ("<s>", "</s>", "<|endoftext|>"))


def ids_of(text: str) -> list[int]:
    return [VOCABULARY.get(c, 0) for c in text]


def hidden_states(folder: str, ids: list[int], *, both_ways: bool = False) -> np.ndarray:
    """(tokens, 32) of the last layer by transformers itself."""
    import torch
    from transformers import AutoModel

    key = (folder, both_ways)
    if key not in hidden_states.models:  # type: ignore[attr-defined]
        hidden_states.models[key] = AutoModel.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager").eval()  # type: ignore[attr-defined]
    # A mask of four dimensions is taken as it is: all zeros lets every token see every other.
    mask = torch.zeros(1, 1, len(ids), len(ids)) if both_ways else None
    with torch.no_grad():
        return hidden_states.models[key](torch.tensor([ids]), attention_mask=mask).last_hidden_state[0].numpy()  # type: ignore[attr-defined]


hidden_states.models = {}  # type: ignore[attr-defined]


def unit(rows) -> np.ndarray:
    rows = np.asarray(rows, np.float64)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def vectors(spec: str) -> tuple[np.ndarray, np.ndarray]:
    docs, queries = build(spec).encoded(
        TextList([f"d{i}" for i in range(len(DOCS))], DOCS), TextList([f"q{i}" for i in range(len(QUERIES))], QUERIES)
    )
    return unit(docs), unit(queries)


def last_token(folder: str, prompt: str, texts: list[str], end: int, start: list[int], limit: int) -> np.ndarray:
    rows = [[*[*start, *ids_of(prompt + t)][: limit - 1], end] for t in texts]
    return unit([hidden_states(folder, row)[-1] for row in rows])


def mean_without_prompt(folder: str, prompt: str, texts: list[str], limit: int) -> np.ndarray:
    out = []
    for text in texts:
        ids = [BOS, *ids_of(prompt + text)][:limit]
        out.append(hidden_states(folder, ids, both_ways=True)[1 + len(prompt) :].mean(axis=0))
    return unit(out)


def test_gritlm_sees_both_ways_and_leaves_the_instruction_out_of_the_mean(mistral):
    docs, queries = vectors(f"gritlm-7b:folder={mistral},dtype=float32,max_tokens=150,instruction=Find it, now")
    np.testing.assert_allclose(docs, mean_without_prompt(mistral, "<|embed|>\n", DOCS, 150), atol=1e-5)
    np.testing.assert_allclose(queries, mean_without_prompt(mistral, "<|user|>\nFind it, now\n<|embed|>\n", QUERIES, 150), atol=1e-5)


def test_with_causal_attention_gritlm_would_be_another_model(mistral):
    """Without this the test above could pass with attention in one direction."""
    docs, _ = vectors(f"gritlm-7b:folder={mistral},dtype=float32")
    causal, _ = vectors(f"gritlm-7b:folder={mistral},dtype=float32,bidirectional=false")
    with_prompt, _ = vectors(f"gritlm-7b:folder={mistral},dtype=float32,include_prompt=true")
    assert (docs * causal).sum(axis=1).min() < 0.99
    assert (docs * with_prompt).sum(axis=1).min() < 0.99


def test_e5_mistral_is_the_vector_of_the_end_token(mistral):
    docs, queries = vectors(f"e5-mistral-7b-instruct:folder={mistral},dtype=float32,max_tokens=120")
    np.testing.assert_allclose(docs, last_token(mistral, "", DOCS, EOS, [BOS], 120), atol=1e-5)
    np.testing.assert_allclose(queries, last_token(mistral, ASK + " ", QUERIES, EOS, [BOS], 120), atol=1e-5)


def test_qwen3_ends_with_endoftext_and_pads_on_the_left(qwen3):
    retriever = build(f"qwen3-embedding-0.6b:folder={qwen3},dtype=float32,max_tokens=130")
    assert isinstance(retriever, Dense)
    assert retriever._encoder.model().tokenizer.padding_side == "left"
    docs, queries = vectors(f"qwen3-embedding-0.6b:folder={qwen3},dtype=float32,max_tokens=130")
    np.testing.assert_allclose(docs, last_token(qwen3, "", DOCS, END, [], 130), atol=1e-5)
    np.testing.assert_allclose(queries, last_token(qwen3, ASK, QUERIES, END, [], 130), atol=1e-5)


def test_promptriever_merged_and_adapter_folder_agree(llama_with_lora):
    merged = llama_with_lora["merged"]
    docs, queries = vectors(f"promptriever-llama3.1-8b:folder={merged},dtype=float32,max_tokens=90")
    np.testing.assert_allclose(docs, last_token(merged, "passage:  ", DOCS, EOS, [BOS], 90), atol=1e-5)
    np.testing.assert_allclose(queries, last_token(merged, "query:  ", QUERIES, EOS, [BOS], 90), atol=1e-5)
    with_adapter = vectors(f"promptriever-llama3.1-8b:folder={llama_with_lora['adapter']},dtype=float32,max_tokens=90")
    np.testing.assert_allclose(with_adapter[0], docs, atol=1e-4)
    np.testing.assert_allclose(with_adapter[1], queries, atol=1e-4)
    base, _ = vectors(f"promptriever-llama3.1-8b:folder={llama_with_lora['base']},dtype=float32,max_tokens=90")
    assert (base * docs).sum(axis=1).min() < 0.99, "the adapter must matter"


def test_an_adapter_on_another_base_has_another_fingerprint(llama_with_lora, tmp_path):
    import json
    import shutil

    copy = tmp_path / "adapter"
    shutil.copytree(llama_with_lora["adapter"], copy)
    record = json.loads((copy / "adapter_config.json").read_text())
    (copy / "adapter_config.json").write_text(json.dumps({**record, "base_model_name_or_path": llama_with_lora["merged"]}))
    assert Dense(str(copy)).config(1)["model"] != Dense(llama_with_lora["adapter"]).config(1)["model"]


@pytest.mark.parametrize(
    ("name", "pooling", "query", "document", "limit"),
    [
        ("snowflake-arctic-embed-l-v2.0", "cls", "query: ", "", 100),
        ("bge-m3", "cls", "", "", 100),
        ("multilingual-e5-large-instruct", "mean", ASK + " ", "", 110),
        ("e5-base-v2", "mean", "query: ", "passage: ", 100),
    ],
)
def test_encoders_pool_the_first_token_or_the_mean(xlm_roberta, name, pooling, query, document, limit):
    def expected(prompt, texts):
        rows = [[*[BOS, *ids_of(prompt + t)][: limit - 1], EOS] for t in texts]
        states = [hidden_states(xlm_roberta, row) for row in rows]
        return unit([s[0] if pooling == "cls" else s.mean(axis=0) for s in states])

    docs, queries = vectors(f"{name}:folder={xlm_roberta},max_tokens={limit}")
    np.testing.assert_allclose(docs, expected(document, DOCS), atol=1e-5)
    np.testing.assert_allclose(queries, expected(query, QUERIES), atol=1e-5)


@pytest.mark.parametrize("name", ["gritlm-7b", "qwen3-embedding-8b", "e5-mistral-7b-instruct"])
def test_company_order_and_padding_do_not_change_a_vector(mistral, qwen3, name, tmp_path):
    folder = qwen3 if name.startswith("qwen3") else mistral
    encoder = build(f"{name}:folder={folder},dtype=float32")._encoder
    prompt = encoder.prompt("document", build(f"{name}:folder={folder}")._document_prompt)

    def encoded(texts):
        return unit(encoder.encode(texts, prompt=prompt, precision="float32")[0])

    together = encoded(DOCS)
    np.testing.assert_allclose(encoded(DOCS[::-1])[::-1], together, atol=1e-5)
    np.testing.assert_allclose(np.concatenate([encoded([t]) for t in DOCS]), together, atol=1e-5)


@pytest.mark.parametrize("name", ["gritlm-7b", "e5-mistral-7b-instruct"])
def test_large_models_are_loaded_and_asked_at_their_own_precision(mistral, name):
    import torch

    retriever = build(f"{name}:folder={mistral}")
    wanted = {"gritlm-7b": "bfloat16", "e5-mistral-7b-instruct": "float16"}[name]
    config = retriever.config(3)
    assert (config["document_precision"], config["query_precision"]) == (wanted, wanted)
    retriever.index(TextList(["d"], ["hello"]), TextList(["q"], ["who"]))
    assert set(retriever._encoder._models) == {wanted}, "no float32 copy is made"
    assert next(retriever._encoder.model()[0].parameters()).dtype is getattr(torch, wanted)
    half, full = vectors(f"{name}:folder={mistral}")[0], vectors(f"{name}:folder={mistral},dtype=float32")[0]
    assert (half * full).sum(axis=1).min() > 0.98


def test_layer_norm_comes_before_the_cut(xlm_roberta):
    plain, _ = build(f"nomic-embed-text-v1.5:folder={xlm_roberta},layer_norm=false").encoded(
        TextList(["d"], ["abc"]), TextList(["q"], ["a"])
    )
    normed, _ = build(f"nomic-embed-text-v1.5:folder={xlm_roberta}").encoded(TextList(["d"], ["abc"]), TextList(["q"], ["a"]))
    row = plain[0].astype(np.float64)
    np.testing.assert_allclose(normed[0], (row - row.mean()) / np.sqrt(row.var() + 1e-5), atol=1e-5)


def test_tasks_reach_the_model_and_part_the_cache(xlm_roberta, monkeypatch):
    from sentence_transformers import SentenceTransformer

    asked = []
    encode = SentenceTransformer.encode

    def spy(self, texts, **options):
        asked.append(options.pop("task", None))
        return encode(self, texts, **options)

    monkeypatch.setattr(SentenceTransformer, "encode", spy)
    spec = f"jina-embeddings-v3:folder={xlm_roberta},query_prompt=,document_prompt="
    build(spec).index(TextList(["d"], ["same"]), TextList(["q"], ["same"]))
    assert asked == ["retrieval.passage", "retrieval.query"], "the same text under another task is another vector"


def test_a_token_that_the_tokeniser_lacks_is_refused(xlm_roberta):
    with pytest.raises(DataError, match=r"must end with '<\|nothing\|>', which its tokeniser does not have"):
        _ = Dense(xlm_roberta, settings=build(f"{xlm_roberta}:end_token=<|nothing|>")._encoder.settings).max_dim


def test_settings_are_options_of_any_folder_and_part_of_its_key(xlm_roberta):
    plain, other = build(xlm_roberta), build(f"{xlm_roberta}:pooling=cls,max_tokens=20")
    assert "settings" not in plain.config(1)
    assert other.config(1)["settings"] == {"pooling": "cls", "max_tokens": 20}
    assert other._encoder.max_tokens == 20
