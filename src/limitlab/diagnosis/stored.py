"""Diagnoses read back from the ledger."""

from __future__ import annotations

import json

from limitlab._core.errors import InvalidArgument
from limitlab.diagnosis.diagnose import KIND
from limitlab.diagnosis.result import Diagnosis
from limitlab.ledger import Ledger


def load_diagnosis(run_id: str = "last", *, ledger: Ledger | None = None) -> Diagnosis:
    """A stored diagnosis by run id, a unique start of one, or "last".

    Raises
    ------
    UnknownName
        There is no such run.
    InvalidArgument
        The run is of another kind, or ended without a result.
    DataError
        Its table of queries is not stored any more.
    """
    ledger = ledger or Ledger()
    run = ledger.run(run_id)
    cells = ledger.cells(run.id)
    if run.kind != KIND or not cells or cells[0].artefact is None:
        what = f"is of kind {run.kind}" if run.kind != KIND else f"has no result: {run.message}"
        raise InvalidArgument(f"load_diagnosis(): a finished run of kind {KIND} is needed; got {run.id}, which {what}")
    queries = json.loads(ledger.artefacts.get(cells[0].artefact)["queries"].tobytes())
    return Diagnosis.from_dict({**cells[0].record, "queries": queries})
