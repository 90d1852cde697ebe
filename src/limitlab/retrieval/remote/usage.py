"""Tokens of texts sent to a service, counted or estimated, and what they cost."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

BYTES_PER_TOKEN = 4  # of an estimate where the service does not count


def spread(total: int | None, sizes: Sequence[int]) -> np.ndarray:
    """(n,) int64 tokens a text: the service's total in proportion to the sizes in bytes, summing to it exactly.

    Without a total, minus the estimate: below zero says that nobody counted.
    """
    weights = np.maximum(np.asarray(sizes, np.int64), 1)
    if total is None:
        return -weights // BYTES_PER_TOKEN  # rounded up in size
    ends = np.cumsum(weights)
    return np.diff(total * ends // ends[-1], prepend=0)


def token_notes(tokens: np.ndarray, price: float | None) -> dict[str, Any]:
    """Notes about (n,) token counts as ``spread`` gives them, and their cost at ``price`` a million."""
    counted = int(tokens[tokens > 0].sum())
    estimated = int(-tokens[tokens < 0].sum())
    notes: dict[str, Any] = {"tokens_sent": counted + estimated}
    if estimated:
        notes["tokens_estimated"] = estimated
    if price is not None:
        notes["price_of_a_million_tokens"] = price
        notes["tokens_cost"] = round((counted + estimated) * price / 1e6, 6)
    return notes
