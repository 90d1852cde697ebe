"""GTE-ModernColBERT's preset on a tiny ModernBERT with a projection: MaxSim against transformers alone."""

from __future__ import annotations

import importlib.util

import numpy as np
import pytest

from limitlab._core.texts import TextList
from limitlab.retrieval import build
from limitlab.search import RelevantSet, tie_order

from .conftest import VOCABULARY, tokenizer

pytestmark = [
    pytest.mark.models,
    pytest.mark.skipif(importlib.util.find_spec("limitlab.retrieval.multi_vector") is None, reason="no multi-vector retrievers here"),
]

DOCS = ["hello, you", "a", "the quick brown fox jumps over the lazy dog", "who likes apples", "one two three"]
QUERIES = ["who?", "apples and pears", "z"]


@pytest.fixture(scope="module")
def colbert(tmp_path_factory) -> tuple[str, np.ndarray]:
    """(folder of the whole model, projection (8, 32))."""
    import torch
    from sentence_transformers import MultiVectorEncoder
    from sentence_transformers.base.modules import Dense, Normalize, Transformer
    from sentence_transformers.multi_vector_encoder.modules import MultiVectorMask
    from transformers import ModernBertConfig, ModernBertModel

    root = tmp_path_factory.mktemp("moderncolbert")
    config = ModernBertConfig(
        vocab_size=len(VOCABULARY), hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=4,
        max_position_embeddings=128, initializer_range=0.3, pad_token_id=3, bos_token_id=1, eos_token_id=2, cls_token_id=1, sep_token_id=2,
        global_attn_every_n_layers=2, local_attention=8,
    )  # fmt: skip
    with torch.random.fork_rng():
        torch.manual_seed(7)
        ModernBertModel(config).save_pretrained(root / "bert")
        dense = Dense(
            32,
            8,
            bias=False,
            activation_function=torch.nn.Identity(),
            module_input_name="token_embeddings",
            module_output_name="token_embeddings",
        )
    tokenizer(
        root / "bert",
        "<s> $A </s>",
        bos_token="<s>",
        eos_token="</s>",
        cls_token="<s>",
        sep_token="</s>",
        pad_token="<pad>",
        mask_token="<unk>",
    )
    modules = [Transformer(str(root / "bert"), max_seq_length=30), dense, MultiVectorMask(), Normalize("token_embeddings")]
    MultiVectorEncoder(modules=modules, prompts={"query": "Q", "document": "D"}, device="cpu").save(str(root / "model"))
    return str(root / "model"), dense.linear.weight.detach().numpy().astype(np.float64)


def test_gte_moderncolbert_is_maxsim_over_projected_tokens(colbert):
    import torch
    from transformers import AutoModel

    folder, projection = colbert
    bert = AutoModel.from_pretrained(f"{folder}/../bert", dtype=torch.float32, attn_implementation="eager").eval()

    def tokens(text: str) -> np.ndarray:
        ids = [*[VOCABULARY["<s>"], *(VOCABULARY.get(c, 0) for c in text)][:29], VOCABULARY["</s>"]]
        with torch.no_grad():
            states = bert(torch.tensor([ids])).last_hidden_state[0].numpy().astype(np.float64) @ projection.T
        return states / np.linalg.norm(states, axis=1, keepdims=True)

    docs, queries = [tokens("D" + t) for t in DOCS], [tokens("Q" + t) for t in QUERIES]
    expected = np.array([[(q @ d.T).max(axis=1).sum() for d in docs] for q in queries])
    retriever = build(f"gte-moderncolbert-v1:folder={folder}")
    assert (retriever.name, retriever.label) == ("gte-moderncolbert-v1", "GTE-ModernColBERT")
    corpus = TextList([f"d{i}" for i in range(len(DOCS))], DOCS)
    retriever.index(corpus, TextList([f"q{i}" for i in range(len(QUERIES))], QUERIES))
    nothing = RelevantSet(np.zeros(len(QUERIES) + 1, np.int64), np.zeros(0, np.int64))
    found = retriever.search(k=len(DOCS), places=tie_order(corpus.ids), relevant=nothing)
    np.testing.assert_allclose(found.scores, np.take_along_axis(expected, found.indices, axis=1), atol=1e-4)
    np.testing.assert_allclose(found.scores, -np.sort(-expected, axis=1), atol=1e-4)
