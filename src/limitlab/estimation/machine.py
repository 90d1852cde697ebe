"""What one kind of machine does in a second: the constants that estimates are made of, in a file, measured once a day."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from limitlab._core.errors import DataError
from limitlab._core.files import canonical_json, write_text
from limitlab._core.home import home
from limitlab.estimation.load import BUSY_BELOW

SCHEMA = "limitlab.machine/1"
KEPT = timedelta(days=1)
RATES: dict[str, tuple[str, str]] = {
    "check": ("values/s", "test rows for NaN"),
    "lengths": ("values/s", "lengths of rows, summed in float64"),
    "normalise": ("values/s", "scale rows to unit length"),
    "convert": ("values/s", "round float32 values to int8 and back"),
    "scan": ("scores/s", "look for candidates among the scores of a block"),
    "count": ("scores/s", "count the scores above a relevant document's"),
    "offer": ("values/s", "exact float64 score of a candidate"),
    "enter": ("candidates/s", "a candidate's place in the list of the best"),
    "moments": ("flop/s", "float64 products of dimensions"),
    "eigen": ("values^3/s", "eigenvalues of the covariance"),
    "hash": ("values/s", "hash rows, to find equal ones"),
    "ids": ("ids/s", "ids of documents: order among ties, relevance, checks"),
    "resample": ("values/s", "draw queries again, for intervals"),
    "memory": ("bytes/s", "read memory once from start to end"),
    "file_cached": ("bytes/s", "read a mapped file that the system holds in memory"),
    "file_cold": ("bytes/s", "read a file from its disk"),
    "file_write": ("bytes/s", "write a file to its disk"),
    "text": ("bytes/s", "read a dataset's texts: JSON, ids, checks, fingerprint"),
    "bm25_index": ("words/s", "cut texts into words and index them"),
    "bm25_search": ("scores/s", "score documents for a query"),
    "separate_first": ("values/s", "best queries against the first block of documents, rows x block x dim"),
    "gaps_first": ("values/s", "greatest gaps against the first block of documents, rows x block x dim"),
}


@dataclass(frozen=True)
class MachineProfile:
    """Measured constants of one kind of machine.

    Attributes
    ----------
    kind
        Processor, cores and memory in words; no host name.
    cores, memory_bytes
        What the measurements used, and how much there is.
    start_seconds, start_bytes
        Of a process that has read its libraries and compiled loops.
    rates
        Units a second by name, see RATES.
    products
        ``((n_queries, dim, flop/s), ...)``: float32 products of a block of queries with a block of documents.
    steps
        ``((multiplications, seconds), ...)``: one step of free embeddings on one core, ascending.
    shared_step
        How many times faster all cores take the largest of these steps.
    created
        UTC, ISO 8601.
    versions
        Of what decides the numbers.
    share
        Of the processor that was got while this was measured, in [0, 1]; None: not known, or it does not matter.
    """

    kind: str
    cores: int
    memory_bytes: int
    start_seconds: float
    start_bytes: int
    rates: Mapping[str, float]
    products: tuple[tuple[int, int, float], ...]
    steps: tuple[tuple[float, float], ...]
    shared_step: float
    created: str = ""
    versions: Mapping[str, str] = field(default_factory=dict)
    share: float | None = None

    @property
    def busy(self) -> str:
        """What must be said where other programs took part of the processor; else empty."""
        if self.share is None or self.share >= BUSY_BELOW:
            return ""
        return (
            f"constants are those of a busy machine: other programs left {100 * self.share:.0f} % of the processor while they were measured; "
            "measure a quiet one with: limitlab estimate machine --fresh"
        )

    def product_rate(self, n_queries: float, dim: float) -> float:
        """flop/s of products of this shape: bilinear in the logarithms between the shapes measured, constant outside."""
        rows, columns = sorted({q for q, _, _ in self.products}), sorted({d for _, d, _ in self.products})
        table = {(q, d): rate for q, d, rate in self.products}
        across = [_between(columns, [math.log(table[q, d]) for d in columns], dim) for q in rows]
        return math.exp(_between(rows, across, n_queries))

    def step_seconds(self, multiplications: float) -> float:
        """Seconds of one step on one core: the pace is interpolated in the logarithm of the size, and constant outside what was measured."""
        sizes = [size for size, _ in self.steps]
        return multiplications * math.exp(_between(sizes, [math.log(s / m) for m, s in self.steps], multiplications))

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        plain = dict(self.__dict__)
        units = {name: RATES[name][0] for name in self.rates}
        return {"schema": SCHEMA, **plain, "rates": dict(self.rates), "units": units, "versions": dict(self.versions)}


def _between(at: list[Any], values: list[float], where: float) -> float:
    """Linear in log ``at`` between the neighbours of ``where``; the end's value beyond an end."""
    if where <= at[0]:
        return values[0]
    for i in range(1, len(at)):
        if where <= at[i]:
            share = math.log(where / at[i - 1]) / math.log(at[i] / at[i - 1])
            return values[i - 1] + share * (values[i] - values[i - 1])
    return values[-1]


def read_profile(path: str | Path) -> MachineProfile:
    """A profile from a file that ``limitlab estimate machine -o`` wrote.

    Raises
    ------
    DataError
        There is no such file, or it is no such profile: another schema, or a constant missing or not above 0.
    """
    path = Path(path)
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError.at(path, None, f"not readable as a machine profile ({error})") from error
    if not isinstance(record, dict) or record.get("schema") != SCHEMA:
        raise DataError.at(path, None, f"a machine profile has the schema {SCHEMA!r}; write one with: limitlab estimate machine -o FILE")
    missing = sorted({*RATES} - {*record.get("rates", {})})
    if missing:
        raise DataError.at(path, None, f"the machine profile has no rate {missing[0]!r}; measure it again with: limitlab estimate machine")
    try:
        return _profile(record)
    except (KeyError, TypeError, ValueError) as error:
        raise DataError.at(path, None, f"the machine profile is damaged ({error}); measure it again") from error


def _profile(record: dict[str, Any]) -> MachineProfile:
    rates = {name: float(record["rates"][name]) for name in RATES}
    products = tuple((int(q), int(d), float(rate)) for q, d, rate in record["products"])
    steps = tuple((float(m), float(s)) for m, s in record["steps"])
    numbers = [*rates.values(), *(v for row in products for v in row), *(v for row in steps for v in row), record["cores"]]
    if not products or not steps or not all(math.isfinite(v) and v > 0 for v in numbers):
        raise ValueError("every constant must be above 0")
    if len(products) != len({q for q, _, _ in products}) * len({d for _, d, _ in products}):
        raise ValueError("products must be a full table")
    return MachineProfile(
        str(record["kind"]), int(record["cores"]), int(record["memory_bytes"]), float(record["start_seconds"]), int(record["start_bytes"]),
        rates, products, steps, float(record["shared_step"]), str(record.get("created", "")), dict(record.get("versions", {})),
        None if record.get("share") is None else float(record["share"]),
    )  # fmt: skip


def write_profile(profile: MachineProfile, path: str | Path) -> None:
    """As JSON."""
    write_text(Path(path), json.dumps(json.loads(canonical_json(profile.to_dict())), indent=1) + "\n")


def stored_profile(measure: Callable[[], MachineProfile], *, fresh: bool = False, moment: datetime | None = None) -> MachineProfile:
    """The profile of this machine: from LIMITLAB_HOME if it is at most a day old and of the same versions and cores, else measured and kept.

    Parameters
    ----------
    measure
        Called when there is none, or ``fresh`` is set.
    moment
        Now; default: the clock.
    """
    from limitlab.estimation.measure import deciding_versions, usable_cores

    path = home() / "estimate" / "machine.json"
    moment = moment or datetime.now(UTC)
    if not fresh and path.is_file():
        try:
            kept = read_profile(path)
            age = moment - datetime.fromisoformat(kept.created)
            if timedelta(0) <= age <= KEPT and kept.versions == deciding_versions() and kept.cores == usable_cores():
                return kept
        except (DataError, ValueError):  # of another version, or cut short: measured again
            pass
    profile = measure()
    write_profile(profile, path)
    return profile
