"""What runs in a Ray worker: one item, with what all items share fetched once a process."""

from __future__ import annotations

from typing import Any

from limitlab.engine.attempt import Outcome, attempt_in_worker
from limitlab.engine.kept import Keeper

_JOBS = Keeper(2)  # (task, shared) of the maps at work; apart from ``kept``, which is the tasks' own


def run_item(key: str, job: list[Any], item: Any) -> Outcome:
    """Try one item.

    Parameters
    ----------
    key
        Of the map.
    job
        [reference to (task, shared)]: within a list, so that Ray does not fetch and unpack it for every item.
    item
        As it is.
    """
    import ray

    return attempt_in_worker(lambda: (*_JOBS.get(key, lambda: ray.get(job[0])), item))
