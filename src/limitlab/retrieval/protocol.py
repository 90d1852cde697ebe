"""What every retriever looks like to the evaluation."""

from __future__ import annotations

import inspect
from typing import Any, Protocol, runtime_checkable

import numpy as np

from limitlab._core.progress import Progress
from limitlab._core.texts import Texts
from limitlab.search import RelevantSet, SearchResult


@runtime_checkable
class Retriever(Protocol):
    """Index once, then search at any dimension.

    Attributes
    ----------
    name
        How the user calls it; the key in results.
    label
        How it is shown.
    family
        lexical | dense | sparse | multi-vector | untrained | other.
    max_dim
        Full dimension, or None for retrievers without one (then ``dim`` is None in every call).

    A retriever may also have ``bytes_per_doc(dim) -> float``, where bytes are not in proportion to the dimension, and ``cosine``, True where its
    scores are cosines.
    """

    name: str
    label: str
    family: str

    @property
    def max_dim(self) -> int | None: ...

    def config(self, n_docs: int) -> dict[str, Any]:
        """Everything that decides the ranking on a corpus of this size; equal configs give equal results."""
        ...

    def index(self, docs: Texts, queries: Texts, *, progress: Progress) -> dict[str, Any]:
        """Prepare for searching ``docs``; returns costs (seconds, bytes) and notes (counts to be shown; ``search`` may add to them)."""
        ...

    def search(self, *, k: int, places: np.ndarray, relevant: RelevantSet, dim: int | None, progress: Progress) -> SearchResult:
        """Ranked lists of the k best documents of every query given to ``index``, and the ranks of the relevant ones."""
        ...

    def predict(self, measure: str, cut: int, *, n_docs: int, n_relevant: int, dim: int | None) -> float | None:
        """A closed-form prediction of a measure, where there is one."""
        ...


@runtime_checkable
class TakesQueries(Protocol):
    """A retriever that answers other queries without indexing the documents again."""

    def requery(self, queries: Texts) -> None:
        """Search for these from now on; nothing is stored on disk. ``index`` must have been called."""
        ...


def is_retriever(thing: object) -> bool:
    """Whether a thing has all that a Retriever has.

    Nothing of it is called: ``isinstance`` reads ``max_dim``, which may load a model or ask a service, on some versions of Python.
    """
    needed = ("name", "label", "family", "max_dim", "config", "index", "search", "predict")
    missing = object()
    return not isinstance(thing, type) and all(inspect.getattr_static(thing, name, missing) is not missing for name in needed)
