"""Runs (ranked lists) as TREC text and JSON. Ids with spaces are percent-encoded in TREC files."""

from __future__ import annotations

import io
import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

from limitlab._core.checks import choice
from limitlab._core.errors import DataError, RangeError, first_examples
from limitlab._core.files import write_text

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
        return write_text(path, json.dumps({q: {d: _finite(q, d, s) for d, s in row.items()} for q, row in run.items()}) + "\n")
    tag = quote(tag, safe=_SAFE) or "limitlab"
    out = io.StringIO()
    for q, row in run.items():
        for rank, (d, score) in enumerate(row.items(), 1):
            out.write(f"{quote(q, safe=_SAFE)} Q0 {quote(d, safe=_SAFE)} {rank} {_finite(q, d, score):.9g} {tag}\n")
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
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError.at(path, None, f"not UTF-8 text ({error.reason} at byte {error.start})") from error
    except OSError as error:
        raise DataError.at(path, None, f"cannot be read ({error.strerror})") from error
    return _json_run(path, text) if text.lstrip().startswith("{") else _trec_run(path, text)


def _json_run(path: Path, text: str) -> RunLists:
    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        names = [name for name, _ in pairs]
        twice = [name for name in dict.fromkeys(names) if names.count(name) > 1] if len(set(names)) < len(names) else []
        if twice:
            raise DataError.at(path, None, f"ids are listed twice: {first_examples(twice)}")
        return dict(pairs)

    try:
        found = json.loads(text, object_pairs_hook=once)
    except json.JSONDecodeError as error:
        raise DataError.at(path, error.lineno, f"not valid JSON ({error.msg})") from error
    if not all(isinstance(row, dict) for row in found.values()):
        raise DataError.at(path, None, "a run must map query ids to {document id: score}")
    return {str(q): {str(d): _score(path, None, s) for d, s in row.items()} for q, row in found.items()}


def _trec_run(path: Path, text: str) -> RunLists:
    run: RunLists = {}
    for number, line in enumerate(text.split("\n"), 1):
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


def _finite(query: str, doc: str, score: float) -> float:
    if not math.isfinite(score):
        raise RangeError(f"write_run(): scores must be finite; got {score!r} for query {query!r}, document {doc!r}.")
    return float(score)


def _score(path: Path, number: int | None, value: object) -> float:
    try:
        score = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        score = math.nan
    if not math.isfinite(score):
        raise DataError.at(path, number, f"scores must be finite numbers; got {value!r}")
    return score
