"""Every published number, with its source.

``data/results.json`` and ``data/critical_n.csv`` hold the figures of the LIMIT paper [Weller2025] and of later
reproductions and follow-ups, each with the table or page it was read from.
"""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from typing import Any

from numpy.polynomial import Polynomial


@dataclass(frozen=True)
class PublishedValue:
    """One published number.

    Attributes
    ----------
    dataset, model, dim, metric
        What was measured; ``dim`` is "default" for a model's own size, ``dim`` and ``model`` are None where the source has none.
    value
        The number as printed (recalls in percent when ``unit`` is "percent").
    kind
        paper | paper-finetune | reproduction | reproduction-finetune | followup | followup-secondary.
    source
        Address and table.
    unit
        "percent" or None.
    """

    dataset: str
    model: str | None
    dim: int | str | None
    metric: str
    value: float
    kind: str
    source: str
    unit: str | None = None

    def to_dict(self) -> dict[str, object]:
        """Plain values."""
        return dict(self.__dict__)


@lru_cache(maxsize=1)
def values() -> tuple[PublishedValue, ...]:
    """All published numbers, in the order of the file."""
    text = resources.files("limitlab.published").joinpath("data/results.json").read_text(encoding="utf-8")
    return tuple(PublishedValue(**{**record, "value": _number(record["value"])}) for record in json.loads(text))


def _number(value: float | str) -> float:
    """A number, also as the paper prints its extrapolations: 500k, 1.7m."""
    if isinstance(value, str):
        return round(float(value[:-1]) * {"k": 1e3, "m": 1e6}[value[-1].lower()])
    return value


def lookup(
    *, dataset: str | None = None, metric: str | None = None, model: str | None = None, kind: str | None = None
) -> tuple[PublishedValue, ...]:
    """The published numbers that match everything given."""
    return tuple(
        v
        for v in values()
        if (dataset is None or v.dataset == dataset)
        and (metric is None or v.metric == metric)
        and (model is None or v.model == model)
        and (kind is None or v.kind == kind)
    )


def curve(dataset: str, metric: str, *, kind: str = "paper") -> dict[str, list[tuple[int | None, float]]]:
    """``{model: [(dim, value), ...]}`` in ascending dim, for plots; models without dimension have one pair (None, value).

    Examples
    --------
    >>> curve("LIMIT", "recall@100")["BM25"]
    [(None, 93.6)]
    """
    lines: dict[str, list[tuple[int | None, float]]] = {}
    for v in lookup(dataset=dataset, metric=metric, kind=kind):
        lines.setdefault(v.model or "", []).append((v.dim if isinstance(v.dim, int) else None, v.value))
    return {model: sorted(pairs, key=lambda p: (p[0] is not None, p[0] or 0)) for model, pairs in lines.items()}


@lru_cache(maxsize=1)
def critical_n_table() -> tuple[tuple[int, int], ...]:
    """((dim, critical n), ...) of the paper's free-embedding experiment, d = 4..45, k = 2 [Weller2025]."""
    text = resources.files("limitlab.published").joinpath("data/critical_n.csv").read_text(encoding="utf-8")
    return tuple((int(row["dim"]), int(row["critical_n"])) for row in csv.DictReader(text.splitlines()))


def critical_n_cubic(dim: float) -> float:
    """The paper's cubic through its table, d = 4..45, read at any dimension: where one optimiser would stop if the cubic were true.

    The coefficients are those of least squares, not rounded: the printed ones, -10.5322, 4.0309, 0.0520 and 0.0037, are too short to be
    read at 4,096. Beyond d = 45 it is an extrapolation of a measurement, never a limit; it can be negative below d = 3.

    References
    ----------
    [Weller2025]
    """
    return float(_cubic()(dim))


@lru_cache(maxsize=1)
def _cubic() -> Polynomial:
    dims, found = zip(*critical_n_table())
    return Polynomial.fit(dims, found, 3)


@dataclass(frozen=True)
class Scale:
    """A size that real systems have: the dimension of a model, or the documents of a corpus.

    Attributes
    ----------
    name
        Of the model or corpus.
    size
        Dimensions or documents.
    source
        Where the size is stated.
    """

    name: str
    size: int
    source: str


@lru_cache(maxsize=1)
def model_dimensions() -> tuple[Scale, ...]:
    """Dimensions of embedding models in wide use, ascending."""
    return tuple(Scale(r["name"], r["dim"], r["source"]) for r in _scale()["models"])


@lru_cache(maxsize=1)
def corpus_sizes() -> tuple[Scale, ...]:
    """Documents of corpora in wide use, ascending."""
    return tuple(Scale(r["name"], r["n_docs"], r["source"]) for r in _scale()["corpora"])


def _scale() -> dict[str, list[dict[str, Any]]]:
    return json.loads(resources.files("limitlab.published").joinpath("data/scale.json").read_text(encoding="utf-8"))
