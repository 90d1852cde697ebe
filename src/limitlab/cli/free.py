"""``limitlab free``: optimise documents and queries directly on a relevance matrix, without any text."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from limitlab._core.checks import choice
from limitlab._core.errors import InvalidArgument
from limitlab.cli.options import JsonFlag, answer, answer_json, parse_dims, save
from limitlab.cli.own_relevance import own_relevance
from limitlab.cli.progress import Bars

if TYPE_CHECKING:
    from limitlab.free.least_dimension import LeastDimension
    from limitlab.free.problem import FreeProblem
    from limitlab.relevance.reduction import Reduction

Objective = Annotated[str, typer.Option("--objective", help="infonce (the paper's code), footnote (its formula), sigmoid, or gap.")]
LearningRate = Annotated[float | None, typer.Option("--learning-rate", help="Of Adam; default 0.01.")]
Temperature = Annotated[float | None, typer.Option("--temperature", help="Of the softmax; default 0.1.")]
Patience = Annotated[int | None, typer.Option("--patience", help="Steps without improvement that end it; default 1000.")]
MinDelta = Annotated[float | None, typer.Option("--min-delta", help="What counts as an improvement of the loss; default 0.00001.")]
MaxSteps = Annotated[int | None, typer.Option("--max-steps", help="Steps at most; default 100000.")]
EvaluateEvery = Annotated[int | None, typer.Option("--evaluate-every", help="Steps between two counts of the hits; default 50.")]
Device = Annotated[str | None, typer.Option("--device", help="auto, cpu or cuda; default auto.")]
Fresh = Annotated[bool, typer.Option("--fresh", help="Optimise again what the ledger has already.")]


def given(**options: Any) -> dict[str, Any]:
    """The options that were given."""
    return {name: value for name, value in options.items() if value is not None}


def free(
    dim: Annotated[str, typer.Option("--dim", help="Dimensions, tried in ascending order until one holds: 12, or 8,12,16, or 4:20.")],
    dataset: Annotated[str | None, typer.Argument(help="Dataset folder whose qrels are to be held.", metavar="DATASET")] = None,
    qrels: Annotated[Path | None, typer.Option("--qrels", help="A qrels file: another one of DATASET, or alone.")] = None,
    split: Annotated[str, typer.Option("--split", help="Which qrels of DATASET: test, dev, train.")] = "test",
    min_relevance: Annotated[int, typer.Option("--min-relevance", help="The grade from which a document counts as relevant.")] = 1,
    n_docs: Annotated[int | None, typer.Option("--n-docs", help="Number of documents, when there is no dataset.")] = None,
    k: Annotated[int, typer.Option("--k", help="Relevant documents a query; without --pattern every k-subset is a query.")] = 2,
    pattern: Annotated[str | None, typer.Option("--pattern", help="dense, random, cycle or disjoint instead of all k-subsets.")] = None,
    n_queries: Annotated[int | None, typer.Option("--n-queries", help="Number of queries of the pattern.")] = None,
    objective: Objective = "infonce",
    learning_rate: LearningRate = None,
    temperature: Temperature = None,
    patience: Patience = None,
    min_delta: MinDelta = None,
    max_steps: MaxSteps = None,
    evaluate_every: EvaluateEvery = None,
    seed: Annotated[int, typer.Option("--seed", help="Of the starting vectors, and of --pattern random.")] = 42,
    device: Device = None,
    until: Annotated[
        str | None, typer.Option("--until", help="With --objective gap: solved, or best (the default) to enlarge the least gap further.")
    ] = None,
    seconds: Annotated[float | None, typer.Option("--seconds", help="With --objective gap: about so long a dimension; default 20.")] = None,
    start: Annotated[str | None, typer.Option("--start", help="With --objective gap: random (the default), trig or frame.")] = None,
    fresh: Fresh = False,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Also write: .npz (the vectors, when solved) or .json.")] = None,
    certificate: Annotated[
        Path | None, typer.Option("--certificate", help="With --objective gap: a certificate for limitlab verify.")
    ] = None,
    json: JsonFlag = False,
) -> None:
    """Optimise document and query vectors directly on a relevance matrix. Exit 3 when it is not solved.

    Solved: every query has exactly its relevant documents on top, an upper bound on the dimension that the relevance needs. Not
    solved proves nothing.
    """
    _check_files(output, certificate, objective)
    of_gap = given(until=until, seconds=seconds, start=start)
    if of_gap and objective != "gap":
        raise InvalidArgument(f"--{next(iter(of_gap))}: goes with --objective gap; got --objective {objective}. Leave it out.")
    if objective == "gap":
        of_gap = {"until": "best", "seconds": 20.0, **of_gap}
    dims = parse_dims(dim) or []
    options = given(
        learning_rate=learning_rate,
        temperature=temperature,
        patience=patience,
        min_delta=min_delta,
        max_steps=max_steps,
        evaluate_every=evaluate_every,
        device=device,
        **of_gap,
    )
    own = _own(dataset, qrels, split, min_relevance, {"--n-docs": n_docs, "--pattern": pattern, "--n-queries": n_queries}, seed)
    asked = own or _made(n_docs, k, pattern, n_queries, seed)
    if certificate is not None and asked[0].k is None:
        raise InvalidArgument("--certificate: every query must have the same number of relevant documents; they have different ones here.")
    found = _optimised(asked, dims, fresh, {"objective": objective, **options})
    written = _write(found, asked[1], output) if output is not None else []
    if certificate is not None:
        written += _write_certificate(found, asked[0], certificate)
    _show(found, asked[2], written, json)
    raise typer.Exit({"solved": 0, "failed": 1}.get(found.status.key, 3))


def _check_files(output: Path | None, certificate: Path | None, objective: str) -> None:
    if output is not None:
        choice("--output", "file type", output.suffix, (".npz", ".json"))
    if certificate is not None and objective != "gap":
        raise InvalidArgument(f"--certificate: goes with --objective gap; got --objective {objective}. Only a maximised gap is worth one.")


def _optimised(asked: Problem, dims: list[int], fresh: bool, options: dict[str, Any]) -> LeastDimension:
    from limitlab.free.least_dimension import least_dimension

    problem, _, about = asked
    command = ["limitlab", *sys.argv[1:]]
    return least_dimension(problem, dims, reuse=not fresh, about=about, command=command, progress=Bars(), **options)


Problem = tuple["FreeProblem", "Reduction | None", dict[str, Any]]


def _own(dataset: str | None, qrels: Path | None, split: str, min_relevance: int, made: dict[str, Any], seed: int) -> Problem | None:
    """The user's own relevance: distinct rows and columns; documents that are relevant to nothing count as one."""
    if dataset is None and qrels is None:
        return None
    if wrong := [name for name, value in made.items() if value is not None]:
        raise InvalidArgument(f"{', '.join(wrong)}: goes without a dataset; got {dataset or qrels} too. Give one or the other.")
    from limitlab.free.problem import FreeProblem
    from limitlab.relevance import reduced

    _, relevance = own_relevance("limitlab free", dataset, qrels, split, min_relevance)
    reduction = reduced(relevance, min_relevance=min_relevance)
    about = {
        "source": Path(dataset).name if dataset is not None else Path(qrels or "").name,
        "of_n_docs": relevance.n_docs,
        "of_n_queries": relevance.n_queries,
        "min_relevance": min_relevance,
    }
    return FreeProblem.from_relevance(reduction.relevance, seed=seed), reduction, about


def _made(n_docs: int | None, k: int, pattern: str | None, n_queries: int | None, seed: int) -> Problem:
    """All k-subsets, or one of the paper's patterns."""
    from limitlab.free.problem import FreeProblem

    if n_docs is None:
        raise InvalidArgument(
            "free: a DATASET, --qrels FILE or --n-docs must be given; got none. Such as: limitlab free --n-docs 46 --dim 12"
        )
    if pattern is None:
        if n_queries is not None:
            raise InvalidArgument(
                "--n-queries: goes with --pattern; without one every k-subset is a query. Leave it out, or name a pattern."
            )
        return FreeProblem.all_subsets(n_docs, k, seed=seed), None, {"source": f"all {k}-subsets"}
    from limitlab.relevance.patterns import from_pattern

    if n_queries is None:
        raise InvalidArgument(f"--pattern {pattern}: --n-queries must be given with it; got none.")
    relevance = from_pattern(pattern, n_docs, n_queries, k=k, seed=seed)
    return FreeProblem.from_relevance(relevance, seed=seed), None, {"source": pattern}


def _write(found: LeastDimension, reduction: Reduction | None, output: Path) -> list[Path]:
    """The record, or the vectors; there are none worth keeping when nothing was solved."""
    if output.suffix == ".json":
        save(output, found.to_dict())
        return [output]
    best = found.solved
    if best is None or best.docs is None or best.queries is None:
        return []
    import numpy as np

    from limitlab._core.files import atomic_file

    docs, queries = best.docs, best.queries
    arrays = {}
    if reduction is not None:
        docs, queries = reduction.expand(docs, queries)
        arrays = {"doc_ids": np.array(list(reduction.doc_ids)), "query_ids": np.array(list(reduction.query_ids))}
    with atomic_file(output) as out:
        np.savez(out, allow_pickle=False, docs=docs, queries=queries, **arrays)
    return [output]


def _write_certificate(found: LeastDimension, problem: FreeProblem, path: Path) -> list[Path]:
    """The solved vectors with the claim that they prove, checked in exact arithmetic; none when nothing was solved."""
    from math import comb

    from limitlab.capacity import vectors_certificate

    best, k = found.solved, problem.k
    if best is None or best.docs is None or best.queries is None or k is None:
        return []
    every = problem.n_queries == comb(problem.n_docs, k)
    sets = None if every and _in_order(problem, k) else problem.members.reshape(-1, k)
    vectors_certificate(best.docs, best.queries, sets, k=k).save(path)
    return [path]


def _in_order(problem: FreeProblem, k: int) -> bool:
    """Whether the queries are all k-subsets in dictionary order."""
    from limitlab.free.problem import FreeProblem

    return bool((problem.members == FreeProblem.all_subsets(problem.n_docs, k).members).all())


def _show(found: LeastDimension, about: dict[str, Any], written: list[Path], json: bool) -> None:
    if json:
        answer_json({**found.to_dict(), "files": [str(p) for p in written]})
        return
    from limitlab.cli.free_tables import free_table

    size = f"{found.config['n_docs']:,} documents, {found.config['n_queries']:,} queries, {found.config['n_relevant']:,} relevant pairs"
    whole = (
        f" ({about['of_n_docs']:,} documents and {about['of_n_queries']:,} queries before equal ones were merged)"
        if "of_n_docs" in about
        else ""
    )
    answer(f"{about['source']}: {size}{whole}; {found.config['free']['objective']}")
    answer(free_table(found))
    for path in written:
        answer(f"written: {path}")
    answer(f"run {found.run_ids[0]}")
