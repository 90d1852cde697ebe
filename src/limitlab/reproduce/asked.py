"""What a reproduction is asked for: data of the user's own, models, seeds; and how it reports on the way."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from limitlab._core.progress import SILENT, Progress
from limitlab.data import load
from limitlab.ledger import Ledger
from limitlab.retrieval import Retriever, build


@dataclass(frozen=True)
class Asked:
    """Given to every experiment.

    Attributes
    ----------
    size
        One of SIZES.
    models
        Retrievers, named as for ``evaluate``, or as they are.
    limit, limit_small
        Folders with the data as released; None: data of our own with the same recipe and other words.
    beir
        ``{name: folder}`` of BEIR sets, for graph density and correlation.
    seed
        Of data made here.
    """

    size: str
    models: tuple[str | Retriever, ...] = ("bm25", "minilm")
    limit: str | None = None
    limit_small: str | None = None
    beir: Mapping[str, str] = field(default_factory=dict)
    seed: int = 0
    ledger: Ledger | None = None
    progress: Progress = SILENT
    command: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """What was asked, as given."""
        return {
            "size": self.size,
            "models": [_name(m) for m in self.models],
            "limit": self.limit,
            "limit_small": self.limit_small,
            "beir": dict(self.beir),
            "seed": self.seed,
        }

    def key(self) -> dict[str, Any]:
        """What decides the numbers: data by their content, models by their configuration.

        Raises
        ------
        LimitlabError
            Data or a model that is not there.
        """
        folders = {"limit": self.limit, "limit_small": self.limit_small, **{f"beir {name}": folder for name, folder in self.beir.items()}}
        data = {name: load(folder).fingerprint() for name, folder in folders.items() if folder is not None}
        return {"size": self.size, "seed": self.seed, "data": data, "models": {_name(m): build(m).config(0) for m in self.models}}


def _name(model: str | Retriever) -> str:
    return model if isinstance(model, str) else model.name


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
    problems
        What failed on the way, in sentences: an outcome with problems is not kept, and the next run tries again.
    """

    rows: Sequence[Any]
    says: Sequence[str]
    run_ids: Sequence[str] = ()
    problems: Sequence[str] = ()
