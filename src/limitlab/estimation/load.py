"""How much of the processor this process gets: below all of it, other programs run, or the system allows less than it says."""

from __future__ import annotations

import hashlib
import time
from concurrent.futures import ThreadPoolExecutor

BUSY_BELOW = 0.8
_BLOCK = bytes(2 << 20)  # hashed without Python's lock, so that threads do not wait for each other
_SECONDS = 0.08


def processor_share(cores: int, *, seconds: float = _SECONDS) -> float:
    """Processor seconds a second of one busy thread a core, in [0, 1], as the mean of these threads."""
    with ThreadPoolExecutor(cores) as pool:
        shares = list(pool.map(_share, [seconds] * cores))
    return min(1.0, sum(shares) / cores)


def _share(seconds: float) -> float:
    start, used = time.perf_counter(), time.thread_time()
    while time.perf_counter() - start < seconds:
        hashlib.sha256(_BLOCK)
    return (time.thread_time() - used) / (time.perf_counter() - start)
