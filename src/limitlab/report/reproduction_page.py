"""The page of the reproductions: every published number beside ours, and the story of the paper and of what followed it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from limitlab._core.errors import InvalidArgument
from limitlab._core.files import write_text
from limitlab._core.provenance import now
from limitlab.report import origin
from limitlab.report.language import known_language, own_words
from limitlab.report.rendering import embedded_figures, rendered
from limitlab.report.reproduction_story import STORY, Chapter
from limitlab.report.style import MUTED, PALETTE, base_layout, plain

if TYPE_CHECKING:
    import plotly.graph_objects as go

_WORDS = {
    "agrees": "agree",
    "differs": "differ",
    "not comparable": "not comparable",
    "not run": "not run",
    "ours alone": "ours alone",
}
_DRAWN = 40  # rows of a figure


def write_reproduction_report(
    outcomes: Sequence[Mapping[str, Any]],
    path: str | Path = "reproduction.html",
    *,
    title: str | None = None,
    language: str = "en",
    command: Sequence[str] = (),
) -> Path:
    """Write one self-contained HTML file about reproductions: it loads nothing and works offline.

    Parameters
    ----------
    outcomes
        Records of ``limitlab.reproduce.Outcome.to_dict``, in the order of the page.
    path
        Where to; the file appears whole or not at all.
    title
        Heading.
    command
        What to call to make the page again.
    language
        Of the page: en or zh. What the user wrote is not translated.

    Returns
    -------
    The path written.

    Raises
    ------
    UnknownName
        The language is not known.
    InvalidArgument
        There is no outcome.
    """
    known_language("write_reproduction_report()", language)
    if not outcomes:
        raise InvalidArgument("write_reproduction_report(): at least one outcome is needed; got none.")
    return write_text(path, rendered("reproduction.html.j2", _content(outcomes, title, command), language=language, names=own_words(title)))


def _content(outcomes: Sequence[Mapping[str, Any]], title: str | None, command: Sequence[str]) -> dict[str, Any]:
    counts = {v: sum(o["counts"].get(v, 0) for o in outcomes) for v in _WORDS}
    drawn = {o["name"]: figure for o in outcomes if (figure := comparison_figure(o)) is not None}
    chapters = [(chapter, [_section(o) for o in outcomes if o["name"] in chapter.experiments]) for chapter in STORY]
    placed = {name for chapter in STORY for name in chapter.experiments}
    others = [_section(o) for o in outcomes if o["name"] not in placed]
    if others:
        chapters.append((Chapter("More", ()), others))
    dates = sorted(str(o["provenance"].get("created") or "") for o in outcomes)
    return {
        "title": title or "On the Theoretical Limitations of Embedding-Based Retrieval: what holds, what does not, what followed",
        "date": dates[-1] or now(),
        "dated": "Measured" if dates[-1] else "Written",
        "sentences": _sentences(outcomes, counts),
        "cards": [
            {
                "title": words,
                "value": f"{counts[v]:,}",
                "detail": "published numbers" if v != "ours alone" else "numbers nobody has published",
            }
            for v, words in _WORDS.items()
            if counts[v]
        ],
        "chapters": [(c, sections) for c, sections in chapters if sections or c.always],
        "figures": embedded_figures(drawn),
        "glance": [_glance(o) for o in outcomes],
        "commands": [" ".join(command)] if command else [],
        "references": sorted({origin.PAPER, *(r["source"] for o in outcomes for r in o["rows"] if r["source"]), *_other_sources(outcomes)}),
    }


def _other_sources(outcomes: Sequence[Mapping[str, Any]]) -> set[str]:
    return {str(source) for o in outcomes for r in o["rows"] for _, _, source in r["others"]}


def _sentences(outcomes: Sequence[Mapping[str, Any]], counts: Mapping[str, int]) -> list[str]:
    run = sum(counts[v] for v in ("agrees", "differs", "not comparable"))
    total = run + counts["not run"]
    first = f"Of {total:,} published numbers {run:,} have a number of ours beside them: {counts['agrees']:,} agree, {counts['differs']:,} differ"
    first += f", {counts['not comparable']:,} are not comparable because model, data or size depart."
    failed = [o["title"] for o in outcomes if o["status"] != "solved"]
    more = [f"Failed, without a number: {', '.join(failed)}."] if failed else []
    return [first, "A smaller size never counts as agreement. What was not run says why.", *more]


def _glance(o: Mapping[str, Any]) -> dict[str, Any]:
    """An experiment in a line: the claim, what was found, and how many numbers of which verdict."""
    return {
        "claim": o["claim"],
        "found": o["says"][0] if o["says"] else o["message"] if o["status"] != "solved" else "",
        "name": o["name"],
        "title": o["title"],
        "size": o["size"],
        "counts": [(words, n) for v, words in _WORDS.items() if (n := o["counts"].get(v, 0))],
        "status": o["status"],
    }


def _section(o: Mapping[str, Any]) -> dict[str, Any]:
    shared = _shared_reasons(o["rows"])
    rows = [_row(r, shared) for r in o["rows"] if r["verdict"] != "not run"]
    with_before = any(r["before"] for r in rows)
    missing = [r for r in o["rows"] if r["verdict"] == "not run"]
    seconds = o["provenance"].get("wall_seconds")
    return {
        **{k: o[k] for k in ("name", "title", "claim", "says", "since", "size", "status", "message", "run_ids")},
        "shown": rows,
        "with_before": with_before,
        "shared": shared,
        "n_missing": len(missing),
        "missing": _folded(missing),
        "seconds": None if seconds is None else f"{float(seconds):,.1f} s",
        "further": list(o["run_ids"][1:]),
    }


def _shared_reasons(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """What departs in every row that is not comparable or ours alone: said once, above the table."""
    reasons = [r["why"].split("; ") for r in rows if r["verdict"] in ("not comparable", "ours alone")]
    if len(reasons) < 2:
        return []
    return [reason for reason in reasons[0] if reason and all(reason in other for other in reasons)]


def _folded(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Published numbers without one of ours, one line a measure, model and reason; the dimensions of a model side by side."""
    lines: dict[tuple[str, str, str], list[str]] = {}
    for r in rows:
        model, at, rest = r["setting"].partition("@")
        dim, comma, further = rest.partition(",")
        if not at:
            model, comma, dim = r["setting"].rpartition(", d = ")
        known = dim if (at or comma) else ""
        name = f"{model}{',' + further if further else ''}" if known else r["setting"]
        value = "" if r["published"] is None else _number(r["published"])
        lines.setdefault((r["what"], name, r["why"]), []).append(f"{known}: {value}" if known else value)
    return [{"what": w, "setting": s, "values": " · ".join(values), "why": why} for (w, s, why), values in lines.items()]


def _row(r: Mapping[str, Any], shared: Sequence[str] = ()) -> dict[str, Any]:
    number = _percent if r["unit"] == "percent" else _number
    interval = "" if r["ours"] is None or r["low"] == r["high"] else f"{number(r['low'])}–{number(r['high'])}"
    return {
        "what": r["what"],
        "setting": r["setting"],
        "published": "" if r["published"] is None else _number(r["published"]),
        "others": [(name, _number(value)) for name, value, _ in r["others"]],
        "before": "" if r.get("before") is None else number(r["before"]),
        "ours": "" if r["ours"] is None else number(r["ours"]),
        "interval": interval,
        "difference": "" if r["difference"] is None else _signed(_printed(r["difference"], r["published"])),
        "verdict": r["verdict"],
        "why": "; ".join(reason for reason in r["why"].split("; ") if reason not in shared),
    }


def _printed(difference: float, published: float | None) -> float:
    """Rounded to the digits that were published: finer differences say nothing."""
    digits = 2 if published is None else max(2, len(repr(float(published)).partition(".")[2]))
    return round(difference, digits) if published is None or "e" not in repr(float(published)) else difference


def _signed(value: float) -> str:
    if not value:
        return "0"
    return f"{value:+,.0f}" if abs(value) >= 100 else f"{value:+.4g}"


def _number(value: float) -> str:
    if float(value).is_integer() and abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:,.6g}" if abs(value) < 100 else f"{value:,.1f}"


def _percent(value: float) -> str:
    """Two digits behind the point at most: finer ones are below every interval here."""
    return f"{value:.2f}".rstrip("0").rstrip(".")


def comparison_figure(outcome: Mapping[str, Any]) -> go.Figure | None:
    """Published, reproduced and our numbers of an outcome on one line each, in percent; None where there is nothing to draw."""
    import plotly.graph_objects as go

    rows = _drawn(outcome["rows"])
    if not rows:
        return None
    places = list(range(len(rows)))
    names = [plain(f"{r['setting']}, {r['what']}") for r in rows]
    ours = {
        "type": "scatter", "mode": "markers", "name": "ours", "legendgroup": "ours", "showlegend": True, "x": [r["ours"] for r in rows], "y": places,
        "error_x": {
            "type": "data", "symmetric": False, "array": [r["high"] - r["ours"] for r in rows], "arrayminus": [r["ours"] - r["low"] for r in rows],
            "color": PALETTE[0], "thickness": 1.5, "width": 3,
        },
        "marker": {"color": PALETTE[0], "size": 9, "symbol": "circle"}, "hovertemplate": "%{x:.1f} ours<extra></extra>",
    }  # fmt: skip
    traces = [ours]
    points = [(r["published"], i) for i, r in enumerate(rows) if r["published"] is not None]
    if points:
        traces.append(_marks("published", points, PALETTE[1], "diamond"))
    before = [(r["before"], i) for i, r in enumerate(rows) if r.get("before") is not None]
    if before:
        traces.append(_marks("ours before", before, PALETTE[0], "circle-open"))
    others = [(value, i) for i, r in enumerate(rows) for _, value, _ in r["others"]]
    if others:
        traces.append(_marks("reproductions", others, MUTED, "x"))
    longest = max(map(len, names))
    broad, narrow = (min(round(per_letter * longest) + 16, most) for per_letter, most in ((6.6, 380), (5.0, 190)))
    layout = base_layout(
        height=120 + 26 * len(rows),
        margin={"l": broad, "r": 28},
        xaxis={"range": [-2, 102], "dtick": 20, "ticksuffix": " %"},
        yaxis={"tickvals": places, "ticktext": names, "range": [len(rows) - 0.4, -0.6]},
    )
    layout["meta"] = {
        "ordered": True,
        "narrow": {"margin.l": narrow, "yaxis.tickfont.size": 9},
        "broad": {"margin.l": broad, "yaxis.tickfont.size": 12},
    }
    return go.Figure(data=traces, layout=layout)


def _drawn(rows: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Percentages with a number to compare with, and of each model and measure the last row, which is that of its greatest dimension."""
    run = [r for r in rows if r["unit"] == "percent" and r["ours"] is not None]
    last = {(r["what"], r["setting"].partition("@")[0], r["setting"].partition(",")[2]): id(r) for r in run}
    return [r for r in run if r["published"] is not None or r["others"] or id(r) in last.values()][:_DRAWN]


def _marks(name: str, points: Sequence[tuple[float, int]], colour: str, symbol: str) -> dict[str, Any]:
    return {
        "type": "scatter", "mode": "markers", "name": name, "legendgroup": name, "showlegend": True, "x": [p[0] for p in points], "y": [p[1] for p in points],
        "marker": {"color": colour, "size": 9, "symbol": symbol}, "hovertemplate": f"%{{x:.1f}} {name}<extra></extra>",
    }  # fmt: skip
