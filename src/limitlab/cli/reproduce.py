"""``limitlab reproduce``: the paper's experiments, beside the published numbers."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from limitlab.cli.free import Device
from limitlab.cli.options import Dims, JsonFlag, Language, NDocs, Seed, answer, answer_json, parse_dims
from limitlab.cli.progress import Bars

if TYPE_CHECKING:
    from limitlab.reproduce import CriticalNComparison

app = typer.Typer(
    help="Run the paper's experiments beside the published numbers: list names them, run takes names, all runs every one.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@app.callback()
def _group() -> None:
    pass


Models = Annotated[
    list[str],
    typer.Option(
        "--model",
        "-m",
        help="Retrievers, named as for eval; default: bm25 and minilm. Repeat for more. Not of theorem-table, critical-n, domain-shift.",
    ),
]
Size = Annotated[str, typer.Option("--size", help="tiny, small or full.")]
Limit = Annotated[Path | None, typer.Option("--limit", help="Folder with LIMIT as released, or hf:owner/name; else data of our own.")]
LimitSmall = Annotated[Path | None, typer.Option("--limit-small", help="The same for LIMIT-small.")]
Beir = Annotated[list[str], typer.Option("--beir", help="NAME=FOLDER of a BEIR set. Repeat for more.")]
Fresh = Annotated[bool, typer.Option("--fresh", help="Run again what the ledger has already.")]
# The names in the catalogue, which is not loaded for --help; a test compares the two.
EXPERIMENTS = (
    "theorem-table", "critical-n", "limit-full", "limit-small", "synonyms", "patterns", "domain-shift", "graph-density", "beir-correlation",
)  # fmt: skip
PageOutput = Annotated[Path, typer.Option("--output", "-o", help="The HTML page.")]


@app.command("list")
def list_experiments(json: JsonFlag = False) -> None:
    """Name every table and figure that is reproduced, with estimates of time and memory by size, and what it took here."""
    from limitlab.cli.tables import plain_table
    from limitlab.reproduce import measured_seconds
    from limitlab.reproduce.catalogue import EXPERIMENTS as known
    from limitlab.reproduce.experiment import SIZES

    here = measured_seconds()
    if json:
        listed: list[dict[str, Any]] = []
        for e in known.values():
            estimates = {s: c.to_dict() for s, c in e.costs.items()}
            taken = {s: here[e.name, s] for s in e.costs if (e.name, s) in here}
            listed.append({"name": e.name, "title": e.title, "claim": e.claim, "costs": estimates, "measured_seconds": taken})
        answer_json({"schema": "limitlab.reproduce-list/1", "experiments": listed})
        return
    rows = []
    for e in known.values():
        times = [_minutes(e.costs[s].seconds) if s in e.costs else "" for s in SIZES]
        most = max(e.costs.values(), key=lambda c: c.seconds)
        took = ", ".join(f"{s} {_minutes(here[e.name, s])}" for s in SIZES if (e.name, s) in here)
        rows.append([e.name, e.title, *times, f"{most.memory_gib:g} GiB", most.gpu, took])
    answer(plain_table(["experiment", "", *(f"{s}, estimate" for s in SIZES), "memory", "GPU", "measured here"], rows, right=(2, 3, 4, 5)))
    answer("Estimates were typed in for two cores with nothing cached, bm25 and minilm; one alone: the work is the same at every size.")
    answer("Measured here is the newest run of this ledger, with its models and whatever was cached then.")
    answer("Next: limitlab reproduce all --size small -o reproduction.html")


def _minutes(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.0f} h"


@app.command("run")
def run_experiments(
    names: Annotated[list[str], typer.Argument(help="Experiments, see: limitlab reproduce list.", metavar="NAME...")],
    size: Size = "small",
    model: Models = [],  # noqa: B006
    limit: Limit = None,
    limit_small: LimitSmall = None,
    beir: Beir = [],  # noqa: B006
    seed: Seed = 0,
    fresh: Fresh = False,
    output: PageOutput = Path("reproduction.html"),
    language: Language = "en",
    json: JsonFlag = False,
) -> None:
    """Run experiments by name at a --size and write one page: published, reproduced and our numbers, with verdicts.

    "limitlab reproduce NAME" is short for it; only critical-n and patterns are commands of their own there, with other options.
    What was finished is kept: the same command goes on where it was stopped.
    """
    from limitlab.cli.reproduction import run_and_write

    given = {"limit": limit, "limit_small": limit_small, "beir": beir, "seed": seed}
    raise typer.Exit(run_and_write(names, size, model, given, fresh=fresh, output=output, language=language, json=json))


def _command(names: tuple[str, ...]) -> Callable[..., None]:
    """``reproduce run`` with its names given."""

    def command(
        size: Size = "small",
        model: Models = [],  # noqa: B006
        limit: Limit = None,
        limit_small: LimitSmall = None,
        beir: Beir = [],  # noqa: B006
        seed: Seed = 0,
        fresh: Fresh = False,
        output: PageOutput = Path("reproduction.html"),
        language: Language = "en",
        json: JsonFlag = False,
    ) -> None:
        run_experiments(list(names), size, model, limit, limit_small, beir, seed, fresh, output, language, json)

    return command


app.command("all", help="Run every experiment: the whole story of the paper, and of what followed it, on one page.")(_command(EXPERIMENTS))
for _name in EXPERIMENTS:
    if _name not in ("critical-n", "patterns"):  # these have commands with options of their own
        app.command(_name, help=f"The same as: limitlab reproduce run {_name}.")(_command((_name,)))


@app.command("patterns")
def patterns(
    n_docs: NDocs = 50_000,
    n_queries: Annotated[int, typer.Option("--n-queries", help="Number of queries.")] = 1_000,
    k: Annotated[int, typer.Option("--k", help="Relevant documents a query.")] = 2,
    model: Annotated[list[str], typer.Option("--model", "-m", help="Retrievers; default: bm25 and minilm.")] = [],  # noqa: B006
    dim: Dims = None,
    seed: Seed = 0,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Also write the HTML report.")] = None,
    language: Language = "en",
    json: JsonFlag = False,
) -> None:
    """The four patterns at sizes, k and dimensions of your own, as a table of recall.

    Not the same as "limitlab reproduce run patterns", which takes a --size, compares with the published numbers row by row, and
    writes the page with verdicts. This one gives no verdicts.
    """
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
        from limitlab.report.language import said

        found.result.report(output, title=said("LIMIT: four relevance patterns", language), language=language)
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


@app.command("critical-n")
def critical_n(
    dim: Annotated[str, typer.Option("--dim", help="Dimensions: 12, or 8,12,16, or 4:20; the paper has 4:45.")] = "4:20",
    seeds: Annotated[int, typer.Option("--seeds", help="So many seeds, from 42 on; the published numbers are one.")] = 1,
    min_gap: Annotated[
        float, typer.Option("--min-gap", help="Least gap of the certified curve; a second one takes any positive gap.")
    ] = 1e-3,
    device: Device = None,
    output: Annotated[Path, typer.Option("--output", "-o", help="The HTML report.")] = Path("critical-n.html"),
    png: Annotated[Path | None, typer.Option("--png", help="Also write PNG figures into this folder.")] = None,
    svg: Annotated[Path | None, typer.Option("--svg", help="Also write SVG figures into this folder.")] = None,
    language: Language = "en",
    json: JsonFlag = False,
) -> None:
    """Critical n at dimensions and seeds of your own: published, run here, certified; the cubic and its extrapolations.

    Not the same as "limitlab reproduce run critical-n", which takes a --size and writes the page with verdicts. This one writes the
    full report of critical n. A command that was stopped continues where it was.
    """
    from limitlab._core.checks import choice, whole
    from limitlab._core.optional import require
    from limitlab.cli.live import LiveRows
    from limitlab.report import write_critical_n_figures, write_critical_n_report
    from limitlab.reproduce import reproduce_critical_n

    choice("--output", "file type", output.suffix, (".html", ".htm"))
    count = whole("reproduce critical-n", "--seeds", seeds, low=1, high=1_000)
    if png is not None or svg is not None:
        require("matplotlib", extra="figures", what="PNG and SVG figures")  # before minutes of work, not after
    with LiveRows(several=count > 1) as live:
        found = reproduce_critical_n(
            parse_dims(dim) or [],
            range(42, 42 + count),
            min_gap=min_gap,
            command=["limitlab", *sys.argv[1:]],
            on_update=live.update,
            device=device or "auto",
        )
    written = [write_critical_n_report(found.result, output, language=language)]
    for folder, kind in ((png, "png"), (svg, "svg")):
        if folder is not None:
            written += write_critical_n_figures(found.result, folder, formats=(kind,))
    if json:
        answer_json({**found.to_dict(), "files": [str(p) for p in written]})
    else:
        _show(found, min_gap, written)
    raise typer.Exit({"solved": 0, "failed": 1}.get(found.result.status.key, 3))


def _show(found: CriticalNComparison, min_gap: float, written: list[Path]) -> None:
    from limitlab.cli.free_tables import fit_text
    from limitlab.cli.tables import plain_table
    from limitlab.report.critical_n_series import gap_words

    several = any(d.n_seeds > 1 for d in found.dimensions)
    head = [
        "dim",
        "published",
        "ours",
        *(["least..greatest"] if several else []),
        "difference",
        "least failed",
        f"certified, gap {min_gap:g}",
        "gap",
    ]
    rows = []
    for d in found.dimensions:
        certified = found.certified.get(d.dim)
        spread = [] if not several else [f"{d.least}..{d.greatest}" if d.n_solved else ""]
        ours = ["" if d.median is None else f"{d.median:g}", *spread, "" if d.difference is None else f"{d.difference:+g}"]
        proven = ["", ""] if certified is None else [f"{certified.critical_n:,}", gap_words(certified.gap)]
        rows.append([d.dim, d.published, *ours, d.least_failed, *proven])
    title = "critical n, all pairs (k = 2): the published and our runs of one optimiser, and what is certified"
    answer(
        plain_table(
            [*head, "certified, any gap"],
            [[*r, _any(found, d.dim)] for r, d in zip(rows, found.dimensions)],
            title=title,
            right=range(len(head) + 1),
        )
    )
    for row in found.result.rows:
        if row.status.key != "solved":
            answer(f"d = {row.dim}{'' if row.seed is None else f', seed {row.seed}'}: {row.status.key.replace('_', ' ')}: {row.message}")
    if found.fit is not None:
        answer("")
        answer(fit_text(found.fit))
    for path in written:
        answer(f"written: {path}")


def _any(found: CriticalNComparison, dim: int) -> str:
    row = found.certified_any_gap.get(dim)
    return "" if row is None else f"{row.critical_n:,}"
