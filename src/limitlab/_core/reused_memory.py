"""Large blocks of memory kept for the next use while a model is at work."""

from __future__ import annotations

import contextlib
import ctypes
import os
import threading
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

# glibc gives blocks above 32 MB back to the system at once, and every page of the next block must then be cleared anew. A step of training
# MiniLM on 46 pairs met 820,000 such pages: 6.8 s on two cores, and 5.6 s with blocks that stay (benchmarks/training_step.py).
_TRIM_THRESHOLD, _MMAP_THRESHOLD, _MMAP_MAX = -1, -3, -4  # of mallopt
# No block is mapped alone (the threshold for that has a limit before glibc 2.35), none goes back.
_KEPT = {_MMAP_MAX: 0, _TRIM_THRESHOLD: -1}
_USUAL = {_MMAP_MAX: 65_536, _MMAP_THRESHOLD: 32 << 20, _TRIM_THRESHOLD: 64 << 20}  # where glibc's own come to rest beside large arrays
_TUNED = ("MALLOC_MMAP_", "MALLOC_TRIM_", "MALLOC_TOP_PAD")
_lock = threading.Lock()
_at_work = 0


@contextlib.contextmanager
def reused_memory() -> Iterator[None]:
    """Within it freed blocks stay with the process; at the end they go back, and glibc's thresholds stay fixed where they usually come to rest.

    Nothing happens without glibc, or where the environment tunes these thresholds. Blocks of threads other than the main one that exceed 64 MB
    are mapped as before.
    """
    global _at_work
    library = _glibc()
    if library is None or _tuned():
        yield
        return
    with _lock:
        _at_work += 1
        _set(library, _KEPT)
    try:
        yield
    finally:
        with _lock:
            _at_work -= 1
            if not _at_work:
                _set(library, _USUAL)
                library.malloc_trim(ctypes.c_size_t(0))


def _tuned() -> bool:
    return any(name.startswith(_TUNED) for name in os.environ) or "glibc.malloc" in os.environ.get("GLIBC_TUNABLES", "")


def _set(library: Any, thresholds: dict[int, int]) -> None:
    for name, value in thresholds.items():
        library.mallopt(name, value)


@lru_cache(maxsize=1)
def _glibc() -> Any:
    try:
        library = ctypes.CDLL(None)
    except (OSError, TypeError):
        return None
    return library if all(hasattr(library, name) for name in ("gnu_get_libc_version", "mallopt", "malloc_trim")) else None


def _in_child() -> None:
    """A forked process works on nothing yet."""
    global _at_work, _lock
    _at_work, _lock = 0, threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_in_child)
