"""Dense retrievers: one vector a text, cosine, every truncation from one encoding."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from limitlab._core.checks import choice
from limitlab._core.errors import RangeError
from limitlab._core.files import content_hash
from limitlab._core.home import home
from limitlab._core.progress import SILENT, Progress
from limitlab._core.provenance import versions
from limitlab._core.texts import Texts
from limitlab.engine import elsewhere
from limitlab.retrieval.cache import EmbeddingCache, text_keys
from limitlab.retrieval.encoder import PRECISIONS, SentenceEncoder, resolve_precision
from limitlab.retrieval.encoder_settings import EncoderSettings
from limitlab.retrieval.encoding import Encoding, clear_trust, cut_notes, encode_missing, encoding_cost
from limitlab.search import RelevantSet, SearchResult, exact_search

BLOCK = 1024  # texts encoded between two writes to the cache: what a kill can lose
_MEMORY_BYTES = 4 << 30


class Dense:
    """Any sentence-transformers model; cosine similarity, exact search.

    Parameters
    ----------
    model
        Folder or hub id.
    name, label
        How it is called and shown; default: the model's own name.
    precision
        auto | float32 | bfloat16 | float16, for documents; queries are encoded in float32. See ``resolve_precision``. Where ``dtype``
        is given, auto means it, and queries are encoded as documents are.
    query_prompt, document_prompt
        Put before every text; default: the prompts the model brings.
    trust_remote_code
        Run code that comes with the model. Off unless the user says so.
    dtype
        float32 | bfloat16 | float16: what a model too large for float32 is loaded at.
    settings
        Pooling, padding, attention and the like in place of the model's own. In ``-m`` they are written as options:
        ``./folder:pooling=lasttoken,max_tokens=512``.
    facts
        More to record with the configuration (where settings came from).
    cache
        Folder of cached embeddings; default: under LIMITLAB_HOME.
    """

    family = "dense"
    cosine = True

    def __init__(
        self,
        model: str,
        *,
        name: str | None = None,
        label: str | None = None,
        precision: str = "auto",
        query_prompt: str | None = None,
        document_prompt: str | None = None,
        trust_remote_code: bool = False,
        dtype: str | None = None,
        settings: EncoderSettings = EncoderSettings(),  # noqa: B008 - frozen
        facts: dict[str, Any] | None = None,
        cache: Path | None = None,
    ) -> None:
        self.name = name or (Path(model).name if Path(model).is_dir() else model)
        self.label = label or self.name
        resolve_precision(precision, 0)
        clear_trust("Dense()", trust_remote_code)
        self.precision = precision
        if dtype is not None:
            choice("Dense()", "dtype", dtype, PRECISIONS[1:])
        self._dtype, self._settings, self._facts = dtype, settings, dict(facts or {})
        self._encoder = SentenceEncoder(str(model), trust_remote_code=trust_remote_code, settings=settings, smallest=self._query_precision)
        self._query_prompt, self._document_prompt = query_prompt, document_prompt
        self._cache_root = Path(cache) if cache is not None else None
        self._docs: np.ndarray | None = None

    @property
    def max_dim(self) -> int:
        """Full dimension of the model."""
        return self._encoder.dim

    def config(self, n_docs: int) -> dict[str, Any]:
        """Model, prompts, precision."""
        precision, why = self._document_precision(n_docs)
        return {
            "retriever": "dense",
            "model": self._encoder.fingerprint,
            "label": self.label,
            "query_prompt": self._query_prompt,
            "document_prompt": self._document_prompt,
            "document_precision": precision,
            "why_this_precision": why,
            "query_precision": self._query_precision,
            "sentence-transformers": versions().get("sentence-transformers"),
            **({"settings": given} if (given := self._settings.given()) else {}),
            **self._facts,
        }

    def index(self, docs: Texts, queries: Texts, *, progress: Progress = SILENT) -> dict[str, Any]:
        """Encode what is not cached; returns costs, and how many texts exceed the model's limit."""
        precision, why = self._document_precision(len(docs))
        self._docs, doc_tokens, encoded, seconds = self._vectors(docs, "document", precision, progress)
        self._queries, query_tokens, _, query_seconds = self._vectors(queries, "query", self._query_precision, progress)
        self.token_limit = self._encoder.max_tokens
        self.truncated, cut = cut_notes(self.token_limit, doc_tokens, query_tokens)
        notes: dict[str, Any] = {"document_precision": precision, "why_this_precision": why, **cut}
        cost: dict[str, float] = {"bytes_per_doc": 4.0 * self._docs.shape[1]}
        cost |= encoding_cost(encoded, seconds, query_seconds)
        return {"cost": cost, "notes": notes}

    def search(
        self, *, k: int, places: np.ndarray, relevant: RelevantSet, dim: int | None = None, progress: Progress = SILENT
    ) -> SearchResult:
        """Exact cosine search over the first ``dim`` values, renormalised."""
        if self._docs is None:
            raise RangeError("Dense.search(): index() must be called first.")
        return exact_search(self._docs, self._queries, k=k, places=places, dim=dim, relevant=relevant, progress=progress)

    def requery(self, queries: Texts) -> None:
        """Search for these from now on; their vectors are not cached."""
        self._queries = self.encode(list(queries), "query")

    def encode(self, texts: list[str], kind: str | None) -> np.ndarray:
        """(n, dim) float32 vectors as the model gives them, not cached, at the precision and with the adapter that ``index`` uses.

        Parameters
        ----------
        kind
            query | document, which decides prompt, adapter and precision; None for no prompt, no adapter, and the precision of queries.
        """
        given = {"query": self._query_prompt, "document": self._document_prompt}
        prompt = "" if kind is None else self._encoder.prompt(kind, given[kind])
        n_docs = len(texts) if self._docs is None else len(self._docs)  # the corpus decides what "auto" means
        precision = self._document_precision(n_docs)[0] if kind == "document" else self._query_precision
        task = None if kind is None else self._settings.task(kind)
        return self._encoder.encode(texts, prompt=prompt, precision=precision, **({} if task is None else {"task": task}))[0]

    def encoded(self, docs: Texts, queries: Texts, *, progress: Progress = SILENT) -> tuple[np.ndarray, np.ndarray]:
        """(document vectors, query vectors), both in full dimension, through the cache."""
        self.index(docs, queries, progress=progress)
        assert self._docs is not None
        return self._docs, self._queries

    def _document_precision(self, n_docs: int) -> tuple[str, str]:
        """(precision of documents, why)."""
        if self._dtype is not None and self.precision == "auto":
            return self._dtype, "what this model is loaded at"
        return resolve_precision(self.precision, n_docs)

    @property
    def _query_precision(self) -> str:
        """Queries are few: float32, unless the model is too large for it."""
        if self._dtype is None:
            return "float32"
        return self._dtype if self.precision == "auto" else self.precision

    def predict(self, measure: str, cut: int, **_: Any) -> float | None:
        """No closed form."""
        return None

    def uncached(self, docs: Texts) -> int:
        """Documents that ``index`` would encode: those whose vectors are not cached."""
        cache, _ = self._cache("document", self._document_precision(len(docs))[0])
        return int(cache.missing(text_keys(docs)).size)

    def _cache(self, kind: str, precision: str) -> tuple[EmbeddingCache, dict[str, object]]:
        """The vectors that are there, and what decides them beside the settings."""
        prompt = self._encoder.prompt(kind, self._query_prompt if kind == "query" else self._document_prompt)
        settings, task = self._settings.given(), self._settings.task(kind)
        identity: dict[str, object] = {
            "model": self._encoder.fingerprint, "prompt": prompt, "precision": precision, "max_tokens": self._encoder.max_tokens,
        }  # fmt: skip
        cache = EmbeddingCache(self._root, identity | ({"settings": {**settings, "task": task}} if settings else {}))
        cache.refresh()
        return cache, identity

    @property
    def _root(self) -> Path:
        return self._cache_root or home() / "embeddings"

    def _vectors(self, texts: Texts, kind: str, precision: str, progress: Progress) -> tuple[np.ndarray, np.ndarray, int, float]:
        """(vectors, tokens, number newly encoded, seconds spent encoding) of all texts, through the cache."""
        cache, identity = self._cache(kind, precision)
        settings, task = self._settings.given(), self._settings.task(kind)
        named = {} if task is None else {"task": task}
        keys = text_keys(texts)
        missing = cache.missing(keys)
        seconds = 0.0

        def keep(block: np.ndarray, vectors: np.ndarray, tokens: np.ndarray) -> None:
            cache.add(keys[block], vectors, tokens)

        if missing.size:
            options = {"prompt": identity["prompt"], "precision": precision, **named}
            encode = Encoding(self._encoder, content_hash({**identity, "settings": settings}), options=options)
            if not elsewhere():
                self._encoder.model(precision)  # loaded before the clock starts
            seconds = encode_missing(texts, missing, encode, keep, block=BLOCK, label=self.label, kind=kind, progress=progress)
            cache.refresh()
        vectors, tokens = cache.gather(keys, scratch=self._root / "scratch", memory_bytes=_MEMORY_BYTES)
        return vectors, tokens, int(missing.size), seconds
