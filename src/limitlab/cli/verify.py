"""``limitlab verify``: prove certificates again."""

from __future__ import annotations

import sys
from pathlib import Path
from time import perf_counter
from typing import Annotated, Any

import typer

from limitlab._core.errors import EngineError, InvalidArgument, LimitlabError
from limitlab.cli.options import Dims, EngineName, JsonFlag, Workers, answer, answer_json, parse_dims
from limitlab.cli.progress import Bars


def verify(
    files: Annotated[list[Path], typer.Argument(help="Certificate files.", metavar="[FILE]...")] = [],  # noqa: B006
    shipped: Annotated[bool, typer.Option("--shipped", help="Those that come with limitlab, or those of --dim.")] = False,
    dim: Dims = None,
    k: Annotated[int | None, typer.Option("--k", help="With --shipped: only those that hold for sets of this size.")] = None,
    construction: Annotated[
        str | None, typer.Option("--construction", help="With --shipped: harmonic-frame, dual-bch, kerdock, ...")
    ] = None,
    engine: EngineName = None,
    workers: Workers = None,
    json: JsonFlag = False,
) -> None:
    """Prove the claim of certificates again, from its definition; exit 3 when one is refused, 1 when a file cannot be read."""
    from limitlab._core.checks import choice
    from limitlab.capacity import shipped as shipped_certificates
    from limitlab.capacity import verify as check
    from limitlab.engine import using

    if bool(files) == shipped:
        raise InvalidArgument("limitlab verify: either certificate files or --shipped must be given; got both or neither.")
    if not shipped and (dim, k, construction) != (None, None, None):
        raise InvalidArgument("limitlab verify: --dim, --k and --construction must come with --shipped; a file is checked whole.")
    dims = parse_dims(dim)
    if shipped:
        known = shipped_certificates()
        if construction is not None:
            choice("limitlab verify", "--construction", construction, {c.construction["kind"] for c in known})
        chosen = [
            c
            for c in known
            if (dims is None or c.dim in dims)
            and (k is None or c.k == k or (c.k > k and c.construction["kind"] in ("dual-bch", "kerdock")))
            and construction in (None, c.construction["kind"])
        ]
        if not chosen:
            raise InvalidArgument(f"limitlab verify: --dim and --k must name shipped certificates; got none for dim {dim}, k {k}.")
        work: list[tuple[str, Any]] = [(c.name, c.to_dict()) for c in chosen]
    else:
        work = [(str(path), path) for path in files]
    verdicts: list[dict[str, Any]] = []
    unreadable: list[dict[str, str]] = []
    with using(engine, workers), Bars().task("verify", len(work)) as bar:
        for name, source in work:
            start = perf_counter()
            try:
                verdict = check(source)
            except EngineError:  # says nothing of a certificate, and the next would fail as well
                raise
            except (LimitlabError, OSError) as error:  # the others are checked all the same
                unreadable.append({"name": name, "problem": str(error)})
                sys.stderr.write(f"{type(error).__name__}: {error}\n")
                bar.advance()
                continue
            verdicts.append({"name": name, "seconds": round(perf_counter() - start, 3), **verdict.to_dict()})
            if not json:
                answer(f"{'verified' if verdict.verified else 'REFUSED'}  {name}: {verdict.reason} ({perf_counter() - start:.1f} s)")
            bar.advance()
    good = all(v["verified"] for v in verdicts) and not unreadable
    if json:
        answer_json({"schema": "limitlab.verify/1", "verified": good, "certificates": verdicts, "unreadable": unreadable})
    raise typer.Exit(1 if unreadable else 0 if good else 3)
