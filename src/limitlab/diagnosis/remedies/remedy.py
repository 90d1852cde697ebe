"""What is known about one remedy: recall before and after, and whether the difference is more than chance."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from limitlab.evaluation import Comparison, Estimate

MEASURED, LARGER_CUT, UPPER_BOUND, NOT_POSSIBLE = KINDS = ("measured", "larger cut", "upper bound", "not possible")
TRAINED = ("query-adapter", "document-query-adapter", "hybrid-weighted")
ALPHA = 0.05


@dataclass(frozen=True)
class Remedy:
    """One remedy on the queries of a diagnosis.

    Attributes
    ----------
    key, label
        How it is named and shown.
    kind
        "measured"; "larger cut" (more documents reach the reader: it never loses); "upper bound" (nothing can do better in this way);
        "not possible" (the note says why; there are no numbers).
    note
        How it was measured, or why it was not.
    cost
        What it costs, in words.
    recall, all_relevant
        After minus before at the cut: bootstrap interval over queries and paired randomisation test.
    before, after
        Means of "recall" and "all_relevant".
    won, lost
        Relevant documents retrieved after and not before, and the other way round, over all queries.
    p_adjusted
        The p-value of recall, adjusted over all remedies of kind "measured" [Holm1979].
    details
        More, as plain values: what was chosen on which fold, the gain where relevant documents were unseen in training.
    """

    key: str
    label: str
    kind: str
    note: str
    cost: str = ""
    recall: Comparison | None = None
    all_relevant: Comparison | None = None
    before: Mapping[str, Estimate] = field(default_factory=dict)
    after: Mapping[str, Estimate] = field(default_factory=dict)
    won: int = 0
    lost: int = 0
    p_adjusted: float | None = None
    details: Mapping[str, Any] = field(default_factory=dict)

    @property
    def gain(self) -> float:
        """Mean gain of recall, in [-1, 1]; -1 where there is no number."""
        return -1.0 if self.recall is None else self.recall.difference.mean

    @property
    def trained(self) -> bool:
        """Whether something was fitted or chosen on other queries than those it was measured on."""
        return self.key in TRAINED

    @property
    def helps(self) -> bool:
        """Whether it was measured and gains significantly."""
        return self.kind == MEASURED and self.gain > 0 and self.p_adjusted is not None and self.p_adjusted < ALPHA

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return {
            **self.__dict__,
            "recall": self.recall and self.recall.to_dict(),
            "all_relevant": self.all_relevant and self.all_relevant.to_dict(),
            "before": {name: e.to_dict() for name, e in self.before.items()},
            "after": {name: e.to_dict() for name, e in self.after.items()},
            "details": dict(self.details),
        }

    @classmethod
    def from_dict(cls, record: dict[str, Any]) -> Remedy:
        """The inverse of ``to_dict``."""
        made = dict(record)
        for name in ("recall", "all_relevant"):
            made[name] = _comparison(record[name]) if record[name] else None
        for name in ("before", "after"):
            made[name] = {key: Estimate(**e) for key, e in record[name].items()}
        return cls(**made)


def not_possible(key: str, label: str, why: str) -> Remedy:
    """A remedy without numbers."""
    return Remedy(key, label, NOT_POSSIBLE, why)


def _comparison(record: dict[str, Any]) -> Comparison:
    return Comparison(**{**record, "difference": Estimate(**record["difference"])})
