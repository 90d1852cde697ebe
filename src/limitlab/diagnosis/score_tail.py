"""How many documents of the same source would score above a given score: the tail of each query's irrelevant scores."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class ScoreTail:
    """The highest irrelevant scores of every query as a generalised Pareto law above a threshold.

    Attributes
    ----------
    threshold, scale
        (n_queries,) float64: the ``top``-th highest irrelevant score, and the scale of the excess over it.
    shape, shape_error
        One shape for all queries, and its standard error over queries.
    top
        Scores above the threshold, the threshold's own included.
    """

    threshold: np.ndarray
    scale: np.ndarray
    shape: float
    shape_error: float
    top: int

    def expected_above(self, scores: np.ndarray, rows: np.ndarray, *, shape: float | None = None) -> np.ndarray:
        """(n_pairs,) float64: documents of a corpus of the same size expected above ``scores``; ``top`` at the threshold itself.

        Parameters
        ----------
        scores, rows
            (n_pairs,) scores at or above the thresholds, and their queries.
        shape
            Another shape than the fitted one; the mean excess stays, so the scale changes with it.
        """
        xi = self.shape if shape is None else shape
        scale = self.scale[rows] * (1 - xi) / (1 - self.shape)
        z = np.maximum(scores - self.threshold[rows], 0) / np.where(scale > 0, scale, 1.0)
        z = np.where(scale > 0, z, np.where(scores > self.threshold[rows], np.inf, 0.0))
        if abs(xi) < 1e-9:
            return self.top * np.exp(-z)
        with np.errstate(divide="ignore"):
            return self.top * np.maximum(1 + xi * z, 0.0) ** (-1 / xi)


def score_tail(highest: np.ndarray, *, top: int) -> ScoreTail:
    """Fit by moments [Hosking1987]: the scale of each query from its mean excess, one shape from the squared variation of all queries.

    A generalised Pareto law is what the excess over a high threshold tends to, whatever the scores' law [Pickands1975]. One query's
    few scores say little about the shape, which queries of one encoder have nearly in common; so it is fitted to all of them. The mean
    excess of a query is drawn towards that of all queries by the share of its variation that ``top`` values would have by chance.

    Parameters
    ----------
    highest
        (n_queries, at least top) float: each query's highest irrelevant scores, descending.
    top
        Scores above the threshold, >= 8.
    """
    threshold = highest[:, top - 1].astype(np.float64)
    excess = highest[:, : top - 1].astype(np.float64) - threshold[:, None]
    mean = excess.mean(axis=1)
    usable = mean > 0
    squared = (excess[usable] / mean[usable, None]) ** 2
    # Without the first factor the variance of few values, divided by their own squared mean, is too small.
    count = top - 1
    variation = (squared.mean(axis=1) - 1) * (count + 1) / (count - 1) if usable.any() else np.ones(1)
    ratio = float(np.clip(variation.mean(), 0.05, 5.0))
    shape = float(np.clip(0.5 * (1 - 1 / ratio), -1.0, 0.4))
    error = 0.5 * float(variation.std() / np.sqrt(variation.size)) / ratio**2
    return ScoreTail(threshold, _shrunk(mean, usable, ratio, count) * (1 - shape), shape, error, top)


def _shrunk(mean: np.ndarray, usable: np.ndarray, ratio: float, count: int) -> np.ndarray:
    """Mean excesses with the part of their variation that is chance taken out; those that are 0 (equal scores) stay 0."""
    overall = mean[usable].mean() if usable.any() else 0.0
    seen = mean[usable].var() if usable.any() else 0.0
    chance = ratio * overall**2 / count
    kept = max(0.0, 1 - chance / seen) if seen > 0 else 0.0
    return np.where(usable, overall + kept * (mean - overall), 0.0)
