"""What a killed driver had already been told: the arrays of finished items, on disk until the run is complete."""

from __future__ import annotations

import os
import re
import shutil
import sys
import time
import zipfile
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from limitlab._core.errors import RangeError
from limitlab._core.files import atomic_file, canonical_json, content_hash, write_text
from limitlab._core.home import home

if TYPE_CHECKING:
    import numpy as np

_NUMERICS = 1  # raised when a change of limitlab changes what tasks return
_OURS = re.compile(r"[0-9a-f]{32}")
_FORGOTTEN_SECONDS = 14 * 86_400.0


class Finished:
    """The results of one run's items, each in a file of its own.

    The folder is named by a hash of ``about`` and the version of limitlab, so the same command finds what it had, and no other does.
    Whatever runs under LIMITLAB_HOME nobody went on with for 14 days is removed when another begins.

    Parameters
    ----------
    folder
        Where such runs are kept; None: ``engine`` under LIMITLAB_HOME.
    about
        Everything that decides the results, and how items are cut: plain values as for JSON.

    Examples
    --------
    >>> import numpy as np, tempfile
    >>> done = Finished(tempfile.mkdtemp(), {"what": "squares", "n": 3})
    >>> done.put(2, {"square": np.array([4])})
    >>> done.get(2)["square"], done.get(0)
    (array([4]), None)
    >>> done.clear()
    """

    def __init__(self, folder: str | Path | None, about: dict[str, Any]) -> None:
        self.about = {**about, "limitlab": str(sys.modules["limitlab"].__version__), "numerics": _NUMERICS}
        self.folder = (home() / "engine" if folder is None else Path(folder)) / content_hash(self.about, length=32)
        with suppress(OSError):  # not there yet
            os.utime(self.folder)
        if folder is None:
            _clear_forgotten(self.folder.parent)

    def get(self, index: int) -> dict[str, np.ndarray] | None:
        """The arrays of an item; None where there are none, or where the file is not whole."""
        import numpy as np

        path = self._path(index)
        try:
            with np.load(path, allow_pickle=False) as arrays:
                return {name: arrays[name] for name in arrays.files}
        except (OSError, EOFError, ValueError, KeyError, zipfile.BadZipFile):
            return None

    def put(self, index: int, arrays: dict[str, np.ndarray]) -> None:
        """Keep the arrays of an item: after a kill they are all there, or the item is missing.

        Raises
        ------
        ValueError
            An array holds Python objects.
        """
        import numpy as np

        if wrong := [name for name, array in arrays.items() if np.asarray(array).dtype.hasobject]:
            raise ValueError(f"arrays of numbers or texts are kept; {wrong[0]!r} holds Python objects")
        if not self.folder.is_dir():
            write_text(self.folder / "about.json", canonical_json(self.about) + "\n")  # for those who wonder what this folder is
        with atomic_file(self._path(index)) as out:
            np.savez(out, **arrays)  # type: ignore[arg-type]

    def clear(self) -> None:
        """The run is complete, or its results are not wanted any more: forget them."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _path(self, index: int) -> Path:
        if index < 0:
            raise RangeError.of("Finished", "index", ">= 0", index=index)
        return self.folder / f"{index}.npz"


def _clear_forgotten(folder: Path) -> None:
    """Remove the runs that nobody went on with."""
    with suppress(OSError):
        for run in [p for p in folder.iterdir() if _OURS.fullmatch(p.name)]:
            with suppress(OSError):  # somebody else is faster, or it is not ours to remove
                if (run / "about.json").is_file() and time.time() - run.stat().st_mtime > _FORGOTTEN_SECONDS:
                    shutil.rmtree(run)
