"""The report: one HTML file that needs nothing but a browser."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from limitlab._core.errors import InvalidArgument
from limitlab._core.files import write_text
from limitlab._core.provenance import now
from limitlab.evaluation import EvaluationResult, all_remarks
from limitlab.report import origin, summary
from limitlab.report import selection as chosen
from limitlab.report.curves import dimension_figure
from limitlab.report.distribution import distribution_figure
from limitlab.report.language import known_language, own_words
from limitlab.report.paired import paired_rows
from limitlab.report.patterns import pattern_figure
from limitlab.report.rendering import embedded, embedded_figures, rendered
from limitlab.report.retrievers import retriever_figure
from limitlab.report.table import full_table

if TYPE_CHECKING:
    import plotly.graph_objects as go


def figures(result: EvaluationResult) -> dict[str, go.Figure]:
    """Every figure of the report, ready for a notebook.

    Parameters
    ----------
    result
        Any evaluation; only solved rows are drawn.

    Returns
    -------
    ``{"dimension/<dataset>" or "retrievers/<dataset>", "patterns" ("patterns/2", ...), "per_query/<dataset>": figure}``.
    Figures without anything to draw are absent.

    Examples
    --------
    >>> from limitlab.evaluation import EvaluationResult, all_remarks
    >>> figures(EvaluationResult(rows=(), datasets=()))
    {}
    """
    drawn: dict[str, go.Figure | None] = {}
    for dataset in chosen.dataset_names(result):
        curve = dimension_figure(result, dataset)
        if curve is not None:
            drawn[f"dimension/{dataset}"] = curve
        else:
            drawn[f"retrievers/{dataset}"] = retriever_figure(result, dataset)
    for i, group in enumerate(chosen.pattern_groups(result)):
        drawn["patterns" if i == 0 else f"patterns/{i + 1}"] = pattern_figure(result, group)
    for dataset in chosen.dataset_names(result):
        drawn[f"per_query/{dataset}"] = distribution_figure(result, dataset)
    return {name: figure for name, figure in drawn.items() if figure is not None}


def write_report(
    result: EvaluationResult,
    path: str | Path = "report.html",
    *,
    title: str | None = None,
    language: str = "en",
    with_text: Sequence[Mapping[str, Any]] | None = None,
    compare: Sequence[tuple[str, str]] = (),
) -> Path:
    """Write one self-contained HTML file: it loads nothing and works offline.

    Parameters
    ----------
    result
        Any evaluation; rows that are not solved are listed with their message and drawn nowhere.
    path
        Where to; the file appears whole or not at all.
    title
        Heading; None names the datasets.
    with_text
        Examples to show: ``{"query": ..., "relevant": [...], "retrieved": [...], "row": ...}``, each text a string.
        None leaves all document and query text out.
    compare
        Pairs of rows to be tested on the same queries, every measure and dataset that both have: ``[("bm25", "minilm@384")]``.
    language
        Of the page: en or zh. What the user wrote is not translated.

    Returns
    -------
    The path written.

    Raises
    ------
    UnknownName
        The language is not known, or a row to compare.
    InvalidArgument
        An example has no ``query``; rows to compare have no dataset in common.
    DataError
        Rows are to be compared whose values of single queries are not at hand.
    """
    known_language("write_report()", language)
    examples = _examples(with_text)
    texts = [t for e in examples or () for t in (e["query"], e["row"], *e["relevant"], *(hit for hit, _ in e["retrieved"]))]
    names = own_words(title, *chosen.dataset_names(result), *texts)
    return write_text(path, rendered("report.html.j2", _content(result, title, examples, compare), language=language, names=names))


def _content(
    result: EvaluationResult, title: str | None, examples: list[dict[str, Any]] | None, compare: Sequence[tuple[str, str]]
) -> dict[str, Any]:
    drawn = embedded_figures(figures(result))
    groups = chosen.pattern_groups(result)
    table = full_table(result)
    return {
        "title": title if title is not None else _title(result),
        "date": result.provenance.get("created") or now(),
        "dated": "Measured" if result.provenance.get("created") else "Written",
        "result": result,
        "sentences": summary.sentences(result),
        "cards": summary.cards(result),
        "glances": summary.glances(result),
        "words": {
            "measure": chosen.measure_words,
            "value": summary.value_words,
            "interval": summary.interval_words,
            "row": chosen.row_words,
        },
        "datasets": [_dataset(result, name) for name in chosen.dataset_names(result)],
        "figures": drawn,
        "patterns": [(name, group) for name, group in zip((n for n in drawn if n.startswith("patterns")), groups)],
        "published_patterns": {g.measure: any(chosen.published_patterns(g.measure, p) for p in g.datasets) for g in groups},
        "table": table,
        "csv": embedded(table.csv),
        "run_facts": origin.run_facts(result),
        "commands": origin.commands(result.config),
        "config": origin.config_text(result.config),
        "references": origin.references(result, patterns=bool(groups)),
        "examples": examples,
        "paired": paired_rows(result, compare),
    }


def _dataset(result: EvaluationResult, name: str) -> dict[str, Any]:
    known = chosen.facts(result, name)
    measure = chosen.headline_measure(result, name)
    compared = bool(known and any(chosen.published_values(known, m) for m in chosen.drawn_measures(result, name)))
    top = summary.counted(len(chosen.lines(result, name)), "retriever", "retrievers")
    return {
        "name": name,
        "curve": f"dimension/{name}",
        "facts": known,
        "remarks": all_remarks(r for r in result.rows if r.dataset == name),
        "measure": measure,
        "words": measure and chosen.measure_words(measure),
        "compared": compared,
        "top": top,
    }


def _title(result: EvaluationResult) -> str:
    names = chosen.dataset_names(result)
    if not names:
        return "Retrieval evaluation"
    more = f" and {len(names) - 2} more" if len(names) > 2 else ""
    joined = ", ".join(names[:2]) if more else " and ".join(names)
    return f"Retrieval on {joined}{more}"


def _examples(given: Sequence[Mapping[str, Any]] | None) -> list[dict[str, Any]] | None:
    if given is None:
        return None
    out = []
    for i, example in enumerate(given):
        if not isinstance(example, Mapping) or "query" not in example:
            keys = "'query', 'relevant', 'retrieved', 'row'"
            raise InvalidArgument(f"write_report(): with_text[{i}] must be a mapping with {keys}; got {repr(example)[:80]}.")
        relevant = [str(t) for t in example.get("relevant") or ()]
        retrieved = [str(t) for t in example.get("retrieved") or ()]
        out.append(
            {
                "query": str(example["query"]),
                "row": str(example.get("row") or ""),
                "relevant": relevant,
                "retrieved": [(t, t in relevant) for t in retrieved],
            }
        )
    return out
