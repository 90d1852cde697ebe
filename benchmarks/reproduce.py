"""Append what `limitlab reproduce` and `limitlab train` found to benchmarks/records, from where docs/reproduce.md takes it.

Usage: python benchmarks/reproduce.py                     the newest solved outcome of every experiment and size in the ledger
       python benchmarks/reproduce.py --json SAVED.json   outcomes saved by `limitlab reproduce all --json > SAVED.json`
       python benchmarks/reproduce.py --training FILE.json ...   trainings saved by `limitlab train -o FILE.json`
Nothing is measured here: an outcome keeps the machine, commit and versions that it was measured with, and is added once.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from record import RECORDS

from limitlab.ledger import Ledger
from limitlab.reproduce import EXPERIMENTS
from limitlab.training import TrainResult

_KEPT = ("created", "versions", "machine", "git_commit", "peak_memory_bytes")


def outcome_record(outcome: dict[str, Any]) -> dict[str, Any]:
    """Counts, sentences, seconds, and the numbers that were run; published numbers alone are left out."""
    made = outcome["provenance"]
    rows = [
        {k: r[k] for k in ("what", "setting", "published", "ours", "low", "high", "verdict")}
        for r in outcome["rows"]
        if r["ours"] is not None
    ]
    figures = {
        "size": outcome["size"],
        "seconds": made.get("wall_seconds"),
        "counts": outcome["counts"],
        "says": outcome["says"],
        "rows": rows,
    }
    asked = outcome["config"]
    data = [f"--{name.replace('_', '-')} {name.upper().replace('_', '-')}" for name in ("limit", "limit_small") if asked.get(name)]
    chosen = asked["models"] if "models" in EXPERIMENTS[outcome["name"]].uses and asked["models"] != ["bm25", "minilm"] else []
    models = [f"-m {m}" for m in chosen]
    command = " ".join([f"limitlab reproduce run {outcome['name']} --size {outcome['size']}", *data, *models])
    return {"benchmark": outcome["name"], "figures": figures, "command": command, **{k: made[k] for k in _KEPT if k in made}}


def training_record(result: TrainResult) -> dict[str, Any]:
    """Before, after and difference with intervals of every corpus, split and dimension, in percent."""
    rows = []
    for c in result.changes:
        row: dict[str, Any] = {"kind": c.kind, "n_docs": c.n_docs, "split": c.split, "dim": c.dim, "measure": c.measure}
        for name, e in (("before", c.before), ("after", c.after), ("difference", c.difference)):
            row[name] = None if e is None else [100 * v for v in (e.mean, e.low, e.high)]
        rows.append({**row, "by_seed": [100 * v for v in c.by_seed]})
    config = {k: result.config.get(k) for k in ("base", "architecture", "pairs", "epochs", "seeds", "lr")}  # lr: None is the protocol's
    figures = {**config, "seconds": result.provenance.get("wall_seconds"), "rows": rows}
    given = result.config.get("command") or ["limitlab", "train"]
    kept = [a for i, a in enumerate(given) if a != "-o" and (i == 0 or given[i - 1] != "-o")]  # not the files of whoever ran it
    made = {k: result.provenance[k] for k in _KEPT if k in result.provenance}
    return {"benchmark": "training", "figures": figures, "command": " ".join(["limitlab", *kept[1:]]), **made}


def add(path: Path, records: list[dict[str, Any]]) -> int:
    """Append those that are not there yet; returns how many."""
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    new = [line for r in records if (line := json.dumps(r, ensure_ascii=False, sort_keys=True)) not in lines]
    with open(path, "a", encoding="utf-8") as out:
        out.writelines(f"{line}\n" for line in dict.fromkeys(new))
    return len(dict.fromkeys(new))


def from_ledger() -> list[dict[str, Any]]:
    """The newest solved outcome of every experiment and size."""
    ledger = Ledger()
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for run in ledger.runs(kind="reproduction"):  # newest first
        for cell in ledger.cells(run.id):
            if run.status.key == "solved" and cell.record.get("schema", "").startswith("limitlab.reproduce/"):
                found.setdefault((cell.record["name"], cell.record["size"]), cell.record)
    return list(found.values())


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--json", type=Path)
    parser.add_argument("--training", type=Path, nargs="+")
    given = parser.parse_args()
    if given.training:
        print(add(RECORDS / "training.jsonl", [training_record(TrainResult.load(path)) for path in given.training]), "trainings added")
        return
    outcomes = json.loads(given.json.read_text(encoding="utf-8"))["outcomes"] if given.json else from_ledger()
    solved = [o for o in outcomes if o["status"] == "solved"]
    print(add(RECORDS / "reproduce.jsonl", [outcome_record(o) for o in solved]), "outcomes added")


if __name__ == "__main__":
    main()
