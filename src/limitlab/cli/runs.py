"""``limitlab runs``: what was run, and how it ended."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from limitlab._core.checks import whole
from limitlab.cli.options import JsonFlag, answer, answer_json
from limitlab.cli.tables import plain_table

app = typer.Typer(help="List, show and remove runs.", invoke_without_command=True, rich_markup_mode=None)


@app.callback()
def list_runs(
    context: typer.Context,
    limit: Annotated[int, typer.Option("--limit", help="At most so many, newest first.")] = 20,
    json: JsonFlag = False,
) -> None:
    """List runs, newest first."""
    if context.invoked_subcommand is not None:
        return
    from limitlab.ledger import Ledger

    runs = Ledger().runs(limit=whole("limitlab runs", "--limit", limit, low=1))
    if json:
        answer_json({"schema": "limitlab.runs/1", "runs": [r.to_dict() for r in runs]})
    elif not runs:
        answer("No runs yet. Make one: limitlab demo")
    else:
        rows = [
            [r.id, r.kind, r.status.key, f"{r.n_solved}/{r.n_cells}", r.created[:19].replace("T", " "), _seconds(r.provenance), r.title]
            for r in runs
        ]
        answer(plain_table(["run", "kind", "status", "solved", "started (UTC)", "seconds", "title"], rows, right=(5,)))


@app.command("show")
def show(run: Annotated[str, typer.Argument(help="Run id, a unique start of one, or last.")] = "last", json: JsonFlag = False) -> None:
    """Show a run: its rows, settings and machine."""
    from limitlab.ledger import Ledger

    found = Ledger().run(run)
    table, result = _stored(found.kind, found.id)
    if json:
        answer_json(result)
        return
    answer(f"{found.id}  {found.kind}  {found.title}")
    answer(f"{found.status.key}: {found.message}")
    answer(table)
    if command := found.config.get("command"):
        answer("command: " + " ".join(command))
    for name in ("git_commit", "wall_seconds", "peak_memory_bytes", "machine", "versions"):
        if found.provenance.get(name) is not None:
            answer(f"{name.replace('_', ' ')}: {found.provenance[name]}")


def _stored(kind: str, run_id: str) -> tuple[str, Any]:
    """The table of a run, and the whole of it: what that is depends on the kind."""
    if kind in ("free", "critical-n"):
        from limitlab.cli.free_tables import stored_run

        return stored_run(kind, run_id)
    if kind == "diagnose":
        from limitlab.cli.diagnose import diagnosis_text
        from limitlab.diagnosis import load_diagnosis

        found = load_diagnosis(run_id)
        return diagnosis_text(found), found
    if kind == "train":
        from limitlab.cli.train import stored_training

        return stored_training(run_id)
    from limitlab.cli.tables import result_table
    from limitlab.evaluation import load_result

    result = load_result(run_id)
    return result_table(result), result


@app.command("rm")
def remove(
    runs: Annotated[list[str], typer.Argument(help="Run ids, or unique starts of them.", metavar="RUN...")], json: JsonFlag = False
) -> None:
    """Remove runs from the ledger; their files go with the next gc."""
    from limitlab.ledger import Ledger

    ledger = Ledger()
    ids = list(dict.fromkeys(ledger.resolve(r) for r in runs))
    for run_id in ids:
        ledger.remove(run_id)
    if json:
        answer_json({"schema": "limitlab.runs-rm/1", "removed": ids})
    else:
        answer(f"Removed {', '.join(ids)}. Free their files: limitlab runs gc")


@app.command("gc")
def collect(
    embeddings: Annotated[bool, typer.Option("--embeddings", help="Also delete all cached embeddings.")] = False,
    json: JsonFlag = False,
) -> None:
    """Delete files that no run needs."""
    from limitlab.ledger import Ledger
    from limitlab.retrieval.cache import clear_embeddings

    ledger = Ledger()
    files, freed = ledger.collect()
    if embeddings:
        for kept in ("embeddings", "scores", "answers"):  # of encoders, of cross-encoders, of services in runs that were stopped
            freed += clear_embeddings(ledger.folder / kept)
    if json:
        answer_json({"schema": "limitlab.runs-gc/1", "files": files, "bytes": freed})
    else:
        answer(f"Deleted {files} files no run needs{' and all cached embeddings' if embeddings else ''}; {freed / 2**20:.1f} MiB freed.")


def _seconds(provenance: dict) -> str:
    seconds = provenance.get("wall_seconds")
    return f"{seconds:.1f}" if seconds is not None else ""
