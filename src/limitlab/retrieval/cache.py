"""Embeddings on disk by model, text and precision; a killed run loses at most the block in work.

A folder per (model, prompt, precision) holds shards: one file a block of newly encoded texts, with 16-byte text keys,
float32 vectors and token counts. Shards appear whole or not at all, are never changed, and carry unique names, so
several processes may write at once.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import shutil
import zipfile
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from limitlab._core.files import atomic_file, content_hash

_KEY = np.dtype([("a", "<u8"), ("b", "<u8")])


def text_keys(texts: Iterable[str]) -> np.ndarray:
    """(n,) 128-bit keys of texts (BLAKE2b)."""
    raw = b"".join(hashlib.blake2b(t.encode("utf-8", "surrogatepass"), digest_size=16).digest() for t in texts)
    return np.frombuffer(raw, _KEY)


class EmbeddingCache:
    """Vectors of texts under one model, prompt and precision.

    Parameters
    ----------
    root
        Folder of all embedding caches.
    identity
        Everything that decides a vector beside its text; its hash names the folder.
    """

    def __init__(self, root: Path, identity: dict[str, object]) -> None:
        self.folder = root / content_hash(identity, length=24)
        self._keys = np.zeros(0, _KEY)
        self._shard = np.zeros(0, np.int32)
        self._row = np.zeros(0, np.int32)
        self._files: list[Path] = []
        self._seen: set[str] = set()

    def refresh(self) -> None:
        """Read the keys of shards that appeared since the last call."""
        keys, shards, rows = [self._keys], [self._shard], [self._row]
        for path in sorted(self.folder.glob("*.npz")):
            if path.name in self._seen:
                continue
            self._seen.add(path.name)
            try:
                with np.load(path, allow_pickle=False) as stored:
                    new = stored["keys"]
                    whole = stored["tokens"].size == new.size
            except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
                whole = False
            if not whole:  # cut short by a full disk or a crash of the machine: its texts are encoded again
                continue
            keys.append(new)
            shards.append(np.full(new.size, len(self._files), np.int32))
            rows.append(np.arange(new.size, dtype=np.int32))
            self._files.append(path)
        every = np.concatenate(keys)
        order = np.lexsort((every["b"], every["a"]))
        self._keys, self._shard, self._row = every[order], np.concatenate(shards)[order], np.concatenate(rows)[order]

    def missing(self, keys: np.ndarray) -> np.ndarray:
        """Positions in ``keys`` that are not stored, the first of equal keys only."""
        _, first = np.unique(keys, return_index=True)
        return np.sort(first[self._find(keys[first]) < 0])

    def add(self, keys: np.ndarray, vectors: np.ndarray, tokens: np.ndarray) -> None:
        """Store a block: (n,) keys, (n, dim) float32 vectors, (n,) token counts before truncation."""
        with atomic_file(self.folder / f"{os.getpid()}-{secrets.token_hex(6)}.npz") as out:
            np.savez(out, keys=keys, vectors=np.asarray(vectors, np.float32), tokens=np.asarray(tokens, np.int32))

    def gather(self, keys: np.ndarray, *, scratch: Path, memory_bytes: int) -> tuple[np.ndarray, np.ndarray]:
        """((n, dim) float32 vectors, (n,) token counts) in the order of ``keys``, all of which must be stored.

        Vectors that would take more than ``memory_bytes`` go to a temporary memory-mapped file under ``scratch``.
        """
        at = self._find(keys)
        shard, row = self._shard[at], self._row[at]
        dim = self._open(0)["vectors"].shape[1] if self._files else 0
        out = scratch_array((keys.size, dim), scratch, memory_bytes)
        tokens = np.zeros(keys.size, np.int32)
        order = np.argsort(shard, kind="stable")
        bounds = np.searchsorted(shard[order], np.arange(len(self._files) + 1))
        for number in range(len(self._files)):
            mine = order[bounds[number] : bounds[number + 1]]
            if mine.size:
                stored = self._open(number)
                out[mine] = stored["vectors"][row[mine]]
                tokens[mine] = stored["tokens"][row[mine]]
        return out, tokens

    def _open(self, number: int) -> dict[str, np.ndarray]:
        with np.load(self._files[number], allow_pickle=False) as stored:
            return {"vectors": stored["vectors"], "tokens": stored["tokens"]}

    def _find(self, keys: np.ndarray) -> np.ndarray:
        """Position of each key in the sorted index, -1 where absent."""
        if not self._keys.size:
            return np.full(keys.size, -1, np.int64)
        at = np.minimum(np.searchsorted(self._keys["a"], keys["a"]), self._keys.size - 1)
        # Keys that agree in their first 64 bits are neighbours; the second half decides among them.
        while True:
            step = (self._keys["a"][at] == keys["a"]) & (self._keys["b"][at] < keys["b"]) & (at + 1 < self._keys.size)
            if not step.any():
                break
            at = at + step
        return np.where(self._keys[at] == keys, at, -1)


def scratch_array(shape: tuple[int, int], scratch: Path, memory_bytes: int) -> np.ndarray:
    """An unset float32 table in memory, or above ``memory_bytes`` in a file under ``scratch`` that is gone when the table is."""
    if shape[0] * shape[1] * 4 <= memory_bytes:
        return np.empty(shape, np.float32)
    scratch.mkdir(parents=True, exist_ok=True)
    path = scratch / f"{os.getpid()}-{secrets.token_hex(6)}.f32"
    mapped = np.memmap(path, np.float32, "w+", shape=shape)
    path.unlink()  # the file lives as long as the map does, also when the process is killed
    return mapped


def clear_embeddings(root: Path) -> int:
    """Delete all cached embeddings; returns the bytes freed."""
    freed = sum(p.stat().st_size for p in root.rglob("*") if p.is_file())
    shutil.rmtree(root, ignore_errors=True)
    return freed
