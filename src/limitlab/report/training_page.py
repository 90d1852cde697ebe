"""The page of a training: one HTML file that needs nothing but a browser."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from limitlab._core.files import write_text
from limitlab._core.provenance import now
from limitlab.published import tables
from limitlab.report import origin
from limitlab.report.language import known_language, own_words
from limitlab.report.rendering import embedded, embedded_figures, rendered
from limitlab.report.table import Cell, Table, TableRow
from limitlab.report.training_curves import learning_figure, shown_models, sizes_figure
from limitlab.training import Change, TrainedModel, TrainResult
from limitlab.training.verdict import GENERAL_HEADLINE, HEADLINE, label


def write_training_report(
    result: TrainResult, path: str | Path = "training.html", *, title: str | None = None, language: str = "en"
) -> Path:
    """Write one self-contained HTML file about a training: it loads nothing and works offline.

    Parameters
    ----------
    result
        Any training.
    path
        Where to; the file appears whole or not at all.
    title
        Heading; None names the base and the splits.
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
    known_language("write_training_report()", language)
    return write_text(path, rendered("training.html.j2", _content(result, title), language=language, names=own_words(title)))


def _content(result: TrainResult, title: str | None) -> dict[str, Any]:
    table = change_table(result)
    drawn = {"learning": learning_figure(result), "sizes": sizes_figure(result)}
    return {
        "title": title if title is not None else _title(result),
        "date": result.provenance.get("created") or now(),
        "dated": "Measured" if result.provenance.get("created") else "Written",
        "result": result,
        "sentences": result.verdict,
        "cards": _cards(result),
        "figures": embedded_figures({name: figure for name, figure in drawn.items() if figure is not None}),
        "shown": len(shown_models(result)),
        "task": [_line(c) for c in result.changes if c.kind == "task" and c.measure == HEADLINE],
        "general": [_line(c) for c in result.changes if c.kind == "general"],
        "measures": {"task": HEADLINE, "general": GENERAL_HEADLINE},
        "several_seeds": any(len(c.by_seed) > 1 for c in result.changes),
        "parts": any(c.unseen is not None for c in result.changes),
        "models": [_model(m) for m in result.models],
        "published": _published(),
        "table": table,
        "csv": embedded(table.csv),
        "run_facts": origin.run_facts(result),
        "commands": origin.commands(result.config),
        "config": origin.config_text(result.config),
        "references": [origin.PAPER, *sorted({v.source for v in _published_values()})],
    }


def change_table(result: TrainResult) -> Table:
    """A row a corpus, split, dimension and measure."""
    rows = []
    for c in result.changes:
        head = (
            Cell(c.dataset, "", c.dataset.lower()),
            Cell(label(c.split), "", c.split),
            Cell("" if c.dim is None else str(c.dim), "", "" if c.dim is None else c.dim),
        )
        before = Cell(_percent(c.before.mean), _interval(c.before), c.before.mean) if c.before else Cell("")
        change = (
            Cell(f"{100 * c.difference.mean:+.1f}", _interval(c.difference, sign=True), c.difference.mean) if c.difference else Cell("")
        )
        after = Cell(_percent(c.after.mean), _interval(c.after), c.after.mean)
        rows.append(TableRow(head, (Cell(c.measure, "", c.measure), before, after, change)))
    flat = result.flat()
    csv = [list(flat[0]), *([*record.values()] for record in flat)] if flat else []
    return Table(("dataset", "trained on", "dim"), ("measure", "before", "after", "difference"), tuple(rows), csv)


def _line(c: Change) -> dict[str, str]:
    return {
        "dataset": c.dataset,
        "split": label(c.split),
        "dim": "" if c.dim is None else f"{c.dim:,}",
        "measure": c.measure,
        "before": _percent(c.before.mean) if c.before else "",
        "before_interval": _interval(c.before) if c.before else "",
        "after": _percent(c.after.mean),
        "after_interval": _interval(c.after),
        "difference": f"{100 * c.difference.mean:+.1f}" if c.difference else "",
        "difference_interval": _interval(c.difference, sign=True) if c.difference else "",
        "spread": f"{_percent(min(c.by_seed))}–{_percent(max(c.by_seed))}" if len(c.by_seed) > 1 else "",
        "seen": _percent(c.seen) if c.seen is not None else "",
        "unseen": _percent(c.unseen) if c.unseen is not None else "",
    }


def _cards(result: TrainResult) -> list[dict[str, str]]:
    cards = []
    for split in dict.fromkeys(c.split for c in result.changes):
        found = [c for c in result.changes if (c.kind, c.split, c.measure) == ("task", split, HEADLINE)]
        if found:
            top = max(found, key=lambda c: (c.n_docs, c.dim or 0))
            was = f"; before {_percent(top.before.mean)} %" if top.before else ""
            warned = " Overfitting on purpose." if split != "train" else ""
            detail = f"{HEADLINE}, {top.n_docs:,} documents{f', d = {top.dim}' if top.dim else ''}{was}.{warned}"
            cards.append({"title": f"trained on the {split} split", "value": f"{_percent(top.after.mean)} %", "detail": detail})
        lost = [c for c in result.changes if (c.kind, c.split, c.measure) == ("general", split, GENERAL_HEADLINE)]
        if lost:
            top = max(lost, key=lambda c: c.dim or 0)
            was = f"before {_percent(top.before.mean)} %" if top.before else ""
            detail = f"{GENERAL_HEADLINE} on {top.dataset}, {split} split; {was}"
            cards.append({"title": "general questions after it", "value": f"{_percent(top.after.mean)} %", "detail": detail})
    return cards


def _model(m: TrainedModel) -> dict[str, str]:
    c, f = m.config, m.facts
    return {
        "name": m.name,
        "pairs": f"{f['pairs']:,} pairs, {f['queries']:,} queries, {f['documents']:,} documents",
        "steps": _fitted(f["adapter"])
        if "adapter" in f
        else f"{f['steps']:,} steps of {f['pairs_per_step']:g} pairs on average, {c.epochs} epochs, lr {c.learning_rate:g}, {c.loss}, {c.precision}",
        "false_negatives": f"{100 * f['false_negative_share']:.0f} %" if "false_negative_share" in f else "",
        "resumed": f"continued at step {m.resumed_from:,}" if m.resumed_from else "",
    }


def _fitted(chosen: Mapping[str, Any]) -> str:
    """What the fit of an adapter has chosen on held-out pairs."""
    if chosen["start"] == "unchanged" and not chosen["ridge"]:
        return "nothing was changed: no adapter gained on the pairs held out for the choice"
    ridge = f", contrastive loss with ridge {chosen['ridge']:g}" if chosen["ridge"] else " alone"
    start = {"unchanged": "from no change", "rotation": "rotation", "regression": "regression"}[chosen["start"]]
    return f"{start}{ridge}; documents {'changed too' if chosen['doc_ridge'] else 'as they are'}"


def _published_values() -> list[tables.PublishedValue]:
    return [v for kind in ("paper-finetune", "reproduction-finetune") for v in tables.lookup(metric="recall@10", kind=kind)]


def _published() -> list[dict[str, str]]:
    """Published recall@10 of fine-tuned models: corpus, training data, least and greatest over the dimensions."""
    groups: dict[tuple[str, str], list[float]] = {}
    for v in _published_values():
        groups.setdefault((v.dataset, v.model or ""), []).append(v.value)
    return [
        {"dataset": dataset, "model": model, "least": f"{min(values):.1f}", "greatest": f"{max(values):.1f}"}
        for (dataset, model), values in groups.items()
    ]


def _percent(value: float) -> str:
    return f"{100 * value:.1f}"


def _interval(e: Any, *, sign: bool = False) -> str:
    return f"{100 * e.low:+.1f} to {100 * e.high:+.1f}" if sign else f"{100 * e.low:.1f}–{100 * e.high:.1f}"


def _title(result: TrainResult) -> str:
    splits = " and ".join(dict.fromkeys(m.config.split for m in result.models)) or "no"
    return f"{result.config.get('base', 'A model')} trained on the {splits} split"
