"""Search for harmonic frames that hold all sets of more than two documents."""

from __future__ import annotations

from itertools import islice
from time import monotonic

import numpy as np

from limitlab._core.checks import real, whole
from limitlab._core.errors import NotSolved
from limitlab._core.progress import SILENT, Progress
from limitlab.capacity.frames import HarmonicFrame
from limitlab.capacity.verification.frames import set_classes
from limitlab.search import separate

_FIRST = 64  # sets tried before the rest: most frames fail there


def least_set_gap(frame: HarmonicFrame, k: int, *, low: float = 0.0, classes: np.ndarray | None = None) -> tuple[float, tuple[int, ...]]:
    """Least gap over all k-subsets of a frame, and a set that has it; ends at the first class below ``low``.

    Measured in float64 by ``separate``; ``verify`` proves it.

    Parameters
    ----------
    k
        2 <= k < n_docs.
    low
        Gaps below it are not told apart.
    classes
        Representatives from ``class_table``; None: made here.
    """
    table = class_table(frame.n_docs, k) if classes is None else classes
    docs = frame.docs()
    # Sets whose documents nearly cancel are the hardest, and those whose documents stand together.
    sums = np.linalg.norm(docs[table].sum(axis=1), axis=1)
    order = np.argsort(sums)
    gap, least = np.inf, ()
    at, size = 0, _FIRST
    while at < len(order):
        part = table[order[at : at + size]]
        found = separate(docs, part, tolerance=1e-9, enough=gap if np.isfinite(gap) else None).gaps
        worst = int(found.argmin())
        if found[worst] < gap:
            gap, least = float(found[worst]), tuple(part[worst].tolist())
        if gap < low:
            break
        at, size = at + size, size * 4
    return gap, least


def class_table(n_docs: int, k: int) -> np.ndarray:
    """One k-subset of every class under shifts and the reflection: (classes, k), about C(n, k) / (2 n) rows."""
    return np.array(list(set_classes(n_docs, k)))


def search_set_frame(
    dim: int, n_docs: int, *, k: int, min_gap: float = 1e-3, seconds: float = 30.0, seed: int = 0, progress: Progress = SILENT
) -> tuple[HarmonicFrame, float, tuple[int, ...]]:
    """A frame whose k-subsets all have a gap of at least ``min_gap``: (frame, gap, set with the least gap).

    Frequencies are exchanged one at a time for better ones, from the trigonometric curve and from random starts.

    Raises
    ------
    NotSolved
        None was found in time. One may exist.
    """
    who = "search_set_frame()"
    m = whole(who, "dim", dim, low=2) // 2
    n = whole(who, "n_docs", n_docs, low=2 * m + 1)
    k = whole(who, "k", k, low=2, high=n - 1, high_name="n_docs - 1")
    goal = real(who, "min_gap", min_gap, low=1e-7, high=1.0)
    deadline = monotonic() + real(who, "seconds", seconds, low=0.0)
    rng = np.random.Generator(np.random.PCG64(seed))
    table = class_table(n, k)
    best: tuple[HarmonicFrame, float, tuple[int, ...]] | None = None
    start = True
    while start or monotonic() < deadline:
        chosen = np.arange(1, m + 1) if start else np.append(1, rng.choice(np.arange(2, n // 2 + 1), m - 1, replace=False))
        frame = HarmonicFrame(n, tuple(chosen.tolist()))
        gap, least = least_set_gap(frame, k, classes=table)
        found = _climb(frame, gap, least, k, goal, table, rng, deadline)
        if best is None or found[1] > best[1]:
            best = found
            progress.say(f"d = {dim}, k = {k}, n = {n}: gap {best[1]:.4g}")
        if best[1] >= goal:
            return best
        start = False
    raise NotSolved(
        f"{who}: no frame of {n} documents in {dim} dimensions with gap {goal:g} over all {k}-subsets was found in {seconds:g} s."
    )


def _climb(frame, gap, least, k, goal, table, rng, deadline):
    """Exchange frequencies while that raises the least gap."""
    m, n = len(frame.frequencies), frame.n_docs
    idle = 0
    while idle < m and gap < goal and monotonic() < deadline:
        place, better = int(rng.integers(m)), False
        for f in islice(rng.permutation(np.arange(1, n // 2 + 1)).tolist(), 200):
            if f in frame.frequencies:
                continue
            trial = HarmonicFrame(n, (*frame.frequencies[:place], f, *frame.frequencies[place + 1 :]))
            found, worst = least_set_gap(trial, k, low=max(gap, 0.0) * 1.001 + 1e-9, classes=table)
            if found > max(gap, 0.0) * 1.001 + 1e-9:
                frame, gap, least, better = trial, found, worst, True
            if gap >= goal or monotonic() >= deadline:
                break
        idle = 0 if better else idle + 1
    return frame, gap, least
