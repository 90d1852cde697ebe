"""What an engine is: tasks over items, on this machine or many."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from limitlab._core.errors import LimitlabError
from limitlab._core.progress import SILENT, Progress

Item = TypeVar("Item")
Shared = TypeVar("Shared")
Value = TypeVar("Value")


@dataclass(frozen=True)
class Done(Generic[Value]):
    """One item, finished.

    Attributes
    ----------
    index
        Its position among the items.
    value
        What the task returned; None where it failed.
    error
        The LimitlabError the task raised: this item alone failed. Any other exception ends the whole map.
    tries
        How often the item was started: more than once where a worker died or ran out of memory.
    """

    index: int
    value: Value | None
    error: LimitlabError | None = None
    tries: int = 1


class Engine(Protocol):
    """Where tasks run. Rooms ask ``current()`` for it and never name one.

    Attributes
    ----------
    name
        As it is written: local, local:WORKERS, ray, ray://HOST:PORT.
    workers
        Tasks of one core that run at one time.
    """

    name: str

    @property
    def workers(self) -> int: ...

    def map(
        self,
        task: Callable[[Shared, Item], Value],
        items: Sequence[Item],
        *,
        shared: Shared,
        whole_machine: bool = False,
        smaller: Callable[[Item], Item | None] | None = None,
        weights: Sequence[float] | None = None,
        label: str = "",
        progress: Progress = SILENT,
    ) -> Iterator[Done[Value]]:
        """Each item once, in the order in which they finish; what is left is cancelled when the iterator is closed.

        Parameters
        ----------
        task
            A function of a module, called as ``task(shared, item)``; its result must depend on these two alone, since an item whose
            worker died is started again, elsewhere. What is costly to make (a loaded model) is kept in the worker by ``kept``.
        items
            Small; arrays are named by file, not sent, with absolute paths: workers may have another current folder.
        shared
            What every task reads: sent once to a worker, not once an item.
        whole_machine
            A task uses every core of its machine by itself (a matrix product, a model); on a cluster also its GPUs. False: one core, one
            thread; what ``cores()`` says in the worker.
        smaller
            Called after a task ran out of memory: the same item, to be done in smaller blocks with the same result; None: it fails, with
            TooLarge as its error.
        weights
            Units of each item for the progress bar; default 1 each.

        Raises
        ------
        What a task raised that is no LimitlabError. EngineError when a worker died too often at one item, or the cluster is gone.
        """
        ...

    def facts(self) -> dict[str, Any]:
        """For the provenance: engine, its version, workers, machines."""
        ...

    def close(self) -> None:
        """Stop the workers."""
        ...
