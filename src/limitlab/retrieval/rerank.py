"""A second stage that reorders the first documents of another retriever."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from limitlab._core.checks import choice, whole
from limitlab._core.errors import InvalidArgument
from limitlab._core.progress import SILENT, Progress
from limitlab._core.texts import Texts
from limitlab.retrieval import parts as joint
from limitlab.retrieval.cross_encoder import CrossEncoderScorer
from limitlab.retrieval.protocol import Retriever, is_retriever
from limitlab.retrieval.remote.switches import flag
from limitlab.retrieval.scorer import FunctionScorer, Scorer
from limitlab.search import RelevantRanks, RelevantSet, SearchResult

_KEEP, _DROP = "keep", "drop"


class Rerank:
    """The first ``depth`` documents of a retriever in the order of a cross-encoder, a rerank server or a function.

    Parameters
    ----------
    first
        The first stage: a retriever, or a list with one. What it does not retrieve stays not retrieved.
    model
        A cross-encoder, folder or hub id; with ``server``, the model as the server calls it.
    scorer
        From Python: a function ``score(query, documents) -> one number a document``, or a Scorer.
    server
        cohere | jina | tei | openai (vLLM and other servers of ``/v1/rerank``).
    depth
        Documents reranked, >= 1.
    rest
        keep: documents below ``depth`` stay where the first stage put them, after the reranked ones. drop: they are not retrieved.
    url, key, batch, truncate, price, concurrency, timeout, retries, allow_http
        Of a server; see ``RerankServer``.
    max_length, trust_remote_code
        Of a cross-encoder; see ``CrossEncoderScorer``.
    version
        Of a function: anything that changes when its answers would. Without it rows are not taken from the ledger.
    name, label
        How it is called and shown; default: made from first stage and scorer.

    Notes
    -----
    Equal scores of the second stage are ties, under the tie rule of the evaluation. Ranks below ``depth`` are exact: reordering
    the first ``depth`` documents moves none of the others.

    Raises
    ------
    InvalidArgument
        Not exactly one of model, scorer and server (model goes with server), or a first stage that is not one retriever.
    """

    family = "other"

    def __init__(
        self,
        first: Retriever | Sequence[Retriever],
        *,
        model: str | None = None,
        scorer: Scorer | Callable[[str, list[str]], Sequence[float]] | None = None,
        server: str | None = None,
        depth: int = 100,
        rest: str = _KEEP,
        max_length: int | None = None,
        trust_remote_code: bool = False,
        version: str | None = None,
        url: str | None = None,
        key: str | None = None,
        batch: int | None = None,
        truncate: bool = False,
        price: float | None = None,
        concurrency: int = 4,
        timeout: float = 60.0,
        retries: int = 6,
        allow_http: bool = False,
        name: str | None = None,
        label: str | None = None,
    ) -> None:
        who = "Rerank()"
        stages = list(first) if isinstance(first, (list, tuple)) else [first]
        if len(stages) != 1 or not is_retriever(stages[0]):
            raise InvalidArgument(f"{who}: first must be one retriever; got {first!r}.")
        self.first: Retriever = stages[0]  # type: ignore[assignment]
        self.depth = whole(who, "depth", depth, low=1)
        self.rest = choice(who, "rest", rest, (_KEEP, _DROP))
        if sum(given is not None for given in (model if server is None else None, scorer, server)) != 1:
            raise InvalidArgument(f"{who}: one of model=, scorer= and server= must be given, as in rerank(bm25):model=FOLDER.")
        if server is not None:
            from limitlab.retrieval.remote.rerank_server import RerankServer

            served: dict[str, Any] = {"url": url, "key": key, "batch": batch, "truncate": truncate, "price": price}
            reached: dict[str, Any] = {"concurrency": concurrency, "timeout": timeout, "retries": retries, "allow_http": allow_http}
            self.scorer: Scorer = RerankServer(server, model=model, **served, **reached)
        elif model is not None:
            trusted = flag(who, "trust_remote_code", trust_remote_code)
            self.scorer = CrossEncoderScorer(model, max_length=max_length, trust_remote_code=trusted)
        else:
            self.scorer = _scorer(who, scorer, version)
        changed = [f"{n}={v}" for n, v, usual in (("depth", depth, 100), ("rest", rest, _KEEP)) if v != usual]
        self.name = name or ",".join([f"rerank({self.first.name}):{self.scorer.name}", *changed])
        self.label = label or name or f"{self.first.label} + {self.scorer.label}" + (f" ({', '.join(changed)})" if changed else "")
        self._cost: dict[str, float] = {}

    @property
    def max_dim(self) -> int | None:
        """That of the first stage."""
        return self.first.max_dim

    @property
    def truncated(self) -> np.ndarray:
        """Positions of documents that the first stage cuts."""
        return joint.cut_documents([self.first])

    def bytes_per_doc(self, dim: int | None) -> float:
        """Of the first stage; after ``index``."""
        return joint.joint_bytes([self.first], [self._cost], dim)

    def config(self, n_docs: int) -> dict[str, Any]:
        """Settings of both stages."""
        first, scorer = self.first.config(n_docs), self.scorer.config()
        return {
            "retriever": "rerank",
            "first": first,
            "scorer": scorer,
            "depth": self.depth,
            "rest": self.rest,
            "cache": joint.cacheable([first, scorer]),
        }

    def index(self, docs: Texts, queries: Texts, *, progress: Progress = SILENT) -> dict[str, Any]:
        """Index the first stage; the second one needs no index."""
        self._docs, self._queries = docs, queries
        made = self.first.index(docs, queries, progress=progress)
        self._cost = made["cost"]
        return {"cost": made["cost"], "notes": joint.joint_notes([self.first], [made["notes"]])}

    def search(
        self, *, k: int, places: np.ndarray, relevant: RelevantSet, dim: int | None = None, progress: Progress = SILENT
    ) -> SearchResult:
        """The first stage to ``max(k, depth)``, its first ``depth`` documents scored and reordered."""
        depth = min(self.depth, places.size)
        found = self.first.search(k=max(k, depth), places=places, relevant=relevant, dim=dim, progress=progress)
        candidates = [row[:depth][row[:depth] >= 0] for row in found.indices]
        scored = self.scorer.scores(self._queries, self._docs, candidates, progress=progress)
        said: dict[str, Any] = {
            "notes": {**joint.joint_notes([self.first], [found.notes]), **self.scorer.notes()},
            "cost": dict(found.cost),
        }
        indices, scores = np.full((len(candidates), depth), -1, np.int64), np.full((len(candidates), depth), -np.inf, np.float32)
        for i, (listed, values) in enumerate(zip(candidates, scored)):
            order = np.lexsort((places[listed], -values.astype(np.float64)))
            indices[i, : listed.size], scores[i, : listed.size] = listed[order], values[order]
        ranks = _ranks(RelevantRanks.from_lists(relevant, indices, scores, places), found.ranks, indices, depth, keep=self.rest == _KEEP)
        if self.rest == _DROP:
            return SearchResult(indices[:, :k], scores[:, :k], ranks, **said)
        return SearchResult(*_with_rest(indices, scores, found, depth, k), ranks, **said)

    def predict(self, measure: str, cut: int, **_: Any) -> float | None:
        """No closed form."""
        return None


def _scorer(who: str, given: Any, version: str | None) -> Scorer:
    if hasattr(given, "scores") and hasattr(given, "config"):
        return given
    if not callable(given):
        raise InvalidArgument(f"{who}: scorer must be a function score(query, documents); got {given!r}.")
    return FunctionScorer(given, version=version)


def _ranks(reranked: RelevantRanks, first: RelevantRanks | None, indices: np.ndarray, depth: int, *, keep: bool) -> RelevantRanks:
    """Ranks of the relevant documents after the first ``depth`` were reordered.

    A document below them keeps its place. Those of the first ``depth`` that tied with it, and came before it by id, are now
    strictly above it: ``depth - above`` of them, as everything strictly above it is among the first ``depth``.
    """
    if not keep or first is None:
        return reranked
    rows = np.repeat(np.arange(indices.shape[0]), np.diff(first.indptr))
    listed = (indices >= 0).sum(axis=1)[rows]
    below = (reranked.above < 0) & (first.above >= 0)
    tied_above = np.clip(np.minimum(depth, listed) - first.above, 0, first.before)
    return RelevantRanks(
        reranked.indptr,
        np.where(below, np.maximum(first.above + tied_above, listed), reranked.above),
        np.where(below, first.tied - tied_above, reranked.tied),
        np.where(below, first.before - tied_above, reranked.before),
    )


def _with_rest(indices: np.ndarray, scores: np.ndarray, found: SearchResult, depth: int, k: int) -> tuple[np.ndarray, np.ndarray]:
    """The reranked lists followed by the rest of the first stage's, with scores that fall below: equal where they were equal."""
    rest, old = found.indices[:, depth:], found.scores[:, depth:]
    new = np.full(old.shape, -np.inf, np.float32)
    for i in range(rest.shape[0]):
        there = rest[i] >= 0
        if there.any():
            lowest = float(scores[i][indices[i] >= 0].min())
            step = max(1.0, 4.0 * float(np.spacing(np.float32(abs(lowest)))))  # steps that float32 can hold at this size
            levels = np.cumsum(np.r_[1, old[i][there][1:] != old[i][there][:-1]])
            new[i][there] = lowest - step * levels
    return np.hstack([indices, rest])[:, :k], np.hstack([scores, new])[:, :k]
