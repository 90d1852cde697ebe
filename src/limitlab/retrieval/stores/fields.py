"""Ids of documents out of what a store returns beside a vector."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from limitlab._core.errors import DataError


def field_of(who: str, record: Mapping[str, Any] | None, path: str) -> str:
    """The value under ``path`` (dots for nesting, unless a field has that very name) as text.

    Raises
    ------
    DataError
        It is missing, empty, or neither text nor a whole number.
    """
    value: Any = record
    if isinstance(record, Mapping) and path in record:
        value = record[path]
    else:
        for part in path.split("."):
            value = value.get(part) if isinstance(value, Mapping) else None
    if isinstance(value, bool) or not isinstance(value, (str, int)) or value == "":
        there = ", ".join(sorted(record)[:8]) if record else "none"
        raise DataError(
            f"{who}: every hit must have its document's id in the field {path!r}; one has not (fields: {there}). Pass id_field=NAME."
        )
    return str(value)
