"""Runs (ranked lists) as TREC text and JSON, and the prediction files of sentence-transformers and mteb.

Ids with spaces are percent-encoded in TREC files.
"""

from __future__ import annotations

import io
import json
import math
from collections.abc import Iterator, Mapping
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
    text = _text(path)
    return _json_run(path, text) if text.lstrip().startswith("{") else _trec_run(path, text)


def read_scored(path: str | Path, *, split: str | None = None, subset: str | None = None) -> dict[str, list[tuple[str, float]]]:
    """``{query id: [(id of the hit, score), ...]}``, best first; a document may be listed more than once.

    TREC lines; ``{query id: {document id: score}}`` or ``{query id: [document id, ...]}`` (score: minus the place, from 0); the
    ``*_predictions.jsonl`` of sentence-transformers; the ``*_predictions.json`` of mteb. Hits are ordered by score, equal ones as listed.

    Parameters
    ----------
    split, subset
        Which of an mteb file; needed where it holds several.

    Raises
    ------
    DataError
        path:line of a malformed line, a score that is not a finite number, or a file with several splits of which none was named.
    """
    path = Path(path)
    text = _text(path)
    if not text.lstrip().startswith("{"):
        found: dict[str, list[tuple[str, float]]] = {}
        for _, q, d, score in _trec_lines(path, text):
            found.setdefault(q, []).append((d, score))
    elif _is_jsonl(text):
        found = _sentence_transformers(path, text)
    else:
        found = _json_pairs(path, text, split, subset)
    return {q: sorted(pairs, key=lambda pair: -pair[1]) for q, pairs in found.items()}


def read_hits(path: str | Path) -> dict[str, list[str]]:
    """The ids of a run's hits, best first, for each query; a document may be listed more than once. Files as in ``read_scored``.

    Raises
    ------
    DataError
        path:line of a malformed line, or a score that is not a finite number.
    """
    return {q: [d for d, _ in pairs] for q, pairs in read_scored(path).items()}


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError.at(path, None, f"not UTF-8 text ({error.reason} at byte {error.start})") from error
    except OSError as error:
        raise DataError.at(path, None, f"cannot be read ({error.strerror})") from error


def _is_jsonl(text: str) -> bool:
    """Whether the first line is a JSON object that names a query."""
    try:
        first = json.loads(text.lstrip().split("\n", 1)[0])
    except ValueError:
        return False
    return isinstance(first, dict) and "query_id" in first


def _sentence_transformers(path: Path, text: str) -> dict[str, list[tuple[str, float]]]:
    found: dict[str, list[tuple[str, float]]] = {}
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
            query, hits = row["query_id"], [(str(hit["corpus_id"]), hit["score"]) for hit in row["results"]]
        except (ValueError, KeyError, TypeError) as error:
            raise DataError.at(path, number, "a line must hold query_id and results of corpus_id and score") from error
        if str(query) in found:
            raise DataError.at(path, number, f"query {query!r} is listed twice")
        found[str(query)] = [(d, _score(path, number, s)) for d, s in hits]
    return found


def _one_of(path: Path, what: str, found: dict[str, Any], wanted: str | None) -> Any:
    if wanted is None and len(found) == 1:
        return next(iter(found.values()))
    if wanted not in found:
        asked = "none was named" if wanted is None else f"{wanted!r} was named"
        raise DataError.at(path, None, f"the file holds the {what}s {first_examples(found, n=8)}; {asked}. Pass {what}=NAME")
    return found[wanted]


def _json_pairs(path: Path, text: str, split: str | None, subset: str | None) -> dict[str, list[tuple[str, float]]]:
    try:
        found = json.loads(text)
    except json.JSONDecodeError as error:
        raise DataError.at(path, error.lineno, f"not valid JSON ({error.msg})") from error
    if "mteb_model_meta" in found:
        parts = {name: part for name, part in found.items() if name != "mteb_model_meta" and isinstance(part, dict)}
        found = _one_of(path, "split", _one_of(path, "subset", parts, subset), split)
    out: dict[str, list[tuple[str, float]]] = {}
    for q, row in found.items():
        if isinstance(row, dict):
            out[str(q)] = [(str(d), _score(path, None, s)) for d, s in row.items()]
        elif isinstance(row, list) and all(isinstance(d, (str, int)) for d in row):
            out[str(q)] = [(str(d), -float(i)) for i, d in enumerate(row)]
        else:
            raise DataError.at(path, None, f"a run must map query ids to {{document id: score}} or to a list of ids; {q!r} has neither")
    return out


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
    for number, q, d, score in _trec_lines(path, text):
        row = run.setdefault(q, {})
        if d in row:
            raise DataError.at(path, number, f"document {d!r} is listed twice for query {q!r}")
        row[d] = score
    return run


def _trec_lines(path: Path, text: str) -> Iterator[tuple[int, str, str, float]]:
    """(line number, query id, document id, score) of every line that is not blank."""
    for number, line in enumerate(text.split("\n"), 1):
        fields = line.split()
        if not fields:
            continue
        if len(fields) != 6:
            raise DataError.at(path, number, f"six fields are expected (qid Q0 docid rank score tag); the line has {len(fields)}")
        yield number, unquote(fields[0]), unquote(fields[2]), _score(path, number, fields[4])


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
