"""Vectors and ids from files: .npy (memory-mapped), .npz, parquet, folders of shards; or out of a vector store. Ids one a line."""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from limitlab._core.checks import choice
from limitlab._core.errors import DataError, InvalidArgument
from limitlab._core.row_tables import RowTable
from limitlab.retrieval.stores import export_vectors, names_a_store
from limitlab.search.shard_files import read_id_file
from limitlab.search.shards import is_sharded, open_shards

SUFFIXES = (".npy", ".npz", ".parquet")
_ID_NAMES = ("id", "ids", "_id")


@dataclass(frozen=True)
class VectorFile:
    """What a file of vectors holds.

    Attributes
    ----------
    vectors
        (n, dim); a memory map for .npy, Shards for a folder, a pattern or parquet.
    ids
        n ids, or None where the file names none.
    """

    vectors: np.ndarray | RowTable
    ids: tuple[str, ...] | None


def read_vectors(path: str | Path, *, packed: bool = False) -> VectorFile:
    """Vectors from a .npy file (memory-mapped), from .npz with an optional ``id`` array, from parquet with an optional ``id`` column, or
    from a collection of a vector store.

    Parameters
    ----------
    path
        A file; a folder of shards or a pattern, see ``open_shards``; or a store: ``qdrant:path=FOLDER,collection=NAME``, see
        ``export_vectors``.
    packed
        The values are bytes of 8 signs each, the first dimension in the highest bit, as ``numpy.packbits`` writes them (uint8), or the same
        less 128 (int8): 8 dimensions of +1 and -1 a byte.

    Raises
    ------
    UnknownName
        The file has another suffix.
    DataError
        The file is missing, cannot be read, or does not hold exactly one table of vectors.
    MissingExtra
        Parquet without pyarrow; a store without its package.
    InvalidArgument, ServiceError
        There is no such collection, or its service refuses; packed bits in several files.
    """
    if names_a_store(str(path)):
        vectors, ids = export_vectors(str(path))
        return VectorFile(vectors, ids)
    if is_sharded(path):
        if packed:
            raise InvalidArgument(f"read_vectors(): packed bits must be in one file; {path} names several.")
        shards = open_shards(path)
        names = shards.ids()
        return VectorFile(shards, None if names is None else tuple(names))
    path = Path(path)
    choice("read_vectors()", "file type", path.suffix, SUFFIXES)
    if not path.is_file():
        raise DataError.at(path, None, "this file of vectors does not exist")
    reader = {".npy": _npy, ".npz": _npz, ".parquet": _parquet}[path.suffix]
    try:
        file = reader(path)
        return VectorFile(_unpacked(path, np.asarray(file.vectors)), file.ids) if packed else file
    except (ValueError, EOFError, zipfile.BadZipFile) as error:
        raise DataError.at(path, None, f"not readable as vectors ({str(error).splitlines()[0]})") from error


def read_ids(path: str | Path) -> tuple[str, ...]:
    """Ids, one a line, in the order of the vectors; see ``read_id_file``."""
    return tuple(read_id_file(path))


def _unpacked(path: Path, array: np.ndarray) -> np.ndarray:
    """(n, 8 * bytes) int8 of +1 and -1."""
    if array.dtype not in (np.uint8, np.int8):
        raise DataError.at(path, None, f"packed bits must be of dtype uint8 or int8; they are {array.dtype}")
    bits = array if array.dtype == np.uint8 else (array.astype(np.int16) + 128).astype(np.uint8)
    return (2 * np.unpackbits(bits, axis=1).astype(np.int8) - 1).astype(np.int8)


def _npy(path: Path) -> VectorFile:
    return VectorFile(_table(path, np.load(path, mmap_mode="r", allow_pickle=False)), None)


def _npz(path: Path) -> VectorFile:
    with np.load(path, allow_pickle=False) as stored:
        arrays = {name: stored[name] for name in stored.files}
    ids = next((arrays.pop(name) for name in _ID_NAMES if name in arrays), None)
    tables = {name: a for name, a in arrays.items() if a.ndim == 2}
    if len(tables) != 1:
        raise DataError.at(path, None, f"one array of shape (n, dim) beside 'id' is expected; there are {_listed(tables)}")
    return VectorFile(_table(path, next(iter(tables.values()))), None if ids is None else _texts(path, ids.tolist()))


def _parquet(path: Path) -> VectorFile:
    """Through the reader of shards, which knows scales of int8."""
    shards = open_shards(path)
    ids = shards.ids()
    return VectorFile(shards, None if ids is None else tuple(ids))


def _table(path: Path, array: np.ndarray) -> np.ndarray:
    if array.ndim != 2 or array.dtype.kind not in "fiu" or 0 in array.shape:
        raise DataError.at(
            path, None, f"an array of real numbers of shape (n, dim) is expected; it is {array.dtype} of shape {array.shape}"
        )
    return array


def _texts(path: Path, ids: Sequence[Any]) -> tuple[str, ...]:
    if any(i is None or i == "" for i in ids):
        raise DataError.at(path, None, f"ids must not be empty; {sum(i is None or i == '' for i in ids)} are")
    return tuple(map(str, ids))


def _listed(names: Any) -> str:
    return f"{len(names)}: {', '.join(names)}" if len(names) else "none"
