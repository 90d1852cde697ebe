"""Any search function of the user's as a retriever."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from limitlab._core.errors import DataError, first_examples
from limitlab._core.progress import SILENT, Progress
from limitlab._core.provenance import Stopwatch
from limitlab._core.texts import Texts
from limitlab.search import RelevantRanks, RelevantSet, SearchResult

Hits = Mapping[str, float] | Sequence[tuple[str, float]]


class CallableRetriever:
    """A function ``search(query_texts, k) -> one result a query``, each ``{document id: score}`` or ``[(id, score), ...]``.

    Higher scores are better. What a result does not list counts as not retrieved; ids that are not in the corpus are
    refused, with the count and the first examples.

    Parameters
    ----------
    search
        The function.
    name
        Shown in tables.
    version
        Anything that changes when the function's answers would; part of the cache key. Without it nothing is cached.
    """

    max_dim = None
    family = "other"

    def __init__(
        self, search: Callable[[list[str], int], Sequence[Hits]], *, name: str = "my-retriever", version: str | None = None
    ) -> None:
        self._search = search
        self.name = self.label = name
        self._version = version

    def config(self, n_docs: int) -> dict[str, Any]:
        """Name and version; ``cache`` is False when no version was given."""
        return {"retriever": "callable", "name": self.name, "version": self._version, "cache": self._version is not None}

    def index(self, docs: Texts, queries: Texts, *, progress: Progress = SILENT) -> dict[str, Any]:
        """Nothing to prepare: the function has its own index."""
        self._numbers = {d: j for j, d in enumerate(docs.ids)}
        self._queries = queries
        return {"cost": {}, "notes": {}}

    def search(
        self, *, k: int, places: np.ndarray, relevant: RelevantSet, dim: int | None = None, progress: Progress = SILENT
    ) -> SearchResult:
        """Ask the function once for all queries."""
        texts = list(self._queries)
        with Stopwatch(), progress.task(self.name, None):
            answers = self._search(texts, k)
        if len(answers) != len(texts):
            raise DataError(f"{self.name}: search must return one result a query; got {len(answers)} for {len(texts)} queries.")
        indices = np.full((len(texts), k), -1, np.int64)
        scores = np.full((len(texts), k), -np.inf, np.float32)
        unknown: list[str] = []
        for i, answer in enumerate(answers):
            pairs = list(answer.items() if isinstance(answer, Mapping) else answer)
            unknown += [d for d, _ in pairs if d not in self._numbers]
            kept = [(self._numbers[d], np.float32(s)) for d, s in pairs if d in self._numbers]
            if len({j for j, _ in kept}) != len(kept) or not all(np.isfinite(s) for _, s in kept):
                raise DataError(
                    f"{self.name}: a result must list each document once, with finite scores; that of query {self._queries.ids[i]!r} does not."
                )
            kept.sort(key=lambda pair: (-pair[1], places[pair[0]]))
            for at, (j, s) in enumerate(kept[:k]):
                indices[i, at], scores[i, at] = j, s
        if unknown:
            raise DataError(
                f"{self.name}: results must name documents of the corpus; {len(unknown)} hits do not: {first_examples(dict.fromkeys(unknown))}."
            )
        return SearchResult(indices, scores, RelevantRanks.from_lists(relevant, indices, scores, places))

    def predict(self, measure: str, cut: int, **_: Any) -> float | None:
        """No closed form."""
        return None
