"""The command ``limitlab``: verbs, one sentence for an error, exit codes.

0 answered; 1 refused or failed; 2 usage; 3 finished and the answer is no; 130 stopped by Ctrl-C.
"""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer

from limitlab import __version__
from limitlab._core.errors import LimitlabError
from limitlab.cli import (
    bounds,
    capacity,
    critical_n,
    demo,
    diagnose,
    doctor,
    encode,
    estimate,
    evaluate,
    free,
    gate,
    make,
    models,
    place,
    report,
    reproduce,
    runs,
    serve,
    train,
    verify,
)

app = typer.Typer(
    name="limitlab",
    help="How far can single-vector embedding retrieval take my task, and where is my recall going?",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    add_completion=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
app.command("demo")(demo.demo)
app.add_typer(make.app, name="make")
app.command("encode")(encode.encode_command)
app.command("eval")(evaluate.evaluate_command)
app.command("gate")(gate.gate_command)
app.command("diagnose")(diagnose.diagnose_command)
app.add_typer(estimate.app, name="estimate")
app.command("bounds")(bounds.bounds_command)
app.command("free")(free.free)
app.command("place")(place.place_command)
app.command("critical-n")(critical_n.critical_n_command)
app.command("capacity")(capacity.capacity_command)
app.command("verify")(verify.verify)
app.command("train")(train.train_command)
app.command("report")(report.report)
app.add_typer(reproduce.app, name="reproduce")
app.add_typer(runs.app, name="runs")
app.command("serve")(serve.serve_command)
app.command("models")(models.models)
app.command("doctor")(doctor.doctor)


def _version(wanted: bool) -> None:
    if wanted:
        sys.stdout.write(f"limitlab {__version__}\n")
        raise typer.Exit


@app.callback()
def _root(
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
    version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")] = False,
) -> None:
    if debug:
        os.environ["LIMITLAB_DEBUG"] = "1"


def run() -> None:
    """Entry point of the console script."""
    if "--debug" in sys.argv[1:]:  # also after the verb, where people put it
        os.environ["LIMITLAB_DEBUG"] = "1"
        sys.argv = [a for a in sys.argv if a != "--debug"]
    try:
        code = app(standalone_mode=False)
        if code == 130:  # typer turns Ctrl-C into this exit code
            _stopped()
    except LimitlabError as error:
        _show(error, f"{type(error).__name__}: {error}")
        code = 1
    except KeyboardInterrupt:
        code = _stopped()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 0
    except OSError as error:  # a full disk, a folder without permission: the system's own words
        _show(error, f"OSError: {error}")
        code = 1
    except Exception as error:  # usage errors come from two generations of click; anything else is a bug and is shown whole
        if not hasattr(error, "exit_code") or not hasattr(error, "format_message"):
            if type(error).__name__ == "Abort":
                sys.exit(_stopped())
            raise
        context = getattr(error, "ctx", None)
        sys.stderr.write(f"{error.format_message()}\nSee: {context.command_path if context else 'limitlab'} --help\n")
        code = error.exit_code
    sys.exit(code if isinstance(code, int) else 0)


def _stopped() -> int:
    """Say that Ctrl-C was seen. What keeps its parts in the ledger continues where it was; what writes one output begins again."""
    continues = bool({"encode", "eval", "gate", "critical-n", "reproduce", "train"} & set(sys.argv[1:2]))
    again = "The same command continues where it was." if continues else "Nothing unfinished was left behind."
    sys.stderr.write(f"Stopped. {again}\n")
    return 130


def _show(error: BaseException, sentence: str) -> None:
    if os.environ.get("LIMITLAB_DEBUG"):
        import traceback

        traceback.print_exception(error)
    sys.stderr.write(sentence + "\n")
