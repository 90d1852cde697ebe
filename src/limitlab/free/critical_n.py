"""The critical n by the protocol of the paper: gallop, bisect, sweep, for several seeds and dimensions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, fields
from math import comb
from typing import Any

from limitlab._core.checks import whole
from limitlab._core.errors import InvalidArgument, RangeError, TooLarge, UnknownName
from limitlab._core.progress import SILENT, Progress
from limitlab._core.status import Status
from limitlab.engine import Engine, elsewhere, using
from limitlab.free.apart import optimised_apart
from limitlab.free.config import FreeConfig
from limitlab.free.gallop import Search, first_size, gallop
from limitlab.free.optimise import device_for, free_embed_many
from limitlab.free.problem import FreeProblem
from limitlab.free.result import CriticalN, CriticalNResult, FreeResult, Trial
from limitlab.free.stored import (
    KIND,
    Curve,
    chosen_curves,
    failed_trial,
    in_order,
    row_cell,
    settings_of,
    thinned,
    trial_cell,
    trial_in,
    trial_key,
    trial_of,
)
from limitlab.ledger import Ledger, running

OPTIONS = tuple(f.name for f in fields(FreeConfig) if f.name not in ("dim", "seed"))


def critical_n(
    dim: int | Sequence[int],
    k: int = 2,
    *,
    seeds: Sequence[int] = (42,),
    start: int | None = None,
    ledger: Ledger | None = None,
    reuse: bool = True,
    title: str | None = None,
    command: Sequence[str] | None = None,
    on_update: Callable[[CriticalN], None] | None = None,
    engine: str | Engine | None = None,
    progress: Progress = SILENT,
    **options: Any,
) -> CriticalNResult:
    """The largest n at which free embeddings of all k-subsets were solved: a measurement of an optimiser, no capacity limit.

    From a start n the search gallops, bisects, and sweeps n - 4 .. n + 5 around what it found. Seeds are searched side by
    side, dimensions in ascending order. Every optimisation is a cell of the ledger: a command that was stopped or killed
    continues with those it has.

    Parameters
    ----------
    dim
        One dimension or several, >= 1.
    k
        Relevant documents of every query, >= 1.
    seeds
        Of the starting vectors; the published numbers are one seed.
    start
        Where every gallop begins; None: on the line through the same seed's results in the two dimensions before, or 2 dim.
    ledger, reuse
        Where trials are kept (default: LIMITLAB_HOME), and whether those that ended by their own rule are taken again.
    on_update
        Called with each row whenever one of its trials ends (status RUNNING) and when it is finished.
    engine
        Where optimisations run: "local", "ray", "ray://HOST:PORT", or an Engine; on Ray each (dimension, n, seed) is a task. The
        numbers are the same everywhere. None: as it is, see ``limitlab.engine.using``.
    options
        Fields of FreeConfig: objective, learning_rate, temperature, patience, min_delta, max_steps, evaluate_every, device.

    Returns
    -------
    CriticalNResult with one row per (dim, seed). A row whose loss became NaN, or that does not fit into memory, is FAILED;
    the others go on.

    Raises
    ------
    InvalidArgument
        Before anything runs.
    MissingExtra
        The device needs a package that is not installed.

    References
    ----------
    [Weller2025]

    Examples
    --------
    >>> import limitlab as ll
    >>> ll.critical_n(8, seeds=range(5))  # doctest: +SKIP
    """
    who = "critical_n()"
    dims = sorted({whole(who, "dim", d, low=1) for d in ([dim] if not isinstance(dim, Sequence) else dim)})
    k = whole(who, "k", k, low=1)
    chosen = list(dict.fromkeys(whole(who, "seed", s, low=0) for s in seeds))
    if not dims or not chosen:
        raise RangeError(f"{who}: dim and seeds must have at least one value; got {len(dims)} and {len(chosen)}.")
    if start is not None:
        start = whole(who, "start", start, low=k + 1)
    for name in options:
        if name not in OPTIONS:
            raise UnknownName.of(who, "option", name, OPTIONS, hint="Seeds are given as seeds=.")
    configs = [FreeConfig(d, **options) for d in dims]
    if configs[0].objective == "gap":
        raise InvalidArgument(
            f"{who}: objective must be one that the protocol minimises; got 'gap'. Use certified_curve() for certified n."
        )
    with using(engine):
        search = _Search(configs, k, chosen, start, ledger or Ledger(), reuse, on_update, progress)
        return search.run(title, command)


@dataclass
class _Search:
    configs: list[FreeConfig]
    k: int
    seeds: list[int]
    start: int | None
    ledger: Ledger
    reuse: bool
    on_update: Callable[[CriticalN], None] | None
    progress: Progress
    run_id: str = ""
    rows: list[CriticalN] = field(default_factory=list)
    curves: dict[tuple[int, int | None, int], Curve] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=lambda: {"trials_run": 0, "trials_reused": 0})

    def run(self, title: str | None, command: Sequence[str] | None) -> CriticalNResult:
        dims = [c.dim for c in self.configs]
        common = {name: value for name, value in settings_of(self.configs[0]).items() if name != "dim"}
        about = {"dims": dims, "k": self.k, "seeds": self.seeds, "start": self.start, "free": common}
        about["command"] = list(command) if command else None
        span = f"{dims[0]}" if len(dims) == 1 else f"{dims[0]}..{dims[-1]}"
        title = title or f"critical n, d = {span}, k = {self.k}, {common['objective']}"
        with running(self.ledger, KIND, title, about, more=lambda: dict(self.counts)) as run:
            self.run_id = run.id
            for config in self.configs:
                self._dimension(config)
            run.ended(*_ending(self.rows))
        rows = in_order(self.rows)
        return CriticalNResult(rows, (run.id,), run.status, run.message, about, run.provenance, chosen_curves(rows, self.curves))

    def _dimension(self, config: FreeConfig) -> None:
        """All seeds of one dimension, each with its own search; what they ask for at one time is tried together."""
        trials: dict[int, dict[int, Trial]] = {seed: {} for seed in self.seeds}
        searches: dict[int, Search] = {seed: gallop(self._first(config.dim, seed), self.k + 1) for seed in self.seeds}
        wanted = {seed: next(search) for seed, search in searches.items()}
        while wanted:
            self._try(config, [(n, seed) for seed, sizes in wanted.items() for n in sizes], trials)
            asked, wanted = wanted, {}
            for seed, sizes in asked.items():
                came = {n: trials[seed][n] for n in sizes}
                broken = next((t for t in came.values() if t.status not in (Status.SOLVED, Status.NOT_SOLVED)), None)
                try:
                    if broken is None:
                        wanted[seed] = searches[seed].send({n: t.status is Status.SOLVED for n, t in came.items()})
                        continue
                except StopIteration:
                    pass
                self._finish(config, row_of(config, self.k, seed, trials[seed].values()))

    def _first(self, dim: int, seed: int) -> int:
        if self.start is not None:
            return self.start
        earlier = [(r.dim, r.critical_n) for r in self.rows if r.seed == seed and r.critical_n is not None]
        return first_size(dim, self.k, earlier)

    def _finish(self, config: FreeConfig, row: CriticalN) -> None:
        self.rows.append(row)
        self.ledger.add_cell(self.run_id, row_cell(row, settings_of(config)))
        if self.on_update is not None:
            self.on_update(row)

    # -- trials --------------------------------------------------------------------------------------------------

    def _try(self, config: FreeConfig, wanted: list[tuple[int, int]], trials: dict[int, dict[int, Trial]]) -> None:
        """Put the outcome of every (n, seed) into ``trials``: from the ledger, or by optimising what is missing."""

        def came(n: int, seed: int, key: str, trial: Trial, curve: Curve) -> None:
            self.ledger.add_cell(self.run_id, trial_cell(key, config, self.k, seed, trial, curve))
            trials[seed][n] = trial
            self.curves[config.dim, seed, n] = thinned(curve)
            if self.on_update is not None:
                self.on_update(row_of(config, self.k, seed, trials[seed].values(), running=True))

        missing, keys = [], {}
        for n, seed in wanted:
            try:
                problem = FreeProblem.all_subsets(n, self.k, seed=seed)
            except TooLarge as error:
                came(n, seed, "", failed_trial(n, self.k * comb(n, self.k), str(error)), ())
                continue
            keys[n, seed] = key = trial_key(config, device_for(problem, config), n, self.k, seed)
            cell = self.ledger.finished(key) if self.reuse else None
            if cell is None:
                missing.append(problem)
            else:
                self.counts["trials_reused"] += 1
                came(n, seed, key, *trial_in(cell))

        def optimised(problem: FreeProblem, result: FreeResult) -> None:
            self.counts["trials_run"] += 1
            pair = (problem.n_docs, problem.seed)
            came(*pair, keys[pair], trial_of(result), result.curve)

        def refused(problem: FreeProblem, error: TooLarge) -> None:
            pair = (problem.n_docs, problem.seed)
            came(*pair, keys[pair], failed_trial(problem.n_docs, problem.n_relevant, str(error)), ())

        self._optimise(config, missing, optimised, refused)

    def _optimise(
        self,
        config: FreeConfig,
        problems: list[FreeProblem],
        optimised: Callable[[FreeProblem, FreeResult], None],
        refused: Callable[[FreeProblem, TooLarge], None],
    ) -> None:
        """Optimise problems together; where one of them is refused, one by one, so that it does not take others with it."""
        if not problems:
            return
        engine = elsewhere()
        if engine is not None and (apart := [p for p in problems if device_for(p, config) == "cpu"]):
            for at, found in optimised_apart(engine, apart, config, progress=self.progress):
                if isinstance(found, TooLarge):
                    refused(apart[at], found)
                else:
                    optimised(apart[at], found)
            problems = [p for p in problems if p not in apart]
            return self._optimise(config, problems, optimised, refused)
        done: set[int] = set()

        def on_result(index: int, result: FreeResult) -> None:
            done.add(index)
            optimised(problems[index], result)

        try:
            free_embed_many(problems, config, progress=self.progress, on_result=on_result)
        except TooLarge as error:
            if len(problems) == 1:
                refused(problems[0], error)
                return
            for index, problem in enumerate(problems):
                if index not in done:
                    self._optimise(config, [problem], optimised, refused)


def row_of(config: FreeConfig, k: int, seed: int, trials: Any, *, running: bool = False) -> CriticalN:
    """What the trials of one dimension and seed say, so far or in the end."""
    ordered = tuple(sorted(trials, key=lambda t: t.n_docs))
    solved = [t for t in ordered if t.status is Status.SOLVED]
    unsolved = [t.n_docs for t in ordered if t.status is Status.NOT_SOLVED]
    broken = next((t for t in ordered if t.status not in (Status.SOLVED, Status.NOT_SOLVED)), None)
    best = solved[-1] if solved else None
    least_failed = unsolved[0] if unsolved else None
    if broken is not None:
        status, message = Status.FAILED, f"n = {broken.n_docs}: {broken.message}"
    elif best is None:
        status = Status.NOT_SOLVED
        message = f"No n down to {ordered[0].n_docs} was solved by the optimisation; that is no proof of impossibility."
    else:
        status = Status.SOLVED
        message = f"{len(ordered)} n tried; the largest solved is {best.n_docs}, the least not solved {least_failed}."
        if best is ordered[-1]:
            message = f"{len(ordered)} n tried; the largest, {best.n_docs}, was solved: larger n may be."
    if running:
        status, message = Status.RUNNING, f"{len(ordered)} n tried so far."
    return CriticalN(
        dim=config.dim,
        k=k,
        seed=seed,
        objective=config.objective,
        status=status,
        message=message,
        critical_n=best.n_docs if best is not None and broken is None else None,
        least_failed=least_failed,
        trials=ordered,
        gap=best.gap if best is not None and broken is None else None,
        seconds=sum(t.seconds for t in ordered),
    )


def _ending(rows: Sequence[CriticalN]) -> tuple[Status, str]:
    """Status and message of a whole search."""
    without = [r for r in rows if r.status is not Status.SOLVED]
    if not without:
        return Status.SOLVED, Status.SOLVED.value
    status = Status.FAILED if any(r.status is Status.FAILED for r in without) else Status.NOT_SOLVED
    first = next(r for r in without if r.status is status)
    return status, f"{len(without)} of {len(rows)} rows have no number: d = {first.dim}, seed {first.seed}: {first.message}"
