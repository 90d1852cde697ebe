"""A placement on disk: vectors as NumPy files, ids, and what was attained."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from limitlab._core.files import atomic_folder, canonical_json, write_text
from limitlab._core.provenance import provenance
from limitlab.capacity.number_types import int8_codes
from limitlab.capacity.placement import Placement

_BLOCK = 65_536  # rows written at once
_AS_VALUES = "float32 array of the values that the stored numbers have; NumPy has no such type"


def write_placement(placement: Placement, folder: str | Path, *, overwrite: bool = False) -> Path:
    """Write ``docs.npy``, ``queries.npy``, ``ids.json`` and ``placement.json`` into a folder that appears only when complete.

    float64, float32 and float16 are stored as such. bfloat16 and fp8 are stored as float32 arrays of the same values. int8 is
    stored as whole numbers with ``docs-scales.npy`` and ``queries-scales.npy`` (value = code * scale); binary as packed bits
    (``numpy.unpackbits(a, axis=1, count=dim)``: 1 is +1, 0 is -1).

    Raises
    ------
    InvalidArgument
        The folder exists and ``overwrite`` is not set.
    """
    with atomic_folder(folder, who="write_placement()", overwrite=overwrite, marker="placement.json") as part:
        facts: dict[str, Any] = {**placement.to_dict(), "files": {}}
        reduction = placement.reduction
        for name, dtype, rows, which in (
            ("docs", placement.dtype, placement.places, reduction.doc_of),
            ("queries", placement.query_dtype, placement.asked, reduction.query_of),
        ):
            stored, scales, note = _encoded(rows, dtype)
            _write_rows(part / f"{name}.npy", stored, which)
            facts["files"][f"{name}.npy"] = note
            if scales is not None:
                _write_rows(part / f"{name}-scales.npy", scales, which if len(scales) > 1 else np.zeros(1, np.int64))
                facts["files"][f"{name}-scales.npy"] = "float32; value = code * scale"
        write_text(
            part / "ids.json", json.dumps({"docs": list(placement.doc_ids), "queries": list(placement.query_ids)}, ensure_ascii=False)
        )
        write_text(part / "placement.json", canonical_json({**facts, **provenance()}) + "\n")
    return Path(folder)


def _encoded(rows: np.ndarray, dtype: str) -> tuple[np.ndarray, np.ndarray | None, str]:
    """What is stored, its scales, and what a reader must know."""
    if dtype in ("int8", "int8-per-dim"):
        codes, scales = int8_codes(rows, dtype)
        return codes, scales, "int8 codes"
    if dtype == "binary":
        return np.packbits(rows > 0, axis=1), None, "packed bits: 1 is +1, 0 is -1; numpy.unpackbits(a, axis=1, count=dim)"
    if dtype in ("float64", "float32", "float16"):
        return rows.astype(dtype), None, f"{dtype} values"
    return rows.astype(np.float32), None, f"{dtype}: {_AS_VALUES}"


def _write_rows(path: Path, rows: np.ndarray, which: np.ndarray) -> None:
    """``rows[which]`` as a .npy file, a block at a time: millions of documents share few vectors."""
    out = np.lib.format.open_memmap(path, mode="w+", dtype=rows.dtype, shape=(which.size, rows.shape[1]))
    for at in range(0, which.size, _BLOCK):
        out[at : at + _BLOCK] = rows[which[at : at + _BLOCK]]
    out.flush()
