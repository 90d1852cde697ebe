"""Learning curves: the loss of the steps, and recall on what is trained and on what is evaluated, as training goes on."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from limitlab.data import Dataset
from limitlab.evaluation import Measure, per_query
from limitlab.search import RelevantRanks, RelevantSet, exact_search, search_scores, tie_order
from limitlab.training.config import CUT
from limitlab.training.sizes import sample

TRAINED, EVALUATED = "trained", "evaluated"
_QUERIES, _DOCS = 100, 200


@dataclass(frozen=True)
class CurvePoint:
    """What was seen after ``step`` optimiser steps.

    Attributes
    ----------
    step
        0 is before training.
    loss
        Mean over the steps since the point before; None at evaluations.
    trained, evaluated
        Recall@10 in [0, 1] of a sample of the training pairs and of the evaluated queries, at full dimension; None at losses.
    """

    step: int
    loss: float | None = None
    trained: float | None = None
    evaluated: float | None = None

    def to_dict(self) -> dict[str, Any]:
        """Plain values, without those that are None."""
        return {name: value for name, value in self.__dict__.items() if value is not None}

    @classmethod
    def from_dict(cls, record: Mapping[str, Any]) -> CurvePoint:
        """The inverse of ``to_dict``."""
        return cls(**record)


def curve_of(history: Iterable[Mapping[str, Any]]) -> tuple[CurvePoint, ...]:
    """Points from the trainer's log, by step; a step that was logged again after a resumption counts once."""
    losses: dict[int, float] = {}
    recalls: dict[int, tuple[float, float]] = {}
    for entry in history:
        step = int(entry["step"])
        if "loss" in entry:
            losses.setdefault(step, float(entry["loss"]))
        elif f"eval_{EVALUATED}" in entry:
            recalls.setdefault(step, (float(entry[f"eval_{TRAINED}"]), float(entry[f"eval_{EVALUATED}"])))
    points = [CurvePoint(step, loss=loss) for step, loss in losses.items()]
    points += [CurvePoint(step, trained=a, evaluated=b) for step, (a, b) in recalls.items()]
    return tuple(sorted(points, key=lambda p: (p.step, p.loss is None)))


def finite(points: Iterable[CurvePoint]) -> bool:
    """Whether no loss is NaN or infinite."""
    return all(p.loss is None or math.isfinite(p.loss) for p in points)


def probe(trained: Dataset, evaluated: Dataset) -> Any:
    """An evaluator for the trainer: recall@10 on samples of at most 100 queries among at most 200 documents each.

    Parameters
    ----------
    trained
        Queries and documents of the training pairs.
    evaluated
        The smallest evaluated corpus.
    """
    from sentence_transformers.base.evaluation import BaseEvaluator

    samples = {TRAINED: _sample(trained), EVALUATED: _sample(evaluated)}

    class Probe(BaseEvaluator):
        """Recall of the model as it stands."""

        def __init__(self) -> None:
            super().__init__()
            self.primary_metric = EVALUATED

        def __call__(self, model: Any, output_path: str | None = None, epoch: float = -1, steps: int = -1) -> dict[str, float]:
            return {name: recall(model, data) for name, data in samples.items()}

    return Probe()


def _sample(data: Dataset) -> Dataset:
    return sample(data, n_queries=_QUERIES, n_docs=_DOCS)


def recall(model: Any, data: Dataset, *, cut: int = CUT) -> float:
    """Mean recall@cut of a model of sentence-transformers, by its own similarity where it has token vectors; ties by document id."""
    texts = {"queries": list(data.queries), "docs": list(data.docs)}
    relevant = RelevantSet(data.relevance.binary().indptr, data.relevance.binary().indices)
    places = tie_order(data.docs.ids)
    ranks: RelevantRanks | None
    if type(model).__name__ == "MultiVectorEncoder":
        ranks = _token_ranks(model, texts, relevant, places)
    else:
        queries, docs = (
            np.asarray(encode(text, show_progress_bar=False), np.float32)
            for encode, text in ((model.encode_query, texts["queries"]), (model.encode_document, texts["docs"]))
        )
        if not (np.isfinite(queries).all() and np.isfinite(docs).all()):
            return 0.0  # the loss is not finite either, and that is what is reported
        ranks = exact_search(docs, queries, k=1, places=places, relevant=relevant).ranks
    assert ranks is not None
    return float(np.nanmean(per_query([Measure("recall", cut)], data.relevance, ranks)[f"recall@{cut}"]))


def _token_ranks(model: Any, texts: dict[str, list[str]], relevant: RelevantSet, places: np.ndarray) -> RelevantRanks:
    queries = model.encode_query(texts["queries"], show_progress_bar=False)
    docs = model.encode_document(texts["docs"], show_progress_bar=False)
    scores = np.asarray(model.similarity(queries, docs).float().cpu().numpy(), np.float32)
    found = search_scores([scores], n_docs=scores.shape[1], k=1, places=places, relevant=relevant)
    assert found.ranks is not None
    return found.ranks
