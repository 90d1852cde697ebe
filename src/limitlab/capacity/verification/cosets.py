"""Inner products of whole cosets of documents by Walsh-Hadamard transforms, in whole numbers: the least and the greatest of them.

Documents are rows of signs of length d <= 2**14, so |W| <= d fits int16 at every step of a transform.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from threading import Event, Lock
from typing import Any

import numpy as np

from limitlab.capacity.verification.here import Mapper


@dataclass(frozen=True)
class Extremes:
    """Least and greatest inner product of two different documents (each of squared length d), and how many cosets were transformed."""

    least: int
    most: int
    cosets: int


def walsh_hadamard(values: np.ndarray, spare: np.ndarray) -> np.ndarray:
    """The transform of every column of ``values`` (d, columns), d a power of two; overwrites both arrays and returns one.

    Entry b of a column becomes the sum over x of (-1)**(number of common one-bits of b and x) times entry x.
    """
    d, columns = values.shape
    half = 1
    while half < d:
        old = values.reshape(d // (2 * half), 2, half, columns)
        new = spare.reshape(d // (2 * half), 2, half, columns)
        np.add(old[:, 0], old[:, 1], out=new[:, 0])
        np.subtract(old[:, 0], old[:, 1], out=new[:, 1])
        values, spare, half = spare, values, 2 * half
    return values


def extremes(d: int, blocks: Iterator[Callable[[], np.ndarray]], within: Extremes | None, threads: int = 2) -> Extremes:
    """Over all blocks of columns of signs, transformed; stops at the first number outside ``within``, which settles the matter.

    Two threads unless cores are shared with others: NumPy's loops run side by side.
    """

    def work(_: int) -> tuple[int, int, int]:
        spares: dict[int, np.ndarray] = {}
        least = most = cosets = 0
        while (make := next_block()) is not None and not settled.is_set():
            signs = make()
            columns = signs.shape[1]
            if columns not in spares:
                spares[columns] = np.empty((2, d, columns), np.int16)
            first, second = spares[columns]
            first[...] = signs
            sums = walsh_hadamard(first, second)
            least, most, cosets = min(least, int(sums.min())), max(most, int(sums.max())), cosets + columns
            if within is not None and (least < within.least or most > within.most):
                settled.set()
        return least, most, cosets

    settled = Event()
    next_block = _shared(blocks)
    with ThreadPoolExecutor(threads) as pool:
        found = list(pool.map(work, range(threads)))
    return Extremes(min(f[0] for f in found), max(f[1] for f in found), sum(f[2] for f in found))


def over_parts(task: Callable[[Any, int], Extremes], shared: Any, map: Mapper, within: Extremes | None) -> Extremes:
    """Extremes over all parts; no further part once one of them is outside ``within``."""
    least = most = cosets = 0
    for part in map(task, (*shared, map.parts), range(map.parts)):
        least, most, cosets = min(least, part.least), max(most, part.most), cosets + part.cosets
        if within is not None and (least < within.least or most > within.most):
            break
    return Extremes(least, most, cosets)


def _shared(blocks: Iterator[Callable[[], np.ndarray]]) -> Callable[[], Callable[[], np.ndarray] | None]:
    """``next(blocks)``, one thread at a time; None at the end."""
    lock = Lock()

    def take() -> Callable[[], np.ndarray] | None:
        with lock:
            return next(blocks, None)

    return take
