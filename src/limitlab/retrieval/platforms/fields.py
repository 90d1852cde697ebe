"""Fields of a service's JSON answer, each checked as it is read."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from limitlab._core.errors import ServiceError


def part(who: str, value: Any, name: str, kind: type) -> Any:
    """``value[name]``, which must be of this kind.

    Raises
    ------
    ServiceError
        The answer is another.
    """
    found = value.get(name) if isinstance(value, Mapping) else None
    if not isinstance(found, kind):
        what = "a list" if kind is list else "an object" if kind is dict else kind.__name__
        raise ServiceError(f"{who}: the answer must hold {what} {name!r}; got {type(found).__name__}.")
    return found


def rows(who: str, value: Any, name: str) -> list[dict[str, Any]]:
    """``value[name]``, which must be a list of objects; see ``part``."""
    return objects(who, part(who, value, name, list), name)


def objects(who: str, found: list[Any], name: str) -> list[dict[str, Any]]:
    """A list, which must hold objects only.

    Raises
    ------
    ServiceError
        It holds something else.
    """
    for item in found:
        if not isinstance(item, dict):
            raise ServiceError(f"{who}: {name!r} must hold objects; got {type(item).__name__}.")
    return found


def whole(kind: type, value: Any) -> Any:
    """``value`` if it is of this kind, else None: for what a service may or may not say."""
    return value if isinstance(value, kind) and not isinstance(value, bool) else None


def score_of(who: str, value: Any) -> float | None:
    """A score as a finite float, None for null.

    Raises
    ------
    ServiceError
        It is neither.
    """
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise ServiceError(f"{who}: scores must be finite numbers or null; got {value!r}.")
    return float(value)


def named(source: Any, *names: str) -> tuple[tuple[str, str], ...]:
    """``(name, text)`` of the fields that are there and not empty."""
    if not isinstance(source, Mapping):
        return ()
    return tuple((n, str(source[n])) for n in names if isinstance(source.get(n), (str, int)) and source[n] != "")
