"""A step of free embeddings beside its floor, the three float32 matrix products of a step alone, alternating in one run.

A step is loss, gradients, Adam and unit length, the count of the hits every 50 steps included. The products are
queries @ docs.T, slopes @ docs, slopes.T @ queries with np.matmul. Both use all cores; ``one thread`` is the same step,
bit for bit, without sharing. Quality: the loss of the last step against the NumPy definition in float64.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable

import numpy as np
from record import record

from limitlab._core.provenance import cores
from limitlab.free.config import FreeConfig
from limitlab.free.loop import advance_alone, advance_together
from limitlab.free.objectives import gradient
from limitlab.free.problem import FreeProblem
from limitlab.free.state import LOSS, new_run, new_scratch, plan_of, vectors, with_points

SIZES = ((10, 36), (20, 120), (30, 261), (40, 466))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--objective", choices=("infonce", "footnote", "sigmoid"), default="infonce")
    parser.add_argument("sizes", nargs="*", help="dim,n_docs", default=[f"{d},{n}" for d, n in SIZES])
    args = parser.parse_args()
    for size in args.sizes:
        dim, n_docs = map(int, size.split(","))
        record("free_step", measured(dim, n_docs, args.objective, args.rounds))


def measured(dim: int, n_docs: int, objective: str, rounds: int) -> dict[str, object]:
    """Milliseconds a step and what they are to the products, one size."""
    problem, config = FreeProblem.all_subsets(n_docs, 2), FreeConfig(dim, objective=objective, patience=10**6, max_steps=10**6)
    plan = plan_of(problem, config)
    steps = max(2, min(500, int(1e9 / (problem.n_queries * n_docs * dim))))  # about 20 ms

    def stepper(threads: int) -> tuple[Callable[[], None], list]:
        state = [with_points(new_run(problem, dim), 2 + (rounds + 1) * steps // 50)]
        scratch, advance = new_scratch(problem, dim, workers=threads), advance_alone if threads == 1 else advance_together
        return lambda: advance(state[0], plan, scratch, steps), state

    docs, queries = problem.start(dim)
    sheet = np.empty((problem.n_queries, n_docs), np.float32)
    by_docs, by_queries = np.empty_like(docs), np.empty_like(queries)

    def products() -> None:
        for _ in range(steps):
            np.matmul(queries, docs.T, out=sheet)
            np.matmul(sheet, docs, out=by_queries)
            np.matmul(sheet.T, queries, out=by_docs)

    alone, state = stepper(1)
    together, _ = stepper(cores())
    times: dict[str, list[float]] = {"products": [], "step": [], "step, one thread": []}
    for turn in range(rounds + 1):  # the first round compiles and warms up, and is not counted
        for name, work in (("products", products), ("step", together), ("step, one thread", alone)):
            time.sleep(0.1)  # threads of the other pool spin for a while after their work, on the cores that are needed now
            start = time.perf_counter()
            work()
            if turn:
                times[name].append((time.perf_counter() - start) / steps * 1e3)
    found_docs, found_queries = (x.astype(np.float64) for x in vectors(state[0]))
    expected = gradient(objective, problem, found_docs, found_queries, scale=state[0].learnt[0, 0], bias=state[0].learnt[1, 0]).loss
    advance_alone(state[0], plan, new_scratch(problem, dim, workers=1), 1)
    flops = 6 * problem.n_queries * n_docs * dim
    figures: dict[str, object] = {f"{name}: ms, median": statistics.median(values) for name, values in times.items()}
    figures |= {
        f"{name}: times the products": statistics.median(a / b for a, b in zip(times[name], times["products"]))
        for name in ("step", "step, one thread")
    }
    figures |= {f"{name}: GFLOP/s": flops / statistics.median(values) / 1e6 for name, values in times.items()}
    figures["loss minus its float64 definition"] = float(state[0].losses[LOSS]) - expected
    figures["shape"] = f"d = {dim}, n = {n_docs}, {problem.n_queries} queries, {objective}, {cores()} threads"
    return figures


if __name__ == "__main__":
    main()
