"""Nearest neighbours of documents by angle: what hubs, intrinsic dimension and near duplicates are made of."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from limitlab._core.progress import SILENT, Progress
from limitlab._core.seeds import derived
from limitlab.search import exact_search, normalised

_PRODUCTS = 1e9  # pairs of documents that are compared
NEIGHBOURS = 20


@dataclass(frozen=True, eq=False)
class Neighbours:
    """The nearest documents of some documents among all.

    Attributes
    ----------
    rows
        (n,) rows looked at.
    docs
        (n, NEIGHBOURS or fewer) int64: nearest first, the row itself left out.
    distances
        The same shape, float64: chords |a - b| of the unit vectors, recomputed from them, ascending.
    """

    rows: np.ndarray
    docs: np.ndarray
    distances: np.ndarray

    @property
    def cosines(self) -> np.ndarray:
        """The same as cosines."""
        return 1 - self.distances**2 / 2


def sample_rows(n: int, most: int, *, seed: int, what: str) -> np.ndarray:
    """All rows, or a random sample of ``most`` of them, ascending."""
    return np.arange(n) if n <= most else np.sort(derived(seed, what).choice(n, most, replace=False))


def nearest(docs: np.ndarray, places: np.ndarray, *, unit: bool, seed: int = 0, progress: Progress = SILENT) -> Neighbours:
    """Neighbours of up to 2,000 documents among all, fewer where the corpus is so large that over a billion pairs would be compared."""
    n = len(docs)
    rows = sample_rows(n, int(np.clip(_PRODUCTS / n, 200, 2000)), seed=seed, what="neighbours")
    asked = np.asarray(docs[rows])
    found = exact_search(docs, asked, k=min(n, NEIGHBOURS + 1), places=places, normalise=not unit, progress=progress).indices
    own = found == rows[:, None]
    own[~own.any(axis=1), -1] = True  # equal vectors can push a document out of its own list
    others = found[~own].reshape(len(rows), -1)
    distances = np.empty(others.shape)
    for at in range(0, len(rows), 256):
        part = slice(at, at + 256)
        a = normalised(asked[part]).astype(np.float64)
        b = normalised(np.asarray(docs[others[part].reshape(-1)])).astype(np.float64).reshape(*others[part].shape, -1)
        distances[part] = np.sqrt(((b - a[:, None, :]) ** 2).sum(axis=2))
    order = np.argsort(distances, axis=1, kind="stable")
    return Neighbours(rows, np.take_along_axis(others, order, axis=1), np.take_along_axis(distances, order, axis=1))
