"""The worker process of the local engine: reads items from its channel, answers, and ends with its driver."""

from __future__ import annotations

import os
import pickle
import signal
from collections.abc import Callable
from multiprocessing.connection import Connection
from queue import SimpleQueue
from threading import Thread
from typing import Any

from limitlab.engine.attempt import Outcome, attempt_in_worker

JOB, ITEM = b"j", b"i"  # first byte of a message: (task, shared) of the items that follow; one item


def serve(channel: int) -> None:
    """Work until the driver closes its end, or dies.

    Parameters
    ----------
    channel
        File descriptor of a socket that both ends read and write.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the driver's: it ends its workers
    connection = Connection(channel)
    messages: SimpleQueue[bytes] = SimpleQueue()
    Thread(target=_read, args=(connection, messages), daemon=True).start()
    job: Callable[[], tuple[Any, Any]] = _no_job
    while True:
        message = messages.get()
        if message[:1] == JOB:
            job = _once(message[1:])
        else:
            _answer(connection, attempt_in_worker(lambda job=job, item=message[1:]: (*job(), pickle.loads(item))))  # type: ignore[misc]


def _read(connection: Connection, messages: SimpleQueue[bytes]) -> None:
    """Also while a task runs: a driver that was killed takes its workers with it."""
    while True:
        try:
            messages.put(connection.recv_bytes())
        except (EOFError, OSError):
            os._exit(0)


def _once(data: bytes) -> Callable[[], tuple[Any, Any]]:
    """What ``data`` holds, unpacked when the first item needs it: what fails then is told as this item's failure."""
    unpacked: list[tuple[Any, Any]] = []

    def job() -> tuple[Any, Any]:
        if not unpacked:
            unpacked.append(pickle.loads(data))
        return unpacked[0]

    return job


def _no_job() -> tuple[Any, Any]:
    raise RuntimeError("an item came before its task")


def _answer(connection: Connection, outcome: Outcome) -> None:
    def pack() -> tuple[Any, Any, Any]:
        data.append(pickle.dumps(outcome, protocol=pickle.HIGHEST_PROTOCOL))
        return (lambda shared, item: None), None, None

    data: list[bytes] = []
    failed = attempt_in_worker(pack)
    connection.send_bytes(data[0] if data else pickle.dumps(failed))
