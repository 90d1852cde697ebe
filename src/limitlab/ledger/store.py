"""The ledger: one SQLite file (WAL) that several processes may write to at once."""

from __future__ import annotations

import json
import os
import secrets
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from limitlab._core.errors import DataError, UnknownName
from limitlab._core.files import canonical_json
from limitlab._core.home import home
from limitlab._core.provenance import now
from limitlab._core.status import Status
from limitlab.ledger.artefacts import Artefacts

_SCHEMA_VERSION = 1
_PATIENCE_SECONDS = 60.0
_SCHEMA = """
CREATE TABLE IF NOT EXISTS runs (
  id TEXT PRIMARY KEY, kind TEXT NOT NULL, title TEXT NOT NULL, config TEXT NOT NULL, status TEXT NOT NULL, message TEXT NOT NULL,
  created TEXT NOT NULL, finished TEXT, pid INTEGER NOT NULL, pid_start TEXT NOT NULL, provenance TEXT NOT NULL DEFAULT '{}'
);
CREATE TABLE IF NOT EXISTS cells (
  run_id TEXT NOT NULL REFERENCES runs(id) ON DELETE CASCADE, position INTEGER NOT NULL, key TEXT NOT NULL, status TEXT NOT NULL,
  message TEXT NOT NULL, record TEXT NOT NULL, artefact TEXT, created TEXT NOT NULL, PRIMARY KEY (run_id, position)
);
CREATE INDEX IF NOT EXISTS cells_by_key ON cells(key, status);
"""


@dataclass(frozen=True)
class Cell:
    """One number-bearing part of a run: a dataset x retriever x dimension. ``record`` is plain JSON, ``artefact`` a content hash."""

    key: str
    status: Status
    message: str
    record: dict[str, Any]
    artefact: str | None = None


@dataclass(frozen=True)
class Run:
    """One command and how it ended."""

    id: str
    kind: str
    title: str
    config: dict[str, Any]
    status: Status
    message: str
    created: str
    finished: str | None
    provenance: dict[str, Any] = field(default_factory=dict)
    n_cells: int = 0
    n_solved: int = 0

    def to_dict(self) -> dict[str, Any]:
        """Plain values, status as its word."""
        return {**self.__dict__, "status": self.status.key}


class Ledger:
    """Runs, their cells and their artefacts under one folder (default: ``LIMITLAB_HOME``).

    Parameters
    ----------
    folder
        Holds ``ledger.sqlite`` and ``artefacts/``.

    Raises
    ------
    DataError
        The file is not a ledger, or was written by a newer limitlab.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = home() if folder is None else Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.path = self.folder / "ledger.sqlite"
        self.artefacts = Artefacts(self.folder / "artefacts")
        self._prepare()

    def _prepare(self) -> None:
        """Make the tables of a new file; refuse a foreign one before anything in it is changed."""
        with self._connection() as db:
            db.execute("BEGIN")  # version and tables of one moment, also while another process makes them
            version = db.execute("PRAGMA user_version").fetchone()[0]
            tables = {row[0] for row in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
            if version > _SCHEMA_VERSION:
                raise DataError.at(
                    self.path, None, f"this ledger has format {version}; this limitlab reads up to {_SCHEMA_VERSION}. Upgrade limitlab"
                )
            if (version == 0 and tables) or (version == _SCHEMA_VERSION and not {"runs", "cells"} <= tables):
                raise DataError.at(self.path, None, "not a limitlab ledger; it belongs to another program. Move it away, a new one is made")
            if version == _SCHEMA_VERSION:
                return
        # Switching a file to WAL does not wait for other connections as everything else does: try until it is done.
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while True:
            try:
                with self._connection() as db:
                    db.execute("PRAGMA journal_mode=WAL")
                break
            except sqlite3.OperationalError as error:
                if "locked" not in str(error) or time.monotonic() > deadline:
                    raise
                time.sleep(0.02)
        with self._connection() as db:
            db.execute("BEGIN IMMEDIATE")  # all or nothing, so that a file with tables and without our version is another's
            for statement in filter(str.strip, _SCHEMA.split(";")):
                db.execute(statement)
            db.execute(f"PRAGMA user_version = {_SCHEMA_VERSION}")

    @contextmanager
    def _connection(self) -> Iterator[sqlite3.Connection]:
        try:
            with closing(sqlite3.connect(self.path, timeout=_PATIENCE_SECONDS)) as db:
                db.row_factory = sqlite3.Row
                db.execute("PRAGMA foreign_keys=ON")
                with db:
                    yield db
        except sqlite3.DatabaseError as error:
            if "not a database" in str(error) or "malformed" in str(error):
                raise DataError.at(self.path, None, f"not a limitlab ledger ({error}); move it away, a new one is made") from error
            if "unable to open" in str(error):
                raise DataError.at(self.path, None, "the ledger cannot be opened; its folder must exist and be writable") from error
            raise

    # -- writing -------------------------------------------------------------------------------------------------

    def start(self, kind: str, title: str, config: dict[str, Any]) -> str:
        """Open a run in status running; returns its id."""
        run_id = f"{datetime.now(UTC):%y%m%d-%H%M%S}-{secrets.token_hex(2)}"
        with self._connection() as db:
            db.execute(
                "INSERT INTO runs (id, kind, title, config, status, message, created, pid, pid_start) VALUES (?,?,?,?,?,?,?,?,?)",
                (
                    run_id,
                    kind,
                    title,
                    canonical_json(config),
                    Status.RUNNING.key,
                    Status.RUNNING.value,
                    now(),
                    os.getpid(),
                    _process_start(os.getpid()),
                ),
            )
        return run_id

    def add_cell(self, run_id: str, cell: Cell) -> None:
        """Append a cell to a run, in one transaction."""
        with self._connection() as db:
            db.execute(
                "INSERT INTO cells (run_id, position, key, status, message, record, artefact, created) VALUES "
                "(?, (SELECT COALESCE(MAX(position) + 1, 0) FROM cells WHERE run_id = ?), ?, ?, ?, ?, ?, ?)",
                (run_id, run_id, cell.key, cell.status.key, cell.message, canonical_json(cell.record), cell.artefact, now()),
            )

    def finish(self, run_id: str, status: Status, message: str = "", provenance: dict[str, Any] | None = None) -> None:
        """Close a run."""
        with self._connection() as db:
            db.execute(
                "UPDATE runs SET status = ?, message = ?, finished = ?, provenance = ? WHERE id = ?",
                (status.key, message or status.value, now(), canonical_json(provenance or {}), run_id),
            )

    def remove(self, run_id: str) -> None:
        """Delete a run and its cells; artefacts go with the next ``collect``."""
        run_id = self.resolve(run_id)
        with self._connection() as db:
            db.execute("DELETE FROM runs WHERE id = ?", (run_id,))

    def collect(self) -> tuple[int, int]:
        """Delete artefacts that no run refers to: (files, bytes) deleted."""
        with self._connection() as db:
            keep = {row[0] for row in db.execute("SELECT DISTINCT artefact FROM cells WHERE artefact IS NOT NULL")}
        return self.artefacts.collect(keep)

    # -- reading -------------------------------------------------------------------------------------------------

    def solved(self, key: str) -> Cell | None:
        """A cell that was solved under this key in any run, with its artefact still on disk."""
        return self._newest(key, (Status.SOLVED,))

    def finished(self, key: str) -> Cell | None:
        """A cell that ended by its own rule under this key, solved or not, with its artefact still on disk.

        For computations whose "not solved" is an answer that would come out again; what was stopped or failed is none.
        """
        return self._newest(key, (Status.SOLVED, Status.NOT_SOLVED))

    def _newest(self, key: str, statuses: tuple[Status, ...]) -> Cell | None:
        query = f"SELECT * FROM cells WHERE key = ? AND status IN ({', '.join('?' * len(statuses))}) ORDER BY created DESC, rowid DESC"
        with self._connection() as db:
            rows = db.execute(query, (key, *(s.key for s in statuses))).fetchall()
        for row in rows:
            cell = _cell(row)
            if cell.artefact is None or self.artefacts.path(cell.artefact).exists():
                return cell
        return None

    def runs(self, *, kind: str | None = None, limit: int | None = None) -> list[Run]:
        """Runs, newest first. A run whose process is gone is marked stopped."""
        query = (
            "SELECT runs.*, COUNT(cells.key) AS n_cells, COALESCE(SUM(cells.status = 'solved'), 0) AS n_solved "
            "FROM runs LEFT JOIN cells ON cells.run_id = runs.id"
            + (" WHERE runs.kind = ?" if kind else "")
            + " GROUP BY runs.id ORDER BY runs.created DESC, runs.rowid DESC"
            + (f" LIMIT {int(limit)}" if limit else "")
        )
        with self._connection() as db:
            for row in db.execute("SELECT id, pid, pid_start FROM runs WHERE status = ?", (Status.RUNNING.key,)).fetchall():
                if _process_start(row["pid"]) != row["pid_start"]:
                    db.execute(
                        "UPDATE runs SET status = ?, message = ? WHERE id = ?",
                        (Status.STOPPED.key, "The process ended before the run did. " + Status.STOPPED.value, row["id"]),
                    )
            rows = db.execute(query, (kind,) if kind else ()).fetchall()
        return [_run(row) for row in rows]

    def resolve(self, run_id: str) -> str:
        """The full id of a run given by a prefix of it, or by ``last``.

        Raises
        ------
        UnknownName
            No run, or more than one, starts with the prefix.
        """
        ids = [run.id for run in self.runs()]
        if run_id == "last" and ids:
            return ids[0]
        matches = [i for i in ids if i.startswith(run_id)] if run_id else []
        if run_id in ids:
            return run_id
        if len(matches) != 1:
            why = f"{len(matches)} runs start so" if matches else f"there are {len(ids)} runs" if ids else "there are no runs yet"
            raise UnknownName(f"ledger: a run id, a unique start of one, or 'last' is needed; got {run_id!r}, {why}. See: limitlab runs")
        return matches[0]

    def run(self, run_id: str) -> Run:
        """One run by id, prefix or ``last``."""
        full = self.resolve(run_id)
        return next(run for run in self.runs() if run.id == full)

    def cells(self, run_id: str) -> list[Cell]:
        """The cells of a run, in the order they were added."""
        with self._connection() as db:
            rows = db.execute("SELECT * FROM cells WHERE run_id = ? ORDER BY position", (self.resolve(run_id),)).fetchall()
        return [_cell(row) for row in rows]


def _cell(row: sqlite3.Row) -> Cell:
    return Cell(row["key"], Status.of(row["status"]), row["message"], json.loads(row["record"]), row["artefact"])


def _run(row: sqlite3.Row) -> Run:
    return Run(
        id=row["id"],
        kind=row["kind"],
        title=row["title"],
        config=json.loads(row["config"]),
        status=Status.of(row["status"]),
        message=row["message"],
        created=row["created"],
        finished=row["finished"],
        provenance=json.loads(row["provenance"]),
        n_cells=row["n_cells"],
        n_solved=row["n_solved"],
    )


def _process_start(pid: int) -> str:
    """When a process started (so that a reused pid is told apart); empty when it is gone."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rsplit(")", 1)[1].split()
        return "" if fields[0] == "Z" else fields[19]
    except (OSError, IndexError):
        pass
    if Path("/proc/self/stat").exists():
        return ""
    try:  # systems without /proc: alive or not is all we learn
        os.kill(pid, 0)
    except ProcessLookupError:
        return ""
    except PermissionError:
        pass
    return "alive"
