"""Tiny random checkpoints of the architectures the presets are about, with tokenisers of one token a character."""

from __future__ import annotations

import importlib.util
import json
import os
from pathlib import Path

import pytest

LETTERS = [*"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ", *" \n:<|>.,?-"]
SPECIAL = ["<unk>", "<s>", "</s>", "<pad>", "<|endoftext|>", "<|im_end|>"]
VOCABULARY = {token: i for i, token in enumerate([*SPECIAL, *LETTERS])}


def tokenizer(folder: Path, template: str, **special: str) -> None:
    """Save a fast tokeniser whose texts look like ``template``."""
    from tokenizers import Regex, Tokenizer, models, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    made = Tokenizer(models.WordLevel(VOCABULARY, unk_token="<unk>"))
    made.pre_tokenizer = pre_tokenizers.Split(Regex(r"[\s\S]"), "isolated")
    used = [(t, VOCABULARY[t]) for t in SPECIAL if t in template]
    made.post_processor = processors.TemplateProcessing(single=template, special_tokens=used)
    PreTrainedTokenizerFast(tokenizer_object=made, unk_token="<unk>", model_max_length=4096, **special).save_pretrained(folder)


def decoder(kind: str, folder: Path, seed: int):
    """Save a decoder of two layers and 32 dimensions with random weights; returns it."""
    import torch
    import transformers

    sizes = {
        "vocab_size": len(VOCABULARY), "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4,
        "num_key_value_heads": 2, "max_position_embeddings": 256, "initializer_range": 0.3, "bos_token_id": 1, "eos_token_id": 2,
    }  # fmt: skip
    if kind == "Qwen3":
        sizes["head_dim"] = 8
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = getattr(transformers, f"{kind}Model")(getattr(transformers, f"{kind}Config")(**sizes))
    model.save_pretrained(folder)
    return model


@pytest.fixture(scope="session", autouse=True)
def _offline():
    os.environ["HF_HUB_OFFLINE"] = "1"


@pytest.fixture(scope="session")
def mistral(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Mistral whose tokeniser starts with <s> and has no pad token; its config names code of its own, as GritLM's does."""
    folder = tmp_path_factory.mktemp("mistral")
    decoder("Mistral", folder, 0)
    tokenizer(folder, "<s> $A", bos_token="<s>", eos_token="</s>")
    config = json.loads((folder / "config.json").read_text())
    config["auto_map"] = {"AutoModel": "modeling_of_its_own.Model"}
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "modeling_of_its_own.py").write_text("raise RuntimeError('this code must not run')\n")
    return str(folder)


@pytest.fixture(scope="session")
def qwen3(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Qwen3 whose tokeniser's end-of-text token is not the token that texts end with."""
    folder = tmp_path_factory.mktemp("qwen3")
    decoder("Qwen3", folder, 1)
    tokenizer(folder, "$A", eos_token="<|im_end|>", pad_token="<|endoftext|>")
    return str(folder)


@pytest.fixture(scope="session")
def llama_with_lora(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """A Llama base, a LoRA adapter on it, and the two merged."""
    if importlib.util.find_spec("peft") is None:
        (pytest.fail if os.environ.get("LIMITLAB_REQUIRE_ALL") == "1" else pytest.skip)("not installed: peft")
    import peft
    import torch
    from transformers import LlamaModel

    root = tmp_path_factory.mktemp("llama")
    decoder("Llama", root / "base", 2)
    with torch.random.fork_rng():
        torch.manual_seed(3)
        config = peft.LoraConfig(r=4, lora_alpha=8, target_modules=["q_proj", "v_proj", "o_proj"], init_lora_weights=False)
        adapted = peft.get_peft_model(LlamaModel.from_pretrained(root / "base"), config)
    adapted.save_pretrained(root / "adapter")
    record = json.loads((root / "adapter" / "adapter_config.json").read_text())
    record["base_model_name_or_path"] = str(root / "base")
    (root / "adapter" / "adapter_config.json").write_text(json.dumps(record))
    adapted.merge_and_unload().save_pretrained(root / "merged")
    for name in ("base", "adapter", "merged"):
        tokenizer(root / name, "<s> $A", bos_token="<s>", eos_token="</s>", pad_token="</s>")
    return {name: str(root / name) for name in ("base", "adapter", "merged")}


@pytest.fixture(scope="session")
def xlm_roberta(tmp_path_factory: pytest.TempPathFactory) -> str:
    """XLM-RoBERTa with <s> and </s> around every text."""
    import torch
    from transformers import XLMRobertaConfig, XLMRobertaModel

    folder = tmp_path_factory.mktemp("xlm-roberta")
    config = XLMRobertaConfig(
        vocab_size=len(VOCABULARY), hidden_size=32, num_hidden_layers=2, num_attention_heads=4, intermediate_size=64,
        max_position_embeddings=300, initializer_range=0.3, pad_token_id=3, bos_token_id=1, eos_token_id=2, type_vocab_size=1,
    )  # fmt: skip
    with torch.random.fork_rng():
        torch.manual_seed(4)
        XLMRobertaModel(config).save_pretrained(folder)
    tokenizer(folder, "<s> $A </s>", bos_token="<s>", eos_token="</s>", cls_token="<s>", sep_token="</s>", pad_token="<pad>")
    return str(folder)
