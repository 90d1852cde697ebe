"""What each remedy gains on held-out queries, on LIMIT with MiniLM: released LIMIT-small (a folder) and a generated LIMIT.

With --synthetic N instead: time and added memory of the adapters on N memory-mapped documents whose queries were rotated.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from pathlib import Path

import numpy as np
from diagnose import Peak, unit, write_docs
from record import record

from limitlab.data import load, make_limit
from limitlab.diagnosis import Diagnosis, RemedyPlan, diagnose
from limitlab.ledger import Ledger
from limitlab.relevance import RelevanceMatrix


def told(found: Diagnosis) -> dict[str, str]:
    """A line a remedy."""
    out = {}
    for r in found.remedies:
        if r.recall is None:
            out[r.label] = r.note
            continue
        e = r.recall.difference
        after = f"recall {100 * r.before['recall'].mean:.1f} -> {100 * r.after['recall'].mean:.1f}, {100 * e.mean:+.1f} ({100 * e.low:+.1f} to {100 * e.high:+.1f})"
        both = f"all relevant {100 * r.before['all_relevant'].mean:.1f} -> {100 * r.after['all_relevant'].mean:.1f}"
        out[f"{r.label} ({r.kind})"] = f"{after}; {both}; p {r.p_adjusted}; won {r.won}, lost {r.lost}; {r.note}"
    return out


def synthetic(n_docs: int, n_queries: int, dim: int, folder: Path) -> tuple[RelevanceMatrix, np.ndarray, np.ndarray]:
    """Documents as encoders have them, in a file; queries of two relevant documents each, then turned by one random rotation."""
    rng = np.random.default_rng(0)
    docs = write_docs(folder / "docs.npy", n_docs, dim, rng)
    rows = np.sort(np.stack([rng.choice(n_docs, 2, False) for _ in range(n_queries)]), axis=1)
    queries = unit(docs[rows].sum(axis=1) + 0.9 * unit(rng.standard_normal((n_queries, dim))))
    turned = unit(queries @ np.linalg.qr(rng.standard_normal((dim, dim)))[0])
    matrix = RelevanceMatrix.from_pairs(
        np.repeat(np.arange(n_queries), 2), rows.reshape(-1), query_ids=range(n_queries), doc_ids=range(n_docs)
    )
    return matrix, docs, turned


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", default=None, help="a dataset folder; default: a generated LIMIT")
    parser.add_argument("--n-docs", type=int, default=1_000)
    parser.add_argument("--n-queries", type=int, default=1_000)
    parser.add_argument("--synthetic", type=int, default=None, help="this many documents, memory-mapped")
    parser.add_argument("--dim", type=int, default=384)
    parser.add_argument("--k", type=int, default=10)
    parser.add_argument("--model", default="minilm")
    parser.add_argument("--remedies", default=None, help="default: all; with --synthetic adapter")
    parser.add_argument("--folds", type=int, default=5)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        vectors: dict = {}
        if args.synthetic:
            data, docs, queries = synthetic(args.synthetic, args.n_queries, args.dim, Path(folder))
            vectors = {"docs": docs, "queries": queries}
        else:
            data = load(args.folder) if args.folder else make_limit(n_docs=args.n_docs, n_queries=args.n_queries)
            vectors = {"model": args.model}
        plan = RemedyPlan.of(args.remedies or ("adapter" if args.synthetic else "all"), folds=args.folds)
        start = time.perf_counter()
        with Peak() as peak:
            found = diagnose(data, **vectors, k=args.k, remedies=plan, ledger=Ledger(Path(folder) / "home"))
    figures = {"cores": os.cpu_count(), "data": found.name, "n_docs": found.config["n_docs"], "n_queries": len(found.queries)}
    figures |= {"seconds, with the diagnosis": time.perf_counter() - start, "added memory, MiB": (peak.bytes - peak.start) / 2**20}
    record("remedies", {**figures, **told(found)})


if __name__ == "__main__":
    main()
