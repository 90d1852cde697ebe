"""Documents longer than the model reads: what being cut costs."""

from __future__ import annotations

import numpy as np

from limitlab._core.seeds import derived
from limitlab.diagnosis.geometry.finding import FINE, LOOK, PROBLEM, Finding
from limitlab.diagnosis.subject import Subject

CLEAR = 0.1  # difference in recall
_RESAMPLES = 2_000


def cut_documents(subject: Subject, cut: np.ndarray, kept: np.ndarray, *, limit: int | None = None, seed: int = 0) -> Finding:
    """Retrieved share of relevant documents that were cut, against the others, with a bootstrap interval over queries.

    Look where the interval of the difference lies under 0; problem where the difference is also at least 10 points.

    Parameters
    ----------
    cut
        Rows of documents that exceed the model's limit.
    kept
        (n_pairs,) bool: retrieved with the queries' own vectors.
    limit
        The limit in tokens, for the words.
    """
    n = len(subject.docs)
    is_cut = np.isin(subject.relevant.members, cut)
    words = f"{cut.size:,} of {n:,} documents are longer than the model reads" + (f" ({limit:,} tokens)" if limit else "")
    values: dict[str, float | int | str | None] = {"documents": int(cut.size), "relevant pairs": int(is_cut.sum())}
    if not is_cut.any() or is_cut.all():
        also = "" if not cut.size else "; no relevant pair" if not is_cut.any() else "; all relevant pairs"
        return Finding("cut_documents", "documents cut by the model", f"{cut.size:,}", values, FINE, f"{words}{also}.")
    columns = [subject.per_query(c).astype(float) for c in (is_cut & kept, is_cut, ~is_cut & kept, ~is_cut)]
    short, other = columns[0].sum() / columns[1].sum(), columns[2].sum() / columns[3].sum()
    low, high = _interval(columns, seed)
    difference = float(short - other)
    status = FINE if high >= 0 else PROBLEM if difference <= -CLEAR else LOOK
    values |= {"retrieved, cut": float(short), "retrieved, not cut": float(other), "difference": difference, "low": low, "high": high}
    return Finding(
        "cut_documents",
        "documents cut by the model",
        f"{cut.size:,}",
        values,
        status,
        f"{words}; of their relevant pairs {100 * short:.1f} % are retrieved, of the others {100 * other:.1f} % "
        f"(difference {100 * difference:+.1f} points, 95 % interval {100 * low:+.1f} to {100 * high:+.1f}).",
        "" if status == FINE else "Split long documents into passages, or use a model that reads more.",
    )


def _interval(columns: list[np.ndarray], seed: int) -> tuple[float, float]:
    n = columns[0].size
    rng, differences = derived(seed, "cut documents"), []
    for _ in range(_RESAMPLES):
        rows = rng.integers(n, size=n)
        a, b, c, d = (column[rows].sum() for column in columns)
        if b and d:
            differences.append(a / b - c / d)
    low, high = np.quantile(differences, [0.025, 0.975]) if differences else (-1.0, 1.0)
    return float(low), float(high)
