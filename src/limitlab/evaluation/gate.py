"""Whether an evaluation is good enough: least values of measures, a greatest tie rate, no significant drop from a baseline."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from limitlab._core.checks import real
from limitlab._core.errors import InvalidArgument, UnknownName
from limitlab._core.status import Status
from limitlab.evaluation.compare import Comparison, compare_paired
from limitlab.evaluation.measures import Measure
from limitlab.evaluation.result import EvaluationResult, Row

_ROUNDING = 1e-12  # means of equal counts may differ in their last bits


@dataclass(frozen=True)
class Minimum:
    """A least value: of all rows, or of those of one retriever.

    Attributes
    ----------
    measure
        ``recall@10`` and the like.
    value
        In [0, 1].
    row
        ``minilm@128`` for one row, ``minilm`` for every dimension of a retriever, None for all rows.
    """

    measure: str
    value: float
    row: str | None = None

    @classmethod
    def parse(cls, text: str) -> Minimum:
        """From ``recall@10=0.9``, ``bm25:recall@10=0.9``, ``minilm@128:R@10=0.8``; the last colon ends the row's name."""
        left, sign, number = text.rpartition("=")
        match = re.fullmatch(r"(?:(?P<row>.+):)?(?P<measure>[A-Za-z_]+@\d+)", left.strip())
        try:
            value = float(number)
        except ValueError:
            value = float("nan")
        if not sign or match is None or value != value:
            raise InvalidArgument(
                f"--min: MEASURE=VALUE or ROW:MEASURE=VALUE is expected, such as recall@10=0.9 or bm25:recall@10=0.9; got {text!r}."
            )
        return cls(Measure.parse(match["measure"]).name, real("--min", match["measure"], value, low=0.0, high=1.0), match["row"])


@dataclass(frozen=True)
class Check:
    """One condition on one row.

    Attributes
    ----------
    dataset, row
        Which row of the evaluation.
    kind
        minimum | ties | baseline | loss (of a level of a diagnosis) | measured (a row without a number meets nothing).
    condition, found
        What must hold and what was found, in words.
    passed
        Whether it holds.
    value, limit
        The numbers compared; of kind baseline, the adjusted p-value and alpha. None where there is no number.
    comparison
        Of kind baseline: the paired test, this row minus the baseline's.
    """

    dataset: str
    row: str
    kind: str
    condition: str
    found: str
    passed: bool
    value: float | None = None
    limit: float | None = None
    comparison: Comparison | None = None

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return {**self.__dict__, "comparison": self.comparison and self.comparison.to_dict()}


@dataclass(frozen=True)
class GateReport:
    """All checks of one evaluation, of diagnoses, or of both.

    Attributes
    ----------
    checks
        In the order of the rows.
    result
        The evaluation they are about; None where only diagnoses were checked.
    diagnoses
        The diagnoses whose losses were checked.
    """

    checks: tuple[Check, ...]
    result: EvaluationResult | None = field(repr=False)
    diagnoses: tuple[Any, ...] = field(default=(), repr=False)

    def joined(self, other: GateReport) -> GateReport:
        """The checks of both."""
        result = self.result if self.result is not None else other.result
        return GateReport((*self.checks, *other.checks), result, (*self.diagnoses, *other.diagnoses))

    @property
    def passed(self) -> bool:
        """Whether every check holds."""
        return all(c.passed for c in self.checks)

    def to_dict(self) -> dict[str, Any]:
        """Plain values with a schema version."""
        return {
            "schema": "limitlab.gate/1",
            "passed": self.passed,
            "checks": [c.to_dict() for c in self.checks],
            **({"evaluation": self.result.to_dict()} if self.result is not None else {}),
            **({"diagnoses": [d.summary() for d in self.diagnoses]} if self.diagnoses else {}),
        }


def gate(
    result: EvaluationResult,
    minima: Iterable[Minimum | str] = (),
    *,
    max_tie_rate: float | None = None,
    baseline: EvaluationResult | None = None,
    measures: Sequence[str] | None = None,
    alpha: float = 0.05,
    seed: int = 0,
) -> GateReport:
    """Check an evaluation against limits and against an earlier one.

    Parameters
    ----------
    result
        What ``evaluate`` returned.
    minima
        Least means, as Minimum or as text (``"recall@10=0.9"``, ``"bm25:recall@10=0.9"``).
    max_tie_rate
        The greatest share of queries whose measures may depend on the order of equal scores, in [0, 1].
    baseline
        An earlier evaluation of the same data. A row is compared with the baseline's row of the same name, or with its
        only row on that data.
    measures
        Those compared with the baseline; None: the ones of ``minima``, or recall@10 when there are none.
    alpha
        A drop counts when its p-value is below alpha. The two-sided p-values of the paired randomisation tests
        [Smucker2007] are adjusted over all comparisons [Holm1979]: in a retriever that has not become worse, some drop is
        reported with chance at most alpha.
    seed
        Of the randomisation tests.

    Raises
    ------
    InvalidArgument
        Nothing to check, a baseline of other data or settings, or a number outside its range.
    UnknownName
        A row or measure that is not there.

    Examples
    --------
    >>> import limitlab as ll
    >>> report = ll.gate(ll.evaluate(ll.make_limit(small=True), ["bm25"]), ["recall@2=0.9"])  # doctest: +SKIP
    >>> report.passed  # doctest: +SKIP
    True
    """
    wanted = [Minimum.parse(m) if isinstance(m, str) else m for m in minima]
    if not wanted and max_tie_rate is None and baseline is None:
        raise InvalidArgument("gate(): at least one condition is needed (a minimum, a greatest tie rate or a baseline); got none.")
    real("gate()", "alpha", alpha, low=0.0, high=1.0)
    if max_tie_rate is not None:
        real("gate()", "max_tie_rate", max_tie_rate, low=0.0, high=1.0)
    names = {r.name for r in result.rows} | {r.retriever for r in result.rows}
    for minimum in wanted:
        if minimum.row not in (None, *names):
            raise UnknownName.of("gate()", "row", str(minimum.row), names)
    checks: list[Check] = []
    for row in result.rows:
        if row.status is not Status.SOLVED:
            checks.append(Check(row.dataset, row.name, "measured", "has a number", row.message, False))
            continue
        checks += [_minimum(row, m) for m in wanted if m.row in (None, row.name, row.retriever)]
        if max_tie_rate is not None:
            found = f"{100 * row.tie_rate:.1f} %"
            passed = row.tie_rate <= max_tie_rate + _ROUNDING
            limit = f"ties <= {100 * max_tie_rate:.4g} %"
            checks.append(Check(row.dataset, row.name, "ties", limit, found, passed, row.tie_rate, max_tie_rate))
    if baseline is not None:
        compared = tuple(dict.fromkeys(Measure.parse(m).name for m in measures or [m.measure for m in wanted] or ["recall@10"]))
        checks += _against(result, baseline, compared, alpha, seed)
    order = {(r.dataset, r.name): i for i, r in enumerate(result.rows)}
    return GateReport(tuple(sorted(checks, key=lambda c: order[c.dataset, c.row])), result)


def _minimum(row: Row, minimum: Minimum) -> Check:
    if minimum.measure not in row.measures:
        raise UnknownName.of("gate()", "measure", minimum.measure, row.measures, hint="It must be one of those evaluated.")
    estimate = row.measures[minimum.measure]
    found = f"{estimate.mean:.4f} (95 % interval {estimate.low:.4f} to {estimate.high:.4f})"
    passed = estimate.mean >= minimum.value - _ROUNDING
    condition = f"{minimum.measure} >= {minimum.value:g}"
    return Check(row.dataset, row.name, "minimum", condition, found, passed, estimate.mean, minimum.value)


def _against(result: EvaluationResult, baseline: EvaluationResult, measures: Sequence[str], alpha: float, seed: int) -> list[Check]:
    """A check for every solved row and measure, with p-values adjusted over all of them."""
    for setting in ("ties", "min_relevance"):
        ours, theirs = result.config.get(setting), baseline.config.get(setting)
        if ours != theirs:
            raise InvalidArgument(
                f"gate(): the baseline must be measured with the same {setting}; got {ours!r}, the baseline has {theirs!r}."
            )
    found: list[tuple[Row, Comparison]] = []
    for row in result.rows:
        if row.status is not Status.SOLVED:
            continue
        before = _row_of(baseline, row, result)
        for measure in measures:
            if measure not in before.measures:
                raise UnknownName.of(
                    "gate()", "measure of the baseline", measure, before.measures, hint="Measure the baseline again with it."
                )
            now, then = result.per_query(row, measure), baseline.per_query(before, measure)
            found.append((row, compare_paired(now, then, first=row.name, second=before.name, measure=measure, seed=seed)))
    adjusted = holm([c.p_value for _, c in found])
    checks = []
    for (row, comparison), p in zip(found, adjusted):
        e = comparison.difference
        dropped = e.mean < 0 and p < alpha
        told = f"{100 * e.mean:+.2f} points ({100 * e.low:+.2f} to {100 * e.high:+.2f}), p = {p:.4g}, {comparison.wins} better, {comparison.losses} worse"
        condition = f"{comparison.measure} no drop from {comparison.second}"
        checks.append(Check(row.dataset, row.name, "baseline", condition, told, not dropped, p, alpha, comparison))
    return checks


def _row_of(baseline: EvaluationResult, row: Row, result: EvaluationResult) -> Row:
    """The baseline's row to compare with, on the same data whatever its name there."""
    fingerprints = {d.name: d.fingerprint for d in result.datasets}
    same = {d.name for d in baseline.datasets if d.fingerprint == fingerprints[row.dataset]}
    rows = [r for r in baseline.rows if r.dataset in same and r.status is Status.SOLVED]
    if not rows:
        there = ", ".join(d.name for d in baseline.datasets) or "nothing"
        raise InvalidArgument(f"gate(): the baseline must hold a measured row on the data of {row.dataset}; it is on other data ({there}).")
    named = [r for r in rows if r.name == row.name] or (rows if len(rows) == 1 else [])
    if not named:
        raise UnknownName.of("gate()", "row of the baseline", row.name, {r.name for r in rows})
    return named[0]


def holm(p_values: Sequence[float]) -> list[float]:
    """P-values adjusted for their number, in the order given [Holm1979]."""
    order = sorted(range(len(p_values)), key=lambda i: p_values[i])
    adjusted = [0.0] * len(p_values)
    greatest = 0.0
    for rank, i in enumerate(order):
        greatest = max(greatest, min(1.0, (len(p_values) - rank) * p_values[i]))
        adjusted[i] = greatest
    return adjusted
