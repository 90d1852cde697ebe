"""``limitlab bounds``: theorems, constructions and measurements about the dimension that a relevance matrix needs."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from limitlab._core.checks import choice
from limitlab._core.errors import InvalidArgument, RangeError, ShapeError
from limitlab.cli.options import JsonFlag, Language, answer, answer_json, parse_count, save
from limitlab.cli.own_relevance import own_relevance
from limitlab.cli.tables import narrow, plain_table

if TYPE_CHECKING:
    from limitlab.free.problem import FreeProblem
    from limitlab.relevance import RelevanceMatrix
    from limitlab.theory import Bound, BoundTable

PATTERNS = ("dense", "random", "cycle", "disjoint", "all-subsets")


def bounds_command(
    dataset: Annotated[str | None, typer.Argument(help="Dataset folder.", metavar="DATASET")] = None,
    qrels: Annotated[Path | None, typer.Option("--qrels", help="A qrels file: another one of DATASET, or alone.")] = None,
    split: Annotated[str, typer.Option("--split", help="Which qrels of DATASET: test, dev, train.")] = "test",
    min_relevance: Annotated[int, typer.Option("--min-relevance", help="The grade from which a document counts as relevant.")] = 1,
    pattern: Annotated[str | None, typer.Option("--pattern", help="dense, random, cycle, disjoint or all-subsets.")] = None,
    n_docs: Annotated[str | None, typer.Option("--n-docs", help="Number of documents; 50e6 is understood.")] = None,
    n_queries: Annotated[int | None, typer.Option("--n-queries", help="Number of queries of the pattern.")] = None,
    k: Annotated[
        int | None, typer.Option("--k", help="With --n-docs alone: all sets of k documents. Else relevant documents a query.")
    ] = None,
    at_most: Annotated[bool, typer.Option("--at-most", help="With --n-docs and --k: all sets of 1 to k documents.")] = False,
    seed: Annotated[int, typer.Option("--seed", help="Of --pattern random.")] = 0,
    gap: Annotated[
        str | None, typer.Option("--gap", help="Full gaps for the packing bound: 0.1 or 0.2,0.02 (the default: 0.2,0.02,0.002).")
    ] = None,
    query_bits: Annotated[int | None, typer.Option("--query-bits", help="Queries are stored in so many bits a coordinate.")] = None,
    doc_bits: Annotated[int | None, typer.Option("--doc-bits", help="Documents are stored in so many bits a coordinate.")] = None,
    seconds: Annotated[float, typer.Option("--seconds", help="Time allowed; what is not finished is listed as not computed.")] = 10.0,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Also write the answer: .json, .txt or .html.")] = None,
    language: Language = "en",
    json: JsonFlag = False,
) -> None:
    """Bound the dimension, sign rank and gap of qrels, of a pattern, or of all k-subsets of n documents.

    A lower bound is a proof that fewer dimensions are impossible, an upper bound a proof that so many suffice for some vectors, in real
    arithmetic. Neither says what a trained encoder finds.
    """
    if output is not None:
        choice("--output", "file type", output.suffix, (".json", ".txt", ".html"))
    gaps = None if gap is None else [_number("--gap", part) for part in gap.split(",")]
    count = None if n_docs is None else _whole("--n-docs", n_docs)
    options = {"gap": gaps, "query_bits": query_bits, "doc_bits": doc_bits, "seconds": seconds}
    own = dataset is not None or qrels is not None
    _check(own, pattern, count, n_queries, k, at_most)
    if own:
        name, relevance = own_relevance("limitlab bounds", dataset, qrels, split, min_relevance)
        table = _of_matrix(relevance, min_relevance, options)
    elif pattern is not None:
        name, relevance = _made(pattern, count or 0, n_queries, k or 2, seed)
        table = _of_matrix(relevance, 1, options)
    else:
        from limitlab.theory import bounds

        name = f"all sets of {'at most' if at_most else 'exactly'} {k:,} of {count:,} documents"
        table = bounds(n_docs=count, k=k, sets="at most" if at_most else "exactly", **options)  # type: ignore[arg-type]
    text = bounds_text(name, table)
    if output is not None:
        _write(output, name, table, text, language)
    if json:
        answer_json({"source": name, **table.to_dict()})
    else:
        answer(text)
        if output is not None:
            answer(f"written: {output}")


def bounds_text(name: str, table: BoundTable) -> str:
    """The whole answer as text: sizes, one line a quantity, one line a bound."""
    from limitlab.theory.quantities import QUANTITIES

    about = table.about
    if "distinct_docs" in about:
        sizes = f"{about['n_docs']:,} documents, {about['n_queries']:,} queries; "
        sizes += f"{about['distinct_docs']:,} and {about['distinct_queries']:,} distinct"
        if about["constant_queries"]:
            sizes += f", besides {about['constant_queries']} kind(s) of queries with no or all documents relevant"
    else:
        sizes = f"{about['n_sets']} sets"
    summary = [
        (_range(row["lower"], row["upper"]), QUANTITIES[quantity], _names(row["lower_by"], row["upper_by"]))
        for quantity, row in table.summary().items()
    ]
    head = ["quantity", "bound", "kind", "name", "assumptions", "source", "note"]
    rows = [[b.quantity, _value(b), b.kind, b.name, b.assumptions, ", ".join(b.citation), b.note] for b in table.bounds]
    if narrow():
        head, rows = head[:4], [row[:4] for row in rows]
    parts = [
        f"{name}: {sizes}",
        plain_table(["value", "quantity", "by"], summary, right=(0,)),
        "",
        plain_table(head, rows),
        *(["Assumptions and sources: in a wider terminal, or with -o bounds.html"] if narrow() else []),
    ]
    return "\n".join(parts)


def _write(path: Path, name: str, table: BoundTable, text: str, language: str) -> None:
    if path.suffix == ".html":
        from limitlab.report import write_bounds_report
        from limitlab.report.language import said

        title = said(f"{name}: what dimension it needs", language)
        write_bounds_report(table, path, title=title, language=language, command=["limitlab", *sys.argv[1:]])
    else:
        save(path, {"source": name, **table.to_dict()} if path.suffix == ".json" else text + "\n")


def _check(own: bool, pattern: str | None, n_docs: int | None, n_queries: int | None, k: int | None, at_most: bool) -> None:
    who = "limitlab bounds"
    if own:
        given = {"--pattern": pattern, "--n-docs": n_docs, "--n-queries": n_queries, "--k": k, "--at-most": at_most or None}
        if wrong := [name for name, value in given.items() if value is not None]:
            raise InvalidArgument(f"{who}: {', '.join(wrong)} must not be given with a dataset or qrels; got both. Give one or the other.")
        return
    if pattern is not None:
        choice(who, "pattern", pattern, PATTERNS)
    if n_docs is None or (pattern is None and k is None):
        raise InvalidArgument(
            f"{who}: a DATASET, --qrels, --pattern with --n-docs, or --n-docs with --k must be given. Such as: {who} --n-docs 46 --k 2"
        )
    needs_queries = pattern is not None and pattern != "all-subsets"
    if needs_queries != (n_queries is not None):
        raise InvalidArgument(f"{who}: --n-queries must be given with dense, random, cycle and disjoint, and only there; got {n_queries}.")
    if at_most and pattern is not None:
        raise InvalidArgument(f"{who}: --at-most must come with --n-docs and --k alone; got --pattern {pattern} too.")


def _made(pattern: str, n_docs: int, n_queries: int | None, k: int, seed: int) -> tuple[str, RelevanceMatrix]:
    from limitlab.relevance import all_subsets, from_pattern

    if pattern == "all-subsets":
        return f"all {k}-subsets of {n_docs:,} documents", all_subsets(n_docs, k)
    return f"pattern {pattern}, k = {k}", from_pattern(pattern, n_docs, n_queries or 0, k=k, seed=seed)


def _of_matrix(relevance: RelevanceMatrix, min_relevance: int, options: dict[str, Any]) -> BoundTable:
    from limitlab.theory import bounds

    return bounds(relevance, min_relevance=min_relevance, found=[_stored(relevance, min_relevance)], **options)


def _stored(relevance: RelevanceMatrix, min_relevance: int) -> Bound:
    """The least dimension of vectors in the ledger that hold this matrix: their scores are checked again, whatever the run was called."""
    from limitlab.theory import Bound

    found = _held(relevance, min_relevance)
    given = "these vectors, found by an optimisation; nothing follows from not finding any"
    if found is None:
        note = "the ledger has no vectors that hold this matrix; limitlab free may find some"
        return Bound("dim", "upper", None, "measurement", "dim_upper_free", given, ("Weller2025",), "not computed", note)
    dim, run = found
    note = f"run {run}: every query has its relevant documents on top, beyond rounding; checked again"
    return Bound("dim", "upper", dim, "measurement", "dim_upper_free", given, ("Weller2025",), note=note)


def _held(relevance: RelevanceMatrix, min_relevance: int) -> tuple[int, str] | None:
    from limitlab.free.counting import count_hits
    from limitlab.free.least_dimension import KIND, load_least_dimension
    from limitlab.free.problem import FreeProblem
    from limitlab.ledger import Ledger
    from limitlab.relevance import reduced

    ledger = Ledger()
    runs = ledger.runs(kind=KIND)
    if not runs:
        return None
    try:
        small = FreeProblem.from_relevance(reduced(relevance, min_relevance=min_relevance).relevance)
        whole = FreeProblem.from_relevance(relevance, min_relevance=min_relevance)
    except ShapeError:  # a query with no relevant document, or with all: no free embedding was made of it
        return None
    best: tuple[int, str] | None = None
    for run in runs:
        for problem in (small, whole):
            solved = load_least_dimension(run.id, ledger=ledger).solved if _same_size(run.config, problem) else None
            if solved is None or solved.docs is None or solved.queries is None or (best is not None and solved.dim >= best[0]):
                continue
            if count_hits(problem, solved.docs, solved.queries)[0] == problem.n_relevant:
                best = solved.dim, run.id
    return best


def _same_size(config: dict[str, Any], problem: FreeProblem) -> bool:
    return [config.get(name) for name in ("n_docs", "n_queries", "n_relevant")] == [problem.n_docs, problem.n_queries, problem.n_relevant]


def _number(option: str, text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise RangeError(f"{option}: numbers separated by commas are expected; got {text!r}.") from None


def _whole(option: str, text: str) -> int:
    value = parse_count(text, option) or 0
    if value < 1:
        raise RangeError(f"{option}: must be a whole number of at least 1; got {text!r}.")
    return value


def _range(lower: float | None, upper: float | None) -> str:
    if lower is not None and lower == upper:
        return _figure(lower)
    if lower is None or upper is None:
        return f"<= {_figure(upper)}" if upper is not None else f">= {_figure(lower or 0)}"
    return f"{_figure(lower)} to {_figure(upper)}"


def _value(bound: Bound) -> str:
    if bound.value is None:
        return "not computed"
    sign = {"lower": ">=", "upper": "<=", "exact": "="}[bound.direction]
    return f"{sign} {_figure(bound.value)}"


def _figure(value: float) -> str:
    return f"{value:,}" if isinstance(value, int) else f"{value:.6g}"


def _names(lower: str | None, upper: str | None) -> str:
    return ", ".join(dict.fromkeys(name for name in (lower, upper) if name))
