"""How many threads a worker process may use, said before any library is loaded."""

from __future__ import annotations

from limitlab._core.thread_rest import unsaid

_LIBRARIES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS", "NUMBA_NUM_THREADS")


def thread_settings(cores: int) -> dict[str, str]:
    """Environment of a process that has ``cores`` cores: the pools of BLAS, OpenMP and numba, what ``cores()`` returns there, and how
    soon threads rest where the user has not said it."""
    return dict.fromkeys((*_LIBRARIES, "LIMITLAB_CORES"), str(cores)) | unsaid()
