"""First and second moments of the documents, in one blocked pass: the mean, the products of all dimensions, the spread of each."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from limitlab._core.progress import SILENT, Progress
from limitlab._core.seeds import derived

_ROWS = 8192
_WORK = 2e11  # multiply-adds for the products of dimensions; above it a sample of rows


@dataclass(frozen=True, eq=False)
class Moments:
    """Sums over ``n`` rows.

    Attributes
    ----------
    n, sampled
        Rows looked at; ``sampled`` is n where they are a sample, else 0.
    mean
        (dim,) float64.
    second
        (dim, dim) float64: mean of the products x_i x_j.
    unit_mean
        (dim,) float64: mean of the rows scaled to unit length.
    unit_square
        Mean of the squared cosine of two rows drawn with replacement.
    """

    n: int
    sampled: int
    mean: np.ndarray
    second: np.ndarray
    unit_mean: np.ndarray
    unit_square: float

    @property
    def covariance(self) -> np.ndarray:
        """(dim, dim) float64, divided by n."""
        return self.second - np.outer(self.mean, self.mean)

    @property
    def eigenvalues(self) -> np.ndarray:
        """(dim,) of the covariance, descending, not below 0."""
        return np.maximum(np.linalg.eigvalsh(self.covariance)[::-1], 0.0)


def moments(docs: np.ndarray, *, unit: bool, seed: int = 0, progress: Progress = SILENT) -> Moments:
    """Pass through the rows once.

    Parameters
    ----------
    docs
        (n_docs, dim) float32; may be a memory map.
    unit
        Whether rows have unit length already.
    """
    n, dim = docs.shape
    most = int(_WORK / dim**2)
    rows = None if n <= most else np.sort(derived(seed, "moments").choice(n, most, replace=False))
    count = n if rows is None else most
    total, unit_total = np.zeros(dim), np.zeros(dim)
    second, unit_second = np.zeros((dim, dim)), np.zeros((dim, dim))
    with progress.task("moments", count) as bar:
        for at in range(0, count, _ROWS):
            block = np.asarray(docs[at : at + _ROWS] if rows is None else docs[rows[at : at + _ROWS]], np.float64)
            # Products in float64: in float32 their rounding would hide directions that no document uses.
            total += block.sum(axis=0)
            second += block.T @ block
            if not unit:
                lengths = np.sqrt(np.einsum("ij,ij->i", block, block))[:, None]
                scaled = block / np.where(lengths > 0, lengths, 1)
                unit_total += scaled.sum(axis=0)
                unit_second += scaled.T @ scaled
            bar.advance(len(block))
    if unit:
        unit_total, unit_second = total, second
    square = float((unit_second**2).sum()) / count**2
    return Moments(count, 0 if rows is None else count, total / count, second / count, unit_total / count, square)
