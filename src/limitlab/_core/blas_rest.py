"""How long threads of OpenBLAS keep spinning after a product; said before NumPy is loaded."""

from __future__ import annotations

import os

# Exponent of clock cycles, 4 to 30; OpenBLAS's own is 26, tens of milliseconds in which they hold the cores that compiled loops want next.
# Exact search of a million documents on two cores takes a seventh less with it, a diagnosis of 50,000 a quarter less.
SETTING = {"OPENBLAS_THREAD_TIMEOUT": "4"}


def rest_soon() -> None:
    """Let them rest at once, unless the user has said otherwise."""
    for name, value in SETTING.items():
        os.environ.setdefault(name, value)
