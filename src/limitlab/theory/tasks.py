"""The bounds of one matrix as tasks: each makes one record, within the time it is given, or says why it did not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from limitlab.theory.bound import Bound
from limitlab.theory.matrix import Clock

Found = tuple[float | int | None, str]


@dataclass(frozen=True)
class Task:
    """One bound to be computed.

    Attributes
    ----------
    quantity, direction, kind, name, assumptions, citation
        Of the record.
    run
        Called with a clock; returns the value, or None, and a note.
    share
        Of the time left, at most.
    instant
        Whether it takes no time worth counting; such a task is done even when the time is over.
    """

    quantity: str
    direction: str
    kind: str
    name: str
    assumptions: str
    citation: tuple[str, ...]
    run: Callable[[Clock], Found]
    share: float = 1.0
    instant: bool = False

    def done(self, clock: Clock, seconds: float) -> Bound:
        """The record; "not computed" where the time is over or nothing came out."""
        value, note = (
            (None, f"the {seconds:g} s were over; give more with seconds=")
            if clock.over and not self.instant
            else self.run(clock.part(self.share))
        )
        status = "not computed" if value is None else "computed"
        return Bound(self.quantity, self.direction, value, self.kind, self.name, self.assumptions, self.citation, status, note)
