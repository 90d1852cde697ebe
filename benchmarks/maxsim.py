"""Exact MaxSim beside its floor, the bare float32 products of the same token vectors, alternating in one run.

Both use the threads that OMP_NUM_THREADS and NUMBA_NUM_THREADS allow. Quality: lists are checked against float64 scores of a sample of
queries.
"""

from __future__ import annotations

import argparse
import statistics
import time

from limitlab._core.thread_rest import rest_soon

rest_soon()  # as the command line does, before NumPy is loaded

import numpy as np  # noqa: E402
from record import record  # noqa: E402

from limitlab.search import RelevantSet, normalised, tie_order  # noqa: E402
from limitlab.search.maxsim import DOC_TOKENS, QUERY_TOKENS, maxsim_search  # noqa: E402
from limitlab.search.token_vectors import TokenVectors  # noqa: E402


def texts(rng: np.random.Generator, n: int, tokens: int, dim: int, spread: float) -> TokenVectors:
    """Unit token vectors of n texts whose lengths vary by the factor 1 - spread .. 1 + spread."""
    lengths = np.maximum(1, np.rint(tokens * rng.uniform(1 - spread, 1 + spread, n))).astype(np.int64)
    values = normalised(rng.standard_normal((int(lengths.sum()), dim), np.float32))
    return TokenVectors([values], part=np.zeros(n, int), start=np.cumsum(lengths) - lengths, length=lengths)


def bare(docs: TokenVectors, queries: TokenVectors) -> None:
    """All products in blocks that are thrown away, each as large as those of the search."""
    asked = queries.block(np.arange(len(queries))).values
    for block in docs.blocks(DOC_TOKENS):
        for at in range(0, len(asked), QUERY_TOKENS):
            np.matmul(block.values, asked[at : at + QUERY_TOKENS].T)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--n-docs", type=int, default=2_000)
    parser.add_argument("--n-queries", type=int, default=1_000)
    parser.add_argument("--doc-tokens", type=int, default=160)
    parser.add_argument("--query-tokens", type=int, default=32)
    parser.add_argument("--spread", type=float, default=0.0, help="lengths vary by this share")
    parser.add_argument("--dim", type=int, default=384)
    parser.add_argument("--k", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    rng = np.random.default_rng(0)
    docs, queries = (
        texts(rng, n, t, args.dim, args.spread) for n, t in ((args.n_docs, args.doc_tokens), (args.n_queries, args.query_tokens))
    )
    places = tie_order([f"{i:08d}" for i in range(args.n_docs)])
    relevant = RelevantSet(np.arange(args.n_queries + 1) * 2, rng.integers(args.n_docs, size=2 * args.n_queries))
    maxsim_search(
        docs, texts(rng, 2, 3, args.dim, 0.0), k=2, places=places, relevant=RelevantSet(np.arange(3), np.zeros(2, int))
    )  # compiles
    times: dict[str, list[float]] = {"products": [], "lists and ranks": []}
    for _ in range(args.rounds):
        for name, work in (
            ("products", lambda: bare(docs, queries)),
            ("lists and ranks", lambda: maxsim_search(docs, queries, k=args.k, places=places, relevant=relevant)),
        ):
            start = time.perf_counter()
            found = work()
            times[name].append(time.perf_counter() - start)
    sample = rng.choice(args.n_queries, size=min(10, args.n_queries), replace=False)
    every, same, worst = docs.block(np.arange(args.n_docs)), [], 0.0
    for i in sample:
        products = every.values.astype(np.float64) @ queries.rows(int(i)).astype(np.float64).T
        exact = np.maximum.reduceat(products, every.offsets[:-1], axis=0).sum(axis=1)
        order = np.argsort(-exact, kind="stable")[: args.k]
        same.append((order == found.indices[i]).mean())
        worst = max(worst, float(np.abs(exact[found.indices[i]] - found.scores[i]).max()))
    work = 2.0 * docs.n_tokens * queries.n_tokens * args.dim
    figures = {f"{name}: seconds, median": statistics.median(values) for name, values in times.items()}
    figures["times the products, median of pairs"] = statistics.median(b / a for a, b in zip(times["products"], times["lists and ranks"]))
    figures["products: GFLOP a second"] = work / statistics.median(times["products"]) / 1e9
    figures["share of places equal to a float64 ranking"] = float(np.mean(same))
    figures["greatest difference to a float64 score"] = worst
    figures["shape"] = (
        f"{args.n_queries} queries x {args.query_tokens}, {args.n_docs} documents x {args.doc_tokens}, {args.dim} values, top {args.k}"
    )
    record("maxsim", figures)


if __name__ == "__main__":
    main()
