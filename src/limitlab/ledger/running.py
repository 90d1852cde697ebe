"""A run of the ledger as a block of code: however the block ends, the ledger knows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from limitlab._core.errors import LimitlabError
from limitlab._core.provenance import Stopwatch, provenance
from limitlab._core.status import Status
from limitlab.engine import current
from limitlab.ledger.store import Ledger


@dataclass
class Running:
    """The run that a block works on.

    Attributes
    ----------
    id
        In the ledger.
    status, message
        How it ended so far: FAILED until ``ended`` is called.
    provenance
        Versions, machine, commit, time and memory; set when the block ends, or before it by ``made``.
    """

    id: str
    watch: Stopwatch
    status: Status = Status.FAILED
    message: str = ""
    provenance: dict[str, Any] = field(default_factory=dict)

    def ended(self, status: Status = Status.SOLVED, message: str | None = None) -> None:
        """Say how it ended; the message is the status's own sentence unless given."""
        self.status, self.message = status, status.value if message is None else message

    def made(self, *, wall_seconds: float | None = None) -> dict[str, Any]:
        """Provenance up to now with the engine in use, for a result that is made inside the block.

        Parameters
        ----------
        wall_seconds
            Where the work began before the run; default: since the run began.
        """
        seconds = self.watch.so_far() if wall_seconds is None else wall_seconds
        self.provenance = {**provenance(wall_seconds=seconds), "engine": current().facts()}
        return self.provenance


@contextmanager
def running(
    ledger: Ledger, kind: str, title: str, config: dict[str, Any], *, more: Callable[[], dict[str, Any]] = dict
) -> Iterator[Running]:
    """Start a run, and finish it when the block ends: as the block says, as stopped by Ctrl-C, or as failed with the error's sentence.

    Parameters
    ----------
    more
        Called at the end: what else belongs to the provenance.

    Raises
    ------
    What the block raises, after it was recorded.
    """
    with Stopwatch() as watch:
        run = Running(ledger.start(kind, title, config), watch)
        try:
            yield run
        except KeyboardInterrupt:
            run.ended(Status.STOPPED)
            raise
        except BaseException as error:  # a bug has no sentence for users; whatever the block had said before does not count any more
            run.ended(Status.FAILED, str(error) if isinstance(error, LimitlabError) else "")
            raise
        finally:
            run.provenance = {**(run.provenance or run.made()), **more()}
            ledger.finish(run.id, run.status, run.message, run.provenance)
