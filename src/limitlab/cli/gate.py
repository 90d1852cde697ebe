"""``limitlab gate``: an evaluation that fails when it is not good enough, for continuous integration."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from limitlab._core.checks import real
from limitlab._core.errors import InvalidArgument
from limitlab.cli.diagnosis_options import GateIndex, GateRun, GateType, MaxLosses
from limitlab.cli.gate_losses import Served, loss_report
from limitlab.cli.options import Dims, JsonFlag, answer, answer_json, parse_dims
from limitlab.cli.progress import Bars

Minima = Annotated[
    list[str],
    typer.Option(
        "--min", help="recall@10=0.9: the least mean of every row; bm25:recall@10=0.9 or minilm@128:recall@10=0.9: of these. Repeat."
    ),
]


def gate_command(
    dataset: Annotated[
        list[str], typer.Argument(help="Dataset folders (BEIR, LIMIT, HF / MTEB layout), or hf:owner/name.", metavar="DATASET...")
    ],
    model: Annotated[list[str], typer.Option("--model", "-m", help="Retrievers, named as for eval. Repeat for more.")],
    minimum: Minima = [],  # noqa: B006
    max_tie_rate: Annotated[
        float | None, typer.Option("--max-tie-rate", help="Greatest share of queries whose measures depend on the order of equal scores.")
    ] = None,
    baseline: Annotated[
        str | None, typer.Option("--baseline", help="A stored evaluation (run id, unique start, last): no significant paired drop from it.")
    ] = None,
    alpha: Annotated[float, typer.Option("--alpha", help="A drop is significant below this p-value, adjusted for all comparisons.")] = 0.05,
    measure: Annotated[
        list[str],
        typer.Option(
            "--measure", help="Also evaluate, and compare with the baseline; default: the measures of --min, or recall@10. Repeat."
        ),
    ] = [],  # noqa: B006
    max_loss: MaxLosses = [],  # noqa: B006
    k: Annotated[int, typer.Option("--k", help="The cut, for --max-loss.")] = 10,
    dtype: GateType = None,
    query_dtype: Annotated[str, typer.Option("--query-dtype", help="Served queries, for --max-loss.")] = "float32",
    index: GateIndex = None,
    run: GateRun = None,
    dim: Dims = None,
    ties: Annotated[str, typer.Option("--ties", help="trec, st, worst, best or expected.")] = "trec",
    min_relevance: Annotated[int, typer.Option("--min-relevance", help="The grade from which a document counts as relevant.")] = 1,
    precision: Annotated[str, typer.Option("--precision", help="auto, float32, bfloat16 or float16: of document vectors.")] = "auto",
    split: Annotated[str, typer.Option("--split", help="Which qrels: test, dev, train.")] = "test",
    qrels: Annotated[Path | None, typer.Option("--qrels", help="Another qrels file.")] = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="Measure again what the ledger has already.")] = False,
    json: JsonFlag = False,
) -> None:
    """Evaluate, and exit with 3 when a limit is not met or a measure has dropped from the baseline."""
    from limitlab.data import load
    from limitlab.evaluation import evaluate, gate, parse_measures

    minima = _conditions(minimum, max_tie_rate, baseline, alpha, max_loss)
    served = Served(max_loss, k=k, dims=parse_dims(dim), dtype=dtype, query_dtype=query_dtype, index=index, run=run)
    before = _evaluation(baseline) if baseline is not None else None  # resolved now: afterwards "last" would be this very run
    wanted = [m.name for m in parse_measures([*(m.measure for m in minima), *measure])] or ["recall@10"]
    data = [load(d, split=split, qrels=qrels) for d in dataset]
    losses = loss_report(served, data, model, ties=ties, min_relevance=min_relevance, precision=precision) if max_loss else None
    result, report = None, losses
    if minima or max_tie_rate is not None or baseline is not None:
        result = evaluate(
            data, model, dims=parse_dims(dim), measures=wanted, ties=ties, min_relevance=min_relevance, precision=precision, reuse=not fresh,
            command=["limitlab", *sys.argv[1:]], progress=Bars(),
        )  # fmt: skip
        report = gate(result, minima, max_tie_rate=max_tie_rate, baseline=before, measures=wanted, alpha=alpha)
        report = report.joined(losses) if losses is not None else report
    assert report is not None
    if json:
        answer_json(report)
    else:
        _show(report)
    raise typer.Exit(1 if result is not None and result.status.key == "failed" else 0 if report.passed else 3)


def _conditions(minimum: list[str], max_tie_rate: float | None, baseline: str | None, alpha: float, max_loss: list[str]) -> list:
    """The minima as records; what cannot be checked is refused before anything is measured."""
    from limitlab.evaluation import Minimum

    minima = [Minimum.parse(text) for text in minimum]
    real("gate", "alpha", alpha, low=0.0, high=1.0)
    if max_tie_rate is not None:
        real("gate", "max_tie_rate", max_tie_rate, low=0.0, high=1.0)
    if not minima and max_tie_rate is None and baseline is None and not max_loss:
        raise InvalidArgument(
            "gate: at least one of --min, --max-tie-rate, --baseline and --max-loss is needed; got none. For numbers alone: limitlab eval"
        )
    return minima


def _evaluation(run_id: str):
    """A stored run that is an evaluation."""
    from limitlab.evaluation import load_result
    from limitlab.ledger import Ledger

    run = Ledger().run(run_id)
    if "dataset_facts" not in run.config:
        raise InvalidArgument(f"--baseline: the run must be an evaluation; run {run.id} is of kind {run.kind}. See: limitlab runs")
    return load_result(run.id)


def _show(report) -> None:
    """The table of measures, then one line a check."""
    from limitlab.cli.tables import plain_table, result_table

    if report.result is not None:
        answer(result_table(report.result))
    several = len({c.dataset for c in report.checks}) > 1
    head = [*(["dataset"] if several else []), "row", "must hold", "found", ""]
    lines = [[*([c.dataset] if several else []), c.row, c.condition, c.found, "ok" if c.passed else "NOT MET"] for c in report.checks]
    answer(plain_table(head, lines))
    missed = sum(not c.passed for c in report.checks)
    n = len(report.checks)
    answer(f"gate passed: {n} of {n} checks hold" if not missed else f"gate not met: {missed} of {n} checks do not hold")
    for found in report.diagnoses:
        answer(f"diagnosis: run {found.run_ids[0]}. To see it: limitlab report {found.run_ids[0]}")
    if report.result is not None:
        answer(f"run {report.result.run_ids[0]}. As a baseline: --baseline {report.result.run_ids[0]}")
