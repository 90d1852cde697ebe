"""Models trained as tasks of an engine: each has a machine of its own."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from limitlab._core.errors import EngineError, NotSolved
from limitlab._core.home import home
from limitlab._core.progress import SILENT, Progress
from limitlab.data import Dataset
from limitlab.engine import Engine
from limitlab.training.base import Base
from limitlab.training.config import TrainConfig
from limitlab.training.one_model import TrainedModel, forget, train_one
from limitlab.training.pairs import TrainingPairs


@dataclass(frozen=True)
class _Common:
    """What all models need."""

    base: Base
    evaluated: Dataset


def trained_apart(
    engine: Engine,
    configs: Sequence[TrainConfig],
    base: Base,
    pairs: Mapping[TrainConfig, TrainingPairs],
    *,
    evaluated: Dataset,
    resume: bool,
    progress: Progress = SILENT,
) -> Iterator[tuple[TrainConfig, TrainedModel | NotSolved]]:
    """Each configuration with its model, or with why there is none, in the order in which they end.

    A model whose machine died continues elsewhere from its newest checkpoint, since LIMITLAB_HOME is shared.

    Raises
    ------
    EngineError
        LIMITLAB_HOME is not a folder that all machines share: a machine does not see a file written here, asked before any training; or
        a model was trained, and its folder is not to be seen here.
    """
    _check_shared(engine)
    if not resume:  # here and once: a worker that was started again must find the checkpoints of the one that died
        for config in configs:
            forget(config, base, pairs[config], evaluated)
    items = [(config, pairs[config]) for config in configs]
    common = _Common(base, evaluated)
    for done in engine.map(_train, items, shared=common, whole_machine=True, label="train", progress=progress):
        config = configs[done.index]
        if done.value is not None:
            if not Path(done.value.folder).is_dir():
                raise _not_shared(f"{config.name} was trained elsewhere, and its folder is not here")
            yield config, done.value
        elif isinstance(done.error, NotSolved):
            yield config, done.error
        elif done.error is not None:
            raise done.error


def _train(common: _Common, item: tuple[TrainConfig, TrainingPairs]) -> TrainedModel:
    config, pairs = item
    return train_one(config, common.base, pairs, evaluated=common.evaluated, resume=True)


def _check_shared(engine: Engine) -> None:
    """A file written here must be seen by workers; as many are asked as there are machines.

    Raises
    ------
    EngineError
        One does not see it.
    """
    folder = home() / "training"
    folder.mkdir(parents=True, exist_ok=True)
    token = folder / f"shared-{uuid.uuid4().hex}"
    token.touch()
    try:
        asked = range(max(2, int(engine.facts().get("machines", 1))))  # one item alone would be done here by the local engine
        answers = list(engine.map(_sees, asked, shared=token.name, whole_machine=True))
    finally:
        token.unlink(missing_ok=True)
    for done in answers:
        if done.error is not None:
            raise done.error
    if not all(done.value for done in answers):
        raise _not_shared("a worker does not see a file that was written here")


def _sees(name: str, item: int) -> bool:
    return (home() / "training" / name).is_file()


def _not_shared(what: str) -> EngineError:
    return EngineError(f"train(): LIMITLAB_HOME must be a folder that all machines share; {what}. Set LIMITLAB_HOME to such a folder.")
