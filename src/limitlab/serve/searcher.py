"""New queries to a retriever that has indexed its documents, with scores between 0 and 1."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Any

import numpy as np

from limitlab._core.progress import SILENT, Progress
from limitlab._core.texts import TextList, Texts
from limitlab.retrieval import Dense, Retriever
from limitlab.retrieval.protocol import TakesQueries
from limitlab.search import RelevantSet, tie_order


@dataclass(frozen=True)
class Found:
    """A document that was found: its id, its text, the retriever's own score, and that score between 0 and 1."""

    id: str
    text: str
    score: float
    unit_score: float


class Searcher:
    """A retriever behind a lock: one search at a time.

    Parameters
    ----------
    retriever
        Dense retrievers and BM25 encode the query and search; others, which know only queries given to ``index``, index again for every
        query: correct, and slow.
    docs
        The corpus.
    ties
        Order of equal scores; see ``tie_order``.

    Notes
    -----
    ``unit_score`` is a monotone map of the score, the same for all queries: ``(1 + s) / 2`` where the retriever says that its scores are
    cosines (``cosine``); ``s / (1 + s)`` for lexical ones, whose scores are at least 0; ``(1 + s / (1 + |s|)) / 2`` for all others.
    """

    def __init__(self, retriever: Retriever, docs: Texts, *, ties: str = "trec", progress: Progress = SILENT) -> None:
        self.retriever, self.docs = retriever, docs
        self._places = tie_order(docs.ids, ties)
        self._lock = threading.Lock()
        self._quick = isinstance(retriever, TakesQueries)
        retriever.index(docs, _one("warm up"), progress=progress)
        self._ranked(["warm up"], 1)  # kernels are compiled now and not under the first query

    def search(self, texts: list[str], top_k: int, *, threshold: float = 0.0) -> list[list[Found]]:
        """The best documents of every query, best first.

        Parameters
        ----------
        texts
            At least one; none empty.
        top_k
            >= 1; clamped to the size of the corpus.
        threshold
            Leave documents whose ``unit_score`` is below it out.
        """
        with self._lock:
            indices, scores = self._ranked(texts, min(top_k, len(self.docs)))
        out = []
        for row, values in zip(indices.tolist(), scores.tolist()):
            found = [(j, s, self.unit_score(s)) for j, s in zip(row, values) if j >= 0]
            out.append([Found(self.docs.ids[j], self.docs[j], s, unit) for j, s, unit in found if unit >= threshold])
        return out

    def embed(self, texts: list[str], kind: str | None) -> np.ndarray:
        """(n, dim) float32 unit vectors of a dense retriever; ``kind`` decides the prompt: query, document or None."""
        assert isinstance(self.retriever, Dense)
        with self._lock:
            return self.retriever.encode(texts, kind)

    @property
    def embeds(self) -> bool:
        """Whether the retriever has vectors to give."""
        return isinstance(self.retriever, Dense)

    def unit_score(self, score: float) -> float:
        """The score between 0 and 1; see the notes of the class."""
        if getattr(self.retriever, "cosine", False):
            return min(1.0, max(0.0, (1.0 + score) / 2.0))
        if self.retriever.family == "lexical" and score >= 0:
            return score / (1.0 + score)
        return (1.0 + score / (1.0 + abs(score))) / 2.0

    def _ranked(self, texts: list[str], k: int) -> tuple[np.ndarray, np.ndarray]:
        queries = TextList([str(i) for i in range(len(texts))], texts)
        if isinstance(self.retriever, TakesQueries):
            self.retriever.requery(queries)
        else:
            self.retriever.index(self.docs, queries, progress=SILENT)
        nothing = RelevantSet(np.zeros(len(texts) + 1, np.int64), np.zeros(0, np.int64))
        found: Any = self.retriever.search(k=k, places=self._places, relevant=nothing, dim=self.retriever.max_dim, progress=SILENT)
        return found.indices, found.scores


def _one(text: str) -> TextList:
    return TextList(["0"], [text])
