"""What scores a query with its candidate documents: the second stage of ``Rerank``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

import numpy as np

from limitlab._core.errors import DataError
from limitlab._core.progress import Progress
from limitlab._core.texts import Texts


class Scorer(Protocol):
    """Scores documents for queries; higher is better.

    Attributes
    ----------
    name, label
        How it is called and shown.
    """

    name: str
    label: str

    def config(self) -> dict[str, Any]:
        """Everything that decides the scores."""
        ...

    def scores(self, queries: Texts, docs: Texts, candidates: Sequence[np.ndarray], *, progress: Progress) -> list[np.ndarray]:
        """For each query, (n,) float32 scores of its (n,) candidate documents, in their order."""
        ...

    def notes(self) -> dict[str, Any]:
        """What a reader must know of the last ``scores``: tokens, cost, texts that were empty."""
        ...


class FunctionScorer:
    """A function ``score(query, documents) -> one number a document``.

    Parameters
    ----------
    score
        The function.
    name
        Shown; default: the function's own.
    version
        Anything that changes when the function's answers would. Without it, rows are not taken from the ledger.

    Raises
    ------
    DataError
        While scoring: not one finite number a document.
    """

    def __init__(self, score: Callable[[str, list[str]], Sequence[float]], *, name: str | None = None, version: str | None = None) -> None:
        self._score = score
        self.name = self.label = name or str(getattr(score, "__name__", "function"))
        self._version = version

    def config(self) -> dict[str, Any]:
        """Name and version."""
        return {"scorer": "function", "name": self.name, "version": self._version, "cache": self._version is not None}

    def scores(self, queries: Texts, docs: Texts, candidates: Sequence[np.ndarray], *, progress: Progress) -> list[np.ndarray]:
        """One call a query that has candidates."""
        out = []
        with progress.task(f"{self.label}: rerank", len(queries)) as bar:
            for i, listed in enumerate(candidates):
                out.append(self._one(queries, i, [docs[int(j)] for j in listed]))
                bar.advance(1)
        return out

    def notes(self) -> dict[str, Any]:
        """Nothing to say."""
        return {}

    def _one(self, queries: Texts, i: int, texts: list[str]) -> np.ndarray:
        if not texts:
            return np.zeros(0, np.float32)
        try:
            made = np.asarray(self._score(queries[i], texts), np.float64)
        except (TypeError, ValueError) as error:
            raise DataError(f"{self.name}: scoring query {queries.ids[i]!r} failed ({error}).") from error
        if made.shape != (len(texts),) or not np.isfinite(made).all():
            raise DataError(
                f"{self.name}: a scorer must return one finite number a document; got shape {made.shape} for {len(texts)} documents of query {queries.ids[i]!r}."
            )
        return made.astype(np.float32)
