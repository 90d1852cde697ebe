"""What a reproduction is asked for: data of the user's own, models, seeds; and how it reports on the way."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from limitlab._core.progress import SILENT, Progress
from limitlab.ledger import Ledger


@dataclass(frozen=True)
class Asked:
    """Given to every experiment.

    Attributes
    ----------
    size
        One of SIZES.
    models
        Retrievers, named as for ``evaluate``.
    limit, limit_small
        Folders with the data as released; None: data of our own with the same recipe and other words.
    beir
        ``{name: folder}`` of BEIR sets, for graph density and correlation.
    seed
        Of data made here.
    """

    size: str
    models: tuple[str, ...] = ("bm25", "minilm")
    limit: str | None = None
    limit_small: str | None = None
    beir: Mapping[str, str] = field(default_factory=dict)
    seed: int = 0
    ledger: Ledger | None = None
    progress: Progress = SILENT
    command: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """What decides the numbers: the cache key's part."""
        return {
            "size": self.size,
            "models": list(self.models),
            "limit": self.limit,
            "limit_small": self.limit_small,
            "beir": dict(self.beir),
            "seed": self.seed,
        }


@dataclass(frozen=True)
class Found:
    """What an experiment gives back.

    Attributes
    ----------
    rows
        See Compared.
    says
        What the numbers say.
    run_ids
        Runs of the ledger behind them.
    """

    rows: Sequence[Any]
    says: Sequence[str]
    run_ids: Sequence[str] = ()
