"""What decides whether training on other attributes helps: one setting changed at a time, recall@10 before and after.

Usage: python benchmarks/domain_shift.py [--base static] [--n-docs 46,1000] [--pairs 500] [--epochs 3] [--only "NAME;NAME"]
With --base minilm --n-docs 46,50000 --pairs 2000 --epochs 5 it is the published protocol with another base: hours on two cores.
"""

from __future__ import annotations

import argparse

from record import record

from limitlab.training import TrainConfig, train

CHANGES = {
    "as published": {},
    "no false negatives": {"batches": "no-false-negatives"},
    "disjoint pairs": {"pattern": "disjoint"},
    "batches of 16": {"batch_size": 16},
    "disjoint pairs, batches of 16": {"pattern": "disjoint", "batch_size": 16},
    "disjoint pairs, batches of 256": {"pattern": "disjoint", "batch_size": 256},
    "50 attributes": {"attributes": 50},
    "random token vectors": {"base": "static:random"},
}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--base", default="static")
    parser.add_argument("--n-docs", default="46,1000")
    parser.add_argument("--pairs", type=int, default=500)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--only", default="")
    given = parser.parse_args()
    sizes = [int(n) for n in given.n_docs.split(",")]
    wanted = [name.strip() for name in given.only.split(";") if name.strip()] or list(CHANGES)
    figures: dict[str, object] = {"base": given.base, "pairs": given.pairs, "epochs": given.epochs}
    for name in wanted:
        config = TrainConfig(**{"base": given.base, "pairs": given.pairs, "epochs": given.epochs, **CHANGES[name]})
        found = train(config, n_docs=sizes, general="none")
        for c in found.select(measure="recall@10"):
            assert c.before is not None and c.difference is not None
            line = (
                f"{100 * c.before.mean:.1f} -> {100 * c.after.mean:.1f} ({100 * c.difference.low:+.1f} to {100 * c.difference.high:+.1f})"
            )
            figures[f"{name}, {c.n_docs:,} documents"] = line
            print(f"{name}, {c.n_docs:,} documents: {line}", flush=True)
        figures[f"{name}, false negatives"] = found.models[0].facts["false_negative_share"]
    record("domain_shift", figures)


if __name__ == "__main__":
    main()
