"""Tables of sets of documents, one set a row, as constructions take them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import combinations, islice

import numpy as np

from limitlab._core.errors import RangeError, ShapeError

Sets = Sequence[Sequence[int]] | np.ndarray


def set_table(who: str, sets: Sets, n_docs: int, *, at_most: int | None = None) -> np.ndarray:
    """(n_sets, k) int64, members ascending.

    Raises
    ------
    ShapeError
        ``sets`` is not a table of whole numbers.
    RangeError
        A set has more than ``at_most`` documents (default: all but one), repeats one, or names one that does not exist.
    """
    table = np.asarray(sets)
    if table.ndim != 2 or not table.shape[1] or table.dtype.kind not in "iu":
        raise ShapeError(f"{who}: sets must have shape (n_sets, k) and hold document numbers; got {table.dtype}, shape {table.shape}.")
    most = n_docs - 1 if at_most is None else min(at_most, n_docs - 1)
    if table.shape[1] > most:
        raise RangeError(f"{who}: a set must have between 1 and {most} documents; got {table.shape[1]}.")
    table = np.sort(table.astype(np.int64), axis=1)
    if table.size and not 0 <= table.min() <= table.max() < n_docs:
        raise RangeError(f"{who}: documents of sets must be in [0, {n_docs}); got {table.min()} to {table.max()}.")
    if (np.diff(table, axis=1) == 0).any():
        raise RangeError(f"{who}: a set must name each document once; got {(np.diff(table, axis=1) == 0).any(axis=1).sum()} that do not.")
    return table


def all_sets(n_docs: int, k: int, *, block: int) -> Iterator[np.ndarray]:
    """All k-subsets in dictionary order, in tables of at most ``block`` rows."""
    if k == 2:  # closed form: 45,000 pairs of 300 documents, a few hundred times over
        first, second = np.triu_indices(n_docs, 1)
        for at in range(0, first.size, block):
            yield np.stack([first[at : at + block], second[at : at + block]], axis=1)
        return
    every = combinations(range(n_docs), k)
    for at in range(0, math.comb(n_docs, k), block):
        rows = min(block, math.comb(n_docs, k) - at)
        yield np.fromiter((j for s in islice(every, rows) for j in s), np.int64, rows * k).reshape(rows, k)
