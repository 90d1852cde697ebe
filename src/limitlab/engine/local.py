"""The engine of one machine: tasks here with all cores, or in worker processes of one core each."""

from __future__ import annotations

import pickle
import weakref
from collections.abc import Callable, Generator, Iterator, Sequence
from multiprocessing.connection import Connection, wait
from threading import Lock
from typing import TYPE_CHECKING, Any, TypeVar

from limitlab._core.checks import whole
from limitlab._core.progress import SILENT, Progress
from limitlab._core.provenance import cores
from limitlab.engine.attempt import attempt
from limitlab.engine.protocol import Done
from limitlab.engine.tally import Tally, shown

if TYPE_CHECKING:
    from limitlab.engine.process import WorkerProcess

Item = TypeVar("Item")
Shared = TypeVar("Shared")
Value = TypeVar("Value")


class LocalEngine:
    """This machine.

    Parameters
    ----------
    workers
        Worker processes, >= 1; default: one a core. They start when the first task of one core needs them and stay until ``close``.
    """

    def __init__(self, workers: int | None = None) -> None:
        self.name = "local" if workers is None else f"local:{whole('engine local', 'workers', workers, low=1)}"
        self._workers = workers
        self._idle: list[WorkerProcess] = []
        self._lock = Lock()
        self._end = weakref.finalize(self, _end_all, self._idle)

    @property
    def workers(self) -> int:
        """Worker processes at most."""
        return self._workers or cores()

    def map(
        self,
        task: Callable[[Shared, Item], Value],
        items: Sequence[Item],
        *,
        shared: Shared,
        whole_machine: bool = False,
        smaller: Callable[[Item], Item | None] | None = None,
        weights: Sequence[float] | None = None,
        label: str = "",
        progress: Progress = SILENT,
    ) -> Iterator[Done[Value]]:
        """See ``Engine.map``. With ``whole_machine``, one worker or one item, tasks run in this process and nothing is copied."""
        tally = Tally(self.name, label, items, smaller)
        here = whole_machine or self.workers == 1 or len(items) <= 1
        results = _here(tally, task, shared) if here else self._apart(tally, task, shared)
        return shown(results, len(items), weights, label, progress)

    def _apart(self, tally: Tally[Item], task: Callable[[Shared, Item], Value], shared: Shared) -> Generator[Done[Value], None, None]:
        """In worker processes, each with one item at a time."""
        job = pickle.dumps((task, shared), protocol=pickle.HIGHEST_PROTOCOL)
        busy: dict[Connection, tuple[WorkerProcess, int]] = {}
        free: list[WorkerProcess] = []
        try:
            while True:
                while tally.waiting and len(busy) < self.workers:
                    self._start(tally, job, free.pop() if free else self._taken(), busy)
                tally.raise_failure()
                if not busy:
                    return
                finished: list[Done[Value]] = []
                for channel in wait(list(busy)):
                    worker, index = busy.pop(channel)  # type: ignore[call-overload]
                    done = _ended(tally, worker, index, free)
                    if done is not None:
                        finished.append(done)
                    if tally.waiting and free and tally.failure is None:
                        self._start(tally, job, free.pop(), busy)
                yield from finished  # also where another one ends the map
                tally.raise_failure()
        finally:
            for worker, _ in busy.values():
                worker.end()
            self._give_back(free)

    def _start(self, tally: Tally[Item], job: bytes, worker: WorkerProcess, busy: dict[Connection, tuple[WorkerProcess, int]]) -> None:
        index, item = tally.take()
        try:
            worker.give(job, item)
        except OSError:
            tally.died(index, worker.died())
        except BaseException:
            worker.end()  # the item cannot be sent
            raise
        else:
            busy[worker.channel] = worker, index

    def _taken(self) -> WorkerProcess:
        from limitlab.engine.process import WorkerProcess

        with self._lock:
            return self._idle.pop() if self._idle else WorkerProcess()

    def _give_back(self, workers: list[WorkerProcess]) -> None:
        """They stay for the next map; more than there should be, of maps that ran at one time, end."""
        with self._lock:
            while workers and len(self._idle) < self.workers and self._end.alive:
                self._idle.append(workers.pop())
        _end_all(workers)

    def facts(self) -> dict[str, Any]:
        """Engine, workers, machines."""
        return {"engine": "local", "workers": self.workers, "machines": 1}

    def close(self) -> None:
        """End the worker processes. A later map starts others."""
        with self._lock:
            _end_all(self._idle)


def _here(tally: Tally[Item], task: Callable[[Shared, Item], Value], shared: Shared) -> Generator[Done[Value], None, None]:
    """One after another, in this process."""
    while tally.waiting:
        index, item = tally.take()
        done = tally.ended(index, attempt(task, shared, item))
        tally.raise_failure()
        if done is not None:
            yield done


def _ended(tally: Tally[Item], worker: WorkerProcess, index: int, free: list[WorkerProcess]) -> Done[Any] | None:
    """What became of its item. The worker is free again, or has ended."""
    try:
        outcome = worker.answer()
    except (EOFError, OSError):
        tally.died(index, worker.died())
        return None
    except BaseException:  # Ctrl-C
        worker.end()
        raise
    free.append(worker)
    return tally.ended(index, outcome)


def _end_all(workers: list[WorkerProcess]) -> None:
    while workers:
        workers.pop().end()
