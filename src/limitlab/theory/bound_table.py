"""All bounds of one relevance matrix together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from limitlab.theory.bound import Bound
from limitlab.theory.quantities import QUANTITIES, best

SCHEMA = "limitlab.bounds/1"


@dataclass(frozen=True)
class BoundTable:
    """What is proved, constructed or measured about one relevance matrix, and what was not computed.

    Attributes
    ----------
    bounds
        In the order they were found; those that were not computed are there with their reason.
    about
        Sizes: ``n_docs``, ``n_queries``, ``distinct_docs``, ``distinct_queries``, ``k`` (None where queries differ), ``n_sets`` as text
        for all k-subsets.
    seconds
        Used.
    """

    bounds: tuple[Bound, ...]
    about: dict[str, Any]
    seconds: float

    def lower(self, quantity: str) -> Bound | None:
        """The greatest lower bound of a quantity; None where there is none."""
        return best(self.bounds, quantity)[0]

    def upper(self, quantity: str) -> Bound | None:
        """The least upper bound of a quantity; None where there is none."""
        return best(self.bounds, quantity)[1]

    def exact(self, quantity: str) -> float | int | None:
        """The value where both sides meet, otherwise None."""
        low, high = best(self.bounds, quantity)
        return low.value if low is not None and high is not None and low.value == high.value else None

    def summary(self) -> dict[str, dict[str, Any]]:
        """For every quantity with a bound: lower, upper, exact, and the names of the two bounds."""
        out: dict[str, dict[str, Any]] = {}
        for quantity in QUANTITIES:
            if quantity in ("dim_at_gap", "dim_in_bits"):  # one value a gap or a number of bits: the records themselves are the answer
                continue
            low, high = best(self.bounds, quantity)
            if low is not None or high is not None:
                out[quantity] = {
                    "lower": low.value if low else None,
                    "upper": high.value if high else None,
                    "exact": self.exact(quantity),
                    "lower_by": low.name if low else None,
                    "upper_by": high.name if high else None,
                }
        return out

    def to_dict(self) -> dict[str, Any]:
        """Plain values with a schema version."""
        return {
            "schema": SCHEMA,
            "about": self.about,
            "summary": self.summary(),
            "bounds": [b.to_dict() for b in self.bounds],
            "seconds": round(self.seconds, 3),
        }
