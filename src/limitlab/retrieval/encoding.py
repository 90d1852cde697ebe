"""What all local encoders do alike: missing texts in blocks through a cache, and what is told about limits and cost."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from limitlab._core.errors import InvalidArgument
from limitlab._core.progress import Progress
from limitlab._core.provenance import Stopwatch
from limitlab._core.texts import Texts

PLURAL = {"document": "documents", "query": "queries"}


def clear_trust(who: str, value: object) -> bool:
    """``trust_remote_code`` as True or False; InvalidArgument otherwise, for the text "no" would count as true."""
    if not isinstance(value, bool):
        raise InvalidArgument(f"{who}: trust_remote_code must be true or false; got {value!r}.")
    return value


def encode_missing(
    texts: Texts,
    missing: np.ndarray,
    keep: Callable[[np.ndarray, list[str]], None],
    *,
    block: int,
    label: str,
    kind: str,
    progress: Progress,
) -> float:
    """Hand the texts that no cache has to ``keep``, longest first, in blocks; returns the seconds this took.

    Longest first, memory and time show at once, and a batch of the model holds nearly equal lengths.

    Parameters
    ----------
    missing
        Positions in ``texts``.
    keep
        Called with the positions of a block and their texts: encodes and caches them.
    block
        Texts between two writes to the cache: what a kill can lose.
    kind
        document | query.
    """
    lengths = np.array([len(texts[int(i)]) for i in missing])
    ordered = missing[np.argsort(-lengths, kind="stable")]
    watch = Stopwatch().restart()
    with progress.task(f"{label}: encode {PLURAL[kind]}", ordered.size) as bar:
        for at in range(0, ordered.size, block):
            part = ordered[at : at + block]
            keep(part, [texts[int(i)] for i in part])
            bar.advance(part.size)
    return watch.so_far()


def cut_notes(limit: int | None, doc_tokens: np.ndarray, query_tokens: np.ndarray) -> tuple[np.ndarray, dict[str, Any]]:
    """(positions of documents longer than the model reads, notes about them); nothing where the model states no limit."""
    if not limit:
        return np.zeros(0, np.int64), {}
    cut = np.flatnonzero(doc_tokens > limit)
    return cut, {"token_limit": limit, "documents_cut": int(cut.size), "queries_cut": int((query_tokens > limit).sum())}


def encoding_cost(encoded: int, seconds: float, query_seconds: float) -> dict[str, float]:
    """Seconds and speed of what was newly encoded; nothing where all came from the cache."""
    if not encoded:
        return {}
    return {
        "encode_seconds": seconds,
        "docs_encoded": float(encoded),
        "docs_per_second": encoded / seconds,
        "encode_queries_seconds": query_seconds,
    }
