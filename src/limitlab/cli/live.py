"""The rows of a search for the critical n while it runs, on standard error."""

from __future__ import annotations

import time
from types import TracebackType
from typing import TYPE_CHECKING

from rich.console import Console
from rich.live import Live
from rich.table import Table

if TYPE_CHECKING:
    from limitlab.free.result import CriticalN

_LINE_EVERY_SECONDS = 10.0


class LiveRows:
    """A table that grows, on a terminal; elsewhere a line for every finished row, and a sign of life every ten seconds.

    Parameters
    ----------
    several
        Whether there is more than one seed, which then is named.
    """

    def __init__(self, *, several: bool, console: Console | None = None) -> None:
        self._console = console or Console(stderr=True)
        self._several = several
        self._rows: dict[tuple[int, int | None], CriticalN] = {}
        self._live = Live(console=self._console, transient=True, auto_refresh=False) if self._console.is_terminal else None
        self._last = time.monotonic()

    def __enter__(self) -> LiveRows:
        if self._live is not None:
            self._live.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._live is not None:
            self._live.stop()

    def update(self, row: CriticalN) -> None:
        """Show a row, unfinished or finished."""
        self._rows[row.dim, row.seed] = row
        if self._live is not None:
            self._live.update(self._table(), refresh=True)
        elif row.status.key != "running" or time.monotonic() - self._last > _LINE_EVERY_SECONDS:
            self._last = time.monotonic()
            who = f"d = {row.dim}" + (f", seed {row.seed}" if self._several else "")
            self._console.print(f"{who}: {row.status.key.replace('_', ' ')}: {row.message}", markup=False, highlight=False, soft_wrap=True)

    def _table(self) -> Table:
        head = ["dim", *(["seed"] if self._several else []), "status", "solved", "least failed", "n tried", "steps", "seconds"]
        table = Table(*head, box=None, pad_edge=False, header_style="bold")
        height = max(self._console.size.height - 3, 3)
        for row in list(self._rows.values())[-height:]:
            seed = [str(row.seed)] if self._several else []
            found = [row.critical_n, row.least_failed, len(row.trials), sum(t.steps for t in row.trials), round(row.seconds, 1)]
            table.add_row(str(row.dim), *seed, row.status.key.replace("_", " "), *("" if v is None else f"{v:,}" for v in found))
        return table
