"""``limitlab demo``: the stress test in two minutes."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from limitlab.cli.options import JsonFlag, Language, Seed, answer, answer_json
from limitlab.cli.progress import Bars

DIMS = (32, 64, 128, 256, 384)


def demo(
    output: Annotated[Path, typer.Option("--output", "-o", help="The HTML report.")] = Path("report.html"),
    n_docs: Annotated[int, typer.Option("--n-docs", help="Documents of the larger dataset.")] = 2_000,
    seed: Seed = 0,
    language: Language = "en",
    json: JsonFlag = False,
) -> None:
    """Make two LIMIT datasets, evaluate BM25, MiniLM and random token sums on them, and write a report."""
    from limitlab._core.status import Status
    from limitlab.cli.tables import result_table
    from limitlab.data import make_limit
    from limitlab.evaluation import evaluate
    from limitlab.report import write_report
    from limitlab.report.language import said

    bars = Bars()
    bars.say(f"Making LIMIT with 46 and with {n_docs:,} documents, 1,000 queries each ...")
    data = [
        make_limit(n_docs=n_docs, seed=seed, small=True, name=said("LIMIT, 46 documents", language)),
        make_limit(n_docs=n_docs, seed=seed, name=said(f"LIMIT, {n_docs:,} documents", language)),
    ]
    bars.say(f"A document: {data[0].docs[0][:110]}...")
    bars.say(f"A query:    {data[0].queries[0]}  (2 documents answer it)")
    result = evaluate(
        data, ["bm25", "minilm", "token-sums"], dims=DIMS, title="demo", kind="demo", command=["limitlab", *sys.argv[1:]], progress=bars
    )
    written = write_report(result, output, title=said("LIMIT: how far does single-vector retrieval go?", language), language=language)
    if json:
        answer_json({**result.to_dict(), "report": str(written)})
    else:
        answer(result_table(result))
        answer("")
        answer(" ".join(meaning(result, data[1].name)))
        answer("")
        answer(f"Report: {written}  (one file, works offline)")
        answer("Next:   limitlab make limit -o limit && limitlab eval limit -m bm25 -m minilm --dim 32,64,128,256,384")
        answer("        limitlab eval MY-BEIR-FOLDER -m bm25 -m minilm      # your own data")
    raise typer.Exit(0 if result.status is Status.SOLVED else 1)


def meaning(result, large: str) -> list[str]:
    """What the demo's numbers mean, in three sentences; every number in them comes from the result."""
    from limitlab._core.status import Status

    if result.status is not Status.SOLVED:
        return [f"Some rows have no number: {result.message}"]
    small = next(d.name for d in result.datasets if d.name != large)

    def percent(row: str, measure: str, dataset: str) -> float:
        return 100 * result.row(row, dataset=dataset).measures[measure].mean

    bm25, dense, sums = (
        percent("bm25", "recall@10", large),
        percent("minilm@384", "recall@10", large),
        percent("token-sums@384", "recall@10", large),
    )
    first = (
        f"Counting words, BM25 puts {_short(bm25)} % of the relevant documents into the first 10 of {result.datasets[1].n_docs:,}; "
        f"MiniLM's single vectors of 384 dimensions put {_short(dense)} % there, and on the 46 relevant documents alone {_short(percent('minilm@384', 'recall@10', small))} %."
    )
    narrow = percent("minilm@32", "recall@10", large)
    second = (
        f"The number of dimensions is not the whole story: cut to 32 of them MiniLM has {_short(narrow)} %, while random token sums, which learn nothing, reach {_short(sums)} % with the same 384"
        + (": the space is there, and the encoder does not use it for this task." if sums > dense + 5 else ".")
    )
    third = "So measure your own model on your own documents before you blame, or buy, dimensions: the commands below do both."
    return [first, second, third]


def _short(percent: float) -> str:
    """Whole percent, with a decimal where rounding would say none or all."""
    return f"{percent:.1f}" if 0 < percent < 1 or 99 < percent < 100 else f"{percent:.0f}"
