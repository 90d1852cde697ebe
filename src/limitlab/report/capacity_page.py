"""The page of the phase diagram: one HTML file that needs nothing but a browser."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from limitlab._core.files import write_text
from limitlab._core.provenance import now
from limitlab.capacity.phase_diagram import PhaseMap
from limitlab.published import corpus_sizes, model_dimensions
from limitlab.report import origin
from limitlab.report.axes import number_words
from limitlab.report.capacity_map import capacity_figure, optimised
from limitlab.report.language import known_language, own_words
from limitlab.report.rendering import embedded_figures, rendered


def write_capacity_report(
    found: PhaseMap,
    path: str | Path = "capacity.html",
    *,
    title: str | None = None,
    language: str = "en",
    command: Sequence[str] | None = None,
) -> Path:
    """Write one self-contained HTML file about a phase map: it loads nothing and works offline.

    Parameters
    ----------
    found
        Any phase map.
    path
        Where to; the file appears whole or not at all.
    title
        Heading; None names k.
    command
        The command line that made it, for the page.
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
    known_language("write_capacity_report()", language)
    return write_text(path, rendered("capacity.html.j2", _content(found, title, command), language=language, names=own_words(title)))


def _content(found: PhaseMap, title: str | None, command: Sequence[str] | None) -> dict[str, Any]:
    return {
        "title": title if title is not None else f"How many documents fit: every {'pair' if found.k == 2 else f'set of {found.k}'}",
        "date": now(),
        "sentences": sentences(found),
        "cards": _cards(found),
        "figures": embedded_figures({"map": capacity_figure(found)}),
        "found": found,
        "rows": [_row(p) for p in found.points if not p.is_step and _is_round(p.n_docs)],
        "gap_words": _gap_words(found),
        "optimised": bool(optimised(found)),
        "commands": origin.commands({"command": list(command)}) if command else [],
        "models": [(m.name, f"{m.size:,}", m.source) for m in model_dimensions()],
        "corpora": [(c.name, f"{c.size:,}", c.source) for c in corpus_sizes()],
        "references": [
            origin.PAPER,
            "MacWilliams, Sloane: The Theory of Error-Correcting Codes. 1977. Kerdock: A class of low-rate nonlinear binary codes. 1972.",
            "Radon: Mengen konvexer Körper, die einen gemeinsamen Punkt enthalten. 1921.",
            "Amelunxen, Lotz, McCoy, Tropp: Living on the edge: phase transitions in convex programs with random data. 2014.",
            "Wang and others: Minimal embeddable dimension (MED). 2026.",
        ],
    }


def sentences(found: PhaseMap) -> list[str]:
    """What the map says, in words that hold for this map."""
    out = [
        f"A point is possible when every {'pair' if found.k == 2 else f'set of {found.k}'} of n documents has a query of its own in d dimensions that scores exactly these "
        f"documents above all others, with {_gap_words(found)}, documents in {found.dtype} and queries in {found.query_dtype}."
    ]
    most = next((p for p in reversed(found.points) if p.certified_from is not None), None)
    if most is not None:
        out.append(f"Certified up to {number_words(most.n_docs)} documents on this map, in {most.certified_from:,} dimensions.")
    out.append(
        "It is about which vectors can exist, not about what a trained encoder learns. White is not impossible: limitlab knows no answer there."
    )
    return out


def _cards(found: PhaseMap) -> list[dict[str, str]]:
    cards = []
    for dim in (384, 1024):
        if not found.dims[0] <= dim <= found.dims[1]:
            continue
        made = [p for p in found.points if p.certified_from is not None and p.certified_from <= dim]
        shown = [p for p in found.points if p.existing_from is not None and p.existing_from <= dim]
        more = f"; shown to exist: {number_words(shown[-1].n_docs)} at least" if shown else ""
        value = _at_least(made[-1].n_docs, found) if made else "none"
        cards.append({"title": f"certified in {dim:,} dimensions", "value": value, "detail": f"documents{more}"})
    return cards


def _at_least(n: int, found: PhaseMap) -> str:
    return number_words(n, short=True) + (" +" if n == found.points[-1].n_docs else "")


def _row(point: Any) -> dict[str, str]:
    return {
        "n": f"{point.n_docs:,}",
        "impossible": "all" if point.impossible_below is None else f"{point.impossible_below:,}",
        "exists": "" if point.existing_from is None else f"{point.existing_from:,}",
        "certified": "" if point.certified_from is None else f"{point.certified_from:,}",
        "certificate": point.certificate or "",
    }


def _is_round(n: int) -> bool:
    return str(n).rstrip("0") == "1"


def _gap_words(found: PhaseMap) -> str:
    return f"a gap of at least {found.gap:g} after rounding" if found.gap else "any positive gap after rounding"
