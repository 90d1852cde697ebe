"""Whether a file is what it was: its state by stat, the SHA-256 of its bytes computed once a state, the file behind a memory map."""

from __future__ import annotations

import json
import os
import time
from contextlib import suppress
from pathlib import Path

import numpy as np

from limitlab._core.errors import DataError
from limitlab._core.files import content_hash, sha256_file, write_text
from limitlab._core.home import home

_SETTLED_NS = 2_000_000_000  # a file changed later than this may change again without a new time: file systems count in steps


def state(path: str | Path) -> list[int]:
    """Bytes, times of change of the bytes and of the entry in ns, and inode: another one wherever a file was written again or replaced.

    Raises
    ------
    DataError
        The file is not there.
    """
    try:
        found = os.stat(path)
    except OSError as error:
        raise DataError.at(path, None, f"not readable ({error.strerror})") from error
    return [found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino]


def digest(path: str | Path) -> str:
    """SHA-256 of a file's bytes: read once for every state of the file, then remembered in ``verified`` under LIMITLAB_HOME.

    Raises
    ------
    DataError
        The file is not readable.
    """
    path = str(Path(path).absolute())
    record, before = home() / "verified" / f"{content_hash(path, length=32)}.json", state(path)
    with suppress(OSError, ValueError):
        known = json.loads(record.read_text(encoding="utf-8"))
        if isinstance(known, dict) and known.get("path") == path and known.get("state") == before:
            return str(known["sha256"])
    try:
        found = sha256_file(path)
    except OSError as error:
        raise DataError.at(path, None, f"not readable ({error.strerror})") from error
    if state(path) == before and time.time_ns() - max(before[1], before[2]) > _SETTLED_NS:
        with suppress(OSError):  # where nothing can be written, it is read again next time
            write_text(record, json.dumps({"path": path, "state": before, "sha256": found}) + "\n")
    return found


def mapped_inode(array: np.memmap) -> int | None:
    """Inode of the file that a memory map shows, which may be another than the one under its name now; None where the system tells none."""
    address = array.ctypes.data
    try:
        lines = Path("/proc/self/maps").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return None
    for line in lines:
        span, _, _, _, inode = line.split(maxsplit=5)[:5]
        first, _, last = span.partition("-")
        if int(first, 16) <= address < int(last, 16):
            return int(inode) or None
    return None
