"""The driver's side of one worker process of the local engine."""

from __future__ import annotations

import contextlib
import json
import os
import pickle
import signal
import socket
import subprocess
import sys
from multiprocessing.connection import Connection
from typing import Any

from limitlab.engine.attempt import Kind, Outcome
from limitlab.engine.threads import thread_settings
from limitlab.engine.worker import ITEM, JOB

# A program of its own, not a copy of ours: threads of numba and BLAS do not survive a fork, and scripts without a
# ``__main__`` guard are not run a second time. It finds modules where we do.
_PROGRAM = "import sys, json; sys.path[:] = json.loads(sys.argv[2]); from limitlab.engine.worker import serve; serve(int(sys.argv[1]))"


# What unpickling raises where a module or a class is missing here, is another version, or refuses its own state.
_UNPACKING = (
    pickle.PickleError,
    ImportError,
    AttributeError,
    LookupError,
    TypeError,
    ValueError,
    RuntimeError,
    EOFError,
    OSError,
    MemoryError,
)


class WorkerProcess:
    """A process of one core and one thread that does one item at a time.

    Attributes
    ----------
    channel
        Becomes readable when the answer is there, or when the process has died.
    """

    def __init__(self) -> None:
        ours, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-c", _PROGRAM, str(theirs.fileno()), json.dumps(sys.path)],
                pass_fds=[theirs.fileno()],
                env={**os.environ, **thread_settings(1)},
                stdin=subprocess.DEVNULL,
                stdout=2,  # what a task prints is no answer of ours
                process_group=0,  # Ctrl-C goes to the driver alone
            )
        self.channel = Connection(ours.detach())
        self._job: bytes | None = None

    def give(self, job: bytes, item: Any) -> None:
        """Start an item.

        Parameters
        ----------
        job
            (task, shared), pickled; sent only when it is not what the process has.

        Raises
        ------
        OSError
            The process has died.
        """
        packed = pickle.dumps(item, protocol=pickle.HIGHEST_PROTOCOL)
        if self._job is not job:
            self.channel.send_bytes(JOB + job)
            self._job = job
        self.channel.send_bytes(ITEM + packed)

    def answer(self) -> Outcome:
        """How the item ended. An answer that cannot be unpacked here, as where its module is missing, is a failure of the item.

        Raises
        ------
        EOFError, OSError
            The process has died.
        """
        data = self.channel.recv_bytes()
        try:
            return pickle.loads(data)
        except _UNPACKING as error:  # the process is well
            error.add_note("The answer of a worker could not be unpacked.")
            return Outcome(Kind.RAISED, error=error)

    def end(self) -> str:
        """Kill it, whatever it does; how it ended, in words."""
        self._process.kill()
        self.channel.close()
        code = self._process.wait()
        if code >= 0:
            return f"ending with code {code}"
        return f"killed by {signal.Signals(-code).name}"

    def died(self) -> str:
        """Its channel is closed: how it ended, in words."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout=5)
        return self.end()
