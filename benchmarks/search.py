"""Exact search beside its floor, the bare float32 matrix product of the same vectors, alternating in one run.

Quality: the lists are checked against a float64 ranking of the same vectors.
"""

from __future__ import annotations

import argparse
import statistics
import time

import numpy as np
from record import record

from limitlab.search import RelevantSet, exact_search, normalised, tie_order


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--n-docs", type=int, default=50_000)
    parser.add_argument("--n-queries", type=int, default=1_000)
    parser.add_argument("--dim", type=int, default=384)
    parser.add_argument("--k", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=9)
    args = parser.parse_args()
    rng = np.random.default_rng(0)
    docs = rng.standard_normal((args.n_docs, args.dim), np.float32)
    queries = rng.standard_normal((args.n_queries, args.dim), np.float32)
    places = tie_order([f"{i:08d}" for i in range(args.n_docs)])
    relevant = RelevantSet(np.arange(args.n_queries + 1) * 2, rng.integers(args.n_docs, size=2 * args.n_queries))
    unit_docs, unit_queries = normalised(docs), normalised(queries)
    times: dict[str, list[float]] = {"product": [], "lists": [], "lists and ranks": []}
    for turn in range(args.rounds + 1):  # the first round compiles and warms up, and is not counted
        for name, work in (
            ("product", lambda: np.matmul(unit_queries, unit_docs.T)),
            ("lists", lambda: exact_search(docs, queries, k=args.k, places=places)),
            ("lists and ranks", lambda: exact_search(docs, queries, k=args.k, places=places, relevant=relevant)),
        ):
            start = time.perf_counter()
            found = work()
            if turn:
                times[name].append(time.perf_counter() - start)
    floor = times["product"]
    sample = rng.choice(args.n_queries, size=min(50, args.n_queries), replace=False)
    exact = unit_queries[sample].astype(np.float64) @ unit_docs.astype(np.float64).T
    order = np.argsort(-exact, axis=1)[:, : args.k]
    same = float((order == found.indices[sample]).mean())
    figures = {f"{name}: seconds, median": statistics.median(values) for name, values in times.items()}
    figures |= {
        f"{name}: times the product": statistics.median(a / b for a, b in zip(times[name], floor)) for name in ("lists", "lists and ranks")
    }
    figures["share of places equal to a float64 ranking"] = same
    figures["shape"] = f"{args.n_queries} queries, {args.n_docs} x {args.dim}, top {args.k}"
    record("search", figures)


if __name__ == "__main__":
    main()
