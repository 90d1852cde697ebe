"""What is trained and how: one configuration gives one model; with the weights and the pairs it is the cache key."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from limitlab._core.checks import choice, real, whole
from limitlab._core.errors import InvalidArgument
from limitlab.relevance import PATTERNS
from limitlab.retrieval.encoder import PRECISIONS, has_bf16_matrix_units

SPLITS = ("train", "test", "mix")
LOSSES = ("mnr", "cached-mnr")
BATCHES = ("no-duplicates", "no-false-negatives")
ARCHITECTURES = ("single-vector", "multi-vector", "adapter")
CUT = 10  # what learning curves, adapters and the headline look at: the first ten
ON_PURPOSE = "trained on the test queries: overfitting on purpose"
USUAL_PAIRS = 2_000
_HALF_ON_PURPOSE = "half of the pairs are test queries: overfitting on purpose"
_OF_STEPS = ("epochs", "batch_size", "loss", "batches", "checkpoints")  # an adapter has none
_TRANSFORMER_LR, _STATIC_LR = 5e-5, 1e-2  # a table of token vectors moves only where a token occurs


@dataclass(frozen=True)
class TrainConfig:
    """One model to train; the defaults are the settings of [Weller2025], as far as they are published.

    Attributes
    ----------
    base
        ``minilm``, ``static`` (token vectors of MiniLM, seconds), ``static:random``, or a sentence-transformers folder or id.
    data
        ``limit``, or a dataset folder with qrels for train and test.
    split
        train (other attributes), test (the evaluated queries themselves: overfitting on purpose) or mix (half of each).
    pairs
        (query, relevant document) pairs, >= 2; whole queries are drawn, so that it may be one query more. None: 2,000, or
        all where a split has fewer.
    epochs, lr, batch_size
        >= 1; > 0, None for 5e-5, or 1e-2 for a static base; >= 2.
    loss
        mnr (multiple negatives ranking) or cached-mnr (the same with less memory).
    batches
        no-duplicates: no query and no document twice in a batch. no-false-negatives: and no document that is relevant to
        another query of the batch, which the loss would push away.
    dim
        Output dimension by a linear projection, trained with the rest; None: the model's own.
    matryoshka
        Dimensions whose first values are trained together; empty: none.
    architecture
        single-vector; multi-vector (one vector a token, MaxSim); or adapter: the base stays as it is, and a matrix for queries and one for documents are fitted
        to its vectors, to the end, so that epochs, lr, batch_size, loss, batches, precision and checkpoints do not matter.
    pattern, attributes
        Of the LIMIT training pairs: which pattern, and how many different attributes are asked. More pairs than these give
        come from further draws of documents.
    queries
        Evaluated test queries of LIMIT.
    seed, data_seed
        Of training (order, projection, dropout) and of LIMIT; >= 0.
    precision
        auto | float32 | bfloat16, of the training step. auto: bfloat16 where the processor multiplies such matrices faster.
    checkpoints
        How many are written over the training, the last two are kept until it ends; None for 10, or 2 with a static base. They
        change no number.

    References
    ----------
    [Weller2025]
    """

    base: str = "minilm"
    data: str = "limit"
    split: str = "train"
    pairs: int | None = None
    epochs: int = 5
    lr: float | None = None
    batch_size: int = 64
    loss: str = "mnr"
    batches: str = "no-duplicates"
    dim: int | None = None
    matryoshka: tuple[int, ...] = ()
    architecture: str = "single-vector"
    pattern: str = "dense"
    attributes: int = 1_000
    queries: int = 1_000
    seed: int = 0
    data_seed: int = 0
    precision: str = "auto"
    checkpoints: int | None = None

    def __post_init__(self) -> None:
        who = "train()"
        choice(who, "split", self.split, SPLITS)
        choice(who, "loss", self.loss, LOSSES)
        choice(who, "batches", self.batches, BATCHES)
        choice(who, "architecture", self.architecture, ARCHITECTURES)
        choice(who, "pattern", self.pattern, PATTERNS)
        choice(who, "precision", self.precision, PRECISIONS)
        if self.pairs is not None:
            whole(who, "pairs", self.pairs, low=2)
        for name, low in (("epochs", 1), ("batch_size", 2), ("attributes", 1), ("queries", 1)):
            whole(who, name, getattr(self, name), low=low)
        if self.checkpoints is not None:
            whole(who, "checkpoints", self.checkpoints, low=1)
        for name in ("seed", "data_seed"):
            whole(who, name, getattr(self, name), low=0, high=2**31 - 1)
        if self.lr is not None:
            real(who, "lr", self.lr, low=1e-12, high=100.0)
        if self.dim is not None:
            whole(who, "dim", self.dim, low=1)
        object.__setattr__(self, "matryoshka", tuple(whole(who, "matryoshka", d, low=1) for d in self.matryoshka))
        if self.matryoshka and self.dim is not None:
            raise InvalidArgument(f"train(): dim or matryoshka must be given, not both; got dim={self.dim}, matryoshka={self.matryoshka}.")
        if self.matryoshka and self.architecture != "single-vector":
            raise InvalidArgument(
                f"train(): matryoshka must go with architecture single-vector; got {self.architecture}. Pass dim= instead."
            )
        if self.architecture == "multi-vector" and self.base.startswith("static"):
            raise InvalidArgument(
                f"train(): a multi-vector model must have a transformer as base; got base={self.base!r}. Pass base='minilm'."
            )

        if self.static and self.loss == "cached-mnr":
            raise InvalidArgument("train(): loss must be mnr with a static base, whose texts cannot be split into parts; got cached-mnr.")

    @property
    def static(self) -> bool:
        """Whether the base is made here from token vectors alone."""
        return self.base.startswith("static")

    @property
    def learning_rate(self) -> float:
        """What ``lr`` means for this base."""
        return self.lr if self.lr is not None else _STATIC_LR if self.static else _TRANSFORMER_LR

    @property
    def n_checkpoints(self) -> int:
        """What ``checkpoints`` means for this base: its table is large beside the work of a step."""
        return self.checkpoints if self.checkpoints is not None else 2 if self.static else 10

    @property
    def step_precision(self) -> str:
        """float32 or bfloat16: what ``precision`` means on this machine."""
        if self.precision != "auto":
            return self.precision
        return "bfloat16" if has_bf16_matrix_units() and not self.static else "float32"

    @property
    def warning(self) -> str:
        """What must be said beside every number of the model; empty for the train split."""
        return {"test": ON_PURPOSE, "mix": _HALF_ON_PURPOSE}.get(self.split, "")

    @property
    def name(self) -> str:
        """``minilm, train split, d = 128, seed 0``: how the model is called in results."""
        size = f", d = {self.dim}" if self.dim else f", Matryoshka {'/'.join(map(str, self.matryoshka))}" if self.matryoshka else ""
        kind = "" if self.architecture == "single-vector" else f", {self.architecture}"
        return f"{self.base}, {self.split} split{size}{kind}, seed {self.seed}"

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return {**asdict(self), "matryoshka": list(self.matryoshka)}

    @classmethod
    def from_dict(cls, record: dict[str, Any]) -> TrainConfig:
        """The inverse of ``to_dict``."""
        return cls(**{**record, "matryoshka": tuple(record["matryoshka"])})

    def resolved(self) -> TrainConfig:
        """The same with nothing left to the machine or the base: what is run, stored and hashed; what an adapter does not use is as by default."""
        pairs = USUAL_PAIRS if self.pairs is None else self.pairs
        if self.architecture == "adapter":
            plain: dict[str, Any] = {f.name: f.default for f in fields(self) if f.name in _OF_STEPS}
            return replace(self, **plain, pairs=pairs, lr=None, precision="float32")
        return replace(self, pairs=pairs, lr=self.learning_rate, precision=self.step_precision, checkpoints=self.n_checkpoints)
