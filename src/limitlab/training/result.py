"""What an experiment returns: models, and every measure before and after."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from limitlab._core.errors import DataError, UnknownName
from limitlab._core.files import canonical_json, read_json, write_text
from limitlab._core.status import Status
from limitlab.evaluation import Estimate
from limitlab.training.one_model import TrainedModel

SCHEMA = "limitlab.training/1"
TASK, GENERAL = "task", "general"


@dataclass(frozen=True)
class Change:
    """One measure on one corpus, before training and after.

    Attributes
    ----------
    kind
        task (what is trained for) or general (what may be forgotten).
    dataset, n_docs
        Which corpus.
    split, dim
        Of the trained models; ``dim`` is None for token vectors.
    measure
        "recall@10", ...
    before
        Of the base at that dimension (its first values); None where the base has fewer.
    after
        Mean over seeds and queries; the interval is over queries.
    by_seed
        Mean over queries of every seed's model.
    difference
        After minus before, paired by query, with its 95 % interval; None without ``before``.
    seen, unseen
        After, on the queries that were and were not among the pairs; None where there are none.
    """

    kind: str
    dataset: str
    n_docs: int
    split: str
    dim: int | None
    measure: str
    before: Estimate | None
    after: Estimate
    by_seed: tuple[float, ...]
    difference: Estimate | None
    seen: float | None = None
    unseen: float | None = None

    @property
    def spread(self) -> float:
        """Greatest minus least over seeds."""
        return max(self.by_seed) - min(self.by_seed)

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        estimates = {
            name: e and e.to_dict() for name, e in (("before", self.before), ("after", self.after), ("difference", self.difference))
        }
        return {**self.__dict__, **estimates, "by_seed": list(self.by_seed)}

    @classmethod
    def from_dict(cls, record: dict[str, Any]) -> Change:
        """The inverse of ``to_dict``."""
        estimates = {name: Estimate(**record[name]) if record[name] else None for name in ("before", "after", "difference")}
        return cls(**{**record, **estimates, "by_seed": tuple(record["by_seed"])})


@dataclass(frozen=True)
class TrainResult:
    """A domain-shift experiment.

    Attributes
    ----------
    models
        One a split, dimension and seed.
    changes
        Every measure on every corpus, before and after.
    datasets
        Facts of the corpora: name, kind, n_docs, n_queries.
    notes
        Sentences a reader must know.
    config, provenance, run_ids
        What was asked for; versions, machine, commit, wall time; runs of the ledger, the experiment's own first.
    """

    models: tuple[TrainedModel, ...]
    changes: tuple[Change, ...]
    datasets: tuple[dict[str, Any], ...] = ()
    notes: tuple[str, ...] = ()
    run_ids: tuple[str, ...] = ()
    status: Status = Status.SOLVED
    message: str = Status.SOLVED.value
    config: dict[str, Any] = field(default_factory=dict)
    provenance: dict[str, Any] = field(default_factory=dict)

    @property
    def verdict(self) -> list[str]:
        """Sentences that say what the numbers say."""
        from limitlab.training.verdict import sentences

        return sentences(self)

    @property
    def measures(self) -> list[str]:
        """Names of the measures, in the order of the experiment."""
        return list(dict.fromkeys(c.measure for c in self.changes))

    def select(self, **wanted: Any) -> list[Change]:
        """The changes whose fields have the given values: ``select(split="train", n_docs=46, measure="recall@10")``.

        Raises
        ------
        UnknownName
            A field does not exist.
        """
        for name in wanted:
            if name not in Change.__dataclass_fields__:
                raise UnknownName.of("TrainResult.select()", "field", name, Change.__dataclass_fields__)
        return [c for c in self.changes if all(getattr(c, name) == value for name, value in wanted.items())]

    # -- writing -------------------------------------------------------------------------------------------------

    def to_dict(self) -> dict[str, Any]:
        """Plain values with a schema version; no document or query text."""
        return {
            "schema": SCHEMA,
            "status": self.status.key,
            "message": self.message,
            "verdict": self.verdict,
            "models": [m.to_dict() for m in self.models],
            "changes": [c.to_dict() for c in self.changes],
            "datasets": list(self.datasets),
            "notes": list(self.notes),
            "run_ids": list(self.run_ids),
            "config": self.config,
            "provenance": self.provenance,
        }

    @classmethod
    def from_dict(cls, record: dict[str, Any]) -> TrainResult:
        """The inverse of ``to_dict``; DataError when the schema is another."""
        schema = record.get("schema") if isinstance(record, dict) else None
        if schema != SCHEMA:
            raise DataError(f"training result: schema must be {SCHEMA!r}; got {schema!r}.")
        return cls(
            models=tuple(TrainedModel.from_dict(m) for m in record["models"]),
            changes=tuple(Change.from_dict(c) for c in record["changes"]),
            datasets=tuple(record["datasets"]),
            notes=tuple(record["notes"]),
            run_ids=tuple(record["run_ids"]),
            status=Status.of(record["status"]),
            message=record["message"],
            config=record["config"],
            provenance=record["provenance"],
        )

    def save(self, path: str | Path) -> Path:
        """Write ``to_dict()`` as JSON."""
        return write_text(path, canonical_json(self.to_dict()) + "\n")

    @classmethod
    def load(cls, path: str | Path) -> TrainResult:
        """Read what ``save`` wrote."""
        return cls.from_dict(read_json(path))

    def flat(self) -> list[dict[str, Any]]:
        """One flat record a change."""
        return [_flat(c) for c in self.changes]

    def to_csv(self, path: str | Path | None = None) -> str:
        """The flat records as CSV text, also written to ``path`` when given."""
        records = self.flat()
        out = io.StringIO()
        writer = csv.DictWriter(out, fieldnames=list(records[0]) if records else ["dataset"], lineterminator="\n")
        writer.writeheader()
        writer.writerows(records)
        if path is not None:
            write_text(path, out.getvalue())
        return out.getvalue()

    def report(self, path: str | Path = "training.html", **options: Any) -> Path:
        """Write the self-contained HTML page; options as in ``limitlab.report.write_training_report``."""
        import importlib

        # The report is drawn on a higher floor; it is looked up by name so that this room does not depend on it.
        return importlib.import_module("limitlab.report").write_training_report(self, path, **options)


def _flat(change: Change) -> dict[str, Any]:
    out: dict[str, Any] = {name: getattr(change, name) for name in ("kind", "dataset", "n_docs", "split", "dim", "measure")}
    for name, e in (("before", change.before), ("after", change.after), ("difference", change.difference)):
        out |= {name: e and e.mean, f"{name}_low": e and e.low, f"{name}_high": e and e.high}
    return out | {"seeds": len(change.by_seed), "spread": change.spread, "seen": change.seen, "unseen": change.unseen}


def largest(changes: Iterable[Change]) -> Change | None:
    """The change on the largest corpus, and there at the largest dimension; None when there is none."""
    return max(changes, key=lambda c: (c.n_docs, c.dim or 0), default=None)
