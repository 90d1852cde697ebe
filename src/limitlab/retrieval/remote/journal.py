"""Answers of a run that is not finished, so that a killed run asks nothing twice."""

from __future__ import annotations

import json
import sqlite3
import threading
import time
from pathlib import Path
from typing import Any

from limitlab._core.files import content_hash
from limitlab._core.home import home

_MAX_AGE_SECONDS = 24 * 3600  # what a service answered yesterday it may not answer today


class Journal:
    """Answers by request, on disk until the run has finished.

    Parameters
    ----------
    identity
        What the answers depend on beside the request: service, collection, options. Never a key.
    folder
        Default: under LIMITLAB_HOME.
    max_age_seconds
        Older answers are asked for again.

    Notes
    -----
    One SQLite file an identity; any thread may read and write; every answer is on disk when ``put`` returns.
    """

    def __init__(self, identity: Any, *, folder: Path | None = None, max_age_seconds: float = _MAX_AGE_SECONDS) -> None:
        root = folder or home() / "answers"
        root.mkdir(parents=True, exist_ok=True)
        self.path = root / f"{content_hash(identity, length=24)}.sqlite"
        self._lock = threading.Lock()
        self._oldest = time.time() - max_age_seconds
        self._database = sqlite3.connect(self.path, check_same_thread=False, isolation_level=None)
        self._database.execute("PRAGMA journal_mode=WAL")
        self._database.execute("CREATE TABLE IF NOT EXISTS answers (request TEXT PRIMARY KEY, answer TEXT, at REAL)")

    def get(self, request: Any) -> Any | None:
        """The answer to a request, or None when it has none that is recent enough."""
        with self._lock:
            row = self._database.execute(
                "SELECT answer FROM answers WHERE request = ? AND at >= ?", (content_hash(request, length=32), self._oldest)
            ).fetchone()
        return None if row is None else json.loads(row[0])

    def put(self, request: Any, answer: Any) -> None:
        """Keep an answer (plain values)."""
        with self._lock:
            self._database.execute(
                "INSERT OR REPLACE INTO answers VALUES (?, ?, ?)", (content_hash(request, length=32), json.dumps(answer), time.time())
            )

    def close(self, *, finished: bool) -> None:
        """Close; the answers of a finished run are removed."""
        with self._lock:
            self._database.close()
        if finished:
            for path in (self.path, *(self.path.with_name(self.path.name + tail) for tail in ("-wal", "-shm"))):
                path.unlink(missing_ok=True)
