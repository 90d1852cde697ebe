"""Two rows on the same queries: the difference of their means, its interval, and what chance alone would do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from limitlab._core.errors import InvalidArgument
from limitlab.evaluation import Comparison, EvaluationResult
from limitlab.evaluation.gate import holm
from limitlab.report import selection as chosen


@dataclass(frozen=True)
class PairedRow:
    """One test as the page shows it; ``clear`` where the adjusted p-value is below 0.05."""

    dataset: str
    measure: str
    rows: tuple[str, str]
    difference: str
    interval: str
    p: str
    clear: bool
    counts: tuple[str, str, str]


def paired_rows(result: EvaluationResult, pairs: Sequence[tuple[str, str]]) -> list[PairedRow]:
    """A row a pair, dataset and measure; the p-values are adjusted for their number [Holm1979].

    Raises
    ------
    UnknownName
        No row has that name.
    InvalidArgument
        A pair is not two names; a row has no values of single queries.
    """
    found: list[tuple[str, Comparison]] = []
    for pair in pairs:
        if isinstance(pair, str) or len(pair) != 2:
            raise InvalidArgument(f"write_report(): compare must be pairs of rows, such as [('bm25', 'minilm@384')]; got {pair!r}.")
        for name in chosen.dataset_names(result):
            found += [(name, result.compare(*pair, m, dataset=name)) for m in result.measure_names]
    return [_shown(dataset, c, p) for (dataset, c), p in zip(found, holm([c.p_value for _, c in found]))]


def _shown(dataset: str, c: Comparison, adjusted: float) -> PairedRow:
    d = c.difference
    return PairedRow(
        dataset,
        chosen.measure_words(c.measure),
        (c.first, c.second),
        f"{100 * d.mean:+.1f}",
        f"{100 * d.low:+.1f} to {100 * d.high:+.1f}",
        f"{adjusted:.2g}",
        adjusted < 0.05,
        (f"{c.wins:,}", f"{c.losses:,}", f"{c.equal:,}"),
    )
