"""Large blocks stay with the process while a model is at work, and go back afterwards."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
import textwrap

import pytest

pytestmark = pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another C library has other means")

_PROGRAM = """
import ctypes, resource
from limitlab._core.reused_memory import reused_memory

library = ctypes.CDLL(None)
library.malloc.restype = ctypes.c_void_p

def pages(n_rounds=8):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(n_rounds):
        block = library.malloc(ctypes.c_size_t(100 << 20))
        ctypes.memset(block, 1, 100 << 20)
        library.free(ctypes.c_void_p(block))
    return (resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before) * resource.getpagesize() / n_rounds / (100 << 20)

def resident():
    return int(open("/proc/self/statm").read().split()[1]) * resource.getpagesize() / (100 << 20)

start = resident()
outside = pages()
with reused_memory():
    pages(1)
    with reused_memory():
        inside = pages()
    held = resident() - start
    still = pages()
left = resident() - start
print(outside, inside, still, held, left, pages())
"""


def _measured(**environment: str) -> list[float]:
    """Shares of a block of 100 MB whose pages are new."""
    plain = {name: value for name, value in os.environ.items() if not name.startswith(("MALLOC_", "GLIBC_"))} | environment
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(_PROGRAM)], capture_output=True, text=True, check=True, env=plain)
    return [float(v) for v in done.stdout.split()]


def test_blocks_are_used_again_within_and_given_back_at_the_end():
    outside, inside, still, held, left, after = _measured()
    if outside < 0.5:
        pytest.skip("this system fills arrays with large pages")
    assert inside < 0.05 and still < 0.05 and held > 0.9
    assert left < 0.1 and after > 0.5


def test_an_error_and_other_threads_leave_nothing_behind():
    from concurrent.futures import ThreadPoolExecutor

    import limitlab._core.reused_memory as room

    def work(fails: bool) -> None:
        with room.reused_memory(), room.reused_memory():
            assert room._at_work >= 2
            if fails:
                raise ValueError

    with ThreadPoolExecutor(4) as pool:
        ends = [pool.submit(work, i % 2 == 0).exception() for i in range(20)]
    assert [type(e) for e in ends] == [ValueError, type(None)] * 10 and room._at_work == 0


def test_a_user_who_tuned_the_allocator_is_left_alone():
    outside, inside, *_ = _measured(MALLOC_MMAP_THRESHOLD_="1048576")
    assert inside == pytest.approx(outside, rel=0.1)
    assert _measured(MALLOC_ARENA_MAX="2")[1] < 0.05, "the number of arenas is another matter"
