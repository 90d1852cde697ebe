"""Experiments from the command line: estimate, run, one line each, the page."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from limitlab._core.checks import choice
from limitlab._core.errors import InvalidArgument
from limitlab.cli.options import answer, answer_json
from limitlab.cli.progress import Bars

_PLURAL = {"agrees": "agree", "differs": "differ"}


def run_and_write(
    names: Sequence[str],
    size: str,
    models: Sequence[str],
    given: Mapping[str, Any],
    *,
    fresh: bool,
    output: Path,
    language: str,
    json: bool,
) -> int:
    """Run experiments, answer with a table or JSON, write the page; returns the exit code."""
    from limitlab.report import write_reproduction_report
    from limitlab.reproduce import Asked, reproduce
    from limitlab.reproduce.catalogue import experiment
    from limitlab.reproduce.experiment import SIZES

    choice("--output", "file type", output.suffix, (".html", ".htm"))
    choice("limitlab reproduce", "--size", size, SIZES)
    chosen = [experiment(n) for n in names]
    asked = Asked(
        size=size,
        models=tuple(models) or ("bm25", "minilm"),
        limit=None if given["limit"] is None else str(given["limit"]),
        limit_small=None if given["limit_small"] is None else str(given["limit_small"]),
        beir=_folders(given["beir"]),
        seed=given["seed"],
        progress=Bars(),
        command=("limitlab", *sys.argv[1:]),
    )
    seconds = sum(e.cost(asked).seconds for e in chosen)
    memory = max(e.cost(asked).memory_gib for e in chosen)
    helps = [e.name for e in chosen if e.cost(asked).gpu != "none"]
    sys.stderr.write(
        f"{len(chosen)} experiment{'' if len(chosen) == 1 else 's'}, {_spoken(seconds)} on two cores with nothing cached and bm25 and minilm alone, {memory:g} GiB"
        f"{'; a GPU helps: ' + ', '.join(helps) if helps else ''}.\n"
    )
    outcomes = reproduce([e.name for e in chosen], asked, reuse=not fresh, on_outcome=None if json else _line)
    records = [o.to_dict() for o in outcomes]
    path = write_reproduction_report(records, output, language=language, command=["limitlab", *sys.argv[1:]])
    if json:
        answer_json({"schema": "limitlab.reproductions/1", "outcomes": records, "files": [str(path)]})
    else:
        answer(f"written: {path}")
    return 1 if any(o.status.key == "failed" for o in outcomes) else 0


def _spoken(seconds: float) -> str:
    if seconds < 10:
        return "a few seconds"
    if seconds < 7200:
        return f"about {seconds:.0f} s" if seconds < 90 else f"about {seconds / 60:.0f} min"
    return f"about {seconds / 3600:.0f} h"


def _line(outcome: Any) -> None:
    counts = ", ".join(f"{n} {_PLURAL.get(verdict, verdict) if n != 1 else verdict}" for verdict, n in outcome.counts.items())
    answer(f"{outcome.name} ({outcome.size}): {counts if outcome.status.key == 'solved' else outcome.message}")
    for sentence in outcome.says:
        answer(f"  {sentence}")


def _folders(pairs: Sequence[str]) -> dict[str, str]:
    """``{name: folder}`` of --beir NAME=FOLDER."""
    out = {}
    for pair in pairs:
        name, sign, folder = pair.partition("=")
        if not sign or not name or not folder:
            raise InvalidArgument(f"--beir: NAME=FOLDER is expected, such as scifact=./scifact; got {pair!r}.")
        out[name] = folder
    return out
