"""Extrapolation of recall to larger corpora, held out: from a part of a corpus to the whole, beside what is measured there.

Corpora of four kinds (even directions, a cone with unequal axes, clusters, uneven axes), one to three relevant documents a query, 8 to 64
dimensions. For each: how often the 95 % interval covers the recall of the same queries, and that of six times as many queries of the
same source; the mean error and the mean width.
"""

from __future__ import annotations

import argparse
import time

import numpy as np
from record import record

from limitlab.diagnosis.drowning import Drowning, drowning
from limitlab.diagnosis.scratch import Scratch
from limitlab.diagnosis.standing import list_depth, standing
from limitlab.diagnosis.subject import Subject, subject
from limitlab.relevance import RelevanceMatrix
from limitlab.search import exact_search

KINDS = ("even", "cone", "clusters", "uneven")
MORE = 6  # times as many queries of the same source


def unit(rows: np.ndarray) -> np.ndarray:
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def corpus(kind: str, seed: int, n: int, n_queries: int, dim: int, size: int, noise: float):
    rng = np.random.default_rng([seed, KINDS.index(kind)])
    docs = rng.standard_normal((n, dim))
    if kind == "cone":
        docs = docs / np.sqrt(1 + np.arange(dim)) + 0.6 / np.sqrt(dim)
    elif kind == "clusters":
        docs = unit(rng.standard_normal((50, dim)))[rng.integers(50, size=n)] + 0.8 * unit(docs)
    elif kind == "uneven":
        docs = docs * rng.gamma(0.5, 1, (1, dim))
    docs = unit(docs)
    rel = np.stack([rng.choice(n, size, False) for _ in range(n_queries)])
    return docs, unit(docs[rel].sum(axis=1) + noise * unit(rng.standard_normal((n_queries, dim)))), rel


def prepared(docs: np.ndarray, queries: np.ndarray, rel: np.ndarray, k: int, scratch: Scratch) -> Subject:
    ids = {"query_ids": [f"q{i}" for i in range(len(queries))], "doc_ids": [f"d{i}" for i in range(len(docs))]}
    matrix = RelevanceMatrix.from_pairs(np.repeat(np.arange(len(rel)), rel.shape[1]), rel.reshape(-1), **ids)
    given = {"doc_ids": None, "query_ids": None, "similarity": "cosine", "ties": "trec", "min_relevance": 1}
    return subject(matrix, docs, queries, k=k, scratch=scratch, **given)


def recalls(docs: np.ndarray, queries: np.ndarray, rel: np.ndarray, k: int) -> np.ndarray:
    with Scratch() as scratch:
        found = prepared(docs, queries, rel, k, scratch)
        ranks = exact_search(found.docs, found.queries, k=k, places=found.places, normalise=False, relevant=found.relevant).ranks
        assert ranks is not None
        return found.per_query((ranks.by_id() <= k).astype(np.int64)) / found.sizes


def extrapolated(docs: np.ndarray, queries: np.ndarray, rel: np.ndarray, k: int, factor: float, seed: int) -> Drowning:
    with Scratch() as scratch:
        found = prepared(docs, queries, rel, k, scratch)
        own = exact_search(found.docs, found.queries, k=list_depth(found), places=found.places, normalise=False, relevant=found.relevant)
        return drowning(found, standing(found, own), factors=(factor,), seed=seed)  # type: ignore[arg-type]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--n-docs", type=int, default=4_000)
    parser.add_argument("--part", type=int, default=4, help="extrapolate from one document in so many")
    parser.add_argument("--n-queries", type=int, default=100)
    parser.add_argument("--cases", type=int, default=40, help="of each kind")
    args = parser.parse_args()
    figures: dict = {"n_docs": args.n_docs, "part": args.part, "n_queries": args.n_queries, "cases of each kind": args.cases}
    start = time.perf_counter()
    for kind in KINDS:
        rows = []
        for seed in range(args.cases):
            size, dim, noise, k = 1 + seed % 3, (8, 16, 32, 64)[seed % 4], (0.8, 1.5, 3.0)[seed // 3 % 3], (5, 10)[seed % 2]
            docs, queries, rel = corpus(kind, seed, args.n_docs, MORE * args.n_queries, dim, size, noise)
            truth = recalls(docs, queries, rel, k)
            own = slice(0, args.n_queries)
            chosen = np.random.default_rng(seed).choice(args.n_docs, args.n_docs // args.part, False)
            part = np.union1d(chosen, rel[own].reshape(-1))
            found = extrapolated(docs[part], queries[own], np.searchsorted(part, rel[own]), k, args.n_docs / len(part), seed)
            assert found.forecast is not None
            rows.append(
                [found.forecast.recall[0], *found.forecast.recall_interval[0], truth[own].mean(), truth.mean(), found.exact.recall[-1]]
            )
        said, low, high, same, others, before = np.array(rows).T
        inside = [((low - 1e-9 <= t) & (t <= high + 1e-9)).mean() for t in (same, others)]
        figures[f"{kind}: covered, same queries / more queries"] = f"{inside[0]:.3f} / {inside[1]:.3f}"
        figures[f"{kind}: mean recall in the part, whole"] = f"{before.mean():.3f}, {same.mean():.3f}"
        figures[f"{kind}: mean error, bias, width"] = (
            f"{np.abs(said - same).mean():.4f}, {(said - same).mean():+.4f}, {(high - low).mean():.3f}"
        )
    figures["seconds"] = time.perf_counter() - start
    record("drowning", figures)


if __name__ == "__main__":
    main()
