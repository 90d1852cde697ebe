"""What makes two trainings of one seed end with the same bytes: random numbers, threads and algorithms of their own."""

from __future__ import annotations

import contextlib
import random
from collections.abc import Iterator
from typing import Any

import numpy as np


def seed_everything(seed: int) -> None:
    """Dropout draws from global generators; ``own_random_state`` puts them back afterwards."""
    import torch

    random.seed(seed)
    np.random.seed(seed % 2**32)
    torch.manual_seed(seed)


@contextlib.contextmanager
def own_random_state() -> Iterator[None]:
    """The trainer seeds the generators of Python, NumPy and torch; the caller gets its own back."""
    import torch

    kept_python, kept_numpy = random.getstate(), np.random.get_state()
    with torch.random.fork_rng():
        try:
            yield
        finally:
            random.setstate(kept_python)
            np.random.set_state(kept_numpy)


@contextlib.contextmanager
def deterministic_algorithms() -> Iterator[None]:
    """On a CPU torch takes only algorithms that repeat, and says so where it has none; a GPU is left as it is.

    The caller's own choice comes back afterwards. Memory is not filled: nothing here reads what it has not written.
    """
    import torch

    if torch.cuda.is_available():
        yield
        return
    kept = torch.are_deterministic_algorithms_enabled(), torch.is_deterministic_algorithms_warn_only_enabled()
    filled = torch.utils.deterministic.fill_uninitialized_memory  # type: ignore[attr-defined]
    torch.use_deterministic_algorithms(True)
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(kept[0], warn_only=kept[1])
        torch.utils.deterministic.fill_uninitialized_memory = filled  # type: ignore[attr-defined]


def steady_threads() -> Any:
    """A callback of the trainer that gives every step the number of threads that the first one has.

    Sums are split among threads, so their number decides the last digits. The learning curve is measured between steps by
    compiled kernels, whose thread pool sets OpenMP's number for the whole process when it starts: without this the steps of the
    first training of a process and those of the next would run on different numbers of threads.
    """
    import torch
    from transformers import TrainerCallback

    class Steady(TrainerCallback):
        """Set at every step: it costs a microsecond."""

        def __init__(self) -> None:
            self.threads = torch.get_num_threads()

        def on_step_begin(self, args, state, control, **_):
            torch.set_num_threads(self.threads)

    return Steady()
