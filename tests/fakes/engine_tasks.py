"""Tasks that worker processes import: each does what its name says."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from pathlib import Path

from limitlab._core.errors import DataError, ServiceError
from limitlab.engine import kept


def square(shared, item):
    return shared + item * item


def nothing(shared, item):
    return None


def who_and_threads(shared, item):
    """Process, and what it was told about its cores."""
    from limitlab._core.provenance import cores

    time.sleep(0.02)
    return os.getpid(), cores(), os.environ.get("OMP_NUM_THREADS")


def slowly(shared, item):
    """Leaves a file at its beginning and one at its end."""
    (Path(shared) / f"begun-{item}").touch()
    time.sleep(0.05 if item == 0 else 30)
    (Path(shared) / f"ended-{item}").touch()
    return item


def hold(path, seconds):
    """A task of somebody else's."""
    Path(path).touch()
    time.sleep(seconds)


def refuse_odd(shared, item):
    if item % 2:
        raise DataError.at(f"part-{item}", 7, "NaN")
    return item


def refuse_with_status(shared, item):
    raise ServiceError("the service is away", status=503)


class Unsendable(ValueError):
    """An exception that cannot be unpickled."""

    def __init__(self, one, two):
        super().__init__(f"{one} {two}")


def break_at_three(shared, item):
    if item == 3:
        raise Unsendable("three", "is broken") if shared == "unsendable" else ZeroDivisionError("three is broken")
    return item


def unpicklable(shared, item):
    return threading.Lock()


class OnlyThere:
    """An answer that no other process than its own can unpack, as where a module is missing."""

    def __reduce__(self):
        return _unpacked_by, (os.getpid(),)


def _unpacked_by(pid):
    if os.getpid() != pid:
        raise ModuleNotFoundError("no module named 'there'")
    return OnlyThere()


def answer_only_there(shared, item):
    return OnlyThere() if item == 0 else item


def too_large(shared, item):
    """Only at most ``shared`` fit."""
    if item > shared:
        raise MemoryError
    return item


def die(shared, item):
    if item == 2:
        os.kill(os.getpid(), signal.SIGKILL)
    return item


def die_at_first(shared, item):
    """Kills its worker when ``shared`` has no file of the item yet."""
    mark = Path(shared) / f"tried-{item}"
    if not mark.exists():
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return item * item


def die_as_planned(shared, item):
    """Kills its worker as often as ``shared["deaths"]`` says; a file a try."""
    folder = Path(shared["folder"])
    tries = len(list(folder.glob(f"try-{item}-*")))
    (folder / f"try-{item}-{tries}").touch()
    time.sleep(0.005)
    if tries < shared["deaths"].get(item, 0):
        os.kill(os.getpid(), signal.SIGKILL)
    return [item, item * item]


class Counted:
    """Says in a file whenever it is unpacked."""

    def __init__(self, folder):
        self.folder = folder

    def __getstate__(self):
        return {"folder": self.folder}

    def __setstate__(self, state):
        self.__dict__.update(state)
        (Path(self.folder) / f"unpacked-{os.getpid()}-{time.time_ns()}").touch()


def look_at_shared(shared, item):
    time.sleep(0.01)
    return os.getpid()


def use_kept(shared, item):
    """A value that is costly to make: a file each time it is made."""

    def make():
        (Path(shared) / f"made-{os.getpid()}-{time.time_ns()}").touch()
        return os.getpid()

    time.sleep(0.01)
    return kept(("costly", shared), make)


def say(shared, item):
    print("printed by a task")
    sys.stdout.flush()
    return item


def gpus(shared, item):
    return os.environ.get("CUDA_VISIBLE_DEVICES")
