"""A step of training MiniLM on a batch of LIMIT pairs, with and without memory that is used again, alternating in one run (Linux).

Quality: the gradients of both are the same bytes. Cost: the greatest resident memory of each.
"""

from __future__ import annotations

import argparse
import contextlib
import resource
import statistics
import time
from pathlib import Path

import numpy as np
from record import record

from limitlab._core.reused_memory import reused_memory
from limitlab.retrieval.encoder import use_cores
from limitlab.training import TrainConfig
from limitlab.training.base import resolve_base, trainable
from limitlab.training.batches import batches_of
from limitlab.training.losses import loss_of
from limitlab.training.pairs import test_data, training_pairs
from limitlab.training.repeatable import deterministic_algorithms, own_random_state, seed_everything


def resident_peak() -> float:
    """GiB since the mark was last reset."""
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) / 2**20


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    import torch

    use_cores()
    config = TrainConfig(matryoshka=(32, 128, 384), batch_size=args.batch_size).resolved()
    pairs = training_pairs(config, test_data(config, 1_000))
    model = trainable(resolve_base(config.base), config)
    loss = loss_of(model, config)
    model.train()
    batch = batches_of(config, pairs)[0]
    features = [model.preprocess([column[i] for i in batch]) for column in (pairs.queries, pairs.docs)]

    def step() -> np.ndarray:
        seed_everything(0)
        model.zero_grad()
        loss([dict(f) for f in features], torch.zeros(len(batch))).backward()
        return np.concatenate([p.grad.numpy().ravel() for p in model.parameters() if p.grad is not None])

    ways = {"as the system has it": contextlib.nullcontext, "memory used again": reused_memory}
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    pages: dict[str, list[float]] = {name: [] for name in ways}
    most: dict[str, list[float]] = {name: [] for name in ways}
    gradients = {}
    with own_random_state(), deterministic_algorithms():
        for _ in range(args.rounds):
            for name, way in ways.items():
                with way():
                    step()  # the first pays for memory
                    Path("/proc/self/clear_refs").write_text("5")  # the greatest resident memory begins anew
                    start, faults = time.perf_counter(), resource.getrusage(resource.RUSAGE_SELF).ru_minflt
                    gradients[name] = step()
                    seconds[name].append(time.perf_counter() - start)
                    most[name].append(resident_peak())
                    pages[name].append(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - faults)
    first, second = ways
    figures = {f"{name}: seconds a step, median": statistics.median(values) for name, values in seconds.items()}
    figures |= {f"{name}: pages, median": statistics.median(values) for name, values in pages.items()}
    figures |= {f"{name}: peak memory, GiB, median": statistics.median(values) for name, values in most.items()}
    figures["ratio, median of pairs"] = statistics.median(b / a for a, b in zip(seconds[first], seconds[second]))
    figures["gradients the same bytes"] = gradients[first].tobytes() == gradients[second].tobytes()
    record("training_step", {**figures, "pairs": len(batch), "tokens of the longest document": int(features[1]["input_ids"].shape[1])})


if __name__ == "__main__":
    main()
