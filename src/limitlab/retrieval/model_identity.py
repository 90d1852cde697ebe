"""Which model made vectors, told apart from how it is called: what must agree between documents and queries, and between machines."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from limitlab._core.errors import InvalidArgument
from limitlab._core.files import canonical_json
from limitlab.search.shards import Shards

_SHOWN = ("label", "why_this_precision")
_OF_ONE_SIDE = ("query_prompt", "document_prompt", "query_precision", "document_precision", "query_task", "document_task")
_LIBRARIES = ("sentence-transformers", "model2vec")
_MODEL = ("retriever", "model", "settings")  # where a model has a fingerprint, all else says how it is called and where settings came from


def without_labels(config: Any) -> Any:
    """A configuration without what is only shown, also within the configurations of its parts."""
    if not isinstance(config, dict):
        return config
    return {key: without_labels(value) for key, value in config.items() if key not in _SHOWN}


def model_identity(config: Any) -> Any:
    """What decides whether vectors can be compared: the model, its dimension and pooling; not prompts, precision, versions, labels."""
    if not isinstance(config, dict):
        return config
    kept = {key: model_identity(value) for key, value in config.items() if key not in (*_SHOWN, *_OF_ONE_SIDE, *_LIBRARIES)}
    kept = {key: value for key, value in kept.items() if value not in ({}, None)}
    return {key: value for key, value in kept.items() if key in _MODEL} if "model" in kept else kept


def differences(one: Any, other: Any) -> list[str]:
    """``seed 0, now 3``, key by key, of configurations taken apart as far as they go."""
    flat, again = _flat(one), _flat(other)
    return [f"{k} {flat.get(k)!r}, now {again.get(k)!r}" for k in sorted({*flat, *again}) if flat.get(k) != again.get(k)]


def compare_models(who: str, docs: Any, queries: Any) -> str:
    """A note where the manifests of documents and queries differ in name or libraries only; "" where they agree, or do not say.

    Raises
    ------
    InvalidArgument
        They name different models.
    """
    of = [v.manifest.get("model") if isinstance(v, Shards) else None for v in (docs, queries)]
    if not all(isinstance(config, dict) for config in of):
        return ""
    models = [model_identity(config) for config in of]
    if models[0] != models[1]:
        where = [str(Path(v.files[0].path).parent) for v in (docs, queries)]
        shown = "; ".join(f"{k} {a!r} and {b!r}" for k, a, b in _both(models))
        raise InvalidArgument(
            f"{who}: documents and queries must be encoded by one model; those of {where[0]} and {where[1]} differ: {shown}. Encode both with "
            "the same -m; a pair of models that belong together is compared as files with files of ids, such as 'FOLDER/*.npy'."
        )
    rest = [_without_side(config) for config in of]
    return "; ".join(f"{k} {a!r} and {b!r}" for k, a, b in _both(rest))


def _without_side(config: Any) -> Any:
    if not isinstance(config, dict):
        return config
    return {key: _without_side(value) for key, value in config.items() if key not in (*_SHOWN, *_OF_ONE_SIDE)}


def _both(configs: list[Any]) -> list[tuple[str, Any, Any]]:
    one, other = (_flat(c) for c in configs)
    return [(k, one.get(k), other.get(k)) for k in sorted({*one, *other}) if one.get(k) != other.get(k)]


def _flat(config: Any, before: str = "") -> dict[str, Any]:
    out: dict[str, Any] = {}
    for key, value in (json.loads(canonical_json(config)) if isinstance(config, dict) else {}).items():
        if isinstance(value, dict):
            out |= _flat(value, f"{before}{key} ")
        else:
            out[f"{before}{key}"] = value
    return out
