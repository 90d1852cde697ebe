"""Document vectors held in short number types and decoded in blocks: what an index really keeps, and what its scores mean."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from limitlab._core.checks import choice, finite_rows, vectors
from limitlab._core.number_types import int8_codes, round_to
from limitlab._core.row_tables import RowTable

STORED_TYPES: dict[str, str] = {
    "float16": "IEEE half",
    "bfloat16": "float32 cut to 16 bits",
    "int8": "whole numbers times one float32 scale a vector",
    "int8-per-dim": "whole numbers times one float32 scale a dimension, its greatest magnitude over 127",
    "int8-ranges": "256 steps between the least and the greatest value of a dimension, rounded down, as sentence-transformers does",
    "binary": "one bit a dimension: +1 where the value is >= 0, else -1",
    "ubinary": "one bit a dimension: +1 where the value is > 0, else -1, as sentence-transformers does",
}
BITS = ("binary", "ubinary")
ROWS = 8192  # vectors encoded together


@dataclass(frozen=True)
class Grid:
    """What all vectors of a corpus share: scales of int8-per-dim, or starts and steps of int8-ranges; (1, dim) float32 or None."""

    scales: np.ndarray | None = None
    starts: np.ndarray | None = None


class StoredVectors(RowTable):
    """(n, dim) vectors in a short number type; reading rows gives float32 values as they are decoded.

    Parameters
    ----------
    codes
        (n, dim) float16, uint16 (bfloat16), int8 or uint8; for binary types (n, words) uint64, bit c of word c // 64 from the lowest on.
    dtype
        A name of STORED_TYPES.
    dim
        Values a vector.
    grid
        What the vectors share.
    scales
        (n, 1) float32 of int8.
    """

    dtype = np.dtype(np.float32)

    def __init__(self, codes: np.ndarray, dtype: str, *, dim: int, grid: Grid | None = None, scales: np.ndarray | None = None) -> None:
        self.codes = codes
        self.number_type = choice("StoredVectors()", "dtype", dtype, STORED_TYPES)
        self.shape = (codes.shape[0], dim)
        self.grid = grid or Grid()
        self.scales = scales

    def __getitem__(self, rows: slice | np.ndarray) -> np.ndarray:
        codes = self.codes[rows]
        kind = self.number_type
        if kind == "float16":
            return codes.astype(np.float32)
        if kind == "bfloat16":
            return (codes.astype(np.uint32) << 16).view(np.float32)
        if kind == "int8":
            assert self.scales is not None
            return (codes * self.scales[rows].astype(np.float64)).astype(np.float32)
        if kind == "int8-per-dim":
            assert self.grid.scales is not None
            return (codes * self.grid.scales.astype(np.float64)).astype(np.float32)
        if kind == "int8-ranges":
            assert self.grid.scales is not None and self.grid.starts is not None
            return (codes * self.grid.scales.astype(np.float64) + self.grid.starts).astype(np.float32)
        bits = np.unpackbits(np.ascontiguousarray(codes).view(np.uint8), axis=1, bitorder="little")[:, : self.shape[1]]
        return bits.astype(np.float32) * 2 - 1


def bytes_per_vector(dtype: str, dim: int) -> float:
    """Bytes of one vector, its own scale included; what all vectors share is not counted, and bits are packed into whole bytes."""
    if dtype in BITS:
        return float(-(-dim // 8))
    return dim * (2.0 if dtype in ("float16", "bfloat16") else 1.0) + (4.0 if dtype == "int8" else 0.0)


def stored_as(
    array: np.ndarray, dtype: str, *, grid: Grid | None = None, prepare: Callable[[np.ndarray], np.ndarray] = lambda rows: rows
) -> StoredVectors:
    """Vectors as they are stored in a number type.

    Parameters
    ----------
    array
        (n, dim_full) real, finite; may be a memory map, read twice where all vectors share a grid and it is not given.
    dtype
        float16, bfloat16, int8, int8-per-dim, binary: the values of ``round_to``. int8-ranges, ubinary: the codes of
        ``quantize_embeddings`` of sentence-transformers, calibrated on the vectors themselves.
    grid
        That of other vectors (queries take the documents'); default: from ``array``.
    prepare
        Applied to every block of rows first, such as truncation and normalisation.

    Raises
    ------
    UnknownName, ShapeError, RangeError
        No such type; no table of finite numbers; a value beyond the type's range.
    """
    who = "stored_as()"
    choice(who, "dtype", dtype, STORED_TYPES)
    vectors(who, "array", array)
    spans = [slice(at, at + ROWS) for at in range(0, len(array), ROWS)] or [slice(0, 0)]
    if grid is None:
        grid = _grid((prepare(np.asarray(array[s])) for s in spans), dtype)
    codes, scales = [], []
    for at, span in enumerate(spans):
        rows = prepare(np.asarray(array[span]))
        finite_rows(who, "array", rows, offset=at * ROWS)
        part, scale = _codes(rows, dtype, grid)
        codes.append(part)
        scales.append(scale)
    every = np.concatenate(scales) if dtype == "int8" else None
    return StoredVectors(np.concatenate(codes), dtype, dim=rows.shape[1], grid=grid, scales=every)


def _grid(blocks, dtype: str) -> Grid:
    if dtype not in ("int8-per-dim", "int8-ranges"):
        return Grid()
    low: np.ndarray | None = None
    high: np.ndarray | None = None
    for rows in blocks:
        if not len(rows):
            return Grid(np.ones((1, rows.shape[1]), np.float32), np.zeros((1, rows.shape[1]), np.float32))
        least, most = rows.min(axis=0, keepdims=True), rows.max(axis=0, keepdims=True)
        low, high = (least, most) if low is None or high is None else (np.minimum(low, least), np.maximum(high, most))
    assert low is not None and high is not None
    if dtype == "int8-per-dim":
        return Grid((np.maximum(np.abs(low), np.abs(high)).astype(np.float64) / 127).astype(np.float32))
    starts = low.astype(np.float32)
    steps = (high.astype(np.float32) - starts) / np.float32(255)
    return Grid(np.where(steps == 0, np.float32(1), steps), starts)


def _codes(rows: np.ndarray, dtype: str, grid: Grid) -> tuple[np.ndarray, np.ndarray]:
    """(codes, scales of int8) of a block."""
    nothing = np.zeros((len(rows), 1), np.float32)
    if dtype == "float16":
        return round_to(rows, dtype).astype(np.float16), nothing
    if dtype == "bfloat16":
        return (round_to(rows, dtype).view(np.uint32) >> 16).astype(np.uint16), nothing
    if dtype == "int8":
        return int8_codes(rows, "int8")
    if dtype == "int8-per-dim":
        return int8_codes(rows, "int8-per-dim", scales=grid.scales)[0], nothing
    if dtype == "int8-ranges":
        assert grid.starts is not None and grid.scales is not None
        return np.clip(np.floor((rows - grid.starts) / grid.scales), 0, 255).astype(np.uint8), nothing
    return packed_bits(rows >= 0 if dtype == "binary" else rows > 0), nothing


def packed_bits(bits: np.ndarray) -> np.ndarray:
    """(n, ceil(dim / 64)) uint64 from (n, dim) booleans; unused bits are 0."""
    n, dim = bits.shape
    wide = np.zeros((n, -(-dim // 64) * 8), np.uint8)
    packed = np.packbits(bits, axis=1, bitorder="little")
    wide[:, : packed.shape[1]] = packed
    return wide.view("<u8").astype(np.uint64, copy=False)
