"""A trained adapter as a folder that is named like a model: the matrices, and which base they belong to."""

from __future__ import annotations

from pathlib import Path

from limitlab._core.errors import DataError, UnknownName
from limitlab._core.files import atomic_folder, canonical_json, read_json, write_text
from limitlab.retrieval.adapters.linear import LinearAdapter
from limitlab.retrieval.adapters.retriever import Adapted
from limitlab.retrieval.dense import Dense
from limitlab.retrieval.model_kinds import ADAPTER_HEAD

SCHEMA = "limitlab.adapter-folder/1"
MATRICES = "adapter.npz"


def save_adapter_folder(path: str | Path, adapter: LinearAdapter, *, base: str, fingerprint: str) -> Path:
    """Write an adapter so that ``-m FOLDER`` is its base with it; whole or not at all, in the place of an earlier one.

    Parameters
    ----------
    base
        The dense retriever that it was fitted to, as one writes it: a name, or a model's folder or hub id. It is not copied.
    fingerprint
        Of the base's model, which is compared when the folder is used.
    """
    with atomic_folder(path, who="save_adapter_folder()", overwrite=True, marker=ADAPTER_HEAD) as part:
        adapter.save(part / MATRICES)
        write_text(
            part / ADAPTER_HEAD, canonical_json({"schema": SCHEMA, "base": base, "fingerprint": fingerprint, "dim": adapter.dim}) + "\n"
        )
    return Path(path)


def adapted_folder(source: str, *, precision: str = "auto") -> Adapted:
    """The retriever of a folder that ``save_adapter_folder`` wrote: its base, with its adapter.

    Raises
    ------
    DataError
        The folder is not such a one, its base is not there any more, or is another model than the one it was fitted to.
    """
    from limitlab.retrieval.registry import build

    path = Path(source) / ADAPTER_HEAD
    head = read_json(path)
    if not isinstance(head, dict) or head.get("schema") != SCHEMA:
        raise DataError.at(path, None, f"the schema must be {SCHEMA!r}; it is {head.get('schema') if isinstance(head, dict) else None!r}")
    base = str(head.get("base"))
    way_out = f"Where the model is, write: adapted(MODEL):file={Path(source) / MATRICES}"
    try:
        inner = build(base, precision=precision)
        same = isinstance(inner, Dense) and inner._encoder.fingerprint == head.get("fingerprint")
    except (UnknownName, DataError) as error:
        raise DataError.at(path, None, f"its base must be there; {base} is not. {way_out}") from error
    if not same:
        raise DataError.at(path, None, f"its base must be the model it was fitted to; {base} is another one now. {way_out}")
    made = Adapted([inner], file=LinearAdapter.load(Path(source) / MATRICES))
    made.name = Path(source).name
    return made
