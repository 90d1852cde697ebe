"""How a computation ended. The value is the sentence shown to the user."""

from __future__ import annotations

from enum import Enum


class Status(Enum):
    """Only ``SOLVED`` counts as a number, is plotted as a value, or is cached as done."""

    RUNNING = "Still running."
    SOLVED = "Finished: the numbers are complete."
    NOT_SOLVED = "Finished without an answer."
    STOPPED = "Stopped before the end; the same command continues where it was."
    FAILED = "Failed; no number of it is kept."

    @property
    def key(self) -> str:
        """``solved``, ``not_solved``, ...: the word stored in files."""
        return self.name.lower()

    @classmethod
    def of(cls, key: str) -> Status:
        """The status stored as ``key``."""
        return cls[key.upper()]
