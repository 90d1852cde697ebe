r"""Sets of documents whose every division is asked by some query: lower bounds by Radon's theorem and by the VC dimension.

The trace of a query on a set Y of documents is the part of Y relevant to it.

*affine*: for every division of Y into two non-empty parts one part is a trace. p = |Y| points in R^(p-2) have a division whose hulls
meet [Radon1921], and no threshold separates it: the dimension is at least p - 1.
*linear*: the same, and Y itself or the empty set is a trace too. p vectors in R^(p-1) have a linear dependency, whose signs no
vector shows: the sign rank is at least p.
*shattered*: every part of Y is a trace; p = |Y| is at most the VC dimension, and the sign rank at least p. This is weaker: it asks
for both parts of a division where one would do.

All three are inherited by subsets of Y, so sets are extended one document at a time, and only by documents that a smaller set could be
extended by.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from limitlab._core.checks import choice
from limitlab.theory.matrix import Clock, distinct_rows

KINDS = ("affine", "linear", "shattered")
LARGEST = 16  # documents in a set: 2**15 divisions are looked at
_CELLS = 4_000_000  # divisions looked at in one array


def holds(traces: np.ndarray, kind: str) -> bool:
    """Whether the columns of ``traces``, (n_rows, p) bool, are such a set: looked at from the definition, division by division.

    Raises
    ------
    UnknownName
        ``kind`` is not "affine", "linear" or "shattered".
    """
    choice("holds()", "kind", kind, KINDS)
    p = traces.shape[1]
    codes = {int(code) for code in traces @ (1 << np.arange(p, dtype=np.int64))}
    full = (1 << p) - 1
    parts = range(0 if kind != "affine" else 1, full + 1 if kind != "affine" else full)
    return all(part in codes or (kind != "shattered" and full ^ part in codes) for part in parts)


def largest_traces(rows: np.ndarray, kind: str, clock: Clock, *, at_most: int = LARGEST) -> tuple[tuple[int, ...], bool]:
    """A large set of columns of ``rows`` that is affine, linear or shattered.

    Parameters
    ----------
    rows
        (n_rows, n_cols) bool. Columns are tried in their order: put those first that are likely to belong.
    kind
        "affine", "linear", "shattered".
    at_most
        A size that cannot be exceeded, or beyond which nobody asks, <= 16.

    Returns
    -------
    columns
        Ascending; the largest set found, at least a bound.
    complete
        Whether the search ended: then no set of these columns is larger (or ``at_most`` is reached).
    """
    choice("largest_traces()", "kind", kind, KINDS)
    distinct = distinct_rows(rows)
    search = _Search(distinct, kind, clock, min(at_most, LARGEST, _counting(len(distinct), kind)))
    search.extend(np.zeros(len(distinct), np.int64), (), np.arange(rows.shape[1]))
    complete = not search.stopped or len(search.best) >= search.at_most
    return tuple(sorted(int(c) for c in search.best)), complete


def _counting(n_rows: int, kind: str) -> int:
    """The size that so many rows can have at most: 2**p traces, or one of each of 2**(p-1) divisions."""
    if kind == "shattered":
        return max(0, n_rows.bit_length() - 1)
    divisions = n_rows + (1 if kind == "affine" else 0)
    return max(1 if kind == "affine" else 0, divisions.bit_length() if divisions else 0)


@dataclass
class _Search:
    rows: np.ndarray
    kind: str
    clock: Clock
    at_most: int
    best: tuple[int, ...] = ()
    stopped: bool = field(default=False)

    def extend(self, codes: np.ndarray, chosen: tuple[int, ...], candidates: np.ndarray) -> None:
        """Depth first over supersets of ``chosen``; ``codes`` (n_rows,) are the traces on it as bits."""
        if len(chosen) > len(self.best):
            self.best = chosen
        if len(self.best) >= self.at_most or len(chosen) + candidates.size <= len(self.best):
            return
        good = candidates[self._good(codes, len(chosen), candidates)]
        for i, column in enumerate(good):
            if len(self.best) >= self.at_most or len(chosen) + good.size - i <= len(self.best):
                return
            if self.clock.over:
                self.stopped = True
                return
            self.extend(codes | (self.rows[:, column].astype(np.int64) << len(chosen)), (*chosen, int(column)), good[i + 1 :])

    def _good(self, codes: np.ndarray, p: int, candidates: np.ndarray) -> np.ndarray:
        """(n_candidates,) bool: whether every division of the chosen ones and this column is there."""
        if not len(self.rows):
            return np.zeros(candidates.size, bool)
        full = (1 << (p + 1)) - 1
        out = np.empty(candidates.size, bool)
        step = max(1, _CELLS // max(len(self.rows), full + 1))
        for start in range(0, candidates.size, step):
            part = candidates[start : start + step]
            keys = codes[:, None] | (self.rows[:, part].astype(np.int64) << p)
            if self.kind != "shattered":
                keys = np.minimum(keys, full ^ keys)
            there = np.zeros((part.size, full + 1), bool)
            there[np.arange(part.size)[None, :], keys] = True
            if self.kind == "shattered":
                out[start : start + step] = there.all(axis=1)
            else:
                out[start : start + step] = there[:, (0 if self.kind == "linear" else 1) : (full >> 1) + 1].all(axis=1)
        return out
