"""A finding about vectors: what was measured, whether it matters, what it means and what to do."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

FINE, LOOK, PROBLEM = "fine", "look", "problem"
STATUSES = (FINE, LOOK, PROBLEM)


@dataclass(frozen=True)
class Finding:
    """One property.

    Attributes
    ----------
    name, label
        Key, and how it is shown.
    shown
        The main value in words.
    values
        All numbers, by name.
    status
        "fine", "look" (worth a look) or "problem", by the threshold that the property's module states.
    meaning, advice
        A sentence each; ``advice`` is empty where there is nothing to do.
    sampled
        How many rows were looked at, where not all were; 0 for all.
    """

    name: str
    label: str
    shown: str
    values: dict[str, float | int | str | None] = field(default_factory=dict)
    status: str = FINE
    meaning: str = ""
    advice: str = ""
    sampled: int = 0

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return dict(self.__dict__)


def graded(value: float, *, look: float, problem: float) -> str:
    """The status of a value that is worse the larger it is."""
    return PROBLEM if value >= problem else LOOK if value >= look else FINE


def percent(share: float) -> str:
    """``12.3 %``; never 0 or 100 unless it is."""
    text = f"{100 * share:.1f}"
    if text == "0.0" and share > 0:
        return "under 0.1 %"
    if text == "100.0" and share < 1:
        return "over 99.9 %"
    return f"{text.removesuffix('.0')} %"
