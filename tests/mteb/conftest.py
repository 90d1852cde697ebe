"""mteb, a small LIMIT folder as its task, and a tiny model."""

from __future__ import annotations

import importlib.util
import os

import pytest

if importlib.util.find_spec("mteb") is None and os.environ.get("LIMITLAB_REQUIRE_ALL") != "1":
    collect_ignore_glob = ["test_*.py"]


@pytest.fixture(scope="session")
def limit():
    """60 queries over 120 documents."""
    import limitlab as ll

    return ll.make_limit(n_docs=120, n_queries=60, seed=1)


@pytest.fixture(scope="session")
def folder(limit, tmp_path_factory):
    import limitlab as ll

    return ll.write_dataset(limit, tmp_path_factory.mktemp("limit") / "data")


@pytest.fixture(scope="session")
def task(folder, limit, tmp_path_factory):
    """The folder as a task of mteb, which never reads anything but the folder."""
    os.environ["HF_DATASETS_CACHE"] = str(tmp_path_factory.mktemp("hf"))
    from limitlab.data import mteb_task

    return mteb_task(folder, name=limit.name)


@pytest.fixture(scope="session")
def tiny(tmp_path_factory) -> str:
    """A BERT of two layers and 16 dimensions with random weights and one token a character; prompts for queries and documents."""
    import torch
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Pooling, Transformer
    from tokenizers import Regex, Tokenizer, models, pre_tokenizers
    from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

    made = tmp_path_factory.mktemp("tiny")
    vocabulary = {t: i for i, t in enumerate(["[PAD]", "[UNK]", *"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ ,.?:"])}
    tokens = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))
    tokens.pre_tokenizer = pre_tokenizers.Split(Regex(r"[\s\S]"), "isolated")
    PreTrainedTokenizerFast(tokenizer_object=tokens, unk_token="[UNK]", pad_token="[PAD]", model_max_length=48).save_pretrained(
        made / "bert"
    )
    with torch.random.fork_rng():
        torch.manual_seed(0)
        BertModel(
            BertConfig(
                vocab_size=len(vocabulary),
                hidden_size=16,
                num_hidden_layers=2,
                num_attention_heads=2,
                intermediate_size=32,
                max_position_embeddings=64,
                initializer_range=0.3,
            )
        ).save_pretrained(made / "bert")
    modules = [Transformer(str(made / "bert"), max_seq_length=48), Pooling(16)]
    SentenceTransformer(modules=modules, prompts={"query": "q: ", "document": "d: "}, device="cpu").save(str(made / "model"))
    return str(made / "model")
