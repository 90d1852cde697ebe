"""Reading and writing that several verbs share: dimension lists, JSON output, where results go."""

from __future__ import annotations

import json
import re
import sys
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any

import typer

from limitlab._core.errors import InvalidArgument, RangeError
from limitlab._core.files import canonical_json, write_text

JsonFlag = Annotated[bool, typer.Option("--json", help="Print the answer as JSON.")]
NDocs = Annotated[int, typer.Option("--n-docs", help="Number of documents.")]
Seed = Annotated[int, typer.Option("--seed", help="Random seed; the same seed gives the same bytes.")]
Dims = Annotated[str | None, typer.Option("--dim", help="Dimensions: 12, or 8,12,16, or 4:20 (4:20:4 for steps of 4).")]

EngineName = Annotated[
    str | None,
    typer.Option(
        "--engine",
        help="Where tasks run: local, local:WORKERS, ray (the cluster of RAY_ADDRESS, a running one, or one of this machine), ray://HOST:PORT. [local]",
    ),
]
Workers = Annotated[int | None, typer.Option("--workers", min=1, help="Tasks of one core at one time. [one a core]")]


def _page_language(value: str) -> str:
    """The language, refused before any work when no page can be written in it."""
    if value != "en":
        from limitlab.report.language import known_language

        known_language("--language", value)
    return value


Compare = Annotated[str | None, typer.Option("--compare", help="Two rows for a paired randomisation test: bm25,minilm@384.")]
Language = Annotated[str, typer.Option("--language", help="Of the HTML page: en or zh.", callback=_page_language)]


def parse_pair(compare: str | None) -> tuple[str, str] | None:
    """The two rows of --compare; None when it was not given."""
    if compare is None:
        return None
    from limitlab.retrieval.spec import split_outside

    pair = split_outside(compare, ",")
    if len(pair) != 2 or (compare.count(",") > 1 and "(" not in compare):
        raise InvalidArgument(f"--compare: two rows are expected, such as bm25,minilm@384; got {compare!r}.")
    return pair[0], pair[1]


def parse_dims(text: str | None) -> list[int] | None:
    """``12``, ``8,12,16``, ``4:20``, ``4:20:4``; None stays None.

    Raises
    ------
    RangeError
        Anything else, or a dimension below 1.
    """
    if text is None:
        return None
    dims: list[int] = []
    for part in text.split(","):
        match = re.fullmatch(r"\s*(\d+)(?::(\d+)(?::(\d+))?)?\s*", part)
        if not match:
            raise RangeError(f"--dim: 12, or 8,12,16, or 4:20 is expected; got {text!r}.")
        first, last, step = int(match[1]), int(match[2] or match[1]), int(match[3] or 1)
        if first < 1 or last < first or step < 1:
            raise RangeError(f"--dim: dimensions must be at least 1 and ascend; got {part!r}.")
        dims += range(first, last + 1, step)
    return list(dict.fromkeys(dims))


def parse_count(text: str | None, option: str) -> int | None:
    """``50000000``, ``50,000,000``, ``50_000_000``, ``50e6`` or ``2^40`` as a whole number; None stays None.

    Raises
    ------
    RangeError
        Anything else.
    """
    if text is None:
        return None
    plain = re.sub(r"[,_\s]", "", text)
    if power := re.fullmatch(r"(\d{1,4})(?:\^|\*\*)(\d{1,4})", plain):
        return int(power[1]) ** int(power[2])
    if not re.fullmatch(r"\d+(\.\d+)?([eE]\+?\d{1,3})?", plain):
        raise RangeError(f"{option}: a whole number such as 50000000, 50e6 or 2^40 is expected; got {text!r}.")
    value = Decimal(plain)
    if value != value.to_integral_value():
        raise RangeError(f"{option}: a whole number such as 50000000, 50e6 or 2^40 is expected; got {text!r}.")
    return int(value)


def answer(text: str) -> None:
    """One answer to standard output; everything else goes to standard error."""
    sys.stdout.write(text + "\n")


def answer_json(value: Any) -> None:
    """An answer as JSON, keys in their own order."""
    sys.stdout.write(json.dumps(json.loads(canonical_json(value)), indent=2, ensure_ascii=False) + "\n")


def save(path: Path, value: Any) -> None:
    """Write an answer as JSON (``.json``) or as text."""
    write_text(path, canonical_json(value) + "\n" if not isinstance(value, str) else value)
