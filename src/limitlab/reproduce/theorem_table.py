"""The table of Theorem 1: least dimensions for all k-subsets at a margin of 0.1 [Weller2025]."""

from __future__ import annotations

import re

from limitlab.published import PublishedValue, values
from limitlab.reproduce.asked import Asked, Found
from limitlab.reproduce.experiment import Compared, compared
from limitlab.theory import dim_lower_packing

_GAP = 0.2  # the paper's margin of 0.1 is half the gap
_DATASET = re.compile(r"Theorem1 lower bound gamma=0\.1 k=(\d+)")
_METRIC = re.compile(r"min d at n=1e(\d+)")


def theorem_table(asked: Asked) -> Found:
    """Every cell by our own bound, in whole numbers. The same work at every size."""
    rows = [_row(v) for v in values() if _DATASET.fullmatch(v.dataset)]
    same = sum(r.difference == 0 for r in rows)
    says = f"{same} of {len(rows)} cells are ceil(ln C(n, k) / ln 11), computed here in whole numbers."
    return Found(rows, [says])


def _row(value: PublishedValue) -> Compared:
    match, metric = _DATASET.fullmatch(value.dataset), _METRIC.fullmatch(value.metric)
    assert match is not None and metric is not None
    k, n = int(match[1]), 10 ** int(metric[1])
    return compared(
        "least dimension", f"n = 1e{metric[1]}, k = {k}, margin 0.1", value.value, source=value.source,
        ours=dim_lower_packing(n, k, gap=_GAP), unit="", tolerance=0.0,
    )  # fmt: skip
