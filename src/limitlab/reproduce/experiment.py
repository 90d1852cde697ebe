"""What an experiment of the paper is here: its sizes, its cost, its numbers beside ours, and the verdict on each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from limitlab._core.errors import DataError
from limitlab._core.status import Status

SCHEMA = "limitlab.reproduce/1"
SIZES = ("tiny", "small", "full")
AGREES, DIFFERS, NOT_COMPARABLE, NOT_RUN, NO_CLAIM = "agrees", "differs", "not comparable", "not run", "ours alone"
VERDICTS = (AGREES, DIFFERS, NOT_COMPARABLE, NOT_RUN, NO_CLAIM)


@dataclass(frozen=True)
class Cost:
    """What an experiment needs at one size: an estimate, typed in; what runs took is ``measured_seconds``.

    Attributes
    ----------
    seconds
        On two cores of a server processor, nothing cached; 0 for less than a second.
    memory_gib
        Beyond what Python itself takes.
    gpu
        "none" (not used), "helps", or "needed" (hours without one).
    note
        What the time is spent on.
    """

    seconds: float
    memory_gib: float = 0.5
    gpu: str = "none"
    note: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return dict(self.__dict__)


@dataclass(frozen=True)
class Compared:
    """One published number beside ours.

    Attributes
    ----------
    what, setting
        The quantity, such as ``recall@100``, and what it was measured on, such as ``BM25, LIMIT``.
    published, source
        The paper's number as printed, and where; None where the paper has none.
    ours, low, high
        Our number with its 95 % interval (the same number three times where it is exact); None where it was not run.
    unit
        "percent" or "".
    before
        Our number without what the experiment does, such as before training; None where there is none.
    others
        ((name, value, source), ...): independent reproductions of the same setting.
    verdict, why
        One of VERDICTS, and the reason in words.
    """

    what: str
    setting: str
    published: float | None
    source: str = ""
    ours: float | None = None
    low: float | None = None
    high: float | None = None
    unit: str = "percent"
    others: tuple[tuple[str, float, str], ...] = ()
    verdict: str = NOT_RUN
    why: str = ""
    before: float | None = None

    @property
    def reference(self) -> float | None:
        """The paper's number; where it has none, that of the first reproduction."""
        return self.published if self.published is not None else self.others[0][1] if self.others else None

    @property
    def difference(self) -> float | None:
        """Ours minus the reference."""
        return None if self.ours is None or self.reference is None else self.ours - self.reference

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return {**self.__dict__, "others": [list(o) for o in self.others], "difference": self.difference}

    @classmethod
    def from_dict(cls, record: Mapping[str, Any]) -> Compared:
        """The inverse of ``to_dict``."""
        values = {k: v for k, v in record.items() if k != "difference"}
        return cls(**{**values, "others": tuple(tuple(o) for o in record["others"])})


def compared(
    what: str,
    setting: str,
    published: float | None,
    *,
    source: str = "",
    ours: float | None = None,
    low: float | None = None,
    high: float | None = None,
    before: float | None = None,
    unit: str = "percent",
    others: Sequence[tuple[str, float, str]] = (),
    size: str = "full",
    departs: Sequence[str] = (),
    tolerance: float = 2.0,
    interval: str = "our 95 % interval",
    not_run: str = "",
) -> Compared:
    """A number with its verdict, against the paper's number or, where it has none, the first reproduction's.

    *Agrees*: the reference lies in our 95 % interval, or within ``tolerance`` of our number, and nothing departs. *Differs*: neither.
    *Not comparable*: something departs, or the size is a smaller one; a smaller size never agrees. *Not run*: ours is missing.
    *Ours alone*: nobody has published one.

    Parameters
    ----------
    departs
        What is not as in the paper: model, data, size; each in a few words.
    tolerance
        In the unit of the number: 2 points for percentages. For a number of that size it says little, and the reason says so.
    interval
        What low and high are.
    not_run
        Why there is no number of ours.
    """
    row = Compared(what, setting, published, source, unit=unit, others=tuple(others), before=before)
    if ours is None:
        return replace(row, why=not_run or "not asked for")
    least, most = (ours if low is None else low), (ours if high is None else high)
    row = replace(row, ours=ours, low=least, high=most)
    reasons = [*departs, *([f"size {size}"] if size != "full" else [])]
    reference = row.reference
    if reference is None:
        return replace(row, verdict=NO_CLAIM, why="; ".join(reasons))
    if reasons:
        return replace(row, verdict=NOT_COMPARABLE, why="; ".join(reasons))
    within, near = least <= reference <= most, abs(ours - reference) <= tolerance
    against = "" if published is not None else ", against a reproduction"
    if within or near:
        close = f"within {tolerance:,g}{_unit(unit)}" + (
            ", which says little about a number so small" if abs(reference) < 2 * tolerance else ""
        )
        why = "equal" if ours == reference else f"inside {interval}" if within else close
        return replace(row, verdict=AGREES, why=why + against)
    return replace(row, verdict=DIFFERS, why=f"{ours - reference:+,.4g}{_unit(unit)}{against}")


def _unit(unit: str) -> str:
    return " points" if unit == "percent" else ""


@dataclass(frozen=True)
class Outcome:
    """What one experiment gave.

    Attributes
    ----------
    name, title, size
        Of the experiment.
    claim
        What the paper says, in a sentence.
    rows
        Published numbers beside ours.
    says
        What our numbers say, in one or two sentences.
    since
        What later work has to say about the claim, for readers.
    status, message
        As everywhere: only "solved" counts.
    config, provenance, run_ids
        What was asked for; versions, machine, commit, time, memory; the ledger's runs, its own and those of the evaluations behind it.
    """

    name: str
    title: str
    size: str
    claim: str
    rows: tuple[Compared, ...]
    says: tuple[str, ...]
    since: tuple[str, ...] = ()
    status: Status = Status.SOLVED
    message: str = Status.SOLVED.value
    config: dict[str, Any] = field(default_factory=dict)
    provenance: dict[str, Any] = field(default_factory=dict)
    run_ids: tuple[str, ...] = ()

    @property
    def counts(self) -> dict[str, int]:
        """Number of rows of each verdict, in the order of VERDICTS, without those that have none."""
        return {v: n for v in VERDICTS if (n := sum(row.verdict == v for row in self.rows))}

    def to_dict(self) -> dict[str, Any]:
        """Plain values with a schema version."""
        return {
            "schema": SCHEMA,
            **{k: getattr(self, k) for k in ("name", "title", "size", "claim", "message", "config", "provenance")},
            "status": self.status.key,
            "counts": self.counts,
            "rows": [row.to_dict() for row in self.rows],
            "says": list(self.says),
            "since": list(self.since),
            "run_ids": list(self.run_ids),
        }

    @classmethod
    def from_dict(cls, record: Mapping[str, Any]) -> Outcome:
        """The inverse of ``to_dict``; DataError when the schema is another."""
        if record.get("schema") != SCHEMA:
            raise DataError(f"reproduction: schema must be {SCHEMA!r}; got {record.get('schema')!r}.")
        return cls(
            **{k: record[k] for k in ("name", "title", "size", "claim", "message", "config", "provenance")},
            rows=tuple(Compared.from_dict(r) for r in record["rows"]),
            says=tuple(record["says"]),
            since=tuple(record["since"]),
            status=Status.of(record["status"]),
            run_ids=tuple(record["run_ids"]),
        )
