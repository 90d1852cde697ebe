"""The HTTP application: Dify's External Knowledge API, plain JSON search, embeddings, health."""

from __future__ import annotations

import base64
import hmac
import ipaddress
import json
import socket
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import numpy as np

from limitlab._core.checks import whole
from limitlab._core.errors import InvalidArgument, LimitlabError
from limitlab._core.optional import require
from limitlab.retrieval.remote.keys import Secret
from limitlab.search import normalised
from limitlab.serve.requests import dify_question, embedding_question, plain_question
from limitlab.serve.searcher import Searcher

WHO = "limitlab serve"
_NO_HEADER, _WRONG_KEY, _NO_KNOWLEDGE = 1001, 1002, 2001  # Dify's error codes
_MOST_BYTES = 4 << 20


@dataclass(frozen=True)
class ServeConfig:
    """Where and for whom.

    Attributes
    ----------
    knowledge
        The id under which Dify asks for this corpus.
    host, port
        Address to bind; 127.0.0.1 is reached from this machine only.
    max_bytes
        Longer requests are refused.

    Raises
    ------
    InvalidArgument
        The port is none, or the knowledge has no name.
    """

    knowledge: str
    host: str = "127.0.0.1"
    port: int = 8808
    max_bytes: int = _MOST_BYTES

    def __post_init__(self) -> None:
        whole(WHO, "port", self.port, low=0, high=65535)
        whole(WHO, "max_bytes", self.max_bytes, low=1)
        if not self.knowledge:
            raise InvalidArgument(f"{WHO}: knowledge must have a name; got ''.")

    @property
    def local(self) -> bool:
        """Whether only this machine reaches it."""
        return is_local(self.host)


def is_local(host: str) -> bool:
    """Whether a host is this machine's own: localhost, 127.0.0.0/8, ::1."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class _Refused(Exception):
    def __init__(self, status: int, message: str, code: int | None = None) -> None:
        super().__init__(message)
        self.status, self.code = status, code


def checked_key(config: ServeConfig, key: Secret | None) -> Secret | None:
    """The key, which must be there where other machines reach the server.

    Raises
    ------
    InvalidArgument
        It is not.
    """
    if key is None and not config.local:
        raise InvalidArgument(
            f"{WHO}: a key must be set where other machines reach the server; --host is {config.host}. Run: export LIMITLAB_SERVE_KEY=..."
        )
    return key


def application(searcher: Searcher, config: ServeConfig, key: Secret | None) -> Any:
    """The application, for any ASGI server.

    Raises
    ------
    MissingExtra
        starlette is not installed.
    InvalidArgument
        There is no key and other machines reach the server.
    """
    applications = require("starlette.applications", extra="serve", what="servers", package="starlette")
    routing = require("starlette.routing", extra="serve", what="servers", package="starlette")
    handlers = _Handlers(searcher, config, checked_key(config, key))
    routes = [
        routing.Route("/retrieval", handlers.guarded(handlers.retrieval), methods=["POST"]),
        routing.Route("/search", handlers.guarded(handlers.search), methods=["POST"]),
        routing.Route("/health", handlers.health, methods=["GET"]),
    ]
    if searcher.embeds:
        routes.append(routing.Route("/v1/embeddings", handlers.guarded(handlers.embeddings), methods=["POST"]))
    return applications.Starlette(routes=routes)


def serve(searcher: Searcher, config: ServeConfig, key: Secret | None, *, ready: Callable[[str], None] | None = None) -> None:
    """Serve until Ctrl-C. Neither headers nor bodies are logged.

    Parameters
    ----------
    ready
        Called with the address once connections are accepted; port 0 in the config becomes a free one.

    Raises
    ------
    OSError
        The address cannot be bound.
    """
    uvicorn = require("uvicorn", extra="serve", what="servers")
    app = application(searcher, config, key)
    family = socket.AF_INET6 if ":" in config.host else socket.AF_INET
    with socket.create_server((config.host, config.port), family=family, backlog=128) as listening:
        if ready is not None:
            host = f"[{config.host}]" if family == socket.AF_INET6 else config.host
            ready(f"http://{host}:{listening.getsockname()[1]}")
        uvicorn.Server(uvicorn.Config(app, log_level="warning", access_log=False, lifespan="off")).run(sockets=[listening])


class _Handlers:
    def __init__(self, searcher: Searcher, config: ServeConfig, key: Secret | None) -> None:
        self._searcher, self._config, self._key = searcher, config, key

    def guarded(self, answer: Callable[[Any], dict[str, Any]]) -> Callable[[Any], Awaitable[Any]]:
        """A route that checks key, type and size, and answers in a thread; errors are JSON in Dify's shape."""
        from starlette.concurrency import run_in_threadpool
        from starlette.responses import JSONResponse

        async def route(request: Any) -> Any:
            try:
                self._authorised(request.headers.get("authorization"), request.headers.get("host"))
                body = await self._body(request)
                return JSONResponse(await run_in_threadpool(answer, body))
            except _Refused as refused:
                return JSONResponse({"error_code": refused.code or refused.status, "error_msg": str(refused)}, refused.status)
            except InvalidArgument as error:
                return JSONResponse({"error_code": 400, "error_msg": str(error)}, 400)
            except LimitlabError as error:
                return JSONResponse({"error_code": 500, "error_msg": str(error)}, 500)

        return route

    async def health(self, request: Any) -> Any:
        """What is served; needs no key."""
        from starlette.responses import JSONResponse

        return JSONResponse(
            {
                "status": "ok",
                "knowledge_id": self._config.knowledge,
                "retriever": self._searcher.retriever.label,
                "n_docs": len(self._searcher.docs),
            }
        )

    def retrieval(self, body: Any) -> dict[str, Any]:
        """Dify's External Knowledge API."""
        asked = dify_question(body)
        if asked.knowledge != self._config.knowledge:
            raise _Refused(404, "The knowledge does not exist", _NO_KNOWLEDGE)
        found = self._searcher.search([asked.query], asked.top_k, threshold=asked.threshold)[0]
        records = [{"content": f.text, "score": f.unit_score, "title": f.id, "metadata": {"doc_id": f.id, "score": f.score}} for f in found]
        return {"records": records}

    def search(self, body: Any) -> dict[str, Any]:
        """Plain search, with the retriever's own scores."""
        query, top_k = plain_question(body)
        found = self._searcher.search([query], top_k)[0]
        return {"results": [{"id": f.id, "score": f.score, "text": f.text} for f in found]}

    def embeddings(self, body: Any) -> dict[str, Any]:
        """Vectors of unit length, in OpenAI's shape. Tokens are not counted: usage is 0."""
        asked = embedding_question(body, full_dim=int(self._searcher.retriever.max_dim or 0))
        raw = self._searcher.embed(asked.texts, asked.kind)
        vectors = normalised(raw, asked.dim or raw.shape[1])

        def shown(vector: np.ndarray) -> Any:
            return base64.b64encode(vector.astype("<f4").tobytes()).decode() if asked.base64 else [float(v) for v in vector]

        rows = [{"object": "embedding", "index": i, "embedding": shown(v)} for i, v in enumerate(vectors)]
        return {"object": "list", "data": rows, "model": self._searcher.retriever.name, "usage": {"prompt_tokens": 0, "total_tokens": 0}}

    def _authorised(self, header: str | None, host: str | None) -> None:
        if self._key is None:
            # Without a key a page in this machine's browser must not ask under a name of its own (DNS rebinding).
            if not is_local(urlsplit(f"//{host}").hostname or ""):
                raise _Refused(403, "without a key only requests to localhost are answered")
            return
        scheme, _, given = (header or "").partition(" ")
        if scheme.lower() != "bearer" or not given.strip():
            raise _Refused(403, "Invalid Authorization header format. Expected 'Bearer <api-key>' format.", _NO_HEADER)
        if not hmac.compare_digest(given.strip().encode(), self._key.reveal().encode()):
            raise _Refused(403, "Authorization failed", _WRONG_KEY)

    async def _body(self, request: Any) -> Any:
        """The JSON of a request. The type must be JSON: that keeps forms of other web pages out."""
        if request.headers.get("content-type", "").split(";")[0].strip().lower() != "application/json":
            raise _Refused(415, "Content-Type must be application/json")
        limit, parts, size = self._config.max_bytes, [], 0
        async for part in request.stream():
            size += len(part)
            if size > limit:
                raise _Refused(413, f"a request must have at most {limit:,} bytes")
            parts.append(part)
        try:
            return json.loads(b"".join(parts))
        except ValueError:
            raise _Refused(400, "the body must be JSON") from None
