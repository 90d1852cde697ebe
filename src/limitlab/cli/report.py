"""``limitlab report``: stored runs as one HTML page, or as figures."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from limitlab._core.checks import choice
from limitlab.cli.options import Compare, JsonFlag, Language, answer, answer_json, parse_pair


def report(
    runs: Annotated[list[str], typer.Argument(help="Run ids, unique starts of them, or last.", metavar="RUN...")],
    output: Annotated[Path, typer.Option("--output", "-o", help="The HTML file.")] = Path("report.html"),
    title: Annotated[str | None, typer.Option("--title", help="Title of the page.")] = None,
    png: Annotated[Path | None, typer.Option("--png", help="Also write PNG figures into this folder.")] = None,
    svg: Annotated[Path | None, typer.Option("--svg", help="Also write SVG figures into this folder.")] = None,
    with_text: Annotated[
        Path | None,
        typer.Option("--with-text", help="Show examples with text from this dataset folder. Without it no document text is in the page."),
    ] = None,
    compare: Compare = None,
    language: Language = "en",
    json: JsonFlag = False,
) -> None:
    """Write a self-contained HTML report of stored runs: evaluations, searches for the critical n with what is certified beside them, reproductions, a diagnosis, or a training."""
    choice("--output", "file type", output.suffix, (".html", ".htm"))
    pair = parse_pair(compare)
    others = {"--with-text": with_text, "--png": png, "--svg": svg, "--compare": compare}
    if _kinds(runs) == {"reproduction"}:
        written = [_reproduction_page(runs, output, title, language, others)]
    elif "train" in _kinds(runs):
        written = [_training_page(runs, output, title, language, others)]
    elif "diagnose" in _kinds(runs):
        written = [_diagnosis_page(runs, output, title, language, others)]
    elif _are_critical_n(runs):
        written = _critical_n_pages(runs, output, title, language, others)
    else:
        written = _evaluation_pages(runs, output, title, language, with_text, {"png": png, "svg": svg}, pair)
    if json:
        answer_json({"schema": "limitlab.report/1", "files": [str(p) for p in written]})
    else:
        for path in written:
            answer(f"written: {path}")


def _kinds(runs: list[str]) -> set[str]:
    from limitlab.ledger import Ledger

    ledger = Ledger()
    return {ledger.run(r).kind for r in runs}


def _reproduction_page(runs: list[str], output: Path, title: str | None, language: str, others: dict[str, Any]) -> Path:
    from limitlab._core.errors import InvalidArgument
    from limitlab.report import write_reproduction_report
    from limitlab.reproduce import load_outcome

    if wrong := [name for name, value in others.items() if value is not None]:
        raise InvalidArgument(
            f"report: {', '.join(wrong)} must not be given for reproductions; they have one page without texts. Leave it out."
        )
    return write_reproduction_report([load_outcome(r).to_dict() for r in runs], output, title=title, language=language)


def _training_page(runs: list[str], output: Path, title: str | None, language: str, others: dict[str, Any]) -> Path:
    from limitlab._core.errors import InvalidArgument
    from limitlab.report import write_training_report
    from limitlab.training import load_training

    if len(runs) > 1:
        raise InvalidArgument(f"report: a training must be the only run of its page; got {len(runs)} runs. Write one page a run.")
    if wrong := [name for name, value in others.items() if value is not None]:
        raise InvalidArgument(f"report: {', '.join(wrong)} must not be given for a training; it has one page without texts. Leave it out.")
    return write_training_report(load_training(runs[0]), output, title=title, language=language)


def _diagnosis_page(runs: list[str], output: Path, title: str | None, language: str, others: dict[str, Any]) -> Path:
    from limitlab._core.errors import InvalidArgument
    from limitlab.diagnosis import load_diagnosis
    from limitlab.report import write_diagnosis_report

    if len(runs) > 1:
        raise InvalidArgument(f"report: a diagnosis must be the only run of its page; got {len(runs)} runs. Write one page a run.")
    if wrong := [name for name, value in others.items() if value is not None]:
        raise InvalidArgument(f"report: {', '.join(wrong)} must not be given for a diagnosis; it has one page without texts. Leave it out.")
    return write_diagnosis_report(load_diagnosis(runs[0]), output, title=title, language=language)


def _are_critical_n(runs: list[str]) -> bool:
    """Whether the runs are searches for the critical n; a page shows one kind of run."""
    from limitlab._core.errors import InvalidArgument
    from limitlab.free.stored import KIND
    from limitlab.ledger import Ledger

    ledger = Ledger()
    kinds = {run.id: run.kind for run in (ledger.run(r) for r in runs)}
    if "free" in kinds.values():
        run_id = next(i for i, kind in kinds.items() if kind == "free")
        raise InvalidArgument(
            f"report: runs must be evaluations or of kind {KIND}; run {run_id} is of kind free. See: limitlab runs show {run_id}"
        )
    if KIND in kinds.values() and set(kinds.values()) != {KIND}:
        listed = ", ".join(f"{i} ({kind})" for i, kind in kinds.items())
        raise InvalidArgument(f"report: runs must be of one kind, {KIND} or evaluations; got {listed}. Write two pages.")
    return KIND in kinds.values()


def _evaluation_pages(
    runs: list[str],
    output: Path,
    title: str | None,
    language: str,
    with_text: Path | None,
    figures: dict[str, Path | None],
    pair: tuple[str, str] | None,
) -> list[Path]:
    from limitlab.evaluation import load_result, merged
    from limitlab.report import write_figures, write_report

    result = merged([load_result(r) for r in runs])
    examples = _examples(result, with_text) if with_text is not None else None
    written = [write_report(result, output, title=title, language=language, with_text=examples, compare=[pair] if pair else [])]
    for kind, folder in figures.items():
        if folder is not None:
            written += write_figures(result, folder, formats=(kind,))
    return written


def _critical_n_pages(runs: list[str], output: Path, title: str | None, language: str, others: dict[str, Any]) -> list[Path]:
    from limitlab._core.errors import InvalidArgument
    from limitlab.free.stored import load_critical_n
    from limitlab.ledger import Ledger
    from limitlab.report import write_critical_n_figures, write_critical_n_report
    from limitlab.reproduce import joined, with_certified

    if wrong := [name for name in ("--with-text", "--compare") if others[name] is not None]:
        raise InvalidArgument(
            f"{wrong[0]}: goes with evaluations; a search for the critical n has no texts or queries of its own. Got {others[wrong[0]]}. Leave it out."
        )
    ledger = Ledger()
    found = joined([load_critical_n(ledger.resolve(r), ledger=ledger) for r in runs])
    result = with_certified(found)
    written = [write_critical_n_report(result, output, title=title, language=language)]
    for kind in ("png", "svg"):
        if others[f"--{kind}"] is not None:
            written += write_critical_n_figures(result, others[f"--{kind}"], formats=(kind,))
    return written


def _examples(result, folder: Path, *, n_queries: int = 8, n_listed: int = 3) -> list[dict]:
    """The first queries of a dataset with what each row's retriever put first."""
    from limitlab._core.errors import InvalidArgument
    from limitlab.data import load

    dataset = load(folder)
    facts = next((d for d in result.datasets if d.fingerprint == dataset.fingerprint()), None)
    if facts is None:
        raise InvalidArgument(
            f"--with-text: the folder must hold the data of the run; {folder} holds other data than {', '.join(d.name for d in result.datasets)}."
        )
    examples = []
    for row in result.rows:
        if row.dataset != facts.name or row.artefact is None or result.load_arrays is None:
            continue
        lists = result.load_arrays(row.artefact)["indices"]
        for i in range(min(n_queries, dataset.n_queries)):
            examples.append(
                {
                    "row": row.name,
                    "query": dataset.queries[i],
                    "relevant": [f"{dataset.docs.ids[j]}: {dataset.docs[j]}" for j in dataset.relevance.row(i)[:n_listed].tolist()],
                    "retrieved": [f"{dataset.docs.ids[j]}: {dataset.docs[j]}" for j in lists[i][:n_listed].tolist() if j >= 0],
                }
            )
    return examples
