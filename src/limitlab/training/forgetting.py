"""What training takes away: a small general set that ships with limitlab, or one the user names, measured before and after."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

from limitlab.data import Dataset, load

SHIPPED, NONE = "shipped", "none"
GENERAL_NAME = "general knowledge"


def general_folder() -> Path:
    """The folder of the shipped set: short passages on everyday general knowledge with questions that do not copy their words.

    Written for limitlab and free to use for any purpose. A dataset folder like any other: ``limitlab.load`` opens it.
    """
    return Path(str(resources.files("limitlab.training").joinpath("general")))


def general_data(given: str | Path | Dataset | None = SHIPPED) -> Dataset | None:
    """The held-out set for forgetting.

    Parameters
    ----------
    given
        "shipped", "none" (or None), a dataset folder, or a Dataset.
    """
    if isinstance(given, Dataset):
        return given
    if given is None or given == NONE:
        return None
    if given == SHIPPED:
        return load(general_folder(), name=GENERAL_NAME)
    return load(given)
