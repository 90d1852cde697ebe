"""One file of vectors among several: what is in it, and its rows, read when they are asked for."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from limitlab._core.errors import DataError
from limitlab._core.optional import require
from limitlab._core.row_tables import RowTable
from limitlab.search.file_states import digest, state
from limitlab.search.stored_vectors import StoredVectors

SUFFIXES = (".npy", ".parquet")
VECTOR, SCALE, ID = "vector", "scale", "id"  # columns of parquet files that limitlab writes
_ID_NAMES = (ID, "ids", "_id")
_TRUNCATED = "cut short, or not what its name says"


@dataclass(frozen=True)
class ShardFile:
    """A file of vectors, small enough to be sent to a worker, which opens it by its path.

    Attributes
    ----------
    path
        .npy (memory-mapped) or .parquet (one column of lists).
    rows, dim, dtype
        Of the table in it; dtype as NumPy spells it.
    scales
        A .npy file of one float32 a row by which int8 values are multiplied; "" in parquet files, where it is a column; None: values
        are taken as they are.
    ids
        A file of ids, one a line; "" where a parquet file has a column of them; None: there are none.
    sha256
        Of the file, where whoever wrote it said so.
    """

    path: str
    rows: int
    dim: int
    dtype: str
    scales: str | None = None
    ids: str | None = None
    sha256: str | None = None

    @property
    def name(self) -> str:
        """Without the folder."""
        return Path(self.path).name

    def open(self) -> np.ndarray | RowTable:
        """The table; DataError naming the file when it is missing, cut short, or holds something else than is said here."""
        table = _opened(Path(self.path))
        if table.shape != (self.rows, self.dim) or str(table.dtype) != self.dtype:
            raise DataError.at(
                self.path, None, f"{self.rows:,} x {self.dim} of {self.dtype} are expected; the file holds {_kind(table)}: it was changed"
            )
        if self.scales is None:
            return table
        if isinstance(table, ParquetRows):
            return ScaledRows(table)
        scales = _map(Path(self.scales))
        if scales.dtype != np.float32 or scales.size != self.rows:
            raise DataError.at(
                self.scales, None, f"{self.rows:,} float32 scales are expected; the file holds {scales.size:,} of {scales.dtype}"
            )
        return StoredVectors(table, "int8", dim=self.dim, scales=scales.reshape(-1, 1))

    def read_ids(self) -> list[str] | None:
        """The ids of the rows, None where none are stored.

        Raises
        ------
        DataError
            Their number is not that of the rows, or one is empty.
        """
        if self.ids is None:
            return None
        if self.ids == "":
            column = _parquet(Path(self.path))
            name = next(n for n in _ID_NAMES if n in column.schema_arrow.names)
            found = ["" if i is None else str(i) for i in column.read(columns=[name]).column(0).to_pylist()]
        else:
            found = read_id_file(self.ids)
        if len(found) != self.rows or not all(found):
            empty = sum(not i for i in found)
            raise DataError.at(
                self.ids or self.path,
                None,
                f"{self.rows:,} ids are expected, none empty; there are {len(found):,}, {empty:,} of them empty",
            )
        return found

    def identity(self) -> list[Any]:
        """What changes when the file does: path, table, the SHA-256 it should have, and the ``state`` of it, its scales and its ids."""
        states = [state(p) if p else p for p in (self.path, self.scales, self.ids)]
        return [self.path, self.rows, self.dim, self.dtype, self.sha256, *states]

    def content(self) -> list[Any]:
        """Rows, and the SHA-256 of the vectors, scales and ids, of files that have one: the same wherever the files lie.

        Raises
        ------
        DataError
            The file is not there, or is another than the one whose SHA-256 was noted.
        """
        found = digest(self.path)
        if self.sha256 is not None and found != str(self.sha256).lower():
            raise DataError.at(self.path, None, "the file is not what manifest.json says; encode it again, or remove the manifest")
        return [self.rows, found, *(digest(p) if p else p for p in (self.scales, self.ids))]


def without_vectors(path: Path) -> bool:
    """Whether this is a parquet file of no rows, as programs leave that write one file a worker."""
    return path.suffix == ".parquet" and path.is_file() and _parquet(path).metadata.num_rows == 0


def read_id_file(path: str | Path) -> list[str]:
    """Ids, one a line, as they stand there: spaces belong to them, and only a line break ends them.

    Raises
    ------
    DataError
        The file is missing or not UTF-8, or a line is empty.
    """
    path = Path(path)
    if not path.is_file():
        raise DataError.at(path, None, "this file of ids does not exist")
    try:
        found = path.read_text(encoding="utf-8-sig").removesuffix("\n").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError.at(path, None, f"not readable as ids, one a line ({error})") from error
    empty = next((number for number, name in enumerate(found, 1) if not name), None)
    if empty is not None:
        raise DataError.at(path, empty, "an id is empty; one id a line is expected")
    return found


def described(path: Path, *, scales: str | None = None, ids: str | None = None, sha256: str | None = None) -> ShardFile:
    """The file as it is found; DataError when it holds no table of vectors."""
    table = _opened(path)
    if isinstance(table, ParquetRows):
        ids = "" if table.has_ids else ids
        scales = "" if table.has_scales and table.dtype == np.int8 else None
    return ShardFile(str(path.absolute()), table.shape[0], table.shape[1], str(table.dtype), scales, ids, sha256)


def _opened(path: Path) -> np.ndarray | ParquetRows:
    if not path.is_file():
        raise DataError.at(path, None, "this file of vectors does not exist")
    table = ParquetRows(path) if path.suffix == ".parquet" else _map(path)
    if len(table.shape) != 2 or table.dtype.kind not in "fiu" or table.shape[1] == 0:
        raise DataError.at(path, None, f"a table of real numbers of shape (n, dim) is expected; the file holds {_kind(table)}")
    return table


def _kind(table: Any) -> str:
    return f"{' x '.join(f'{n:,}' for n in table.shape)} of {table.dtype}"


def _map(path: Path) -> np.ndarray:
    try:
        return np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise DataError.at(path, None, f"not readable as vectors: {_TRUNCATED} ({str(error).splitlines()[0]})") from error


def _parquet(path: Path) -> Any:
    parquet = require("pyarrow.parquet", extra="parquet", what="vectors in parquet files", package="pyarrow")
    broken = require("pyarrow", extra="parquet", what="vectors in parquet files").ArrowException
    try:
        return parquet.ParquetFile(path)
    except (OSError, ValueError, broken) as error:
        raise DataError.at(path, None, f"not readable as parquet: {_TRUNCATED} ({str(error).splitlines()[0]})") from error


class ParquetRows(RowTable):
    """The one column of lists of a parquet file; the row group read last is held."""

    def __init__(self, path: Path) -> None:
        types = require("pyarrow", extra="parquet", what="vectors in parquet files").types
        self._path, self._file = path, _parquet(path)
        schema = self._file.schema_arrow
        lists = [f for f in schema if types.is_list(f.type) or types.is_large_list(f.type) or types.is_fixed_size_list(f.type)]
        if len(lists) != 1:
            raise DataError.at(path, None, f"one column of lists is expected; there are {len(lists)}")
        self._column = lists[0].name
        self.has_ids, self.has_scales = any(n in schema.names for n in _ID_NAMES), SCALE in schema.names
        counts = [self._file.metadata.row_group(g).num_rows for g in range(self._file.num_row_groups)]
        self._ends = np.cumsum(counts, dtype=np.int64)
        self._held: tuple[int, np.ndarray, np.ndarray | None] | None = None
        self.shape, self.dtype = (int(sum(counts)), 0), np.dtype(np.float32)
        if any(counts):
            first = self._group(int(np.flatnonzero(counts)[0]))[0]
            self.shape, self.dtype = (int(sum(counts)), first.shape[1]), first.dtype

    def _group(self, number: int) -> tuple[np.ndarray, np.ndarray | None]:
        """(vectors, scales or None) of a row group."""
        if self._held is None or self._held[0] != number:
            broken = require("pyarrow", extra="parquet", what="vectors in parquet files").ArrowException
            try:
                table = self._file.read_row_group(number, columns=[self._column, *([SCALE] if self.has_scales else [])])
            except (OSError, ValueError, broken) as error:
                raise DataError.at(self._path, None, f"row group {number} is not readable ({str(error).splitlines()[0]})") from error
            column = table.column(self._column).combine_chunks()
            values, n = column.flatten(), len(column)
            flat = values.to_numpy(zero_copy_only=False)
            if column.null_count or not n or flat.size % n or len(set(column.value_lengths().to_pylist())) != 1:
                raise self._wrong(number, f"every list of column {self._column!r} must be there and have the same length")
            if values.null_count:
                raise self._wrong(number, f"every value of column {self._column!r} must be there; {values.null_count:,} are null")
            if self.shape[1] and (flat.size // n, flat.dtype) != (self.shape[1], self.dtype):
                raise self._wrong(
                    number,
                    f"lists of {self.shape[1]} {self.dtype} are expected as in the groups before; it holds {flat.size // n} {flat.dtype}",
                )
            scales = table.column(SCALE).to_numpy().astype(np.float32).reshape(-1, 1) if self.has_scales else None
            self._held = number, flat.reshape(n, -1), scales
        return self._held[1], self._held[2]

    def _wrong(self, group: int, problem: str) -> DataError:
        return DataError.at(self._path, None, f"row group {group}: {problem}")

    def __getitem__(self, rows: slice | np.ndarray) -> np.ndarray:
        return self.read(rows)[0]

    def read(self, rows: slice | np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(vectors, scales) of a slice or of an array of rows; scales are ones where the file has none."""
        take = np.arange(*rows.indices(len(self))) if isinstance(rows, slice) else np.asarray(rows, np.int64)
        out, scales = np.empty((take.size, self.shape[1]), self.dtype), np.ones((take.size, 1), np.float32)
        groups = np.searchsorted(self._ends, take, side="right")
        for number in np.unique(groups):
            mine = np.flatnonzero(groups == number)
            vectors, own = self._group(int(number))
            at = take[mine] - (self._ends[number] - len(vectors))
            out[mine] = vectors[at]
            if own is not None:
                scales[mine] = own[at]
        return out, scales


class ScaledRows(RowTable):
    """int8 vectors of a parquet file times their scales, as StoredVectors decodes them."""

    dtype = np.dtype(np.float32)

    def __init__(self, table: ParquetRows) -> None:
        self._table, self.shape = table, table.shape

    def __getitem__(self, rows: slice | np.ndarray) -> np.ndarray:
        codes, scales = self._table.read(rows)
        return StoredVectors(codes, "int8", dim=self.shape[1], scales=scales)[:]
