"""Dense retrievers whose vectors come from a server: batches within its limits, checked answers, every vector cached."""

from __future__ import annotations

import re
import threading
from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from limitlab._core.checks import real, whole
from limitlab._core.errors import RangeError, ServiceError
from limitlab._core.home import home
from limitlab._core.progress import SILENT, Progress
from limitlab._core.provenance import Stopwatch
from limitlab._core.texts import TextList, Texts
from limitlab.retrieval.cache import EmbeddingCache, text_keys
from limitlab.retrieval.encoding import PLURAL
from limitlab.retrieval.remote.connection import Connection, Home
from limitlab.retrieval.remote.http import batches
from limitlab.retrieval.remote.sending import sendable
from limitlab.retrieval.remote.usage import spread, token_notes
from limitlab.search import RelevantSet, SearchResult, exact_search

_MEMORY_BYTES = 4 << 30
_PROBE = "limitlab"  # the text whose vector tells the dimension of a model
_TOO_MUCH = re.compile(r"token|length|context|batch|payload|too (large|long|many|big)|at most|limit", re.IGNORECASE)


@dataclass(frozen=True)
class Embedded:
    """A service's answer: (n, dim) float32 vectors in the order of the texts; tokens it counted in all, None if it does not say."""

    vectors: np.ndarray
    tokens: int | None = None


class ServedDense(ABC):
    """What all embedding servers share; cosine, exact search.

    Parameters
    ----------
    model
        As the service calls it.
    dimensions
        Asked of the service, >= 1; None: the model's own. Smaller ones are cut from what the service sends, and renormalised.
    query_prompt, document_prompt
        Put before every text.
    max_chars
        Cut every text to this many characters before it is sent, >= 1; how many were cut is shown. None: nothing is cut.
    batch
        Texts a request at most, >= 1.
    price
        Of a million tokens, >= 0, in any currency: the cost is shown.
    version
        Anything; vectors of another version are asked for anew.
    cache
        Folder of cached embeddings; default: under LIMITLAB_HOME.
    name, label
        How it is called and shown.
    connection
        url, key, concurrency, timeout, retries, allow_http: see ``Connection``.

    Raises
    ------
    InvalidArgument
        Before anything is sent: no model, no address, no key.
    ServiceError
        The service refuses or fails, or its answer is not one finite vector of one dimension for every text.

    Notes
    -----
    Every answer is on disk before the next request of its thread: a killed run asks again only for what was in flight. Texts that
    are equal are asked for once. Empty texts are sent as one space (services refuse empty ones) and counted. A request that the
    service finds too large is halved until it fits.
    """

    family = "dense"
    cosine = True
    service: ClassVar[str] = ""
    home: ClassVar[Home] = Home()
    most_texts: ClassVar[int] = 64
    most_bytes: ClassVar[int] = 400_000

    def __init__(
        self,
        *,
        model: str,
        url: str | None = None,
        key: str | None = None,
        dimensions: int | None = None,
        query_prompt: str = "",
        document_prompt: str = "",
        max_chars: int | None = None,
        batch: int | None = None,
        price: float | None = None,
        version: str | None = None,
        cache: Path | str | None = None,
        concurrency: int = 4,
        timeout: float = 60.0,
        retries: int = 6,
        allow_http: bool = False,
        name: str | None = None,
        label: str | None = None,
    ) -> None:
        who = self.service
        self.model = model
        self.dimensions = None if dimensions is None else whole(who, "dimensions", dimensions, low=1)
        self.max_chars = None if max_chars is None else whole(who, "max_chars", max_chars, low=1)
        self.price = None if price is None else real(who, "price", price, low=0.0)
        self._batch = None if batch is None else whole(who, "batch", batch, low=1)
        self._prompts = {"query": str(query_prompt), "document": str(document_prompt)}
        self._version = None if version is None else str(version)
        self._root = Path(cache) if cache is not None else None
        self._client = Connection(url, key, concurrency, timeout, retries, allow_http).client(who, self.home)
        self.name = name or f"{who}:{model}" + (f",dimensions={dimensions}" if dimensions else "")
        self.label = label or name or model + (f" ({dimensions} dimensions)" if dimensions else "")
        self.truncated = np.zeros(0, np.int64)
        self._dim: int | None = self.dimensions
        self._docs: np.ndarray | None = None
        self._reading = threading.Lock()  # texts on disk are read by one thread at a time
        self._splits = 0

    @abstractmethod
    def _ask(self, texts: list[str], kind: str) -> Embedded:
        """One request for the vectors of texts that are not empty; ``kind`` is "query" or "document"."""

    def _identity(self, kind: str) -> dict[str, Any]:
        """What decides a vector beside the text, the address, the model, the prompt and the dimensions."""
        return {}

    def _limits(self) -> tuple[int, int]:
        """(texts, bytes of text) a request at most."""
        return self._batch or self.most_texts, self.most_bytes

    def _said(self) -> dict[str, Any]:
        """Notes about what the service says of itself."""
        return {}

    @property
    def max_dim(self) -> int:
        """The dimension asked for, or the model's own: of cached vectors, else of one short text."""
        if self._dim is None:
            probe = TextList(["probe"], [_PROBE])
            self._dim = int(self._vectors(probe, "query", SILENT).vectors.shape[1])
        return self._dim

    def config(self, n_docs: int) -> dict[str, Any]:
        """Service, address, model, and whatever decides the vectors. Never a key."""
        return {
            "retriever": self.service,
            "label": self.label,
            "query": self._full_identity("query"),
            "document": self._full_identity("document"),
        }

    def index(self, docs: Texts, queries: Texts, *, progress: Progress = SILENT) -> dict[str, Any]:
        """Ask for what is not cached; returns costs, tokens, and what was cut or empty."""
        _ = self.max_dim  # before the documents are paid for: every answer is compared with it
        watch = Stopwatch().restart()
        found = self._vectors(docs, "document", progress)
        seconds = watch.so_far()
        asked = self._vectors(queries, "query", progress)
        self._docs, self._queries = found.vectors, asked.vectors
        cost: dict[str, float] = {"bytes_per_doc": 4.0 * self._docs.shape[1]}
        if found.n_asked:
            cost |= {"encode_seconds": seconds, "docs_encoded": float(found.n_asked), "docs_per_second": found.n_asked / seconds}
        if asked.n_asked:
            cost["encode_queries_seconds"] = watch.so_far() - seconds
        notes = {**self._said(), **token_notes(np.concatenate([found.tokens, asked.tokens]), self.price)}
        notes |= self._counted(docs, queries)
        if self._splits:
            notes["requests_halved"] = self._splits
        if self._client.traffic.retries:
            notes["requests_repeated"] = self._client.traffic.retries
        return {"cost": cost, "notes": notes}

    def search(
        self, *, k: int, places: np.ndarray, relevant: RelevantSet, dim: int | None = None, progress: Progress = SILENT
    ) -> SearchResult:
        """Exact cosine search over the first ``dim`` values, renormalised."""
        if self._docs is None:
            raise RangeError(f"{self.service}: index() must be called before search().")
        return exact_search(self._docs, self._queries, k=k, places=places, dim=dim, relevant=relevant, progress=progress)

    def encoded(self, docs: Texts, queries: Texts, *, progress: Progress = SILENT) -> tuple[np.ndarray, np.ndarray]:
        """(document vectors, query vectors), both in full dimension, through the cache."""
        self.index(docs, queries, progress=progress)
        assert self._docs is not None
        return self._docs, self._queries

    def vectors_of(self, texts: list[str], kind: str) -> np.ndarray:
        """(n, dim) float32 vectors of texts that need not be a whole corpus, through the cache; ``kind`` is query or document."""
        return np.asarray(self._vectors(TextList([str(i) for i in range(len(texts))], texts), kind, SILENT).vectors)

    def predict(self, measure: str, cut: int, **_: Any) -> float | None:
        """No closed form."""
        return None

    def _full_identity(self, kind: str) -> dict[str, Any]:
        return {
            "service": self.service,
            "url": self._client.url,
            "model": self.model,
            "prompt": self._prompts[kind],
            "dimensions": self.dimensions,
            "max_chars": self.max_chars,
            "version": self._version,
            **self._identity(kind),
        }

    def _counted(self, docs: Texts, queries: Texts) -> dict[str, Any]:
        """Texts that are empty or cut; where nothing can be either, no text is read again."""
        notes: dict[str, Any] = {}
        cut: dict[str, list[int]] = {}
        for kind, texts in (("document", docs), ("query", queries)):
            empty = 0
            cut[kind] = []
            for i, text in enumerate(texts):
                empty += not text and not self._prompts[kind]
                if self.max_chars is not None and len(text) > self.max_chars:
                    cut[kind].append(i)
            if empty:
                notes[f"empty_{PLURAL[kind]}_sent_as_a_space"] = empty
            if cut[kind]:
                notes[f"{PLURAL[kind]}_cut_at_characters"] = len(cut[kind])
                notes["max_chars"] = self.max_chars
        self.truncated = np.array(cut["document"], np.int64)
        return notes

    def _vectors(self, texts: Texts, kind: str, progress: Progress) -> _Found:
        """Vectors of all texts, through the cache, in the order of ``texts``."""
        root = self._root or home() / "embeddings"
        cache = EmbeddingCache(root, self._full_identity(kind))
        cache.refresh()
        keys = text_keys(texts)
        missing = cache.missing(keys)
        if missing.size:
            most, most_bytes = self._limits()
            todo = batches(missing.tolist(), most=most, size=lambda i: _size(texts[i]) + 8, most_size=most_bytes)

            def one(batch: list[int]) -> None:
                for part in self._halved(texts, batch, kind):
                    cache.add(keys[part.places], part.vectors, part.tokens)

            with progress.task(f"{self.label}: embed {PLURAL[kind]}", missing.size) as bar:
                self._client.ordered(one, todo, done=lambda number: bar.advance(len(todo[number])))
            cache.refresh()
        vectors, tokens = cache.gather(keys, scratch=root / "scratch", memory_bytes=_MEMORY_BYTES)
        _, first = np.unique(keys, return_index=True)
        return _Found(vectors, tokens[first], int(missing.size))

    def _halved(self, texts: Texts, places: list[int], kind: str):
        """Answers for a batch, one or, where the service finds it too large, several; each as soon as it is there."""
        with self._reading:
            sent = [sendable(self._prompts[kind] + texts[i][: self.max_chars]) for i in places]
        try:
            answer = self._ask(sent, kind)
        except ServiceError as error:
            said = str(error).partition(f" {error.status}: ")[2]  # the service's words, without the address
            too_much = error.status == 413 or (error.status in (400, 422) and _TOO_MUCH.search(said) is not None)
            if len(places) == 1 and error.status in (400, 413, 422):  # the text may be to blame: it is named
                advice = " Pass max_chars= to cut texts before they are sent." if too_much else ""
                sentence = f"{str(error).rstrip('. ')} (the {kind} {texts.ids[places[0]]!r}).{advice}"
                raise ServiceError(sentence, status=error.status) from error
            if not too_much or len(places) == 1:
                raise
            with self._reading:
                self._splits += 1
            middle = len(places) // 2
            yield from self._halved(texts, places[:middle], kind)
            yield from self._halved(texts, places[middle:], kind)
            return
        dim = answer.vectors.shape[1]
        if self._dim is not None and dim != self._dim:
            raise ServiceError(
                f"{self.service}: vectors must have {self._dim} dimensions, as asked for or as before; got {dim}. "
                "If the model behind the name has changed, pass version= to ask for everything anew."
            )
        yield _Part(places, answer.vectors, spread(answer.tokens, [_size(t) for t in sent]))


def _size(text: str) -> int:
    return len(text.encode("utf-8", "replace"))


@dataclass(frozen=True)
class _Found:
    """(n, dim) vectors of n texts; tokens of the different ones; how many were asked for now."""

    vectors: np.ndarray
    tokens: np.ndarray
    n_asked: int


@dataclass(frozen=True)
class _Part:
    places: list[int]
    vectors: np.ndarray
    tokens: np.ndarray
