"""What fusing and reranking cost beside the retrievers they are made of: seconds a query, and recall, on LIMIT.

The second stage is a function that counts words in common, so that what is timed is limitlab's own work and not a model's.
"""

from __future__ import annotations

import argparse
import statistics
import time

import numpy as np
from record import record

import limitlab as ll
from limitlab.retrieval import Hybrid, Rerank, build
from limitlab.search import RelevantSet, tie_order


def words_in_common(query: str, documents: list[str]) -> list[float]:
    """How many of the query's words each document has."""
    asked = set(query.rstrip("?").split()[2:])
    return [float(len(asked & set(document.replace(",", " ").split()))) for document in documents]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--n-docs", type=int, default=50_000)
    parser.add_argument("--depth", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    data = ll.make_limit(n_docs=args.n_docs)
    positive = data.relevance.binary()
    relevant = RelevantSet(positive.indptr, positive.indices)
    places = tie_order(data.docs.ids, "trec")
    parts = [build("bm25"), build("token-sums:dim=64")]
    made = {
        "bm25": parts[0],
        "token-sums": parts[1],
        "hybrid": Hybrid(parts, depth=args.depth),
        "rerank": Rerank(parts[1], scorer=words_in_common, depth=100),
    }
    made["hybrid"].index(data.docs, data.queries)
    made["rerank"].index(data.docs, data.queries)
    seconds: dict[str, list[float]] = {name: [] for name in made}
    recall: dict[str, float] = {}
    for turn in range(args.rounds + 1):  # the first round compiles, and is not counted
        for name, retriever in made.items():
            start = time.perf_counter()
            found = retriever.search(k=100, places=places, relevant=relevant)
            if turn:
                seconds[name].append(time.perf_counter() - start)
            ranks = found.ranks.by_id()
            recall[name] = float(np.mean((ranks > 0) & (ranks <= 2)))
    medians = {name: statistics.median(taken) for name, taken in seconds.items()}
    n = len(data.queries)
    record(
        "second_stages",
        {
            "documents": args.n_docs,
            "queries": n,
            "depth of the hybrid": args.depth,
            **{f"{name}: ms a query, median": 1000 * taken / n for name, taken in medians.items()},
            "fusion alone: ms a query": 1000 * (medians["hybrid"] - medians["bm25"] - medians["token-sums"]) / n,
            **{f"{name}: R@2": value for name, value in recall.items()},
        },
    )


if __name__ == "__main__":
    main()
