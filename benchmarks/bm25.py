"""BM25: index and search of the own 50,000-document LIMIT, cold (nothing from the ledger), recall beside cost."""

from __future__ import annotations

import time

from record import record

import limitlab as ll
from limitlab.evaluation import Measure, bootstrap, per_query
from limitlab.retrieval import BM25
from limitlab.search import RelevantSet, tie_order


def main() -> None:
    data = ll.make_limit()
    retriever = BM25()
    places = tie_order(data.docs.ids)
    relevant = RelevantSet(data.relevance.indptr, data.relevance.indices)
    start = time.perf_counter()
    retriever.index(data.docs, data.queries)
    indexed = time.perf_counter() - start
    found = retriever.search(k=100, places=places, relevant=relevant)
    total = time.perf_counter() - start
    values = per_query([Measure("recall", 2), Measure("recall", 100)], data.relevance, found.ranks)
    record(
        "bm25",
        {
            "index seconds": indexed,
            "search seconds, 1,000 queries": total - indexed,
            "index and search seconds": total,
            **{name: bootstrap(v).mean for name, v in values.items()},
        },
    )


if __name__ == "__main__":
    main()
