"""Vectors in several files as one table: a folder with a manifest, a plain folder or pattern of files, or one large file."""

from __future__ import annotations

import glob
import mmap
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from limitlab._core.checks import whole
from limitlab._core.errors import DataError, first_examples
from limitlab._core.files import read_json
from limitlab._core.row_tables import RowTable
from limitlab.search.file_states import mapped_inode
from limitlab.search.shard_files import SUFFIXES, ShardFile, described, without_vectors

SCHEMA = "limitlab.vectors/1"
MANIFEST, UNFINISHED = "manifest.json", "encoding.json"
DTYPES = ("float32", "float16", "int8")
_OPEN = 64  # files held open at once
_WHO = "vectors"


@dataclass(frozen=True)
class RowRange:
    """Consecutive rows of one file: what a worker is sent, and opens itself.

    Attributes
    ----------
    file
        Where they are.
    first
        Number of the first row among all rows.
    start, rows
        Number of the first row within the file, and how many.
    """

    file: ShardFile
    first: int
    start: int
    rows: int

    def __str__(self) -> str:
        return f"{self.file.path}, rows {self.start:,} to {self.start + self.rows - 1:,}"

    def open(self) -> Shards:
        """These rows as a table of their own."""
        return Shards([self.file])._between(self.start, self.start + self.rows)


class Shards(RowTable):
    """Vectors in files, in order, as one (n_docs, dim) table that is read where rows are asked for.

    Slices within one .npy file of floats are views of its memory map; everything else is copied. Pickled, it is a list of file names.

    Parameters
    ----------
    files
        At least one; all of one dimension and type.
    manifest
        What the manifest says, where there is one.

    Raises
    ------
    DataError
        Files of other dimension or type than the first, each named.
    """

    def __init__(self, files: Sequence[ShardFile], manifest: dict[str, Any] | None = None) -> None:
        self.files = tuple(files)
        self.manifest = manifest or {}
        first = self.files[0]
        for what, own in (("dimension", lambda f: f.dim), ("type", lambda f: (f.dtype, f.scales is not None))):
            other = [f.name for f in self.files if own(f) != own(first)]
            if other:
                shown = f"{own(first)}" if what == "dimension" else first.dtype
                raise DataError.at(
                    Path(first.path).parent,
                    None,
                    f"all files must have the {what} of the first, {shown}; {len(other)} have another: {first_examples(other)}",
                )
        self.dtype = np.dtype(np.float32) if first.scales is not None else np.dtype(first.dtype)
        self._span = (0, sum(f.rows for f in self.files))
        self._ends = np.cumsum([f.rows for f in self.files], dtype=np.int64)
        self.shape = (self._span[1], first.dim)
        self._tables: OrderedDict[int, Any] = OrderedDict()

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_tables": OrderedDict()}

    @classmethod
    def of_map(cls, array: np.ndarray) -> Shards | None:
        """A memory map of a whole .npy file as one shard, so that workers can open it themselves; None for any other array.

        Also None for a copy-on-write map, whose changes no file has, and where the file under its name is not the mapped one any more.
        """
        if not isinstance(array, np.memmap) or not isinstance(array.base, mmap.mmap) or array.ndim != 2 or array.mode == "c":
            return None
        path = Path(str(array.filename))
        if path.suffix != ".npy" or not path.is_file() or mapped_inode(array) != path.stat().st_ino:
            return None
        if array.mode != "r":
            array.flush()
        found, table = described(path), np.load(path, mmap_mode="r", allow_pickle=False)
        there, given = ((a.shape, a.dtype, a.strides, a.offset) for a in (table, array))
        return cls([found]) if there == given else None

    @property
    def normalised(self) -> bool:
        """Whether the manifest says that all rows were scaled to unit length before they were stored."""
        return bool(self.manifest.get("normalised"))

    def ids(self) -> list[str] | None:
        """The ids of all rows, None unless every file has them; DataError where they do not fit the rows."""
        parts = [f.read_ids() for f in self.files]
        return [i for part in parts for i in part or ()] if all(p is not None for p in parts) else None

    def parts(self, n: int) -> list[RowRange]:
        """About ``n`` ranges of equal size, each within one file: at least one a file. They depend on files and ``n`` alone."""
        whole(_WHO, "parts", n, low=1)
        size = max(1, -(-len(self) // n))
        found, first = [], 0
        for file in self.files:
            count = -(-file.rows // size)
            borders = [file.rows * i // count for i in range(count + 1)] if count else []
            for start, stop in pairwise(borders):
                found.append(RowRange(file, first + start, start, stop - start))
            first += file.rows
        return found

    def identity(self) -> list[Any]:
        """What decides vectors and ids.

        Of files whose SHA-256 the manifest notes: the content, read and compared once for every state of a file; of others: path, bytes,
        times of change and inode.

        Raises
        ------
        DataError
            A file is missing, or not the one that the manifest speaks of.
        """
        return [f.identity() if f.sha256 is None else f.content() for f in self.files]

    def _between(self, start: int, stop: int) -> Shards:
        self._span, self.shape = (start, stop), (stop - start, self.shape[1])
        return self

    def _table(self, number: int) -> Any:
        if number not in self._tables:
            self._tables[number] = self.files[number].open()
            if len(self._tables) > _OPEN:
                self._tables.popitem(last=False)
        self._tables.move_to_end(number)
        return self._tables[number]

    def __getitem__(self, rows: Any) -> np.ndarray:
        if isinstance(rows, slice):
            start, stop, step = rows.indices(len(self))
            if step == 1:
                return self._slice(self._span[0] + start, self._span[0] + max(start, stop))
            return self[np.arange(start, stop, step)]
        if np.ndim(rows) == 0:
            return self[np.asarray([rows])][0]
        take = np.asarray(rows)
        take = np.flatnonzero(take) if take.dtype == bool else take.astype(np.int64, copy=False)
        if take.size and not -len(self) <= take.min() <= take.max() < len(self):
            raise IndexError(f"rows must be in [0, {len(self)}); got {take.min()} to {take.max()}")
        take = np.where(take < 0, take + len(self), take)
        return self._gathered(take.ravel() + self._span[0]).reshape(*take.shape, self.shape[1])

    def _slice(self, start: int, stop: int) -> np.ndarray:
        number = int(np.searchsorted(self._ends, start, side="right"))
        pieces: list[np.ndarray] = []
        while start < stop:
            begin = int(self._ends[number]) - self.files[number].rows
            end = min(stop, int(self._ends[number]))
            if end > start:
                pieces.append(self._table(number)[start - begin : end - begin])
            start, number = max(start, end), number + 1
        if len(pieces) == 1:
            return pieces[0]
        return np.concatenate(pieces) if pieces else np.zeros((0, self.shape[1]), self.dtype)

    def _gathered(self, take: np.ndarray) -> np.ndarray:
        """Rows in any order, each file read once and forwards."""
        out = np.empty((take.size, self.shape[1]), self.dtype)
        order = np.argsort(take, kind="stable")
        numbers = np.searchsorted(self._ends, take[order], side="right")
        for number in np.unique(numbers):
            mine = order[numbers == number]
            out[mine] = self._table(int(number))[take[mine] - (int(self._ends[number]) - self.files[number].rows)]
        return out


def is_sharded(source: str | Path) -> bool:
    """Whether this names several files of vectors: a folder, or a pattern with ``*``, ``?`` or ``[``."""
    return Path(source).is_dir() or (not Path(source).exists() and glob.has_magic(str(source)))


def open_shards(source: str | Path) -> Shards:
    """Vectors by the name of where they are.

    Parameters
    ----------
    source
        A folder with a ``manifest.json`` of schema limitlab.vectors/1, as ``limitlab encode`` writes it; a folder, or a pattern
        such as ``parts/*.npy``, of .npy or parquet files without one, in the order of their names; or one such file. Parquet files
        of no rows are left out.

    Raises
    ------
    DataError
        Nothing there, or no rows; an unfinished folder; a file that the manifest names is missing, unreadable, or has other rows, dimension or type.
    MissingExtra
        Parquet files without pyarrow.

    Examples
    --------
    >>> open_shards("vectors/").shape  # doctest: +SKIP
    (1000000, 384)
    """
    path = Path(source)
    if path.is_dir():
        if (path / MANIFEST).is_file():
            return _from_manifest(path)
        if (path / UNFINISHED).is_file():
            raise DataError.at(path, None, "these vectors are not finished; run the command that encodes them again, which goes on")
        names = sorted(p for p in path.iterdir() if p.suffix in SUFFIXES and p.is_file())
    elif is_sharded(source):
        names = [Path(p) for p in sorted(glob.glob(str(source)))]
        if not names:
            raise DataError.at(source, None, "no file has a name of this pattern")
    elif not path.exists():
        raise DataError.at(source, None, "this file or folder does not exist")
    else:
        names = [path]
    kinds = {p.suffix for p in names}
    if len(kinds) != 1 or not kinds <= set(SUFFIXES):
        there = first_examples([p.name for p in names[:4]]) or "nothing of the kind"
        raise DataError.at(source, None, f"files of vectors, all {' or all '.join(SUFFIXES)}, are expected; there is {there}")
    full = [p for p in names if not without_vectors(p)]
    if not full:
        raise DataError.at(source, None, f"vectors are expected; {'the file has' if len(names) == 1 else 'all files have'} no rows")
    return Shards([described(p) for p in full])


def _from_manifest(folder: Path) -> Shards:
    path = folder / MANIFEST
    found = read_json(path)
    if not isinstance(found, dict) or found.get("schema") != SCHEMA:
        schema = found.get("schema") if isinstance(found, dict) else None
        raise DataError.at(path, None, f"schema {SCHEMA!r} is expected; it is {schema!r}: this is no folder of vectors")
    listed, dim, dtype = found.get("files"), found.get("dim"), found.get("dtype")
    if not isinstance(listed, list) or not listed or dtype not in DTYPES:
        raise DataError.at(path, None, f"a list of files and a dtype of {', '.join(DTYPES)} are expected; the dtype is {dtype!r}")
    files = [_listed(folder, path, entry, dtype) for entry in listed]
    wrong = [f"{f.name}: {f.dim}" for f in files if f.dim != dim]
    if wrong:
        raise DataError.at(path, None, f"every file must have dimension {dim}; {len(wrong)} have not: {first_examples(wrong)}")
    rows = sum(f.rows for f in files)
    if rows != found.get("rows"):
        raise DataError.at(path, None, f"the files must have {found.get('rows')!r} rows together; they have {rows}")
    return Shards(files, found)


def _listed(folder: Path, manifest: Path, entry: Any, dtype: str) -> ShardFile:
    """One file of the manifest, compared with what is there."""
    names = {key: entry.get(key) for key in ("file", "scales", "ids")} if isinstance(entry, dict) else {}
    wrong = [n for n in names.values() if n is not None and (not isinstance(n, str) or not n or Path(n).name != n)]
    if not names.get("file") or wrong:
        raise DataError.at(manifest, None, f"files must be named without a folder; got {entry!r:.80}")
    if dtype == "int8" and names["scales"] is None and not str(names["file"]).endswith(".parquet"):
        raise DataError.at(manifest, None, f"int8 vectors must have a file of scales; {names['file']!r} has none")
    paths = {key: None if name is None else str((folder / name).absolute()) for key, name in names.items()}
    absent = [n for key, n in names.items() if n is not None and not (folder / n).is_file()]
    if absent:
        raise DataError.at(folder, None, f"every file of {MANIFEST} must be there; {absent[0]!r} is missing")
    file = described(folder / str(names["file"]), scales=paths["scales"], ids=paths["ids"], sha256=entry.get("sha256"))
    if file.rows != entry.get("rows") or file.dtype != dtype:
        raise DataError.at(
            file.path, None, f"{entry.get('rows')!r} rows of {dtype} are expected by {MANIFEST}; the file holds {file.rows} of {file.dtype}"
        )
    if dtype == "int8" and file.scales is None:
        raise DataError.at(file.path, None, "int8 vectors must have scales; this file has no column 'scale'")
    return file
