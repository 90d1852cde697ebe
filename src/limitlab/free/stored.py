"""Trials and critical n in the ledger: under which key, what is taken again, and how a run is read back."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from limitlab._core.errors import DataError
from limitlab._core.files import content_hash
from limitlab._core.status import Status
from limitlab.free.config import FreeConfig
from limitlab.free.result import CriticalN, CriticalNResult, FreeResult, Trial
from limitlab.ledger import Cell, Ledger, Run

KIND = "critical-n"
NUMERICS = 1  # raised when a change of limitlab changes how an optimisation goes: part of every key
CURVE_POINTS = 200

Curve = tuple[tuple[int, float, int], ...]


def settings_of(config: FreeConfig, device: str | None = None) -> dict[str, Any]:
    """What of a config decides numbers: all but the seed, which belongs to the problem; ``device`` is the one really used."""
    return {**{n: v for n, v in config.to_dict().items() if n != "seed"}, "device": device or config.device, "numerics": NUMERICS}


def trial_key(config: FreeConfig, device: str, n_docs: int, k: int, seed: int) -> str:
    """The ledger key of one optimisation on all k-subsets."""
    return content_hash(
        {"what": "all k-subsets", "n_docs": n_docs, "k": k, "seed": seed, "settings": settings_of(config, device)}, length=32
    )


def trial_of(result: FreeResult) -> Trial:
    """The record of one optimisation, without its vectors."""
    return Trial(
        n_docs=result.n_docs,
        status=result.status,
        hits=result.hits,
        n_relevant=result.n_relevant,
        steps=result.steps,
        loss=finite(result.loss),
        seconds=result.seconds,
        gap=finite(result.gap),
        message=result.message,
    )


def failed_trial(n_docs: int, n_relevant: int, message: str) -> Trial:
    """An optimisation that was refused or broke before it had numbers."""
    return Trial(n_docs, Status.FAILED, 0, n_relevant, 0, finite(math.nan), 0.0, None, message)


def finite(value: float) -> Any:
    """The number, or None: NaN and infinity are no JSON."""
    return float(value) if value is not None and math.isfinite(value) else None


def trial_cell(key: str, config: FreeConfig, k: int, seed: int, trial: Trial, curve: Curve) -> Cell:
    """A trial as the ledger holds it; its status is the trial's own."""
    place = {"dim": config.dim, "k": k, "seed": seed, "objective": config.objective}
    record = {"part": "trial", **place, "trial": trial.to_dict(), "curve": [list(p) for p in thinned(curve)]}
    return Cell(key, trial.status, trial.message, record)


def trial_in(cell: Cell) -> tuple[Trial, Curve]:
    """What ``trial_cell`` stored."""
    return Trial.from_dict(cell.record["trial"]), _curve(cell.record["curve"])


def row_cell(row: CriticalN, settings: dict[str, Any]) -> Cell:
    """One critical n as the ledger holds it. It is never taken again as a whole: its trials are."""
    key = content_hash({"what": "critical n", "k": row.k, "seed": row.seed, "settings": settings}, length=32)
    return Cell(key, row.status, row.message, {"part": "critical_n", **row.to_dict()})


def thinned(curve: Sequence[tuple[int, float, int]]) -> Curve:
    """At most 200 points of a training curve, the first and the last among them; points without a finite loss are left out."""
    points = [p for p in curve if math.isfinite(p[1])]
    if len(points) <= CURVE_POINTS:
        return tuple(points)
    return tuple(points[round(i * (len(points) - 1) / (CURVE_POINTS - 1))] for i in range(CURVE_POINTS))


def _curve(points: Iterable[Sequence[Any]]) -> Curve:
    return tuple((int(step), float(loss), int(hits)) for step, loss, hits in points)


def chosen_curves(rows: Sequence[CriticalN], curves: dict[tuple[int, int | None, int], Curve]) -> dict[str, Curve]:
    """The training curves worth keeping: of each dimension's first seed, the critical n and the least n that failed.

    Parameters
    ----------
    curves
        ``{(dim, seed, n): curve}``.
    """
    chosen: dict[str, Curve] = {}
    seen: set[int] = set()
    for row in rows:
        if row.dim in seen:
            continue
        seen.add(row.dim)
        for n in (row.critical_n, row.least_failed):
            if n is not None and (curve := curves.get((row.dim, row.seed, n))):
                chosen[f"d = {row.dim}, n = {n}, seed {row.seed}"] = curve
    return chosen


def in_order(rows: Iterable[CriticalN]) -> tuple[CriticalN, ...]:
    """Rows by objective, k, dimension, seed."""
    return tuple(sorted(rows, key=lambda r: (r.objective, r.k, r.dim, -1 if r.seed is None else r.seed)))


def load_critical_n(run_id: str = "last", *, ledger: Ledger | None = None) -> CriticalNResult:
    """A stored search for the critical n, by run id, a unique start of one, or "last" for the newest of its kind.

    Of a run that was stopped or killed the rows that were finished are there, and its status says how it ended.

    Raises
    ------
    UnknownName
        There is no such run.
    DataError
        The run is of another kind.
    """
    ledger = ledger or Ledger()
    run = run_of_kind("load_critical_n()", ledger, run_id, KIND)
    return result_of(run, ledger.cells(run.id))


def run_of_kind(who: str, ledger: Ledger, run_id: str, kind: str) -> Run:
    """A run by id, a unique start of one, or "last" for the newest of this kind; another kind is refused."""
    newest = ledger.runs(kind=kind, limit=1) if run_id == "last" else []
    run = newest[0] if newest else ledger.run(run_id)
    if run.kind != kind:
        raise DataError(f"{who}: a run of kind {kind} is needed; run {run.id} is of kind {run.kind}. See: limitlab runs")
    return run


def result_of(run: Run, cells: Sequence[Cell]) -> CriticalNResult:
    """A run and its cells put together."""
    rows, curves = [], {}
    for cell in cells:
        record = dict(cell.record)
        if record.pop("part", None) == "critical_n":
            rows.append(CriticalN.from_dict(record))
        elif "trial" in record:
            curves[record["dim"], record["seed"], record["trial"]["n_docs"]] = _curve(record["curve"])
    ordered = in_order(rows)
    return replace(
        CriticalNResult(ordered, (run.id,), run.status, run.message, run.config, run.provenance), curves=chosen_curves(ordered, curves)
    )
