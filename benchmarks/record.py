"""Append one record a benchmark to benchmarks/records/NAME.jsonl: figures, machine, commit, versions."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from limitlab._core.provenance import provenance

RECORDS = Path(__file__).resolve().parent / "records"


def record(name: str, figures: dict[str, Any]) -> None:
    """Print the figures and append them with where they were measured."""
    RECORDS.mkdir(exist_ok=True)
    entry = {
        "benchmark": name,
        "figures": figures,
        "command": " ".join(["python", f"benchmarks/{Path(sys.argv[0]).name}", *sys.argv[1:]]),
        **provenance(),
    }
    with open(RECORDS / f"{name}.jsonl", "a", encoding="utf-8") as out:
        out.write(json.dumps(entry, ensure_ascii=False) + "\n")
    for key, value in figures.items():
        print(f"{key:>44}: {value:.4g}" if isinstance(value, float) else f"{key:>44}: {value}")
