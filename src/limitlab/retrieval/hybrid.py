"""Several retrievers fused into one ranked list."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from limitlab._core.checks import choice, real, whole
from limitlab._core.errors import InvalidArgument, RangeError
from limitlab._core.progress import SILENT, Progress
from limitlab._core.texts import Texts
from limitlab.retrieval import parts as joint
from limitlab.retrieval.protocol import Retriever, is_retriever
from limitlab.search import RelevantSet, SearchResult
from limitlab.search.fusion import FUSIONS, fused

_FEWEST, _MOST = 2, 8


class Hybrid:
    """Retrievers searched to one depth each, and fused.

    Parameters
    ----------
    parts
        2 to 8 retrievers with different names. A dense part takes the dimension asked for, at most its own.
    method
        rrf | weighted | dbsf; see ``limitlab.search.fusion.fused``.
    weights
        One a part, >= 0, not all 0: numbers, or text such as "1;2". Default: equal.
    depth
        Documents taken from every part, >= 1. What no part lists is not retrieved.
    rank_constant
        >= 0, of rrf [Cormack2009].
    name, label
        How it is called and shown; default: made from the parts.

    Notes
    -----
    Costs and bytes a document are the sums of the parts'. Rows come from the ledger only when those of every part may.

    Raises
    ------
    InvalidArgument
        Fewer than 2 or more than 8 parts, two of the same name, or weights that do not match.
    UnknownName, RangeError
        No such method; a number outside its range.
    """

    family = "other"

    def __init__(
        self,
        parts: Sequence[Retriever],
        *,
        method: str = "rrf",
        weights: Sequence[float] | str | float | None = None,
        depth: int = 1000,
        rank_constant: int = 60,
        name: str | None = None,
        label: str | None = None,
    ) -> None:
        who = "Hybrid()"
        self.parts = list(parts)
        if not all(is_retriever(part) for part in self.parts):
            raise InvalidArgument(f"{who}: parts must be retrievers, such as build('bm25'); got {parts!r}.")
        names = [part.name for part in self.parts]
        if not _FEWEST <= len(names) <= _MOST or len(set(names)) < len(names):
            raise InvalidArgument(
                f"{who}: parts must be {_FEWEST} to {_MOST} retrievers with different names; got {', '.join(names) or 'none'}."
            )
        self.method = choice(who, "method", method, FUSIONS)
        self.depth = whole(who, "depth", depth, low=1)
        self.rank_constant = whole(who, "rank_constant", rank_constant, low=0)
        self.weights = None if weights is None else _weights(who, weights, len(names))
        changed = [
            f"{key}={value}"
            for key, value, usual in (
                ("method", method, "rrf"),
                ("weights", None if self.weights is None else ";".join(f"{w:g}" for w in self.weights), None),
                ("depth", depth, 1000),
                ("rank_constant", rank_constant, 60),
            )
            if value != usual
        ]
        self.name = name or f"hybrid({','.join(names)})" + (":" + ",".join(changed) if changed else "")
        self.label = label or name or " + ".join(part.label for part in self.parts) + (f" ({', '.join(changed)})" if changed else "")
        self._costs: list[dict[str, float]] = [{} for _ in self.parts]

    @property
    def max_dim(self) -> int | None:
        """The greatest dimension among the parts; None when no part has one."""
        return joint.greatest_dim(self.parts)

    @property
    def truncated(self) -> np.ndarray:
        """Positions of documents that some part cuts."""
        return joint.cut_documents(self.parts)

    def bytes_per_doc(self, dim: int | None) -> float:
        """Bytes a document of all parts, vectors cut to ``dim``; after ``index``."""
        return joint.joint_bytes(self.parts, self._costs, dim)

    def config(self, n_docs: int) -> dict[str, Any]:
        """The parts' settings and how they are fused."""
        parts = [part.config(n_docs) for part in self.parts]
        return {
            "retriever": "hybrid",
            "parts": parts,
            "method": self.method,
            "weights": self.weights,
            "depth": self.depth,
            "rank_constant": self.rank_constant,
            "cache": joint.cacheable(parts),
        }

    def index(self, docs: Texts, queries: Texts, *, progress: Progress = SILENT) -> dict[str, Any]:
        """Index every part, one after the other."""
        made = [part.index(docs, queries, progress=progress) for part in self.parts]
        self._costs = [m["cost"] for m in made]
        return {"cost": joint.joint_cost(self._costs), "notes": joint.joint_notes(self.parts, [m["notes"] for m in made])}

    def search(
        self, *, k: int, places: np.ndarray, relevant: RelevantSet, dim: int | None = None, progress: Progress = SILENT
    ) -> SearchResult:
        """Search every part to ``depth``, and fuse; ranks are those within the fused list of all candidates."""
        full = self.max_dim
        if dim is not None and full is not None and dim > full:
            raise RangeError(f"Hybrid.search(): dim must be in [1, {full}]; got {dim}.")
        depth = min(self.depth, places.size)
        found = [
            part.search(k=depth, places=places, relevant=relevant, dim=joint.dim_of(part, dim), progress=progress) for part in self.parts
        ]
        made = fused(
            [SearchResult(f.indices[:, :depth], f.scores[:, :depth]) for f in found],
            k=k,
            places=places,
            method=self.method,
            weights=self.weights,
            rank_constant=self.rank_constant,
            relevant=relevant,
        )
        notes = joint.joint_notes(self.parts, [f.notes for f in found])
        return replace(made, notes=notes, cost=joint.joint_cost([f.cost for f in found]))

    def predict(self, measure: str, cut: int, **_: Any) -> float | None:
        """No closed form."""
        return None


def _weights(who: str, given: Sequence[float] | str | float, n: int) -> list[float]:
    """One number a part; "1;2" on the command line, where commas separate options."""
    items: list[Any] = given.split(";") if isinstance(given, str) else list(given) if isinstance(given, Sequence) else [given]
    try:
        weights = [real(who, "weight", float(item), low=0.0) for item in items]
    except (TypeError, ValueError):
        raise InvalidArgument(f"{who}: weights must be numbers >= 0, such as weights=1;2; got {given!r}.") from None
    if len(weights) != n or not any(weights):
        raise InvalidArgument(f"{who}: weights must be {n} numbers >= 0, one a part, and not all 0; got {given!r}.")
    return weights
