"""Every error limitlab raises on purpose.

::

    LimitlabError
    ├── InvalidArgument          an argument is wrong
    │   ├── RangeError           a number or size is outside its range
    │   ├── ShapeError           an array has the wrong shape, dtype or content
    │   └── UnknownName          a name is not one of those known (with did-you-mean)
    ├── DataError                a file's content is wrong (path:line)
    ├── MissingExtra             an optional package is not installed (with the pip line)
    ├── TooLarge                 refused before allocating (states the size and the way out)
    ├── NotSolved                an optimisation or search ended without an answer
    ├── EngineError              workers died too often, or a cluster cannot be reached
    └── ServiceError             a service over HTTP refused, failed or answered with something else (status, its own words)

One sentence each: who: what must hold; what came; what to do.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from pathlib import Path


class LimitlabError(Exception):
    """Base of all errors that limitlab raises on purpose."""


class InvalidArgument(LimitlabError, ValueError):
    """An argument is wrong."""


class RangeError(InvalidArgument):
    """A number or a size is outside its range."""

    @classmethod
    def of(cls, who: str, what: str, must: str, **got: object) -> RangeError:
        """``who: what must be must; got a=1, b=2.``"""
        came = ", ".join(f"{name}={value!r}" for name, value in got.items())
        return cls(f"{who}: {what} must be {must}; got {came}.")


class ShapeError(InvalidArgument):
    """An array has the wrong shape, dtype or content."""


class UnknownName(InvalidArgument):
    """A name is not one of those known."""

    @classmethod
    def of(cls, who: str, what: str, name: str, known: Iterable[str], *, hint: str = "") -> UnknownName:
        """``who: unknown what 'nmae'; did you mean 'name'? Known: a, b.``"""
        names = sorted(known)
        close = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
        meant = f" did you mean {close[0]!r}?" if close else ""
        tail = f" {hint}" if hint else ""
        return cls(f"{who}: unknown {what} {name!r};{meant} known: {', '.join(names)}.{tail}")


class DataError(LimitlabError):
    """A file's content is wrong; the message starts with ``path:line`` where a line is to blame."""

    @classmethod
    def at(cls, path: str | Path, line: int | None, problem: str) -> DataError:
        """``path:line: problem``"""
        where = f"{path}" if line is None else f"{path}:{line}"
        return cls(f"{where}: {problem}")


class MissingExtra(LimitlabError, ImportError):
    """An optional package is not installed."""


class TooLarge(LimitlabError):
    """Refused before allocating; the message states the size and the way out."""


class NotSolved(LimitlabError):
    """An optimisation or a search ended without an answer. Never a proof of impossibility."""


class EngineError(LimitlabError):
    """Workers died too often at one piece of work, or a cluster cannot be reached."""


class ServiceError(LimitlabError):
    """A service over HTTP refused, failed, or answered with something else than it should.

    Attributes
    ----------
    status
        The HTTP status, or None where there was no answer.
    """

    def __init__(self, sentence: str, *, status: int | None = None) -> None:
        super().__init__(sentence)
        self.status = status


def first_examples(items: Sequence[object] | Iterable[object], *, n: int = 3) -> str:
    """The first ``n`` items for an error sentence: ``'a', 'b', 'c', ...``."""
    taken: list[str] = []
    more = False
    for item in items:
        if len(taken) == n:
            more = True
            break
        taken.append(repr(item))
    return ", ".join(taken) + (", ..." if more else "")
