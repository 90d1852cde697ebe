"""Write docs/cli.md from the commands' own --help; ``--check`` only says whether it is current."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
_COMMAND = re.compile(r"^  ([a-z][a-z-]*)  +(.*)$", re.MULTILINE)
_SAME = "The same as: "  # commands that are another name for one that is shown


def shown(verb: list[str]) -> list[tuple[list[str], str]]:
    """(verb, its --help) of a command and of all below it, as the help lists them."""
    environment = {**os.environ, "COLUMNS": "100", "TERM": "dumb", "NO_COLOR": "1", "_TYPER_FORCE_DISABLE_TERMINAL": "1"}
    code = "import sys; sys.argv[0] = 'limitlab'; from limitlab.cli.main import run; run()"
    done = subprocess.run([sys.executable, "-c", code, *verb, "--help"], capture_output=True, text=True, check=True, env=environment)
    out = [(verb, done.stdout.strip("\n"))]
    for name, says in _COMMAND.findall(done.stdout.partition("\nCommands:\n")[2]):
        out += [] if says.startswith(_SAME) else shown([*verb, name])
    return out


def page() -> str:
    """The whole page."""
    parts = ["# Command line", "", "Generated from `--help` by `python docs/build_cli.py`; a test checks that it is current.", ""]
    parts += ["Exit codes: 0 answered; 1 refused or failed; 2 usage; 3 finished and the answer is no; 130 stopped by Ctrl-C.", ""]
    parts += ["Standard output is the answer, standard error is progress; every verb but `serve` has `--json`. State lives under `LIMITLAB_HOME`.", ""]
    for verb, text in shown([]):
        parts += [f"## `{' '.join(['limitlab', *verb])}`", "", "```", text, "```", ""]
    return "\n".join(line.rstrip() for line in "\n".join(parts).split("\n"))


def main() -> int:
    """Write the page, or compare it."""
    path = HERE / "cli.md"
    text = page()
    if "--check" in sys.argv[1:]:
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            sys.stderr.write("docs/cli.md is not current; run: python docs/build_cli.py\n")
            return 1
        return 0
    path.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
