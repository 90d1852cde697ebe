"""What all local encoders do alike: missing texts in blocks through a cache, and what is told about limits and cost."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from limitlab._core.errors import InvalidArgument
from limitlab._core.progress import Progress
from limitlab._core.provenance import Stopwatch
from limitlab._core.reused_memory import reused_memory
from limitlab._core.texts import Texts
from limitlab.engine import current, elsewhere, kept

PLURAL = {"document": "documents", "query": "queries"}
_WAVE = 8


def clear_trust(who: str, value: object) -> bool:
    """``trust_remote_code`` as True or False; InvalidArgument otherwise, for the text "no" would count as true."""
    if not isinstance(value, bool):
        raise InvalidArgument(f"{who}: trust_remote_code must be true or false; got {value!r}.")
    return value


@dataclass(frozen=True)
class Encoding:
    """A call of an encoder that a worker can make as well: the encoder is sent without its loaded model.

    Attributes
    ----------
    encoder, method
        Called as ``encoder.method(texts, **options)``; it gives a tuple.
    options
        The same for all texts.
    key
        Names the encoder: a worker loads it once.
    """

    encoder: Any
    key: str
    method: str = "encode"
    options: dict[str, Any] = field(default_factory=dict)

    def __call__(self, texts: list[str]) -> tuple[Any, ...]:
        return getattr(self.encoder, self.method)(texts, **self.options)


def _in_worker(encoding: Encoding, texts: list[str]) -> tuple[Any, ...]:
    """The encoder that came with the first block is kept, with the model it then loads."""
    with reused_memory():
        return replace(encoding, encoder=kept(("encoder", encoding.key), lambda: encoding.encoder))(texts)


def encode_missing(
    texts: Texts,
    missing: np.ndarray,
    encode: Callable[[list[str]], tuple[Any, ...]],
    keep: Callable[..., None],
    *,
    block: int,
    label: str,
    kind: str,
    progress: Progress,
) -> float:
    """Encode the texts that no cache has, longest first, in blocks; returns the seconds this took.

    Longest first, memory and time show at once, and a batch of the model holds nearly equal lengths. Where the current engine has workers
    elsewhere and ``encode`` is an Encoding, they encode the same blocks; ``keep`` is called here alone, so a cache has one writer.

    Parameters
    ----------
    missing
        Positions in ``texts``.
    encode
        Called with the texts of a block.
    keep
        Called with the positions of a block and what ``encode`` made of it.
    block
        Texts between two writes to the cache: what a kill can lose.
    kind
        document | query.
    """
    lengths = np.array([len(texts[int(i)]) for i in missing])
    ordered = missing[np.argsort(-lengths, kind="stable")]
    blocks = [ordered[at : at + block] for at in range(0, ordered.size, block)]
    watch = Stopwatch().restart()
    with reused_memory(), progress.task(f"{label}: encode {PLURAL[kind]}", ordered.size) as bar:
        for number, made in _encoded(texts, blocks, encode):
            keep(blocks[number], *made)
            bar.advance(blocks[number].size)
    return watch.so_far()


def _encoded(
    texts: Texts, blocks: list[np.ndarray], encode: Callable[[list[str]], tuple[Any, ...]]
) -> Iterator[tuple[int, tuple[Any, ...]]]:
    """(number of the block, what was made of it), here or by workers elsewhere, as they finish."""
    if not (isinstance(encode, Encoding) and elsewhere()):
        for number, part in enumerate(blocks):
            yield number, encode([texts[int(i)] for i in part])
        return
    wave = _WAVE * max(1, current().workers)  # so many blocks of texts are held here at one time
    for first in range(0, len(blocks), wave):
        given = [[texts[int(i)] for i in part] for part in blocks[first : first + wave]]
        with closing(current().map(_in_worker, given, shared=encode, whole_machine=True)) as results:  # type: ignore[type-var]
            for done in results:
                if done.error is not None:
                    raise done.error
                assert done.value is not None
                yield first + done.index, done.value


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
