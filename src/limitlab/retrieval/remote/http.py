"""One HTTP client for all services: verified TLS, retries, limits on sizes, no redirect that carries a key elsewhere."""

from __future__ import annotations

import ipaddress
import json
import random
import re
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from typing import Any, TypeVar
from urllib.parse import urljoin, urlsplit

import httpx

from limitlab._core.checks import real, whole
from limitlab._core.errors import InvalidArgument, ServiceError
from limitlab.retrieval.remote.keys import Secret

_AGAIN = frozenset({408, 425, 429, 500, 502, 503, 504})
_REDIRECTS = frozenset({301, 302, 307, 308})
_MOST_REDIRECTS = 3
_FIRST_CONTACT = 2  # repetitions while no connection was ever made: a wrong address must be told in seconds
_LONGEST_WAIT = 60.0
_LONG_KEY = 6  # characters from which a key is hidden inside words too
_QUOTED = 300  # characters of a service's own words in an error
In = TypeVar("In")
Out = TypeVar("Out")


@dataclass
class Traffic:
    """What a client has sent and received so far.

    Attributes
    ----------
    requests, retries, redirects
        Requests answered in the end, repetitions, redirects followed.
    sent, received
        Bytes of bodies.
    """

    requests: int = 0
    retries: int = 0
    redirects: int = 0
    sent: int = 0
    received: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def add(self, **counts: int) -> None:
        """Add to the counts; any thread."""
        with self._lock:
            for name, count in counts.items():
                setattr(self, name, getattr(self, name) + count)

    def to_dict(self) -> dict[str, int]:
        """Plain values."""
        return {name: getattr(self, name) for name in ("requests", "retries", "redirects", "sent", "received")}


class Client:
    """Requests with JSON bodies to one service.

    Parameters
    ----------
    who
        Named in errors.
    url
        The service's base address, http or https.
    headers
        Values are texts or Secrets. With a Secret among them, plain http is refused except to this machine and private networks, and no proxy
        of the environment is used for it: a proxy could read the key.
    timeout
        Seconds without an answer after which a request is repeated, > 0.
    retries
        Repetitions after 408, 425, 429, 5xx, timeouts and broken connections, >= 0; waits double from ``first_wait`` seconds, with jitter,
        and follow Retry-After up to a minute. While nothing was ever answered, connections that cannot be made are tried at most three times.
    max_bytes
        Longer answers are refused.
    concurrency
        Requests at a time in ``ordered``, >= 1.
    allow_http
        Send a key over plain http all the same.
    transport
        For tests: an httpx transport.

    Raises
    ------
    InvalidArgument
        The address is not http(s), holds a user name, a password or a query, or would carry a key in plain http.
    """

    def __init__(
        self,
        who: str,
        url: str,
        *,
        headers: dict[str, str | Secret] | None = None,
        timeout: float = 60.0,
        retries: int = 6,
        first_wait: float = 0.5,
        max_bytes: int = 256 << 20,
        concurrency: int = 4,
        allow_http: bool = False,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self.who, self.url = who, url.rstrip("/")
        self._secrets = [h.reveal() for h in (headers or {}).values() if isinstance(h, Secret)]
        _check_address(who, url, bool(self._secrets) and not allow_http)
        self._retries = whole(who, "retries", retries, low=0)
        self._first_wait = real(who, "first_wait", first_wait, low=0.0)
        self._max_bytes = whole(who, "max_bytes", max_bytes, low=1)
        self._concurrency = whole(who, "concurrency", concurrency, low=1)
        self._client = httpx.Client(
            headers={name: h.reveal() if isinstance(h, Secret) else h for name, h in (headers or {}).items()},
            timeout=real(who, "timeout", timeout, low=1e-3), follow_redirects=False, transport=transport,
            trust_env=not (self._secrets and urlsplit(url).scheme == "http"),
        )  # fmt: skip
        self._jitter = random.Random(0)
        self._answered = False
        self.traffic = Traffic()

    def post(self, path: str, body: Any) -> Any:
        """The JSON answer to a JSON body."""
        return self.request("POST", path, body)

    def get(self, path: str) -> Any:
        """The JSON answer to a GET."""
        return self.request("GET", path)

    def request(self, method: str, path: str, body: Any = None, *, raw: bytes | None = None, headers: dict[str, str] | None = None) -> Any:
        """One request, repeated where repeating helps; the answer as JSON (None when it is empty).

        Parameters
        ----------
        body, raw
            JSON values, or bytes as they are.

        Raises
        ------
        ServiceError
            Refused, failed after all repetitions, too long, not JSON, or redirected to another host.
        """
        content = raw if raw is not None else None if body is None else json.dumps(body, ensure_ascii=False).encode()
        extra = {
            "Accept": "application/json",
            **({"Content-Type": "application/json"} if raw is None and body is not None else {}),
            **(headers or {}),
        }
        for attempt in range(self._retries + 1):
            try:
                status, answer, wait_asked = self._once(
                    method, urljoin(self.url + "/", path.lstrip("/")) if path else self.url, content, extra
                )
            except httpx.TransportError as error:
                never = isinstance(error, httpx.ConnectError) and not self._answered
                if attempt == self._retries or (never and attempt >= _FIRST_CONTACT):
                    raise ServiceError(
                        f"{self.who}: {self.hidden(self.url)} did not answer after {attempt + 1} attempts: {self.hidden(str(error)) or type(error).__name__}."
                    ) from None
                wait_asked = None
            else:
                self._answered = True
                if status < 300:
                    self.traffic.add(requests=1, sent=len(content or b""), received=len(answer))
                    return self._parsed(answer, status)
                if status not in _AGAIN or attempt == self._retries:
                    raise ServiceError(
                        f"{self.who}: {method} {self.hidden(path or self.url)} was answered with {status}: {self._words(answer)}",
                        status=status,
                    )
            self.traffic.add(retries=1)
            time.sleep(self._wait(attempt, wait_asked))
        raise AssertionError

    def ordered(self, ask: Callable[[In], Out], items: Sequence[In], *, done: Callable[[int], None] | None = None) -> list[Out]:
        """``[ask(item) for item in items]``, several at a time, in the order of the items.

        Parameters
        ----------
        done
            Called with the number of a finished item, in the order in which they finish.

        Raises
        ------
        ServiceError
            The first error; what has not begun then is not asked.
        """
        out: dict[int, Out] = {}

        def one(i: int) -> None:
            out[i] = ask(items[i])
            if done is not None:
                with lock:
                    done(i)

        lock = threading.Lock()
        pool = ThreadPoolExecutor(self._concurrency)
        try:
            tasks = [pool.submit(one, i) for i in range(len(items))]
            for task in wait(tasks, return_when=FIRST_EXCEPTION).done:
                task.result()
        finally:
            pool.shutdown(wait=True, cancel_futures=True)
        return [out[i] for i in range(len(items))]

    def close(self) -> None:
        """Close connections."""
        self._client.close()

    def _once(self, method: str, url: str, content: bytes | None, headers: dict[str, str]) -> tuple[int, bytes, str | None]:
        """(status, body, Retry-After) after redirects that stay with the host."""
        for _ in range(_MOST_REDIRECTS + 1):
            with self._client.stream(method, url, content=content, headers=headers) as response:
                if response.status_code not in _REDIRECTS or "location" not in response.headers:
                    return response.status_code, self._body(response), response.headers.get("retry-after")
                target = urljoin(url, response.headers["location"])
                if _origin(target) != _origin(url):
                    raise ServiceError(
                        f"{self.who}: a redirect to another host is not followed; got {self.hidden(target)}. Give that address.",
                        status=response.status_code,
                    )
                url = target
                self.traffic.add(redirects=1)
        raise ServiceError(f"{self.who}: more than {_MOST_REDIRECTS} redirects; the last to {self.hidden(url)}.")

    def _body(self, response: httpx.Response) -> bytes:
        parts, size = [], 0
        for part in response.iter_bytes():
            size += len(part)
            if size > self._max_bytes:
                raise ServiceError(
                    f"{self.who}: an answer must have at most {self._max_bytes:,} bytes; this one is longer.", status=response.status_code
                )
            parts.append(part)
        return b"".join(parts)

    def _parsed(self, answer: bytes, status: int) -> Any:
        if not answer.strip():
            return None
        try:
            return json.loads(answer)
        except ValueError:
            raise ServiceError(f"{self.who}: the answer must be JSON; got {self._words(answer)}", status=status) from None

    def _wait(self, attempt: int, asked: str | None) -> float:
        if asked is not None and asked.strip().isdigit():
            return min(float(asked), _LONGEST_WAIT)
        return min(self._first_wait * 2**attempt, _LONGEST_WAIT) * (0.5 + self._jitter.random() / 2)

    def _words(self, answer: bytes) -> str:
        text = " ".join(answer.decode("utf-8", "replace").split())
        text = self.hidden(text)  # before it is cut: half a key is not replaced
        return text[:_QUOTED] + ("..." if len(text) > _QUOTED else "") or "an empty answer"

    def hidden(self, text: str) -> str:
        """Without the keys: a service may send back what it was sent."""
        for secret in self._secrets:
            for form in sorted({secret, secret.partition(" ")[2]} - {""}, key=len, reverse=True):  # "Bearer KEY", and KEY alone
                if len(form) >= _LONG_KEY:
                    text = text.replace(form, "***")
                else:  # a password such as "a" stands in every word
                    text = re.sub(rf"(?<![A-Za-z0-9]){re.escape(form)}(?![A-Za-z0-9])", "***", text)
        return text


def batches(items: Iterable[In], *, most: int, size: Callable[[In], int] | None = None, most_size: int | None = None) -> list[list[In]]:
    """Consecutive groups of at most ``most`` items, and at most ``most_size`` in sum of ``size`` (a larger single item stands alone)."""
    out: list[list[In]] = []
    total = 0
    for item in items:
        weight = size(item) if size is not None else 0
        if not out or len(out[-1]) >= most or (most_size is not None and out[-1] and total + weight > most_size):
            out.append([])
            total = 0
        out[-1].append(item)
        total += weight
    return out


def _origin(url: str) -> tuple[str, str, int | None]:
    parts = urlsplit(url)
    return parts.scheme, (parts.hostname or "").lower(), parts.port or {"http": 80, "https": 443}.get(parts.scheme)


def _check_address(who: str, url: str, secret: bool) -> None:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise InvalidArgument(f"{who}: the address must begin with http:// or https:// and name a host; got {url!r}.")
    if parts.username or parts.password:
        raise InvalidArgument(f"{who}: the address must not hold a user name or password; put the key into an environment variable.")
    if parts.query or parts.fragment:  # addresses are recorded: a key must not hide in one
        raise InvalidArgument(f"{who}: the address must end before any '?' or '#'; put a key into an environment variable.")
    if secret and parts.scheme == "http" and not _private(parts.hostname):
        raise InvalidArgument(
            f"{who}: a key is sent in plain http only to this machine and private networks; got {url!r}. Use https, or pass allow_http=true."
        )


def _private(host: str) -> bool:
    if re.fullmatch(r"\d+|0x.*", host):  # addresses as one number: resolvers take them, whatever they lead to
        return False
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host == "localhost" or host.endswith((".localhost", ".local", ".internal")) or "." not in host
    address = getattr(address, "ipv4_mapped", None) or address
    return address.is_private or address.is_loopback
