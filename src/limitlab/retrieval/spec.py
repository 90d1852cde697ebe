"""How retrievers are written: ``NAME``, ``NAME:key=value,...``, ``NAME(PART,PART):key=value,...``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from limitlab._core.errors import InvalidArgument

_OPEN, _CLOSE = "(", ")"


@dataclass(frozen=True)
class Spec:
    """A retriever as written, taken apart.

    Attributes
    ----------
    text
        As written.
    name
        Before the parentheses and the options.
    parts
        What stands in the parentheses, as text; None without parentheses.
    options
        Whole numbers, fractions, true and false are read as such; everything else is text.
    """

    text: str
    name: str
    parts: tuple[str, ...] | None = None
    options: dict[str, Any] = field(default_factory=dict)


def parse_spec(text: str, *, bare: Mapping[str, str] | None = None) -> Spec:
    """Take a retriever's name apart.

    Parameters
    ----------
    bare
        By name, the option that the first word after the colon is when it has no ``key=``: ``mteb:owner/name``.

    Raises
    ------
    InvalidArgument
        Parentheses do not match, an option is not key=value, or is given twice.

    Examples
    --------
    >>> parse_spec("hybrid(bm25:k1=0.9,minilm):method=rrf").parts
    ('bm25:k1=0.9', 'minilm')
    """
    depth, end = 0, len(text)
    for at, letter in enumerate(text):
        depth += (letter == _OPEN) - (letter == _CLOSE)
        if depth < 0 or (letter == ":" and depth == 0):
            end = at
            break
    if depth:
        raise InvalidArgument(f"retrievers: parentheses must match; got {text!r}.")
    head, tail = text[:end].strip(), text[end + 1 :]
    parts: tuple[str, ...] | None = None
    if head.endswith(_CLOSE) and _OPEN in head:
        head, _, inner = head.partition(_OPEN)
        parts = tuple(_joined_options(split_outside(inner[:-1], ",")))
    return Spec(text, head, parts, _options(text, tail, (bare or {}).get(head)))


def split_outside(text: str, sign: str) -> list[str]:
    """Split at ``sign`` where it stands outside of parentheses; spaces around the pieces are dropped, empty pieces too."""
    return [piece.strip() for piece in _pieces(text, sign) if piece.strip()]


def _pieces(text: str, sign: str) -> list[str]:
    pieces, depth, start = [], 0, 0
    for at, letter in enumerate(text):
        depth += (letter == _OPEN) - (letter == _CLOSE)
        if letter == sign and depth == 0:
            pieces.append(text[start:at])
            start = at + 1
    return [*pieces, text[start:]]


def _joined_options(pieces: list[str]) -> list[str]:
    """``["bm25:k1=0.9", "b=0.4", "minilm"]`` as ``["bm25:k1=0.9,b=0.4", "minilm"]``: a piece that is only key=value belongs to the one before."""
    out: list[str] = []
    for piece in pieces:
        key, sign, _ = piece.partition("=")
        if out and sign and key.isidentifier():
            out[-1] += ("," if ":" in out[-1] else ":") + piece
        else:
            out.append(piece)
    return out


def _options(text: str, tail: str, bare: str | None = None) -> dict[str, Any]:
    options: dict[str, Any] = {}
    for number, part in enumerate(filter(None, _pieces(tail, ","))):  # spaces stay: a prompt may end with one
        key, sign, value = part.partition("=")
        if bare is not None and number == 0 and not (sign and key.strip().isidentifier()):
            options[bare] = part.strip()
            continue
        if not sign and options and part.startswith(" "):  # a comma within a text: "instruction=Given a query, retrieve ..."
            last = list(options)[-1]
            options[last] = f"{options[last]},{part}"
            continue
        if not sign:
            raise InvalidArgument(f"retrievers: options are key=value, separated by commas; got {part!r} in {text!r}.")
        if key.strip() in options:
            raise InvalidArgument(f"retrievers: every option must be given once; got {key.strip()!r} twice in {text!r}.")
        options[key.strip()] = _value(value)
    return options


def _value(text: str) -> Any:
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return {"true": True, "false": False}.get(text.lower(), text)
