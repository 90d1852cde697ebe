"""Whether services answer, asked briefly and all at once; keys and passwords are never shown."""

from __future__ import annotations

import os
import re
import socket
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from limitlab._core.checks import choice, real
from limitlab._core.errors import LimitlabError
from limitlab._core.optional import available
from limitlab.retrieval.remote.connection_string import readable, without_login

# service: (environment variable of its address, path that answers without a key or tells that one is needed, default port)
SERVICES: dict[str, tuple[str, str, int]] = {
    "postgresql": ("DATABASE_URL", "", 5432),
    "qdrant": ("QDRANT_URL", "/", 6333),
    "elasticsearch": ("ELASTICSEARCH_URL", "/", 9200),
    "opensearch": ("OPENSEARCH_URL", "/", 9200),
    "milvus": ("MILVUS_URL", "/", 19530),
    "tei": ("TEI_URL", "/info", 80),
    "dify": ("DIFY_URL", "/", 80),
    "ragflow": ("RAGFLOW_URL", "/", 80),
    "fastgpt": ("FASTGPT_URL", "/", 80),
    "taskingai": ("TASKINGAI_URL", "/", 80),
}
KEYS = (
    "OPENAI_API_KEY", "GEMINI_API_KEY", "COHERE_API_KEY", "JINA_API_KEY", "QDRANT_API_KEY", "DIFY_API_KEY", "RAGFLOW_API_KEY",
    "FASTGPT_API_KEY", "TASKINGAI_API_KEY",
)  # fmt: skip


@dataclass(frozen=True)
class Probe:
    """What one service said.

    Attributes
    ----------
    name, variable
        The service, and the environment variable its address is read from.
    address
        Host and port only; None when no address was given.
    reachable
        Whether it answered; a refusal for want of a key is an answer.
    said
        One sentence: what came, or why nothing did.
    """

    name: str
    variable: str
    address: str | None
    reachable: bool
    said: str

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return dict(self.__dict__)


def keys_set() -> dict[str, bool]:
    """Which keys are in the environment; never what they are."""
    return {name: bool(os.environ.get(name, "").strip()) for name in KEYS}


def probe_services(urls: Mapping[str, str] | None = None, *, timeout: float = 1.0) -> list[Probe]:
    """Ask every service whose address is known.

    Parameters
    ----------
    urls
        ``{service: address}``, before the environment's.
    timeout
        Seconds a service has to answer, > 0. All are asked at once.

    Raises
    ------
    UnknownName, RangeError
        No such service; a timeout that is none.
    """
    real("probe_services()", "timeout", timeout, low=1e-3)
    given = {choice("probe_services()", "service", name, SERVICES): url for name, url in (urls or {}).items()}
    with ThreadPoolExecutor(len(SERVICES)) as pool:
        return list(
            pool.map(lambda name: _probe(name, given.get(name) or os.environ.get(SERVICES[name][0], "").strip(), timeout), SERVICES)
        )


def _probe(name: str, url: str, timeout: float) -> Probe:
    variable, path, port = SERVICES[name]
    if not url:
        return Probe(name, variable, None, False, f"no address: set {variable}, or pass --url {name}=...")
    try:
        host, number = _host_and_port(url, port)
    except ValueError:
        return Probe(name, variable, None, False, "the address cannot be read")
    shown = host if host.startswith("/") else f"{host}:{number}"
    if (problem := _connects(host, number, timeout)) is not None:
        return Probe(name, variable, shown, False, f"no connection ({problem})")
    if name == "postgresql" and available("psycopg"):
        return Probe(name, variable, shown, *_database(url, timeout))
    if not path or not url.startswith(("http://", "https://")):
        return Probe(name, variable, shown, True, "accepts connections")
    return Probe(name, variable, shown, *_answer(name, url, path, timeout))


def _host_and_port(url: str, default: int) -> tuple[str, int]:
    """Of a URL, or of a PostgreSQL connection string such as ``host=... port=...``."""
    if "://" not in url and "=" in url:
        parts = dict(re.findall(r"(\w+)\s*=\s*'?([^'\s]*)'?", url))
        return parts.get("host") or parts.get("hostaddr") or "localhost", int(parts.get("port") or default)
    parsed = urlsplit(url if "://" in url else f"//{url}")
    asked = re.search(r"[?&]host=([^&]+)", parsed.query and f"?{parsed.query}")
    if asked:  # a socket folder
        from urllib.parse import unquote

        return unquote(asked[1]), parsed.port or default
    standard = {"https": 443}.get(parsed.scheme, default)
    return parsed.hostname or "localhost", parsed.port or standard


def _connects(host: str, port: int, timeout: float) -> str | None:
    """None when a connection opens, else why not."""
    try:
        if host.startswith("/"):
            with socket.socket(socket.AF_UNIX) as link:
                link.settimeout(timeout)
                link.connect(f"{host}/.s.PGSQL.{port}")
        else:
            socket.create_connection((host, port), timeout=timeout).close()
    except OSError as error:
        return error.strerror or str(error) or type(error).__name__
    return None


def _database(dsn: str, timeout: float) -> tuple[bool, str]:
    """(whether one may log in, versions of the server and of pgvector, or why not)."""
    import psycopg

    if not readable(dsn):
        return False, "accepts connections, and the connection string cannot be read"
    try:
        with psycopg.connect(dsn, connect_timeout=max(1, round(timeout))) as link:
            row = link.execute("SELECT extversion FROM pg_extension WHERE extname = 'vector'").fetchone()
            server = link.info.parameter_status("server_version")
    except psycopg.Error as error:
        lines = without_login(str(error), dsn).strip().splitlines() or [type(error).__name__]
        return False, f"accepts connections, and refuses this login ({lines[-1].strip()[:200]})"
    return True, f"PostgreSQL {server}, " + (f"pgvector {row[0]}" if row else "without pgvector; run: CREATE EXTENSION vector")


def _answer(name: str, url: str, path: str, timeout: float) -> tuple[bool, str]:
    """(whether it answered, what it said) to one request without a key."""
    from limitlab.retrieval.remote.http import Client

    try:
        client = Client(name, url, timeout=timeout, retries=0, max_bytes=1 << 20)
    except LimitlabError:
        return True, "accepts connections (its address holds a login or a query, so nothing was asked)"
    try:
        found = client.get(path)
    except LimitlabError as error:
        status = getattr(error, "status", None)
        if status in (401, 403):
            return True, f"answers, and wants a key ({status})"
        return status is not None, f"answered with {status}" if status is not None else "accepts connections but does not answer"
    finally:
        client.close()
    version = found.get("version") if isinstance(found, dict) else None
    number = version.get("number") if isinstance(version, dict) else version
    return True, f"answers, version {number}" if isinstance(number, str) else "answers"
