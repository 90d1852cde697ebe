"""The full dimension of a model, from its files or its preset: nothing is loaded. And the base that an adapter stands on."""

from __future__ import annotations

import json
import struct
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from limitlab.retrieval.adapters.linear import LinearAdapter
from limitlab.retrieval.model_kinds import ADAPTER_HEAD, STATIC
from limitlab.retrieval.packaged import PACKAGED
from limitlab.retrieval.presets import presets
from limitlab.retrieval.spec import Spec, parse_spec

ADAPTED = "adapted"


def known_dim(model: str | Spec) -> int | None:
    """Full dimension of a model as written; None where no file here says it.

    Raises
    ------
    DataError
        The file of an adapter is none.
    """
    spec = parse_spec(model) if isinstance(model, str) else model
    if spec.name == ADAPTED:
        return LinearAdapter.load(str(spec.options["file"])).dim if "file" in spec.options else None
    if spec.name == STATIC:
        return _of_folder(Path(str(spec.options.get("path", ""))))
    if spec.name in presets():
        return presets()[spec.name].dim
    if spec.name in PACKAGED:
        found = find_spec(PACKAGED[spec.name][1])
        return None if found is None or found.origin is None else _of_folder(Path(found.origin).parent / "model")
    return _of_folder(Path(spec.name))


def base_of(model: str) -> str | None:
    """What encodes where the model is an adapter on another one: a folder, or ``adapted(MODEL):file=...``; None where it is none."""
    spec = parse_spec(model)
    if spec.name == ADAPTED:
        return spec.parts[0] if spec.parts else None
    head = _json(Path(spec.name) / ADAPTER_HEAD)
    return str(head["base"]) if isinstance(head, dict) and "base" in head else None


def _of_folder(folder: Path) -> int | None:
    head = _json(folder / ADAPTER_HEAD)
    if isinstance(head, dict):
        return _number(head.get("dim"))
    modules = _json(folder / "modules.json")
    if isinstance(modules, list) and any("Static" not in str(m.get("type")) for m in modules if isinstance(m, dict)):
        return _of_modules(folder, [m for m in modules if isinstance(m, dict)])
    return _of_static(folder / "model.safetensors")


def _of_modules(folder: Path, modules: list[dict[str, Any]]) -> int | None:
    """Of the last module that decides it: a Dense layer, or the pooling, if it takes one mean or one token."""
    for module in reversed(modules):
        kind, config = str(module.get("type", "")).rsplit(".", 1)[-1], _json(folder / str(module.get("path", "")) / "config.json")
        if not isinstance(config, dict):
            continue
        if kind == "Dense":
            return _number(config.get("out_features"))
        if kind == "Pooling":
            together = [n for n, on in config.items() if n.startswith("pooling_mode_") and on is True]
            single = len(together) == 1 or (not together and isinstance(config.get("pooling_mode"), str))
            return _number(config.get("word_embedding_dimension", config.get("embedding_dimension"))) if single else None
    return None


def _of_static(weights: Path) -> int | None:
    """Columns of the token table, from the head of the file."""
    try:
        with open(weights, "rb") as file:
            (length,) = struct.unpack("<Q", file.read(8))
            if length > 1 << 20:
                return None
            shapes = json.loads(file.read(length))
    except (OSError, ValueError, struct.error):
        return None
    table = shapes.get("embeddings") if isinstance(shapes, dict) else None
    return _number(table["shape"][1]) if isinstance(table, dict) and len(table.get("shape", ())) == 2 else None


def _json(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


def _number(value: Any) -> int | None:
    return value if isinstance(value, int) and value > 0 else None
