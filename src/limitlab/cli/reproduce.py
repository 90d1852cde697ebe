"""``limitlab reproduce``: the paper's experiments, beside the published numbers."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from limitlab.cli.options import Dims, JsonFlag, NDocs, Seed, answer, answer_json, parse_dims
from limitlab.cli.progress import Bars

app = typer.Typer(help="Run the paper's experiments beside the published numbers.", no_args_is_help=True, rich_markup_mode=None)


@app.callback()
def _group() -> None:
    pass


@app.command("patterns")
def patterns(
    n_docs: NDocs = 50_000,
    n_queries: Annotated[int, typer.Option("--n-queries", help="Number of queries.")] = 1_000,
    k: Annotated[int, typer.Option("--k", help="Relevant documents a query.")] = 2,
    model: Annotated[list[str], typer.Option("--model", "-m", help="Retrievers; default: bm25 and minilm.")] = [],  # noqa: B006
    dim: Dims = None,
    seed: Seed = 0,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Also write the HTML report.")] = None,
    json: JsonFlag = False,
) -> None:
    """The four relevance patterns side by side: dense, random, cycle, disjoint."""
    from limitlab.cli.tables import plain_table
    from limitlab.relevance import PATTERNS
    from limitlab.reproduce import reproduce_patterns

    found = reproduce_patterns(
        n_docs=n_docs,
        n_queries=n_queries,
        k=k,
        seed=seed,
        retrievers=model or ["bm25", "minilm"],
        dims=parse_dims(dim),
        command=["limitlab", *sys.argv[1:]],
        progress=Bars(),
    )
    if output is not None:
        found.result.report(output, title="LIMIT: four relevance patterns")
    if json:
        answer_json(found)
    else:
        rows = [[name, "ours", *(f"{values[p]:.1f}" if p in values else "" for p in PATTERNS)] for name, values in found.ours.items()]
        rows += [
            [name, "published", *(f"{values[p]:.1f}" if p in values else "" for p in PATTERNS)] for name, values in found.published.items()
        ]
        answer(
            plain_table(
                ["retriever", "", *PATTERNS],
                rows,
                title=f"R@100 in percent, {n_docs:,} documents, {n_queries:,} queries, k = {k}",
                right=range(2, 6),
            )
        )
        answer(f"run {found.result.run_ids[0]}. Next: limitlab report {found.result.run_ids[0]} -o patterns.html")
    raise typer.Exit(0 if found.result.status.key == "solved" else 1)
