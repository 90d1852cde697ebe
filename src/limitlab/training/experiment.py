"""The domain-shift experiment: train, and measure before and after, at every corpus size, dimension and seed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from limitlab._core.checks import choice, whole
from limitlab._core.errors import InvalidArgument, NotSolved
from limitlab._core.files import content_hash
from limitlab._core.progress import SILENT, Progress
from limitlab._core.status import Status
from limitlab.data import Dataset
from limitlab.engine import Engine, elsewhere, using
from limitlab.ledger import Cell, Ledger, running
from limitlab.training.apart import trained_apart
from limitlab.training.base import Base, resolve_base
from limitlab.training.config import SPLITS, TrainConfig
from limitlab.training.estimate import estimate
from limitlab.training.forgetting import SHIPPED, general_data
from limitlab.training.measuring import Measured, measured, texts_left
from limitlab.training.one_model import TrainedModel, finished, steps_left, train_one
from limitlab.training.pairs import TrainingPairs, counted_pairs, test_data
from limitlab.training.result import TrainResult
from limitlab.training.sizes import n_relevant_docs, nested

KIND = "train"
_DEFAULT_DOCS = 1_000


def train(
    config: TrainConfig | None = None,
    *,
    splits: Sequence[str] | None = None,
    dims: Sequence[int] | None = None,
    seeds: int = 1,
    n_docs: Sequence[int] | None = None,
    general: str | Path | Dataset | None = SHIPPED,
    resume: bool = True,
    ledger: Ledger | None = None,
    title: str | None = None,
    command: Sequence[str] | None = None,
    engine: str | Engine | None = None,
    progress: Progress = SILENT,
    **options: Any,
) -> TrainResult:
    """Train single-vector or multi-vector models, or adapters, on LIMIT-like data and measure what that gains, and what it costs.

    Parameters
    ----------
    config
        A TrainConfig, or its fields as keywords.
    splits
        Several of train, test, mix; default: the one of the configuration.
    dims
        A model a dimension; default: the one of the configuration.
    seeds
        Models a split and dimension: seeds ``config.seed`` and those after it, >= 1.
    n_docs
        Corpus sizes of the evaluation, each corpus within the next; default: the relevant documents alone, and 1,000 (LIMIT) or
        all (a folder).
    general
        Held-out set for forgetting: "shipped", "none", a folder or a Dataset.
    resume
        Whether finished models, checkpoints and measured rows are used. A run that was killed continues.
    ledger
        Where runs are kept; default: LIMITLAB_HOME, which also holds models and checkpoints.
    engine
        Where models are trained: "local", "ray", "ray://HOST:PORT", or an Engine; on Ray each model is a task with a machine of its own, and
        LIMITLAB_HOME must be a folder that all machines share. None: as it is, see ``limitlab.engine.using``.

    Returns
    -------
    TrainResult. Models whose loss did not stay finite are named in its message; it is SOLVED only when everything was measured.

    Raises
    ------
    InvalidArgument, DataError, MissingExtra
        Before anything runs.

    Examples
    --------
    >>> import limitlab as ll
    >>> found = train(base="static", split="test", pairs=500, epochs=3)  # doctest: +SKIP
    >>> found.report("training.html")  # doctest: +SKIP

    References
    ----------
    [Weller2025]
    """
    if config is not None and options:
        raise InvalidArgument(f"train(): a config or its fields are expected, not both; got config= and {', '.join(options)}=.")
    config = TrainConfig(**options) if config is None else config
    configs = _configs(config, splits, dims, whole("train()", "seeds", seeds, low=1, high=100))
    base = resolve_base(config.base)
    largest = max(n_docs) if n_docs else _DEFAULT_DOCS
    test = test_data(config, whole("train()", "n_docs", largest, low=1))
    relevant = n_relevant_docs(test)
    sizes = list(n_docs) if n_docs else [relevant, test.n_docs]
    corpora = nested(test, sizes, seed=config.seed)
    held_out = general_data(general)
    if held_out is not None and held_out.name in {d.name for d in corpora}:
        held_out = replace(held_out, name=f"{held_out.name}, general")
    pairs = dict(counted_pairs(c, test) for c in configs)
    configs = list(pairs)
    config = replace(config, pairs=max(c.pairs or 0 for c in configs))
    about = {
        **config.to_dict(),
        "splits": list(dict.fromkeys(c.split for c in configs)),
        "dims": list(dims) if dims else None,
        "seeds": seeds,
        "n_docs": sorted(set(sizes)),
        "general": held_out.name if held_out is not None else None,
        "command": list(command) if command else None,
    }
    names = f"{config.base} on the {' and '.join(about['splits'])} split"
    with using(engine):
        run = _Experiment(configs, base, pairs, corpora, held_out, resume, ledger or Ledger(), about, progress)
        return run.run(title or f"train {names} of {'LIMIT' if config.data == 'limit' else Path(config.data).name}")


def _configs(config: TrainConfig, splits: Sequence[str] | None, dims: Sequence[int] | None, seeds: int) -> list[TrainConfig]:
    """One configuration a model, by split, dimension, seed."""
    chosen = [choice("train()", "split", s, SPLITS) for s in dict.fromkeys(splits or [config.split])]
    if dims and (config.matryoshka or config.dim is not None):
        raise InvalidArgument("train(): dims, dim or matryoshka must be given, only one of them; got several.")
    widths: list[int | None] = list(dict.fromkeys(dims)) if dims else [config.dim]
    return [replace(config, split=s, dim=d, seed=config.seed + i) for s in chosen for d in widths for i in range(seeds)]


@dataclass
class _Experiment:
    configs: list[TrainConfig]
    base: Base
    pairs: dict[TrainConfig, TrainingPairs]
    corpora: list[Dataset]
    general: Dataset | None
    resume: bool
    ledger: Ledger
    about: dict[str, Any]
    progress: Progress

    def run(self, title: str) -> TrainResult:
        with running(self.ledger, KIND, title, self.about) as run:
            self._say_estimate()
            models, failures = self._models(run.id)
            found = measured(models, self.base, self.corpora, self.general, self.ledger, resume=self.resume, progress=self.progress)
            problems = [*failures, *found.problems]
            status = Status.SOLVED if not problems else Status.FAILED if failures else Status.NOT_SOLVED
            run.ended(status, problems[0] if problems else None)
            result = self._result(models, found, run.id, run.status, run.message, run.made())
            record = result.to_dict()
            self.ledger.add_cell(run.id, Cell(content_hash(record["config"], length=32), run.status, run.message, record))
        return result

    def _models(self, run_id: str) -> tuple[list[TrainedModel], list[str]]:
        """Train all; what did not stay finite is told, the others go on."""
        models: dict[TrainConfig, TrainedModel] = {}
        failures: dict[TrainConfig, str] = {}
        for config, came in self._trained():
            if isinstance(came, TrainedModel):
                models[config] = came
                self.ledger.add_cell(run_id, Cell(came.key, Status.SOLVED, Status.SOLVED.value, {"model": came.to_dict()}))
            else:
                failures[config] = str(came)
                self.ledger.add_cell(run_id, Cell(content_hash(config.to_dict(), length=32), Status.FAILED, str(came), {}))
        return [models[c] for c in self.configs if c in models], [failures[c] for c in self.configs if c in failures]

    def _trained(self) -> Iterator[tuple[TrainConfig, TrainedModel | NotSolved]]:
        """Each model as soon as it is there: one after another here, or side by side where another engine is in use."""
        engine = elsewhere()
        if engine is not None:
            yield from trained_apart(
                engine, self.configs, self.base, self.pairs, evaluated=self.corpora[0], resume=self.resume, progress=self.progress
            )
            return
        for config in self.configs:
            try:
                yield (
                    config,
                    train_one(config, self.base, self.pairs[config], evaluated=self.corpora[0], resume=self.resume, progress=self.progress),
                )
            except NotSolved as error:
                yield config, error

    def _say_estimate(self) -> None:
        """What is still to be done, from what is there: finished models, checkpoints, cached vectors."""
        there = [c for c in self.configs if self.resume and finished(c, self.base, self.pairs[c], self.corpora[0])]
        left = [c for c in self.configs if c not in there]
        models = [train_one(c, self.base, self.pairs[c], evaluated=self.corpora[0]) for c in there]
        texts = texts_left(models, left, self.base, self.corpora, self.general, self.ledger, resume=self.resume)
        if left or texts:
            c = left[0] if left else self.configs[0]
            steps = sum(steps_left(c, self.base, self.pairs[c], self.corpora[0], resume=self.resume) for c in left)
            guess = estimate(c, self.base, self.pairs[c], steps=steps, n_texts=texts, texts=list(self.corpora[0].docs))
            fits = (
                ", and seconds to minutes for each adapter, whose own texts are encoded first"
                if left and c.architecture == "adapter"
                else ""
            )
            self.progress.say(f"{_to_make(left)}; {guess.sentence}{fits}")
        for c in left:
            if c.warning:
                self.progress.say(f"{c.name}: {c.warning}")

    def _result(
        self, models: list[TrainedModel], found: Measured, run_id: str, status: Status, message: str, made: dict[str, Any]
    ) -> TrainResult:
        kinds = [(d, "task") for d in self.corpora] + ([(self.general, "general")] if self.general is not None else [])
        facts = tuple({"name": d.name, "kind": kind, "n_docs": d.n_docs, "n_queries": d.n_queries} for d, kind in kinds)
        return TrainResult(tuple(models), found.changes, facts, found.notes, (run_id, *found.run_ids), status, message, self.about, made)


def _to_make(left: Sequence[TrainConfig]) -> str:
    if not left:
        return "all models are there"
    verb, noun = ("fit", "adapter") if left[0].architecture == "adapter" else ("train", "model")
    return f"{len(left)} {noun}{'s' if len(left) > 1 else ''} to {verb}"
