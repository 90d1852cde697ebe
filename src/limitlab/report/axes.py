"""Log axes with ticks written out, and what a figure changes on a narrow screen."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any


def log_axis(values: Iterable[float]) -> dict[str, Any]:
    """Range and ticks of a log axis around positive values, the ticks written out: 20, 1,000."""
    found = [v for v in values if v > 0]
    low, high = math.log10(min(found)), math.log10(max(found))
    room = max(0.05 * (high - low), 0.08)
    low, high = low - room, high + room
    if high - low < 0.7:  # room for at least two ticks
        low, high = (low + high) / 2 - 0.35, (low + high) / 2 + 0.35
    factors = (1, 2, 5) if high - low <= 3.2 else (1, 3) if high - low <= 5 else (1,)
    ticks = [f * 10.0**e for e in range(math.floor(low) - 1, math.ceil(high) + 1) for f in factors]
    ticks = [t for t in ticks if low <= math.log10(t) <= high]
    return {"type": "log", "range": [round(low, 4), round(high, 4)], "tickvals": ticks, "ticktext": [number_words(t) for t in ticks]}


def number_words(value: float, *, short: bool = False) -> str:
    """``0.02``, ``300``, ``5,000``, ``2 million`` (``2 M``): three significant digits from a thousand on."""
    sign, size = ("−" if value < 0 else ""), abs(value)
    if size >= 1_000:
        size = float(f"{size:.3g}")
    for unit, word, letters in ((1e12, "trillion", "tn"), (1e9, "billion", "bn"), (1e6, "million", "M")):
        if size >= unit:
            return f"{sign}{size / unit:,.10g} {letters if short else word}"
    return f"{sign}{size:,.0f}" if size >= 100 else f"{sign}{size:.3g}"


def widths(layout: dict[str, Any], **narrow: Any) -> dict[str, Any]:
    """What the page changes on a narrow screen (``narrow``), and what it puts back on a broad one (``broad``); dotted paths."""

    def there(path: str) -> Any:
        value: Any = layout
        for part in path.split("."):
            value = value.get(part) if isinstance(value, dict) else None
        return value

    return {"narrow": narrow, "broad": {path: there(path) for path in narrow}}
