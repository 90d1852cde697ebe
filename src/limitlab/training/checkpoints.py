"""Checkpoints of an unfinished training: the newest one that is whole."""

from __future__ import annotations

import json
from pathlib import Path

_STATE = "trainer_state.json"  # written last: the weights and the optimiser of a folder that has it are whole


def newest(folder: Path) -> Path | None:
    """The checkpoint with the most steps that was written to its end; None when there is none.

    A process killed while it writes one leaves a folder without a readable state, which is passed over.
    """
    found = []
    for path in folder.glob("checkpoint-*"):
        step = path.name.rpartition("-")[2]
        if step.isdigit() and _whole(path):
            found.append((int(step), path))
    return max(found)[1] if found else None


def step_of(checkpoint: Path | None) -> int:
    """The step at which it was written; 0 for none."""
    return int(checkpoint.name.rpartition("-")[2]) if checkpoint else 0


def _whole(path: Path) -> bool:
    try:
        state = json.loads((path / _STATE).read_text(encoding="utf-8"))
    except (OSError, json.JSONDecodeError, UnicodeDecodeError):
        return False
    return isinstance(state, dict) and "global_step" in state
