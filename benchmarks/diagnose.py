"""Diagnosis of 1,000 queries: seconds and memory above the vectors, beside what was found.

Documents with a common direction and unequal axes, as encoders have them; queries miss about half of their two relevant documents.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import threading
import time
from pathlib import Path

import numpy as np
from record import record

from limitlab.diagnosis import diagnose
from limitlab.ledger import Ledger
from limitlab.relevance import RelevanceMatrix


def unit(rows: np.ndarray) -> np.ndarray:
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def write_docs(path: Path, n: int, dim: int, rng: np.random.Generator) -> np.ndarray:
    """(n, dim) float32 unit rows in a file, mean cosine near .6, written in blocks."""
    common = unit(rng.standard_normal((1, dim)))
    scale = 1 / np.sqrt(1 + np.arange(dim))
    length = float(np.sqrt((scale**2).sum()))
    docs = np.lib.format.open_memmap(path, "w+", np.float32, (n, dim))
    for at in range(0, n, 50_000):
        block = rng.standard_normal((min(50_000, n - at), dim)) * scale
        docs[at : at + len(block)] = unit(block + 1.2 * length * common)
    docs.flush()
    return np.load(path, mmap_mode="r")


def anonymous() -> int:
    """Bytes that are not a mapped file, where the system tells."""
    status = Path("/proc/self/status")
    lines = status.read_text().splitlines() if status.exists() else []
    return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("RssAnon"))


class Peak:
    """The largest anonymous memory while a block runs."""

    def __enter__(self) -> Peak:
        self.start = self.bytes = anonymous()
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._watch)
        self._thread.start()
        return self

    def _watch(self) -> None:
        while not self._end.wait(0.05):
            self.bytes = max(self.bytes, anonymous())

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self._thread.join()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--n-docs", type=int, default=50_000)
    parser.add_argument("--n-queries", type=int, default=1_000)
    parser.add_argument("--dim", type=int, default=384)
    parser.add_argument("--k", type=int, default=10)
    parser.add_argument("--noise", type=float, default=0.9, help="length of the noise in the queries")
    parser.add_argument("--served-dim", type=int, default=None)
    parser.add_argument("--dtype", default="int8")
    parser.add_argument("--index", default=None)
    parser.add_argument("--skip", default="", help="parts beneath the levels, with commas: drowning,gaps,geometry")
    args = parser.parse_args()
    rng = np.random.default_rng(0)
    figures: dict = {"cores": os.cpu_count(), "n_docs": args.n_docs, "n_queries": args.n_queries, "dim": args.dim, "k": args.k}
    figures["skipped"] = args.skip or "nothing"
    with tempfile.TemporaryDirectory() as folder:
        docs = write_docs(Path(folder) / "docs.npy", args.n_docs, args.dim, rng)
        rows = np.stack([rng.choice(args.n_docs, 2, False) for _ in range(args.n_queries)])
        queries = unit(docs[rows].sum(axis=1) + args.noise * unit(rng.standard_normal((args.n_queries, args.dim))))
        matrix = RelevanceMatrix.from_pairs(
            np.repeat(np.arange(args.n_queries), 2),
            rows.reshape(-1),
            query_ids=range(args.n_queries),
            doc_ids=range(args.n_docs),
        )
        served = {"dim": args.served_dim, "dtype": args.dtype, "index": args.index, "skip": [p for p in args.skip.split(",") if p]}
        diagnose(matrix.select([0, 1]), docs=docs, queries=queries[:2], k=args.k, ledger=Ledger(Path(folder) / "warm"))  # compiled
        start = time.perf_counter()
        with Peak() as peak:
            found = diagnose(matrix, docs=docs, queries=queries, k=args.k, ledger=Ledger(Path(folder) / "home"), **served)
        figures["seconds"] = time.perf_counter() - start
        figures["added memory, MiB"] = (peak.bytes - peak.start) / 2**20
        for level in found.levels:
            if level.status != "not given":
                figures[f"{level.label} ({level.status}): recall, lost, missing"] = f"{level.recall.mean:.4f}, {level.lost}, {level.blamed}"
    record("diagnose", figures)


if __name__ == "__main__":
    main()
