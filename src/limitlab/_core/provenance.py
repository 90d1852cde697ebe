"""What every stored result says about how it came to be."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import resource
import subprocess
import sys
import time
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

_PACKAGES = (
    "limitlab", "numpy", "scipy", "numba", "bm25s", "PyStemmer", "torch", "sentence-transformers", "transformers", "plotly", "faiss-cpu",
    "qdrant-client", "psycopg",
)  # fmt: skip


def now() -> str:
    """UTC time, ISO 8601, seconds."""
    return datetime.now(UTC).isoformat(timespec="seconds")


@lru_cache(maxsize=1)
def versions() -> dict[str, str]:
    """Versions of Python and of the packages that decide numbers; absent ones are left out."""
    # limitlab's own is that of the code that runs: an editable install may remember an older one.
    found = {"python": platform.python_version(), "limitlab": str(sys.modules["limitlab"].__version__)}
    for name in _PACKAGES:
        if name in found:
            continue
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


@lru_cache(maxsize=1)
def cpu_flags() -> frozenset[str]:
    """Instruction-set flags of the processor as the operating system names them; empty where it does not say."""
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.lower().startswith(("flags", "features")):
                return frozenset(line.split(":", 1)[1].split())
    except OSError:
        pass
    return frozenset()


@lru_cache(maxsize=1)
def machine() -> dict[str, Any]:
    """Processor, cores that this process may use, memory, operating system. No host name."""
    model = platform.processor() or platform.machine()
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                model = line.split(":", 1)[1].strip()
                break
    except OSError:
        pass
    simd = [
        f
        for f in ("avx2", "avx512f", "avx512_vnni", "avx512_bf16", "avx512_fp16", "amx_bf16", "amx_int8", "asimd", "bf16")
        if f in cpu_flags()
    ]
    return {
        "cpu": model,
        "simd": simd,
        "cores": cores(),
        "memory_gib": round(total_memory() / 2**30, 1),
        "os": platform.system(),
        "arch": platform.machine(),
    }


def cores() -> int:
    """Cores that this process may use: what the system allows, and no more than ``LIMITLAB_CORES`` where that is set."""
    found = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    most = os.environ.get("LIMITLAB_CORES", "")
    return min(found, int(most)) if most.isdecimal() and int(most) > 0 else found


def total_memory() -> int:
    """Bytes of memory of the machine."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (ValueError, OSError, AttributeError):
        return 8 << 30


def peak_memory() -> int:
    """Peak resident bytes of this process so far."""
    # Linux: ru_maxrss of a child begins at what its parent held when it forked; VmHWM counts this program alone.
    try:
        for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    except (OSError, ValueError, IndexError):
        pass
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


@lru_cache(maxsize=1)
def git_commit() -> str | None:
    """The commit of the checkout limitlab runs from (``+`` when files differ from it), or None for an installed wheel."""
    here = Path(__file__).resolve().parent
    try:
        top = _git(here, "rev-parse", "--show-toplevel")
        if not (Path(top) / "src" / "limitlab" / "_core").is_dir():
            return None
        commit = _git(here, "rev-parse", "--short=12", "HEAD")
        return commit + ("+" if _git(here, "status", "--porcelain", "--untracked-files=no") else "")
    except (OSError, subprocess.SubprocessError):
        return None


def _git(folder: Path, *arguments: str) -> str:
    done = subprocess.run(["git", "-C", str(folder), *arguments], capture_output=True, text=True, check=True, timeout=10)
    return done.stdout.strip()


class Stopwatch:
    """Wall time of a block: ``with Stopwatch() as watch: ...; watch.seconds``."""

    seconds: float = 0.0

    def __enter__(self) -> Stopwatch:
        return self.restart()

    def restart(self) -> Stopwatch:
        """Begin now."""
        self._start = time.perf_counter()
        return self

    def __exit__(self, *_: object) -> None:
        self.seconds = self.so_far()

    def so_far(self) -> float:
        """Seconds since the block began."""
        return time.perf_counter() - self._start


def provenance(*, wall_seconds: float | None = None) -> dict[str, Any]:
    """Versions, machine, commit, time and peak memory, ready to be stored with a result."""
    record: dict[str, Any] = {
        "created": now(),
        "versions": versions(),
        "machine": machine(),
        "git_commit": git_commit(),
        "peak_memory_bytes": peak_memory(),
    }
    if wall_seconds is not None:
        record["wall_seconds"] = round(wall_seconds, 3)
    return record
