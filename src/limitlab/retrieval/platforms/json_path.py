"""Paths into JSON: ``hits.hits``, ``data[0].items``, ``a[*].b``, ``a["x.y"]``; a small part of JSONPath."""

from __future__ import annotations

import re
from typing import Any

from limitlab._core.errors import InvalidArgument

EVERY = "*"
_STEP = re.compile(r"""\.?(?:(?P<name>[^.\[\]"'\s]+)|\[(?P<index>-?\d+)\]|\[(?P<every>\*)\]|\[(?P<q>["'])(?P<quoted>[^"']+)(?P=q)\])""")
Path = tuple[str | int, ...]


class _Every(str):
    """``[*]``, apart from a field that is called so."""


def parse_path(text: str) -> Path:
    """A path as steps: names, positions, and ``[*]``; ``$`` at the start is optional.

    Raises
    ------
    InvalidArgument
        It is none.

    Examples
    --------
    >>> parse_path("hits[0].id")
    ('hits', 0, 'id')
    """
    rest = text.strip().removeprefix("$")
    at, steps = 0, []
    while at < len(rest):
        match = _STEP.match(rest, at)
        if match is None or (match["name"] and at and rest[at] != "."):
            raise InvalidArgument(f"path: names, [0] and [*] are expected, such as hits[*].id; got {text!r}.")
        steps.append(match["name"] or match["quoted"] or (_Every(EVERY) if match["every"] else int(match["index"])))
        at = match.end()
    return tuple(steps)


def values(found: Any, path: Path) -> list[Any]:
    """All values at a path, in order; what is not there is left out."""
    level = [found]
    for step in path:
        below: list[Any] = []
        for value in level:
            if isinstance(step, _Every):
                below += value if isinstance(value, list) else []
            elif isinstance(step, int):
                below += [value[step]] if isinstance(value, list) and -len(value) <= step < len(value) else []
            elif isinstance(value, dict) and step in value:
                below.append(value[step])
        level = below
    return level


def first(found: Any, path: Path) -> Any:
    """The first value at a path, or None."""
    every = values(found, path)
    return every[0] if every else None
