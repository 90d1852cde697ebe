"""``limitlab make``: LIMIT datasets, and the audit of one."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from limitlab.cli.options import JsonFlag, NDocs, Seed, answer, answer_json
from limitlab.cli.progress import Bars

app = typer.Typer(help="Make a LIMIT dataset of any size and pattern, or audit one.", no_args_is_help=True, rich_markup_mode=None)


@app.command("limit")
def limit(
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder to write; it appears only when complete.")] = Path("limit"),
    n_docs: NDocs = 50_000,
    n_queries: Annotated[int, typer.Option("--n-queries", help="Number of queries, each asking an attribute of its own.")] = 1_000,
    k: Annotated[int, typer.Option("--k", help="Relevant documents a query.")] = 2,
    pattern: Annotated[str, typer.Option("--pattern", help="dense, random, cycle or disjoint.")] = "dense",
    attributes_per_doc: Annotated[
        int | None, typer.Option("--attributes-per-doc", help="Attributes a document; default: 45, or what the busiest document needs.")
    ] = None,
    seed: Seed = 0,
    small: Annotated[bool, typer.Option("--small", help="Only the relevant documents.")] = False,
    split: Annotated[str, typer.Option("--split", help="test or train: they ask disjoint attributes.")] = "test",
    synonyms: Annotated[bool, typer.Option("--synonyms", help="The query asks a synonym of the attribute.")] = False,
    attributes: Annotated[Path | None, typer.Option("--attributes", help="Own attributes, one a line.")] = None,
    synonym_file: Annotated[Path | None, typer.Option("--synonym-file", help="Own attribute<TAB>synonym lines.")] = None,
    first_names: Annotated[Path | None, typer.Option("--first-names", help="Own first names, one a line.")] = None,
    last_names: Annotated[Path | None, typer.Option("--last-names", help="Own last names, one a line.")] = None,
    templates: Annotated[Path | None, typer.Option("--templates", help="Own sentence templates (TOML).")] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace an existing folder.")] = False,
    json: JsonFlag = False,
) -> None:
    """Write a LIMIT dataset that BEIR, datasets and mteb open."""
    from limitlab.data import LimitConfig, Vocabulary, write_limit

    config = LimitConfig(n_docs, n_queries, k, pattern, seed, attributes_per_doc, small, split, synonyms)
    vocabulary = Vocabulary.from_files(
        attributes=attributes, synonyms=synonym_file, first_names=first_names, last_names=last_names, templates=templates
    )
    folder = write_limit(config, output, vocabulary=vocabulary, overwrite=overwrite, progress=Bars())
    if json:
        answer_json({"schema": "limitlab.make/1", "folder": str(folder), "name": config.name, "config": config.to_dict()})
    else:
        answer(f"{config.name}: {n_queries:,} queries written to {folder}")
        answer(f"Next: limitlab eval {folder} -m bm25 -m minilm")


@app.command("audit")
def audit_command(
    dataset: Annotated[Path, typer.Argument(help="Dataset folder.", metavar="DIR")],
    write: Annotated[bool, typer.Option("--write/--no-write", help="Write the findings into the folder's manifest.json.")] = True,
    json: JsonFlag = False,
) -> None:
    """Check a LIMIT-like dataset: leaks, duplicates, unequal counts, length skew, pattern. Exit 3 when something is found."""
    from limitlab.data import audit

    report = audit(dataset, write_manifest=write, progress=Bars())
    if json:
        answer_json(report)
    else:
        counts = report.attribute_counts
        spread = f"{next(iter(counts))} each" if len(counts) == 1 else f"{min(counts)} to {max(counts)}"
        answer(f"{report.name}: {report.n_docs:,} documents, {report.n_queries:,} queries, {report.n_relevant:,} relevant pairs")
        answer(
            f"attributes a document: {spread}; characters: {report.length['min']:.0f} / {report.length['mean']:.0f} / {report.length['max']:.0f} min / mean / max"
        )
        answer(
            f"pattern: consistent with {', '.join(report.patterns) or 'none'}; query graph density {report.query_graph['density']:.6f}, mean query strength {report.query_graph['mean_query_strength']:.4f}"
        )
        for problem in report.problems:
            answer(f"found: {problem}")
        for leak in report.leaks[:5]:
            answer(f"  leak: {leak.query_id} asks {leak.asked!r}, also in {leak.doc_id!r}")
        if len(report.leaks) > 5:
            answer(f"  ... and {len(report.leaks) - 5} more; --json lists all")
        if report.sound:
            answer("sound: nothing found")
    raise typer.Exit(0 if report.sound else 3)
