"""Tables of vectors that are not one array: decoded, or read from several files, whenever rows are asked for."""

from __future__ import annotations

from typing import Any

import numpy as np

from limitlab._core.errors import TooLarge

_WHOLE_BYTES = 4 << 30  # what an accidental np.asarray may read into memory


class RowTable:
    """(n, dim) vectors by rows: ``table[a:b]``, ``table[array of rows]`` and ``table[i]`` give arrays; only those rows are read.

    Attributes
    ----------
    shape, dtype
        Of the array that all rows would make.
    """

    ndim = 2
    shape: tuple[int, int]
    dtype: np.dtype

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, rows: Any) -> np.ndarray:
        raise NotImplementedError

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        """All rows; TooLarge above 4 GiB."""
        size = self.shape[0] * self.shape[1] * self.dtype.itemsize
        if size > _WHOLE_BYTES:
            raise TooLarge(
                f"{type(self).__name__}: a table read as one array must have at most {_WHOLE_BYTES:,} bytes; this one of shape "
                f"{self.shape} would take {size:,}. Read it in blocks, table[a:b]."
            )
        return np.asarray(self[0 : len(self)], dtype)
