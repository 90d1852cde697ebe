"""Texts in parts to vectors in shards: one item a shard, the model loaded once a worker, each finished shard kept."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import closing
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
from limitlab.engine import current, kept
from limitlab.retrieval.encoding import encode_missing
from limitlab.retrieval.model_identity import differences, model_identity, without_labels
from limitlab.retrieval.protocol import Retriever
from limitlab.retrieval.registry import build
from limitlab.retrieval.sent_models import absolute_spec, refuse_keys_for_workers
from limitlab.retrieval.token_sums import TokenSums
from limitlab.search import normalised
from limitlab.search.part_map import map_parts
from limitlab.search.shard_writing import FORMATS, clear_shards, recorded_shard, unchanged, write_manifest, write_shard
from limitlab.search.shards import DTYPES, MANIFEST, UNFINISHED

_WHO = "encode"
_BLOCK, _LEAST_BLOCK = 1024, 16  # texts given to the model together
_PROBE = "Who likes probes?"
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
    shards, encoded, repaired
        Shards there are, how many were encoded now (the others were there), and how many of these had been encoded of the same texts
        before, but their files were missing or had been changed since.
    seconds
        This took, now.
    notes
        What a reader must know.
    """

    folder: str
    rows: int
    dim: int
    dtype: str
    bytes: int
    shards: int
    encoded: int
    seconds: float
    repaired: int = 0
    notes: tuple[str, ...] = ()

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
    shard_docs: int | None = None,
    progress: Progress = SILENT,
) -> EncodedShards:
    """Encode each part into a shard of its own, on the current engine; what was finished before is not encoded again.

    A shard is complete when its files are in place with the bytes they were written with, with the rows and of the texts of its part; a
    part whose texts have changed is encoded again. A folder of other settings (model, prompts, precision, kind, dimension, type, texts
    a shard) is refused.

    Parameters
    ----------
    model
        A retriever with one vector a text, or its name: dense, static, token sums, remote.
    overwrite
        Delete the shards of a folder of other settings first.
    shard_docs
        Texts a part at most, which is recorded; another number than before is refused. None: not known.

    Raises
    ------
    InvalidArgument
        The retriever has no vectors; the folder holds something else, or vectors of other settings.
    DataError
        Some parts could not be encoded; the others are kept.
    """
    folder = Path(folder)
    retriever = model_with_vectors(model, plan)
    rows = sum(p.rows for p in parts)
    config = without_labels(retriever.config(rows))
    settings = {**asdict(plan), "model": config}
    shard_docs = recorded_shard_docs(folder) if shard_docs is None else shard_docs
    wanted = _wanted(settings, shard_docs)
    goes_on = _goes_on(folder, wanted, overwrite=overwrite)
    precision = (config.get("inner") or config).get("document_precision", "auto")
    sent = absolute_spec(model) if isinstance(model, str) else model
    job = _Job(sent, precision, content_hash(settings, length=32), str(folder.absolute()), plan, rows, model_identity(config))
    there: list[dict[str, Any] | None] = [None] * len(parts)
    repaired = 0
    if goes_on:
        there, repaired = _there(folder, parts, progress)
    todo = [_Shard(n, p, _BLOCK) for n, p in enumerate(parts) if there[n] is None]
    with Stopwatch() as watch:
        if todo:
            _try_once(job)  # what is wrong with the options is not wrong with the texts
        if not goes_on:
            clear_shards(folder)
        write_text(folder / UNFINISHED, json.dumps(wanted, indent=1, ensure_ascii=False) + "\n")
        if todo:
            (folder / MANIFEST).unlink(missing_ok=True)  # until all shards are there again
        made = map_parts(
            _WHO, _encode_shard, todo, shared=job, label=f"encode {plan.kind}s", weights=[s.part.rows for s in todo], smaller=_smaller,
            must="every part of the texts must be readable and have finite vectors", keeps=True, progress=progress,
        )  # fmt: skip
        for _ in made:
            pass
    for shard in todo:
        there[shard.number] = recorded_shard(folder, shard.number, rows=shard.part.rows, texts=shard.part.digest)
    lost = [n for n, e in enumerate(there) if e is None]
    if lost:
        raise DataError(
            f"{_WHO}: every shard must be in {folder}; {len(lost)} are not: workers must write to the same disk as this machine."
        )
    found = [e for e in there if e is not None]
    dims = sorted({e["dim"] for e in found})
    if len(dims) != 1:
        raise DataError(f"{_WHO}: all shards must have one dimension; they have {dims}.")
    about = {"kind": plan.kind, "normalised": plan.normalise, "model": config} | ({} if shard_docs is None else {"shard_docs": shard_docs})
    write_manifest(folder, found, dtype=plan.dtype, about=about)
    size = sum(e["bytes"] for e in found)
    return EncodedShards(str(folder), rows, dims[0], plan.dtype, size, len(parts), len(todo), watch.seconds, repaired)


def model_with_vectors(model: str | Retriever, plan: EncodingPlan) -> Retriever:
    """The retriever, when it gives one vector a text and can do so on the current engine; one that loads no model is tried on a text.

    Raises
    ------
    InvalidArgument, UnknownName, RangeError
        It does not, or its options or the plan's do not fit it.
    """
    retriever = build(model)
    if _vectors_of(retriever) is None:
        raise InvalidArgument(f"{_WHO}: the model must give one vector a text, such as minilm; got {retriever.name!r}.")
    refuse_keys_for_workers(_WHO, retriever, model)
    if isinstance(retriever, TokenSums):
        _made(retriever, [_PROBE], plan)
    return retriever


def recorded_shard_docs(folder: str | Path) -> int | None:
    """Texts a shard at most, of a folder that was begun with them; None where it does not say."""
    mark = Path(folder) / UNFINISHED
    found = read_json(mark) if mark.is_file() else None
    size = found.get("shard_docs") if isinstance(found, dict) else None
    return size if isinstance(size, int) else None


def _vectors_of(retriever: Any) -> Any:
    """Texts and their kind to vectors; None where the retriever has none."""
    found = (getattr(retriever, name, None) for name in ("encode", "vectors_of"))
    return next((f for f in found if callable(f)), None)


def _there(folder: Path, parts: Sequence[TextPart], progress: Progress) -> tuple[list[dict[str, Any] | None], int]:
    """(records of the shards that are complete, how many have a record but other files than it says)."""
    out: list[dict[str, Any] | None] = []
    repaired = 0
    with progress.task("check shards", len(parts)) as bar:
        for n, part in enumerate(parts):
            entry = recorded_shard(folder, n, rows=part.rows, texts=part.digest)
            good = entry is not None and unchanged(folder, entry)
            repaired += entry is not None and not good
            out.append(entry if good else None)
            bar.advance(1)
    return out, repaired


def _wanted(settings: dict[str, Any], shard_docs: int | None) -> dict[str, Any]:
    """What the folder is to say of itself."""
    size = {} if shard_docs is None else {"shard_docs": shard_docs}
    return {"schema": _SCHEMA, "settings": json.loads(canonical_json(settings)), **size}


def _goes_on(folder: Path, wanted: dict[str, Any], *, overwrite: bool) -> bool:
    """Whether the folder holds shards of the same settings; InvalidArgument where it holds something else. Nothing is written."""
    mark = folder / UNFINISHED
    if folder.exists() and not folder.is_dir():
        raise InvalidArgument(f"{_WHO}: the output must be a folder; {folder} is a file.")
    if folder.is_dir() and any(folder.iterdir()) and not mark.is_file():
        raise InvalidArgument(f"{_WHO}: the output folder must be new, or hold vectors made by encode; {folder} holds something else.")
    if not mark.is_file():
        return False
    before = read_json(mark)
    found = before if isinstance(before, dict) else {}
    size, now = found.get("shard_docs"), wanted.get("shard_docs")
    other = _differences(found.get("settings"), wanted["settings"])
    if None not in (size, now) and size != now:
        other = [f"shard_docs {size:,}, now {now:,}", *other]
    if other and not overwrite:
        raise InvalidArgument(f"{_WHO}: {folder} holds vectors of other settings: {'; '.join(other)}. Choose another -o, or --overwrite.")
    return not other


def _differences(found: Any, wanted: dict[str, Any]) -> list[str]:
    """``dtype float16, now int8``, ..., the settings of the model one by one."""
    return differences(found if isinstance(found, dict) else {}, wanted)


@dataclass(frozen=True)
class _Job:
    """What is the same for all shards."""

    model: str | Retriever
    precision: str
    key: str
    folder: str
    plan: EncodingPlan
    rows: int
    identity: Any  # of the model


@dataclass(frozen=True)
class _Shard:
    """A part of the texts, the number of its shard, and texts a block."""

    number: int
    part: TextPart
    block: int

    def __str__(self) -> str:
        return str(self.part)


def _retriever(job: _Job) -> Any:
    """The model of this process, made once; DataError where its name means another model here than in the driver."""
    if not isinstance(job.model, str):
        return job.model
    spec = job.model

    def make() -> Retriever:
        made = build(spec, precision=job.precision)
        other = differences(job.identity, model_identity(made.config(job.rows)))
        if other:
            raise InvalidArgument(f"{_WHO}: {spec} must be one model on all machines; here it is another: {'; '.join(other)}.")
        return made

    return kept(("encode", job.key), make)


def _made(retriever: Any, texts: list[str], plan: EncodingPlan) -> np.ndarray:
    """(n, dim) vectors in full dimension, which is at least the one asked for."""
    made = np.asarray(_vectors_of(retriever)(texts, plan.kind))
    if made.ndim != 2 or len(made) != len(texts):
        raise InvalidArgument(f"{_WHO}: the model must give one vector a text; got shape {made.shape} for {len(texts)} texts.")
    if plan.dim is not None and plan.dim > made.shape[1]:
        raise RangeError(f"{_WHO}: dim must be at most the model's dimension, {made.shape[1]}; got dim={plan.dim}.")
    return made


def _try_once(job: _Job) -> None:
    """One text, on the machine that will encode the others: errors of options are raised as they are."""
    with closing(current().map(_probe, [_PROBE], shared=job, whole_machine=True)) as results:  # type: ignore[type-var]
        for done in results:
            if done.error is not None:
                raise done.error


def _probe(job: _Job, text: str) -> dict[str, np.ndarray]:
    _made(_retriever(job), [text], job.plan)
    return {}


def _encode_shard(job: _Job, shard: _Shard) -> dict[str, np.ndarray]:
    """Encode and write one shard; what it returns is only that it is done."""
    retriever = _retriever(job)
    ids, texts = shard.part.read()
    out: list[np.ndarray] = []

    def encode(given: list[str]) -> tuple[np.ndarray]:
        return (_made(retriever, given, job.plan),)

    def keep(block: np.ndarray, made: np.ndarray) -> None:
        dim = job.plan.dim or made.shape[1]
        if not out:
            out.append(np.empty((len(texts), dim), np.float32))
        out[0][block] = normalised(made, dim) if job.plan.normalise else made[:, :dim]

    try:
        encode_missing(
            TextList(ids, texts), np.arange(len(texts)), encode, keep,
            block=shard.block, label=str(shard), kind=job.plan.kind, progress=SILENT,
        )  # fmt: skip
        write_shard(Path(job.folder), shard.number, out[0], ids, dtype=job.plan.dtype, form=job.plan.format, texts=shard.part.digest)
    except LimitlabError as error:
        raise DataError(f"{shard}: {error}") from error
    return {}


def _smaller(shard: _Shard) -> _Shard | None:
    """The same with half the texts at a time."""
    return replace(shard, block=shard.block // 2) if shard.block >= 2 * _LEAST_BLOCK else None
