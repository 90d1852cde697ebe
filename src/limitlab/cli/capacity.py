"""``limitlab capacity``: whether n documents, k relevant ones and d dimensions go together, and the phase diagram."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from limitlab._core.errors import InvalidArgument
from limitlab.cli.options import JsonFlag, Language, answer, answer_json, parse_count

if TYPE_CHECKING:
    from limitlab.capacity.planner import CapacityAnswer

WHO = "limitlab capacity"
Gap = Annotated[float | None, typer.Option("--gap", help="Least gap after rounding; left out: any positive one.")]


def capacity_command(
    n_docs: Annotated[str | None, typer.Option("--n-docs", help="Number of documents: 50000000, 50e6, 2^40.")] = None,
    k: Annotated[int | None, typer.Option("--k", help="Relevant documents a query; every set of so many counts.")] = None,
    dim: Annotated[int | None, typer.Option("--dim", help="Dimension of the vectors.")] = None,
    gap: Gap = None,
    dtype: Annotated[
        str, typer.Option("--dtype", help="Number type of the documents: float32, float16, int8, binary, exact, ...")
    ] = "float32",
    query_dtype: Annotated[str, typer.Option("--query-dtype", help="Number type of the queries.")] = "float32",
    certificate: Annotated[
        Path | None, typer.Option("--certificate", help="Write the certificate here; exit 3 when there is none.")
    ] = None,
    map_: Annotated[bool, typer.Option("--map", help="The phase diagram of k, gap and types instead: n against d.")] = False,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="With --map: the HTML page, or .json.")] = None,
    png: Annotated[Path | None, typer.Option("--png", help="With --map: also write a PNG figure into this folder.")] = None,
    svg: Annotated[Path | None, typer.Option("--svg", help="With --map: also write an SVG figure into this folder.")] = None,
    language: Language = "en",
    json: JsonFlag = False,
) -> None:
    """Can all sets of k documents be retrieved from d dimensions? Possible, exists, impossible or open, with the reason.

    One of --n-docs, --k and --dim may be left out and is solved for; without --gap the gap is. Nothing is optimised.
    """
    if map_:
        _map(n_docs, dim, certificate, k, gap, dtype, query_dtype, output, language, png, svg, json)
        return
    if output is not None or png is not None or svg is not None:
        raise InvalidArgument(f"{WHO}: -o, --png and --svg go with --map; a certificate is written with --certificate FILE.")
    from limitlab.capacity.planner import capacity

    count = parse_count(n_docs, "--n-docs")
    found = capacity(n_docs=count, k=k, dim=dim, gap=gap, dtype=dtype, query_dtype=query_dtype)
    written = None
    if certificate is not None:
        made = found.certified.certificate if found.certified is not None else None
        written = None if made is None else made.save(certificate)
    if json:
        answer_json({**found.to_dict(), "file": None if written is None else str(written)})
    else:
        answer(capacity_text(found))
        if written is not None:
            answer(f"written: {written}. Check it: limitlab verify {written}")
    if certificate is not None and written is None:
        sys.stderr.write(f"{WHO}: nothing is certified for these numbers, so no certificate was written; that is no limit.\n")
        raise typer.Exit(3)


def capacity_text(found: CapacityAnswer) -> str:
    """The answer in a few lines: the question, the three senses, what it does not say."""
    lines = [f"{_question(found)}{'?' if found.status is None else f': {found.status}'}", *_three(found)]
    if found.status in ("exists", "open") and found.needs_certified is not None and found.certified is None:
        lines.append(f"  certified from {found.needs_certified:,} dimensions on")
    if found.status == "open":
        upper = min((d for d in (found.needs_existing, found.needs_certified) if d is not None), default=None)
        known = f"known to suffice from {upper:,} on" if upper is not None else "no number of dimensions is known to suffice"
        lines.append(f"  open between these dimensions: needed at least {found.needs_at_least:,}, {known}")
    if found.extrapolation is not None:
        about = f"{found.extrapolation:,.0f} documents"
        lines.append(
            f"  for comparison: the cubic through one optimiser's critical n [Weller2025] reads {about} at this dimension; no limit"
        )
    return "\n".join([*lines, found.says_not])


def _question(found: CapacityAnswer) -> str:
    parts = [
        f"{found.n_docs:,} documents" if found.n_docs is not None else "how many documents",
        f"every set of {found.k:,}" if found.k is not None else "the largest k up to half of them",
        f"{found.dim:,} dimensions" if found.dim is not None else "how many dimensions",
        f"gap {found.gap:g} or more" if found.gap > 0 else "any positive gap",
        f"documents {found.dtype}, queries {found.query_dtype}",
    ]
    return ", ".join(parts)


def _three(found: CapacityAnswer) -> list[str]:
    """Certified, exists, impossible: one line each, beginning with the number that was solved for."""
    lines = []
    if found.certified is not None:
        lines.append(f"  certified    {_value(found, found.value_certified)}{found.certified.sentence}; {found.certified.name}")
    else:
        lines.append("  certified    nothing; that is no limit")
    if found.existing is not None:
        larger = found.dim is not None and found.existing.dim > found.dim
        lines.append(f"  exists       {'not shown here, but ' if larger else _most(found)}{found.existing.sentence}; {found.existing.name}")
    else:
        lines.append("  exists       no theorem of ours says so; that is no limit")
    if found.impossible is not None:
        word = {"n_docs": "from ", "dim": "below ", "gap": "above "}.get(found.solved_for or "", "")
        shown = _value(found, found.value_impossible)
        if not shown and found.status != "impossible":
            shown = f"not here, but below {found.impossible.dim:,} dimensions: "
        lines.append(f"  impossible   {word if found.value_impossible else ''}{shown}{found.impossible.sentence}; {found.impossible.name}")
    else:
        lines.append(f"  impossible   {'no k up to n / 2' if found.solved_for == 'k' else 'nothing up to 1e18 documents'}")
    return lines


def _most(found: CapacityAnswer) -> str:
    """The number that is shown to exist; a gap in the dimensions asked for beside the fewest that are shown to do."""
    if found.solved_for == "gap" and found.value_existing is not None:
        return f"{_value(found, found.value_existing)[:-2]}; already "
    capped = found.solved_for == "n_docs" and found.value_existing == 10**18
    return ("at least " if capped else "") + _value(found, found.value_existing)


def _value(found: CapacityAnswer, value: float | int | None) -> str:
    """The number that was solved for, with its unit."""
    if value is None:
        return ""
    words = {"n_docs": f"{value:,} documents", "k": f"k = {value:,}", "dim": f"{value:,} dimensions"}
    return words.get(found.solved_for or "", f"gap {value:.4g} in {found.dim:,} dimensions" if found.dim else f"gap {value:.4g}") + ": "


def _map(
    n_docs: str | None,
    dim: int | None,
    certificate: Path | None,
    k: int | None,
    gap: float | None,
    dtype: str,
    query_dtype: str,
    output: Path | None,
    language: str,
    png: Path | None,
    svg: Path | None,
    json: bool,
) -> None:
    from limitlab._core.checks import choice
    from limitlab._core.optional import require
    from limitlab.capacity.phase_diagram import phase_map
    from limitlab.cli.options import save

    if n_docs is not None or dim is not None or certificate is not None:
        raise InvalidArgument(f"{WHO}: --map shows all n and d; leave out --n-docs, --dim and --certificate.")
    if output is not None:
        choice("--output", "file type", output.suffix, (".html", ".json"))
    if png is not None or svg is not None:
        require("matplotlib", extra="figures", what="PNG and SVG figures")
    found = phase_map(2 if k is None else k, gap=0.0 if gap is None else gap, dtype=dtype, query_dtype=query_dtype)
    written = []
    if output is not None and output.suffix == ".json":
        save(output, found.to_dict())
        written.append(output)
    elif output is not None:
        from limitlab.report.capacity_page import write_capacity_report

        written.append(write_capacity_report(found, output, language=language, command=["limitlab", *sys.argv[1:]]))
    for folder, kind in ((png, "png"), (svg, "svg")):
        if folder is not None:
            from limitlab.report.static import write_capacity_figures

            written += write_capacity_figures(found, folder, formats=(kind,))
    if json:
        answer_json({**found.to_dict(), "files": [str(p) for p in written]})
        return
    from limitlab.cli.tables import plain_table

    rows = [
        (f"{p.n_docs:,}", p.impossible_below, p.existing_from, p.certified_from, p.certificate)
        for p in found.points
        if not p.is_step and p.n_docs in _round_sizes(found.points[-1].n_docs)
    ]
    about = (
        f"k = {found.k}, {'any positive gap' if not found.gap else f'gap {found.gap:g} or more'}, documents {dtype}, queries {query_dtype}"
    )
    head = ["documents", "impossible below d", "random suffice from d", "certified from d", "certificate"]
    answer(plain_table(head, rows, title=about, right=range(4)))
    for path in written:
        answer(f"written: {path}")


def _round_sizes(high: int) -> set[int]:
    return {10**e for e in range(1, len(str(high)) + 1)}
