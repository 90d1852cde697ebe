"""Ragged token vectors: a matrix a text, kept end to end in a few arrays, which may be files mapped into memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from limitlab._core.checks import finite_rows, vectors
from limitlab._core.errors import ShapeError


@dataclass(frozen=True)
class TokenBlock:
    """Consecutive texts, their vectors end to end.

    Attributes
    ----------
    numbers
        (m,) int64: which texts.
    values
        (T, dim) float32, C order.
    offsets
        (m + 1,) int64: text i of the block has rows offsets[i] .. offsets[i+1].
    """

    numbers: np.ndarray
    values: np.ndarray
    offsets: np.ndarray


class TokenVectors:
    """One matrix of token vectors a text.

    Parameters
    ----------
    arrays
        Tables (rows, dim) of float32 or float16, all of one dimension; memory maps stay on disk.
    part, start, length
        (n,): text i has rows start[i] .. start[i] + length[i] of arrays[part[i]]. Texts without tokens have length 0.

    Raises
    ------
    ShapeError
        Dimensions differ, or a text's rows are not all there.
    """

    def __init__(self, arrays: Sequence[np.ndarray], *, part: np.ndarray, start: np.ndarray, length: np.ndarray) -> None:
        who = "TokenVectors()"
        self._arrays = [vectors(who, "arrays", a) for a in arrays]
        if len({a.shape[1] for a in self._arrays}) != 1:
            raise ShapeError(f"{who}: arrays must have one dimension; got {[a.shape[1] for a in self._arrays]}.")
        self._part, self._start = np.asarray(part, np.int64), np.asarray(start, np.int64)
        self.lengths = np.asarray(length, np.int64)
        rows = np.array([a.shape[0] for a in self._arrays], np.int64)
        if not (self._part.shape == self._start.shape == self.lengths.shape) or self._part.ndim != 1:
            raise ShapeError(f"{who}: part, start and length must have one value a text.")
        inside = (self._part >= 0) & (self._part < rows.size) & (self._start >= 0) & (self.lengths >= 0)
        if not inside.all() or (self._start + self.lengths > rows[self._part]).any():
            raise ShapeError(f"{who}: every text's rows must lie inside its array; those of some texts do not.")

    @classmethod
    def of(cls, matrices: Sequence[np.ndarray], *, dim: int | None = None, dtype: str = "float32") -> TokenVectors:
        """From one (tokens, dim) matrix a text; ``dim`` is needed only when there is none."""
        width = dim if dim is not None else (matrices[0].shape[1] if len(matrices) else 1)
        lengths = np.array([len(m) for m in matrices], np.int64)
        joined = np.concatenate([np.zeros((0, width), dtype), *(np.asarray(m, dtype).reshape(len(m), -1) for m in matrices if len(m))])
        finite_rows("TokenVectors.of()", "matrices", joined)
        return cls([joined], part=np.zeros(lengths.size, np.int64), start=np.cumsum(lengths) - lengths, length=lengths)

    def __len__(self) -> int:
        return self.lengths.size

    @property
    def dim(self) -> int:
        """Values a token."""
        return int(self._arrays[0].shape[1])

    @property
    def n_tokens(self) -> int:
        """Tokens of all texts together."""
        return int(self.lengths.sum())

    @property
    def nbytes(self) -> int:
        """Bytes of all texts' vectors as they are stored."""
        return self.n_tokens * self.dim * self._arrays[0].dtype.itemsize

    def rows(self, number: int) -> np.ndarray:
        """(tokens, dim) float32 of one text."""
        at = self._start[number]
        return np.ascontiguousarray(self._arrays[self._part[number]][at : at + self.lengths[number]], np.float32)

    def block(self, numbers: np.ndarray) -> TokenBlock:
        """The texts of these numbers, end to end, in this order."""
        offsets = np.concatenate([[0], np.cumsum(self.lengths[numbers])]).astype(np.int64)
        values = np.empty((int(offsets[-1]), self.dim), np.float32)
        for i, number in enumerate(numbers):
            at = self._start[number]
            values[offsets[i] : offsets[i + 1]] = self._arrays[self._part[number]][at : at + self.lengths[number]]
        return TokenBlock(np.asarray(numbers, np.int64), values, offsets)

    def blocks(self, max_tokens: int) -> Iterator[TokenBlock]:
        """All texts, in the order they are stored, in blocks of at most ``max_tokens`` tokens (a longer text alone)."""
        order = np.lexsort((self._start, self._part))
        ends = np.cumsum(self.lengths[order])
        at = 0
        while at < order.size:
            before = int(ends[at - 1]) if at else 0
            stop = max(at + 1, int(np.searchsorted(ends, before + max_tokens, side="right")))
            yield self.block(order[at:stop])
            at = stop
