"""``limitlab make``: LIMIT datasets, facts added to a corpus, and the audit of either."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from limitlab.cli.options import JsonFlag, NDocs, Seed, answer, answer_json
from limitlab.cli.progress import Bars

app = typer.Typer(
    help="Make a LIMIT dataset of any size and pattern, stress a corpus of your own, or audit either.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


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
    language: Annotated[str, typer.Option("--language", help="en, zh, or the folder of a language pack of your own.")] = "en",
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
        language, attributes=attributes, synonyms=synonym_file, first_names=first_names, last_names=last_names, templates=templates
    )
    folder = write_limit(config, output, vocabulary=vocabulary, overwrite=overwrite, progress=Bars())
    if json:
        answer_json({"schema": "limitlab.make/1", "folder": str(folder), "name": config.name, "config": config.to_dict()})
    else:
        answer(f"{config.name}: {n_queries:,} queries written to {folder}")
        lexical = "bm25" if vocabulary.pack.spaces else f"bm25:tokeniser={vocabulary.pack.tokeniser}"
        answer(f"Next: limitlab eval {folder} -m {lexical} -m minilm")


@app.command("stress")
def stress(
    corpus: Annotated[
        str,
        typer.Argument(
            help="Dataset folder, JSON-lines file with _id (or id), text and perhaps title, or hf:owner/name.", metavar="CORPUS"
        ),
    ],
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder to write; it appears only when complete.")] = Path("stress"),
    n_chosen: Annotated[
        int | None, typer.Option("--n-chosen", help="Documents that get facts; default: 1,000, or what pattern and corpus allow.")
    ] = None,
    n_queries: Annotated[int, typer.Option("--n-queries", help="Number of queries, each asking an attribute of its own.")] = 300,
    k: Annotated[int, typer.Option("--k", help="Relevant documents a query.")] = 2,
    pattern: Annotated[str, typer.Option("--pattern", help="dense, random, cycle or disjoint, over the chosen documents.")] = "dense",
    facts_per_doc: Annotated[
        int | None, typer.Option("--facts-per-doc", help="Facts a chosen document gets; default: what the busiest one needs.")
    ] = None,
    position: Annotated[str, typer.Option("--position", help="start or end of the text. Encoders cut long texts at their end.")] = "start",
    language: Annotated[str, typer.Option("--language", help="en or zh: of the facts and their sentence.")] = "en",
    seed: Seed = 0,
    attributes: Annotated[Path | None, typer.Option("--attributes", help="Own attributes, one a line.")] = None,
    templates: Annotated[Path | None, typer.Option("--templates", help="Own sentence templates (TOML).")] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace an existing folder.")] = False,
    json: JsonFlag = False,
) -> None:
    """Add short facts to some documents of a corpus, and ask them; the corpus itself is left as it is."""
    from limitlab._core.files import read_json
    from limitlab.data import FactWords, StressConfig, write_stress

    config = StressConfig(n_chosen, n_queries, k, pattern, seed, facts_per_doc, language, position)
    words = FactWords.from_files(language, attributes=attributes, templates=templates)
    folder = write_stress(corpus, output, config=config, words=words, overwrite=overwrite, progress=Bars())
    card = read_json(folder / "manifest.json")
    if json:
        shown = (
            "name",
            "n_docs",
            "n_chosen",
            "facts_per_doc",
            "n_queries",
            "n_relevant",
            "attributes_in_corpus",
            "empty_documents",
            "config",
        )
        answer_json({"schema": "limitlab.make_stress/1", "folder": str(folder), **{key: card[key] for key in shown}})
        return
    answer(
        f"{card['name']}: {card['n_chosen']:,} of {card['n_docs']:,} documents got {card['facts_per_doc']} facts each, {n_queries:,} queries; "
        f"written to {folder}"
    )
    answer(
        f"left out because the corpus has them: {card['attributes_in_corpus']:,} attributes; documents without text: {card['empty_documents']:,}"
    )
    lexical = "bm25" if language == "en" else "bm25:tokeniser=jieba"
    answer(f"Next: limitlab make audit {folder}; limitlab eval {folder} -m {lexical} -m minilm")


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
        spread = f"{next(iter(counts))} each" if len(counts) == 1 else f"{min(counts, default=0)} to {max(counts, default=0)}"
        answer(f"{report.name}: {report.n_docs:,} documents, {report.n_queries:,} queries, {report.n_relevant:,} relevant pairs")
        if report.documents_without_facts:
            answer(f"facts: in {report.n_docs - report.documents_without_facts:,} documents, which the next line is about")
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
