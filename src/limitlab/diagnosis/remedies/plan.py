"""Which remedies are asked for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from limitlab._core.checks import choice, whole
from limitlab._core.errors import InvalidArgument

REMEDIES = ("adapter", "hybrid", "rerank", "serving", "cut")
Reranker = Callable[[list[tuple[str, str]]], Sequence[float]]


@dataclass(frozen=True)
class RemedyPlan:
    """What to measure, and how.

    Attributes
    ----------
    names
        Some of REMEDIES: "adapter" (linear query adapter, query and document adapter), "hybrid" (with BM25), "rerank" (a cross-encoder, and the
        bound for any reranker), "serving" (all dimensions, float32, exact search), "cut" (2k, 5k, 10k).
    rerank
        A cross-encoder: a folder or hub id for sentence-transformers, or a function from (query text, document text) pairs to scores.
    rerank_depth
        How many of the best documents it sees; those below stay in their order.
    folds
        Of the cross-validation over queries.
    seed
        Of the folds and tests.
    save_adapter
        Where the query adapter trained on all queries goes; None: it is not trained.
    """

    names: tuple[str, ...] = REMEDIES
    rerank: str | Reranker | None = None
    rerank_depth: int = 100
    folds: int = 5
    seed: int = 0
    save_adapter: str | Path | None = None

    def __post_init__(self) -> None:
        for name in self.names:
            choice("remedies", "remedy", name, REMEDIES)
        whole("remedies", "rerank_depth", self.rerank_depth, low=1)
        whole("remedies", "folds", self.folds, low=2)
        whole("remedies", "seed", self.seed, low=0)
        if self.rerank is not None and "rerank" not in self.names:
            raise InvalidArgument(f"remedies: a cross-encoder must come with the remedy 'rerank'; got {', '.join(self.names)}.")
        if self.save_adapter is not None and Path(self.save_adapter).suffix != ".npz":
            raise InvalidArgument(f"remedies: an adapter is saved as .npz; got {str(self.save_adapter)!r}.")

    @classmethod
    def of(cls, given: RemedyPlan | str | Sequence[str], **options: Any) -> RemedyPlan:
        """From a plan, from ``"all"`` or ``"adapter,hybrid"``, or from a list of names."""
        if isinstance(given, RemedyPlan):
            return given
        names = [n.strip() for n in given.split(",") if n.strip()] if isinstance(given, str) else list(given)
        if not names:
            raise InvalidArgument(f"remedies: 'all' or some of {', '.join(REMEDIES)} must be named; got {given!r}.")
        return cls(REMEDIES if names == ["all"] else tuple(dict.fromkeys(names)), **options)

    def to_dict(self) -> dict[str, Any]:
        """Plain values; a function by its name."""
        rerank = self.rerank if self.rerank is None or isinstance(self.rerank, str) else getattr(self.rerank, "__name__", "function")
        return {**self.__dict__, "names": list(self.names), "rerank": rerank, "save_adapter": self.save_adapter and str(self.save_adapter)}
