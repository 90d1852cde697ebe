"""BM25 in memory (bm25s) beside BM25 on disk (tantivy), each in a process of its own: seconds, peak memory, bytes on disk, recall.

python benchmarks/bm25_on_disk.py --n-docs 50000
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path


def measured(name: str, folder: str) -> dict[str, float]:
    """Index and search one dataset with one retriever; what a process of its own needs for it."""
    import limitlab as ll
    from limitlab._core.provenance import peak_memory
    from limitlab.evaluation import Measure, bootstrap, per_query
    from limitlab.retrieval import build
    from limitlab.search import RelevantSet, tie_order

    data = ll.load(folder)
    before = peak_memory()
    retriever = build(name)
    start = time.perf_counter()
    made = retriever.index(data.docs, data.queries)
    indexed = time.perf_counter() - start
    relevant = RelevantSet(data.relevance.indptr, data.relevance.indices)
    found = retriever.search(k=100, places=tie_order(data.docs.ids), relevant=relevant)
    total = time.perf_counter() - start
    values = per_query([Measure("recall", 2), Measure("recall", 100)], data.relevance, found.ranks)
    again = time.perf_counter()
    build(name).index(data.docs, data.queries)
    return {
        "index seconds": indexed,
        "index seconds, second run": time.perf_counter() - again,
        "search seconds": total - indexed,
        "peak MiB above the loaded dataset": (peak_memory() - before) / 2**20,
        "index bytes a document": made["cost"]["bytes_per_doc"],
        **{measure: bootstrap(v).mean for measure, v in values.items()},
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--n-docs", type=int, default=50_000)
    parser.add_argument("--one", nargs=2, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.one:
        print(json.dumps(measured(*asked.one)))
        return
    from record import record

    import limitlab as ll

    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "limit"
        ll.write_limit(ll.LimitConfig(n_docs=asked.n_docs), folder)
        figures: dict[str, float] = {"documents": asked.n_docs}
        for name in ("bm25", "tantivy"):
            environment = {**os.environ, "LIMITLAB_HOME": str(Path(scratch) / "home")}
            done = subprocess.run(
                [sys.executable, __file__, "--one", name, str(folder)], capture_output=True, text=True, check=True, env=environment
            )
            figures |= {f"{name}: {key}": value for key, value in json.loads(done.stdout.splitlines()[-1]).items()}
        record("bm25_on_disk", figures)


if __name__ == "__main__":
    main()
