"""Two rows on every dataset and measure that both have, and what chance alone would do over so many tests."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from limitlab._core.errors import InvalidArgument, UnknownName
from limitlab._core.status import Status
from limitlab.evaluation.compare import Comparison, compare_paired
from limitlab.evaluation.gate import holm
from limitlab.evaluation.result import EvaluationResult, Row


@dataclass(frozen=True)
class PairedTest:
    """One test, or why there is none.

    Attributes
    ----------
    dataset, rows
        What was compared, and on what.
    comparison
        None where a row has no numbers, or stands for two settings.
    p_adjusted
        The p-value adjusted over all tests made with it [Holm1979].
    problem
        Why there is no comparison.
    """

    dataset: str
    rows: tuple[str, str]
    comparison: Comparison | None = None
    p_adjusted: float | None = None
    problem: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        if self.comparison is None:
            return {"dataset": self.dataset, "first": self.rows[0], "second": self.rows[1], "problem": self.problem}
        return {"dataset": self.dataset, **self.comparison.to_dict(), "p_adjusted": self.p_adjusted}


def compare_rows(result: EvaluationResult, pairs: Sequence[tuple[str, str]]) -> list[PairedTest]:
    """Paired randomisation tests of each pair, on every dataset that has both rows, by every measure that both have.

    Parameters
    ----------
    pairs
        Names of rows, ``[("bm25", "minilm@384")]``.

    Raises
    ------
    InvalidArgument
        A pair is not two names, or no dataset has both rows.
    UnknownName
        No row has that name.
    DataError
        The values of single queries are not at hand.
    """
    found: list[PairedTest] = []
    for pair in pairs:
        if isinstance(pair, str) or len(pair) != 2:
            raise InvalidArgument(f"compare_rows(): pairs must be pairs of rows, such as [('bm25', 'minilm@384')]; got {pair!r}.")
        for name in pair:
            if name not in (known := {r.name for r in result.rows}):
                raise UnknownName.of("compare_rows()", "row", name, known)
        made = [test for dataset in dict.fromkeys(r.dataset for r in result.rows) for test in _on_one(result, dataset, *pair)]
        if not made:
            raise InvalidArgument(f"compare_rows(): both rows must be on one dataset; {pair[0]} and {pair[1]} are nowhere together.")
        found += made
    tested = [i for i, test in enumerate(found) if test.comparison is not None]
    for i, p in zip(tested, holm([t.comparison.p_value for t in found if t.comparison is not None])):
        found[i] = replace(found[i], p_adjusted=p)
    return found


def _on_one(result: EvaluationResult, dataset: str, first: str, second: str) -> list[PairedTest]:
    here = [[r for r in result.rows if (r.dataset, r.name) == (dataset, name)] for name in (first, second)]
    if not all(here):
        return []
    names = (first, second)
    for name, rows in zip(names, here):
        if len(rows) > 1:
            return [PairedTest(dataset, names, problem=f"{name} was measured here with {len(rows)} settings: show one of them")]
        if rows[0].status is not Status.SOLVED:
            return [PairedTest(dataset, names, problem=f"{name}: {rows[0].message}")]
    a, b = (rows[0] for rows in here)
    shared = [m for m in result.measure_names if m in a.measures and m in b.measures]
    if not shared:
        return [PairedTest(dataset, names, problem="no measure was taken of both")]
    return [PairedTest(dataset, names, _compared(result, a, b, m)) for m in shared]


def _compared(result: EvaluationResult, a: Row, b: Row, measure: str) -> Comparison:
    return compare_paired(result.per_query(a, measure), result.per_query(b, measure), first=a.name, second=b.name, measure=measure)
