"""Arrays that live as long as one diagnosis: small ones in memory, large ones in a temporary file."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np

_IN_MEMORY_BYTES = 256 << 20
ROWS = 8192  # rows of a block when an array is passed through


class Scratch:
    """A context that owns a temporary folder; its arrays must not be used after the block."""

    def __enter__(self) -> Scratch:
        self._folder = tempfile.TemporaryDirectory(prefix="limitlab-", ignore_cleanup_errors=True)
        self._made = 0
        return self

    def __exit__(self, *_: object) -> None:
        self._folder.cleanup()

    def array(self, shape: tuple[int, int]) -> np.ndarray:
        """An uninitialised float32 array; memory-mapped above 256 MiB."""
        if 4 * shape[0] * shape[1] <= _IN_MEMORY_BYTES:
            return np.empty(shape, np.float32)
        self._made += 1
        mapped = np.lib.format.open_memmap(Path(self._folder.name) / f"{self._made}.npy", "w+", np.float32, shape)
        # No memmap by type: this folder is of this machine, and workers on others, who open maps by their path, do not see it.
        return mapped.view(np.ndarray)
