"""Hits that are chunks: the id of the document from the id of one of its chunks."""

from __future__ import annotations

import re
from collections.abc import Callable

from limitlab._core.errors import InvalidArgument


def chunk_mapping(separator: str | None, pattern: str | None, *, who: str = "chunk_mapping()") -> Callable[[str], str]:
    """From the id of a hit to the id of its document.

    Parameters
    ----------
    separator
        The document id ends at the last occurrence: with "#", ``doc7#3`` is a chunk of ``doc7``.
    pattern
        A regular expression over the whole id; group ``doc``, or the first group, is the document id. Ids that do not match are kept.

    Raises
    ------
    InvalidArgument
        Both are given, the separator is empty, or the expression is wrong or has no group.
    """
    if separator is not None and pattern is not None:
        raise InvalidArgument(f"{who}: either chunk_separator or chunk_pattern must be given; got both.")
    if separator is not None:
        if not separator:
            raise InvalidArgument(f"{who}: chunk_separator must not be empty; got ''.")
        return lambda name: name.rpartition(separator)[0] or name
    if pattern is None:
        return lambda name: name
    try:
        found = re.compile(pattern)
    except re.error as error:
        raise InvalidArgument(f"{who}: chunk_pattern must be a regular expression; got {pattern!r} ({error}).") from error
    if not found.groups:
        raise InvalidArgument(f"{who}: chunk_pattern must have a group that is the document id, such as (.+)#[0-9]+; got {pattern!r}.")
    group: str | int = "doc" if "doc" in found.groupindex else 1

    def mapped(name: str) -> str:
        match = found.fullmatch(name)
        return (match[group] or name) if match else name

    return mapped
