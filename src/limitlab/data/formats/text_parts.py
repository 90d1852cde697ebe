"""A corpus in parts that workers read themselves: lines of JSON files and rows of parquet files, never all in memory."""

from __future__ import annotations

import glob
import hashlib
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from limitlab._core.checks import choice, whole
from limitlab._core.errors import DataError, InvalidArgument
from limitlab._core.files import sha256_file
from limitlab._core.optional import require
from limitlab._core.progress import SILENT, Progress
from limitlab.data.formats.jsonl import identifier, parse, raw_lines, text_of
from limitlab.data.formats.reading import corpus_file, queries_file

_WHO = "texts"
SUFFIXES = (".jsonl", ".parquet")
_PACKED = (".gz", ".bz2", ".xz", ".zst", ".zip")
PLURAL = {"document": "documents", "query": "queries"}
_IDS = ("_id", "id")


@dataclass(frozen=True)
class LinesPart:
    """Consecutive lines of a JSON file with ``_id`` (or ``id``), ``text`` and perhaps ``title``; blank lines do not count.

    Attributes
    ----------
    path, offset, line
        The file, and where the first line begins: byte and line number.
    rows, digest
        See ``TextPart``; the digest is of the lines.
    """

    path: str
    offset: int
    line: int
    rows: int
    digest: str

    def __str__(self) -> str:
        return f"{self.path}, {self.rows:,} texts from line {self.line} on"

    def read(self) -> tuple[list[str], list[str]]:
        """(ids, texts); DataError with path:line where a line is malformed."""
        path = Path(self.path)
        ids: list[str] = []
        texts: list[str] = []
        digest = hashlib.sha256()
        try:
            with open(path, "rb") as file:
                file.seek(self.offset)
                for number, line in enumerate(file, self.line):
                    if len(ids) == self.rows:
                        break
                    if line.strip():
                        digest.update(line)
                        record = parse(path, number, line)
                        ids.append(identifier(path, number, record, _IDS))
                        texts.append(text_of(path, number, record))
        except OSError as error:
            raise DataError.at(path, None, f"not readable ({error.strerror})") from error
        if len(ids) == self.rows and digest.hexdigest() != self.digest:
            raise DataError.at(path, self.line, f"the {self.rows:,} texts from here on were changed while they were read; run it again")
        if len(ids) != self.rows:
            raise DataError.at(
                path, None, f"{self.rows:,} texts are expected from line {self.line} on; there are {len(ids):,}: it was changed"
            )
        return ids, texts


@dataclass(frozen=True)
class RowsPart:
    """Consecutive rows of a parquet file with the columns ``id`` (or ``_id``), ``text`` and perhaps ``title``.

    Attributes
    ----------
    path, start
        The file, and its first row.
    rows, digest
        See ``TextPart``; the digest is of the file and the rows' numbers.
    """

    path: str
    start: int
    rows: int
    digest: str

    def __str__(self) -> str:
        return f"{self.path}, rows {self.start:,} to {self.start + self.rows - 1:,}"

    def read(self) -> tuple[list[str], list[str]]:
        """(ids, texts); DataError where a column is missing, or an id or text is empty or of another type."""
        path = Path(self.path)
        file = _parquet(path)
        ids, texts, at = [], [], 0
        names = file.schema_arrow.names
        for group in range(file.num_row_groups):
            n = file.metadata.row_group(group).num_rows
            low, high = max(self.start - at, 0), min(self.start + self.rows - at, n)
            if low < high:
                for number, record in enumerate(_rows(file, group, names, low, high), at + low + 1):
                    ids.append(identifier(path, number, record, _IDS))
                    texts.append(text_of(path, number, record))
            at += n
        return ids, texts


def text_parts(source: str | Path, *, size: int, kind: str = "document", progress: Progress = SILENT) -> list[LinesPart | RowsPart]:
    """A corpus as parts of at most ``size`` texts; one pass over JSON files finds where their lines begin.

    Parameters
    ----------
    source
        A dataset folder (its corpus, or its queries), a folder or pattern of files in the order of their names, or one file: JSON lines or
        parquet.
    kind
        document | query: which file of a dataset folder.

    Raises
    ------
    InvalidArgument
        Nothing there.
    DataError
        No texts in any file, or parquet without the columns; malformed lines are found when they are read.
    """
    whole(_WHO, "size", size, low=1)
    choice(_WHO, "kind", kind, ("document", "query"))
    parts: list[LinesPart | RowsPart] = []
    paths = _files(source, kind)
    with progress.task("read texts", sum(p.stat().st_size for p in paths)) as bar:
        for path in paths:
            own: list[Any] = list(_rows_parts(path, size) if path.suffix == ".parquet" else _lines_parts(path, size))
            parts += own  # some of many files may be empty
            bar.advance(path.stat().st_size)
    if not parts:
        raise DataError.at(paths[0] if len(paths) == 1 else str(source), None, "no texts: " + _all_empty(len(paths)))
    return parts


def source_note(source: str | Path, kind: str) -> str:
    """What a user may have meant otherwise: queries from files that no dataset tells apart, or both in one pattern; else ""."""
    if Path(source).is_dir():
        with suppress(DataError):
            corpus_file(Path(source))
            return ""
    names = {p.name for p in _files(source, kind)}
    queries = sorted(n for n in names if n.startswith("queries."))
    if queries and len(names) > len(queries):
        return f"{source} names files of documents and {queries[0]}: all were encoded as {PLURAL[kind]}"
    if kind == "query" and not queries:
        return f"{source} is no dataset folder: every text in it was encoded as a query"
    return ""


def _all_empty(n: int) -> str:
    return "the file is empty" if n == 1 else f"all {n:,} files are empty"


def _files(source: str | Path, kind: str) -> list[Path]:
    path = Path(source)
    if path.is_file():
        found = [path]
    elif path.is_dir():
        found = sorted(p for p in path.iterdir() if p.suffix in SUFFIXES and p.is_file())
        found = found or sorted(p for p in path.iterdir() if p.suffix in _PACKED)
        if any(p.name in ("corpus.jsonl", "queries.jsonl") for p in found) or not found:
            found = [corpus_file(path) if kind == "document" else queries_file(path)]
    else:
        found = [Path(p) for p in sorted(glob.glob(str(source)))]
    if zipped := [p for p in found if p.suffix in _PACKED]:
        raise InvalidArgument(
            f"{_WHO}: files of JSON lines (.jsonl) or parquet (.parquet) are needed; {zipped[0]} is compressed. Unpack it first."
        )
    wrong = [p for p in found if p.suffix not in SUFFIXES]
    if not found or wrong:
        there = f"{wrong[0]} is not" if wrong else "there is nothing of that name"
        raise InvalidArgument(f"{_WHO}: a dataset folder, or files of JSON lines or parquet, are needed; {source}: {there}.")
    return found


def _lines_parts(path: Path, size: int) -> Iterator[LinesPart]:
    digest, rows, first = hashlib.sha256(), 0, (0, 1)
    for number, offset, line in raw_lines(path):
        if rows == size:
            yield LinesPart(str(path.absolute()), *first, rows, digest.hexdigest())
            digest, rows = hashlib.sha256(), 0
        if not rows:
            first = (offset, number)
        digest.update(line)
        rows += 1
    if rows:
        yield LinesPart(str(path.absolute()), *first, rows, digest.hexdigest())


def _rows_parts(path: Path, size: int) -> Iterator[RowsPart]:
    n, of_file = _parquet(path).metadata.num_rows, sha256_file(path)
    for start in range(0, n, size):
        rows = min(size, n - start)
        yield RowsPart(str(path.absolute()), start, rows, hashlib.sha256(f"{of_file}:{start}:{rows}".encode()).hexdigest())


def _rows(file: Any, group: int, names: list[str], low: int, high: int) -> Iterator[dict[str, Any]]:
    wanted = [n for n in (*_IDS, "title", "text") if n in names]
    table = file.read_row_group(group, columns=wanted).slice(low, high - low)
    return iter(table.to_pylist())


def _parquet(path: Path) -> Any:
    parquet = require("pyarrow.parquet", extra="parquet", what="texts from parquet files", package="pyarrow")
    broken = require("pyarrow", extra="parquet", what="texts from parquet files").ArrowException
    try:
        file = parquet.ParquetFile(path)
    except (OSError, ValueError, broken) as error:
        raise DataError.at(path, None, f"not readable as parquet ({str(error).splitlines()[0]})") from error
    names = file.schema_arrow.names
    if "text" not in names or not set(_IDS) & set(names):
        raise DataError.at(path, None, f"columns 'id' and 'text' are expected; there are {', '.join(map(repr, names[:8]))}")
    return file
