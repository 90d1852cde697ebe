"""How many threads a worker process may use, said before any library is loaded."""

from __future__ import annotations

from limitlab._core.thread_rest import SETTINGS

_LIBRARIES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS", "NUMBA_NUM_THREADS")


def thread_settings(cores: int) -> dict[str, str]:
    """Environment of a process that has ``cores`` cores: the pools of BLAS, OpenMP and numba, and what ``cores()`` returns there."""
    return dict.fromkeys((*_LIBRARIES, "LIMITLAB_CORES"), str(cores)) | SETTINGS
