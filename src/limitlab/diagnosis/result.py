"""What a diagnosis returns: levels, queries, and where each missing document was lost."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from limitlab._core.errors import DataError, UnknownName
from limitlab._core.files import canonical_json, read_json, write_text
from limitlab._core.status import Status
from limitlab.diagnosis.depth import Depth
from limitlab.diagnosis.remedies.remedy import Remedy
from limitlab.evaluation import Estimate

SCHEMA = "limitlab.diagnosis/1"
KEYS = ("cut", "dimension", "documents", "encoder", "truncation", "quantisation", "index", "platform")


@dataclass(frozen=True)
class Level:
    """One level of the way from the qrels to what is retrieved.

    Attributes
    ----------
    key, label
        One of KEYS, and how it is shown.
    status
        "measured"; "lower bound" (document vectors, where the best query is not known); "possible", "exists", "impossible" or "open" (dimension);
        "not given" (nothing of the kind was passed: the numbers are those of the level before).
    note
        One sentence about how it was measured.
    recall, all_relevant
        Means over queries at the cut, with 95 % bootstrap intervals.
    retained, lost, gained
        Relevant documents retained, lost and regained against the level before, summed over queries.
    blamed
        Documents missing at the end that this level was the last to lose.
    """

    key: str
    label: str
    status: str
    note: str
    recall: Estimate
    all_relevant: Estimate
    retained: int
    lost: int
    gained: int
    blamed: int

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return {**self.__dict__, "recall": self.recall.to_dict(), "all_relevant": self.all_relevant.to_dict()}

    @classmethod
    def from_dict(cls, record: dict[str, Any]) -> Level:
        """The inverse of ``to_dict``."""
        return cls(**{**record, "recall": Estimate(**record["recall"]), "all_relevant": Estimate(**record["all_relevant"])})


@dataclass(frozen=True)
class Missing:
    """A relevant document that is not retrieved at the end: the level that lost it last, and more about why where it is known."""

    doc: str
    level: str
    reason: str = ""


@dataclass(frozen=True)
class QueryDiagnosis:
    """One query.

    Attributes
    ----------
    query, relevant
        Id, and number of relevant documents.
    retained, lost, gained
        One number a level, in the order of the levels.
    missing
        Relevant documents that are not retrieved at the end.
    gap
        Least relevant minus greatest irrelevant score of the query's own vector; None where it was not measured.
    """

    query: str
    relevant: int
    retained: tuple[int, ...]
    lost: tuple[int, ...]
    gained: tuple[int, ...]
    missing: tuple[Missing, ...] = ()
    gap: float | None = None

    @property
    def causes(self) -> dict[str, int]:
        """Missing documents by the level that is blamed."""
        out: dict[str, int] = {}
        for m in self.missing:
            out[m.level] = out.get(m.level, 0) + 1
        return out

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return {**self.__dict__, "causes": self.causes, "missing": [m.__dict__ for m in self.missing]}

    @classmethod
    def from_dict(cls, record: dict[str, Any]) -> QueryDiagnosis:
        """The inverse of ``to_dict``."""
        retained, lost, gained = (tuple(record[name]) for name in ("retained", "lost", "gained"))
        return cls(
            record["query"], record["relevant"], retained, lost, gained, tuple(Missing(**m) for m in record["missing"]), record.get("gap")
        )


@dataclass(frozen=True)
class Diagnosis:
    """Where recall is lost, level by level.

    Attributes
    ----------
    name
        Of the data.
    levels
        In the order of KEYS, all of them.
    queries
        In the order of the query vectors.
    verdict
        Three sentences that say what the numbers say; one more about remedies where some were measured.
    notes
        Counts that a reader must know.
    config, provenance, run_ids
        What was asked for; versions, machine, commit, wall time, peak memory; the ledger's run.
    depth
        Drowning, gaps and geometry; None in a record made before these were measured.
    remedies
        Those asked for, best first.
    """

    name: str
    levels: tuple[Level, ...]
    queries: tuple[QueryDiagnosis, ...]
    verdict: tuple[str, ...]
    notes: dict[str, int | str] = field(default_factory=dict)
    config: dict[str, Any] = field(default_factory=dict)
    provenance: dict[str, Any] = field(default_factory=dict)
    run_ids: tuple[str, ...] = ()
    status: Status = Status.SOLVED
    message: str = Status.SOLVED.value
    depth: Depth | None = None
    remedies: tuple[Remedy, ...] = ()

    @property
    def k(self) -> int:
        """The cut."""
        return int(self.config["k"])

    @property
    def n_relevant(self) -> int:
        """Relevant documents of all queries."""
        return sum(q.relevant for q in self.queries)

    @property
    def n_missing(self) -> int:
        """Relevant documents that are not retrieved at the end."""
        return self.n_relevant - self.levels[-1].retained

    def level(self, key: str) -> Level:
        """One level by its key.

        Raises
        ------
        UnknownName
            It is none of KEYS.
        """
        for level in self.levels:
            if level.key == key:
                return level
        raise UnknownName.of("Diagnosis.level()", "level", key, KEYS)

    # -- writing -------------------------------------------------------------------------------------------------

    def to_dict(self) -> dict[str, Any]:
        """Plain values with a schema version; no document or query text."""
        return {
            **self.summary(),
            "queries": [q.to_dict() for q in self.queries],
        }

    def summary(self) -> dict[str, Any]:
        """``to_dict`` without the queries."""
        return {
            "schema": SCHEMA,
            "name": self.name,
            "status": self.status.key,
            "message": self.message,
            "verdict": list(self.verdict),
            "n_queries": len(self.queries),
            "n_relevant": self.n_relevant,
            "n_missing": self.n_missing,
            "levels": [level.to_dict() for level in self.levels],
            "remedies": [remedy.to_dict() for remedy in self.remedies],
            "notes": dict(self.notes),
            "run_ids": list(self.run_ids),
            "config": self.config,
            "provenance": self.provenance,
            **({} if self.depth is None else {"depth": self.depth.to_dict()}),
        }

    @classmethod
    def from_dict(cls, record: dict[str, Any]) -> Diagnosis:
        """The inverse of ``to_dict``; DataError when the schema is another."""
        schema = record.get("schema") if isinstance(record, dict) else None
        if schema != SCHEMA:
            raise DataError(f"diagnosis: schema must be {SCHEMA!r}; got {schema!r}.")
        queries = tuple(QueryDiagnosis.from_dict(r) for r in record["queries"])
        deep = record.get("depth")
        return cls(
            name=record["name"],
            levels=tuple(Level.from_dict(r) for r in record["levels"]),
            queries=queries,
            verdict=tuple(record["verdict"]),
            notes=record["notes"],
            config=record["config"],
            provenance=record["provenance"],
            run_ids=tuple(record["run_ids"]),
            status=Status.of(record["status"]),
            message=record["message"],
            depth=None if deep is None else Depth.from_dict(deep, tuple(q.gap for q in queries)),
            remedies=tuple(Remedy.from_dict(r) for r in record.get("remedies", ())),
        )

    def save(self, path: str | Path) -> Path:
        """Write ``to_dict()`` as JSON."""
        return write_text(path, canonical_json(self.to_dict()) + "\n")

    @classmethod
    def load(cls, path: str | Path) -> Diagnosis:
        """Read what ``save`` wrote."""
        return cls.from_dict(read_json(path))

    def flat(self) -> list[dict[str, Any]]:
        """One flat record a query: relevant, then retained_, lost_, gained_ and blamed_ of every level."""
        return [_flat(q, [level.key for level in self.levels]) for q in self.queries]

    def to_csv(self, path: str | Path | None = None) -> str:
        """The table of queries as CSV text, also written to ``path`` when given."""
        records = self.flat()
        out = io.StringIO()
        writer = csv.DictWriter(out, fieldnames=list(records[0]) if records else ["query"], lineterminator="\n")
        writer.writeheader()
        writer.writerows(records)
        if path is not None:
            write_text(path, out.getvalue())
        return out.getvalue()

    def report(self, path: str | Path = "diagnosis.html", **options: Any) -> Path:
        """Write the self-contained HTML page; options as in ``limitlab.report.write_diagnosis_report``."""
        import importlib

        # The report is drawn on a higher floor; it is looked up by name so that this room does not depend on it.
        return importlib.import_module("limitlab.report").write_diagnosis_report(self, path, **options)


def _flat(query: QueryDiagnosis, keys: Sequence[str]) -> dict[str, Any]:
    causes = query.causes
    record: dict[str, Any] = {"query": query.query, "relevant": query.relevant}
    for name, values in (("retained", query.retained), ("lost", query.lost), ("gained", query.gained)):
        record |= {f"{name}_{key}": value for key, value in zip(keys, values)}
    return record | {f"blamed_{key}": causes.get(key, 0) for key in keys} | ({} if query.gap is None else {"gap": query.gap})
