"""Rerank servers: Cohere's ``/v2/rerank``, ``/v1/rerank`` of Jina, vLLM and new-api, ``/rerank`` of text-embeddings-inference."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from limitlab._core.checks import choice, real, whole
from limitlab._core.progress import Progress
from limitlab._core.texts import Texts
from limitlab.retrieval.remote.answers import by_index, count, field, numbers
from limitlab.retrieval.remote.connection import Connection, Home, text_option
from limitlab.retrieval.remote.http import batches
from limitlab.retrieval.remote.journal import Journal
from limitlab.retrieval.remote.sending import sendable
from limitlab.retrieval.remote.switches import flag
from limitlab.retrieval.remote.tei import server_info, whole_limit
from limitlab.retrieval.remote.usage import token_notes

_HOMES = {
    "cohere": Home("https://api.cohere.com", "COHERE_API_KEY"),
    "jina": Home("https://api.jina.ai/v1", "JINA_API_KEY"),
    "openai": Home(),
    "tei": Home(),
}
_PATHS = {"cohere": "v2/rerank", "jina": "rerank", "openai": "rerank", "tei": "rerank"}
_MOST = {"cohere": 1000, "jina": 1000, "openai": 1000}
SERVERS = tuple(_HOMES)


class RerankServer:
    """Scores by a rerank server.

    Parameters
    ----------
    server
        cohere | jina | tei | openai (vLLM, new-api and other servers of ``/v1/rerank``).
    model
        As the server calls it; needed by all but tei.
    url
        Base address: before ``/v2/rerank`` (cohere), before ``/rerank`` (jina, openai: ``http://localhost:8000/v1``; tei).
    key
        NAME of the environment variable with the key; see ``Connection``.
    batch
        Documents a request at most; default: the server's limit.
    truncate
        tei: let the server cut texts longer than the model reads. Off: it refuses them.
    price
        Of a million tokens, >= 0; the cost is shown where the server counts tokens.
    connection
        concurrency, timeout, retries, allow_http: see ``Connection``.

    Raises
    ------
    InvalidArgument
        No model, no address, no key.
    ServiceError
        The server refuses or fails, or leaves a document without a score.

    Notes
    -----
    Answers may come in any order and in either of two shapes, a list of ``score`` or ``results`` with ``relevance_score``. They
    are kept on disk until the search has finished, so that a killed run asks nothing twice.
    """

    def __init__(
        self,
        server: str,
        *,
        model: str | None = None,
        url: str | None = None,
        key: str | None = None,
        batch: int | None = None,
        truncate: bool = False,
        price: float | None = None,
        **connection: Any,
    ) -> None:
        self._server = choice("rerank", "server", server, SERVERS)
        self._who = f"rerank server {server}"
        self._model = None if model is None and server == "tei" else text_option(self._who, "model", model)
        self._client = Connection(url, key, **connection).client(self._who, _HOMES[server])
        self._batch = None if batch is None else whole(self._who, "batch", batch, low=1)
        self._truncate = flag(self._who, "truncate", truncate)
        self._price = None if price is None else real(self._who, "price", price, low=0.0)
        self.name = f"{server}:{self._model}" if self._model else server
        self.label = self._model or server
        self._reading = threading.Lock()
        self._notes: dict[str, Any] = {}

    def config(self) -> dict[str, Any]:
        """Server, address, model and options. Never a key."""
        served = {n: self.info.get(n) for n in ("model_id", "model_sha", "model_dtype")} if self._server == "tei" else {}
        return {
            "scorer": "server",
            "server": self._server,
            "url": self._client.url,
            "model": self._model,
            "truncate": self._truncate,
            "batch": self._most,  # a list-wise model sees what is sent together
            **served,
        }

    @cached_property
    def info(self) -> dict[str, Any]:
        """What text-embeddings-inference says about itself."""
        return server_info(self._who, self._client)

    def scores(self, queries: Texts, docs: Texts, candidates: Sequence[np.ndarray], *, progress: Progress) -> list[np.ndarray]:
        """Ask for one batch of a query's candidates at a time, several requests at once."""
        todo = [_Request(i, part) for i, listed in enumerate(candidates) for part in batches(listed.tolist(), most=self._most)]
        journal = Journal(self.config())
        finished = False
        try:
            with progress.task(f"{self.label}: rerank", len(todo)) as bar:
                answers = self._client.ordered(
                    lambda request: self._answer(request, queries, docs, journal), todo, done=lambda number: bar.advance(1)
                )
            finished = True
        finally:
            journal.close(finished=finished)
        self._take_notes(answers, todo)
        out: list[list[np.ndarray]] = [[] for _ in candidates]
        for request, answer in zip(todo, answers):
            out[request.query].append(numbers(self._who, answer["scores"]))
        return [np.concatenate(parts) if parts else np.zeros(0, np.float32) for parts in out]

    def notes(self) -> dict[str, Any]:
        """Tokens and cost of the last ``scores``, documents that were empty, the precision the server states."""
        return dict(self._notes)

    @property
    def _most(self) -> int:
        limit = whole_limit(self._who, self.info) if self._server == "tei" else _MOST[self._server]
        return min(self._batch or limit, limit)

    def _answer(self, request: _Request, queries: Texts, docs: Texts, journal: Journal) -> dict[str, Any]:
        with self._reading:
            query = sendable(queries[request.query])
            texts = [docs[j] for j in request.docs]
        empty = sum(not text for text in texts)
        body = self._body(query, [sendable(text) for text in texts])
        known = journal.get(body)
        if known is None:
            answer = self._client.post(_PATHS[self._server], body)
            known = {"scores": self._read(answer, len(texts)), "tokens": _tokens(answer), "units": _units(answer)}
            journal.put(body, known)
        return {**known, "empty": empty}

    def _body(self, query: str, texts: list[str]) -> dict[str, Any]:
        if self._server == "tei":
            return {"query": query, "texts": texts, "raw_scores": False, "return_text": False, "truncate": self._truncate}
        body: dict[str, Any] = {"model": self._model, "query": query, "documents": texts}
        return {**body, "top_n": len(texts)} if self._server != "jina" else {**body, "top_n": len(texts), "return_documents": False}

    def _read(self, answer: Any, n: int) -> list[float]:
        bare = isinstance(answer, list)
        rows = by_index(self._who, answer if bare else field(self._who, answer, "results"), n, "score" if bare else "relevance_score")
        return [float(x) for x in numbers(self._who, rows)]

    def _take_notes(self, answers: Sequence[dict[str, Any]], todo: Sequence[_Request]) -> None:
        tokens = [a["tokens"] for a in answers if a["tokens"] is not None]
        units = [a["units"] for a in answers if a["units"] is not None]
        empty = sum(a["empty"] for a in answers)
        self._notes = {"rerank_requests": len(todo)}
        if tokens:
            self._notes |= {f"rerank_{name}": value for name, value in token_notes(np.array(tokens, np.int64), self._price).items()}
        if units:
            self._notes["rerank_search_units"] = int(sum(units))
        if empty:
            self._notes["empty_documents_sent_as_a_space"] = empty
        if self._client.traffic.retries:
            self._notes["requests_repeated"] = self._client.traffic.retries
        if self._server == "tei":
            self._notes["served_dtype"] = str(self.info.get("model_dtype"))
            if self._truncate or self.info.get("auto_truncate"):
                self._notes["server_cuts_long_texts"] = f"at {self.info.get('max_input_length')} tokens"
        if self._server == "cohere":
            self._notes["server_cuts_long_texts"] = "at 4,096 tokens a document"


@dataclass(frozen=True)
class _Request:
    query: int
    docs: list[int]


def _tokens(answer: Any) -> int | None:
    counted = count(answer, "usage", "total_tokens")
    return count(answer, "meta", "tokens", "input_tokens") if counted is None else counted


def _units(answer: Any) -> int | None:
    return count(answer, "meta", "billed_units", "search_units")
