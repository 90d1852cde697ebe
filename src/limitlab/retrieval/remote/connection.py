"""From a retriever's options to a client: address, key, repetitions."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from limitlab._core.errors import InvalidArgument
from limitlab.retrieval.remote.http import Client
from limitlab.retrieval.remote.keys import Secret, filled, key_from_environment
from limitlab.retrieval.remote.switches import flag

NO_KEY = "none"


@dataclass(frozen=True)
class Home:
    """Where a service lives by default.

    Attributes
    ----------
    url
        Its public address; empty for software that everyone runs at an address of their own.
    key
        The environment variable that holds its key; used with the public address only.
    header, scheme
        How the key is sent.
    """

    url: str = ""
    key: str = ""
    header: str = "Authorization"
    scheme: str = "Bearer "


@dataclass(frozen=True)
class Connection:
    """How a service is reached.

    Attributes
    ----------
    url
        Base address. None: the public one.
    key
        NAME of the environment variable that holds the key, or "none". None: the service's usual variable at its public
        address, and no key at any other, so that no key goes to a server it was not meant for.
    concurrency
        Requests at a time, >= 1.
    timeout
        Seconds without an answer after which a request is repeated, > 0.
    retries
        Repetitions of a failed request, >= 0.
    allow_http
        Send a key over plain http to a public host.
    """

    url: str | None = None
    key: str | None = None
    concurrency: int = 4
    timeout: float = 60.0
    retries: int = 6
    allow_http: bool = False

    def client(self, who: str, home: Home) -> Client:
        """A client for the service.

        Raises
        ------
        InvalidArgument
            No address, an address with a query, or a key that is not in the environment.
        """
        url = text_option(who, "url", self.url or home.url or None)
        if urlsplit(url).query or urlsplit(url).fragment:  # addresses are recorded: a key must not hide in one
            raise InvalidArgument(f"{who}: url must end before any '?' or '#'; put a key into an environment variable and pass key=NAME.")
        flag(who, "allow_http", self.allow_http)
        return Client(
            who,
            url,
            headers=self._headers(who, home, public=url.rstrip("/") == home.url.rstrip("/")),
            timeout=self.timeout,
            retries=self.retries,
            concurrency=self.concurrency,
            allow_http=self.allow_http,
        )

    def _headers(self, who: str, home: Home, *, public: bool) -> dict[str, str | Secret]:
        name = self.key if self.key is not None else home.key if public else NO_KEY
        if name == NO_KEY or not name:
            return {}
        key_from_environment(who, str(name))  # a missing one is told by its name
        return {home.header: filled(who, f"{home.scheme}${{{name}}}")}


def text_option(who: str, name: str, value: object) -> str:
    """A text that must be given; whole numbers are taken as written (a model may be called 7).

    Raises
    ------
    InvalidArgument
        None, empty or another type.
    """
    if isinstance(value, bool) or not isinstance(value, (str, int)) or not str(value).strip():
        raise InvalidArgument(f"{who}: {name} must be given, as {name}=...; got {value!r}.")
    return str(value).strip()
