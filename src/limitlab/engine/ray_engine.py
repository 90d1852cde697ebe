"""The engine of a Ray cluster: the same tasks, on the cores or the machines it has."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any, TypeVar

from limitlab._core.errors import EngineError
from limitlab._core.progress import SILENT, Progress
from limitlab.engine.attempt import Kind, Outcome
from limitlab.engine.protocol import Done
from limitlab.engine.ray_cluster import Cluster, connect, worker_settings
from limitlab.engine.ray_task import begun, forget_marks, run_item
from limitlab.engine.tally import Tally, shown

Item = TypeVar("Item")
Shared = TypeVar("Shared")
Value = TypeVar("Value")

_AHEAD = 2  # items a worker: one at work, one that follows without a pause
_LOOK_AGAIN = 5.0  # seconds between two looks at which machines there are
_PATIENCE = 60.0  # seconds in which a machine that is ours begins with an item
_TRY_AGAIN = 300.0  # seconds until one that did not begin is given another item


@dataclass
class _Place:
    """Where items may go: every core of the cluster, or one machine. ``since``: when it last had a reason to begin with an item."""

    remote: Any
    room: int
    host: str = ""
    flying: dict[Any, str] = field(default_factory=dict)  # with the item's mark
    since: float = 0.0
    held: bool = False


class RayEngine:
    """A Ray cluster.

    Parameters
    ----------
    address
        ``ray://HOST:PORT``; None: see ``connect``.
    workers
        Tasks of one core at one time; None: one a core.

    Raises
    ------
    As ``connect``.
    """

    def __init__(self, address: str | None = None, *, workers: int | None = None) -> None:
        self.name = address or "ray"
        self._most = workers
        self._cluster: Cluster | None = connect(address)
        self._function = self._cluster.ray.remote(run_item)
        self._facts = {
            "engine": "ray",
            "version": self._cluster.ray.__version__,
            "cluster": self._cluster.where,
            "code_sent": self._cluster.sent,
            "workers": self.workers,
            "machines": len(self._cluster.machines()),
            "start_seconds": round(self._cluster.seconds, 2),
        }

    @property
    def workers(self) -> int:
        """Tasks of one core that run at one time: the cluster's cores now."""
        found = sum(m.cores for m in self._ready().machines())
        return max(1, min(found, self._most or found))

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
        """See ``Engine.map``. With ``whole_machine`` a task has all cores and all GPUs of a machine."""
        tally = Tally(self.name, label, items, smaller)
        flight = _Flight(self._ready(), self._function, tally, (task, shared), whole_machine, self._most, label, progress)
        return shown(flight.results(), len(items), weights, label, progress)

    def facts(self) -> dict[str, Any]:
        """As it was when we connected: engine, version, workers, machines, how the code got there, seconds to start. No host names."""
        return dict(self._facts)

    def close(self) -> None:
        """Disconnect; a cluster that was started for this run stops."""
        if self._cluster is not None:
            self._cluster.close()
            self._cluster = None

    def _ready(self) -> Cluster:
        if self._cluster is None:
            raise EngineError("engine ray: it must be open; close() was called. Make another one.")
        return self._cluster


class _Flight:
    """One map: which items are where."""

    def __init__(
        self,
        cluster: Cluster,
        function: Any,
        tally: Tally[Any],
        job: tuple[Any, Any],
        whole: bool,
        most: int | None,
        label: str,
        progress: Progress = SILENT,
    ) -> None:
        self._cluster, self._ray, self._function, self._tally = cluster, cluster.ray, function, tally
        self._job, self._whole, self._most, self._label = job, whole, most, label or "limitlab"
        self._key, self._progress, self._said, self._marks = f"limitlab-{uuid.uuid4().hex}", progress, False, count()
        self._places: dict[str, _Place] = {}
        self._flying: dict[Any, tuple[int, _Place]] = {}
        self._looked = 0.0

    def results(self) -> Generator[Done[Any], None, None]:
        """Every item once; what flies is cancelled when this is closed."""
        if not self._tally.waiting:
            return
        try:
            job = [self._ray.put(self._job)]
            while self._tally.waiting or self._flying:
                self._start(job)
                ready, _ = self._ray.wait(list(self._flying), num_returns=1, timeout=_LOOK_AGAIN)
                if len(ready) == 1:  # those that came meanwhile, in one call
                    ready, _ = self._ray.wait(list(self._flying), num_returns=len(self._flying), timeout=0)
                finished = self._all_landed(ready)
                if self._tally.failure is None:
                    self._start(job)  # before the caller works on what came
                yield from finished  # also where another one ends the map
                self._tally.raise_failure()
        except (self._ray.exceptions.RaySystemError, ConnectionError) as error:
            self._whole = False  # there is nobody who could forget our marks
            raise EngineError(
                f"engine ray: the cluster must stay; it is gone ({type(error).__name__}). The same command resumes."
            ) from error
        finally:
            self._cancel(list(self._flying))
            if self._whole:
                forget_marks(self._key)

    def _start(self, job: list[Any]) -> None:
        """Fill the room that there is, the emptiest place first."""
        self._look()
        while self._tally.waiting:
            # Where an item would only wait behind another, it stays here unless there are enough for all: another place may be faster.
            ahead = _AHEAD if not self._whole or len(self._tally.waiting) > len(self._places) else 1
            free = [p for p in self._places.values() if not p.held] or list(self._places.values())
            place = min(free, key=lambda p: len(p.flying) / p.room)
            if len(place.flying) >= ahead * place.room:
                return
            index, item = self._tally.take()
            mark = f"{self._key}-{next(self._marks)}" if self._whole else None
            try:
                reference = place.remote.remote(self._key, job, item, mark)
            except BaseException:
                self._tally.not_started(index)
                raise
            place.since = place.since if place.flying else time.monotonic()
            place.flying[reference] = mark or ""
            self._flying[reference] = index, place

    def _look(self) -> None:
        """Machines come and go while a map runs."""
        if self._places and time.monotonic() - self._looked < _LOOK_AGAIN:
            return
        self._looked = time.monotonic()
        machines = self._cluster.machines()
        if not machines:
            raise EngineError("engine ray: the cluster must have a machine with a core; all are gone. The same command resumes.")
        if not self._whole:
            cores = sum(m.cores for m in machines)
            room = min(cores, self._most or cores)
            place = self._places.setdefault("all", _Place(self._options(1, 0, None), room))
            place.room = room
            return
        strategy = self._ray.util.scheduling_strategies.NodeAffinitySchedulingStrategy
        for m in machines:
            if m.id not in self._places:
                self._places[m.id] = _Place(self._options(m.cores, m.gpus, strategy(m.id, soft=False)), 1, m.host)
        alive = {m.id for m in machines}
        self._places = {name: place for name, place in self._places.items() if name in alive}
        self._deal_again()

    def _deal_again(self) -> None:
        """Items of machines that do not begin with them, since another program holds a core there, go to machines that do.

        Where no machine begins, the items stay, and it is said once which machines are held: the other program will end.
        """
        now = time.monotonic()
        for place in self._places.values():
            if place.flying:
                place.held = now - place.since >= _PATIENCE and not any(map(begun, place.flying.values()))
            elif now - place.since >= _TRY_AGAIN:
                place.held = False
        held = [p for p in self._places.values() if p.held]
        if held and len(held) == len(self._places):
            if not self._said:
                self._said = True
                hosts = ", ".join(p.host for p in held)
                self._progress.say(
                    f"engine ray: {self._label} needs a whole machine, and none began with it for {_PATIENCE:.0f} s: other programs seem to hold "
                    f"cores or GPUs of {hosts} (ray status shows them). It waits until they end; Ctrl-C stops it."
                )
            return
        for place in held:
            for reference in reversed(place.flying):
                self._tally.not_started(self._flying[reference][0])
            self._cancel(list(place.flying))
            place.flying.clear()
            place.since = now

    def _options(self, cores: int, gpus: int, strategy: Any) -> Any:
        """The remote function for so many cores. Ray itself retries nothing: it would not tell how often an item was started."""
        options = {"scheduling_strategy": strategy} if strategy is not None else {}
        variables = {name: value for name, value in worker_settings(cores).items() if self._cluster.environment.get(name) != value}
        if variables:
            options["runtime_env"] = {"env_vars": variables}  # other settings are other processes, and these take seconds to start
        return self._function.options(num_cpus=cores, num_gpus=gpus, max_retries=0, retry_exceptions=False, name=self._label, **options)

    def _all_landed(self, ready: list[Any]) -> list[Done[Any]]:
        """What ended; a failure among them is the tally's."""
        return [done for reference in ready if (done := self._landed(reference)) is not None]

    def _landed(self, reference: Any) -> Done[Any] | None:
        """The item of a reference that is ready."""
        index, place = self._flying.pop(reference)
        place.flying.pop(reference, None)
        place.since, place.held = time.monotonic(), False
        errors = self._ray.exceptions
        try:
            outcome = self._ray.get(reference)
        except errors.OutOfMemoryError as error:  # Ray killed the worker; others may have taken the memory
            if self._tally.can_shrink():
                outcome = Outcome(Kind.MEMORY, error=error)
            else:
                self._tally.died(index, "killed by Ray for want of memory")
                return None
        except errors.TaskUnschedulableError:
            self._forget(place)
            self._tally.not_started(index)
            return None
        except (errors.WorkerCrashedError, errors.NodeDiedError, errors.LocalRayletDiedError, errors.ObjectLostError) as error:
            self._forget(place)
            self._tally.died(index, f"with {type(error).__name__}")
            return None
        except errors.RuntimeEnvSetupError as error:
            self._tally.fail(EngineError("engine ray: a worker must start with our settings; Ray could not set them up."), error)
            return None
        except errors.RayTaskError as error:  # what the task raised comes as a value; this is its module or its result
            self._tally.fail(error.cause if isinstance(error.cause, Exception) else error)
            return None
        return self._tally.ended(index, outcome)

    def _forget(self, place: _Place) -> None:
        """Its machine may be gone: look before the next item goes there."""
        if self._whole:
            self._places = {name: p for name, p in self._places.items() if p is not place}
        self._looked = 0.0

    def _cancel(self, references: list[Any]) -> None:
        for reference in references:
            self._flying.pop(reference, None)
            try:
                self._ray.cancel(reference, force=True)
            except (self._ray.exceptions.RayError, ConnectionError, ValueError, TypeError):
                continue  # the cluster is gone, and so is the task
