"""Runs (ranked lists) as TREC text and JSON. Ids with spaces are percent-encoded in TREC files."""

from __future__ import annotations

import io
import json
import math
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote, unquote

from limitlab._core.checks import choice
from limitlab._core.errors import DataError
from limitlab._core.files import read_json, write_text

RunLists = dict[str, dict[str, float]]
_SAFE = "".join(chr(c) for c in range(33, 127) if chr(c) != "%")


def write_run(run: Mapping[str, Mapping[str, float]], path: str | Path, *, format: str = "trec", tag: str = "limitlab") -> Path:
    """Write ``{query id: {document id: score}}``; documents in the order given.

    Parameters
    ----------
    format
        "trec": ``qid Q0 docid rank score tag``, ids percent-encoded (spaces, ``%``, control characters, non-ASCII), scores
        with all digits a float32 needs. "json": the mapping itself.
    """
    choice("write_run()", "format", format, ("trec", "json"))
    if format == "json":
        return write_text(path, json.dumps({q: {d: float(s) for d, s in row.items()} for q, row in run.items()}, ensure_ascii=False) + "\n")
    out = io.StringIO()
    for q, row in run.items():
        for rank, (d, score) in enumerate(row.items(), 1):
            out.write(f"{quote(q, safe=_SAFE)} Q0 {quote(d, safe=_SAFE)} {rank} {float(score):.9g} {tag}\n")
    return write_text(path, out.getvalue())


def read_run(path: str | Path) -> RunLists:
    """Read a TREC or JSON run, told apart by content.

    Raises
    ------
    DataError
        path:line of a malformed line, a repeated document, or a score that is not a finite number.
    """
    path = Path(path)
    try:
        with open(path, encoding="utf-8") as file:
            head = file.read(64).lstrip()
    except UnicodeDecodeError as error:
        raise DataError.at(path, None, f"not UTF-8 text ({error.reason} at byte {error.start})") from error
    except OSError as error:
        raise DataError.at(path, None, f"cannot be read ({error.strerror})") from error
    return _read_json_run(path) if head.startswith("{") else _read_trec_run(path)


def _read_json_run(path: Path) -> RunLists:
    found = read_json(path)
    if not all(isinstance(row, dict) for row in found.values()):
        raise DataError.at(path, None, "a run must map query ids to {document id: score}")
    return {str(q): {str(d): _score(path, None, s) for d, s in row.items()} for q, row in found.items()}


def _read_trec_run(path: Path) -> RunLists:
    run: RunLists = {}
    with open(path, encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            fields = line.split()
            if not fields:
                continue
            if len(fields) != 6:
                raise DataError.at(path, number, f"six fields are expected (qid Q0 docid rank score tag); the line has {len(fields)}")
            q, d = unquote(fields[0]), unquote(fields[2])
            row = run.setdefault(q, {})
            if d in row:
                raise DataError.at(path, number, f"document {d!r} is listed twice for query {q!r}")
            row[d] = _score(path, number, fields[4])
    return run


def _score(path: Path, number: int | None, value: object) -> float:
    try:
        score = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        score = math.nan
    if not math.isfinite(score):
        raise DataError.at(path, number, f"scores must be finite numbers; got {value!r}")
    return score
