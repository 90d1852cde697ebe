"""Where limitlab keeps its state: ``LIMITLAB_HOME``, or the platform's data folder."""

from __future__ import annotations

import os
from pathlib import Path


def home() -> Path:
    """The state folder (ledger, embedding cache, artefacts). Created when missing."""
    given = os.environ.get("LIMITLAB_HOME")
    if given:
        path = Path(given).expanduser()
    else:
        from platformdirs import user_data_path

        path = user_data_path("limitlab", appauthor=False)
    path.mkdir(parents=True, exist_ok=True)
    return path
