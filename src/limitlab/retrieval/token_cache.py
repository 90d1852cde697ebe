"""Ragged vectors on disk by model, kind of text and text: token vectors, and sparse vectors as (dimension, weight) pairs.

As in ``cache``, a shard is a block of newly encoded texts: ``NAME.npy`` holds all rows end to end and is read through a memory map,
``NAME.npz`` the text keys, the rows and the tokens of each text. The second is written last, so a shard is seen whole or not at all
and a killed run loses only the block in work. Token vectors are large: all-MiniLM-L6-v2 on LIMIT has about 160 tokens a document,
of 1,536 bytes each in float32 and 768 in float16, so 50,000 documents take 12 or 6 GB.
"""

from __future__ import annotations

import os
import secrets
import zipfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from limitlab._core.errors import DataError
from limitlab._core.files import atomic_file
from limitlab.retrieval.cache import EmbeddingCache
from limitlab.search.token_vectors import TokenVectors


class TokenCache(EmbeddingCache):
    """Ragged vectors of texts under one identity; see EmbeddingCache for keys and shards."""

    def add_ragged(self, keys: np.ndarray, matrices: Sequence[np.ndarray], tokens: np.ndarray, *, dtype: str) -> None:
        """Store a block: (n,) keys, one (rows, dim) matrix a text, (n,) token counts before truncation."""
        stem = f"{os.getpid()}-{secrets.token_hex(6)}"
        width = max((m.shape[1] for m in matrices), default=1)
        rows = np.concatenate([np.zeros((0, width), dtype), *(np.asarray(m, dtype) for m in matrices if len(m))])
        lengths = np.array([len(m) for m in matrices], np.int64)
        with atomic_file(self.folder / f"{stem}.npy") as out:
            np.save(out, rows)
        with atomic_file(self.folder / f"{stem}.npz") as out:
            np.savez(out, keys=keys, lengths=lengths, tokens=np.asarray(tokens, np.int32))

    def gather_ragged(self, keys: np.ndarray) -> tuple[TokenVectors, np.ndarray]:
        """(vectors in the order of ``keys``, (n,) token counts); all keys must be stored, and one shard stays open a block."""
        at = self._find(keys)
        shard, row = self._shard[at], self._row[at]
        start, length, tokens = (np.zeros(keys.size, np.int64) for _ in range(3))
        arrays: list[np.ndarray] = []
        part = np.zeros(keys.size, np.int64)
        for number in np.unique(shard):
            mine = shard == number
            path = self._files[number]
            try:
                with np.load(path, allow_pickle=False) as stored:
                    lengths, counts = stored["lengths"], stored["tokens"]
                rows = np.load(path.with_suffix(".npy"), mmap_mode="r" if lengths.sum() else None, allow_pickle=False)
            except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
                raise DataError.at(path, None, f"a stored block cannot be read ({error}); delete this file to encode it again") from error
            if rows.shape[0] != lengths.sum():
                raise DataError.at(path, None, "a stored block is cut short; delete this file to encode it again")
            part[mine] = len(arrays)
            arrays.append(rows)
            start[mine], length[mine] = (np.cumsum(lengths) - lengths)[row[mine]], lengths[row[mine]]
            tokens[mine] = counts[row[mine]]
        return TokenVectors(arrays or [np.zeros((0, 1), np.float32)], part=part, start=start, length=length), tokens


def token_folder(root: Path) -> Path:
    """Where ragged vectors are kept below the folder of all embeddings: apart from single vectors, whose shards look alike."""
    return root / "tokens"
