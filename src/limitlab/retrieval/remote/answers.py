"""Lists in a service's answer: every item once, in the order of what was sent, finite."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from typing import Any

import numpy as np

from limitlab._core.errors import ServiceError


def by_index(who: str, items: Any, n: int, field: str) -> list[Any]:
    """``items[i][field]`` at place ``items[i]["index"]``; services may answer in any order.

    Raises
    ------
    ServiceError
        Not a list of objects with these fields, or an index that is missing, repeated or outside [0, n).
    """
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise ServiceError(f"{who}: the answer must hold a list of objects; got {type(items).__name__}.")
    out: list[Any] = [None] * n
    seen = np.zeros(n, bool)
    for item in items:
        at = item.get("index")
        if isinstance(at, bool) or not isinstance(at, int) or not 0 <= at < n or seen[at] or field not in item:
            raise ServiceError(f"{who}: every item must have '{field}' and an 'index' of its own in [0, {n}); got index {at!r}.")
        seen[at] = True
        out[at] = item[field]
    if not seen.all():
        raise ServiceError(f"{who}: {n} texts were sent and {int(seen.sum())} answered; text {int(np.argmin(seen))} is missing.")
    return out


def numbers(who: str, values: Sequence[Any]) -> np.ndarray:
    """(n,) float32.

    Raises
    ------
    ServiceError
        A value is not a finite number.
    """
    try:
        out = np.asarray(values, np.float64)
    except (TypeError, ValueError):
        out = np.full(1, np.nan)
    if out.ndim != 1 or not np.isfinite(out).all():
        raise ServiceError(f"{who}: scores must be finite numbers; the answer holds others.")
    return out.astype(np.float32)


def vectors(who: str, rows: Any, n: int) -> np.ndarray:
    """(n, dim) float32 from lists of numbers, or from texts: base64 of little-endian float32.

    Raises
    ------
    ServiceError
        Not n rows of one dimension, or values that are not finite.
    """
    if not isinstance(rows, list) or len(rows) != n:
        raise ServiceError(f"{who}: {n} texts were sent; the answer holds {len(rows) if isinstance(rows, list) else 'no list of'} vectors.")
    made = [_vector(who, row) for row in rows]
    sizes = {row.size for row in made}
    if len(sizes) != 1 or 0 in sizes:
        raise ServiceError(f"{who}: all vectors must have one dimension >= 1; got {sorted(sizes)[:5]}.")
    out = np.stack(made)
    if not np.isfinite(out).all():
        raise ServiceError(f"{who}: vectors must be finite; {int((~np.isfinite(out).all(axis=1)).sum())} of {n} hold NaN or infinity.")
    return out


def _vector(who: str, row: Any) -> np.ndarray:
    try:
        if isinstance(row, str):
            return np.frombuffer(base64.b64decode(row, validate=True), "<f4").astype(np.float32)
        out = np.asarray(row, np.float32)
    except (TypeError, ValueError, binascii.Error):
        out = np.zeros((0, 0), np.float32)
    if out.ndim != 1:
        raise ServiceError(f"{who}: a vector must be a list of numbers or base64 of float32; the answer holds something else.")
    return out


def field(who: str, answer: Any, *path: str) -> Any:
    """``answer[path[0]][path[1]]...``.

    Raises
    ------
    ServiceError
        The answer has no such field.
    """
    for name in path:
        if not isinstance(answer, dict) or name not in answer:
            raise ServiceError(f"{who}: the answer must have the field '{'.'.join(path)}'; it has not.")
        answer = answer[name]
    return answer


def count(answer: Any, *path: str) -> int | None:
    """A number in the answer that a service may leave out."""
    for name in path:
        answer = answer.get(name) if isinstance(answer, dict) else None
    return int(answer) if isinstance(answer, (int, float)) and not isinstance(answer, bool) and answer >= 0 else None
