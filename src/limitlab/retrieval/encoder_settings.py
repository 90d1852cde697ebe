"""How a sentence encoder is to be run where its own files do not say so, or say something else."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

from limitlab._core.checks import choice, whole
from limitlab._core.errors import InvalidArgument

POOLINGS = ("mean", "cls", "lasttoken", "max", "weightedmean")
_SIDES = ("left", "right")


@dataclass(frozen=True)
class EncoderSettings:
    """What replaces the settings that come with a model; None leaves the model's own.

    Attributes
    ----------
    pooling
        mean | cls | lasttoken | max | weightedmean: how token vectors become one.
    include_prompt
        Whether the tokens of the prompt count in the pooling; they are always read by the model.
    bidirectional
        Let every token see every other in a model made for causal attention.
    padding_side
        left | right.
    end_token
        The token that every text ends with, also after truncation; "eos" stands for the tokeniser's end-of-text token.
    max_tokens
        Longest input in tokens, special tokens included, >= 1.
    layer_norm
        Layer normalisation without parameters of the full vector, before it is cut to fewer dimensions.
    query_task, document_task
        Passed to the model as ``task``, for models that choose an adapter by it.
    revision
        Commit of the hub repository; None takes the newest.

    Raises
    ------
    UnknownName, RangeError, InvalidArgument
        A value outside its choices.
    """

    pooling: str | None = None
    include_prompt: bool | None = None
    bidirectional: bool | None = None
    padding_side: str | None = None
    end_token: str | None = None
    max_tokens: int | None = None
    layer_norm: bool | None = None
    query_task: str | None = None
    document_task: str | None = None
    revision: str | None = None

    def __post_init__(self) -> None:
        who = "encoder settings"
        if self.pooling is not None:
            choice(who, "pooling", self.pooling, POOLINGS)
        if self.padding_side is not None:
            choice(who, "padding_side", self.padding_side, _SIDES)
        if self.max_tokens is not None:
            whole(who, "max_tokens", self.max_tokens, low=1)
        for name in ("include_prompt", "bidirectional", "layer_norm"):
            value = getattr(self, name)
            if value is not None and not isinstance(value, bool):
                raise InvalidArgument(f"{who}: {name} must be true or false; got {value!r}.")

    def given(self) -> dict[str, Any]:
        """The settings that were given, in the order of the fields: part of every cache key."""
        return {f.name: value for f in fields(self) if (value := getattr(self, f.name)) is not None}

    def task(self, kind: str) -> str | None:
        """The adapter's name for "query" or "document"."""
        return self.query_task if kind == "query" else self.document_task


SETTING_NAMES = tuple(f.name for f in fields(EncoderSettings))
