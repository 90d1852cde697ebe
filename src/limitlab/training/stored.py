"""Experiments read back from the ledger."""

from __future__ import annotations

from limitlab._core.errors import InvalidArgument
from limitlab.ledger import Ledger
from limitlab.training.experiment import KIND
from limitlab.training.one_model import TrainedModel
from limitlab.training.result import SCHEMA, TrainResult


def finished_models(run_id: str = "last", *, ledger: Ledger | None = None) -> list[TrainedModel]:
    """The models that a run has trained so far, whether it ended or was stopped; ids as in ``load_training``."""
    ledger = ledger or Ledger()
    cells = ledger.cells(ledger.run(run_id).id)
    return [TrainedModel.from_dict(c.record["model"]) for c in cells if "model" in c.record]


def load_training(run_id: str = "last", *, ledger: Ledger | None = None) -> TrainResult:
    """A stored experiment by run id, a unique start of one, or "last".

    Raises
    ------
    UnknownName
        There is no such run.
    InvalidArgument
        The run is of another kind, or ended without a result.
    """
    ledger = ledger or Ledger()
    run = ledger.run(run_id)
    records = [c.record for c in ledger.cells(run.id) if c.record.get("schema") == SCHEMA]
    if run.kind != KIND or not records:
        what = (
            f"is of kind {run.kind}" if run.kind != KIND else f"has no result: {run.message.rstrip('.')}. Its command, given again, goes on"
        )
        raise InvalidArgument(f"load_training(): a finished run of kind {KIND} is needed; got {run.id}, which {what}")
    return TrainResult.from_dict(records[-1])
