"""``limitlab train``: what training on LIMIT-like data gains, and what it costs."""

from __future__ import annotations

import re
import shutil
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from limitlab._core.checks import choice
from limitlab._core.errors import InvalidArgument, RangeError
from limitlab.cli import train_options as o
from limitlab.cli.options import EngineName, JsonFlag, Language, Workers, answer, answer_json, parse_dims
from limitlab.cli.progress import Bars

if TYPE_CHECKING:
    from limitlab.training import TrainResult

_SIZES: dict[str, dict[str, Any]] = {
    "small": {"split": "train,test", "matryoshka": "32,128,384", "pairs": 500, "epochs": 3, "n_docs": "46,1000", "seeds": 1},
    "full": {"split": "train,test", "matryoshka": "32,128,384", "pairs": 2_000, "epochs": 5, "n_docs": "46,1000,10000,50000", "seeds": 3},
}
_USUAL = {"split": "train", "epochs": 5, "seeds": 1}


def train_command(
    base: o.Base = "minilm",
    size: o.Size = None,
    data: o.Data = "limit",
    split: o.Split = None,
    pairs: o.Pairs = None,
    epochs: o.Epochs = None,
    lr: o.Lr = None,
    batch_size: o.BatchSize = 64,
    loss: o.Loss = "mnr",
    batches: o.Batches = "no-duplicates",
    dim: o.Dim = None,
    matryoshka: o.Matryoshka = None,
    architecture: o.Architecture = "single-vector",
    pattern: o.Pattern = "dense",
    attributes: o.Attributes = 1_000,
    queries: o.Queries = 1_000,
    n_docs: o.NDocs = None,
    general: o.General = "shipped",
    seeds: o.Seeds = None,
    seed: o.Seed = 0,
    precision: o.Precision = "auto",
    resume: o.Resume = True,
    output: o.Output = [],  # noqa: B006
    engine: EngineName = None,
    workers: Workers = None,
    language: Language = "en",
    json: JsonFlag = False,
) -> None:
    """Train a model on LIMIT-like data; measure it before and after, among few and many documents, and on general questions."""
    from limitlab.engine import using
    from limitlab.training import TrainConfig, train

    given = {"split": split, "pairs": pairs, "epochs": epochs, "dim": dim, "matryoshka": matryoshka, "n_docs": n_docs, "seeds": seeds}
    asked = _asked(size, given)
    _check_outputs(output)
    fixed = {"base": base, "data": data, "lr": lr, "batch_size": batch_size, "loss": loss, "batches": batches, "architecture": architecture}
    drawn = {"pattern": pattern, "attributes": attributes, "queries": queries, "seed": seed, "precision": precision}
    widths = tuple(parse_dims(asked.get("matryoshka")) or ())
    with using(engine, workers):
        found = train(
            TrainConfig(pairs=asked.get("pairs"), epochs=asked["epochs"], matryoshka=widths, **fixed, **drawn),  # type: ignore[arg-type]
            splits=[s.strip() for s in asked["split"].split(",")],
            dims=parse_dims(asked.get("dim")),
            seeds=asked["seeds"],
            n_docs=_counts(asked.get("n_docs")),
            general=general,
            resume=resume,
            command=["limitlab", *sys.argv[1:]],
            progress=Bars(),
        )
    _show(found, [path for out in output for path in _write(found, out, language)], json)
    raise typer.Exit({"solved": 0, "failed": 1}.get(found.status.key, 3))


def _show(found: TrainResult, written: list[Path], json: bool) -> None:
    if json:
        answer_json({**found.to_dict(), "written": [str(p) for p in written]})
        return
    answer(training_text(found))
    for path in written:
        answer(f"written: {path}")
    answer(f"run {found.run_ids[0]}. Next: limitlab report {found.run_ids[0]} -o report.html")


def _asked(size: str | None, given: dict[str, Any]) -> dict[str, Any]:
    """The preset of --size under what was given; a dimension given takes the place of the preset's, whichever kind it is."""
    preset = dict(_SIZES[choice("--size", "size", size, _SIZES)]) if size is not None else {}
    if given["dim"] is not None or given["matryoshka"] is not None:
        preset.pop("dim", None)
        preset.pop("matryoshka", None)
    return {**_USUAL, **preset, **{name: value for name, value in given.items() if value is not None}}


def _counts(text: str | None) -> list[int] | None:
    if text is None:
        return None
    parts = [re.sub(r"[_\s]", "", p) for p in text.split(",")]
    if not all(re.fullmatch(r"\d+", p) for p in parts):
        raise RangeError(f"--n-docs: whole numbers with commas between them, such as 46,1000, are expected; got {text!r}.")
    return [int(p) for p in parts]


def _check_outputs(output: list[Path]) -> None:
    """Before hours of training: a file must be of a known type, a folder must not be there."""
    for path in output:
        if path.suffix:
            choice("--output", "file type", path.suffix, (".html", ".json", ".csv"))
        elif path.exists():
            raise InvalidArgument(f"--output: the folder for the models must not exist; {path} does. Choose another -o.")


def _write(found: TrainResult, path: Path, language: str) -> list[Path]:
    if path.suffix:
        writers: dict[str, Callable[[Path], Any]] = {
            ".html": partial(found.report, language=language),
            ".json": found.save,
            ".csv": found.to_csv,
        }
        writers[path.suffix](path)
        return [path]
    if len(found.models) == 1:
        return [_copied(found.models[0].folder, path)]
    return [_copied(m.folder, path / re.sub(r"[^A-Za-z0-9.=-]+", "-", m.config.name).strip("-")) for m in found.models]


def _copied(folder: str, path: Path) -> Path:
    from limitlab._core.files import atomic_folder

    with atomic_folder(path, who="train", marker="modules.json") as part:
        shutil.copytree(folder, part, dirs_exist_ok=True)
    return path


def stored_training(run_id: str) -> tuple[str, Any]:
    """(text, plain values) of a run: its result, or the models that it had finished when it was stopped."""
    from limitlab.ledger import Ledger
    from limitlab.training import finished_models, load_training

    ledger = Ledger()
    if any(c.record.get("schema") for c in ledger.cells(run_id)):
        found = load_training(run_id)
        return training_text(found), found
    models = finished_models(run_id)
    lines = [f"{len(models)} models finished; the command below goes on from there and from the newest checkpoint."]
    lines += [f"model: {m.name}: {m.folder}" for m in models]
    record = {"schema": "limitlab.training-unfinished/1", "run": ledger.run(run_id).to_dict(), "models": [m.to_dict() for m in models]}
    return "\n".join(lines), record


def training_text(found: TrainResult) -> str:
    """Sentences, then a table: before and after by corpus, split and dimension, in percent."""
    from limitlab.cli.tables import plain_table
    from limitlab.training.verdict import HEADLINE, label

    head = ["corpus", "split", "dim", "recall@", "before", "after", "difference", "95 % interval", "spread over seeds"]
    rows = []
    for c in found.changes:
        if c.measure not in ("recall@2", HEADLINE) if c.kind == "task" else c.measure not in ("recall@1", HEADLINE):
            continue
        d = c.difference
        rows.append(
            [
                c.dataset,
                label(c.split),
                c.dim or "",
                c.measure.partition("@")[2],
                f"{100 * c.before.mean:.1f}" if c.before else "",
                f"{100 * c.after.mean:.1f}",
                f"{100 * d.mean:+.1f}" if d else "",
                f"{100 * d.low:+.1f} to {100 * d.high:+.1f}" if d else "",
                f"{100 * c.spread:.1f}" if len(c.by_seed) > 1 else "",
            ]
        )
    lines = [] if found.status.key == "solved" else [f"{found.status.key}: {found.message}"]
    lines += [*found.verdict, ""] if found.changes else found.verdict
    if rows:
        lines.append(plain_table(head, rows, right=range(2, len(head))))
    lines += [f"model: {m.name}: {m.folder}" for m in found.models]
    return "\n".join(lines)
