"""Vectors cut into files, for tests."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from limitlab._core.number_types import int8_codes


def cut(array: np.ndarray, sizes: list[int]) -> list[np.ndarray]:
    """Consecutive pieces of these sizes; the rest is the last."""
    return [p for p in np.split(array, np.cumsum(sizes)) if len(p)]


def plain_folder(folder: Path, array: np.ndarray, sizes: list[int]) -> Path:
    """A .npy file a piece, no manifest."""
    folder.mkdir(parents=True)
    for number, piece in enumerate(cut(array, sizes)):
        np.save(folder / f"part-{number:03d}.npy", piece)
    return folder


def manifest_folder(folder: Path, array: np.ndarray, sizes: list[int], *, dtype: str = "float32", ids: list[str] | None = None) -> Path:
    """A folder with a manifest; int8 with scales."""
    folder.mkdir(parents=True)
    files, first = [], 0
    for number, piece in enumerate(cut(array, sizes)):
        entry: dict[str, object] = {"file": f"s{number}.npy", "rows": len(piece)}
        codes = piece.astype(dtype)
        if dtype == "int8":
            codes, scales = int8_codes(piece)
            np.save(folder / f"s{number}.scales.npy", scales.ravel())
            entry["scales"] = f"s{number}.scales.npy"
        np.save(folder / f"s{number}.npy", codes)
        if ids is not None:
            (folder / f"s{number}.ids.txt").write_text("".join(f"{i}\n" for i in ids[first : first + len(piece)]), encoding="utf-8")
            entry["ids"] = f"s{number}.ids.txt"
        files.append(entry)
        first += len(piece)
    manifest = {"schema": "limitlab.vectors/1", "dim": array.shape[1], "dtype": dtype, "rows": len(array), "files": files}
    (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    return folder
