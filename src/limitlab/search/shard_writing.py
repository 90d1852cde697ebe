"""Writing vectors in shards: files that are whole or absent, a record of each, and the manifest once all are there."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from limitlab._core.checks import choice, finite_rows
from limitlab._core.errors import DataError, first_examples
from limitlab._core.files import atomic_file, read_json, sha256_file, write_text
from limitlab._core.optional import require
from limitlab.search.shard_files import ID, SCALE, VECTOR
from limitlab.search.shards import DTYPES, MANIFEST, SCHEMA, UNFINISHED
from limitlab.search.stored_vectors import stored_as

FORMATS = ("npy", "parquet")
_WHO = "vectors in shards"
_BESIDE = ("scales", "ids")  # files of a shard in .npy beside that of the vectors
_GROUP = 8192  # rows of a row group of parquet: what is read together


def shard_name(number: int) -> str:
    """``shard-00042``: names sort as numbers do."""
    return f"shard-{number:05d}"


def write_shard(folder: Path, number: int, vectors: np.ndarray, ids: Sequence[str], *, dtype: str, form: str, texts: str) -> dict[str, Any]:
    """Write one shard, then its record, which says that it is complete; returns the record.

    Parameters
    ----------
    vectors
        (n, dim) float32, finite.
    ids
        n ids without line breaks.
    dtype
        float32, float16, or int8: whole numbers times one float32 scale a vector.
    form
        npy (with the ids, and the scales of int8, in files of their own) or parquet (all in columns).
    texts
        Digest of what was encoded.

    Raises
    ------
    ShapeError, RangeError
        A vector is not finite, or beyond float16.
    DataError
        Ids with line breaks, in an .npy shard.
    """
    choice(_WHO, "dtype", dtype, DTYPES)
    choice(_WHO, "format", form, FORMATS)
    finite_rows(_WHO, "vectors", vectors)
    held = vectors if dtype == "float32" else (stored := stored_as(vectors, dtype)).codes
    scales = stored.scales if dtype == "int8" else None
    files = _parquet_files if form == "parquet" else _npy_files
    (folder / f"{shard_name(number)}.json").unlink(missing_ok=True)  # killed half way, nothing here may look complete
    entry: dict[str, Any] = {
        "file": f"{shard_name(number)}.{form}",
        "rows": len(held),
        **files(folder, shard_name(number), held, scales, ids),
    }
    entry |= {"sha256": sha256_file(folder / entry["file"]), "texts": texts, "dim": held.shape[1], "bytes": _bytes(folder, entry)}
    entry |= {f"{key}_sha256": sha256_file(folder / entry[key]) for key in _BESIDE if key in entry}
    write_text(folder / f"{shard_name(number)}.json", json.dumps(entry, indent=1) + "\n")
    return entry


def recorded_shard(folder: Path, number: int, *, rows: int, texts: str) -> dict[str, Any] | None:
    """The record of a shard of as many rows and of the same texts, whatever has become of its files; else None."""
    path = folder / f"{shard_name(number)}.json"
    if not path.is_file():
        return None
    entry = read_json(path)
    return entry if isinstance(entry, dict) and entry.get("rows") == rows and entry.get("texts") == texts else None


def unchanged(folder: Path, entry: dict[str, Any]) -> bool:
    """Whether the files of a record are there as they were written: by their bytes, then by their SHA-256, for which they are read."""
    if entry.get("bytes") != _bytes(folder, entry):
        return False
    digests = {"file": entry.get("sha256"), **{key: entry.get(f"{key}_sha256") for key in _BESIDE}}
    return all(sha256_file(folder / entry[key]) == digest for key, digest in digests.items() if key in entry and digest is not None)


def write_manifest(folder: Path, entries: Sequence[dict[str, Any]], *, dtype: str, about: dict[str, Any]) -> Path:
    """Say that all shards are there: what ``open_shards`` reads. Shards beyond them, of a longer corpus once, are deleted."""
    names = {e["file"].partition(".")[0] for e in entries}
    for path in sorted(folder.glob("shard-*")):
        if path.name.partition(".")[0] not in names:
            path.unlink()
    manifest = {
        "schema": SCHEMA, "rows": sum(e["rows"] for e in entries), "dim": entries[0]["dim"], "dtype": dtype, **about,
        "files": [{key: e[key] for key in ("file", "rows", "scales", "ids", "sha256", "texts") if key in e} for e in entries],
    }  # fmt: skip
    return write_text(folder / MANIFEST, json.dumps(manifest, indent=1, ensure_ascii=False) + "\n")


def clear_shards(folder: Path) -> None:
    """Delete what limitlab wrote into a folder of vectors, and nothing else."""
    for path in [*folder.glob("shard-*"), folder / MANIFEST, folder / UNFINISHED]:
        path.unlink(missing_ok=True)


def _bytes(folder: Path, entry: dict[str, Any]) -> int:
    """Of all files of a shard; -1 where one is missing."""
    paths = [folder / entry[key] for key in ("file", "scales", "ids") if key in entry]
    return sum(p.stat().st_size for p in paths) if all(p.is_file() for p in paths) else -1


def _npy_files(folder: Path, name: str, held: np.ndarray, scales: np.ndarray | None, ids: Sequence[str]) -> dict[str, str]:
    broken = [i for i in ids if "\n" in i or "\r" in i]
    if broken:
        raise DataError(
            f"{_WHO}: ids in files must not have line breaks; {len(broken)} have: {first_examples(broken)}. Use --format parquet."
        )
    made = {"ids": f"{name}.ids.txt"}
    with atomic_file(folder / made["ids"]) as out:
        out.write("".join(f"{i}\n" for i in ids).encode("utf-8"))
    if scales is not None:
        made["scales"] = f"{name}.scales.npy"
        with atomic_file(folder / made["scales"]) as out:
            np.save(out, scales.ravel())
    with atomic_file(folder / f"{name}.npy") as out:
        np.save(out, held)
    return made


def _parquet_files(folder: Path, name: str, held: np.ndarray, scales: np.ndarray | None, ids: Sequence[str]) -> dict[str, str]:
    parquet = require("pyarrow.parquet", extra="parquet", what="vectors in parquet files", package="pyarrow")
    arrow = require("pyarrow", extra="parquet", what="vectors in parquet files")
    vectors = arrow.FixedSizeListArray.from_arrays(arrow.array(held.ravel()), held.shape[1])
    columns = {ID: arrow.array(ids), VECTOR: vectors} | ({} if scales is None else {SCALE: arrow.array(scales.ravel())})
    with atomic_file(folder / f"{name}.parquet") as out:
        # Values of vectors hardly repeat: dictionaries and statistics would cost time and save nothing.
        parquet.write_table(arrow.table(columns), out, row_group_size=_GROUP, use_dictionary=False, write_statistics=False)
    return {}
