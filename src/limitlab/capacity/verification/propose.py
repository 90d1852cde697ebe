"""Directions that may separate a set: proposed, not trusted. Whatever is proposed here is checked elsewhere.

For many sets at once: Wolfe's method for the point of least norm in the hull of the differences ``outside - inside``
[Wolfe1976], over a small working set of documents each.
"""

from __future__ import annotations

import numpy as np

_SMALL = 1e-14


def least_norm_points(points: np.ndarray, *, goal: np.ndarray | float = np.inf, rounds: int = 400) -> np.ndarray:
    """Points of nearly least norm in the hull of each stack of points; minus such a point is the best query's direction.

    Parameters
    ----------
    points
        Shape (sets, n, dim), float64: differences of an irrelevant and a relevant document of the working set.
    goal
        A set is left alone as soon as its direction separates the working set with this gap.
    rounds
        At most so many points enter.

    Returns
    -------
    Shape (sets, dim), float64.
    """
    sets, size = points.shape[0], points.shape[2] + 1
    corral = np.zeros((sets, size), np.int64)
    weight = np.zeros((sets, size))
    used = np.zeros((sets, size), bool)
    squares = np.einsum("snd,snd->sn", points, points)
    corral[:, 0] = squares.argmin(axis=1)
    weight[:, 0], used[:, 0] = 1.0, True
    at = points[np.arange(sets), corral[:, 0]].copy()
    alive = np.arange(sets)
    goal = np.broadcast_to(np.asarray(goal, float), (sets,))
    for _ in range(rounds):
        y = at[alive]
        values = np.einsum("snd,sd->sn", points[alive], y)
        enter = values.argmin(axis=1)
        least = values[np.arange(alive.size), enter]
        square = np.einsum("sd,sd->s", y, y)
        known = (corral[alive] == enter[:, None]) & used[alive]
        done = (square - least <= 1e-13 * (1e-6 + square)) | known.any(axis=1) | used[alive].all(axis=1)
        done |= least >= goal[alive] * np.sqrt(square)
        alive, enter = alive[~done], enter[~done]
        if alive.size == 0:
            break
        free = (~used[alive]).argmax(axis=1)
        corral[alive, free], weight[alive, free], used[alive, free] = enter, 0.0, True
        _settle(points, alive, corral, weight, used)
        chosen = np.take_along_axis(points[alive], corral[alive][:, :, None], axis=1)
        at[alive] = np.einsum("sk,skd->sd", np.where(used[alive], weight[alive], 0.0), chosen)
    return at


def _settle(points: np.ndarray, alive: np.ndarray, corral: np.ndarray, weight: np.ndarray, used: np.ndarray) -> None:
    """Wolfe's inner loop: move each corral's weights to its affine least-norm point, dropping what would turn negative."""
    busy = alive
    while busy.size:
        mask = used[busy]
        chosen = np.where(mask[:, :, None], np.take_along_axis(points[busy], corral[busy][:, :, None], axis=1), 0.0)
        gram = chosen @ chosen.transpose(0, 2, 1)
        scale = np.einsum("sii->si", gram).max(axis=1)[:, None, None]
        both = mask[:, :, None] & mask[:, None, :]
        system = np.where(both, gram + scale, 0.0) + np.eye(mask.shape[1]) * np.where(mask, scale[:, 0] * 1e-15, 1.0)[:, None, :]
        target = np.linalg.solve(system, mask[:, :, None].astype(float))[:, :, 0]
        total = target.sum(axis=1, keepdims=True)
        target = np.where(mask, target / np.where(total > 0, total, 1.0), 0.0)
        negative = mask & (target <= _SMALL)
        fine = ~negative.any(axis=1)
        weight[busy[fine]] = target[fine]
        busy, negative, target = busy[~fine], negative[~fine], target[~fine]
        if busy.size == 0:
            return
        old = weight[busy]
        step = np.where(negative, old / np.maximum(old - target, 1e-300), np.inf)
        theta = np.clip(step.min(axis=1), 0.0, 1.0)[:, None]
        new = old + theta * (target - old)
        leave = used[busy] & (new <= _SMALL)
        leave[np.arange(busy.size), step.argmin(axis=1)] = True
        keep = used[busy] & ~leave
        empty = ~keep.any(axis=1)
        keep[empty, 0] = True  # cannot happen in exact arithmetic; a proposal may be poor, not absent
        new = np.where(keep, new, 0.0)
        new[empty, 0] = 1.0
        used[busy], weight[busy] = keep, new / new.sum(axis=1, keepdims=True)
