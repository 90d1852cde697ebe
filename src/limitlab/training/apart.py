"""Models trained as tasks of an engine: each has a machine of its own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from limitlab._core.errors import EngineError, NotSolved
from limitlab._core.progress import SILENT, Progress
from limitlab.data import Dataset
from limitlab.engine import Engine
from limitlab.training.base import Base
from limitlab.training.config import TrainConfig
from limitlab.training.one_model import TrainedModel, train_one
from limitlab.training.pairs import TrainingPairs


@dataclass(frozen=True)
class _Common:
    """What all models need."""

    base: Base
    evaluated: Dataset
    resume: bool


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
        A model was trained, and its folder is not to be seen here: LIMITLAB_HOME is not a folder that all machines share.
    """
    items = [(config, pairs[config]) for config in configs]
    common = _Common(base, evaluated, resume)
    for done in engine.map(_train, items, shared=common, whole_machine=True, label="train", progress=progress):
        config = configs[done.index]
        if done.value is not None:
            if not Path(done.value.folder).is_dir():
                raise EngineError(
                    f"train(): LIMITLAB_HOME must be a folder that all machines share; {config.name} was trained elsewhere, and "
                    "its folder is not here. Set LIMITLAB_HOME to such a folder."
                )
            yield config, done.value
        elif isinstance(done.error, NotSolved):
            yield config, done.error
        elif done.error is not None:
            raise done.error


def _train(common: _Common, item: tuple[TrainConfig, TrainingPairs]) -> TrainedModel:
    config, pairs = item
    return train_one(config, common.base, pairs, evaluated=common.evaluated, resume=common.resume)
