"""Compiled search for frequencies: the least gap over the classes of pairs of a harmonic frame, given up on as early as possible.

A pair at half steps +-h about its middle is one point ``x_h`` of ``x_t = (w_f cos(2 pi f t / n))_f``; its best gap is the
distance from ``x_h`` to the hull of the other points. Prices are float32: the search only finds frames, ``verify`` proves them.
"""

from __future__ import annotations

import numba as nb
import numpy as np

_BLOCK = 512  # scores looked at together; stays in the first cache
_FIRST = 32  # classes nearest to the origin are tried first: most bad frames fail there
_NOISE = 2e-7  # float32 prices cannot tell gaps apart below this


@nb.njit(cache=True, nogil=True)
def frame_points(n, frequencies, weights, cosines):
    """(m, (n + 1) // 2) float32: coordinate f of point t. ``cosines``: cos(2 pi j / n), shape (n,), float64; n odd."""
    m = frequencies.shape[0]
    points = np.empty((m, (n + 1) // 2), np.float32)
    for f in range(m):
        at = 0
        for t in range(points.shape[1]):
            points[f, t] = weights[f] * cosines[at]
            at += frequencies[f]
            if at >= n:
                at -= n
    return points


@nb.njit(cache=True, nogil=True, fastmath=True)
def _least_price(points, y, skip, scores):
    """(place, value) of the least <y, x_t> over t != skip; ``scores`` is scratch space of _BLOCK float32."""
    m, n = points.shape
    place, value = -1, np.float32(1e30)
    for start in range(0, n, _BLOCK):
        stop = min(n, start + _BLOCK)
        length = stop - start
        for t in range(length):
            scores[t] = np.float32(0)
        f = 0
        while f + 4 <= m:  # four coordinates a pass, so that scores are read and written less
            a, b, c, d = y[f], y[f + 1], y[f + 2], y[f + 3]
            p, q, r, s = points[f, start:stop], points[f + 1, start:stop], points[f + 2, start:stop], points[f + 3, start:stop]
            for t in range(length):
                scores[t] += a * p[t] + b * q[t] + c * r[t] + d * s[t]
            f += 4
        while f < m:
            a = y[f]
            p = points[f, start:stop]
            for t in range(length):
                scores[t] += a * p[t]
            f += 1
        if start <= skip < stop:
            scores[skip - start] = np.float32(1e30)
        least = np.float32(1e30)
        for t in range(length):
            least = min(least, scores[t])
        if least < value:
            value = least
            for t in range(length):
                if scores[t] == least:
                    place = start + t
                    break
    return place, value


@nb.njit(cache=True, nogil=True)
def _solve(matrix, right, size):
    """Solve in place by Cholesky for the leading ``size`` rows; False when the matrix is not positive definite."""
    for i in range(size):
        for j in range(i + 1):
            v = matrix[i, j]
            for k in range(j):
                v -= matrix[i, k] * matrix[j, k]
            if i > j:
                matrix[i, j] = v / matrix[j, j]
            elif v <= 1e-300:
                return False
            else:
                matrix[i, i] = np.sqrt(v)
    for i in range(size):
        v = right[i]
        for k in range(i):
            v -= matrix[i, k] * right[k]
        right[i] = v / matrix[i, i]
    for i in range(size - 1, -1, -1):
        v = right[i]
        for k in range(i + 1, size):
            v -= matrix[k, i] * right[k]
        right[i] = v / matrix[i, i]
    return True


@nb.njit(cache=True, nogil=True)
def _grams(corral, gram, size):
    for i in range(size):
        for j in range(i + 1):
            v = 0.0
            for f in range(corral.shape[1]):
                v += corral[i, f] * corral[j, f]
            gram[i, j] = v
            gram[j, i] = v


@nb.njit(cache=True, nogil=True)
def _settle(places, share, corral, gram, matrix, right, size):
    """Wolfe's inner loop [Wolfe1976]: shares of the least-norm point of the corral; returns its new size, or 0 on breakdown."""
    while True:
        scale = 0.0
        for i in range(size):
            scale = max(scale, gram[i, i])
        for i in range(size):
            right[i] = 1.0
            for j in range(size):
                matrix[i, j] = gram[i, j] + scale
        if not _solve(matrix, right, size):
            return 0
        total = 0.0
        for i in range(size):
            total += right[i]
        step, positive = 1.0, True
        for i in range(size):
            right[i] /= total
            if right[i] <= 1e-14:
                positive = False
                if share[i] > right[i]:
                    step = min(step, share[i] / (share[i] - right[i]))
        least = 0
        for i in range(size):
            share[i] = right[i] if positive else (1.0 - step) * share[i] + step * right[i]
            if share[i] < share[least]:
                least = i
        if positive:
            return size
        kept = 0
        for i in range(size):
            if i != least and share[i] > 1e-15:
                places[kept], share[kept] = places[i], share[i]
                for f in range(corral.shape[1]):
                    corral[kept, f] = corral[i, f]
                kept += 1
        size = kept
        _grams(corral, gram, size)
        if size == 1:
            share[0] = 1.0
            return size


@nb.njit(cache=True, nogil=True)
def _class_gap(points, h, low, enough, work):
    """Gap of class h, or a bound of it once it is known to be below ``low`` (returned too small) or at least ``enough``."""
    places, share, corral, gram, matrix, right, y, direction, scores = work
    m = points.shape[0]
    for f in range(m):
        direction[f] = -points[f, h]
    place, price = _least_price(points, direction, h, scores)
    size = 1
    places[0], share[0] = place, 1.0
    for f in range(m):
        corral[0, f] = np.float64(points[f, place]) - np.float64(points[f, h])
        y[f] = corral[0, f]
    _grams(corral, gram, 1)
    found = -1e300
    for _ in range(400):
        norm = 0.0
        for f in range(m):
            norm += y[f] * y[f]
        norm = np.sqrt(norm)
        if norm < low or norm < 1e-9:
            return min(found, norm)
        own = 0.0
        for f in range(m):
            direction[f] = y[f] / norm
            own += np.float64(direction[f]) * points[f, h]
        place, price = _least_price(points, direction, h, scores)
        found = max(found, price - own)
        if found >= enough or norm - found <= 1e-5 * norm + _NOISE or size == m + 1:
            return found
        for i in range(size):
            if places[i] == place:
                return found
        places[size], share[size] = place, 0.0
        for f in range(m):
            corral[size, f] = np.float64(points[f, place]) - np.float64(points[f, h])
        size += 1
        _grams(corral, gram, size)
        size = _settle(places, share, corral, gram, matrix, right, size)
        if size == 0:
            return found
        for f in range(m):
            v = 0.0
            for i in range(size):
                v += share[i] * corral[i, f]
            y[f] = v
    return found


@nb.njit(cache=True, nogil=True)
def least_gap(n, frequencies, weights, cosines, low, classes):
    """(least gap over ``classes``, its class, classes solved); ends at the first class whose gap is below ``low``.

    classes (c,) int64: half steps h in [1, (n - 1) / 2]; weights (m,) float64 with squares that sum to 1.
    """
    points = frame_points(n, frequencies, weights, cosines)
    m = points.shape[0]
    square = np.zeros(classes.shape[0], np.float32)
    for i in range(classes.shape[0]):
        for f in range(m):
            square[i] += points[f, classes[i]] ** 2
    size = m + 2
    work = (
        np.empty(size, np.int64),
        np.zeros(size),
        np.empty((size, m)),
        np.empty((size, size)),
        np.empty((size, size)),
        np.empty(size),
        np.empty(m),
        np.empty(m, np.float32),
        np.empty(_BLOCK, np.float32),
    )
    gap, worst, solved = 1e300, -1, 0
    if classes.shape[0] > 2 * _FIRST:  # a partition is cheaper than sorting, and most frames end here
        first = np.argpartition(square, _FIRST)[:_FIRST]
        for i in first:
            found = _class_gap(points, classes[i], low, gap, work)
            solved += 1
            if found < gap:
                gap, worst = found, classes[i]
            if found < low:
                return gap, worst, solved
    for i in np.argsort(square):
        found = _class_gap(points, classes[i], low, gap, work)
        solved += 1
        if found < gap:
            gap, worst = found, classes[i]
        if found < low:
            return gap, worst, solved
    return gap, worst, solved


@nb.njit(cache=True, nogil=True)
def orbits_of(bases, group, n):
    """Frequencies base * g mod n, folded to at most n / 2, for every base and group element."""
    out = np.empty(bases.shape[0] * group.shape[0], np.int64)
    at = 0
    for b in bases:
        for g in group:
            f = b * g % n
            out[at] = min(f, n - f)
            at += 1
    return out


@nb.njit(cache=True, nogil=True)
def _valid(frequencies):
    ordered = np.sort(frequencies)
    for i in range(1, ordered.shape[0]):
        if ordered[i] == ordered[i - 1]:
            return False
    return ordered[0] > 0


@nb.njit(cache=True, nogil=True)
def _nearest_to_origin(n, frequencies, cosines, classes, low):
    """Least |x_h|**2 up to a factor; ends below ``low``. A cheap stand-in: a pair whose documents nearly cancel is hard."""
    least = 1e300
    for h in classes:
        v = 0.0
        for f in frequencies:
            v += cosines[f * h % n] ** 2
        least = min(least, v)
        if least < low:
            return least
    return least


@nb.njit(cache=True, nogil=True)
def random_bases(n, group, n_bases, cosines, classes, draws, seed):
    """Of ``draws`` random choices the one whose hardest class is farthest from the origin; the first base is 1."""
    np.random.seed(seed)
    bases = np.ones(n_bases, np.int64)
    trial = bases.copy()
    best = -1.0
    for _ in range(draws):
        for i in range(1, n_bases):
            trial[i] = np.random.randint(2, (n + 1) // 2)
        frequencies = orbits_of(trial, group, n)
        if _valid(frequencies):
            v = _nearest_to_origin(n, frequencies, cosines, classes, best)
            if v > best:
                best = v
                bases[:] = trial
    return bases


@nb.njit(cache=True, nogil=True)
def climb(n, group, bases, weights, cosines, classes, goal, candidates, budget, seed):
    """Exchange one base after another for a better one: (gap, classes solved); ``bases`` is changed in place.

    ``candidates`` draws a base and round, some of them sums and differences of the other bases (good frames often hold
    such relations). Ends at ``goal``, after three rounds without gain, or after ``budget`` classes.
    """
    np.random.seed(seed)
    frequencies = orbits_of(bases, group, n)
    if not _valid(frequencies):
        return -1.0, 0
    gap, _, solved = least_gap(n, frequencies, weights, cosines, 0.0, classes)
    trial = bases.copy()
    idle, count = 0, bases.shape[0]
    while gap > 0 and gap < goal and idle < 3 and solved < budget and count > 1:
        place, better = np.random.randint(1, count), False
        for draw in range(candidates):
            trial[:] = bases
            trial[place] = np.random.randint(2, (n + 1) // 2)
            if draw < 2 * count and count > 2:
                a, b = bases[np.random.randint(0, count)], bases[np.random.randint(0, count)]
                v = (a + b) % n if draw % 2 else (a - b) % n
                if v > 0:
                    trial[place] = min(v, n - v)
            frequencies = orbits_of(trial, group, n)
            if not _valid(frequencies):
                continue
            found, _, k = least_gap(n, frequencies, weights, cosines, gap * 1.001, classes)
            solved += k
            if found > gap * 1.001:
                gap, better = found, True
                bases[:] = trial
            if gap >= goal or solved >= budget:
                break
        idle = 0 if better else idle + 1
    return gap, solved
