"""What runs offline on LIMIT: recall beside time, memory and bytes a document, on the released LIMIT-small and on a LIMIT of our own.

Each retriever runs in a process of its own, so that its peak memory is its own. What is done is kept under LIMITLAB_HOME, encoded texts too:
a run that was stopped goes on where it was. --again measures everything anew (vectors that are cached are still not encoded twice).
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from limitlab._core.thread_rest import rest_soon

rest_soon()  # as the command line does, before NumPy is loaded

from record import record  # noqa: E402

import limitlab as ll  # noqa: E402
from limitlab._core.files import write_text  # noqa: E402
from limitlab._core.home import home  # noqa: E402
from limitlab._core.provenance import peak_memory  # noqa: E402
from limitlab.retrieval.registry import KINDS  # noqa: E402

RELEASED = Path(__file__).resolve().parents[1].parent / "shared" / "data" / "limit-small"
SPECS = [
    "bm25",
    "token-sums:dim=384",
    "minilm",
    "quantised(minilm):dtype=float16",
    "quantised(minilm):dtype=int8",
    "quantised(minilm):dtype=int8-ranges",
    "quantised(minilm):dtype=binary",
    "quantised(minilm):dtype=binary,rescore=400",
    "minilm-maxsim",
    "muvera(minilm-maxsim)",
    "muvera(minilm-maxsim):repetitions=5",
]
OF_OTHERS = {"hybrid": "hybrid(bm25,minilm)"}  # made of others: measured where it is known
MEASURES = ("recall@2", "recall@10", "recall@100")


def data_of(name: str, n_docs: int) -> ll.Dataset:
    """The dataset of a row: "released", or one of our own with n_docs documents."""
    return ll.load(RELEASED) if name == "released" else ll.make_limit(n_docs=n_docs, n_queries=1_000, k=2, pattern="dense", seed=0)


def measured(spec: str, dataset: str, n_docs: int) -> dict[str, Any]:
    """One row, in this process."""
    start = time.perf_counter()
    row = ll.evaluate(data_of(dataset, n_docs), [spec], measures=MEASURES, reuse=False).rows[0]
    figures: dict[str, Any] = {"status": row.status.name, "message": row.message}
    figures |= {m: row.measures[m].mean for m in MEASURES if m in row.measures}
    for name in ("encode_seconds", "docs_per_second", "index_seconds", "muvera_seconds", "search_seconds", "bytes_per_doc"):
        if name in row.cost:
            figures[name] = row.cost[name]
    return figures | {"tie_rate": row.tie_rate, "seconds": time.perf_counter() - start, "peak_mib": peak_memory() / 2**20}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--n-docs", type=int, default=50_000, help="documents of the LIMIT of our own")
    parser.add_argument("--retrievers", nargs="*", default=None, help="default: all")
    parser.add_argument("--datasets", nargs="*", choices=["released", "own"], default=["released", "own"])
    parser.add_argument("--again", action="store_true")
    parser.add_argument("--one", nargs=2, metavar=("DATASET", "RETRIEVER"), help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.one:
        print(json.dumps(measured(args.one[1], args.one[0], args.n_docs)))
        return
    specs = args.retrievers or SPECS + [spec for kind, spec in OF_OTHERS.items() if kind in KINDS]
    for dataset in args.datasets:
        if dataset == "released" and not RELEASED.is_dir():
            print(f"the released LIMIT-small is not at {RELEASED.parent.parent.name}/{RELEASED.parent.name}/{RELEASED.name}: left out")
            continue
        label = "LIMIT-small, released" if dataset == "released" else f"LIMIT, {args.n_docs:,} documents"
        kept = home() / "architectures" / f"{dataset}-{args.n_docs if dataset == 'own' else 46}.json"
        done: dict[str, Any] = json.loads(kept.read_text()) if kept.is_file() and not args.again else {}
        for number, spec in enumerate(specs, 1):
            if spec not in done:
                print(f"[{number}/{len(specs)}] {label}: {spec}", file=sys.stderr, flush=True)
                command = [sys.executable, __file__, "--n-docs", str(args.n_docs), "--one", dataset, spec]
                answer = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout
                done[spec] = json.loads(answer.strip().splitlines()[-1])
                write_text(kept, json.dumps(done, indent=1))
        record("architectures", {"dataset": label, "rows": json.dumps({spec: done[spec] for spec in specs})})
        table(label, {spec: done[spec] for spec in specs})


def table(label: str, rows: dict[str, Any]) -> None:
    """Markdown, as the how-to page shows it."""
    print(f"\n{label}\n\n| retriever | R@2 | R@10 | R@100 | bytes a document | search, s | peak MiB |\n|---|---|---|---|---|---|---|")
    for spec, row in rows.items():
        if row["status"] != "SOLVED":
            print(f"| `{spec}` | {row['message']} | | | | | |")
            continue
        values = " | ".join(f"{row[m]:.4f}" for m in MEASURES)
        print(f"| `{spec}` | {values} | {row['bytes_per_doc']:,.0f} | {row['search_seconds']:.2f} | {row['peak_mib']:,.0f} |")


if __name__ == "__main__":
    main()
