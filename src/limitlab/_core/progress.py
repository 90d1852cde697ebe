"""Progress that rooms report without knowing who shows it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Protocol


class Task(Protocol):
    """One bar: ``advance`` as units are done."""

    def advance(self, units: float = 1) -> None: ...


class Progress(Protocol):
    """Opens bars; ``say`` prints one line."""

    def task(self, label: str, total: float | None = None) -> Any: ...

    def say(self, line: str) -> None: ...


class _NullTask:
    def advance(self, units: float = 1) -> None:
        return None


class NoProgress:
    """Shows nothing: the default in Python."""

    @contextmanager
    def task(self, label: str, total: float | None = None) -> Iterator[_NullTask]:
        """A bar that nobody sees."""
        yield _NullTask()

    def say(self, line: str) -> None:
        """Nothing is printed."""


SILENT = NoProgress()
