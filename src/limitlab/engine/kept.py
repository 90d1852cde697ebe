"""Values that are made once a worker process: a loaded model, an opened memory map."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from threading import RLock
from typing import Any, TypeVar, cast

Value = TypeVar("Value")

MOST = 4  # values kept: enough for a model, its vectors and what belongs to them, few enough for the memory of a worker


class Keeper:
    """The values used last, at most ``most`` of them.

    Parameters
    ----------
    most
        >= 1. The one that was not asked for longest goes first.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._values: OrderedDict[Hashable, Any] = OrderedDict()
        self._lock = RLock()

    def get(self, key: Hashable, make: Callable[[], Value]) -> Value:
        """The value of ``key``; made, by one thread at a time, when it is not there."""
        with self._lock:
            if key not in self._values:
                self._values[key] = make()
                while len(self._values) > self._most:
                    self._values.popitem(last=False)
            self._values.move_to_end(key)
            return cast(Value, self._values[key])

    def clear(self) -> None:
        """Keep nothing any more."""
        with self._lock:
            self._values.clear()


_KEEPER = Keeper(MOST)


def kept(key: Hashable, make: Callable[[], Value]) -> Value:
    """A value that is costly to make, made once in this process and kept between tasks; the four used last are.

    Parameters
    ----------
    key
        Names everything that decides the value: two different values must not share a key.
    make
        Called without arguments when the value is not there.

    Examples
    --------
    >>> kept(("square", 3), lambda: 9)
    9
    """
    return _KEEPER.get(key, make)


def forget() -> None:
    """Drop every kept value of this process."""
    _KEEPER.clear()
