"""The page of a diagnosis: one HTML file that needs nothing but a browser."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from limitlab._core.files import write_text
from limitlab._core.provenance import now
from limitlab._core.shares import percent
from limitlab.diagnosis import Diagnosis, Level, QueryDiagnosis
from limitlab.report import origin
from limitlab.report.depth_section import depth_content, depth_figures
from limitlab.report.language import known_language, own_words
from limitlab.report.remedies import remedies_figure, remedy_rows
from limitlab.report.rendering import embedded, embedded_figures, rendered
from limitlab.report.table import Cell, Table, TableRow
from limitlab.report.waterfall import waterfall_figure

_ROWS = 2_000  # queries on the page; the others are in the CSV of the command
_EXAMPLES = 5


def write_diagnosis_report(
    found: Diagnosis, path: str | Path = "diagnosis.html", *, title: str | None = None, language: str = "en"
) -> Path:
    """Write one self-contained HTML file about a diagnosis: it loads nothing and works offline.

    Parameters
    ----------
    found
        Any diagnosis. No text of documents or queries is in it, their ids are.
    path
        Where to; the file appears whole or not at all.
    title
        Heading; None names the data.
    language
        Of the page: en or zh. What the user wrote is not translated.

    Returns
    -------
    The path written.

    Raises
    ------
    UnknownName
        The language is not known.
    """
    known_language("write_diagnosis_report()", language)
    return write_text(
        path,
        rendered(
            "diagnosis.html.j2",
            _content(found, title),
            language=language,
            names=own_words(title, found.name, *(q.query for q in found.queries)),
        ),
    )


def _content(found: Diagnosis, title: str | None) -> dict[str, Any]:
    shown = _shown(found)
    table = query_table(found, shown)
    return {
        "title": title if title is not None else f"Where recall goes: {found.name}",
        "date": found.provenance.get("created") or now(),
        "dated": "Measured" if found.provenance.get("created") else "Written",
        "result": found,
        "sentences": list(found.verdict),
        "cards": _cards(found),
        "depth": depth_content(found),
        "figures": embedded_figures({**_figures(found), **depth_figures(found)}),
        "remedies": remedy_rows(found),
        "levels": [_level(level) for level in found.levels],
        "facts": _facts(found),
        "table": table,
        "csv": embedded(table.csv),
        "shown": len(shown),
        "run_facts": origin.run_facts(found),
        "commands": origin.commands(found.config),
        "config": origin.config_text(found.config),
        "references": [origin.PAPER],
    }


def _figures(found: Diagnosis) -> dict[str, Any]:
    drawn = {"waterfall": waterfall_figure(found)}
    if any(r.recall is not None for r in found.remedies):
        drawn["remedies"] = remedies_figure(found)
    return drawn


def query_table(found: Diagnosis, shown: list[QueryDiagnosis]) -> Table:
    """A row a query: what each level retains; in the CSV losses, gains and blame too."""
    given = [(i, level) for i, level in enumerate(found.levels) if level.status != "not given"]
    rows = tuple(_row(q, given, found) for q in shown)
    flat = [record for record in found.flat() if record["query"] in {q.query for q in shown}] if shown else []
    order = {q.query: i for i, q in enumerate(shown)}
    flat.sort(key=lambda record: order[record["query"]])
    csv = [list(flat[0]), *([*record.values()] for record in flat)] if flat else []
    return Table(("query", "lost at"), ("relevant", "missing", *(level.label for _, level in given)), rows, csv)


def _row(query: QueryDiagnosis, given: list[tuple[int, Level]], found: Diagnosis) -> TableRow:
    labels = {level.key: level.label for level in found.levels}
    causes = ", ".join(f"{labels[key]} {count}" for key, count in query.causes.items())
    listed = [f"{m.doc}{f': {m.reason}' if m.reason else ''}" for m in query.missing[:_EXAMPLES]]
    more = f"; {len(query.missing) - _EXAMPLES} more" if len(query.missing) > _EXAMPLES else ""
    head = (Cell(query.query, "", query.query.lower()), Cell(causes or "nothing missing", "; ".join(listed) + more, causes.lower()))
    counts = [query.relevant, len(query.missing), *(query.retained[i] for i, _ in given)]
    return TableRow(head, tuple(Cell(f"{count:,}", "", count) for count in counts))


def _shown(found: Diagnosis) -> list[QueryDiagnosis]:
    """Queries in their order; where there are too many, those with most missing documents."""
    if len(found.queries) <= _ROWS:
        return list(found.queries)
    return sorted(found.queries, key=lambda q: -len(q.missing))[:_ROWS]


def _cards(found: Diagnosis) -> list[dict[str, str]]:
    last, documents = found.levels[-1], found.level("documents")
    cards = [
        {"title": f"recall@{found.k}", "value": f"{percent(last.recall.mean)} %", "detail": _interval(last)},
        {"title": "missing documents", "value": f"{found.n_missing:,}", "detail": f"of {found.n_relevant:,} relevant"},
    ]
    worst = max(found.levels, key=lambda level: level.blamed)
    if worst.blamed:
        cards.append({"title": "most are lost at", "value": worst.label, "detail": f"{worst.blamed:,} documents"})
    detail = "a lower bound: the best query vectors found" if documents.status == "lower bound" else "with the best query vectors"
    cards.append({"title": "recall your document vectors allow", "value": f"{percent(documents.recall.mean)} %", "detail": detail})
    return cards


def _interval(level: Level) -> str:
    return f"95 % interval {percent(level.recall.low)} to {percent(level.recall.high)}"


def _level(level: Level) -> dict[str, Any]:
    out: dict[str, Any] = {"label": level.label, "status": level.status, "note": level.note, "given": level.status != "not given"}
    for name, e in (("recall", level.recall), ("all_relevant", level.all_relevant)):
        out[name] = percent(e.mean)
        out[f"{name}_interval"] = f"{percent(e.low)}–{percent(e.high)}"
    return out | {name: f"{getattr(level, name):,}" for name in ("retained", "lost", "gained", "blamed")}


def _facts(found: Diagnosis) -> list[tuple[str, str]]:
    c = found.config
    pairs = [
        ("documents", f"{c['n_docs']:,}"),
        ("dimension", f"{c['full_dim']:,}"),
        ("queries", f"{len(found.queries):,}"),
        ("relevant pairs", f"{found.n_relevant:,}"),
        ("cut", f"k = {found.k}"),
        ("similarity", str(c["similarity"])),
        ("equal scores", str(c["ties"])),
    ]
    return pairs + [(name, f"{value:,}" if isinstance(value, int) else str(value)) for name, value in found.notes.items()]
