"""Search for harmonic frames: as many documents as possible with a given gap over all pairs, or the greatest gap at given n.

Frames whose frequencies are joined by multiplication, ``F = {b g**i}`` with ``g`` of order q in (Z/n)* up to sign, have q
times fewer classes of pairs, and hold far more documents than frames without that symmetry.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from time import monotonic

import numpy as np

from limitlab._core.checks import real, whole
from limitlab._core.errors import NotSolved, RangeError
from limitlab._core.progress import SILENT, Progress
from limitlab.capacity.frames import HarmonicFrame

_OPERATIONS_PER_SECOND = 3e9  # multiply-adds; only cuts the budget of one climb, decides no result


@dataclass(frozen=True)
class FoundFrame:
    """A frame and what the search saw of it: ``gap`` is measured in float32 and proves nothing; ``orbit`` is q, ``multiplier`` g."""

    frame: HarmonicFrame
    gap: float
    orbit: int
    multiplier: int


def search_frame(dim: int, n_docs: int, *, min_gap: float = 1e-3, orbit: int = 1, seconds: float = 30.0, seed: int = 0) -> FoundFrame:
    """A frame of ``n_docs`` documents in ``dim`` dimensions whose pairs all have a gap of at least ``min_gap`` (k = 2).

    Parameters
    ----------
    dim
        >= 4; odd dimensions leave one unused.
    n_docs
        Odd, >= dim + 1; for ``orbit`` > 1 a prime with n_docs - 1 a multiple of 2 orbit.
    min_gap
        In (0, 1].
    orbit
        A divisor of dim // 2: frequencies come in orbits of this size.
    seconds, seed
        Of the search.

    Raises
    ------
    NotSolved
        No such frame was found in time. It may exist.
    RangeError
        An argument is outside its range.
    """
    who = "search_frame()"
    m = whole(who, "dim", dim, low=4) // 2
    n = whole(who, "n_docs", n_docs, low=2 * m + 1)
    real(who, "min_gap", min_gap, low=1e-7, high=1.0)
    whole(who, "orbit", orbit, low=1, high=m)
    if n % 2 == 0 or m % orbit or (orbit > 1 and not (_prime(n) and (n - 1) // 2 % orbit == 0)):
        must = "odd; for orbits of q > 1 frequencies a prime with n_docs - 1 a multiple of 2 q, and q a divisor of dim // 2"
        raise RangeError.of(who, "n_docs", must, n_docs=n, dim=dim, orbit=orbit)
    found = _best(n, m, orbit, goal=min_gap, deadline=monotonic() + real(who, "seconds", seconds, low=0.0), seed=seed)
    if found is None or found.gap < min_gap:
        seen = f"the best seen has {found.gap:.3g}" if found is not None and found.gap > 0 else "none with a positive gap was seen"
        raise NotSolved(f"{who}: no frame of {n:,} documents in {dim} dimensions with gap {min_gap:g} was found in {seconds:g} s; {seen}.")
    return found


def grow_frames(
    dim: int,
    start: int,
    *,
    min_gap: float = 1e-3,
    orbit: int = 1,
    seconds: float = 60.0,
    seed: int = 0,
    progress: Progress = SILENT,
    on_found: Callable[[FoundFrame], None] | None = None,
) -> FoundFrame | None:
    """Frames of ever more documents, from about ``start`` on, until time is up: the last one found, or None.

    n grows by a quarter after a success; after failures at neighbouring primes (more of them for a single orbit, which is fixed
    by n) it grows more slowly from the last success.
    """
    who = "grow_frames()"
    m = whole(who, "dim", dim, low=4) // 2
    whole(who, "orbit", orbit, low=1, high=m)
    if m % orbit:
        raise RangeError.of(who, "orbit", "a divisor of dim // 2", orbit=orbit, dim=dim)
    deadline = monotonic() + real(who, "seconds", seconds, low=0.0)
    patience = 3 if orbit < m else 40
    best: FoundFrame | None = None
    factor, fails, n = 1.25, 0, whole(who, "start", start, low=2 * m + 1)
    while monotonic() < deadline and factor > 1.01:
        n = next(_primes(n, orbit))
        found = _best(n, m, orbit, goal=min_gap, deadline=min(deadline, monotonic() + seconds / 3), seed=seed)
        if found is not None and found.gap >= min_gap:
            best, fails = found, 0
            progress.say(f"d = {dim}: n = {n:,}, gap {found.gap:.4g}")
            if on_found is not None:
                on_found(found)
            n = int(n * factor)
        elif fails < patience:
            fails += 1
            n += 2
        else:
            factor, fails = 1 + (factor - 1) / 3, 0
            n = int((best.frame.n_docs if best else start) * factor)
    return best


def _best(n: int, m: int, orbit: int, *, goal: float, deadline: float, seed: int) -> FoundFrame | None:
    """The best of climbs from random starts until ``goal`` or the deadline; a single orbit has one start and no climb."""
    from limitlab.capacity import frame_kernels as kernels

    group, multiplier = _group(n, orbit)
    classes = _classes(n, group)
    cosines = np.cos(2 * np.pi * np.arange(n) / n)
    weights = np.full(m, math.sqrt(1 / m))
    count = m // orbit
    per_class = (n // 2) * m * 10 / _OPERATIONS_PER_SECOND + 2e-6
    best, attempt = None, seed
    while monotonic() < deadline or attempt == seed:
        bases = kernels.random_bases(n, group, count, cosines, classes, 60 if count > 1 else 1, attempt)
        budget = int(max(50, (deadline - monotonic()) / per_class))
        gap, _ = kernels.climb(n, group, bases, weights, cosines, classes, goal, 400, budget, attempt)
        if best is None or gap > best.gap:
            frequencies = tuple(sorted(kernels.orbits_of(bases, group, n).tolist()))
            best = FoundFrame(HarmonicFrame(n, frequencies), float(gap), orbit, multiplier)
        attempt += 1
        if best.gap >= goal or count == 1:
            break
    return best


def _group(n: int, order: int) -> tuple[np.ndarray, int]:
    """The subgroup of the given order of (Z/n)* up to sign, folded to at most n / 2, and a generator."""
    if order == 1:
        return np.array([1]), 1
    half = (n - 1) // 2
    primes = [p for p in range(2, order + 1) if order % p == 0 and _prime(p)]
    for a in range(2, n):
        g = pow(a, half // order, n)
        if pow(g, order, n) in (1, n - 1) and all(pow(g, order // p, n) not in (1, n - 1) for p in primes):
            powers = [pow(g, i, n) for i in range(order)]
            return np.array([min(x, n - x) for x in powers]), g
    raise RangeError.of("search_frame()", "orbit", "a divisor of (n_docs - 1) / 2", orbit=order, n_docs=n)


def _classes(n: int, group: np.ndarray) -> np.ndarray:
    """One half step h of every orbit of the group on 1 .. (n - 1) / 2."""
    seen = np.zeros((n + 1) // 2, bool)
    first = []
    for h in range(1, (n + 1) // 2):
        if not seen[h]:
            first.append(h)
            images = h * group % n
            seen[np.minimum(images, n - images)] = True
    return np.array(first)


def _primes(start: int, orbit: int) -> Iterator[int]:
    """Primes n >= start with (n - 1) / 2 a multiple of ``orbit``."""
    n = start | 1
    while True:
        if (n - 1) // 2 % orbit == 0 and _prime(n):
            yield n
        n += 2


def _prime(n: int) -> bool:
    return n > 1 and all(n % p for p in range(2, math.isqrt(n) + 1))
