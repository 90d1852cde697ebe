"""A corpus on disk to vectors in shards: for corpora that one machine's memory, or one sitting, does not hold."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from limitlab._core.checks import whole
from limitlab._core.progress import SILENT, Progress
from limitlab.data.formats.text_parts import source_note, text_parts
from limitlab.engine import Engine, using
from limitlab.retrieval import Retriever
from limitlab.retrieval.encode_shards import SHARD_DOCS, EncodedShards, EncodingPlan, encode_shards, model_with_vectors, recorded_shard_docs


def encode_corpus(
    source: str | Path,
    model: str | Retriever,
    folder: str | Path,
    *,
    kind: str = "document",
    dtype: str = "float32",
    format: str = "npy",
    dim: int | None = None,
    normalise: bool = False,
    shard_docs: int | None = None,
    overwrite: bool = False,
    engine: str | Engine | None = None,
    progress: Progress = SILENT,
) -> EncodedShards:
    """Encode texts into a folder of vectors that ``eval``, ``diagnose`` and ``exact_search`` read without loading it.

    Texts are read, encoded and written shard by shard, by workers where the engine has some; a run that was killed goes on where it was.

    Parameters
    ----------
    source
        A dataset folder, a folder or pattern of JSON-lines or parquet files, or one file; see ``text_parts``.
    model
        minilm, a model's id or folder, static:path=FOLDER, token-sums:tokens=words, ...: any retriever with one vector a text.
    folder
        Where the shards go; new, or one that the same call began.
    kind, dtype, format, dim, normalise
        See EncodingPlan.
    shard_docs
        Texts a shard at most, >= 1: what a kill can lose, and what a worker holds. None: as the folder was begun, else 32,768.
    overwrite
        Replace vectors of other settings.
    engine
        As in ``limitlab.engine.using``.

    Raises
    ------
    InvalidArgument, DataError
        See ``text_parts`` and ``encode_shards``.

    Examples
    --------
    >>> encode_corpus("my-beir-folder", "minilm", "vectors", dtype="float16")  # doctest: +SKIP
    """
    plan = EncodingPlan(kind, dtype, format, dim, normalise)
    size = whole("encode", "shard_docs", shard_docs, low=1) if shard_docs is not None else recorded_shard_docs(folder) or SHARD_DOCS
    with using(engine):
        model_with_vectors(model, plan)  # what is wrong with it is told before a large corpus is gone through
        note = source_note(source, kind)
        parts = text_parts(source, size=size, kind=kind, progress=progress)
        made = encode_shards(parts, model, folder, plan, overwrite=overwrite, shard_docs=size, progress=progress)
    return replace(made, notes=(note,)) if note else made
