"""The paper's protocol for the critical n: what it finds beside the published table, and how long it takes.

A ledger of its own in a temporary folder, so that nothing is reused. ``--dims 4 5 .. 20 --seeds 42`` for the whole range.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

from record import record

from limitlab.free import FreeConfig, FreeProblem, free_embed
from limitlab.free.comparison import by_dimension
from limitlab.free.critical_n import critical_n
from limitlab.ledger import Ledger


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dims", type=int, nargs="*", default=[4, 6, 8, 10])
    parser.add_argument("--seeds", type=int, nargs="*", default=[42, 43, 44, 45, 46])
    parser.add_argument("--device", default="auto")
    args = parser.parse_args()
    free_embed(FreeProblem.all_subsets(8, seed=0), FreeConfig(dim=4, max_steps=50))  # compiles
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        result = critical_n(args.dims, seeds=tuple(args.seeds), ledger=Ledger(Path(folder)), device=args.device)
        seconds = time.perf_counter() - start
    figures: dict[str, object] = {"seconds": seconds, "seeds": args.seeds, "status": result.status.key}
    for line in by_dimension(result):
        figures[f"d = {line.dim}"] = {
            "critical n, each seed": [r.critical_n for r in result.rows if r.dim == line.dim],
            "median": line.median,
            "published": line.published,
            "least n that failed": min((r.least_failed for r in result.rows if r.dim == line.dim and r.least_failed), default=None),
        }
    record("critical_n", figures)


if __name__ == "__main__":
    main()
