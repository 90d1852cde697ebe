"""Whether a level of a diagnosis loses more than it may."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from limitlab._core.checks import choice, real
from limitlab._core.errors import InvalidArgument
from limitlab.diagnosis.result import KEYS, Diagnosis
from limitlab.evaluation import Check, GateReport

_ROUNDING = 1e-12  # means of equal counts may differ in their last bits


@dataclass(frozen=True)
class MaxLoss:
    """A greatest loss at a level.

    Attributes
    ----------
    level
        One of the levels of a diagnosis.
    value
        Greatest recall before the level minus recall after it, in [0, 1]: 0.01 is one point.
    """

    level: str
    value: float

    @classmethod
    def parse(cls, text: str) -> MaxLoss:
        """From ``quantisation=0.01``."""
        level, sign, number = text.partition("=")
        try:
            value = float(number)
        except ValueError:
            value = float("nan")
        if not sign or value != value:
            raise InvalidArgument(f"--max-loss: LEVEL=VALUE is expected, such as quantisation=0.01; got {text!r}.")
        level = choice("--max-loss", "level", level.strip(), KEYS)
        return cls(level, real("--max-loss", level, value, low=0.0, high=1.0))


def gate_losses(found: Diagnosis, limits: Mapping[str, float] | Iterable[MaxLoss | str], *, row: str | None = None) -> GateReport:
    """Check the net losses of levels against limits.

    The loss of a level is the mean over queries of recall@k before it minus recall@k after it: what it brings back counts against what it loses.
    Before the first level, the cut, recall is 1.

    Parameters
    ----------
    limits
        ``{"quantisation": 0.01}``, or MaxLoss records, or texts such as ``"quantisation=0.01"``.
    row
        How the system is called in the checks; default: the model, or "vectors".

    Raises
    ------
    InvalidArgument
        No limit, or one for a level of which nothing was given: it would always hold.
    UnknownName, RangeError
        No such level; a limit outside [0, 1].

    Examples
    --------
    >>> report = gate_losses(found, {"quantisation": 0.01})  # doctest: +SKIP
    >>> report.passed  # doctest: +SKIP
    True
    """
    if isinstance(limits, Mapping):
        wanted = [MaxLoss(choice("gate_losses()", "level", k, KEYS), real("gate_losses()", k, v, low=0, high=1)) for k, v in limits.items()]
    else:
        wanted = [MaxLoss.parse(m) if isinstance(m, str) else m for m in limits]
    if not wanted:
        raise InvalidArgument("gate_losses(): at least one limit is needed, such as {'quantisation': 0.01}; got none.")
    name = row or found.config.get("model") or "vectors"
    return GateReport(tuple(_check(found, limit, str(name)) for limit in wanted), None, (found,))


def _check(found: Diagnosis, limit: MaxLoss, row: str) -> Check:
    level = found.level(limit.level)
    if level.status == "not given":
        raise InvalidArgument(
            f"gate: a limit for {limit.level} must come with what is served there, such as --dim, --dtype, --index or --run; got none."
        )
    at = found.levels.index(level)
    before = found.levels[at - 1].recall.mean if at else 1.0
    loss = before - level.recall.mean
    told = f"{100 * loss:.2f} points (recall@{found.k} {100 * before:.2f} -> {100 * level.recall.mean:.2f} %), {level.lost:,} lost, {level.gained:,} regained"
    condition = f"loss at {level.label} <= {100 * limit.value:.4g} points"
    return Check(found.name, row, "loss", condition, told, loss <= limit.value + _ROUNDING, loss, limit.value)
