"""BEIR averages against recall on LIMIT [Weller2025, table 7]: no correlation."""

from __future__ import annotations

import numpy as np

from limitlab._core.status import Status
from limitlab.data import load
from limitlab.evaluation import evaluate
from limitlab.published import lookup
from limitlab.reproduce.asked import Asked, Found
from limitlab.reproduce.experiment import Compared, compared

_LIMIT = "recall@100 (Table 7)"
_RESAMPLES, _SEED = 10_000, 0


def beir_correlation(asked: Asked) -> Found:
    """The correlation of the published pairs, with the interval that six models allow; own pairs where BEIR folders are given."""
    beir = {v.model: v.value for v in lookup(dataset="BEIR", metric="BEIR average", kind="paper")}
    limit = {v.model: v.value for v in lookup(dataset="LIMIT", metric=_LIMIT, kind="paper")}
    models = [m for m in beir if m in limit]
    x, y = (np.array([table[m] for m in models]) for table in (beir, limit))
    r, (low, high) = float(np.corrcoef(x, y)[0, 1]), _interval(x, y)
    rows = [
        compared(
            "Pearson correlation",
            f"{len(models)} published models, BEIR average and LIMIT R@100",
            -0.21,
            source="https://arxiv.org/html/2508.21038v2 Table 7",
            ours=r,
            unit="",
            tolerance=0.005,
        )
    ]
    says = [
        f"The correlation of the {len(models)} published pairs is {r:.2f}; so few models allow anything from {low:.2f} to {high:.2f}: "
        "no correlation was found, and none is excluded."
    ]
    own, run_ids = _own(asked)
    return Found([*rows, *own], says, run_ids)


def _interval(x: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    """95 % percentile interval over models drawn with replacement; draws of one model alone have no correlation and are left out."""
    rng = np.random.default_rng(_SEED)
    values = []
    for _ in range(_RESAMPLES):
        take = rng.integers(x.size, size=x.size)
        if np.ptp(x[take]) and np.ptp(y[take]):
            values.append(np.corrcoef(x[take], y[take])[0, 1])
    low, high = np.quantile(values, [0.025, 0.975])
    return float(low), float(high)


def _own(asked: Asked) -> tuple[list[Compared], list[str]]:
    """nDCG@10 of the models asked for on the BEIR folders given."""
    rows: list[Compared] = []
    run_ids: list[str] = []
    for name, folder in asked.beir.items():
        result = evaluate(
            load(folder),
            list(asked.models),
            measures=["ndcg@10"],
            ledger=asked.ledger,
            progress=asked.progress,
            kind="reproduce",
            command=asked.command,
            title=f"reproduction on {name}",
        )
        run_ids += result.run_ids
        for row in result.rows:
            if row.status is Status.SOLVED:
                e = row.measures["ndcg@10"]
                rows.append(compared("nDCG@10", f"{row.name}, {name}", None, ours=100 * e.mean, low=100 * e.low, high=100 * e.high))
    return rows, run_ids
