"""Seconds until every pair is right at the published critical n: the paper's protocol, and the gap objective.

Both from random starts of the same seeds, alternating in one run, on vectors in float32 whose every set is checked. A run
that did not solve counts with the time it took, as a lower bound. Constructions are shown apart.
"""

from __future__ import annotations

import argparse
import statistics
import time
from functools import partial

from record import record

from limitlab.capacity import certified_n
from limitlab.free import FreeConfig, FreeProblem, free_embed, maximise_gap
from limitlab.published import critical_n_table


def _protocol(n: int, dim: int, seed: int, max_steps: int) -> bool:
    return free_embed(FreeProblem.all_subsets(n, seed=seed), FreeConfig(dim=dim, seed=seed, max_steps=max_steps)).solved


def _gap(n: int, dim: int, seed: int, max_steps: int, *, start: str = "random") -> bool:
    return maximise_gap(n, FreeConfig(dim=dim, objective="gap", seed=seed), start=start).solved


METHODS = {"protocol": _protocol, "gap objective": _gap, "construction": partial(_gap, start="frame")}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dim", type=int, nargs="*", default=[10, 20, 30])
    parser.add_argument("--seeds", type=int, nargs="*", default=[42, 43, 44])
    parser.add_argument("--max-steps", type=int, default=100_000, help="of the protocol")
    args = parser.parse_args()
    published = dict(critical_n_table())
    free_embed(FreeProblem.all_subsets(8, seed=0), FreeConfig(dim=4, max_steps=50))  # compiles
    maximise_gap(8, FreeConfig(dim=4, objective="gap"))
    figures: dict[str, object] = {}
    for dim in args.dim:
        n = published[dim]
        times: dict[str, list[float]] = {name: [] for name in METHODS}
        solved: dict[str, list[bool]] = {name: [] for name in METHODS}
        for seed in args.seeds:
            for name, work in METHODS.items():
                start = time.perf_counter()
                done = work(n, dim, seed, args.max_steps)
                times[name].append(time.perf_counter() - start)
                solved[name].append(bool(done))
                print(f"d = {dim}, n = {n}, seed {seed}: {name} {times[name][-1]:.3f} s, solved {done}", flush=True)
        figures[f"d = {dim}, n = {n}"] = {
            **{f"{name}: seconds, median": statistics.median(t) for name, t in times.items()},
            **{f"{name}: solved": sum(solved[name]) for name in times},
            "seeds": len(args.seeds),
            "protocol / gap objective, median of the pairs": statistics.median(
                a / b for a, b in zip(times["protocol"], times["gap objective"])
            ),
            "certified in this dimension": certified_n(dim).n_docs,
        }
    record("time_to_solve", figures)


if __name__ == "__main__":
    main()
