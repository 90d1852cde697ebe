"""How the checks go through their parts: one after another in this process, unless another ``map`` is given."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Protocol, TypeVar

Shared = TypeVar("Shared")
Item = TypeVar("Item")
Value = TypeVar("Value")


class Mapper(Protocol):
    """Something that does the parts of a check.

    Attributes
    ----------
    parts
        Into how many parts work is cut that can be cut as one likes; 1: not at all.
    """

    parts: int

    def __call__(self, task: Callable[[Shared, Item], Value], shared: Shared, items: Iterable[Item]) -> Iterator[Value]:
        """``task(shared, item)`` of every item, in the order of the items; no more is done once the iterator is closed."""
        ...


class Here:
    """In this process."""

    parts = 1

    def __call__(self, task: Callable[[Any, Any], Any], shared: Any, items: Iterable[Any]) -> Iterator[Any]:
        return (task(shared, item) for item in items)


HERE = Here()
