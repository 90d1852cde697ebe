"""Vectors and ids of a collection, out of the store."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from limitlab._core.errors import DataError, InvalidArgument, ServiceError, UnknownName, first_examples
from limitlab._core.files import atomic_file
from limitlab.retrieval.registry import KINDS, imported, options_of
from limitlab.retrieval.spec import parse_spec
from limitlab.retrieval.stores.store import Store

WITHIN = "stores.retriever:StoreRetriever"


def names_a_store(text: str) -> bool:
    """Whether ``text`` begins with the name of a store and a colon: ``qdrant:path=...``."""
    name, sign, _ = text.partition(":")
    return bool(sign) and name in KINDS and KINDS[name].within == WITHIN


def store_of(spec: str, **given: Any) -> Store:
    """The store of a specification without a retriever: ``qdrant:path=FOLDER,collection=NAME``.

    Parameters
    ----------
    given
        More options.

    Raises
    ------
    UnknownName, InvalidArgument
        No such store or option; a retriever in parentheses.
    """
    parsed = parse_spec(spec)
    stores = [name for name, kind in KINDS.items() if kind.within == WITHIN]
    if parsed.name not in stores:
        raise UnknownName.of("stores", "store", parsed.name, stores)
    if parsed.parts is not None:
        raise InvalidArgument(f"stores: a store is given without a retriever in parentheses here; got {spec!r}.")
    maker = imported(KINDS[parsed.name].home)
    return maker(**options_of(parsed, maker, {**parsed.options, **given}))


def export_vectors(spec: str | Store, path: str | Path | None = None) -> tuple[np.ndarray, tuple[str, ...]]:
    """Vectors and ids of a collection that exists.

    Parameters
    ----------
    spec
        ``qdrant:path=FOLDER,collection=NAME``, ``pgvector:table=NAME``, ``elasticsearch:url=URL,collection=NAME``, ... ``existing=true`` goes
        without saying. Or a Store.
    path
        Also write a ``.npz`` with arrays ``vectors`` and ``id``.

    Returns
    -------
    ((n, dim) float32, n ids), in the order of the store.

    Raises
    ------
    InvalidArgument, ServiceError
        There is no such collection; the store refuses.
    DataError
        It is empty, its vectors differ in dimension, ids repeat (chunks of documents), or it gave fewer vectors than it counts.
    """
    who = "export_vectors()"
    if path is not None and Path(path).suffix != ".npz":
        raise InvalidArgument(f"{who}: the file must end with .npz; got {str(path)!r}.")
    store = spec if isinstance(spec, Store) else store_of(spec, **({} if spec.startswith("faiss:") else {"existing": True}))
    try:
        name = store.opened()
        points = store.held(name)
        ids: list[str] = []
        blocks: list[np.ndarray] = []
        for some, vectors in store.stored(name):
            ids += some
            blocks.append(np.asarray(vectors, np.float32))
    finally:
        store.close()
    if not ids or len({b.shape[1:] for b in blocks}) != 1:
        raise DataError(f"{who}: {store.kind} collection {name} must hold vectors of one dimension; it holds {len(ids):,} vectors.")
    if len(ids) != points:
        raise ServiceError(f"{who}: {store.kind} collection {name} must give all {points:,} vectors; it gave {len(ids):,}.")
    if len(set(ids)) < len(ids):
        seen: set[str] = set()
        twice = dict.fromkeys(i for i in ids if i in seen or seen.add(i))  # type: ignore[func-returns-value]
        raise DataError(
            f"{who}: ids must be distinct; {len(twice):,} repeat: {first_examples(twice)}. Where points are chunks, name the field of the chunk's "
            "own id with id_field."
        )
    out = np.concatenate(blocks)
    if path is not None:
        with atomic_file(path) as file:
            np.savez(file, vectors=out, id=np.array(ids))
    return out, tuple(ids)
