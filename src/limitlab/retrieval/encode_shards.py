"""Texts in parts to vectors in shards: one item a shard, the model loaded once a worker, each finished shard kept."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from limitlab._core.checks import choice, whole
from limitlab._core.errors import DataError, InvalidArgument, LimitlabError, RangeError
from limitlab._core.files import canonical_json, content_hash, read_json, write_text
from limitlab._core.progress import SILENT, Progress
from limitlab._core.provenance import Stopwatch
from limitlab._core.texts import TextList, TextPart
from limitlab.engine import kept
from limitlab.retrieval.encoding import encode_missing
from limitlab.retrieval.protocol import Retriever
from limitlab.retrieval.registry import build
from limitlab.search import normalised
from limitlab.search.part_map import map_parts
from limitlab.search.shard_writing import FORMATS, clear_shards, finished_shard, write_manifest, write_shard
from limitlab.search.shards import DTYPES, MANIFEST, UNFINISHED

_WHO = "encode"
_BLOCK, _LEAST_BLOCK = 1024, 16  # texts given to the model together
_SCHEMA = "limitlab.encoding/1"
SHARD_DOCS = 32_768


@dataclass(frozen=True)
class EncodingPlan:
    """What vectors to make.

    Attributes
    ----------
    kind
        document | query, which decides prompt, adapter and precision.
    dtype
        float32, float16, or int8 with one float32 scale a vector.
    format
        npy | parquet.
    dim
        Only the first so many values, >= 1; None: all.
    normalise
        Scale every vector (after it was cut) to unit length before it is stored.
    """

    kind: str = "document"
    dtype: str = "float32"
    format: str = "npy"
    dim: int | None = None
    normalise: bool = False

    def __post_init__(self) -> None:
        choice(_WHO, "kind", self.kind, ("document", "query"))
        choice(_WHO, "dtype", self.dtype, DTYPES)
        choice(_WHO, "format", self.format, FORMATS)
        if self.dim is not None:
            whole(_WHO, "dim", self.dim, low=1)


@dataclass(frozen=True)
class EncodedShards:
    """What was made.

    Attributes
    ----------
    folder
        Where it is; ``open_shards`` reads it.
    rows, dim, dtype, bytes
        Of all shards together; bytes on disk, ids included.
    shards, encoded
        Shards there are, and how many were encoded now: the others were there.
    seconds
        This took, now.
    """

    folder: str
    rows: int
    dim: int
    dtype: str
    bytes: int
    shards: int
    encoded: int
    seconds: float

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)


def encode_shards(
    parts: Sequence[TextPart],
    model: str | Retriever,
    folder: str | Path,
    plan: EncodingPlan = EncodingPlan(),
    *,
    overwrite: bool = False,
    progress: Progress = SILENT,
) -> EncodedShards:
    """Encode each part into a shard of its own, on the current engine; what was finished before is not encoded again.

    A shard is complete when its files are in place, with the rows and of the texts of its part; a part whose texts have changed is
    encoded again. A folder of other settings (model, prompts, precision, kind, dimension, type) is refused.

    Parameters
    ----------
    model
        A retriever with one vector a text, or its name: dense, static, token sums, remote.
    overwrite
        Delete the shards of a folder of other settings first.

    Raises
    ------
    InvalidArgument
        The retriever has no vectors; the folder holds something else, or vectors of other settings.
    DataError
        Some parts could not be encoded; the others are kept.
    """
    folder = Path(folder)
    retriever = build(model)
    if not callable(getattr(retriever, "encode", None)):
        raise InvalidArgument(f"{_WHO}: the model must give one vector a text, such as minilm; got {retriever.name!r}.")
    rows = sum(p.rows for p in parts)
    config = {k: v for k, v in retriever.config(rows).items() if k not in ("why_this_precision", "label")}
    settings = {**asdict(plan), "model": config}
    _begin(folder, settings, overwrite=overwrite)
    there = [finished_shard(folder, n, rows=p.rows, texts=p.digest) for n, p in enumerate(parts)]
    todo = [_Shard(n, p, _BLOCK) for n, p in enumerate(parts) if there[n] is None]
    job = _Job(model, config.get("document_precision", "auto"), content_hash(settings, length=32), str(folder.absolute()), plan)
    with Stopwatch() as watch:
        if todo:
            (folder / MANIFEST).unlink(missing_ok=True)  # until all shards are there again
        made = map_parts(
            _WHO, _encode_shard, todo, shared=job, label=f"encode {plan.kind}s", weights=[s.part.rows for s in todo], smaller=_smaller,
            must="every part of the texts must be readable and have finite vectors", keeps=True, progress=progress,
        )  # fmt: skip
        for _ in made:
            pass
    entries = [finished_shard(folder, n, rows=p.rows, texts=p.digest) for n, p in enumerate(parts)]
    lost = [n for n, e in enumerate(entries) if e is None]
    if lost:
        raise DataError(
            f"{_WHO}: every shard must be in {folder}; {len(lost)} are not: workers must write to the same disk as this machine."
        )
    found = [e for e in entries if e is not None]
    dims = sorted({e["dim"] for e in found})
    if len(dims) != 1:
        raise DataError(f"{_WHO}: all shards must have one dimension; they have {dims}.")
    write_manifest(folder, found, dtype=plan.dtype, about={"kind": plan.kind, "normalised": plan.normalise, "model": config})
    size = sum(e["bytes"] for e in found)
    return EncodedShards(str(folder), rows, dims[0], plan.dtype, size, len(parts), len(todo), watch.seconds)


def _begin(folder: Path, settings: dict[str, Any], *, overwrite: bool) -> None:
    """Make the folder ours, or see that it is."""
    mark = folder / UNFINISHED
    if folder.exists() and not folder.is_dir():
        raise InvalidArgument(f"{_WHO}: the output must be a folder; {folder} is a file.")
    if folder.is_dir() and any(folder.iterdir()) and not mark.is_file():
        raise InvalidArgument(f"{_WHO}: the output folder must be new, or hold vectors made by encode; {folder} holds something else.")
    wanted = json.loads(canonical_json(settings))
    if mark.is_file():
        before = read_json(mark)
        found = before.get("settings") if isinstance(before, dict) else None
        if found == wanted:
            return
        if not overwrite:
            raise InvalidArgument(
                f"{_WHO}: {folder} holds vectors of other settings: {_differences(found, wanted)}. Choose another -o, or --overwrite."
            )
        clear_shards(folder)
    write_text(mark, json.dumps({"schema": _SCHEMA, "settings": wanted}, indent=1, ensure_ascii=False) + "\n")


def _differences(found: Any, wanted: dict[str, Any]) -> str:
    """``dtype float16, now int8; ...``, the settings of the model one by one."""

    def flat(settings: Any) -> dict[str, Any]:
        given = settings if isinstance(settings, dict) else {}
        own = given.get("model")
        return {k: v for k, v in given.items() if k != "model"} | {
            f"model {k}": v for k, v in (own if isinstance(own, dict) else {}).items()
        }

    one, other = flat(found), flat(wanted)
    return "; ".join(f"{k} {one.get(k)!r}, now {other.get(k)!r}" for k in sorted({*one, *other}) if one.get(k) != other.get(k))


@dataclass(frozen=True)
class _Job:
    """What is the same for all shards."""

    model: str | Retriever
    precision: str
    key: str
    folder: str
    plan: EncodingPlan


@dataclass(frozen=True)
class _Shard:
    """A part of the texts, the number of its shard, and texts a block."""

    number: int
    part: TextPart
    block: int

    def __str__(self) -> str:
        return str(self.part)


def _encode_shard(job: _Job, shard: _Shard) -> dict[str, np.ndarray]:
    """Encode and write one shard; what it returns is only that it is done."""
    model, precision = job.model, job.precision
    retriever: Any = kept(("encode", job.key), lambda: build(model, precision=precision)) if isinstance(model, str) else model
    ids, texts = shard.part.read()
    out: list[np.ndarray] = []

    def encode(given: list[str]) -> tuple[np.ndarray]:
        return (np.asarray(retriever.encode(given, job.plan.kind)),)

    def keep(block: np.ndarray, made: np.ndarray) -> None:
        if made.ndim != 2 or len(made) != block.size:
            raise InvalidArgument(f"{_WHO}: the model must give one vector a text; got shape {made.shape} for {block.size} texts.")
        full = made.shape[1]
        if job.plan.dim is not None and job.plan.dim > full:
            raise RangeError(f"{_WHO}: dim must be at most the model's dimension, {full}; got dim={job.plan.dim}.")
        dim = job.plan.dim or full
        if not out:
            out.append(np.empty((len(texts), dim), np.float32))
        out[0][block] = normalised(made, dim) if job.plan.normalise else made[:, :dim]

    try:
        encode_missing(
            TextList(ids, texts),
            np.arange(len(texts)),
            encode,
            keep,
            block=shard.block,
            label=str(shard),
            kind=job.plan.kind,
            progress=SILENT,
        )
        write_shard(Path(job.folder), shard.number, out[0], ids, dtype=job.plan.dtype, form=job.plan.format, texts=shard.part.digest)
    except LimitlabError as error:
        raise DataError(f"{shard}: {error}") from error
    return {}


def _smaller(shard: _Shard) -> _Shard | None:
    """The same with half the texts at a time."""
    return replace(shard, block=shard.block // 2) if shard.block >= 2 * _LEAST_BLOCK else None
