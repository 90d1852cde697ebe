"""Models with a name: how each is run so that its vectors are those its authors mean. The facts are in presets.toml."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from limitlab._core.errors import InvalidArgument, UnknownName
from limitlab.retrieval.encoder_settings import SETTING_NAMES, EncoderSettings

_BYTES = {"float32": 4, "bfloat16": 2, "float16": 2}
_FROM_SETTINGS = tuple(n for n in SETTING_NAMES if n != "revision")


@dataclass(frozen=True)
class Preset:
    """What is known about one model.

    Attributes
    ----------
    name, label
        How it is called with ``-m``, and shown.
    kind
        dense, or the kind of retriever it needs (multi-vector, gemini).
    model, revision
        Hub id and commit, or the name at the service.
    base
        Hub id of the model an adapter belongs to.
    parameters, dtype
        Their product is ``memory_bytes``.
    dim, dims, any_dim_from
        Full dimension; the lengths it was trained to be cut to; the least length where any is meant to work.
    query_prompt, document_prompt, instruction
        Exact, newlines included; ``{instruction}`` stands for the instruction.
    settings
        EncoderSettings fields that are set.
    remote_code
        Whether the hub repository needs code that comes with it.
    key
        Environment variable of the key, for services.
    needs
        Python packages beside ``limitlab[models]``.
    sources, notes, unverified
        Where facts come from; departures and advice; what could not be checked.
    """

    name: str
    label: str
    kind: str
    model: str
    dim: int
    licence: str
    revision: str | None = None
    base: str | None = None
    parameters: int | None = None
    dtype: str | None = None
    dims: tuple[int, ...] = ()
    any_dim_from: int | None = None
    query_prompt: str | None = None
    document_prompt: str | None = None
    instruction: str | None = None
    settings: dict[str, Any] = field(default_factory=dict, hash=False)
    remote_code: bool = False
    key: str | None = None
    needs: tuple[str, ...] = ()
    sources: dict[str, str] = field(default_factory=dict, hash=False)
    notes: tuple[str, ...] = ()
    unverified: tuple[str, ...] = ()

    @property
    def memory_bytes(self) -> int | None:
        """Bytes of the weights as loaded; activations and the vectors come on top. None for services."""
        return None if self.parameters is None or self.dtype is None else self.parameters * _BYTES[self.dtype]

    @property
    def lengths(self) -> str:
        """The dimensions it is meant to be cut to, in words."""
        if self.any_dim_from is not None:
            return f"{self.any_dim_from} to {self.dim}"
        return ", ".join(map(str, (*sorted(self.dims), self.dim))) if self.dims else f"{self.dim} only"

    @property
    def max_tokens(self) -> int | None:
        """Longest input in tokens that is used."""
        return self.settings.get("max_tokens")

    def prompt(self, kind: str, instruction: str | None = None) -> str | None:
        """The prompt for "query" or "document", with the instruction filled in."""
        text = self.query_prompt if kind == "query" else self.document_prompt
        return text if text is None else text.replace("{instruction}", instruction or self.instruction or "")

    def to_dict(self) -> dict[str, Any]:
        """Plain values, with what follows from them."""
        own = {name: list(value) if isinstance(value, tuple) else value for name, value in self.__dict__.items()}
        return {**own, "memory_bytes": self.memory_bytes, "lengths": self.lengths}


@lru_cache(maxsize=1)
def presets() -> dict[str, Preset]:
    """All presets by name, those of the paper first."""
    record = tomllib.loads((files("limitlab.retrieval") / "presets.toml").read_text(encoding="utf-8"))
    sources = record.pop("sources")
    return {name: _preset(name, facts, sources) for name, facts in record.items()}


def preset(name: str) -> Preset:
    """One preset.

    Raises
    ------
    UnknownName
        There is none of that name.
    """
    if name not in presets():
        raise UnknownName.of("presets", "model", name, presets())
    return presets()[name]


def preset_arguments(found: Preset, options: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """(model, keyword arguments) that ``Dense`` is made with.

    Parameters
    ----------
    options
        ``folder`` takes the place of the hub; ``instruction`` that of the preset's; EncoderSettings and Dense options win over it.

    Raises
    ------
    InvalidArgument
        The folder does not exist; an instruction where the prompts have no place for one; or code that comes with the model would
        be needed and was not allowed.
    """
    options = dict(options)
    folder, instruction = options.pop("folder", None), options.pop("instruction", None)
    if folder is not None and not Path(str(folder)).is_dir():
        raise InvalidArgument(f"{found.name}: folder must be a folder with the model's files; got {folder!r}, which is none.")
    if instruction is not None and "{instruction}" not in (found.query_prompt or ""):
        raise InvalidArgument(f"{found.name}: its prompts have no place for an instruction; got {instruction!r}. Put it into the queries.")
    if found.remote_code and folder is None and options.get("trust_remote_code") is not True:
        raise InvalidArgument(
            f"{found.name}: {found.model} needs code that comes with it, which is run only when you say so; "
            f"read that code, then pass {found.name}:trust_remote_code=true, or folder= with a model that needs none."
        )
    settings = {"revision": None if folder else found.revision, **found.settings}
    settings |= {name: options.pop(name) for name in SETTING_NAMES if name in options}
    made: dict[str, Any] = {
        "name": found.name,
        "label": found.label,
        "query_prompt": found.prompt("query", None if instruction is None else str(instruction)),
        "document_prompt": found.prompt("document"),
        "dtype": None if found.dtype == "float32" else found.dtype,
        "settings": EncoderSettings(**settings),
        "facts": {"preset": found.name},
        **options,
    }
    return str(folder) if folder is not None else found.model, made


def _preset(name: str, facts: dict[str, Any], sources: dict[str, str]) -> Preset:
    facts = dict(facts)
    settings = {key: facts.pop(key) for key in _FROM_SETTINGS if key in facts}
    where = {what: sources[key] for what, key in facts.pop("from", {}).items()}
    for key in ("dims", "needs", "notes", "unverified"):
        if key in facts:
            facts[key] = tuple(facts[key])
    return Preset(name=name, settings=settings, sources=where, **facts)
