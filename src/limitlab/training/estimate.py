"""How long an experiment will take, from a few timed steps."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from limitlab._core.provenance import Stopwatch
from limitlab._core.reused_memory import reused_memory
from limitlab.retrieval.encoder import SentenceEncoder, use_cores
from limitlab.training.base import Base, trainable
from limitlab.training.batches import batches_of
from limitlab.training.config import TrainConfig
from limitlab.training.losses import loss_of
from limitlab.training.pairs import TrainingPairs
from limitlab.training.repeatable import own_random_state

_TIMED_PAIRS, _TIMED_TEXTS, _ROUNDS = 8, 16, 2


@dataclass(frozen=True)
class TimeEstimate:
    """Seconds on this machine as it is now.

    Attributes
    ----------
    steps
        Still to be taken, of all models together; 0 where none is.
    seconds_per_step
        Of one of them; 0 where none is.
    docs_per_second
        Encoded for the evaluation.
    training, encoding
        Seconds in all.
    """

    steps: int
    seconds_per_step: float
    docs_per_second: float
    training: float
    encoding: float

    @property
    def sentence(self) -> str:
        """For the user, before anything starts."""
        if not self.steps:
            return f"estimated time: {_words(self.encoding)} to encode documents at {self.docs_per_second:,.0f} a second"
        return (
            f"estimated time: {_words(self.training + self.encoding)} ({_words(self.training)} of training at {self.seconds_per_step:.2g} s a step, "
            f"{_words(self.encoding)} to encode documents at {self.docs_per_second:,.0f} a second)"
        )


def estimate(config: TrainConfig, base: Base, pairs: TrainingPairs, *, steps: int, n_texts: int, texts: Sequence[str]) -> TimeEstimate:
    """Time a few steps of ``config`` and the encoding of a few documents.

    Parameters
    ----------
    steps
        Still to be taken, of all models together; 0 for adapters, which take seconds to fit.
    n_texts
        Documents still to be encoded.
    texts
        Some of them.
    """
    import torch

    use_cores()
    if not steps:
        with reused_memory():
            rate = _encoding_rate(SentenceEncoder(base.source).model(), texts)
        return TimeEstimate(0, 0.0, rate, 0.0, n_texts / rate)
    batches = batches_of(config, pairs)
    per_step = sum(map(len, batches)) / max(1, len(batches))
    taken = batches[0][:_TIMED_PAIRS]
    with own_random_state(), reused_memory():
        model = trainable(base, config)
        loss = loss_of(model, config)
        optimiser = torch.optim.AdamW(model.parameters(), lr=1e-9)
        work = move = 0.0
        low = config.step_precision == "bfloat16"
        device = next(model.parameters()).device
        for _ in range(_ROUNDS):  # the last round counts: the first one pays for memory
            watch = Stopwatch().restart()
            features = [_features(model, [column[i] for i in taken], device) for column in (pairs.queries, pairs.docs)]
            with torch.autocast(device.type, torch.bfloat16) if low else contextlib.nullcontext():
                value = loss(features, torch.zeros(len(taken), device=device))
            value.backward()
            work = watch.so_far()
            watch.restart()
            optimiser.step()
            optimiser.zero_grad()
            move = watch.so_far()
        rate = _encoding_rate(model, texts)
    seconds = work * per_step / len(taken) + move
    return TimeEstimate(steps, seconds, rate, steps * seconds, n_texts / rate)


def _encoding_rate(model: Any, texts: Sequence[str]) -> float:
    """Documents a second."""
    few = list(texts[:_TIMED_TEXTS])
    model.encode_document(few[:2], show_progress_bar=False)  # the first call pays for memory and threads
    watch = Stopwatch().restart()
    model.encode_document(few, show_progress_bar=False)
    return len(few) / max(watch.so_far(), 1e-6)


def _features(model: Any, texts: list[str], device: Any) -> dict[str, Any]:
    made = model.preprocess(texts)
    return {name: value.to(device) if hasattr(value, "to") else value for name, value in made.items()}


def _words(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"
