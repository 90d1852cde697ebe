"""What several bounds of one matrix need: its parts, an order of its documents, counts; each computed once."""

from __future__ import annotations

import math
from functools import cached_property

import numpy as np

from limitlab.theory.crossings import Changes, best_order, changes_of
from limitlab.theory.matrix import Clock, SignMatrix

_CORE = 300
_CUBIC = 4e-9  # seconds that the eigenvalues of an m x m matrix take, over m**3, on a busy machine
_BALANCED = 0.1  # the norm of M is at least sqrt(N n) |1 - 2 share|: with a smaller share of relevant entries size is of no use


class MatrixWork:
    """One matrix and what was computed about it.

    Parameters
    ----------
    matrix
        Distinct rows and columns; constant rows count for threshold 0 and for one threshold, not for a threshold of every query.

    Attributes
    ----------
    full, part
        With and without constant rows.
    """

    def __init__(self, matrix: SignMatrix) -> None:
        self.full = matrix
        self.part = matrix.varying
        self._order: tuple[np.ndarray, str, Changes] | None = None
        self._spectrum_part: np.ndarray | None = None

    @cached_property
    def all_subsets(self) -> int | None:
        """k where the rows that vary are all k-subsets of the columns."""
        sizes = np.unique(self.part.sizes)
        if sizes.size != 1:
            return None
        k = int(sizes[0])
        return k if self.part.n_cols <= self.part.n_rows and math.comb(self.part.n_cols, k) == self.part.n_rows else None

    @cached_property
    def half(self) -> int:
        """The most documents on the smaller side of a query."""
        return int(self.part.half_sizes.max(initial=0))

    @property
    def changes(self) -> int | None:
        """Changes in a row of the best order, once it was looked for."""
        return None if self._order is None else self._order[2].changes

    def order(self, clock: Clock) -> tuple[np.ndarray, str, Changes]:
        """The best order found, where it came from, and its changes, over the rows that vary."""
        if self._order is None:
            order, name = best_order(self.part, clock)
            self._order = order, name, changes_of(self.part, order)
        return self._order

    @cached_property
    def core(self) -> np.ndarray:
        """The part in which weights are searched for: all of a small matrix."""
        if self.part.n_rows <= 4 * _CORE and self.part.n_cols <= _CORE:
            return self.part.dense()
        return self.part.core(_CORE)

    def spectrum_part(self, clock: Clock) -> np.ndarray:
        """The part whose singular values are computed, chosen at the first call: of a balanced matrix as much as the time allows."""
        if self._spectrum_part is None:
            share = self.part.rows.nnz / max(1, self.part.n_rows * self.part.n_cols)
            balanced = _BALANCED < share < 1 - _BALANCED
            most = max(_CORE, int((clock.left / _CUBIC) ** (1 / 3))) if balanced else _CORE
            small = self.part.n_rows * self.part.n_cols <= 4 * most * most and min(self.part.n_rows, self.part.n_cols) <= most
            self._spectrum_part = self.part.dense() if small else self.part.core(most)
        return self._spectrum_part

    def in_words(self, part: np.ndarray) -> str:
        """How much of the matrix a part is."""
        whole = part.shape == (self.part.n_rows, self.part.n_cols)
        size = f"{part.shape[0]:,} queries x {part.shape[1]:,} documents"
        return f"all {size}" if whole else f"a part of {size}"

    @cached_property
    def part_counts(self) -> list[tuple[int, int, int]]:
        """Of the 4, 8, ..., 64 most divided documents: divisions that occur, 1 if the empty one does, documents."""
        balance = np.minimum(self.full.degrees, self.full.n_rows - self.full.degrees)
        order = np.argsort(-balance, kind="stable")[:64]
        block = self.full.rows[:, order].toarray().astype(np.uint64)
        out = []
        for m in (4, 8, 16, 32, 64):
            if m < self.full.n_cols:
                codes = block[:, :m] @ (np.uint64(1) << np.arange(m, dtype=np.uint64))
                full = np.uint64((1 << m) - 1)
                kinds = np.unique(np.minimum(codes, full ^ codes))
                empty = int(kinds[0] == 0)
                out.append((kinds.size - empty, empty, m))
        return out
