"""Options that all of ``limitlab estimate`` share, and what they say together."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from limitlab._core.errors import InvalidArgument, RangeError
from limitlab.cli.options import parse_count

if TYPE_CHECKING:
    from limitlab.estimation import Encoding, MachineProfile, Means

WHO = "limitlab estimate"
NDocs = Annotated[str | None, typer.Option("--n-docs", help="Number of documents: 100000000, 100e6 or 2^30; nothing need exist.")]
NQueries = Annotated[str | None, typer.Option("--n-queries", help="Number of queries.")]
Relevant = Annotated[float | None, typer.Option("--relevant-per-query", help="Mean number of relevant documents; default 2.")]
TokensPerDoc = Annotated[float | None, typer.Option("--tokens-per-doc", help="Mean length of documents; default 120, of 4 characters.")]
Docs = Annotated[str | None, typer.Option("--docs", help="Document vectors: .npy, .npz or .parquet.")]
Queries = Annotated[str | None, typer.Option("--queries", help="Query vectors.")]
TextsPerSecond = Annotated[
    float | None, typer.Option("--texts-per-second", help="Speed of the encoder that you measured elsewhere, a GPU or a service.")
]
Engine = Annotated[str, typer.Option("--engine", help="local, local:WORKERS, ray or ray://HOST:PORT; nothing is started.")]
Workers = Annotated[
    int | None,
    typer.Option("--workers", help="Tasks of one core at one time, of critical-n; eval and diagnose use all cores. [one a core]"),
]
Machines = Annotated[int | None, typer.Option("--machines", help="So many machines like this one (or --machine's), on ray. [1]")]
Machine = Annotated[Path | None, typer.Option("--machine", help="A machine profile (JSON) instead of measuring this machine.")]
PricePerHour = Annotated[float | None, typer.Option("--price-per-hour", help="Of one machine like the measured one.")]
PricePerMillion = Annotated[float | None, typer.Option("--price-per-million", help="Of a million tokens sent to a service.")]
Fresh = Annotated[bool, typer.Option("--fresh", help="Measure the machine again; otherwise once a day.")]


def profile_of(path: Path | None, fresh: bool) -> MachineProfile:
    """The profile in a file, or that of this machine."""
    from limitlab.cli.progress import Bars
    from limitlab.estimation import measure_machine, read_profile, stored_profile

    if path is not None:
        if fresh:
            raise InvalidArgument(f"{WHO}: --fresh measures this machine and --machine takes another's profile; got both. Leave one out.")
        return read_profile(path)
    return stored_profile(lambda: measure_machine(progress=Bars()), fresh=fresh)


def means_of(workers: int | None, machines: int | None, engine: str, hour: float | None, million: float | None = None) -> Means:
    """Workers, machines, engine and prices, checked."""
    from limitlab.estimation import Means

    return Means(workers, engine, hour, million, machines)


def counts(n_docs: str | None, n_queries: str | None) -> dict[str, Any]:
    """Both as whole numbers."""
    return {"n_docs": count(n_docs, "--n-docs"), "n_queries": count(n_queries, "--n-queries")}


def count(text: str | None, option: str) -> int | None:
    """A number of things; RangeError, in one short sentence, where it is none that anybody has."""
    from limitlab.estimation.sizes import MOST_DOCS

    try:
        value = parse_count(text, option)
    except RangeError:
        value = 0
    if value is not None and not 1 <= value <= MOST_DOCS:
        raise RangeError(f"{WHO}: {option} must be a positive whole number up to 10^13, such as 50000000 or 50e6; got {text!r}.")
    return value


def encoding_of(model: str, data: Any, tokens: float | None, texts_per_second: float | None, precision: str = "auto") -> Encoding:
    """As stated, or measured on the dataset's documents, or on texts of the stated length."""
    from limitlab.estimation import encode_cost
    from limitlab.estimation.sizes import Sizes

    if texts_per_second is not None:
        return encode_cost.stated(texts_per_second)
    made_up = data is None
    texts = data.docs if not made_up else encode_cost.texts_of_length(Sizes.tokens_per_doc if tokens is None else tokens)
    return encode_cost.measured(model, texts, precision=precision, made_up=made_up)
