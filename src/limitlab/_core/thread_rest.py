"""How long threads keep spinning when their work is done; said before NumPy is loaded."""

from __future__ import annotations

import os

# Threads of OpenBLAS and of compiled loops take turns, and each pool, while it spins, holds the cores that the other wants next.
# OpenBLAS: exponent of clock cycles, 4 to 30; its own is 26, tens of milliseconds. With 4 exact search of a million documents on two cores
# takes a seventh less, a diagnosis of 50,000 a quarter less. GNU OpenMP: turns of a loop; its own is some 300,000, milliseconds. With 1,000
# MaxSim takes half the time, exact search a tenth less; loops that follow each other at once are not slower, as with
# OMP_WAIT_POLICY=passive some are.
SETTINGS = {"OPENBLAS_THREAD_TIMEOUT": "4", "GOMP_SPINCOUNT": "1000"}


def unsaid() -> dict[str, str]:
    """Of the settings those about which the user has said nothing."""
    quiet = {"GOMP_SPINCOUNT"} if "OMP_WAIT_POLICY" in os.environ else set()
    return {name: value for name, value in SETTINGS.items() if name not in os.environ and name not in quiet}


def rest_soon() -> None:
    """Let them rest at once, unless the user has said otherwise."""
    os.environ.update(unsaid())
