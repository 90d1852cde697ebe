"""``limitlab models``: the retrievers known by name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from limitlab.cli.options import JsonFlag, answer, answer_json

if TYPE_CHECKING:
    from limitlab.retrieval.presets import Preset


def models(
    name: Annotated[str | None, typer.Argument(help="A model with a preset: show everything about it.", metavar="[NAME]")] = None,
    json: JsonFlag = False,
) -> None:
    """List the retrievers that -m knows by name, or show one model's preset."""
    from limitlab.cli.tables import plain_table
    from limitlab.retrieval import known_retrievers
    from limitlab.retrieval.presets import preset, presets

    if name is not None:
        _one(preset(name), json)
        return
    known, found = known_retrievers(), presets()
    if json:
        answer_json({"schema": "limitlab.models/1", "models": known, "presets": {n: p.to_dict() for n, p in found.items()}})
        return
    answer(plain_table(["-m", "what it is"], [(n, about) for n, about in known.items() if n not in found]))
    answer("")
    rows = [(n, p.kind, p.dim, p.lengths, _memory(p), p.max_tokens or "", p.licence.split(" (")[0], _remarks(p)) for n, p in found.items()]
    answer(plain_table(["-m (preset)", "kind", "dim", "lengths", "weights", "tokens", "licence", ""], rows, right=(2, 4, 5)))
    answer(
        "Weights are fetched from the hub when you name the model; NAME:folder=./local uses a folder. All about one: limitlab models NAME"
    )


def _one(found: Preset, json: bool) -> None:
    if json:
        answer_json({"schema": "limitlab.model/1", **found.to_dict()})
        return
    from limitlab.cli.tables import plain_table

    shown = {
        "-m": found.name,
        "kind": found.kind,
        "model": found.model + (f" at {found.revision}" if found.revision else ""),
        "base model": found.base,
        "licence": found.licence,
        "parameters": f"{found.parameters:,}" if found.parameters else None,
        "loaded as": found.dtype,
        "weights in memory": f"{_memory(found)}; activations and vectors come on top" if found.memory_bytes else None,
        "dimension": found.dim,
        "meant to be cut to": found.lengths,
        "query prompt": _quoted(found.query_prompt),
        "document prompt": _quoted(found.document_prompt),
        "instruction": found.instruction,
        **{key.replace("_", " "): value for key, value in found.settings.items()},
        "code of its own": "needed: refused unless trust_remote_code=true" if found.remote_code else None,
        "key": f"environment variable {found.key}" if found.key else None,
        "also needs": ", ".join(found.needs) or None,
    }
    answer(plain_table(["", found.label], [(key, value) for key, value in shown.items() if value is not None]))
    for title, lines in (("notes", found.notes), ("not verified", found.unverified)):
        for line in lines:
            answer(f"{title}: {line}")
    for what, where in found.sources.items():
        answer(f"source of {what.replace('_', ' ')}: {where}")


def _memory(found: Preset) -> str:
    size = found.memory_bytes
    return "" if size is None else f"{size / 2**30:.1f} GiB" if size >= 2**30 else f"{size / 2**20:.0f} MiB"


def _remarks(found: Preset) -> str:
    told = [
        "code of its own" if found.remote_code else "",
        f"key {found.key}" if found.key else "",
        f"needs {', '.join(found.needs)}" if found.needs else "",
        "not all verified" if found.unverified else "",
    ]
    return "; ".join(filter(None, told))


def _quoted(prompt: str | None) -> str | None:
    """With its newlines visible."""
    return None if prompt is None else '"' + prompt.replace("\n", "\\n") + '"'
