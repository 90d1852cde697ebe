"""Progress bars on standard error, by rich."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn


class _Task:
    def __init__(self, bars: Progress, number: Any) -> None:
        self._bars, self._number = bars, number

    def advance(self, units: float = 1) -> None:
        """So many more units are done."""
        self._bars.advance(self._number, units)


class Bars:
    """Shows bars while work runs; silent when standard error is not a terminal, apart from what is said."""

    def __init__(self, *, quiet: bool = False) -> None:
        self._console = Console(stderr=True, quiet=quiet)
        self._open: Progress | None = None

    @contextmanager
    def task(self, label: str, total: float | None = None) -> Iterator[_Task]:
        """A bar from 0 to ``total``; a spinner when the total is not known."""
        outermost = self._open is None
        if outermost:
            columns = (
                SpinnerColumn(),
                TextColumn("{task.description}"),
                BarColumn(),
                MofNCompleteColumn(),
                TimeElapsedColumn(),
                TimeRemainingColumn(),
            )
            self._open = Progress(*columns, console=self._console, transient=True, disable=not self._console.is_terminal)
            self._open.start()
        bars = self._open
        assert bars is not None
        number = bars.add_task(label, total=total)
        try:
            yield _Task(bars, number)
        finally:
            bars.remove_task(number)
            if outermost:
                bars.stop()
                self._open = None

    def say(self, line: str) -> None:
        """One line on standard error."""
        self._console.print(line, markup=False, highlight=False, soft_wrap=True)
