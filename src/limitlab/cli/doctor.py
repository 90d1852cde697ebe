"""``limitlab doctor``: what is installed, what answers, what this machine has."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from limitlab._core.errors import InvalidArgument
from limitlab.cli.options import JsonFlag, answer, answer_json

if TYPE_CHECKING:
    from limitlab.retrieval.checkup import Checkup


def doctor(
    need: Annotated[
        str | None, typer.Option("--need", help="Exit with 3 unless these are there: extras, services, keys, cuda, bf16. models,qdrant")
    ] = None,
    url: Annotated[list[str], typer.Option("--url", help="A service's address: qdrant=http://localhost:6333. Repeat for more.")] = [],  # noqa: B006
    timeout: Annotated[float, typer.Option("--timeout", help="Seconds a service has to answer.")] = 1.0,
    json: JsonFlag = False,
) -> None:
    """Show which extras are installed, which services answer, and what this machine has."""
    from limitlab.retrieval.checkup import checkup

    found = checkup(_addresses(url), timeout=timeout)
    unmet = found.unmet([n.strip() for n in (need or "").split(",") if n.strip()])
    if json:
        answer_json({**found.to_dict(), "unmet": unmet})
    else:
        _show(found)
        for problem in unmet:
            answer(f"needed: {problem}")
    raise typer.Exit(3 if unmet else 0)


def _addresses(pairs: list[str]) -> dict[str, str]:
    out = {}
    for pair in pairs:
        name, sign, address = pair.partition("=")
        if not sign or not address:
            raise InvalidArgument(
                "--url: NAME=ADDRESS is expected, such as qdrant=http://localhost:6333."
            )  # not shown: it may hold a password
        out[name.strip()] = address.strip()
    return out


def _show(found: Checkup) -> None:
    from limitlab.cli.tables import plain_table

    extras = [
        (e.name, "yes" if e.installed else "no", ", ".join(f"{p} {v}" if v else f"{p} missing" for p, v in e.packages.items()), e.pip or "")
        for e in found.extras
    ]
    answer(plain_table(["extra", "installed", "packages", "to install"], extras))
    answer("")
    services = [(s.name, s.address or "", "yes" if s.reachable else "no", s.said) for s in found.services if s.address]
    if services:
        answer(plain_table(["service", "address", "answers", ""], services))
    unknown = [f"{s.name} ({s.variable})" for s in found.services if not s.address]
    if unknown:
        answer(f"no address given: {', '.join(unknown)}")
    keys = [name for name, there in found.keys.items() if there]
    answer(f"keys set: {', '.join(keys) or 'none'}; not set: {', '.join(n for n in found.keys if n not in keys) or 'none'}")
    answer("")
    m, d = found.machine, found.disk
    units = "has" if m["bf16_matrix_units"] else "no"
    disk = f"{d['free_gib']} GiB free" if d["writable"] else f"cannot be written to ({d['why']})"
    rows = [
        ("versions", ", ".join(f"{n} {v}" for n, v in found.versions.items())),
        ("processor", f"{m['cpu']}, {m['cores']} cores, {units} bfloat16 matrix instructions"),
        ("memory", f"{m['memory_gib']} GiB, {m['memory_available_gib']} GiB available"),
        ("torch", f"{found.device['torch'] or 'none'}: {found.device['device']} ({found.device['said']})"),
        ("LIMITLAB_HOME", disk),
        *((f"model {name}", said) for name, said in found.packaged.items()),
    ]
    answer(plain_table(["", ""], rows))
