"""Uncertainty of a mean over queries, and paired comparison of two retrievers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from limitlab._core.checks import real, whole
from limitlab._core.errors import ShapeError
from limitlab._core.seeds import generator
from limitlab.evaluation.result import Estimate


def bootstrap(values: np.ndarray, *, n_resamples: int = 2_000, level: float = 0.95, seed: int = 0) -> Estimate:
    """Mean and percentile bootstrap interval over queries [Efron1993].

    Parameters
    ----------
    values
        (n_queries,) finite.
    """
    values = np.asarray(values, np.float64)
    if values.ndim != 1 or not values.size or not np.isfinite(values).all():
        raise ShapeError(f"bootstrap(): values must be a non-empty finite vector; got shape {values.shape}.")
    whole("bootstrap()", "n_resamples", n_resamples, low=1)
    real("bootstrap()", "level", level, low=0.5, high=0.9999)
    rng = generator("bootstrap()", seed)
    levels, counts = np.unique(values, return_counts=True)
    if levels.size <= 64:  # few distinct values, as recall@k has: draw their counts instead of the queries
        draws = rng.multinomial(values.size, counts / values.size, size=n_resamples)
        means = draws @ levels / values.size
    else:
        means = np.empty(n_resamples)
        step = max(1, 4_000_000 // values.size)
        for start in range(0, n_resamples, step):
            stop = min(start + step, n_resamples)
            means[start:stop] = values[rng.integers(values.size, size=(stop - start, values.size))].mean(axis=1)
    low, high = np.quantile(means, [(1 - level) / 2, (1 + level) / 2])
    mean = float(values.mean())
    return Estimate(mean, min(float(low), mean), max(float(high), mean))


@dataclass(frozen=True)
class Comparison:
    """Paired randomisation test of two retrievers on the same queries.

    Attributes
    ----------
    difference
        Mean of first minus second, with its 95 % bootstrap interval.
    p_value
        Two-sided; chance of a difference at least as large if the two labels of each query were exchangeable.
    wins, losses, equal
        Queries on which the first is better, worse, the same.
    """

    first: str
    second: str
    measure: str
    difference: Estimate
    p_value: float
    wins: int
    losses: int
    equal: int
    n_resamples: int

    def to_dict(self) -> dict[str, object]:
        """Plain values."""
        return {**self.__dict__, "difference": self.difference.to_dict()}


def compare_paired(
    a: np.ndarray,
    b: np.ndarray,
    *,
    first: str = "first",
    second: str = "second",
    measure: str = "",
    n_resamples: int = 10_000,
    seed: int = 0,
) -> Comparison:
    """Randomisation test by sign flips of the per-query differences [Smucker2007].

    Parameters
    ----------
    a, b
        (n_queries,) values of the same queries in the same order.
    n_resamples
        Random sign assignments; the smallest p-value that can be seen is 1 / (n_resamples + 1).
    """
    a, b = np.asarray(a, np.float64), np.asarray(b, np.float64)
    if a.shape != b.shape or a.ndim != 1 or not a.size:
        raise ShapeError(f"compare_paired(): a and b must have the same shape (n_queries,); got {a.shape} and {b.shape}.")
    left_out = np.isnan(a) & np.isnan(b)  # queries without a relevant document have no value under either
    a, b = a[~left_out], b[~left_out]
    if not a.size:
        raise ShapeError("compare_paired(): at least one query must have a value; got none.")
    whole("compare_paired()", "n_resamples", n_resamples, low=100)
    d = a - b
    rng = generator("compare_paired()", seed)
    changed = d[d != 0]
    observed = abs(changed.sum())
    extreme = 0
    if changed.size:
        step = max(1, 8_000_000 // changed.size)
        for start in range(0, n_resamples, step):
            count = min(step, n_resamples - start)
            signs = rng.integers(0, 2, size=(count, changed.size), dtype=np.int8) * 2 - 1
            extreme += int((np.abs(signs @ changed) >= observed - 1e-12).sum())
    else:
        extreme = n_resamples
    return Comparison(
        first,
        second,
        measure,
        bootstrap(d, seed=seed),
        (extreme + 1) / (n_resamples + 1),
        int((d > 0).sum()),
        int((d < 0).sum()),
        int((d == 0).sum()),
        n_resamples,
    )
