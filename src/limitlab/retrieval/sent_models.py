"""Models as they are sent to workers on other machines: by names that mean the same there, and without keys."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

from limitlab._core.errors import InvalidArgument
from limitlab.engine import current
from limitlab.retrieval.encoder import absolute_source
from limitlab.retrieval.kinds import KINDS
from limitlab.retrieval.packaged import PACKAGED
from limitlab.retrieval.presets import presets
from limitlab.retrieval.protocol import Retriever
from limitlab.retrieval.spec import parse_spec

_PATHS = ("path", "folder", "file", "model")  # options that may name something on this disk


def absolute_spec(spec: str) -> str:
    """A retriever's name with the folders and files of this machine by their whole paths; as it is where these could not be read back."""
    named = spec in KINDS or spec in PACKAGED or spec in presets()
    if not named and Path(spec).is_dir():
        return absolute_source(spec)
    parsed = parse_spec(spec, bare={name: kind.bare for name, kind in KINDS.items() if kind.bare})
    known = parsed.name in KINDS or parsed.name in PACKAGED or parsed.name in presets()
    head = parsed.name if known else absolute_source(parsed.name)
    inside = "" if parsed.parts is None else f"({','.join(map(absolute_spec, parsed.parts))})"
    tail = _tail(spec)
    for key in _PATHS:
        value = parsed.options.get(key)
        if isinstance(value, str) and value and not Path(value).is_absolute() and Path(value).exists():
            tail = tail.replace(f"{key}={value}", f"{key}={Path(value).absolute()}")
    made = f"{head}{inside}{tail}"
    try:
        again = parse_spec(made, bare={name: kind.bare for name, kind in KINDS.items() if kind.bare})
    except InvalidArgument:
        return spec
    same = again.name == head and {k: v for k, v in again.options.items() if k not in _PATHS} == {
        k: v for k, v in parsed.options.items() if k not in _PATHS
    }
    return made if same else spec


def refuse_keys_for_workers(who: str, retriever: Retriever, given: str | Retriever) -> None:
    """InvalidArgument where workers on other machines would need a key, or the retriever cannot be sent to them."""
    engine = current().name
    if engine.partition(":")[0] == "local":
        return
    from limitlab.retrieval.remote.dense import ServedDense

    inner: Any = retriever
    while hasattr(inner, "_inner"):
        inner = inner._inner
    why = ""
    if isinstance(inner, ServedDense):
        why = "keys are not sent to workers"
    elif not isinstance(given, str):
        try:
            pickle.dumps(given)
        except TypeError as error:
            why = str(error)
        except (pickle.PicklingError, AttributeError):
            pass  # what is defined in a notebook can be sent all the same, by value
    if why:
        raise InvalidArgument(
            f"{who}: {retriever.name!r} can be asked from this machine only ({why}); got engine {engine!r}. Leave --engine out."
        )


def _tail(spec: str) -> str:
    """From the colon before the options on, with it; "" without options."""
    depth = 0
    for at, letter in enumerate(spec):
        depth += (letter == "(") - (letter == ")")
        if letter == ":" and depth == 0:
            return spec[at:]
    return ""
