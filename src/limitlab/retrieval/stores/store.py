"""What every vector store looks like to its retriever."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from limitlab._core.errors import InvalidArgument, ServiceError
from limitlab._core.progress import SILENT, Progress

Hits = list[tuple[str, float]]  # (document id, similarity: greater is nearer) of one query, in the order of the store
_NUMBERS_A_BATCH = 1 << 19  # of vectors in one upload: some 10 MB as JSON, below the usual limits on bodies
_SAMPLED = 100  # stored vectors whose lengths are looked at


@dataclass(frozen=True)
class Served:
    """What a store says about a collection.

    Attributes
    ----------
    dim
        Dimension of the stored vectors, or None where the store does not say.
    points
        Number of stored vectors.
    metric
        cosine, inner product, euclidean, manhattan or hamming.
    exact
        Whether every stored vector, or its code, is looked at by a search as it is asked for.
    index
        Kind of index with its parameters, and parameters of the search, in words.
    dtype, quantisation
        Type of the stored values; what the search compares instead, or "none".
    lengths
        (least, greatest) Euclidean length of a sample of the stored vectors, or None.
    """

    dim: int | None
    points: int
    metric: str
    exact: bool
    index: str
    dtype: str = "float32"
    quantisation: str = "none"
    lengths: tuple[float, float] | None = None

    @property
    def uneven(self) -> bool:
        """Inner products of stored vectors of different lengths: long vectors win whatever is asked."""
        return self.metric == "inner product" and self.lengths is not None and self.lengths[1] - self.lengths[0] > 1e-3

    def notes(self) -> dict[str, int | float | str]:
        """Plain values for a result."""
        out: dict[str, int | float | str] = {
            "points": self.points,
            "metric": self.metric,
            "search": "approximate" if not self.exact else "exact" if self.quantisation == "none" else "every vector, quantised",
            "index": self.index,
            "stored_as": self.dtype,
            "quantisation": self.quantisation,
        }
        if self.dim is not None:
            out["served_dimension"] = self.dim
        if self.uneven and self.lengths is not None:
            out["lengths_of_stored_vectors"] = f"{self.lengths[0]:.3g} to {self.lengths[1]:.3g}"
        return out


class Store(ABC):
    """One store and its options. Collections of our own are named for their content; one of the user's is only read.

    Attributes
    ----------
    kind
        Its name in the registry.
    collection
        The user's collection (``existing``), or the start of the name of our own.
    existing
        Whether ``collection`` is asked as it is; nothing is written then.
    """

    kind = ""
    collection: str | None = None
    existing = False

    @abstractmethod
    def config(self) -> dict[str, Any]:
        """Everything that decides the lists; never a key."""

    def shown(self) -> dict[str, Any]:
        """Options by which retrievers of one store are told apart in tables."""
        return {}

    def build(self) -> dict[str, Any]:
        """What of ``config`` decides the stored collection, and not only how it is searched."""
        return self.config()

    def repeatable(self, n_docs: int) -> bool:
        """Whether the same vectors, of so many documents, and options always give the same lists."""
        return False

    def named(self, content: str) -> str:
        """The name of our own collection with this content."""
        return f"{self.collection or 'limitlab'}_{content}"

    def check(self, n_docs: int, dim: int) -> None:
        """Refuse what the store cannot hold, before anything is sent."""
        return None

    def rows_are(self, ids: Sequence[str]) -> None:
        """Ids of the documents, for stores that number rows and know no ids."""
        return None

    def check_k(self, k: int) -> None:
        """Refuse a length of lists that the store cannot return, before anything is sent."""
        return None

    def batch(self, dim: int) -> int:
        """Vectors in one upload."""
        return max(1, min(1000, _NUMBERS_A_BATCH // dim))

    @abstractmethod
    def held(self, name: str) -> int | None:
        """Vectors in a collection; None when there is no such collection."""

    @abstractmethod
    def create(self, name: str, dim: int) -> None:
        """An empty collection."""

    @abstractmethod
    def add(self, name: str, start: int, ids: Sequence[str], vectors: np.ndarray) -> None:
        """Write the rows ``start, start + 1, ...``; writing a row again changes nothing."""

    def finish(self, name: str, n_docs: int) -> None:
        """Make all rows searchable: refresh, build and wait for the index. May be called again."""
        return None

    @abstractmethod
    def search(self, name: str, queries: np.ndarray, k: int) -> list[Hits]:
        """The k nearest of every query."""

    @abstractmethod
    def describe(self, name: str) -> Served:
        """What is stored and how it is searched."""

    @abstractmethod
    def stored(self, name: str) -> Iterator[tuple[list[str], np.ndarray]]:
        """Blocks of (ids, vectors) of a collection, each row once."""

    @abstractmethod
    def drop(self, name: str) -> None:
        """Remove a collection of ours."""

    def release(self) -> None:
        """Give back what others may wait for: locks, connections. The store may be used again."""
        return None

    def close(self) -> None:
        """The end: give back everything."""
        self.release()

    def opened(self) -> str:
        """The name of the user's collection, which must be there.

        Raises
        ------
        InvalidArgument
            It was not given, or is not there.
        """
        name = self.collection
        if name is None:
            raise InvalidArgument(f"{self.kind}: existing=true must come with the name of the collection; got none.")
        if self.held(name) is None:
            raise InvalidArgument(f"{self.kind}: the collection must exist; there is no {name!r}.")
        return name

    def upload(self, name: str, ids: Sequence[str], vectors: np.ndarray, *, progress: Progress = SILENT) -> int:
        """Write what is not there yet; returns the number of rows written. A killed upload goes on where it stopped.

        Raises
        ------
        ServiceError
            The store holds another number of vectors afterwards.
        """
        n, size = len(vectors), self.batch(vectors.shape[1])
        held = self.held(name)
        if held is None:
            self.create(name, vectors.shape[1])
            held = 0
        # Rows are written in order, so what is held is a start; its last batch may be in part and is written again.
        start = n if held >= n else held // size * size
        if start < n:
            with progress.task(f"{self.kind}: upload", n - start) as bar:
                for at in range(start, n, size):
                    stop = min(n, at + size)
                    self.add(name, at, ids[at:stop], vectors[at:stop])
                    bar.advance(stop - at)
        self.finish(name, n)
        held = self.held(name)
        if held != n:
            raise ServiceError(f"{self.kind}: collection {name} must hold {n:,} vectors after the upload; it holds {held or 0:,}.")
        return n - start


def flag(who: str, name: str, value: Any) -> bool:
    """``value`` if it is true or false: the text "no" would count as true."""
    if not isinstance(value, bool):
        raise InvalidArgument(f"{who}: {name} must be true or false; got {value!r}.")
    return value


def text_or_none(value: Any) -> str | None:
    """A name as text: one of digits alone is read as a number."""
    return None if value is None else str(value)


def lengths_of(vectors: np.ndarray) -> tuple[float, float] | None:
    """(least, greatest) length of the first rows."""
    if not len(vectors):
        return None
    norms = np.linalg.norm(np.asarray(vectors[:_SAMPLED], np.float64), axis=1)
    return float(norms.min()), float(norms.max())
