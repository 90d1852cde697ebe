"""``limitlab estimate``: time, memory, disk and cost of a command, before it runs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from limitlab._core.errors import InvalidArgument
from limitlab.cli.estimate_options import (
    WHO,
    Docs,
    Engine,
    Fresh,
    Machine,
    Machines,
    NDocs,
    NQueries,
    PricePerHour,
    PricePerMillion,
    Queries,
    Relevant,
    TextsPerSecond,
    TokensPerDoc,
    Workers,
    count,
    counts,
    encoding_of,
    means_of,
    profile_of,
)
from limitlab.cli.options import JsonFlag, answer, answer_json, parse_dims

app = typer.Typer(no_args_is_help=True, help="What a command will take, before it runs: time, memory, disk, cost.")


def _show(found: Any, json: bool) -> None:
    from limitlab.cli.estimate_text import estimate_text

    if json:
        answer_json(found.to_dict())
    else:
        answer(estimate_text(found))


@app.command("diagnose")
def estimate_diagnose_command(
    dataset: Annotated[str | None, typer.Argument(help="Dataset folder that a model encodes.", metavar="[DATASET]")] = None,
    model: Annotated[str | None, typer.Option("--model", "-m", help="A dense model: its speed is measured on your texts.")] = None,
    docs: Docs = None,
    queries: Queries = None,
    n_docs: NDocs = None,
    n_queries: NQueries = None,
    dim: Annotated[
        int | None, typer.Option("--dim", help="With files or a model the served dimension; with --n-docs the full one.")
    ] = None,
    dtype: Annotated[
        str | None, typer.Option("--dtype", help="With files or a model the served type; with --n-docs the file's: float32, float16, int8.")
    ] = None,
    full_dim: Annotated[int | None, typer.Option("--full-dim", help="Of a model that is not here, with --texts-per-second.")] = None,
    k: Annotated[int, typer.Option("--k", help="The cut.")] = 10,
    similarity: Annotated[str, typer.Option("--similarity", help="cosine or dot.")] = "cosine",
    skip: Annotated[str | None, typer.Option("--skip", help="drowning, gaps, geometry; several with commas.")] = None,
    missing: Annotated[float | None, typer.Option("--missing", help="Share of queries that miss something, if you know it.")] = None,
    relevant: Relevant = None,
    tokens: TokensPerDoc = None,
    texts_per_second: TextsPerSecond = None,
    engine: Engine = "local",
    workers: Workers = None,
    machines: Machines = None,
    price_per_hour: PricePerHour = None,
    machine: Machine = None,
    fresh: Fresh = False,
    json: JsonFlag = False,
) -> None:
    """What limitlab diagnose will take: give its own arguments, or bare sizes."""
    from limitlab.estimation import estimate_diagnose, inputs

    means = means_of(workers, machines, engine, price_per_hour)
    given = {**counts(n_docs, n_queries), "relevant_per_query": relevant, "tokens_per_doc": tokens, "k": k, "missing": missing}
    found, encoding = _subject(dataset, model, docs, queries, tokens, texts_per_second, full_dim)
    bare = not found
    if not bare and model is None and (n_docs or n_queries):
        raise InvalidArgument(f"{WHO} diagnose: sizes must come from files or from --n-docs and --n-queries; got both.")
    if bare:
        given |= {"dim": dim, "dtype": dtype, "in_files": None if docs is None else True}
    sizes = inputs.sizes_of(given, found)
    chosen: dict[str, Any] = {"skip": [p.strip() for p in (skip or "").split(",") if p.strip()], "similarity": similarity, "model": model}
    served: dict[str, Any] = {} if bare else {"served_dim": dim, "dtype": dtype}
    _show(estimate_diagnose(sizes, profile_of(machine, fresh), means=means, encoding=encoding, **chosen, **served), json)


def _subject(
    dataset: str | None,
    model: str | None,
    docs: str | None,
    queries: str | None,
    tokens: float | None,
    texts_per_second: float | None,
    full_dim: int | None,
) -> tuple[dict[str, Any], Any]:
    """(sizes found, speed of encoding) of what is named; nothing found where only sizes are given."""
    from limitlab.estimation import inputs
    from limitlab.estimation.model_dims import known_dim

    if (docs is None) != (queries is None):
        raise InvalidArgument(f"{WHO} diagnose: --docs and --queries must be given together; got one of them.")
    if docs is not None and model is not None:
        raise InvalidArgument(f"{WHO} diagnose: vectors come from --docs and --queries, or from --model; got both.")
    data: Any = None
    found: dict[str, Any] = {}
    if dataset is not None:
        from limitlab.data import load

        data = load(dataset)
        found |= inputs.of_dataset(data)
    if docs is not None and queries is not None:
        vectors = inputs.of_vectors(docs, queries)
        if data is not None:
            inputs.refuse_unnamed_rows(docs, queries, vectors, data)
        return found | vectors, None
    if model is None:
        if data is not None:
            raise InvalidArgument(f"{WHO} diagnose: --docs and --queries, or --model, must be given with a dataset; got none.")
        return {}, None
    encoding = encoding_of(model, data, tokens, texts_per_second)
    full = encoding.dim or known_dim(model) or full_dim
    if full is None:
        raise InvalidArgument(f"{WHO} diagnose: --full-dim must say how many dimensions {model} has, which no file here does; got none.")
    return found | {"dim": full}, encoding


@app.command("eval")
def estimate_eval_command(
    dataset: Annotated[str | None, typer.Argument(help="Dataset folder.", metavar="[DATASET]")] = None,
    model: Annotated[
        list[str],
        typer.Option(
            "--model",
            "-m",
            help="bm25, vectors:docs=FILE,queries=FILE, a dense model, openai:...; repeat for more. Default as in eval; bare sizes: vectors.",
        ),
    ] = [],  # noqa: B006
    n_docs: NDocs = None,
    n_queries: NQueries = None,
    dim: Annotated[
        str | None, typer.Option("--dim", help="Dimensions searched; the largest is the full one where no model says it.")
    ] = None,
    dtype: Annotated[str | None, typer.Option("--dtype", help="Of the file of vectors: float32, float16, int8.")] = None,
    relevant: Relevant = None,
    tokens: TokensPerDoc = None,
    texts_per_second: TextsPerSecond = None,
    precision: Annotated[str, typer.Option("--precision", help="auto, float32, bfloat16 or float16: of document vectors.")] = "auto",
    engine: Engine = "local",
    workers: Workers = None,
    machines: Machines = None,
    price_per_hour: PricePerHour = None,
    price_per_million: PricePerMillion = None,
    machine: Machine = None,
    fresh: Fresh = False,
    json: JsonFlag = False,
) -> None:
    """What limitlab eval will take: give its own arguments, or bare sizes."""
    from limitlab.estimation import asked, estimate_eval, inputs

    means = means_of(workers, machines, engine, price_per_hour, price_per_million)
    dims = parse_dims(dim)
    retrievers = [one for text in (model or (["vectors"] if dataset is None else ["bm25", "minilm"])) for one in asked(text)]
    data: Any = None
    found: dict[str, Any] = {}
    if dataset is not None:
        from limitlab.data import load

        data = load(dataset)
        found |= inputs.of_dataset(data)
    sizes, own, encodings = _subject_of_eval(
        retrievers, data, found, dims=dims, given={**counts(n_docs, n_queries), "relevant_per_query": relevant, "tokens_per_doc": tokens},
        dtype=dtype, texts_per_second=texts_per_second, precision=precision,
    )  # fmt: skip
    asked_dims = None if all(one.kind == "bm25" for one in retrievers) else dims
    _show(estimate_eval(sizes, profile_of(machine, fresh), own, means=means, dims=asked_dims, encodings=encodings), json)


def _subject_of_eval(
    retrievers: list[Any],
    data: Any,
    found: dict[str, Any],
    *,
    dims: list[int] | None,
    given: dict[str, Any],
    dtype: str | None,
    texts_per_second: float | None,
    precision: str,
) -> tuple[Any, list[Any], dict[str, Any]]:
    """(sizes of the task, retrievers with the sizes of their own vectors, speed of every encoder)."""
    from dataclasses import replace

    from limitlab.estimation import inputs

    files = {one.spec.text: inputs.of_retriever(one, data) for one in retrievers}
    files = {text: sizes for text, sizes in files.items() if sizes}
    if files and (given["n_docs"] or given["n_queries"] or dtype):
        raise InvalidArgument(f"{WHO} eval: sizes must come from files or from --n-docs, --n-queries and --dtype; got both.")
    inputs.refuse_different(files if data is None else {})
    for sizes in files.values():
        found = {**{name: sizes[name] for name in ("n_docs", "n_queries")}, **found}
    encodings, own = {}, []
    for one in retrievers:
        made = {name: files[one.spec.text][name] for name in ("dim", "dtype", "unit", "in_files")} if one.spec.text in files else {}
        if one.kind == "served" and texts_per_second is None:
            raise InvalidArgument(f"{WHO} eval: --texts-per-second must say how fast {one.spec.name} answers; got none.")
        if one.kind in ("dense", "served"):
            encodings[one.spec.text] = encoding_of(one.spec.text, data, given["tokens_per_doc"], texts_per_second, precision)
            full = encodings[one.spec.text].dim or one.dim
            made |= {} if full is None else {"dim": full}
        own.append(replace(one, own=made))
    given = {**given, "dtype": dtype}
    known = [one.own["dim"] for one in own if "dim" in one.own]
    searched = [one for one in own if one.kind != "bm25"]
    if any("dim" not in one.own for one in searched):
        given["dim"] = max(dims) if dims else None
    else:
        given["dim"] = max(known, default=1)
    return inputs.sizes_of(given, found), own, encodings


@app.command("critical-n")
def estimate_critical_n_command(
    dim: Annotated[str, typer.Option("--dim", help="Dimensions: 12, or 8,12,16, or 4:20.")],
    k: Annotated[int, typer.Option("--k", help="Relevant documents a query.")] = 2,
    seeds: Annotated[int, typer.Option("--seeds", help="So many seeds.")] = 1,
    n_docs: Annotated[str | None, typer.Option("--n-docs", help="Where critical n lies, if you expect it elsewhere.")] = None,
    max_steps: Annotated[int, typer.Option("--max-steps", help="Steps of one optimisation at most.")] = 100_000,
    engine: Engine = "local",
    workers: Workers = None,
    machines: Machines = None,
    price_per_hour: PricePerHour = None,
    machine: Machine = None,
    fresh: Fresh = False,
    json: JsonFlag = False,
) -> None:
    """What limitlab critical-n will take."""
    from limitlab.estimation import Sweep, estimate_critical_n

    means = means_of(workers, machines, engine, price_per_hour)
    guess = count(n_docs, "--n-docs")
    expected = None if guess is None else (lambda _: float(guess))
    sweep = Sweep(tuple(sorted(parse_dims(dim) or [])), k, seeds, expected, max_steps)
    _show(estimate_critical_n(sweep, profile_of(machine, fresh), means=means), json)


@app.command("machine")
def estimate_machine_command(
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Write the profile: .json, for --machine.")] = None,
    fresh: Fresh = False,
    json: JsonFlag = False,
) -> None:
    """Measure this machine, about 10 seconds; kept for a day."""
    from limitlab._core.checks import choice
    from limitlab.cli.estimate_text import machine_text
    from limitlab.estimation import write_profile

    if output is not None:
        choice("--output", "file type", output.suffix, (".json",))
    profile = profile_of(None, fresh)
    if output is not None:
        write_profile(profile, output)
    if json:
        answer_json(profile.to_dict())
    else:
        answer(machine_text(profile) + (f"\nwritten: {output}" if output is not None else ""))
