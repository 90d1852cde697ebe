"""Multi-vector retrievers: one vector a token, scored by MaxSim, exactly."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from limitlab._core.checks import choice
from limitlab._core.errors import InvalidArgument, RangeError
from limitlab._core.files import content_hash
from limitlab._core.home import home
from limitlab._core.progress import SILENT, Progress
from limitlab._core.provenance import versions
from limitlab._core.texts import Texts
from limitlab.engine import elsewhere
from limitlab.retrieval.cache import text_keys
from limitlab.retrieval.dense import Dense
from limitlab.retrieval.encoder import LARGE_CORPUS, resolve_precision
from limitlab.retrieval.encoding import Encoding, clear_trust, cut_notes, encode_missing, encoding_cost
from limitlab.retrieval.packaged import PACKAGED, packaged_folder
from limitlab.retrieval.protocol import Retriever
from limitlab.retrieval.token_cache import TokenCache, token_folder
from limitlab.retrieval.token_encoders import LateInteractionEncoder, OwnTokens
from limitlab.search import RelevantSet, SearchResult
from limitlab.search.maxsim import maxsim_search
from limitlab.search.token_vectors import TokenVectors

BLOCK = 512  # texts encoded between two writes to the cache: what a kill can lose
STORAGES = ("auto", "float32", "float16")


class MultiVector:
    """A late-interaction model (ColBERT and its kin) of sentence-transformers; MaxSim, exact search.

    Parameters
    ----------
    model
        Folder or hub id of a multi-vector model, or an encoder that gives token vectors.
    name, label
        How it is called and shown; default: the model's own name.
    precision
        auto | float32 | bfloat16, of the model when it encodes documents; queries are encoded in float32. See ``resolve_precision``.
    storage
        auto | float32 | float16: how document vectors are kept on disk and read. auto: float16 from 5,000 documents on.
    query_prompt, document_prompt
        Put before every text; default: the prompts the model brings.
    trust_remote_code
        Run code that comes with the model. Off unless the user says so.
    cache
        Folder of cached vectors; default: under LIMITLAB_HOME.

    References
    ----------
    [Khattab2020]
    """

    family = "multi-vector"
    max_dim = None

    def __init__(
        self,
        model: str | LateInteractionEncoder | OwnTokens,
        *,
        name: str | None = None,
        label: str | None = None,
        precision: str = "auto",
        storage: str = "auto",
        query_prompt: str | None = None,
        document_prompt: str | None = None,
        trust_remote_code: bool = False,
        cache: Path | None = None,
    ) -> None:
        clear_trust("MultiVector()", trust_remote_code)
        resolve_precision(precision, 0)
        self.precision = precision
        self.storage = choice("MultiVector()", "storage", storage, STORAGES)
        self._encoder = LateInteractionEncoder(str(model), trust_remote_code=trust_remote_code) if isinstance(model, str | Path) else model
        source = self._encoder.source
        self.name = name or (Path(source).name if Path(source).is_dir() else source)
        self.label = label or self.name
        self._query_prompt, self._document_prompt = query_prompt, document_prompt
        self._cache_root = Path(cache) if cache is not None else None
        self._docs: TokenVectors | None = None

    @property
    def token_dim(self) -> int:
        """Values of a token's vector."""
        return self._encoder.dim

    def config(self, n_docs: int) -> dict[str, Any]:
        """Model, prompts, precision, storage."""
        precision, why = resolve_precision(self.precision, n_docs)
        return {
            "retriever": "multi-vector",
            "vectors": self._encoder.what,
            "score": "maxsim",
            "model": self._encoder.fingerprint,
            "label": self.label,
            "query_prompt": self._query_prompt,
            "document_prompt": self._document_prompt,
            "document_precision": precision,
            "why_this_precision": why,
            "query_precision": "float32",
            "document_storage": self._stored_as(n_docs),
            "sentence-transformers": versions().get("sentence-transformers"),
        }

    def _stored_as(self, n_docs: int) -> str:
        return self.storage if self.storage != "auto" else "float32" if n_docs < LARGE_CORPUS else "float16"

    def index(self, docs: Texts, queries: Texts, *, progress: Progress = SILENT) -> dict[str, Any]:
        """Encode what is not cached; returns costs, and how many texts exceed the model's limit."""
        precision, why = resolve_precision(self.precision, len(docs))
        storage = self._stored_as(len(docs))
        self._docs, doc_tokens, encoded, seconds = self._vectors(docs, "document", precision, storage, progress)
        self._queries, query_tokens, _, query_seconds = self._vectors(queries, "query", "float32", "float32", progress)
        self.truncated, cut = cut_notes(self._encoder.max_tokens, doc_tokens, query_tokens)
        notes: dict[str, Any] = {
            "document_precision": precision,
            "why_this_precision": why,
            "document_storage": storage,
            "dim_per_token": self._docs.dim,
            "vectors_per_doc": round(self._docs.n_tokens / max(1, len(docs)), 2),
            "vectors_per_query": round(self._queries.n_tokens / max(1, len(queries)), 2),
            "special_tokens": self._encoder.special_tokens,
            **cut,
        }
        cost: dict[str, float] = {"bytes_per_doc": self._docs.nbytes / max(1, len(docs))}
        cost |= encoding_cost(encoded, seconds, query_seconds)
        return {"cost": cost, "notes": notes}

    def search(
        self, *, k: int, places: np.ndarray, relevant: RelevantSet, dim: int | None = None, progress: Progress = SILENT
    ) -> SearchResult:
        """Exact MaxSim of every query with every document."""
        if self._docs is None:
            raise RangeError("MultiVector.search(): index() must be called first.")
        return maxsim_search(self._docs, self._queries, k=k, places=places, relevant=relevant, progress=progress)

    def encoded(self, docs: Texts, queries: Texts, *, progress: Progress = SILENT) -> tuple[TokenVectors, TokenVectors]:
        """(token vectors of documents, of queries), through the cache."""
        self.index(docs, queries, progress=progress)
        assert self._docs is not None
        return self._docs, self._queries

    def predict(self, measure: str, cut: int, **_: Any) -> float | None:
        """No closed form."""
        return None

    def uncached(self, docs: Texts) -> int:
        """Documents that ``index`` would encode: those whose vectors are not cached."""
        cache, _ = self._cache("document", resolve_precision(self.precision, len(docs))[0], self._stored_as(len(docs)))
        return int(cache.missing(text_keys(docs)).size)

    def _cache(self, kind: str, precision: str, storage: str) -> tuple[TokenCache, dict[str, object]]:
        """The token vectors that are there, and what decides them."""
        encoder = self._encoder
        prompt = encoder.prompt(kind, self._query_prompt if kind == "query" else self._document_prompt)
        identity: dict[str, object] = {
            "model": encoder.fingerprint, "vectors": encoder.what, "kind": kind, "prompt": prompt,
            "precision": precision, "storage": storage, "max_tokens": encoder.max_tokens,
        }  # fmt: skip
        cache = TokenCache(token_folder(self._cache_root or home() / "embeddings"), identity)
        cache.refresh()
        return cache, identity

    def _vectors(
        self, texts: Texts, kind: str, precision: str, storage: str, progress: Progress
    ) -> tuple[TokenVectors, np.ndarray, int, float]:
        """(vectors, tokens, number newly encoded, seconds spent encoding) of all texts, through the cache."""
        encoder = self._encoder
        cache, identity = self._cache(kind, precision, storage)
        keys = text_keys(texts)
        missing = cache.missing(keys)
        seconds = 0.0

        def keep(block: np.ndarray, made: list[np.ndarray], counted: np.ndarray) -> None:
            cache.add_ragged(keys[block], made, counted, dtype=storage)

        if missing.size:
            options = {"kind": kind, "prompt": identity["prompt"], "precision": precision}
            encode = Encoding(encoder, content_hash(identity), "encode_tokens", options)
            if not elsewhere():
                encoder.model(precision)  # loaded before the clock starts
            seconds = encode_missing(texts, missing, encode, keep, block=BLOCK, label=self.label, kind=kind, progress=progress)
            cache.refresh()
        vectors, tokens = cache.gather_ragged(keys)
        return vectors, tokens, int(missing.size), seconds


def tokens(parts: Sequence[Retriever], *, storage: str = "auto") -> MultiVector:
    """MaxSim over the token vectors of a dense model: ``tokens(minilm)``, ``tokens(./folder)``. Nothing is trained.

    Special tokens are dropped and each vector is scaled to unit length.

    Raises
    ------
    InvalidArgument
        What stands in the parentheses is not a dense model of sentence-transformers.
    """
    (dense,) = parts
    if type(dense) is not Dense:
        raise InvalidArgument(f"tokens(): the part must be a dense model of sentence-transformers; got {dense.name!r}.")
    return MultiVector(
        OwnTokens.of(dense._encoder),
        name=f"tokens({dense.name})" + ("" if storage == "auto" else f":storage={storage}"),
        label=f"MaxSim of {dense.label}",
        precision=dense.precision,
        storage=storage,
        query_prompt=dense._query_prompt,
        document_prompt=dense._document_prompt,
        cache=dense._cache_root,
    )


def minilm_maxsim(*, precision: str = "auto", storage: str = "auto") -> MultiVector:
    """MaxSim over the token vectors of the packaged all-MiniLM-L6-v2: nothing is trained, nothing is downloaded."""
    label, _ = PACKAGED["minilm"]
    name = "minilm-maxsim" + ("" if storage == "auto" else f":storage={storage}")
    return MultiVector(OwnTokens(packaged_folder("minilm")), name=name, label=f"MaxSim of {label}", precision=precision, storage=storage)
