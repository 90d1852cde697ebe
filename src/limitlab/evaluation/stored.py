"""Evaluations read back from the ledger."""

from __future__ import annotations

from typing import Any

from limitlab.evaluation.result import DatasetFacts, EvaluationResult, Row
from limitlab.ledger import Ledger


def load_result(run_id: str = "last", *, ledger: Ledger | None = None) -> EvaluationResult:
    """A stored evaluation by run id, a unique start of one, or "last".

    Raises
    ------
    UnknownName
        There is no such run.
    """
    ledger = ledger or Ledger()
    run = ledger.run(run_id)
    rows = in_order([Row.from_dict(cell.record) for cell in ledger.cells(run.id)], run.config)
    facts = tuple(DatasetFacts(**d) for d in run.config.get("dataset_facts", ()))
    return EvaluationResult(rows, facts, (run.id,), run.status, run.message, run.config, run.provenance, ledger.artefacts.get)


def in_order(rows: list[Row], about: dict[str, Any]) -> tuple[Row, ...]:
    """Rows as asked for, by dataset, retriever, dimension; they come in the order in which they were measured."""
    datasets, retrievers, dims = about.get("datasets") or [], about.get("retrievers") or [], about.get("dims") or []

    def place(row: Row) -> tuple[int, ...]:
        return tuple(
            known.index(x) if x in known else -1 for known, x in ((datasets, row.dataset), (retrievers, row.retriever), (dims, row.dim))
        )

    return tuple(sorted(rows, key=place))
