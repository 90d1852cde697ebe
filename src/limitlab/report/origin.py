"""Where a result comes from: how it was run, on what, and the sources of the published numbers beside it."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Sequence
from typing import Any, Protocol

from limitlab.evaluation import EvaluationResult
from limitlab.report import selection as chosen
from limitlab.report.summary import counted

PAPER = "Orion Weller, Michael Boratko, Iftekhar Naim, Jinhyuk Lee: On the Theoretical Limitations of Embedding-Based Retrieval. 2025."


class Measured(Protocol):
    """A stored result, of whatever kind: what every one says about how it came to be."""

    @property
    def provenance(self) -> dict[str, Any]: ...

    @property
    def run_ids(self) -> Sequence[str]: ...


def run_facts(result: Measured) -> list[tuple[str, str]]:
    """(name, value) pairs in words: machine, versions, commit, times, memory, runs."""
    p = result.provenance
    machine, versions, engine = p.get("machine"), p.get("versions"), p.get("engine")
    pairs: list[tuple[str, Any]] = [
        ("Measured", str(p.get("created") or "").replace("T", " ").replace("+00:00", " UTC")),
        ("Wall time", p.get("wall_seconds") is not None and _duration(float(p["wall_seconds"]))),
        ("Peak memory", p.get("peak_memory_bytes") and f"{p['peak_memory_bytes'] / 2**30:.2f} GiB"),
        ("Machine", _machine(machine) if isinstance(machine, dict) else machine),
        ("Engine", _engine(engine) if isinstance(engine, dict) else engine),
        ("Versions", ", ".join(f"{k} {v}" for k, v in versions.items()) if isinstance(versions, dict) else versions),
        ("limitlab commit", p.get("git_commit")),
        ("Runs", ", ".join(result.run_ids)),
    ]
    known = {"created", "wall_seconds", "peak_memory_bytes", "machine", "engine", "versions", "git_commit"}
    pairs += [
        (k.replace("_", " "), v if isinstance(v, str) else json.dumps(v, ensure_ascii=False, default=str))
        for k, v in p.items()
        if k not in known
    ]
    return [(name, str(value)) for name, value in pairs if value]


def _machine(machine: dict[str, Any]) -> str:
    parts = [str(machine.get("cpu", ""))]
    if machine.get("cores"):
        parts.append(counted(int(machine["cores"]), "core", "cores"))
    if machine.get("memory_gib"):
        parts.append(f"{machine['memory_gib']} GiB")
    parts += [str(machine[k]) for k in ("gpu", "os", "arch") if machine.get(k)]
    return ", ".join(p for p in parts if p)


def _engine(engine: dict[str, Any]) -> str:
    """Where tasks ran: ``ray 2.60.0, 2 machines, 16 workers``."""
    name = " ".join(str(engine[k]) for k in ("engine", "version") if engine.get(k))
    counts = [counted(int(engine[f"{what}s"]), what, f"{what}s") for what in ("machine", "worker") if engine.get(f"{what}s")]
    return ", ".join([name, *counts])


def _duration(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.1f} s"
    minutes = seconds / 60
    return f"{minutes:.1f} min" if minutes < 120 else f"{minutes / 60:.1f} h"


def commands(config: dict[str, Any]) -> list[str]:
    """The command lines that repeat a result; those of merged results one after another."""
    given = config.get("command")
    found = [given if isinstance(given, str) else shlex.join(str(part) for part in given)] if given else []
    merged = config.get("merged")
    for part in merged if isinstance(merged, list) else []:
        if isinstance(part, dict):
            found += commands(part)
    return list(dict.fromkeys(found))


def config_text(config: dict[str, Any]) -> str:
    """The configuration as indented JSON; empty when there is none."""
    return json.dumps(config, indent=2, ensure_ascii=False, default=str) if config else ""


def references(result: EvaluationResult, *, patterns: bool) -> list[str]:
    """The sources of the published numbers that the figures show, as plain text."""
    values = [
        v
        for dataset in chosen.dataset_names(result)
        for measure in chosen.drawn_measures(result, dataset)
        for v in chosen.published_values(chosen.facts(result, dataset), measure)
    ]
    sources = {v.source for v in values}
    if patterns:
        groups = chosen.pattern_groups(result)
        sources |= {line.source for g in groups for p in g.datasets for line in chosen.published_patterns(g.measure, p)}
    return [PAPER, *sorted(sources, key=_natural)] if sources else [PAPER + " https://arxiv.org/abs/2508.21038"]


def _natural(text: str) -> list[tuple[int, str]]:
    return [(int(part), "") if part.isdigit() else (-1, part) for part in re.split(r"(\d+)", text)]
