"""Certificates proved again on whatever engine is in use: the check itself knows of none."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing
from itertools import islice
from pathlib import Path
from typing import Any

from limitlab.capacity.verification import Verdict
from limitlab.capacity.verification import verify as check
from limitlab.capacity.verification.here import HERE, Mapper
from limitlab.engine import Engine, elsewhere, using

_TOGETHER = 1024  # parts an engine is given at one time


def verify(source: str | Path | Mapping[str, Any], *, engine: str | Engine | None = None) -> Verdict:
    """Prove the claim of a certificate again, from its definition.

    Parameters
    ----------
    source
        A file, or the certificate as a mapping.
    engine
        Where symmetry classes are checked: "local" (in this process), "local:4" (worker processes), "ray", "ray://HOST:PORT", or an
        Engine. The verdict is the same everywhere. None: as it is, see ``limitlab.engine.using``.

    Returns
    -------
    A Verdict, see ``limitlab.capacity.verification.verify``, which imports NumPy and nothing of limitlab but its errors.

    Raises
    ------
    DataError
        The file cannot be read, or is not JSON.
    EngineError
        The cluster cannot be reached, or workers died too often.
    """
    with using(engine):
        return check(source, map=parts_elsewhere())


def parts_elsewhere() -> Mapper:
    """Parts of a check done by the engine that somebody asked for; in this process where nobody did."""
    chosen = elsewhere()
    return HERE if chosen is None else _Parts(chosen)


class _Parts:
    """Four parts a worker, so that one slow part does not keep the others waiting."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.parts = 4 * engine.workers

    def __call__(self, task: Callable[[Any, Any], Any], shared: Any, items: Iterable[Any]) -> Iterator[Any]:
        left = iter(items)
        while some := list(islice(left, _TOGETHER)):
            waiting: dict[int, Any] = {}
            next_one = 0
            with closing(self._engine.map(task, some, shared=shared)) as results:  # type: ignore[type-var]
                for done in results:
                    if done.error is not None:
                        raise done.error
                    waiting[done.index] = done.value
                    while next_one in waiting:
                        yield waiting.pop(next_one)
                        next_one += 1
