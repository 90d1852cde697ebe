"""Models to begin with: the packaged MiniLM, any sentence-transformers model, and a static one made here."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from limitlab._core.errors import InvalidArgument, RangeError, UnknownName
from limitlab._core.files import atomic_folder, content_hash
from limitlab._core.home import home
from limitlab._core.optional import require
from limitlab._core.seeds import derived
from limitlab.retrieval.encoder import SentenceEncoder, absolute_source
from limitlab.retrieval.model_kinds import ADAPTER, DENSE, STATIC, model_kind
from limitlab.retrieval.packaged import PACKAGED, packaged_folder
from limitlab.training.config import TrainConfig

_STATIC = ("static", "static:minilm", "static:random")
_STATIC_DIM = 384


@dataclass(frozen=True)
class Base:
    """An untrained model.

    Attributes
    ----------
    name
        As given.
    source
        Its folder, or hub id.
    fingerprint
        Hash of its files, or id and commit.
    """

    name: str
    source: str
    fingerprint: str


def resolve_base(name: str) -> Base:
    """A base model by name, made first where it is a static one.

    Raises
    ------
    MissingExtra
        The packages for training are not installed.
    UnknownName
        No such name or folder.
    InvalidArgument
        Its files say that it is no model of one vector a text.
    DataError
        The model cannot be loaded.
    """
    require("sentence_transformers", extra="demo", what="training and its models", package="sentence-transformers")
    for module in ("accelerate", "datasets"):
        require(module, extra="train", what="training runs", package=module)
    if name in _STATIC:
        source = str(_static_folder(name))
    elif name in PACKAGED:
        source = packaged_folder(name)
    elif "/" in name or Path(name).is_dir():
        source = absolute_source(name)  # it is sent to workers, whose folder is another
    else:
        raise UnknownName.of("train()", "base", name, [*PACKAGED, *_STATIC], hint="Models: owner/name, or ./folder.")
    kind = model_kind(source)
    if kind not in (None, DENSE, STATIC):
        raise InvalidArgument(
            f"train(): base must be a model of one vector a text; {name} is {'an' if kind == ADAPTER else 'a'} {kind} model. Pass base='minilm'."
        )
    return Base(name, source, SentenceEncoder(source).fingerprint)


def _static_folder(name: str) -> Path:
    """A model that is the mean of its token vectors, with MiniLM's tokeniser: made once, kept under LIMITLAB_HOME."""
    kind = "random" if name == "static:random" else "minilm"
    parent = SentenceEncoder(packaged_folder("minilm"))
    folder = home() / "training" / "bases" / f"static-{kind}-{content_hash(parent.fingerprint)}"
    if (folder / "modules.json").is_file():
        return folder
    import torch
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Normalize, StaticEmbedding
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(Path(parent.source) / "tokenizer.json"))
    tokenizer.no_truncation()
    if kind == "minilm":
        weights = parent.model()[0].auto_model.get_input_embeddings().weight.detach().clone()
    else:
        drawn = derived(0, "static token vectors").standard_normal((tokenizer.get_vocab_size(), _STATIC_DIM)) / np.sqrt(_STATIC_DIM)
        weights = torch.from_numpy(drawn.astype(np.float32))
    model = SentenceTransformer(modules=[StaticEmbedding(tokenizer, embedding_weights=weights), Normalize()], device="cpu")
    with atomic_folder(folder, who="train()", overwrite=True, marker="modules.json") as part:
        model.save(str(part))
    return folder


def trainable(base: Base, config: TrainConfig) -> Any:
    """The model as it stands before the first step: the base, with a projection where another dimension is asked for.

    The projection begins as a matrix with orthonormal rows (columns, where it widens), drawn from the seed, so that cosines
    begin near those of the base. It has no bias; a normalisation that the base ends with stays last.

    Raises
    ------
    RangeError
        A Matryoshka dimension exceeds the model's.
    InvalidArgument
        A multi-vector model is asked of a base without a transformer.
    """
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "true")
    model = SentenceEncoder(base.source).model()
    if config.architecture == "multi-vector":
        return _multi_vector(model, base, config)
    width = int(model.get_embedding_dimension())
    if config.matryoshka and max(config.matryoshka) > width:
        raise RangeError(f"train(): matryoshka must be in [1, {width}], the dimensions of {base.name}; got {max(config.matryoshka)}.")
    if config.dim is None:
        return model
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Normalize

    modules = list(model.children())
    at = len(modules) - 1 if isinstance(modules[-1], Normalize) else len(modules)
    modules.insert(at, _projection(width, config.dim, config.seed, "sentence_embedding"))
    kept = {"prompts": model.prompts, "default_prompt_name": model.default_prompt_name, "similarity_fn_name": model.similarity_fn_name}
    return SentenceTransformer(modules=modules, device=str(model.device), **kept)


def no_transformer(base: Base) -> InvalidArgument:
    """The error of a multi-vector training whose base has no tokens to give."""
    return InvalidArgument(f"train(): a multi-vector model must have a transformer as base; got base={base.name!r}. Pass base='minilm'.")


def _multi_vector(model: Any, base: Base, config: TrainConfig) -> Any:
    """One vector a token: the base's transformer, a projection of its tokens, unit length."""
    from sentence_transformers import MultiVectorEncoder
    from sentence_transformers.base.modules import Normalize
    from sentence_transformers.multi_vector_encoder.modules import MultiVectorMask

    first = model[0]
    if getattr(first, "auto_model", None) is None:
        raise no_transformer(base)
    modules = [first]
    if config.dim is not None:
        modules.append(_projection(int(first.get_embedding_dimension()), config.dim, config.seed, "token_embeddings"))
    modules += [MultiVectorMask(), Normalize(module_input_name="token_embeddings")]
    return MultiVectorEncoder(modules=modules, prompts=model.prompts, device=str(model.device))


def _projection(width: int, dim: int, seed: int, what: str) -> Any:
    import torch
    from sentence_transformers.sentence_transformer.modules import Dense

    rng = derived(seed, "projection", width, dim)
    square, _ = np.linalg.qr(rng.standard_normal((max(width, dim), min(width, dim))))
    weight = (square.T if dim <= width else square).astype(np.float32)  # (dim, width)
    init = torch.from_numpy(np.ascontiguousarray(weight)).clone()  # in torch's own memory: where weights lie can decide the last digit
    return Dense(width, dim, bias=False, activation_function=torch.nn.Identity(), init_weight=init, module_input_name=what)
