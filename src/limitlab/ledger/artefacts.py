"""Arrays on disk, named by the SHA-256 of their content."""

from __future__ import annotations

import hashlib
import io
import time
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from limitlab._core.errors import DataError
from limitlab._core.files import atomic_file

_PART_AGE_SECONDS = 3600  # a younger temporary file may belong to a process that is writing it now


class Artefacts:
    """A folder of ``.npz`` files named by content; equal content is stored once.

    Parameters
    ----------
    folder
        Created when first written to.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def put(self, arrays: Mapping[str, np.ndarray]) -> str:
        """Store arrays; returns their SHA-256 (64 hex digits)."""
        buffer = io.BytesIO()
        np.savez_compressed(buffer, allow_pickle=False, **{name: arrays[name] for name in sorted(arrays)})  # type: ignore[arg-type]
        digest = hashlib.sha256()
        for name in sorted(arrays):  # of the arrays, not of the zip file: that holds the time of writing
            array = np.ascontiguousarray(arrays[name])
            digest.update(f"{name}|{array.dtype.str}|{array.shape}|".encode())
            digest.update(array.tobytes())
        sha = digest.hexdigest()
        path = self.path(sha)
        if not path.exists():
            with atomic_file(path) as out:
                out.write(buffer.getvalue())
        return sha

    def get(self, sha: str) -> dict[str, np.ndarray]:
        """The arrays stored under ``sha``. DataError when they are gone."""
        path = self.path(sha)
        if not path.exists():
            raise DataError.at(path, None, "this stored result is missing; run the evaluation again")
        with np.load(path, allow_pickle=False) as stored:
            return {name: stored[name] for name in stored.files}

    def path(self, sha: str) -> Path:
        """Where ``sha`` is, or would be."""
        return self.folder / sha[:2] / f"{sha}.npz"

    def collect(self, keep: set[str]) -> tuple[int, int]:
        """Delete what is not in ``keep``, and temporary files older than an hour: (files, bytes) deleted."""
        files = freed = 0
        for path in self.folder.glob("??/*"):
            young = path.name.endswith(".part") or path.name.startswith(".")
            if young and time.time() - path.stat().st_mtime < _PART_AGE_SECONDS:
                continue
            if path.suffix == ".npz" and not young and path.stem in keep:
                continue
            freed += path.stat().st_size
            path.unlink(missing_ok=True)
            files += 1
        return files, freed
