"""How values are spread: counts in fixed bins, quantiles, the share above zero."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)


@dataclass(frozen=True)
class Spread:
    """A set of numbers, summarised.

    Attributes
    ----------
    n
        Numbers.
    start, width, counts
        Bin i holds values in [start + i width, start + (i + 1) width). Bin borders are multiples of the width, so that two spreads of
        the same width can be laid over each other.
    mean, positive
        Mean; share above zero.
    quantiles
        At QUANTILES.
    """

    n: int
    start: float
    width: float
    counts: tuple[int, ...]
    mean: float
    positive: float
    quantiles: tuple[float, ...]

    @classmethod
    def of(cls, values: np.ndarray, *, width: float) -> Spread | None:
        """The spread of finite values; None of no values."""
        values = np.asarray(values, np.float64)
        if not values.size:
            return None
        bins = np.floor(values / width).astype(np.int64)
        low = int(bins.min())
        counts = tuple(np.bincount(bins - low).tolist())
        quantiles = tuple(np.quantile(values, QUANTILES).tolist())
        return cls(values.size, low * width, width, counts, float(values.mean()), float((values > 0).mean()), quantiles)

    @classmethod
    def from_dict(cls, record: dict[str, Any]) -> Spread:
        """From plain values."""
        return cls(**{**record, "counts": tuple(record["counts"]), "quantiles": tuple(record["quantiles"])})


def bin_width(low: float, high: float, *, cosine: bool) -> float:
    """0.02 for cosines; otherwise 1, 2 or 5 times a power of ten, so that about 50 to 125 bins cover [low, high]."""
    if cosine or not high > low:
        return 0.02
    exact = (high - low) / 100
    power = 10.0 ** np.floor(np.log10(exact))
    return float(power * min((1, 2, 5, 10), key=lambda f: abs(np.log(f * power / exact))))
