"""Parts of a table of documents, each done by a task on the current engine; what is finished is kept, what fails is named."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from typing import Any

import numpy as np

from limitlab._core.errors import DataError, InvalidArgument, LimitlabError
from limitlab._core.files import content_hash
from limitlab._core.progress import SILENT, Progress
from limitlab.engine import Finished, current, elsewhere
from limitlab.search.shards import Shards

Arrays = dict[str, np.ndarray]
_ROWS, _MOST_PARTS = 1 << 18, 256  # rows of a part, unless there would be too many parts
_OF = "identity of its file"
_NAMED = 3
_LEAST_BLOCK = 64  # documents: a machine without memory for these has none for the answer


def in_files(docs: Any) -> Shards | None:
    """``docs`` as Shards where they are that, or a memory map of a .npy file while the current engine has workers elsewhere; else None.

    What is held in memory stays where it is: it fits one machine, whose cores a search uses all.
    """
    if isinstance(docs, Shards):
        return docs
    return Shards.of_map(docs) if elsewhere() else None


def usual_parts(n_rows: int) -> int:
    """Parts that so many rows are dealt into, whatever the engine: what one engine has finished, another need not repeat."""
    return min(_MOST_PARTS, max(1, -(-n_rows // _ROWS)))


def kept_parts(kind: str, about: dict[str, Any]) -> Finished:
    """Where results of parts are kept until all are there; ``about`` is everything that decides them beside the part's own file."""
    return Finished(None, {"kind": kind, **about})


def array_digest(array: np.ndarray) -> str:
    """Changes when a value does."""
    return hashlib.blake2b(np.ascontiguousarray(array).tobytes(), digest_size=16).hexdigest()


def half_blocks(work: Any) -> Any:
    """The same work, a dataclass, in half the documents a block; None where blocks are small already."""
    return replace(work, block_docs=work.block_docs // 2) if work.block_docs >= 2 * _LEAST_BLOCK else None


def map_parts(
    who: str,
    task: Callable[[Any, Any], Arrays],
    items: Sequence[Any],
    *,
    shared: Any,
    label: str,
    weights: Sequence[float],
    smaller: Callable[[Any], Any] | None = None,
    finished: Finished | None = None,
    identities: Sequence[Any] | None = None,
    must: str = "every part of the vectors must be readable and finite",
    keeps: bool | None = None,
    rest: str | None = None,
    progress: Progress = SILENT,
) -> Iterator[tuple[int, Arrays]]:
    """(index, arrays) of every item, in any order: those that were finished before, then the others as the engine finishes them.

    Parameters
    ----------
    task, items, shared, label, weights, smaller
        As for ``Engine.map``; ``str(item)`` names it in errors, ``task`` returns named arrays.
    finished
        From ``kept_parts``: where results go at once; cleared when all are there. None: nothing is kept.
    identities
        What changes when an item's file does: a result made from an earlier state is not taken.
    must, keeps
        What is said of items that failed, and whether what the others made outlives this call; default: where ``finished`` is given.
    rest
        Said after the items that failed, of the others and of what to do; default: by ``keeps``.

    Raises
    ------
    DataError
        Items failed: after all others were done, with their names, what was wrong, and how many are kept.
    LimitlabError
        As the items raised it, where no data was at fault: TooLarge, MissingExtra, InvalidArgument, ...
    """
    stamps = [np.frombuffer(content_hash(i, length=32).encode(), np.uint8) for i in identities or ()]
    todo: list[int] = []
    for index in range(len(items)):
        found = finished.get(index) if finished is not None else None
        if found is not None and (not stamps or np.array_equal(found.pop(_OF), stamps[index])):
            yield index, found
        else:
            todo.append(index)
    failed: list[LimitlabError] = []
    mapped = current().map(
        task, [items[i] for i in todo], shared=shared, whole_machine=True, smaller=smaller, weights=[weights[i] for i in todo],
        label=label, progress=progress,
    )  # fmt: skip
    with closing(mapped) as results:  # type: ignore[type-var]
        for done in results:
            if done.error is not None:
                failed.append(done.error)
                continue
            assert done.value is not None
            if finished is not None:
                finished.put(todo[done.index], {**done.value, **({_OF: stamps[todo[done.index]]} if stamps else {})})
            yield todo[done.index], done.value
    if failed:
        raise _failure(who, must, failed, len(items), finished is not None if keeps is None else keeps, rest)
    if finished is not None:
        finished.clear()


def _failure(who: str, must: str, failed: list[LimitlabError], n: int, kept: bool, rest: str | None) -> LimitlabError:
    sentences = list(dict.fromkeys(str(e).rstrip(".") for e in failed))
    named = "; ".join(sentences[:_NAMED]) + ("; ..." if len(sentences) > _NAMED else "")
    others = f"The other {n - len(failed)} are kept"
    if any(isinstance(e, DataError) for e in failed):
        after = f"{others}: repair the files, and the same command goes on from them." if kept else "Repair the files."
        return DataError(f"{who}: {must}; {len(failed)} of {n} are not: {named}. {after if rest is None else rest}")
    # No file is to blame: the sentence of the items is the one to read.
    kinds = {type(e) for e in failed}
    kind = kinds.pop() if len(kinds) == 1 else InvalidArgument if all(isinstance(e, InvalidArgument) for e in failed) else LimitlabError
    goes_on = f" {others}, and the same command goes on from them." if kept and n > len(failed) else ""
    return kind(f"{named}. This ended {len(failed)} of {n} parts.{goes_on}")
