"""Experiments through the ledger: each outcome is kept, and a run that was stopped goes on with those that are missing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from limitlab._core.checks import choice
from limitlab._core.errors import InvalidArgument, LimitlabError
from limitlab._core.files import content_hash
from limitlab._core.status import Status
from limitlab.ledger import Cell, Ledger, running
from limitlab.reproduce.asked import Asked, Found
from limitlab.reproduce.catalogue import EXPERIMENTS, Experiment, experiment
from limitlab.reproduce.experiment import SIZES, Outcome

KIND = "reproduction"
_NUMERICS = 1  # raised when a change of limitlab changes outcomes


def reproduce(
    names: Sequence[str],
    asked: Asked,
    *,
    reuse: bool = True,
    on_outcome: Callable[[Outcome], None] | None = None,
) -> list[Outcome]:
    """Run experiments one after another.

    Parameters
    ----------
    names
        Of experiments, see ``EXPERIMENTS``.
    asked
        Size, models, data.
    reuse
        Whether outcomes that the ledger has for the same question are taken from it.
    on_outcome
        Called with each outcome as soon as it is there.

    Returns
    -------
    One outcome a name. An experiment that fails is FAILED with its sentence, and the others go on.

    Raises
    ------
    InvalidArgument
        Before anything runs: no names, an unknown experiment or size, or something given that none of the experiments uses.
    """
    choice("reproduce", "size", asked.size, SIZES)
    if not names:
        raise InvalidArgument("reproduce: at least one experiment must be named; got none. See: limitlab reproduce list")
    chosen = [experiment(name) for name in dict.fromkeys(names)]
    _refuse_unused(chosen, asked)
    ledger = asked.ledger or Ledger()
    outcomes = []
    for one in chosen:
        outcome = _one(one, replace(asked, size=one.size(asked), ledger=ledger), ledger, reuse)
        outcomes.append(outcome)
        if on_outcome is not None:
            on_outcome(outcome)
    return outcomes


def _refuse_unused(chosen: Sequence[Experiment], asked: Asked) -> None:
    plain = Asked(asked.size)
    for name in ("models", "limit", "limit_small", "beir", "seed"):
        if getattr(asked, name) != getattr(plain, name) and not any(name in one.uses for one in chosen):
            users = ", ".join(e.name for e in EXPERIMENTS.values() if name in e.uses)
            own = " A model of your own is trained by: limitlab train --base" if name == "models" else ""
            raise InvalidArgument(
                f"reproduce: {name.replace('_', '-')} must be used by an experiment; {', '.join(one.name for one in chosen)} "
                f"use{'s' if len(chosen) == 1 else ''} none, those that do are {users}.{own}"
            )


def _one(one: Experiment, asked: Asked, ledger: Ledger, reuse: bool) -> Outcome:
    try:
        key = content_hash({"reproduction": one.name, "asked": asked.key(), "numerics": _NUMERICS}, length=32)
    except LimitlabError:  # data or a model that is not there: the experiment itself says what it makes of that
        key = ""
    kept = ledger.solved(key) if reuse and key else None
    if kept is not None:
        return Outcome.from_dict(kept.record)
    about = {**asked.to_dict(), "experiment": one.name, "command": list(asked.command) or None}
    with running(ledger, KIND, f"{one.title} ({asked.size})", about) as run:
        try:
            found = one.run(asked)
            run.ended(*((Status.FAILED, " ".join(found.problems)) if found.problems else (Status.SOLVED,)))
        except LimitlabError as error:  # the other experiments go on
            found = Found((), ())
            run.ended(Status.FAILED, str(error))
        outcome = Outcome(
            one.name,
            one.title,
            asked.size,
            one.claim,
            tuple(found.rows),
            tuple(found.says),
            one.since,
            run.status,
            run.message,
            about,
            run.made(),
            (run.id, *found.run_ids),
        )
        if found.rows:  # only a solved cell is taken again; the others can be shown
            ledger.add_cell(run.id, Cell(key or run.id, run.status, run.message, outcome.to_dict()))
    return outcome


def measured_seconds(*, ledger: Ledger | None = None) -> dict[tuple[str, str], float]:
    """``{(experiment, size): seconds}`` of the newest solved run of each in the ledger; an outcome that was only taken again is no run."""
    found: dict[tuple[str, str], float] = {}
    for run in (ledger or Ledger()).runs(kind=KIND):  # newest first
        seconds = run.provenance.get("wall_seconds")
        if run.status is Status.SOLVED and seconds is not None:
            found.setdefault((run.config["experiment"], run.config["size"]), float(seconds))
    return found


def load_outcome(run_id: str, *, ledger: Ledger | None = None) -> Outcome:
    """A stored outcome.

    Parameters
    ----------
    run_id
        Of a run of kind "reproduction"; a unique start of it, or "last".

    Raises
    ------
    InvalidArgument
        The run is of another kind, or ended without an outcome.
    """
    ledger = ledger or Ledger()
    run = ledger.run(run_id)
    cells = ledger.cells(run.id)
    if run.kind != KIND or not cells:
        what = f"is of kind {run.kind}" if run.kind != KIND else f"has no outcome ({run.message})"
        raise InvalidArgument(f"load_outcome(): the run must be a finished reproduction; run {run.id} {what}. See: limitlab runs")
    return Outcome.from_dict(cells[0].record)
