"""The estimate of a command beside its run: diagnose and eval on given vectors, critical n at a few dimensions.

``seconds`` is the clock. Where other programs run at the same time, --processor takes the processor's seconds for the constants and the runs
alike, on the cores that the process may use (``taskset -c 0``: one, so that no thread waits for another). Quality: the ratio of estimate
and run, and whether the run lies in the range that was printed. The machine is measured first, unless --machine names a profile.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from diagnose import unit, write_docs
from record import record

from limitlab import RelevanceMatrix
from limitlab._core.provenance import cores
from limitlab.data import Dataset
from limitlab.diagnosis import diagnose
from limitlab.estimation import (
    Estimate,
    MachineProfile,
    Sizes,
    Sweep,
    asked,
    estimate_critical_n,
    estimate_diagnose,
    estimate_eval,
    measure,
    measure_machine,
    read_profile,
)
from limitlab.evaluation import evaluate
from limitlab.free.critical_n import critical_n
from limitlab.ledger import Ledger
from limitlab.search import exact_search


class GivenVectors:
    """Vectors as a retriever."""

    name = label = "given"
    family = "dense"

    def __init__(self, docs: np.ndarray, queries: np.ndarray) -> None:
        self._docs, self._queries, self.max_dim = docs, queries, docs.shape[1]

    def config(self, n_docs: int) -> dict:
        return {"retriever": "given", "cache": False}

    def index(self, docs, queries, *, progress) -> dict:
        return {"cost": {}, "notes": {}}

    def search(self, *, k, places, relevant, dim, progress):
        return exact_search(self._docs, self._queries, k=k, places=places, dim=dim, relevant=relevant, progress=progress)

    def predict(self, measure: str, cut: int, **_: object) -> None:
        return None


def beside(figures: dict, name: str, found: Estimate, run: Callable[[], object]) -> None:
    """Run, and note estimate and time; the start of the process, which is running already, is taken off."""
    off = next((p.seconds(found.machines) for p in found.parts if p.name == "start"), (0.0, 0.0, 0.0))
    low, expected, high = (a - b for a, b in zip(found.seconds, off))
    start = measure.clock()
    run()
    wall = measure.clock() - start
    figures[f"{name}: estimate, seconds"] = f"{expected:.3g} ({low:.3g} to {high:.3g})"
    figures[f"{name}: run, seconds"] = wall
    figures[f"{name}: estimate over run"] = expected / wall
    figures[f"{name}: run within the range"] = low <= wall <= high
    for part in sorted(found.parts, key=lambda p: -p.seconds(found.machines)[1])[:12]:
        figures[f"{name}: part: {part.name}"] = part.seconds(found.machines)[1]


def vectors(figures: dict, machine: MachineProfile, args: argparse.Namespace, folder: Path) -> None:
    """diagnose and eval on one memory map."""
    rng = np.random.default_rng(0)
    n, n_queries, dim = args.n_docs, args.n_queries, args.dim
    docs = write_docs(folder / "docs.npy", n, dim, rng)
    rows = np.stack([rng.choice(n, 2, False) for _ in range(n_queries)])
    queries = unit(docs[rows].sum(axis=1) + args.noise * unit(rng.standard_normal((n_queries, dim))))
    ids, asks = [str(i) for i in range(n)], [str(i) for i in range(n_queries)]
    relevance = RelevanceMatrix.from_pairs(np.repeat(np.arange(n_queries), 2), rows.reshape(-1), query_ids=asks, doc_ids=ids)
    sizes = Sizes(n, n_queries, dim, tokens_per_doc=3, tokens_per_query=3)
    skip = [p for p in args.skip.split(",") if p]
    warm = unit(rng.standard_normal((9_000, dim)))
    pairs = RelevanceMatrix.from_pairs(np.arange(40), np.arange(40), query_ids=range(40), doc_ids=range(9_000))
    diagnose(pairs, docs=warm, queries=unit(rng.standard_normal((40, dim))), k=10, ledger=Ledger(folder / "warm"))
    if "diagnose" in args.verbs:
        found = estimate_diagnose(sizes.with_(missing=args.missing), machine, skip=skip, dtype=args.dtype)
        beside(
            figures,
            "diagnose",
            found,
            lambda: diagnose(relevance, docs=docs, queries=queries, k=10, skip=skip, dtype=args.dtype, ledger=Ledger(folder / "home")),
        )
    if "eval" in args.verbs:
        data = Dataset.from_texts(
            {i: f"text {i}" for i in ids}, {q: f"query {q}" for q in asks}, {q: {ids[r]: 1 for r in row} for q, row in zip(asks, rows)}
        )
        found = estimate_eval(sizes, machine, asked("vectors"), texts=False)
        beside(figures, "eval", found, lambda: evaluate(data, [GivenVectors(docs, queries)], ledger=Ledger(folder / "home")))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("verbs", nargs="*", default=["diagnose", "eval", "critical-n"], help="diagnose, eval, critical-n")
    parser.add_argument("--n-docs", type=int, default=50_000)
    parser.add_argument("--n-queries", type=int, default=1_000)
    parser.add_argument("--dim", type=int, default=384)
    parser.add_argument("--noise", type=float, default=2.0, help="length of the noise in the queries")
    parser.add_argument("--missing", type=float, default=None, help="share of queries that miss something; default: not known")
    parser.add_argument("--dtype", default=None, help="served type of the diagnosis")
    parser.add_argument("--skip", default="", help="parts of the diagnosis, with commas")
    parser.add_argument("--dims", type=int, nargs="*", default=[8, 10, 12])
    parser.add_argument("--processor", action="store_true", help="seconds of the processor, not of the clock")
    parser.add_argument("--machine", type=Path, default=None)
    args = parser.parse_args()
    if args.processor:
        measure.clock = time.process_time
    machine = read_profile(args.machine) if args.machine else measure_machine()
    figures: dict = {
        "cores": cores(),
        "clock": "processor" if args.processor else "wall",
        "load at the start": os.getloadavg()[0],
        "n_docs": args.n_docs,
        "n_queries": args.n_queries,
        "dim": args.dim,
        "served type": args.dtype or "none",
        "skipped": args.skip or "nothing",
    }
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if {"diagnose", "eval"} & {*args.verbs}:
            vectors(figures, machine, args, folder)
        if "critical-n" in args.verbs:
            critical_n(4, ledger=Ledger(folder / "warm"))
            for dim in args.dims:
                found = estimate_critical_n(Sweep((dim,)), machine)
                beside(figures, f"critical-n, d = {dim}", found, lambda d=dim: critical_n(d, ledger=Ledger(folder / f"free-{d}")))
    figures["load at the end"] = os.getloadavg()[0]
    record("estimate", figures)


if __name__ == "__main__":
    main()
