"""The least dimension in which an optimisation holds a relevance matrix: an upper bound, never a lower one."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from limitlab._core.checks import whole
from limitlab._core.errors import RangeError, UnknownName
from limitlab._core.files import content_hash
from limitlab._core.progress import SILENT, Progress
from limitlab._core.status import Status
from limitlab.free.config import FreeConfig
from limitlab.free.critical_n import OPTIONS
from limitlab.free.optimise import device_for, free_embed_many
from limitlab.free.problem import FreeProblem
from limitlab.free.result import FreeResult
from limitlab.free.stored import finite, run_of_kind, settings_of
from limitlab.ledger import Cell, Ledger, running

SCHEMA = "limitlab.free-dimensions/1"
KIND = "free"


@dataclass(frozen=True)
class LeastDimension:
    """Optimisations of one relevance matrix in several dimensions, ascending, up to the first that was solved.

    Attributes
    ----------
    status, message
        SOLVED: some dimension holds the matrix. NOT_SOLVED: none of those tried was solved, which proves nothing.
    results
        One a dimension tried; the last one is the solved one, if any.
    """

    status: Status
    message: str
    results: tuple[FreeResult, ...]
    run_ids: tuple[str, ...] = ()
    config: dict[str, Any] = field(default_factory=dict)
    provenance: dict[str, Any] = field(default_factory=dict)

    @property
    def solved(self) -> FreeResult | None:
        """The result of the least dimension that was solved."""
        return next((r for r in self.results if r.solved), None)

    @property
    def dim(self) -> int | None:
        """The least dimension solved: an upper bound on the row-wise order-preserving rank."""
        return None if self.solved is None else self.solved.dim

    @property
    def sign_rank_upper(self) -> int | None:
        """``dim + 1``, an upper bound on the sign rank [Weller2025, Proposition 2]."""
        return None if self.dim is None else self.dim + 1

    def to_dict(self) -> dict[str, Any]:
        """Plain values with a schema version; vectors are left out."""
        plain = {"status": self.status.key, "message": self.message, "dim": self.dim, "sign_rank_upper": self.sign_rank_upper}
        about = {"run_ids": list(self.run_ids), "config": self.config, "provenance": self.provenance}
        return {"schema": SCHEMA, **plain, "results": [_plain(r) for r in self.results], **about}


def least_dimension(
    problem: FreeProblem,
    dims: Sequence[int],
    *,
    ledger: Ledger | None = None,
    reuse: bool = True,
    title: str | None = None,
    about: dict[str, Any] | None = None,
    command: Sequence[str] | None = None,
    on_result: Callable[[FreeResult], None] | None = None,
    progress: Progress = SILENT,
    **options: Any,
) -> LeastDimension:
    """Optimise in ascending dimensions until one is solved.

    Parameters
    ----------
    problem
        The relevance matrix and the seed.
    dims
        Dimensions to try, >= 1. Those above the first solved one are not tried.
    ledger, reuse
        Where results and vectors are kept (default: LIMITLAB_HOME), and whether results that ended by their own rule are taken
        again.
    about
        Facts about the matrix for the run's record.
    options
        Fields of FreeConfig without dim and seed.

    Returns
    -------
    LeastDimension. A loss that became NaN ends it with status FAILED.

    Raises
    ------
    InvalidArgument, TooLarge
        Before anything is allocated.

    References
    ----------
    [Weller2025]
    """
    who = "least_dimension()"
    wanted = sorted({whole(who, "dim", d, low=1) for d in dims})
    if not wanted:
        raise RangeError(f"{who}: dims must have at least one dimension; got none.")
    for name in options:
        if name not in OPTIONS:
            raise UnknownName.of(who, "option", name, OPTIONS, hint="The seed is the problem's.")
    configs = [FreeConfig(d, seed=problem.seed, **options) for d in wanted]
    for config in configs:
        problem.check_memory(who, config.dim)
    ledger = ledger or Ledger()
    size = {"n_docs": problem.n_docs, "n_queries": problem.n_queries, "n_relevant": problem.n_relevant, "k": problem.k}
    common = {name: value for name, value in settings_of(configs[0]).items() if name != "dim"}
    record = {**size, "dims": wanted, "seed": problem.seed, "free": common, **(about or {}), "command": list(command) if command else None}
    title = title or f"{problem.n_docs:,} documents, {problem.n_queries:,} queries, {common['objective']}"
    results: list[FreeResult] = []
    with running(ledger, KIND, title, record) as run:
        for config in configs:
            results.append(_one(problem, config, ledger, run.id, reuse, progress))
            if on_result is not None:
                on_result(results[-1])
            if results[-1].status is not Status.NOT_SOLVED:
                break
        run.ended(*_ending(results))
    return LeastDimension(run.status, run.message, tuple(results), (run.id,), record, run.provenance)


def _one(problem: FreeProblem, config: FreeConfig, ledger: Ledger, run_id: str, reuse: bool, progress: Progress) -> FreeResult:
    """One dimension, from the ledger or optimised."""
    digest = hashlib.sha256(problem.indptr.tobytes() + problem.members.tobytes()).hexdigest()
    place = {"what": "relevance", "content": digest, "n_docs": problem.n_docs, "seed": problem.seed}
    key = content_hash({**place, "settings": settings_of(config, device_for(problem, config))}, length=32)
    cell = ledger.finished(key) if reuse else None
    if cell is None:
        result = _embedded(problem, config, progress)
        vectors = {"docs": result.docs, "queries": result.queries}
        kept = result.solved and result.docs is not None
        artefact = ledger.artefacts.put({n: v for n, v in vectors.items() if v is not None}) if kept else None
        cell = Cell(key, result.status, result.message, {"part": "free", **_plain(result)}, artefact)
    else:
        result = _result(cell, ledger)
    ledger.add_cell(run_id, cell)
    return result


def _embedded(problem: FreeProblem, config: FreeConfig, progress: Progress) -> FreeResult:
    """One optimisation, by the protocol's loop or, for the objective gap, by the annealed one."""
    if config.objective == "gap":
        from limitlab.free.gap import maximise_gap

        return maximise_gap(problem, config, start=config.start, until=config.until, seconds=config.seconds, progress=progress)
    return free_embed_many([problem], config, progress=progress)[0]


def _plain(result: FreeResult) -> dict[str, Any]:
    """A result as JSON: NaN and infinity become null."""
    record = result.to_dict()
    curve = [p for p in record["curve"] if finite(p[1]) is not None]
    return {**record, "loss": finite(result.loss), "gap": finite(result.gap), "curve": curve}


def _result(cell: Cell, ledger: Ledger) -> FreeResult:
    """The inverse of ``_plain``, with the vectors where they are kept."""
    values = {name: value for name, value in cell.record.items() if name not in ("schema", "part")}
    vectors = ledger.artefacts.get(cell.artefact) if cell.artefact is not None else {}
    curve = tuple((int(s), float(x), int(h)) for s, x, h in values["curve"])
    return FreeResult(**{**values, "status": cell.status, "curve": curve, **vectors})


def load_least_dimension(run_id: str = "last", *, ledger: Ledger | None = None) -> LeastDimension:
    """A stored run of ``least_dimension``, vectors included, by run id, a unique start of one, or "last" for the newest of its kind.

    Raises
    ------
    UnknownName
        There is no such run.
    DataError
        The run is of another kind.
    """
    ledger = ledger or Ledger()
    run = run_of_kind("load_least_dimension()", ledger, run_id, KIND)
    results = tuple(_result(c, ledger) for c in ledger.cells(run.id) if c.record.get("part") == "free")
    return LeastDimension(run.status, run.message, results, (run.id,), run.config, run.provenance)


def _ending(results: Sequence[FreeResult]) -> tuple[Status, str]:
    last = results[-1]
    if last.status is Status.SOLVED:
        return Status.SOLVED, f"Held in {last.dim} dimensions: every query has exactly its relevant documents on top."
    if last.status is Status.NOT_SOLVED:
        tried = ", ".join(str(r.dim) for r in results)
        return Status.NOT_SOLVED, f"Not solved by this optimisation in {tried} dimensions; that is no proof of impossibility."
    return last.status, f"d = {last.dim}: {last.message}"
