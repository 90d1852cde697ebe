"""Connection strings of PostgreSQL, and words of the server without them and their passwords."""

from __future__ import annotations

from typing import Any

from limitlab._core.optional import require

_NEEDED = {"extra": "pgvector", "what": "tables of PostgreSQL", "package": "psycopg"}


def readable(dsn: str) -> bool:
    """Whether a connection string can be read; the message about one that cannot repeats parts of it, its password among them."""
    return _parts(dsn) is not None


def without_login(text: str, dsn: str) -> str:
    """``text`` without the connection string and its password. Cut it afterwards: half a password is not replaced."""
    for part in filter(None, (dsn, (_parts(dsn) or {}).get("password"))):
        text = text.replace(str(part), "***")
    return text


def _parts(dsn: str) -> dict[str, Any] | None:
    try:
        return dict(require("psycopg.conninfo", **_NEEDED).conninfo_to_dict(dsn))
    except require("psycopg", **_NEEDED).ProgrammingError:
        return None
