"""Max-margin queries of many sets: seconds beside the proven distance from the optimum.

Four problems: all pairs of few documents (the solve inside a free-embedding optimisation), twice; pairs of 46 documents
among many, random and with a strong common direction and unequal axes as encoders have them; sets of a memory map.
Quality: the largest ``bounds - gaps``, and the gaps evaluated again in extended precision.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from itertools import combinations
from pathlib import Path

import numpy as np
from record import record

from limitlab.search import Separation, separate


def unit(rows: np.ndarray) -> np.ndarray:
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def pairs(n: int, most: int) -> np.ndarray:
    return np.array(list(combinations(range(n), 2)))[:most]


def evaluated(docs: np.ndarray, queries: np.ndarray, sets: np.ndarray) -> np.ndarray:
    scores = queries.astype(np.longdouble) @ np.asarray(docs).T.astype(np.longdouble)
    least = np.take_along_axis(scores, sets, axis=1).min(axis=1)
    np.put_along_axis(scores, sets, -np.inf, axis=1)
    return least - scores.max(axis=1)


def like_an_encoder(rng: np.random.Generator, n: int, dim: int) -> np.ndarray:
    """Mean cosine .6, standard deviations falling as 1/sqrt along the axes."""
    rows = rng.standard_normal((n, dim)) / np.sqrt(1 + np.arange(dim))
    return unit(rows + 1.2 * np.linalg.norm(rows, axis=1).mean() * unit(rng.standard_normal((1, dim)))).astype(np.float32)


def anonymous_mib() -> float:
    """Memory that is not a mapped file, where the system tells."""
    status = Path("/proc/self/status")
    lines = status.read_text().splitlines() if status.exists() else []
    return sum(float(line.split()[1]) / 1024 for line in lines if line.startswith("RssAnon"))


def measure(figures: dict, name: str, docs: np.ndarray, sets: np.ndarray, rounds: int) -> Separation:
    separate(docs[: max(50, int(sets[:2].max()) + 1)], sets[:2])
    separate(docs, sets[:1])  # compiled and warm
    before, times = anonymous_mib(), []
    for _ in range(rounds):
        start = time.perf_counter()
        found = separate(docs, sets)
        times.append(time.perf_counter() - start)
    figures[f"{name}: seconds, median"] = float(np.median(times))
    figures[f"{name}: microseconds a set"] = float(np.median(times)) / len(sets) * 1e6
    figures[f"{name}: largest bound - gap"] = float((found.bounds - found.gaps).max())
    some = np.flatnonzero(found.separable)[:20]
    figures[f"{name}: gaps re-evaluated differ by"] = float(
        np.abs(evaluated(docs, found.queries[some], sets[some]) - found.gaps[some]).max()
    )
    figures[f"{name}: separable"] = float(found.separable.mean())
    figures[f"{name}: added memory, MiB"] = max(0.0, anonymous_mib() - before)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--mapped-docs", type=int, default=1_000_000)
    args = parser.parse_args()
    rng, figures = np.random.default_rng(0), {"cores": os.cpu_count()}
    for n, dim in ((120, 20), (261, 30)):
        measure(figures, f"all pairs, {n} x {dim}", unit(rng.standard_normal((n, dim))), pairs(n, n * n), args.rounds)
    plain = unit(rng.standard_normal((50_000, 384))).astype(np.float32)
    measure(figures, "1,000 pairs, 50,000 x 384", plain, pairs(46, 1000), args.rounds)
    measure(figures, "the same, like an encoder", like_an_encoder(rng, 50_000, 384), pairs(46, 1000), args.rounds)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "docs.npy"
        docs = np.lib.format.open_memmap(path, "w+", np.float32, (args.mapped_docs, 64))
        for at in range(0, args.mapped_docs, 100_000):
            docs[at : at + 100_000] = unit(rng.standard_normal((len(docs[at : at + 100_000]), 64)))
        del docs
        mapped = np.load(path, mmap_mode="r")
        measure(figures, f"100 pairs, {args.mapped_docs:,} x 64 mapped", mapped, rng.choice(args.mapped_docs, (100, 2), False), 1)
    record("separate", figures)


if __name__ == "__main__":
    main()
