"""``limitlab place``: an embedding of the user's own relevance judgements, and what it attains once stored."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from limitlab._core.errors import InvalidArgument
from limitlab.cli.options import JsonFlag, Seed, answer, answer_json, parse_dims
from limitlab.cli.own_relevance import own_relevance
from limitlab.cli.progress import Bars
from limitlab.cli.tables import plain_table

if TYPE_CHECKING:
    import numpy as np

    from limitlab.capacity.placement import Placement
    from limitlab.relevance import RelevanceMatrix

WHO = "limitlab place"


def place_command(
    dataset: Annotated[str | None, typer.Argument(help="Dataset folder whose qrels are to be placed.", metavar="DATASET")] = None,
    qrels: Annotated[Path | None, typer.Option("--qrels", help="A qrels file: another one of DATASET, or alone.")] = None,
    split: Annotated[str, typer.Option("--split", help="Which qrels of DATASET: test, dev, train.")] = "test",
    min_relevance: Annotated[int, typer.Option("--min-relevance", help="The grade from which a document counts as relevant.")] = 1,
    dim: Annotated[
        str | None,
        typer.Option(
            "--dim", help="4, or 2,4,8, or 2:16: tried in ascending order until one holds. Default: twice the largest answer set."
        ),
    ] = None,
    dtype: Annotated[str, typer.Option("--dtype", help="Number type of the documents: float32, float16, bfloat16, int8, ...")] = "float32",
    query_dtype: Annotated[str | None, typer.Option("--query-dtype", help="Number type of the queries; default: that of --dtype.")] = None,
    improve: Annotated[
        float | None, typer.Option("--improve", help="Move the documents for about so many seconds to enlarge the least gap.")
    ] = None,
    seed: Seed = 0,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Folder for docs.npy, queries.npy, ids.json, placement.json.")
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace an existing folder.")] = False,
    json: JsonFlag = False,
) -> None:
    """Place documents and queries of relevance judgements by the best construction known, without any text.

    Exit 3 when not every query has exactly its relevant documents on top after rounding. That proves nothing about other vectors.
    """
    from limitlab.capacity.placement_files import write_placement

    if output is not None and output.exists() and not overwrite:  # before minutes of work, not after
        raise InvalidArgument(f"{WHO}: the output folder must not exist; {output} does. Choose another -o, or pass --overwrite.")
    if improve is not None and improve <= 0:
        raise InvalidArgument(f"{WHO}: --improve must be a number of seconds above 0; got {improve:g}. Leave it out for none.")
    dims: list[int | None] = [*sorted(parse_dims(dim) or [])] or [None]
    name, relevance = own_relevance(WHO, dataset, qrels, split, min_relevance)
    options: dict[str, Any] = {"dtype": dtype, "query_dtype": query_dtype, "min_relevance": min_relevance, "seed": seed, "progress": Bars()}
    results: list[Placement] = []
    for each in dims:
        results.append(_placed(relevance, each, improve, options))
        if results[-1].kind == "construction":
            break
    found = max(results, key=lambda r: (r.recall, r.solved, -r.dim))
    if output is not None:
        write_placement(found, output, overwrite=overwrite)
    if json:
        before = [{"dim": r.dim, "recall": r.recall, "solved": r.solved} for r in results]
        answer_json({"source": name, **found.to_dict(), "dims": before, "folder": None if output is None else str(output)})
    else:
        for r in results if len(results) > 1 else ():
            answer(f"dimension {r.dim}: recall {r.recall:.4f}, {r.solved:,} queries right")
        answer(placement_text(name, found, relevance, min_relevance))
        if output is not None:
            answer(f"written: {output}")
    raise typer.Exit(0 if found.kind == "construction" else 3)


def _placed(relevance: RelevanceMatrix, dim: int | None, improve: float | None, options: dict[str, Any]) -> Placement:
    """Placed, and once more with the documents moved if that is asked for."""
    from limitlab.capacity.placing import place

    found = place(relevance, dim=dim, **options)
    if improve is None:
        return found
    also = {f"{found.method}, moved to enlarge the least gap": _moved(found, improve, options["seed"])}
    return place(relevance, dim=found.dim, also=also, **options)


def _moved(found: Placement, seconds: float, seed: int) -> np.ndarray:
    from limitlab.free import FreeConfig, maximise_gap

    config = FreeConfig(dim=found.dim, objective="gap", seed=seed)
    start = _spread(found.places, seed) if found.places.any(axis=1).all() else "random"
    done = maximise_gap(found.reduction.relevance, config, start=start, until="best", seconds=seconds, progress=Bars())
    return found.places if done.docs is None else done.docs


def _spread(places: np.ndarray, seed: int) -> np.ndarray:
    """Places that use every dimension: one that all leave at zero would stay at zero, as nothing pulls it either way."""
    import numpy as np

    from limitlab._core.seeds import derived

    unused = ~places.any(axis=0)
    if not unused.any():
        return places
    length = np.sqrt((places**2).sum(axis=1, keepdims=True))
    moved = np.array(places, np.float64)
    moved[:, unused] = 0.02 * length * derived(seed, "unused dimensions").standard_normal((len(places), int(unused.sum())))
    return moved


def placement_text(name: str, found: Placement, relevance: RelevanceMatrix, min_relevance: int) -> str:
    """Sizes, what was attained, and every construction that was tried."""
    facts = found.to_dict()
    counts = relevance.relevant_counts(min_relevance)
    k = int(counts[0]) if (counts == counts[0]).all() else None
    measure = f"R@{k}" if k else "recall among the first |S|"
    sizes = f"{facts['n_docs']:,} documents ({facts['distinct_docs']:,} distinct), {facts['n_queries']:,} queries, dimension {found.dim}"
    memory = f"{facts['docs_bytes']:,} bytes of documents, {facts['queries_bytes']:,} of queries"
    stored = found.dtype if found.dtype == found.query_dtype else f"{found.dtype} documents, {found.query_dtype} queries"
    if found.kind == "construction":
        verdict = "every query has exactly its relevant documents on top, decided in exact arithmetic on the stored numbers"
    else:
        verdict = f"{found.solved:,} of {facts['n_queries']:,} queries are right; that proves nothing about other vectors"
    rows = [(t["method"], f"{t['recall']:.4f}", f"{t['solved']:,}", f"{t['least_gap']:.3g}") for t in found.tried]
    parts = [
        f"{name}: {sizes}; {stored}, {memory}",
        f"{measure} = {found.recall:.4f} after rounding, ties against the relevant; least gap {found.least_gap:.4g}; {found.kind}: {verdict}",
        f"by: {found.method}",
        plain_table(["tried", measure, "queries right", "least gap"], rows, right=(1, 2, 3)),
    ]
    return "\n".join(parts)
