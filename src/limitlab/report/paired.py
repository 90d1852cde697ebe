"""Two rows on the same queries, as the page shows them: the difference of their means, its interval, and what chance alone would do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from limitlab.evaluation import EvaluationResult, PairedTest, compare_rows
from limitlab.report import selection as chosen


@dataclass(frozen=True)
class PairedRow:
    """One test in words; ``clear`` where the adjusted p-value is below 0.05; ``problem`` in place of numbers where there is none."""

    dataset: str
    rows: tuple[str, str]
    measure: str = ""
    difference: str = ""
    interval: str = ""
    p: str = ""
    clear: bool = False
    counts: tuple[str, ...] = ()
    problem: str = ""


def paired_rows(result: EvaluationResult, pairs: Sequence[tuple[str, str]]) -> list[PairedRow]:
    """A row a test; raises what ``compare_rows`` raises."""
    return [_shown(test) for test in compare_rows(result, pairs)]


def _shown(test: PairedTest) -> PairedRow:
    c = test.comparison
    if c is None or test.p_adjusted is None:
        return PairedRow(test.dataset, test.rows, problem=test.problem)
    d = c.difference
    return PairedRow(
        test.dataset,
        test.rows,
        chosen.measure_words(c.measure),
        f"{100 * d.mean:+.1f}",
        f"{100 * d.low:+.1f} to {100 * d.high:+.1f}",
        f"{test.p_adjusted:.2g}",
        test.p_adjusted < 0.05,
        (f"{c.wins:,}", f"{c.losses:,}", f"{c.equal:,}"),
    )
