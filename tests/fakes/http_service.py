"""A real HTTP server in a thread: a log of what it answered, and faults on demand."""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Refused(Exception):
    """An answer that is an error: status and the service's own body."""

    def __init__(self, status: int, body: Any) -> None:
        super().__init__(status)
        self.status, self.body = status, body


@dataclass
class Faults:
    """What goes wrong.

    Attributes
    ----------
    every
        Every so-manyth request fails, in turn with 429 and Retry-After, 500, and a connection that is closed without an answer; 0: none.
    stall
        The so-manyth request (from 1) is never answered: the client has to give up on it; 0: none.
    shuffle
        Items of an answer come in reverse order.
    hold_after
        From this many answers on, requests wait until ``released``; 0: none.
    """

    every: int = 0
    stall: int = 0
    shuffle: bool = False
    hold_after: int = 0
    released: threading.Event = field(default_factory=threading.Event)
    held: threading.Event = field(default_factory=threading.Event)


class HttpService:
    """Answers requests in ``answer``, which subclasses write.

    Attributes
    ----------
    answered
        (path, body) of every request that got a 2xx, in the order in which answers were sent.
    refused
        (path, status) of every other one.
    headers
        Those of every request, by lower-case name.
    """

    def __init__(self, faults: Faults | None = None) -> None:
        self.faults = faults or Faults()
        self.answered: list[tuple[str, Any]] = []
        self.refused: list[tuple[str, int]] = []
        self.headers: list[dict[str, str]] = []
        self._count = self._failed = self._begun = 0
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        self._thread.start()

    def answer(self, method: str, path: str, headers: dict[str, str], body: Any) -> Any:
        """The JSON answer; raises Refused."""
        raise NotImplementedError

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> HttpService:
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.set()
        self.faults.released.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _fault(self) -> int | None:
        """None: answer; otherwise a status, 0 for a closed connection, -1 for silence."""
        with self._lock:
            self._count += 1
            if self._count == self.faults.stall:
                return -1
            if self.faults.every and self._count % self.faults.every == 0:
                self._failed += 1
                return (429, 500, 0)[self._failed % 3]
        return None

    def _hold(self) -> None:
        with self._lock:
            self._begun += 1
            wait = self.faults.hold_after and self._begun > self.faults.hold_after
        if wait:
            self.faults.held.set()
            self.faults.released.wait()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        service = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_: object) -> None:
                return None

            def do_GET(self) -> None:
                self._serve("GET")

            def do_POST(self) -> None:
                self._serve("POST")

            def _serve(self, method: str) -> None:
                raw = self.rfile.read(int(self.headers.get("content-length") or 0))
                headers = {name.lower(): value for name, value in self.headers.items()}
                with service._lock:
                    service.headers.append(headers)
                fault = service._fault()
                if fault is not None and fault <= 0:
                    if fault < 0:
                        service._closing.wait()
                    self.close_connection = True
                    return
                if fault is not None:
                    self._send(fault, {"error": "busy"}, {"Retry-After": "0"} if fault == 429 else {})
                    return
                try:
                    body = json.loads(raw) if raw else None
                    made = service.answer(method, self.path, headers, body)
                except Refused as no:
                    service.refused.append((self.path, no.status))
                    self._send(no.status, no.body, {})
                    return
                service._hold()
                self._send(200, made, {})
                service.answered.append((self.path, body))

            def _send(self, status: int, body: Any, extra: dict[str, str]) -> None:
                raw = json.dumps(body).encode()
                try:
                    self.send_response(status)
                    for name, value in {"Content-Type": "application/json", "Content-Length": str(len(raw)), **extra}.items():
                        self.send_header(name, value)
                    self.end_headers()
                    self.wfile.write(raw)
                except OSError:  # the client has gone
                    self.close_connection = True

        return Handler


def check_fields(body: Any, *, needed: dict[str, type | tuple[type, ...]], may: dict[str, type | tuple[type, ...]]) -> str | None:
    """What is wrong with a body's fields, None when nothing is."""
    if not isinstance(body, dict):
        return "the body must be a JSON object"
    for name in needed:
        if name not in body:
            return f"field required: {name}"
    known = {**needed, **may}
    for name, value in body.items():
        if name not in known:
            return f"unknown field: {name}"
        if not isinstance(value, known[name]) or (isinstance(value, bool) and known[name] is int):
            return f"wrong type: {name}"
    return None
