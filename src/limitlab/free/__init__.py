"""Floor 5: free embeddings: the paper's protocol on the CPU and the GPU, critical n, scaling fits.

Names are loaded on first use: the command line reads settings from here and must start quickly.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

_HOME_OF = {
    "CriticalN": "result",
    "CriticalNResult": "result",
    "FreeConfig": "config",
    "FreeProblem": "problem",
    "FreeResult": "result",
    "Trial": "result",
    "free_embed": "optimise",
    "free_embed_many": "optimise",
    "maximise_gap": "gap",
    "smooth_worst_gap": "gap",
}

__all__ = sorted(_HOME_OF)

if TYPE_CHECKING:  # what editors and type checkers see of the lazy names
    from limitlab.free.config import FreeConfig
    from limitlab.free.gap import maximise_gap, smooth_worst_gap
    from limitlab.free.optimise import free_embed, free_embed_many
    from limitlab.free.problem import FreeProblem
    from limitlab.free.result import CriticalN, CriticalNResult, FreeResult, Trial


def __getattr__(name: str) -> Any:
    if name not in _HOME_OF:
        raise AttributeError(f"module 'limitlab.free' has no attribute {name!r}")
    value = getattr(importlib.import_module(f"limitlab.free.{_HOME_OF[name]}"), name)
    globals()[name] = value
    return value
