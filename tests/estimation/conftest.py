from __future__ import annotations

import pytest

from limitlab.estimation.machine import RATES, MachineProfile


@pytest.fixture(scope="session")
def machine() -> MachineProfile:
    """Two cores with round numbers, nobody's."""
    rates = dict.fromkeys(RATES, 1000000000.0) | {
        "file_cached": 5e9, "memory": 1e10, "offer": 2e9, "enter": 5e6, "ids": 1e6, "text": 5e7, "bm25_index": 5e5, "bm25_search": 5e6,
    }  # fmt: skip
    products = tuple((q, d, rate) for q, rate in ((1, 3e9), (32, 5e10), (1024, 2e11)) for d in (64, 384, 1024))
    steps = ((6e4, 2e-5), (2e6, 4e-4), (5e7, 8e-3), (8e8, 1e-1))
    return MachineProfile("two cores of nobody's", 2, 16 << 30, 3.0, 200 << 20, rates, products, steps, 1.8, "2026-01-01T00:00:00+00:00")
