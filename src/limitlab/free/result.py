"""What free embeddings return: one trained embedding, one critical n, and tables of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from limitlab._core.errors import DataError
from limitlab._core.files import canonical_json, read_json, write_text
from limitlab._core.status import Status

SCHEMA_FREE = "limitlab.free/1"
SCHEMA_CRITICAL_N = "limitlab.critical_n/1"


@dataclass(frozen=True)
class FreeResult:
    """One optimised embedding.

    Attributes
    ----------
    status, message
        SOLVED: every query has exactly its relevant documents on top, decided on integer counts. NOT_SOLVED: the
        optimisation ended without that; it is no proof of impossibility.
    n_docs, n_queries, k, dim
        ``k`` is the number of relevant documents of every query, or None when it differs between queries.
    hits, n_relevant
        Relevant documents among the first |S| of their query, and all of them; solved means hits == n_relevant.
    gap
        Least over queries of (least relevant minus greatest irrelevant score), unit vectors; negative when not solved.
    steps, loss, seconds
        Optimiser steps taken, last loss, wall seconds.
    curve
        ((step, loss, hits), ...) at every evaluation.
    docs, queries
        (n_docs, dim) and (n_queries, dim) float32, unit rows; None when read back from a record.
    config
        Everything that decided the numbers.
    """

    status: Status
    message: str
    n_docs: int
    n_queries: int
    k: int | None
    dim: int
    hits: int
    n_relevant: int
    gap: float
    steps: int
    loss: float
    seconds: float
    curve: tuple[tuple[int, float, int], ...] = ()
    docs: np.ndarray | None = None
    queries: np.ndarray | None = None
    config: dict[str, Any] = field(default_factory=dict)

    @property
    def solved(self) -> bool:
        """Whether every query has exactly its relevant documents on top."""
        return self.status is Status.SOLVED

    def to_dict(self) -> dict[str, Any]:
        """Plain values with a schema version; vectors are left out."""
        plain = {name: value for name, value in self.__dict__.items() if name not in ("docs", "queries", "status")}
        return {"schema": SCHEMA_FREE, "status": self.status.key, **plain, "curve": [list(p) for p in self.curve]}


@dataclass(frozen=True)
class Trial:
    """One n that was tried: how it ended, and at what cost."""

    n_docs: int
    status: Status
    hits: int
    n_relevant: int
    steps: int
    loss: float | None
    seconds: float
    gap: float | None = None
    message: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return {**self.__dict__, "status": self.status.key}

    @classmethod
    def from_dict(cls, record: dict[str, Any]) -> Trial:
        """The inverse of ``to_dict``."""
        return cls(**{**record, "status": Status.of(record["status"])})


@dataclass(frozen=True)
class CriticalN:
    """The critical n of one dimension and seed.

    Attributes
    ----------
    dim, k, seed, objective
        ``seed`` is None for certified constructions.
    status, message
        Only SOLVED has a ``critical_n``.
    critical_n
        The largest n that was solved. Success is not monotone in n, so a smaller n may have failed.
    least_failed
        The smallest n that was tried and not solved, or None.
    trials
        Every n tried, ascending in n.
    gap
        The least gap over all k-subsets at ``critical_n``, when it is known.
    certificate
        Name of the shipped certificate or path of the written one; None for the protocol.
    """

    dim: int
    k: int
    seed: int | None
    objective: str
    status: Status
    message: str
    critical_n: int | None
    least_failed: int | None = None
    trials: tuple[Trial, ...] = ()
    gap: float | None = None
    certificate: str | None = None
    seconds: float = 0.0

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return {**self.__dict__, "status": self.status.key, "trials": [t.to_dict() for t in self.trials]}

    @classmethod
    def from_dict(cls, record: dict[str, Any]) -> CriticalN:
        """The inverse of ``to_dict``."""
        trials = tuple(Trial.from_dict(t) for t in record["trials"])
        return cls(**{**record, "status": Status.of(record["status"]), "trials": trials})


@dataclass(frozen=True)
class CriticalNResult:
    """Critical n over dimensions and seeds, with how it was obtained.

    Attributes
    ----------
    rows
        One per (objective, k, dim, seed), in that order.
    curves
        Training curves kept for the report: ``{"d = 8, n = 28, seed 42": ((step, loss, hits), ...)}``.
    """

    rows: tuple[CriticalN, ...]
    run_ids: tuple[str, ...] = ()
    status: Status = Status.SOLVED
    message: str = ""
    config: dict[str, Any] = field(default_factory=dict)
    provenance: dict[str, Any] = field(default_factory=dict)
    curves: dict[str, tuple[tuple[int, float, int], ...]] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Plain values with a schema version."""
        return {
            "schema": SCHEMA_CRITICAL_N,
            "status": self.status.key,
            "message": self.message,
            "run_ids": list(self.run_ids),
            "config": self.config,
            "provenance": self.provenance,
            "rows": [row.to_dict() for row in self.rows],
            "curves": {name: [list(p) for p in points] for name, points in self.curves.items()},
        }

    def save(self, path: Any) -> None:
        """Write as JSON."""
        write_text(path, canonical_json(self.to_dict()) + "\n")

    @classmethod
    def from_dict(cls, record: dict[str, Any]) -> CriticalNResult:
        """The inverse of ``to_dict``."""
        return cls(
            rows=tuple(CriticalN.from_dict(r) for r in record["rows"]),
            run_ids=tuple(record["run_ids"]),
            status=Status.of(record["status"]),
            message=record["message"],
            config=record["config"],
            provenance=record["provenance"],
            curves={name: tuple((int(s), float(x), int(h)) for s, x, h in points) for name, points in record["curves"].items()},
        )

    @classmethod
    def load(cls, path: Any) -> CriticalNResult:
        """Read what ``save`` wrote.

        Raises
        ------
        DataError
            The file holds something else.
        """
        record = read_json(path)
        if not isinstance(record, dict) or record.get("schema") != SCHEMA_CRITICAL_N:
            raise DataError.at(path, None, f"a critical n result ({SCHEMA_CRITICAL_N}) is expected; the file holds something else")
        return cls.from_dict(record)
