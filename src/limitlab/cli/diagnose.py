"""``limitlab diagnose``: where recall is lost, level by level."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from limitlab._core.checks import choice
from limitlab._core.errors import DataError, InvalidArgument
from limitlab._core.shares import percent
from limitlab.cli.depth_text import also_found, depth_text
from limitlab.cli.diagnosis_options import (
    ChunkPattern,
    ChunkSeparator,
    DiagnosisFiles,
    DocVectors,
    NoRenormalise,
    Remedies,
    SaveAdapter,
    ServedIndex,
    ServedType,
)
from limitlab.cli.options import EngineName, JsonFlag, Language, Workers, answer, answer_json
from limitlab.cli.progress import Bars
from limitlab.cli.remedies import remedy_plan, remedy_table
from limitlab.cli.tables import plain_table

if TYPE_CHECKING:
    from limitlab.diagnosis import Diagnosis

WHO = "limitlab diagnose"
_SHOWN = 10


def diagnose_command(
    dataset: Annotated[str | None, typer.Argument(help="Dataset folder, or hf:owner/name.", metavar="DATASET")] = None,
    model: Annotated[
        str | None, typer.Option("--model", "-m", help="A dense model that encodes DATASET: minilm, an id or a folder.")
    ] = None,
    docs: DocVectors = None,
    queries: Annotated[str | None, typer.Option("--queries", help="Query vectors: .npy, .npz, .parquet or a folder of shards.")] = None,
    packed: Annotated[bool, typer.Option("--packed", help="Files of vectors hold bytes of 8 signs each.")] = False,
    doc_ids: Annotated[Path | None, typer.Option("--doc-ids", help="Ids of the rows of --docs, one a line.")] = None,
    query_ids: Annotated[Path | None, typer.Option("--query-ids", help="Ids of the rows of --queries, one a line.")] = None,
    qrels: Annotated[Path | None, typer.Option("--qrels", help="A qrels file: another one of DATASET, or instead of it.")] = None,
    split: Annotated[str, typer.Option("--split", help="Which qrels of DATASET: test, dev, train.")] = "test",
    min_relevance: Annotated[int, typer.Option("--min-relevance", help="The grade from which a document counts as relevant.")] = 1,
    k: Annotated[int, typer.Option("--k", help="The cut: documents that reach the reader.")] = 10,
    similarity: Annotated[str, typer.Option("--similarity", help="cosine or dot.")] = "cosine",
    dim: Annotated[int | None, typer.Option("--dim", help="Served dimension: the first so many values.")] = None,
    no_renormalise: NoRenormalise = False,
    dtype: ServedType = None,
    query_dtype: Annotated[str, typer.Option("--query-dtype", help="Served queries: float32, float16, int8, binary, ...")] = "float32",
    index: ServedIndex = None,
    run: Annotated[Path | None, typer.Option("--run", help="Production ranking: a TREC or JSON run file.")] = None,
    chunk_separator: ChunkSeparator = None,
    chunk_pattern: ChunkPattern = None,
    ties: Annotated[str, typer.Option("--ties", help="trec or st.")] = "trec",
    skip: Annotated[str | None, typer.Option("--skip", help="Not measured: drowning, gaps, geometry; several with commas.")] = None,
    remedies: Remedies = None,
    rerank: Annotated[str | None, typer.Option("--rerank", help="A cross-encoder, id or folder: one of the remedies.")] = None,
    rerank_depth: Annotated[int, typer.Option("--rerank-depth", help="How many of the best documents a reranker sees.")] = 100,
    folds: Annotated[int, typer.Option("--folds", help="Of the cross-validation over queries.")] = 5,
    seed: Annotated[int, typer.Option("--seed", help="Of folds and tests of the remedies.")] = 0,
    save_adapter: SaveAdapter = None,
    output: DiagnosisFiles = [],  # noqa: B006
    engine: EngineName = None,
    workers: Workers = None,
    language: Language = "en",
    json: JsonFlag = False,
) -> None:
    """Find where recall is lost: cut, dimension, document vectors, query encoder, truncation, quantisation, index, platform.

    Each missing document is assigned to the last level that lost it. What was not found for the document vectors is a lower bound.
    """
    from limitlab.diagnosis import diagnose
    from limitlab.engine import using

    for path in output:
        choice("--output", "file type", path.suffix, (".html", ".json", ".csv"))
    files: dict[str, Any] = {"docs": docs, "queries": queries, "doc_ids": doc_ids, "query_ids": query_ids}
    plan = remedy_plan(remedies, rerank=rerank, rerank_depth=rerank_depth, folds=folds, seed=seed, save_adapter=save_adapter)
    data, given = _inputs(dataset, qrels, split, model, files, packed=packed)
    with using(engine, workers):
        found = diagnose(
            data, **given, model=model, k=k, similarity=similarity, dim=dim, renormalise=not no_renormalise, dtype=dtype,
            query_dtype=query_dtype, index=index, run=run, chunk_separator=chunk_separator, chunk_pattern=chunk_pattern, ties=ties,
            min_relevance=min_relevance, skip=_parts(skip), remedies=plan, command=["limitlab", *sys.argv[1:]], progress=Bars(),
        )  # fmt: skip
    for path in output:
        _write(found, path, language)
    if json:
        answer_json(found.to_dict())
        return
    answer(diagnosis_text(found))
    _say_what_was_written(found, output, save_adapter)


def _say_what_was_written(found: Diagnosis, output: list[Path], adapter: Path | None) -> None:
    if adapter is not None:
        answer(f"written: {adapter}, trained on all {len(found.queries):,} queries; the numbers above are of adapters trained on a part")
    run = found.run_ids[0]
    answer(f"run {run}. " + (f"written: {', '.join(map(str, output))}" if output else f"Next: limitlab report {run} -o diagnosis.html"))


def _parts(skip: str | None) -> list[str]:
    """The names in ``--skip``."""
    return [part.strip() for part in (skip or "").split(",") if part.strip()]


def _write(found: Diagnosis, path: Path, language: str) -> None:
    if path.suffix == ".html":
        found.report(path, language=language)
    elif path.suffix == ".json":
        found.save(path)
    else:
        found.to_csv(path)


def _inputs(
    dataset: str | None, qrels: Path | None, split: str, model: str | None, files: dict[str, Any], *, packed: bool
) -> tuple[Any, dict[str, Any]]:
    """The data, and vectors with their ids."""
    if dataset is None and qrels is None:
        raise InvalidArgument(f"{WHO}: a DATASET or --qrels FILE must be given; got neither.")
    if (files["docs"] is None) != (files["queries"] is None) or (files["docs"] is None) == (model is None):
        raise InvalidArgument(f"{WHO}: either --model, or --docs with --queries, must be given. Such as: {WHO} DATASET -m minilm")
    if model is not None and dataset is None:
        raise InvalidArgument(f"{WHO}: --model must come with a DATASET whose texts it encodes; got --qrels alone.")
    given: dict[str, Any] = {"notes": {}}
    if model is None:
        for what, name in (("docs", "doc_ids"), ("queries", "query_ids")):
            vectors, ids, words = _vectors(files[what], files[name], row_numbers=dataset is None, packed=packed)
            given |= {what: vectors, name: ids}
            given["notes"] |= {f"ids of {what}": words} if words else {}
    elif wrong := [f"--{name.replace('_', '-')}" for name in ("doc_ids", "query_ids") if files[name] is not None]:
        raise InvalidArgument(f"{WHO}: {' and '.join(wrong)} must come with --docs and --queries; got --model.")
    if dataset is not None:
        from limitlab.data import load

        return load(dataset, split=split, qrels=qrels), given
    return _relevance(qrels), given


def _vectors(path: str | None, ids: Path | None, *, row_numbers: bool, packed: bool) -> tuple[Any, Sequence[str] | None, str]:
    """(vectors, ids, where ids come from if no file names them): row numbers for qrels alone, None for rows in the dataset's order."""
    from limitlab.diagnosis import read_ids, read_vectors

    file = read_vectors(path or "", packed=packed)
    names: Sequence[str] | None = read_ids(ids) if ids is not None else file.ids
    if names is not None:
        return file.vectors, names, ""
    if row_numbers:
        return file.vectors, tuple(map(str, range(len(file.vectors)))), "row numbers from 0, as no file names them"
    return file.vectors, None, "rows in the order of the dataset, as no file names them"


def _relevance(path: Path | None) -> Any:
    from limitlab.data.formats.reading import read_qrels
    from limitlab.relevance import RelevanceMatrix

    if path is None or not path.is_file():
        raise DataError.at(path or "", None, "this qrels file does not exist")
    return RelevanceMatrix.from_triples(read_qrels(path))


def diagnosis_text(found: Diagnosis) -> str:
    """Verdict, levels, and the queries with most missing documents."""
    rows = []
    for level in found.levels:
        values = [percent(e.mean) + f" ({percent(e.low)} to {percent(e.high)})" for e in (level.recall, level.all_relevant)]
        if level.status == "not given":
            rows.append([level.label, "not given", *[""] * 6])
        else:
            rows.append([level.label, level.status, *values, f"{level.lost:,}", f"{level.gained:,}", f"{level.blamed:,}", level.note])
    head = ["level", "", f"recall@{found.k}, %", f"all relevant@{found.k}, %", "lost", "regained", "missing", ""]
    sizes = f"{found.config['n_docs']:,} documents of dimension {found.config['full_dim']:,}, {len(found.queries):,} queries, {found.n_relevant:,} relevant pairs"
    parts = [*found.verdict, *also_found(found), "", plain_table(head, rows, title=f"{found.name}: {sizes}", right=range(2, 7))]
    parts += [f"  note: {name}: {value:,}" if isinstance(value, int) else f"  note: {name}: {value}" for name, value in found.notes.items()]
    if found.remedies:
        parts.append(remedy_table(found))
    worst = sorted((q for q in found.queries if q.missing), key=lambda q: -len(q.missing))[:_SHOWN]
    if worst:
        listed = [(q.query, q.relevant, len(q.missing), ", ".join(f"{key} {count}" for key, count in q.causes.items())) for q in worst]
        title = f"\nQueries with most missing documents ({len(worst):,} of {sum(bool(q.missing) for q in found.queries):,})"
        parts.append(plain_table(["query", "relevant", "missing", "lost at"], listed, title=title, right=(1, 2)))
    parts += depth_text(found)
    return "\n".join(parts)
