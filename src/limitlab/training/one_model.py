"""Train one model with the trainer of sentence-transformers: checkpoints, resumption, learning curve."""

from __future__ import annotations

import gc
import shutil
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from limitlab._core.errors import NotSolved
from limitlab._core.files import atomic_folder, canonical_json, content_hash, read_json, write_text
from limitlab._core.home import home
from limitlab._core.progress import SILENT, Progress
from limitlab._core.provenance import Stopwatch, provenance, versions
from limitlab._core.reused_memory import reused_memory
from limitlab.data import Dataset
from limitlab.retrieval.encoder import use_cores
from limitlab.training.adapter import fit
from limitlab.training.base import Base, trainable
from limitlab.training.batches import batches_of, false_negative_share
from limitlab.training.checkpoints import newest, step_of
from limitlab.training.config import TrainConfig
from limitlab.training.curve import CurvePoint, curve_of, finite, probe
from limitlab.training.losses import loss_of
from limitlab.training.pairs import TrainingPairs, describe
from limitlab.training.repeatable import deterministic_algorithms, own_random_state, seed_everything, steady_threads
from limitlab.training.trainer import advancing, arguments, silence, trainer_class

_NUMERICS = 2  # raised when a change of limitlab changes what is trained: part of every key
_RECORD = "training.json"


@dataclass(frozen=True)
class TrainedModel:
    """One trained model.

    Attributes
    ----------
    name
        From its configuration; with "overfitting on purpose" where it saw the test queries.
    key
        Hash of everything that decides the weights.
    config
        With learning rate and precision resolved.
    folder
        A folder that ``SentenceTransformer(...)`` opens (``MultiVectorEncoder(...)`` for token vectors), and ``-m`` takes; an adapter's only ``-m``.
    curve
        Losses and recalls by step.
    facts
        Counts: pairs, queries, documents; steps, pairs_per_step (mean), false_negative_share; for an adapter what its fit has chosen.
    test_queries
        Ids of evaluated queries among the pairs.
    provenance
        Versions, machine, commit, seconds of the process that ended it.
    resumed_from
        The step at which that process continued; 0 when it began.
    """

    name: str
    key: str
    config: TrainConfig
    folder: str
    curve: tuple[CurvePoint, ...]
    facts: dict[str, Any]
    test_queries: tuple[str, ...]
    provenance: dict[str, Any]
    resumed_from: int = 0

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        plain = {"config": self.config.to_dict(), "curve": [p.to_dict() for p in self.curve], "test_queries": list(self.test_queries)}
        return {**self.__dict__, **plain}

    @classmethod
    def from_dict(cls, record: dict[str, Any]) -> TrainedModel:
        """The inverse of ``to_dict``."""
        curve = tuple(CurvePoint.from_dict(p) for p in record["curve"])
        config, queries = TrainConfig.from_dict(record["config"]), tuple(record["test_queries"])
        return cls(**{**record, "config": config, "curve": curve, "test_queries": queries})


def train_one(
    config: TrainConfig,
    base: Base,
    pairs: TrainingPairs,
    *,
    evaluated: Dataset,
    resume: bool = True,
    progress: Progress = SILENT,
) -> TrainedModel:
    """Train a model, or take the one that was trained before with the same pairs and settings.

    A process that was killed continues from its newest whole checkpoint, with optimiser, schedule and random numbers as they
    were: on a CPU it ends with the bytes of an uninterrupted run, for a given number of threads.

    Parameters
    ----------
    evaluated
        Its smallest corpus, for the learning curve.
    resume
        Whether finished models and checkpoints are used; otherwise both are removed first.

    Raises
    ------
    NotSolved
        The loss became NaN or infinite.
    """
    config = config.resolved()
    key = key_of(config, base, pairs, evaluated)
    work = _work(key)
    if not resume:
        forget(config, base, pairs, evaluated)
    if (work / _RECORD).is_file():
        return replace(TrainedModel.from_dict(read_json(work / _RECORD)), folder=str(work / "model"))
    facts, start = describe(pairs), 0
    curve: tuple[CurvePoint, ...] = ()
    with Stopwatch() as watch:
        if config.architecture == "adapter":
            facts["adapter"] = fit(config, base, pairs, work / "model", progress=progress)
        else:
            batches = batches_of(config, pairs)
            facts |= {"steps": len(batches), "pairs_per_step": round(sum(map(len, batches)) / max(1, len(batches)), 2)}
            facts["false_negative_share"] = round(false_negative_share(batches, pairs), 4)
            with (
                own_random_state(),
                deterministic_algorithms(),
                reused_memory(),
                progress.task(f"train {config.name}", len(batches)) as bar,
            ):
                history, start = _run(config, base, pairs, batches, evaluated, work, bar)
                gc.collect()  # the trainer and its callbacks refer to each other
            curve = curve_of(history)
    name = f"{config.name} ({config.warning})" if config.warning else config.name
    made = provenance(wall_seconds=watch.seconds)
    found = TrainedModel(name, key, config, str(work / "model"), curve, facts, pairs.test_queries, made, start)
    write_text(work / _RECORD, canonical_json(found.to_dict()) + "\n")
    shutil.rmtree(work / "checkpoints", ignore_errors=True)
    return found


def key_of(config: TrainConfig, base: Base, pairs: TrainingPairs, evaluated: Dataset) -> str:
    """Hash of everything that decides the weights and the learning curve."""
    config = config.resolved()
    return content_hash(
        {
            "config": {name: value for name, value in config.to_dict().items() if name != "checkpoints"},
            "base": base.fingerprint,
            "pairs": pairs.fingerprint(),
            "evaluated": evaluated.fingerprint(),
            "versions": {name: versions().get(name) for name in ("torch", "sentence-transformers", "transformers")},
            "numerics": _NUMERICS,
        },
        length=24,
    )


def finished(config: TrainConfig, base: Base, pairs: TrainingPairs, evaluated: Dataset) -> bool:
    """Whether the model is there already."""
    return (_work(key_of(config, base, pairs, evaluated)) / _RECORD).is_file()


def steps_left(config: TrainConfig, base: Base, pairs: TrainingPairs, evaluated: Dataset, *, resume: bool = True) -> int:
    """Steps that ``train_one`` has still to take: after the newest checkpoint; none for a finished model, or an adapter."""
    if config.architecture == "adapter" or (resume and finished(config, base, pairs, evaluated)):
        return 0
    there = newest(_work(key_of(config, base, pairs, evaluated)) / "checkpoints") if resume else None
    return len(batches_of(config, pairs)) - step_of(there)


def forget(config: TrainConfig, base: Base, pairs: TrainingPairs, evaluated: Dataset) -> None:
    """Remove the finished model and its checkpoints."""
    shutil.rmtree(_work(key_of(config, base, pairs, evaluated)), ignore_errors=True)


def _work(key: str) -> Path:
    return home() / "training" / "models" / key


def _run(
    config: TrainConfig, base: Base, pairs: TrainingPairs, batches: list[list[int]], evaluated: Dataset, work: Path, bar: Any
) -> tuple[list[dict[str, Any]], int]:
    """Train and save; returns the trainer's log and the step at which it started."""
    from datasets import Dataset as Rows

    use_cores()
    seed_everything(config.seed)
    model = trainable(base, config)
    start_from = newest(work / "checkpoints")
    trainer = trainer_class(config, batches)(
        model=model,
        args=arguments(config, model, steps=len(batches), folder=work / "checkpoints"),
        train_dataset=Rows.from_dict({"anchor": list(pairs.queries), "positive": list(pairs.docs)}),
        loss=loss_of(model, config),
        evaluator=probe(pairs.shown, evaluated),
        callbacks=[advancing(bar), steady_threads()],
    )
    silence(trainer)
    start = step_of(start_from)
    trainer.train(resume_from_checkpoint=str(start_from) if start_from else None)
    history = list(trainer.state.log_history)
    if not finite(curve_of(history)):
        shutil.rmtree(work / "checkpoints", ignore_errors=True)
        raise NotSolved(f"train(): the loss must stay finite; it did not for {config.name}. Pass a smaller --lr, or --precision float32.")
    with atomic_folder(work / "model", who="train()", overwrite=True, marker="modules.json") as part:
        model.save(str(part), create_model_card=False)
    return history, start
