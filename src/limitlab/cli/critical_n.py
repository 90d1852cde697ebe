"""``limitlab critical-n``: how far free embeddings get in each dimension, beside the published numbers."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from limitlab._core.checks import choice, whole
from limitlab._core.errors import InvalidArgument
from limitlab.cli.free import Device, EvaluateEvery, Fresh, LearningRate, MaxSteps, MinDelta, Objective, Patience, Temperature, given
from limitlab.cli.options import EngineName, JsonFlag, Language, Workers, answer, answer_json, parse_dims, save

if TYPE_CHECKING:
    from limitlab.free.result import CriticalNResult
    from limitlab.free.scaling import ScalingFit


def critical_n_command(
    dim: Annotated[str, typer.Option("--dim", help="Dimensions: 12, or 8,12,16, or 4:20 (4:20:4 for steps of 4).")],
    k: Annotated[int, typer.Option("--k", help="Relevant documents a query; every k-subset is a query.")] = 2,
    seeds: Annotated[int, typer.Option("--seeds", help="So many seeds, from --seed on: shows the spread.")] = 1,
    seed: Annotated[int, typer.Option("--seed", help="The first seed of the starting vectors.")] = 42,
    objective: Objective = "infonce",
    min_gap: Annotated[float | None, typer.Option("--min-gap", help="With --objective gap: the certified gap, default 0.001.")] = None,
    start: Annotated[int | None, typer.Option("--start", help="The n that every gallop begins with.")] = None,
    learning_rate: LearningRate = None,
    temperature: Temperature = None,
    patience: Patience = None,
    min_delta: MinDelta = None,
    max_steps: MaxSteps = None,
    evaluate_every: EvaluateEvery = None,
    device: Device = None,
    fresh: Fresh = False,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Also write: .html (report), .json or .csv.")] = None,
    engine: EngineName = None,
    workers: Workers = None,
    language: Language = "en",
    json: JsonFlag = False,
) -> None:
    """Find the critical n: the largest n at which free embeddings hold all k-subsets.

    It measures the optimiser, not what a dimension can hold. --objective gap shows certified n instead: what it can hold at least.
    """
    from limitlab.engine import using
    from limitlab.free.comparison import fit_of

    if output is not None:
        choice("--output", "file type", output.suffix, (".html", ".json", ".csv"))
    dims = parse_dims(dim) or []
    command = ["limitlab", *sys.argv[1:]]
    options = given(
        learning_rate=learning_rate,
        temperature=temperature,
        patience=patience,
        min_delta=min_delta,
        max_steps=max_steps,
        evaluate_every=evaluate_every,
        device=device,
    )
    if objective == "gap":
        if engine is not None or workers is not None:
            raise InvalidArgument(
                "--engine, --workers: go with objectives that are optimised; --objective gap shows what is proved. Leave them out."
            )
        if seeds != 1 or start is not None or fresh:
            options |= given(seeds=seeds if seeds != 1 else None, start=start, fresh=fresh or None)
        result = _certified(dims, k, min_gap, command, options)
    else:
        if min_gap is not None:
            raise InvalidArgument("--min-gap: goes with --objective gap; the protocol's objectives maximise no gap. Leave it out.")
        with using(engine, workers):
            result = _measured(dims, k, _seeds(seed, seeds), start, fresh, command, {"objective": objective, **options})
    fit = fit_of(result)
    if output is not None:
        _write(result, output, language)
    _show(result, fit, json)
    raise typer.Exit({"solved": 0, "failed": 1}.get(result.status.key, 3))


def _seeds(first: int, count: int) -> range:
    whole("critical-n", "--seeds", count, low=1, high=1_000)
    whole("critical-n", "--seed", first, low=0)
    return range(first, first + count)


def _measured(
    dims: list[int], k: int, seeds: range, start: int | None, fresh: bool, command: list[str], options: dict[str, Any]
) -> CriticalNResult:
    from limitlab.cli.live import LiveRows
    from limitlab.free.critical_n import critical_n

    with LiveRows(several=len(seeds) > 1) as live:
        return critical_n(dims, k, seeds=seeds, start=start, reuse=not fresh, command=command, on_update=live.update, **options)


def _certified(dims: list[int], k: int, min_gap: float | None, command: list[str], options: dict[str, Any]) -> CriticalNResult:
    from limitlab.free.certified import certified_curve

    if options:
        names = ", ".join("--" + name.replace("_", "-") for name in options)
        raise InvalidArgument(f"--objective gap: shows certified n and optimises nothing; got {names}. See: limitlab free --objective gap")
    return certified_curve(dims, k, min_gap=1e-3 if min_gap is None else min_gap, command=command)


def _with_any_gap(result: CriticalNResult) -> CriticalNResult:
    """For the page: the rows of any positive gap beside those of the gap asked for, as everywhere else."""
    from limitlab.reproduce.critical_n import with_certified

    return (
        with_certified(result, min_gap=float(result.config.get("min_gap") or 1e-3)) if result.config.get("objective") == "gap" else result
    )


def _write(result: CriticalNResult, output: Path, language: str) -> None:
    from limitlab._core.files import write_text
    from limitlab.free.comparison import as_csv

    if output.suffix == ".csv":
        write_text(output, as_csv(result))
    elif output.suffix == ".json":
        save(output, result.to_dict())
    else:
        from limitlab.report.critical_n_page import write_critical_n_report

        write_critical_n_report(_with_any_gap(result), output, language=language)


def _show(result: CriticalNResult, fit: ScalingFit | None, json: bool) -> None:
    from limitlab.cli.free_tables import critical_n_table, fit_text
    from limitlab.free.comparison import by_dimension

    if json:
        summaries = [s.to_dict() for s in by_dimension(result)]
        answer_json({**result.to_dict(), "summaries": summaries, "fit": None if fit is None else fit.to_dict()})
        return
    answer(critical_n_table(result))
    if fit is not None:
        answer("")
        answer(fit_text(fit, k=result.rows[0].k))
    if result.run_ids:
        answer(f"run {result.run_ids[0]}. Next: limitlab report {result.run_ids[0]} -o report.html")
