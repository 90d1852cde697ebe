"""``limitlab eval``: retrievers on a dataset."""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from limitlab._core.checks import choice
from limitlab._core.errors import InvalidArgument, LimitlabError
from limitlab.cli.options import Compare, Dims, EngineName, JsonFlag, Language, Workers, answer, answer_json, parse_dims, parse_pair
from limitlab.cli.progress import Bars

if TYPE_CHECKING:
    from limitlab.evaluation import EvaluationResult, PairedTest

RetrieverNames = Annotated[
    list[str],
    typer.Option(
        "--model",
        "-m",
        help="bm25, minilm, token-sums, a sentence-transformers id or folder; options after a colon: bm25:k1=0.9,b=0.4. Repeat for more. [bm25, minilm]",
    ),
]
EvaluationFiles = Annotated[
    list[Path],
    typer.Option("--output", "-o", help="Also write: .html (report), .json, .csv, or a folder FOLDER.mteb (MTEB's JSON). Repeat for more."),
]


def evaluate_command(
    dataset: Annotated[
        list[str], typer.Argument(help="Dataset folders (BEIR, LIMIT, HF / MTEB layout), or hf:owner/name.", metavar="DATASET...")
    ],
    model: RetrieverNames = [],  # noqa: B006
    dim: Dims = None,
    measure: Annotated[
        list[str],
        typer.Option(
            "--measure",
            help="recall@K, all_relevant@K, ndcg@K, mrr@K. Repeat for more. [recall@2, 10, 20, 100, all_relevant@2, ndcg@10, mrr@10]",
        ),
    ] = [],  # noqa: B006
    ties: Annotated[str, typer.Option("--ties", help="trec, st, worst, best or expected.")] = "trec",
    min_relevance: Annotated[int, typer.Option("--min-relevance", help="The grade from which a document counts as relevant.")] = 1,
    precision: Annotated[str, typer.Option("--precision", help="auto, float32, bfloat16 or float16: of document vectors.")] = "auto",
    split: Annotated[str, typer.Option("--split", help="Which qrels: test, dev, train.")] = "test",
    qrels: Annotated[Path | None, typer.Option("--qrels", help="Another qrels file.")] = None,
    strict: Annotated[bool, typer.Option("--strict", help="Refuse queries without relevant documents and empty documents.")] = False,
    compare: Compare = None,
    output: EvaluationFiles = [],  # noqa: B006
    runs: Annotated[Path | None, typer.Option("--runs", help="Folder for ranked lists, one TREC file a row.")] = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="Measure again what the ledger has already.")] = False,
    engine: EngineName = None,
    workers: Workers = None,
    language: Language = "en",
    json: JsonFlag = False,
) -> None:
    """Evaluate retrievers on datasets, at every dimension asked for."""
    from limitlab.data import load
    from limitlab.engine import using
    from limitlab.evaluation import evaluate

    pair = parse_pair(compare)
    for path in output:
        choice("--output", "file type", path.suffix, (".html", ".json", ".csv", ".mteb"))
    _check_runs(runs)
    data = [load(d, split=split, qrels=qrels, strict=strict) for d in dataset]
    with using(engine, workers):
        result = evaluate(
            data, model or ["bm25", "minilm"], dims=parse_dims(dim), measures=measure or None, ties=ties, min_relevance=min_relevance,
            precision=precision, reuse=not fresh, command=["limitlab", *sys.argv[1:]], progress=Bars(),
        )  # fmt: skip
    comparisons, wrong = _compared(result, pair)
    for path in output:
        _write(result, path, language, [pair] if pair and not wrong else [])
    if runs is not None:
        _write_runs(result, data, runs)
    _show(result, comparisons, json)
    if wrong is not None:  # what was measured, perhaps for hours, is given first
        raise wrong
    raise typer.Exit(0 if result.status.key == "solved" else 1 if result.status.key == "failed" else 3)


def _show(result, comparisons: list, json: bool) -> None:
    """The table, or all of it as JSON."""
    if json:
        answer_json({**result.to_dict(), "comparisons": [c.to_dict() for c in comparisons]})
    else:
        from limitlab.cli.tables import result_table

        answer(result_table(result))
        for test in comparisons:
            answer(_sentence(test, len(comparisons)))
        answer(f"run {result.run_ids[0]}. Next: limitlab report {result.run_ids[0]} -o report.html")


def _compared(result: EvaluationResult, pair: tuple[str, str] | None) -> tuple[list[PairedTest], LimitlabError | None]:
    """(the tests of --compare, what is wrong with its rows)."""
    from limitlab.evaluation import compare_rows

    try:
        return compare_rows(result, [pair] if pair else []), None
    except LimitlabError as error:
        return [], error


def _sentence(test: PairedTest, n: int) -> str:
    c = test.comparison
    if c is None:
        return f"{test.dataset}: {' - '.join(test.rows)}: not compared: {test.problem}"
    e = c.difference
    adjusted = f", {test.p_adjusted:.4g} adjusted for {n} tests" if n > 1 else ""
    return (
        f"{test.dataset}: {c.first} - {c.second}, {c.measure}: {100 * e.mean:+.1f} points, 95 % interval {100 * e.low:+.1f} to {100 * e.high:+.1f}, "
        f"p = {c.p_value:.4g}{adjusted} ({c.wins} better, {c.losses} worse, {c.equal} equal)"
    )


def _check_runs(runs: Path | None) -> None:
    if runs is not None and not runs.is_dir() and (runs.exists() or runs.suffix):
        raise InvalidArgument(f"--runs: a folder must be given, one file a row goes into it; got {runs}. Write such as: --runs {runs.stem}")


def _write(result, output: Path, language: str, compare: list[tuple[str, str]]) -> None:
    page = partial(result.report, language=language, compare=compare)
    {".html": page, ".json": result.save, ".csv": result.to_csv, ".mteb": result.to_mteb}[output.suffix](output)


def _write_runs(result, data: list, folder: Path) -> None:
    from urllib.parse import quote

    from limitlab.data import write_run

    for row in result.rows:
        if row.artefact is None or result.load_arrays is None:
            continue
        dataset = next(d for d in data if d.name == row.dataset)
        arrays = result.load_arrays(row.artefact)
        lists = {
            q: {dataset.docs.ids[j]: float(s) for j, s in zip(docs.tolist(), scores.tolist()) if j >= 0}
            for q, docs, scores in zip(dataset.queries.ids, arrays["indices"], arrays["scores"])
        }
        write_run(lists, folder / f"{quote(row.dataset, safe=' ')}.{quote(row.name, safe='@=,')}.trec", tag=row.name.replace(" ", "_"))
