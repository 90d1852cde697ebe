"""What lies beneath the levels: drowning, gaps and geometry of the vectors given."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from limitlab._core.checks import choice
from limitlab._core.errors import InvalidArgument
from limitlab._core.progress import SILENT, Progress
from limitlab.diagnosis.drowning import Drowning, drowning
from limitlab.diagnosis.gaps import Gaps, gaps
from limitlab.diagnosis.geometry import STATUSES, Finding, geometry
from limitlab.diagnosis.standing import standing
from limitlab.diagnosis.subject import WHO, Subject
from limitlab.search import SearchResult

PARTS = ("drowning", "gaps", "geometry")
_ALSO = 3


@dataclass(frozen=True)
class Depth:
    """Each part, or None where it was skipped."""

    drowning: Drowning | None = None
    gaps: Gaps | None = None
    geometry: tuple[Finding, ...] | None = None

    @property
    def also_found(self) -> tuple[Finding, ...]:
        """At most three findings that are not fine, problems first."""
        serious = [f for f in self.geometry or () if f.status != STATUSES[0]]
        return tuple(sorted(serious, key=lambda f: -STATUSES.index(f.status))[:_ALSO])

    def to_dict(self) -> dict[str, Any]:
        """Plain values; parts that were skipped are left out."""
        out: dict[str, Any] = {name: part.to_dict() for name in ("drowning", "gaps") if (part := getattr(self, name)) is not None}
        return out if self.geometry is None else out | {"geometry": [f.to_dict() for f in self.geometry]}

    @classmethod
    def from_dict(cls, record: dict[str, Any], per_query: tuple[float | None, ...] = ()) -> Depth:
        """The inverse of ``to_dict``; the gap of each query is kept with the queries."""
        drowned, apart, found = (record.get(name) for name in PARTS)
        return cls(
            None if drowned is None else Drowning.from_dict(drowned),
            None if apart is None else Gaps.from_dict(apart, per_query),
            None if found is None else tuple(Finding(**f) for f in found),
        )


@dataclass(frozen=True, eq=False)
class Given:
    """Vectors before any scaling, and what the model that made them says.

    Attributes
    ----------
    docs, queries
        As they were passed or encoded.
    cut, limit
        Rows of documents longer than the model reads, and its limit in tokens; None where that is not known.
    """

    docs: np.ndarray
    queries: np.ndarray
    cut: np.ndarray | None = None
    limit: int | None = None


def skipped(parts: Sequence[str]) -> tuple[str, ...]:
    """``parts`` checked, in the order of PARTS.

    Raises
    ------
    InvalidArgument, UnknownName
        It is one text, or one of them is none of PARTS.
    """
    if isinstance(parts, str):
        raise InvalidArgument(f"{WHO}: skip must be a list of names such as ['geometry']; got the text {parts!r}.")
    chosen = {choice(WHO, "part to skip", part, PARTS) for part in parts}
    return tuple(part for part in PARTS if part in chosen)


def depth(
    subject: Subject, own: SearchResult, given: Given, *, skip: Sequence[str] = (), seed: int = 0, progress: Progress = SILENT
) -> Depth:
    """Measure all parts that are not skipped, from the exact search with the queries' own vectors, ``list_depth`` documents deep."""
    found = standing(subject, own)
    return Depth(
        None if "drowning" in skip else drowning(subject, found, seed=seed),
        None if "gaps" in skip else gaps(subject, found, seed=seed, progress=progress),
        None
        if "geometry" in skip
        else geometry(
            subject, raw_docs=given.docs, raw_queries=given.queries, lists=own.indices, kept=found.pairs.within(subject.k),
            cut=given.cut, limit=given.limit, seed=seed, progress=progress,
        ),
    )  # fmt: skip
