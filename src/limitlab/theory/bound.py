"""One bound: what is bounded, from which side, by which theorem or construction, and under which assumptions."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any

from limitlab._core.checks import choice

DIRECTIONS = ("lower", "upper", "exact")
KINDS = ("theorem", "construction", "measurement")
STATUSES = ("computed", "not computed")


@dataclass(frozen=True)
class Bound:
    """One statement about one quantity.

    Attributes
    ----------
    quantity
        What is bounded, for example ``"dim"`` (see ``limitlab.theory.quantities``).
    direction
        "lower", "upper", or "exact" when both sides are known to meet.
    value
        Dimensions and ranks are whole numbers >= 0, gaps floats in [0, 2]. None: not computed, or nothing follows.
    kind
        "theorem": proved, hypotheses checked. "construction": vectors that can be made and were checked. "measurement": vectors
        that an optimisation found; they exist, so they bound from above as well, and that none were found bounds nothing.
    name
        ``<object>_<lower|upper|exact>_<author or idea>``.
    assumptions
        In words.
    citation
        Keys of docs/references.bib; empty where the proof is in docs/concepts/bounds.md alone.
    status
        "computed" or "not computed".
    note
        What the number came from, or why there is none.

    Raises
    ------
    UnknownName
        Direction, kind or status is not one of those above.
    """

    quantity: str
    direction: str
    value: float | int | None
    kind: str
    name: str
    assumptions: str
    citation: tuple[str, ...]
    status: str = "computed"
    note: str = ""

    def __post_init__(self) -> None:
        choice("Bound()", "direction", self.direction, DIRECTIONS)
        choice("Bound()", "kind", self.kind, KINDS)
        choice("Bound()", "status", self.status, STATUSES)

    @property
    def computed(self) -> bool:
        """Whether there is a number."""
        return self.status == "computed" and self.value is not None

    def with_note(self, note: str) -> Bound:
        """The same bound with another note."""
        return replace(self, note=note)

    def to_dict(self) -> dict[str, Any]:
        """Plain values; the citation becomes a list."""
        return {**asdict(self), "citation": list(self.citation)}
