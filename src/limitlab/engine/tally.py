"""Which items are done, how often each was started, and what happens to one whose worker died or ran out of memory."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
from typing import Any, Generic, TypeVar

from limitlab._core.errors import EngineError, LimitlabError, TooLarge
from limitlab._core.progress import Progress
from limitlab.engine.attempt import Kind, Outcome
from limitlab.engine.protocol import Done

Item = TypeVar("Item")
Value = TypeVar("Value")

MOST_DEATHS = 5  # of workers at one item: then it is the item that kills them


class Tally(Generic[Item]):
    """The items of one map.

    Parameters
    ----------
    engine, label
        For messages.
    smaller
        As in ``Engine.map``.

    Attributes
    ----------
    waiting
        Items to be started, in this order.
    failure
        What ends the map, once the results that came beside it are given: see ``raise_failure``.
    """

    def __init__(self, engine: str, label: str, items: Sequence[Item], smaller: Callable[[Item], Item | None] | None) -> None:
        self._engine, self._label, self._smaller = engine, label or "a task", smaller
        self._items = list(items)
        self._tries = [0] * len(self._items)
        self._deaths = [0] * len(self._items)
        self.waiting = deque(range(len(self._items)))
        self.failure: BaseException | None = None

    def take(self) -> tuple[int, Item]:
        """The next item, which is started now."""
        index = self.waiting.popleft()
        self._tries[index] += 1
        return index, self._items[index]

    def not_started(self, index: int) -> None:
        """It was taken, but its machine was gone before it began: it waits again, and nothing is counted."""
        self._tries[index] -= 1
        self.waiting.appendleft(index)

    def died(self, index: int, how: str) -> None:
        """Its worker died: it waits again, before all others; the fifth time is the map's failure, an EngineError."""
        self._deaths[index] += 1
        if self._deaths[index] < MOST_DEATHS:
            self.waiting.appendleft(index)
            return
        self.fail(
            EngineError(
                f"engine {self._engine}: a worker must live through its item; item {index} of {self._label} ({_short(self._items[index])}) ended "
                f"{MOST_DEATHS} workers, the last one {how}. If that is for want of memory, use fewer workers (--workers)."
            )
        )

    def ended(self, index: int, outcome: Outcome) -> Done[Any] | None:
        """The item, finished; None when it waits again as a smaller one, or when it is the map's failure.

        The failure is what the task raised that is neither a LimitlabError nor a lack of memory.
        """
        if outcome.kind is Kind.VALUE:
            return Done(index, outcome.value, None, self._tries[index])
        if outcome.kind is Kind.MEMORY:
            return self._out_of_memory(index, outcome.error)
        if isinstance(outcome.error, LimitlabError):
            return Done(index, None, outcome.error, self._tries[index])
        self.fail(outcome.error or RuntimeError("the task ended without a value and without an exception"))
        return None

    def fail(self, error: BaseException, cause: BaseException | None = None) -> None:
        """This ends the map; the first one counts."""
        if self.failure is None:
            error.__cause__ = cause or error.__cause__
            self.failure = error

    def raise_failure(self) -> None:
        """Raise what ends the map, if anything does."""
        if self.failure is not None:
            raise self.failure

    def can_shrink(self) -> bool:
        """Whether an item that ran out of memory may become a smaller one."""
        return self._smaller is not None

    def _out_of_memory(self, index: int, error: BaseException | None) -> Done[Any] | None:
        less = None if self._smaller is None else self._smaller(self._items[index])
        if less is not None:
            self._items[index] = less
            self.waiting.appendleft(index)
            return None
        refused = TooLarge(
            f"engine {self._engine}: a task must fit into memory; item {index} of {self._label} ({_short(self._items[index])}) ran out of it"
            f"{' in the smallest blocks too' if self._smaller else ''}. Use fewer workers (--workers), or a machine with more memory."
        )
        refused.__cause__ = error
        return Done(index, None, refused, self._tries[index])


def shown(
    results: Generator[Done[Value], None, None], n_items: int, weights: Sequence[float] | None, label: str, progress: Progress
) -> Iterator[Done[Value]]:
    """The results, with a bar where there is a label; closing this closes them."""
    with closing(results):
        if not label:
            yield from results
            return
        with progress.task(label, n_items if weights is None else float(sum(weights))) as bar:
            for done in results:
                bar.advance(1 if weights is None else weights[done.index])
                yield done


def _short(item: object) -> str:
    text = repr(item)
    return text if len(text) <= 80 else text[:77] + "..."
