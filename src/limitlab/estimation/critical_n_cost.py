"""What ``limitlab critical-n`` costs: the search is played with a known outcome, every trial has its steps, every step its seconds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import comb

from limitlab._core.checks import whole
from limitlab._core.errors import InvalidArgument
from limitlab.estimation.diagnose_cost import start_part
from limitlab.estimation.machine import MachineProfile
from limitlab.estimation.part import Bytes, Part
from limitlab.estimation.sizes import WHO
from limitlab.free.gallop import first_size, gallop
from limitlab.free.problem import MAX_MEMBERS
from limitlab.published.tables import critical_n_cubic

# Steps of one trial, measured on 119 trials with d = 4..14, k = 2 and d = 4..8, k = 3: far below the critical n, near it, and above it.
STEPS_FAR, STEPS_NEAR, STEPS_UNSOLVED = 250, 1_900, 4_900
NEAR = 0.85  # of the critical n, from which a trial counts as near it
STEPS_LOW, STEPS_HIGH = 0.6, 1.6  # the sum over the trials of one dimension, as multiples of the expected one; measured
SHARED_FROM = 1_000_000  # multiplications of a step from which cores share it; see free/optimise.py
STRIPS, BLOCK = 32, 64  # see FreeProblem.memory_bytes
GIVEN_UP = 4  # attempts at least that are played for a dimension whose problems are refused


@dataclass(frozen=True)
class Sweep:
    """What is asked of ``critical-n``.

    Attributes
    ----------
    dims
        Ascending.
    k
        Relevant documents of a query.
    seeds
        How many.
    expected
        Critical n by dimension; None: the published cubic, for k = 2.
    max_steps
        Steps of a trial at most.
    """

    dims: tuple[int, ...]
    k: int = 2
    seeds: int = 1
    expected: Callable[[int], float] | None = None
    max_steps: int = 100_000

    def __post_init__(self) -> None:
        whole(WHO, "--k", self.k, low=1, high=10**6)
        whole(WHO, "--seeds", self.seeds, low=1, high=1_000)
        whole(WHO, "--max-steps", self.max_steps, low=1)
        if self.k != 2 and self.expected is None:
            raise InvalidArgument(
                f"{WHO} critical-n: with --k other than 2 nothing published says where critical n lies; got --k {self.k}. Give --n-docs, your guess."
            )

    def critical(self, dim: int) -> int:
        """Where the search is assumed to end."""
        value = critical_n_cubic(dim) if self.expected is None else self.expected(dim)
        return max(self.k + 1, round(value))


@dataclass(frozen=True)
class Trials:
    """The trials of one dimension and seed: those of the gallop one after another, those of the sweep side by side; (n, solved) each."""

    dim: int
    alone: tuple[tuple[int, bool], ...]
    together: tuple[tuple[int, bool], ...]
    refused: bool


def work_of_step(n_docs: int, k: int, dim: int) -> float:
    """Multiplications of one step's three products; see ``limitlab.free.cpu.work_of``."""
    return 3.0 * comb(n_docs, k) * n_docs * dim


def memory_of(n_docs: int, k: int, dim: int, cores: int) -> float:
    """Bytes of one optimisation beside its relevance; see ``FreeProblem.memory_bytes``."""
    return 4.0 * (5 * (comb(n_docs, k) + n_docs) * dim + STRIPS * n_docs * dim + cores * 2 * BLOCK * n_docs)


def played(sweep: Sweep, memory_limit: float, cores: int) -> list[Trials]:
    """Every dimension's trials, as the search makes them when n is solved up to the critical n and no further."""
    earlier: list[tuple[int, int]] = []
    out = []
    for dim in sweep.dims:
        limit = sweep.critical(dim)
        alone: list[tuple[int, bool]] = []
        together: list[tuple[int, bool]] = []
        search = gallop(first_size(dim, sweep.k, earlier), sweep.k + 1)
        wanted, refused = next(search), False
        while True:
            if any(not _fits(n, sweep.k, dim, memory_limit, cores) for n in wanted):
                refused = True
                break
            outcomes = {n: n <= limit for n in wanted}
            (alone if len(wanted) == 1 else together).extend(outcomes.items())
            try:
                wanted = search.send(outcomes)
            except StopIteration:
                break
        out.append(Trials(dim, tuple(alone), tuple(together), refused))
        if not refused:
            earlier.append((dim, limit))
    return out


def _fits(n: int, k: int, dim: int, memory_limit: float, cores: int) -> bool:
    if min(k, n - k) >= 32 or comb(n, k) * k > MAX_MEMBERS:
        return False
    return memory_of(n, k, dim, cores) <= memory_limit


def steps_of(n: int, solved: bool, limit: int, most: int) -> int:
    """Steps of one trial."""
    steps = STEPS_UNSOLVED if not solved else STEPS_NEAR if n >= NEAR * limit else STEPS_FAR
    return min(steps, most)


def critical_n_parts(sweep: Sweep, machine: MachineProfile, *, workers: int) -> tuple[list[Part], list[Trials]]:
    """(parts, trials): seconds of one core by dimension, over the cores that can be busy at one time."""
    trials = played(sweep, 0.75 * machine.memory_bytes, machine.cores)
    busy = {"gallop": 0.0, "sweep": 0.0}
    counts = {"gallop": 0, "sweep": 0}
    multiplications = {"gallop": 0.0, "sweep": 0.0}
    for one in trials:
        limit = sweep.critical(one.dim)
        for name, group, asked in (("gallop", one.alone, sweep.seeds), ("sweep", one.together, sweep.seeds * len(one.together))):
            for n, solved in group:
                work = work_of_step(n, sweep.k, one.dim)
                steps = steps_of(n, solved, limit, sweep.max_steps)
                at_once = _at_once(machine, work, asked, workers)
                busy[name] += sweep.seeds * steps * machine.step_seconds(work) / at_once
                multiplications[name] += sweep.seeds * steps * work
                counts[name] += sweep.seeds
    parts = [
        Part(
            f"{name}: {counts[name]:,} optimisations", "sum of steps x 3 x C(n, k) x n x dim", multiplications[name], "multiplications",
            multiplications[name] / busy[name], "steps",
            "the published cubic says where searches end; steps a trial as measured at small d: "
            f"{STEPS_FAR:,} far below, {STEPS_NEAR:,} near, {STEPS_UNSOLVED:,} above the critical n" if sweep.expected is None else
            "searches end at --n-docs; steps a trial as measured at small d", low=STEPS_LOW, high=STEPS_HIGH,
        )
        for name in busy if busy[name] > 0
    ]  # fmt: skip
    return [*parts, start_part(machine)], trials


def _at_once(machine: MachineProfile, work: float, trials: int, workers: int) -> float:
    """How many cores' work is done at one time: trials beside each other, or, where they are fewer, cores that share a large step."""
    side_by_side = min(trials, workers)
    shared = machine.shared_step if work >= SHARED_FROM and workers >= machine.cores else 1.0
    return float(max(side_by_side, shared))


def critical_n_bytes(sweep: Sweep, machine: MachineProfile, trials: Sequence[Trials]) -> list[Bytes]:
    """The largest optimisations that run side by side."""
    sizes = [(n, t.dim) for t in trials for n, _ in (*t.alone, *t.together)]
    largest = max((memory_of(n, sweep.k, d, machine.cores) + comb(n, sweep.k) * (4.0 * sweep.k + 8) for n, d in sizes), default=0.0)
    together = min(machine.cores, max(1, sweep.seeds))
    return [
        Bytes("memory", "libraries", "measured", machine.start_bytes),
        Bytes("memory", "vectors, moments, gradients, subsets", f"{together} x the largest problem", together * largest),
    ]
