"""Which engine is meant: by name, for a block of code, or by default."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache

from limitlab._core.checks import whole
from limitlab._core.errors import InvalidArgument, RangeError, UnknownName
from limitlab.engine.local import LocalEngine
from limitlab.engine.protocol import Engine

NAMES = ("local", "local:WORKERS", "ray", "ray://HOST:PORT")

_CHOSEN: ContextVar[Engine | None] = ContextVar("limitlab-engine", default=None)


def current() -> Engine:
    """The engine of the block we are in (``using``); outside of any, this machine with one worker a core."""
    return _CHOSEN.get() or _default()


@lru_cache(maxsize=1)
def _default() -> Engine:
    return LocalEngine()


def elsewhere() -> Engine | None:
    """The engine in use where somebody asked for one: a cluster, or a number of workers. None: work as ever, in this process.

    For work that this process does well with threads of its own, and that is worth sending only to others.
    """
    chosen = current()
    return None if chosen.name == "local" else chosen


def engine(name: str, workers: int | None = None) -> Engine:
    """The engine of a name, ready to work; ``close`` it, or use ``using``.

    Parameters
    ----------
    name
        - ``local``: this machine; ``local:4`` with four worker processes.
        - ``ray``: the cluster of ``RAY_ADDRESS``, or the one that this machine belongs to, or else one of this machine alone,
          started now and stopped by ``close``.
        - ``ray://HOST:PORT``: a cluster elsewhere, through its Ray Client port.
    workers
        Tasks of one core at one time, >= 1; default: one a core of the machine or the cluster.

    Raises
    ------
    UnknownName, InvalidArgument, RangeError
        The name is none of these.
    MissingExtra
        Ray is not installed.
    EngineError
        The cluster cannot be reached, or its machines cannot run limitlab.
    """
    who = "engine()"
    if workers is not None:
        workers = whole(who, "workers", workers, low=1, high=1_000_000)
    if re.fullmatch(r"local:0+|local:-\d+", name):
        raise RangeError(f"{who}: workers of local:WORKERS must be at least 1; got {name!r}.")
    if match := re.fullmatch(r"local(?::([1-9]\d{0,5}))?", name):
        if match[1] and workers not in (None, int(match[1])):
            raise InvalidArgument(f"{who}: workers must be given once; got {name!r} and workers={workers}.")
        return LocalEngine(workers if match[1] is None else int(match[1]))
    if name == "ray" or name.startswith("ray://"):
        from limitlab.engine.ray_engine import RayEngine

        return RayEngine(None if name == "ray" else name, workers=workers)
    raise UnknownName.of(who, "engine", name, NAMES)


@contextmanager
def using(engine: str | Engine | None = None, workers: int | None = None) -> Iterator[Engine]:
    """Tasks started in this block run on an engine.

    Parameters
    ----------
    engine
        A name, see ``limitlab.engine.engine``: opened now and closed at the end of the block, unless it is the one in use already. An
        Engine: used, and left open. None: as it is.
    workers
        Of a name; without one, of this machine.

    Raises
    ------
    As ``engine``.

    Examples
    --------
    >>> with using("local:2") as engine:
    ...     current() is engine, engine.workers
    (True, 2)
    """
    if engine is None and workers is None:
        yield current()
        return
    chosen, ours = _opened(engine, workers)
    token = _CHOSEN.set(chosen)
    try:
        yield chosen
    finally:
        _CHOSEN.reset(token)
        if ours:
            chosen.close()


def _opened(given: str | Engine | None, workers: int | None) -> tuple[Engine, bool]:
    """The engine, and whether it was opened here."""
    if given is None:
        given = "local"
    if not isinstance(given, str):
        if not all(hasattr(given, name) for name in ("name", "map", "facts", "close")):
            raise InvalidArgument(f"using(): engine must be a name ({', '.join(NAMES)}) or an Engine; got {type(given).__name__}.")
        if workers is not None:
            raise InvalidArgument(f"using(): workers must come with an engine's name; got an engine and workers={workers}.")
        return given, False
    if workers is None and current().name == given:
        return current(), False
    return engine(given, workers), True
