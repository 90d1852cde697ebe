"""Texts with ids: what corpora and query sets look like to every room."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol, runtime_checkable


@runtime_checkable
class Texts(Protocol):
    """Texts by position, each with an id. May live in memory or on disk."""

    ids: Sequence[str]

    def __len__(self) -> int: ...

    def __getitem__(self, position: int) -> str: ...

    def __iter__(self) -> Iterator[str]: ...


class TextPart(Protocol):
    """Some consecutive texts of a corpus too large to hold: small enough to be sent to a worker, which reads them.

    Attributes
    ----------
    rows
        Number of texts.
    digest
        Changes when a text or an id does.
    """

    @property
    def rows(self) -> int: ...

    @property
    def digest(self) -> str: ...

    def read(self) -> tuple[list[str], list[str]]:
        """(ids, texts)."""
        ...


class TextList:
    """Texts held in memory.

    Parameters
    ----------
    ids
        n distinct ids.
    texts
        n texts, same order.
    """

    def __init__(self, ids: Sequence[str], texts: Sequence[str]) -> None:
        self.ids: Sequence[str] = list(ids)
        self._texts = list(texts)

    def __len__(self) -> int:
        return len(self._texts)

    def __getitem__(self, position: int) -> str:
        return self._texts[position]

    def __iter__(self) -> Iterator[str]:
        return iter(self._texts)


def listed_phrases(text: str) -> list[str]:
    """The listed items of "Name likes a, b and c.": split at commas and at the last "and"; or of "Who likes a?"."""
    body = text.split(" likes ", 1)[-1].strip().rstrip(".?")
    parts = [p.strip() for p in body.split(", ")]
    last = parts.pop()
    return [p for p in [*parts, *last.rsplit(" and ", 1)] if p]
