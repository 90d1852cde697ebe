"""With what the work is done: an engine, its machines and cores, prices; and how many of them a verb keeps busy."""

from __future__ import annotations

import re
from dataclasses import dataclass

from limitlab._core.checks import real, whole
from limitlab._core.errors import InvalidArgument, UnknownName
from limitlab.engine.choosing import NAMES
from limitlab.estimation.machine import MachineProfile
from limitlab.estimation.sizes import WHO

ONE_CORE_TASKS = ("critical-n",)  # verbs whose tasks have one core each; all others work with whole machines


@dataclass(frozen=True)
class Means:
    """With what the work is done.

    Attributes
    ----------
    workers
        Tasks of one core at one time, of verbs that have such (ONE_CORE_TASKS); None: one a core.
    engine
        local, local:WORKERS, ray or ray://HOST:PORT: only said, nothing is started.
    price_per_hour
        Of one machine like the measured one.
    price_per_million
        Of a million tokens, for services whose retriever names no price.
    machines
        Machines like the measured one, on ray; None: one, or as many as have ``workers`` cores.
    """

    workers: int | None = None
    engine: str = "local"
    price_per_hour: float | None = None
    price_per_million: float | None = None
    machines: int | None = None

    def __post_init__(self) -> None:
        for name, value in (("--workers", self.workers), ("--machines", self.machines)):
            if value is not None:
                whole(WHO, name, value, low=1, high=10**6)
        local = re.fullmatch(r"local(?::([1-9]\d{0,5}))?", self.engine)
        if local is None and self.engine != "ray" and not self.engine.startswith("ray://"):
            raise UnknownName.of(WHO, "engine", self.engine, NAMES)
        if local is not None and local[1] is not None:
            if self.workers not in (None, int(local[1])):
                raise InvalidArgument(f"{WHO}: --workers must be given once; got --engine {self.engine} and --workers {self.workers}.")
            object.__setattr__(self, "workers", int(local[1]))
        if local is not None and self.machines not in (None, 1):
            raise InvalidArgument(
                f"{WHO}: --machines must come with --engine ray, since local is one machine; got --engine {self.engine} "
                f"--machines {self.machines}."
            )
        for name, price in (("--price-per-hour", self.price_per_hour), ("--price-per-million", self.price_per_million)):
            if price is not None:
                real(WHO, name, price, low=0, high=1e9)

    @property
    def local(self) -> bool:
        """Whether one machine does it all."""
        return self.engine.startswith("local")

    def of(self, verb: str, machine: MachineProfile) -> Spread:
        """What of it a verb keeps busy.

        Raises
        ------
        InvalidArgument
            There are more workers than cores, or workers are named where only machines count.
        """
        own, one_core = machine.cores, verb in ONE_CORE_TASKS
        if not self.local and not one_core and self.machines is None and self.workers is not None:
            raise InvalidArgument(
                f"{WHO} {verb}: --machines must say how many machines share the work on ray, each with all its cores; "
                f"got --workers {self.workers:,} alone."
            )
        machines = self.machines or (1 if self.local or self.workers is None else -(-self.workers // own))
        if self.workers is not None and self.workers > machines * own:
            raise InvalidArgument(
                f"{WHO} {verb}: --workers must be at most the number of cores, {machines * own:,} on {_machines(machines)}; "
                f"got {self.workers:,}. For more: --engine ray --machines N."
            )
        workers = machines * own if self.workers is None or not one_core else self.workers
        return Spread(workers, machines, unused=self.workers is not None and not one_core)


@dataclass(frozen=True)
class Spread:
    """Cores busy at one time, machines like the measured one, and whether a number of workers was named that changes nothing."""

    workers: int
    machines: int
    unused: bool

    def notes(self, verb: str) -> list[str]:
        """What a reader must know of it."""
        out = []
        if self.unused:
            out.append(
                f"--workers changes nothing: {verb} works with all cores of a machine; its tasks of one core are those of critical-n"
            )
        if self.machines > 1:
            out.append(
                f"{_machines(self.machines)} like the measured one; their network is not in the time; "
                "parts that one process does alone are not divided"
            )
        return out


ONE_MACHINE = Means()


def _machines(count: int) -> str:
    return "1 machine" if count == 1 else f"{count:,} machines"
