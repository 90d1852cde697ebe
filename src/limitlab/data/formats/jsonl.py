"""Reading texts from JSON lines: every malformed line is refused with path:line."""

from __future__ import annotations

import json
from array import array
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from limitlab._core.errors import DataError, first_examples
from limitlab._core.texts import TextList, Texts

_IN_MEMORY_BYTES = 256 << 20  # larger corpora stay on disk, with one offset a document in memory


def records(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """(line number, object) of every non-blank line."""
    for number, _, line in raw_lines(path):
        yield number, parse(path, number, line)


def raw_lines(path: Path) -> Iterator[tuple[int, int, bytes]]:
    """(line number, byte offset, line) of every non-blank line."""
    offset = 0
    with open(path, "rb") as file:
        for number, line in enumerate(file, 1):
            if line.strip():
                yield number, offset, line
            offset += len(line)


def parse(path: Path, number: int, line: bytes) -> dict[str, Any]:
    """The object of one line; DataError with path:line when it is none."""
    try:
        value = json.loads(line.decode("utf-8-sig" if number == 1 else "utf-8"))
    except UnicodeDecodeError as error:
        raise DataError.at(path, number, f"not UTF-8 text (byte {error.start} of the line)") from error
    except json.JSONDecodeError as error:
        raise DataError.at(path, number, f"not valid JSON ({error.msg} at column {error.colno})") from error
    if not isinstance(value, dict):
        raise DataError.at(path, number, f"a JSON object is expected; the line holds a {type(value).__name__}")
    return value


def identifier(path: Path, number: int, record: dict[str, Any], names: tuple[str, ...]) -> str:
    """The id under the first of ``names`` that is there; whole numbers become text."""
    for name in names:
        if name in record:
            value = record[name]
            if isinstance(value, bool) or not isinstance(value, (str, int)) or value == "":
                raise DataError.at(path, number, f"field {name!r} must be a non-empty text; it is {value!r}")
            return str(value)
    raise DataError.at(path, number, f"field {names[0]!r} is missing; the line has {_fields(record)}")


def text_of(path: Path, number: int, record: dict[str, Any]) -> str:
    """Title and text joined by a space, as BEIR does."""
    if "text" not in record:
        raise DataError.at(path, number, f"field 'text' is missing; the line has {_fields(record)}")
    parts = []
    for name in ("title", "text"):
        value = record.get(name)
        if value is None:
            continue
        if not isinstance(value, str):
            raise DataError.at(path, number, f"field {name!r} must be a text; it is {value!r:.60}")
        parts.append(value.strip() if name == "title" else value)
    return " ".join(p for p in parts if p)


def read_texts(path: Path) -> tuple[Texts, int]:
    """(texts, number of empty ones) of a corpus or queries file.

    Raises
    ------
    DataError
        A line is malformed (path:line), or ids repeat (count and first examples with their lines).
    """
    in_memory = path.stat().st_size <= _IN_MEMORY_BYTES
    ids: dict[str, int] = {}
    texts: list[str] = []
    offsets = array("q")
    twice: list[str] = []
    empty = 0
    for number, offset, line in raw_lines(path):
        record = parse(path, number, line)
        name = identifier(path, number, record, ("_id", "id"))
        text = text_of(path, number, record)
        if name in ids:
            twice.append(f"{name} (lines {ids[name]} and {number})")
            continue
        ids[name] = number
        empty += not text.strip()
        if in_memory:
            texts.append(text)
        else:
            offsets.append(offset)
    if twice:
        raise DataError.at(path, None, f"ids must be distinct; {len(twice)} repeat: {first_examples(twice)}")
    names = list(ids)
    return (TextList(names, texts) if in_memory else JsonlTexts(path, names, offsets)), empty


class JsonlTexts:
    """Texts left in their file; one byte offset each is held in memory."""

    def __init__(self, path: Path, ids: Sequence[str], offsets: array) -> None:
        self.ids: Sequence[str] = ids
        self._path, self._offsets = path, offsets
        self._file: Any = None

    def __len__(self) -> int:
        return len(self.ids)

    def __getitem__(self, position: int) -> str:
        if self._file is None:
            self._file = open(self._path, "rb")  # noqa: SIM115 - kept open for the many reads to come
        self._file.seek(self._offsets[position])
        return text_of(self._path, position + 1, json.loads(self._file.readline()))

    def __iter__(self) -> Iterator[str]:
        for number, record in records(self._path):
            yield text_of(self._path, number, record)


def _fields(record: dict[str, Any]) -> str:
    return ", ".join(repr(k) for k in list(record)[:8]) or "no fields"
