"""Vector stores over the same vectors: how much of the exact top 10 each returns, beside seconds to fill it and to search.

Vectors have unequal axes and a common direction, as encoders' have. pgvector is measured where DATABASE_URL is set, servers where --store names them.
"""

from __future__ import annotations

import argparse
import os

import numpy as np
from record import record

from limitlab.retrieval.stores import store_lists
from limitlab.search import exact_search, tie_order

LOCAL = (
    "faiss:",
    "faiss:index=hnsw",
    "faiss:index=hnsw,ef_search=128",
    "faiss:index=ivf",
    "faiss:index=ivf,nprobe=16",
    "faiss:index=sq8",
    "faiss:index=pq",
)
POSTGRES = ("pgvector:", "pgvector:type=halfvec", "pgvector:index=hnsw", "pgvector:index=hnsw,ef_search=200", "pgvector:type=bit")


def vectors(n: int, dim: int, rng: np.random.Generator, common: np.ndarray) -> np.ndarray:
    scale = 1 / np.sqrt(1 + np.arange(dim))
    rows = rng.standard_normal((n, dim)) * scale + 1.2 * float(np.sqrt((scale**2).sum())) * common
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--n-docs", type=int, default=20_000)
    parser.add_argument("--dim", type=int, default=384)
    parser.add_argument("--n-queries", type=int, default=200)
    parser.add_argument("--store", action="append", default=[], help="further specifications, such as qdrant:url=URL")
    parser.add_argument("--k", type=int, default=10)
    a = parser.parse_args()
    rng = np.random.default_rng(0)
    common = rng.standard_normal((1, a.dim))
    common /= np.linalg.norm(common)
    docs, queries = vectors(a.n_docs, a.dim, rng, common), vectors(a.n_queries, a.dim, rng, common)
    ids = [f"d{i}" for i in range(a.n_docs)]
    best = exact_search(docs, queries, k=a.k, places=tie_order(ids)).indices
    specs = [
        *LOCAL,
        *(["qdrant:location=:memory:"] if a.n_docs <= 20_000 else []),
        *(POSTGRES if os.environ.get("DATABASE_URL") else []),
        *a.store,
    ]
    figures: dict[str, object] = {}
    for spec in specs:
        found = store_lists(spec, docs, queries, ids=ids, k=a.k)
        share = float(np.mean([len(set(x) & set(y)) / a.k for x, y in zip(found.indices.tolist(), best.tolist())]))
        figures[f"{spec} share of the exact top {a.k}"] = share
        figures[f"{spec} seconds to fill"] = found.cost["upload_seconds"]
        figures[f"{spec} seconds, {a.n_queries} queries"] = found.cost["search_seconds"]
    record("stores", figures)


if __name__ == "__main__":
    main()
