"""``limitlab encode``: texts to vectors in shards."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from limitlab.cli.options import EngineName, JsonFlag, Workers, answer, answer_json
from limitlab.cli.progress import Bars

_DTYPE = "float32, float16, or int8 with a scale a vector."


def encode_command(
    corpus: Annotated[
        str,
        typer.Argument(help="A dataset folder, JSON-lines or parquet files (a folder or a quoted pattern), or one file.", metavar="CORPUS"),
    ],
    model: Annotated[
        str, typer.Option("--model", "-m", help="minilm, a model's id or folder, static:path=FOLDER, token-sums:tokens=words.")
    ],
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder of the vectors; one that was begun is gone on with.")],
    queries: Annotated[bool, typer.Option("--queries", help="Encode the queries of CORPUS, as queries.")] = False,
    dtype: Annotated[str, typer.Option("--dtype", help=_DTYPE)] = "float32",
    form: Annotated[str, typer.Option("--format", help="npy or parquet.")] = "npy",
    dim: Annotated[int | None, typer.Option("--dim", help="Keep only the first so many values.")] = None,
    normalise: Annotated[bool, typer.Option("--normalise", help="Scale vectors to unit length before they are stored.")] = False,
    shard_docs: Annotated[
        int | None,
        typer.Option(
            "--shard-docs", help="Texts a shard at most: what a kill can lose. Unless given: as the folder was begun, else 32,768."
        ),
    ] = None,
    engine: EngineName = None,
    workers: Workers = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace vectors of other settings.")] = False,
    json: JsonFlag = False,
) -> None:
    """Encode a corpus of any size into a folder of vectors, shard by shard."""
    from limitlab.engine import using
    from limitlab.evaluation.encode_corpus import encode_corpus

    with using(engine, workers):
        made = encode_corpus(
            corpus, model, output, kind="query" if queries else "document", dtype=dtype, format=form, dim=dim, normalise=normalise,
            shard_docs=shard_docs, overwrite=overwrite, progress=Bars(),
        )  # fmt: skip
    if json:
        answer_json(made.to_dict())
        return
    what = "queries" if queries else "documents"
    answer(
        f"{made.rows:,} {what} in {made.shards:,} {_shards(made.shards)} of dimension {made.dim:,}, {made.dtype}, {made.bytes / 1e6:,.1f} MB: {made.folder}; "
        f"{made.encoded:,} {_shards(made.encoded)} encoded now"
    )
    if made.repaired:
        what_was = "its files were" if made.repaired == 1 else "their files were"
        answer(f"note: {made.repaired:,} {_shards(made.repaired)} encoded again: {what_was} missing or changed after they were written")
    for note in made.notes:
        answer(f"note: {note}")
    if not queries:
        answer(f'Next: limitlab eval DATASET -m "vectors:docs={made.folder},queries=QUERIES"')


def _shards(n: int) -> str:
    return "shard" if n == 1 else "shards"
