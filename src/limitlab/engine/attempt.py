"""One try at one item, in a worker or here, and what came of it, ready to be sent."""

from __future__ import annotations

import pickle
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Any

from limitlab._core.errors import LimitlabError


class Kind(Enum):
    """How a try ended."""

    VALUE = "the task returned"
    REFUSED = "the task raised a LimitlabError"
    MEMORY = "the task ran out of memory"
    RAISED = "the task raised something else"


@dataclass(frozen=True)
class Outcome:
    """How a try ended, with the value or the exception."""

    kind: Kind
    value: Any = None
    error: BaseException | None = None


def attempt(task: Callable[[Any, Any], Any], shared: Any, item: Any) -> Outcome:
    """``task(shared, item)`` in this process: what is neither a LimitlabError nor a lack of memory passes through."""
    try:
        return Outcome(Kind.VALUE, task(shared, item))
    except LimitlabError as error:
        return Outcome(Kind.REFUSED, error=error)
    except BaseException as error:
        if not out_of_memory(error):
            raise
        return Outcome(Kind.MEMORY, error=error)


def attempt_in_worker(work: Callable[[], tuple[Callable[[Any, Any], Any], Any, Any]]) -> Outcome:
    """The same where nobody above could see an exception: all are caught, to be raised again in the driver.

    Parameters
    ----------
    work
        Gives (task, shared, item); it may fail, as where a module of the task is missing here.
    """
    try:
        outcome = attempt(*work())
    except BaseException as error:  # noqa: BLE001 - it is raised again, in the driver
        outcome = Outcome(Kind.RAISED, error=error)
    return outcome if outcome.error is None else Outcome(outcome.kind, error=portable(outcome.error))


def out_of_memory(error: BaseException) -> bool:
    """MemoryError, NumPy's own, and OutOfMemoryError of whatever library (PyTorch on a GPU)."""
    return isinstance(error, MemoryError) or any(c.__name__ == "OutOfMemoryError" for c in type(error).__mro__)


def portable(error: BaseException) -> BaseException:
    """The exception with the worker's traceback as a note; one of a simpler class with the same words where it cannot be sent."""
    trace = "".join(traceback.format_exception(error))
    error.add_note(f"In the worker:\n{trace}")
    error.__traceback__, error.__cause__, error.__context__ = None, None, None
    try:
        if type(pickle.loads(pickle.dumps(error))) is type(error):
            return error
    except BaseException:  # noqa: BLE001 - whatever its own way of being pickled raises: it cannot be sent
        pass
    plain = LimitlabError(str(error)) if isinstance(error, LimitlabError) else RuntimeError(f"{type(error).__name__}: {error}")
    plain.add_note(f"In the worker:\n{trace}")
    return plain
