"""What runs in a Ray worker: one item, with what all items share fetched once a process."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from limitlab.engine.attempt import Outcome, attempt_in_worker
from limitlab.engine.kept import Keeper

_JOBS = Keeper(2)  # (task, shared) of the maps at work; apart from ``kept``, which is the tasks' own


def run_item(key: str, job: list[Any], item: Any, mark: str | None = None) -> Outcome:
    """Try one item.

    Parameters
    ----------
    key
        Of the map.
    job
        [reference to (task, shared)]: within a list, so that Ray does not fetch and unpack it for every item.
    item
        As it is.
    mark
        Told to the cluster before anything else, see ``begun``.
    """
    import ray

    if mark is not None:
        from ray.experimental import internal_kv

        internal_kv._internal_kv_put(mark, b"1")
    return attempt_in_worker(lambda: (*_JOBS.get(key, lambda: ray.get(job[0])), item))


def begun(mark: str) -> bool:
    """Whether an item with this mark has begun, or nobody can tell; asked by the driver."""
    import grpc
    from ray.exceptions import RayError
    from ray.experimental import internal_kv

    try:
        return internal_kv._internal_kv_get(mark) is not None
    except (RayError, grpc.RpcError, RuntimeError, ValueError, OSError):  # the next call to the cluster says what it is
        return True


def forget_marks(start: str) -> None:
    """The cluster need not remember those that start so."""
    from ray.experimental import internal_kv

    with suppress(Exception):
        internal_kv._internal_kv_del(start, del_by_prefix=True)
