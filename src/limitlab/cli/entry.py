"""Where the console script begins: a Ctrl-C while modules are loaded ends as quietly as a later one."""

from __future__ import annotations

import sys

from limitlab._core.thread_rest import rest_soon


def run() -> None:
    """Load the command and run it."""
    rest_soon()
    try:
        from limitlab.cli.main import run as command

        command()
    except KeyboardInterrupt:
        sys.stderr.write("Stopped. Nothing had begun.\n")
        sys.exit(130)
