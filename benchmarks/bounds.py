"""Bounds of relevance matrices, small and large: seconds beside what comes out.

LIMIT's qrels, all pairs by formula, dense random matrices, a projective plane, a Hadamard matrix, and qrels of 100,000 queries over
5,000,000 documents, drawn uniformly and with the popularity of a power law.
"""

from __future__ import annotations

import argparse

import numpy as np
from record import record
from scipy.linalg import hadamard

from limitlab.relevance import RelevanceMatrix, dense
from limitlab.theory import BoundTable, bounds


def from_dense(rows: np.ndarray) -> RelevanceMatrix:
    return RelevanceMatrix.from_pairs(*np.nonzero(rows), query_ids=range(rows.shape[0]), doc_ids=range(rows.shape[1]))


def projective_plane(q: int) -> RelevanceMatrix:
    points = [v for v in np.ndindex(q, q, q) if next((x for x in v if x), None) == 1]
    return from_dense((np.array(points) @ np.array(points).T) % q == 0)


def large(kind: str, n_queries: int, n_docs: int) -> RelevanceMatrix:
    rng = np.random.default_rng(0)
    sizes = rng.integers(1, 6, n_queries)
    rows = np.repeat(np.arange(n_queries), sizes)
    columns = rng.integers(n_docs, size=rows.size) if kind == "uniform" else (rng.zipf(1.3, size=rows.size) - 1) % n_docs
    rows, columns = np.unique(np.stack([rows, columns]), axis=1)
    return RelevanceMatrix.from_pairs(rows, columns, query_ids=range(n_queries), doc_ids=range(n_docs))


def figures(name: str, table: BoundTable) -> dict[str, object]:
    out: dict[str, object] = {f"{name}: seconds": round(table.seconds, 2)}
    for quantity in ("dim", "sign_rank", "dim_euclidean", "gap_row_wise", "gap_global"):
        low, high = table.lower(quantity), table.upper(quantity)
        if low is not None or high is not None:
            shown = [("?" if b is None else f"{b.value:.5g}" if isinstance(b.value, float) else str(b.value)) for b in (low, high)]
            out[f"{name}: {quantity}"] = shown[0] if shown[0] == shown[1] else " to ".join(shown)
    out[f"{name}: not computed in time"] = sum("s were over" in b.note for b in table.bounds)
    return out


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=10.0)
    seconds = parser.parse_args().seconds
    coins = np.random.default_rng(0).random((60, 60)) < 0.5
    cases = {
        "LIMIT 50,000 x 1,000": dense(50_000, 1_000),
        "coins 60 x 60": from_dense(coins),
        "projective plane of order 7": projective_plane(7),
        "Hadamard 32": from_dense(hadamard(32) > 0),
        "uniform 5,000,000 x 100,000": large("uniform", 100_000, 5_000_000),
        "power law 5,000,000 x 100,000": large("power law", 100_000, 5_000_000),
    }
    found = figures("all pairs of 50,000,000", bounds(n_docs=50_000_000, k=2))
    for name, relevance in cases.items():
        found |= figures(name, bounds(relevance, seconds=seconds))
    record("bounds", found)


if __name__ == "__main__":
    main()
