"""What is optimised, and how: every number that decides a free embedding."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from limitlab._core.checks import choice, real, whole

OBJECTIVES = ("infonce", "footnote", "sigmoid", "gap")
DEVICES = ("auto", "cpu", "cuda")
ENDS = ("solved", "best")
STARTS = ("random", "trig", "frame")


@dataclass(frozen=True)
class FreeConfig:
    """The protocol of the paper, every part of it changeable.

    Attributes
    ----------
    dim
        Dimension of documents and queries, >= 1.
    objective
        infonce: mean over positive pairs of -log softmax over all documents (the released code). footnote: -log of the
        positives' share of the softmax (the formula printed in the paper). sigmoid: softplus over all pairs with
        learnable temperature and bias. gap: the smooth worst gap.
    learning_rate, temperature
        Of Adam, > 0; of the softmax, > 0.
    patience, min_delta
        Steps without an improvement of the loss by ``min_delta`` after which a run ends.
    max_steps, evaluate_every
        Steps at most; steps between two counts of the hits.
    seed
        Of the starting vectors, >= 0.
    device
        auto | cpu | cuda.
    until, seconds, start
        Of the objective gap alone, see ``maximise_gap``: solved | best; about how long at most, None for no limit;
        random | trig | frame.

    References
    ----------
    [Weller2025], [Bangachev2026]
    """

    dim: int
    objective: str = "infonce"
    learning_rate: float = 0.01
    temperature: float = 0.1
    patience: int = 1_000
    min_delta: float = 1e-5
    max_steps: int = 100_000
    evaluate_every: int = 50
    seed: int = 42
    device: str = "auto"
    until: str = "solved"
    seconds: float | None = None
    start: str = "random"

    def __post_init__(self) -> None:
        who = "FreeConfig()"
        whole(who, "dim", self.dim, low=1)
        choice(who, "objective", self.objective, OBJECTIVES)
        real(who, "learning_rate", self.learning_rate, low=1e-9, high=1e3)
        real(who, "temperature", self.temperature, low=1e-4, high=1e2)
        whole(who, "patience", self.patience, low=1)
        real(who, "min_delta", self.min_delta, low=0.0)
        whole(who, "max_steps", self.max_steps, low=1)
        whole(who, "evaluate_every", self.evaluate_every, low=1)
        whole(who, "seed", self.seed, low=0)
        choice(who, "device", self.device, DEVICES)
        choice(who, "until", self.until, ENDS)
        choice(who, "start", self.start, STARTS)
        if self.seconds is not None:
            real(who, "seconds", self.seconds, low=0.0)

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return dict(self.__dict__)
