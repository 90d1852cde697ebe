"""Compiled solve of one set: the shortest vector between the hull of its documents and the hull of the others.

An active-set method in the manner of Wolfe's nearest point [Wolfe1976], on the two hulls themselves rather than on the
n_relevant x n_irrelevant differences: linear minimisation over differences splits into the least relevant and the greatest
irrelevant score, and a step adds one document to the active ones of its side.

The residual r = p - q between the affine hulls of the active documents is what remains of one difference (of the two
reference documents) after projection along ``document - reference`` of the same side. These columns are held as
orthonormal rows and a triangle, updated when a document comes or goes. Distances are therefore never taken from squares:
r / |r| is orthogonal to the active columns to rounding even where |r| is 1e-10 of the documents' length.

One problem lives in four arrays, made by ``workspace`` once a thread and passed one by one (a tuple of arrays would cost
more in reference counts than a step does):

frame (dim + 2, width)
    Rows 0 .. m-1: orthonormal basis of the columns. Row dim: the residual. Row dim + 1: scratch.
triangle (dim, dim)
    Column c of the differences is ``sum_t triangle[t, c] * frame[t]``.
numbers (4, dim + 2)
    ALONG: the references' difference along the basis. WEIGHT: weights held. TARGET: those of the affine minimum. PART.
docs (dim + 2,) int64
    Row numbers of the active documents: columns 0 .. m-1, then at dim and dim + 1 the relevant and the other reference.
"""

from __future__ import annotations

import numba as nb
import numpy as np

# Sums may be regrouped into vector lanes, the same way in every run; NaN and infinity are checked for beforehand.
_FAST = {"reassoc", "contract", "nsz"}

CONVERGED, TOUCHING, STALLED, ENOUGH = 0, 1, 2, 3
ALONG, WEIGHT, TARGET, PART = 0, 1, 2, 3
_STEP = 4e-15  # relative to the longest document: violations below this are rounding
_SHORT = 0.01  # relative to the longest document: residuals below this are projected at every step
_UNIT = 2.0**-53


@nb.njit(nogil=True)
def workspace(dim, width):
    """(frame, triangle, numbers, docs) for documents of ``dim`` values, padded with zeros to ``width``."""
    return np.zeros((dim + 2, width)), np.zeros((dim, dim)), np.zeros((4, dim + 2)), np.zeros(dim + 2, np.int64)


@nb.njit(nogil=True, fastmath=_FAST)
def score_rows(rows, n, query, out):
    """out[j] = <rows[j], query> for j < n; rows (>= n, width)."""
    for j in range(n):
        total = 0.0
        for t in range(query.shape[0]):
            total += rows[j, t] * query[t]
        out[j] = total


@nb.njit(nogil=True, fastmath=_FAST)
def score_columns(columns, query, out):
    """The same from the transposed documents (width, n), width a multiple of 4: faster where rows are short."""
    n = columns.shape[1]
    for j in range(n):
        out[j] = 0.0
    for c in range(0, columns.shape[0], 4):
        a, b, e, f = query[c], query[c + 1], query[c + 2], query[c + 3]
        for j in range(n):
            out[j] += a * columns[c, j] + b * columns[c + 1, j] + e * columns[c + 2, j] + f * columns[c + 3, j]


@nb.njit(nogil=True)
def extremes(member, scores, n):
    """Rows of the least relevant and of the greatest irrelevant score among the first n."""
    low, high = -1, -1
    for j in range(n):
        if member[j]:
            if low < 0 or scores[j] < scores[low]:
                low = j
        elif high < 0 or scores[j] > scores[high]:
            high = j
    return low, high


@nb.njit(nogil=True, fastmath=_FAST)
def _square(frame, row):
    total = 0.0
    for t in range(frame.shape[1]):
        total += frame[row, t] * frame[row, t]
    return total


@nb.njit(nogil=True, fastmath=_FAST)
def _project(frame, m, row, numbers, into):
    """Take from ``frame[row]`` what lies along the first m rows, four at a time; add the amounts to ``numbers[into]``."""
    width = frame.shape[1]
    whole = m - m % 4
    for c in range(0, whole, 4):
        a = b = e = f = 0.0
        for t in range(width):
            x = frame[row, t]
            a += frame[c, t] * x
            b += frame[c + 1, t] * x
            e += frame[c + 2, t] * x
            f += frame[c + 3, t] * x
        for t in range(width):
            frame[row, t] -= a * frame[c, t] + b * frame[c + 1, t] + e * frame[c + 2, t] + f * frame[c + 3, t]
        numbers[into, c] += a
        numbers[into, c + 1] += b
        numbers[into, c + 2] += e
        numbers[into, c + 3] += f
    for c in range(whole, m):
        a = 0.0
        for t in range(width):
            a += frame[c, t] * frame[row, t]
        for t in range(width):
            frame[row, t] -= a * frame[c, t]
        numbers[into, c] += a


@nb.njit(nogil=True, fastmath=_FAST)
def _append(rows, frame, triangle, numbers, docs, m, doc, reference):
    """Make ``doc`` active with weight 0. Returns whether its difference left the span of the others."""
    dim, width = triangle.shape[0], frame.shape[1]
    residual, column = dim, dim + 1
    for t in range(width):
        frame[column, t] = rows[doc, t] - rows[reference, t]
    for c in range(m):
        numbers[PART, c] = 0.0
    before = _square(frame, column)
    _project(frame, m, column, numbers, PART)
    after = _square(frame, column)
    if after < 0.5 * before:  # cancellation: what was taken away is larger than what is left, so once more
        _project(frame, m, column, numbers, PART)
        after = _square(frame, column)
    if not after > 1e-32 * before:
        return False
    length = np.sqrt(after)
    for c in range(m):
        triangle[c, m] = numbers[PART, c]
    triangle[m, m] = length
    amount = 0.0
    for t in range(width):
        frame[m, t] = frame[column, t] / length
        amount += frame[m, t] * frame[residual, t]
    for t in range(width):
        frame[residual, t] -= amount * frame[m, t]
    numbers[ALONG, m] = amount
    numbers[WEIGHT, m] = 0.0
    docs[m] = doc
    return True


@nb.njit(nogil=True, fastmath=_FAST)
def _remove(frame, triangle, numbers, docs, m, at):
    """Make the document of column ``at`` inactive: rotations bring the triangle back into shape. Returns m - 1."""
    dim, width = triangle.shape[0], frame.shape[1]
    for t in range(m):
        for c in range(max(at, t - 1), m - 1):
            triangle[t, c] = triangle[t, c + 1]
    for c in range(at, m - 1):
        docs[c] = docs[c + 1]
        numbers[WEIGHT, c] = numbers[WEIGHT, c + 1]
    for c in range(at, m - 1):
        length = np.hypot(triangle[c, c], triangle[c + 1, c])
        cosine, sine = triangle[c, c] / length, triangle[c + 1, c] / length
        triangle[c, c] = length
        for t in range(c + 1, m - 1):
            a, b = triangle[c, t], triangle[c + 1, t]
            triangle[c, t] = cosine * a + sine * b
            triangle[c + 1, t] = cosine * b - sine * a
        a, b = numbers[ALONG, c], numbers[ALONG, c + 1]
        numbers[ALONG, c] = cosine * a + sine * b
        numbers[ALONG, c + 1] = cosine * b - sine * a
        for t in range(width):
            a, b = frame[c, t], frame[c + 1, t]
            frame[c, t] = cosine * a + sine * b
            frame[c + 1, t] = cosine * b - sine * a
    amount = numbers[ALONG, m - 1]
    for t in range(width):
        frame[dim, t] += amount * frame[m - 1, t]
    return m - 1


@nb.njit(nogil=True)
def _replace_reference(member, triangle, numbers, docs, m, relevant):
    """A reference leaves: the first active document of its side takes its place. Returns that document's column.

    Columns of this side become differences to the new reference by subtracting its column, which is the first of them,
    so the triangle keeps its shape; the column itself is for the caller to remove.
    """
    first = 0
    while member[docs[first]] != relevant:
        first += 1
    for t in range(first + 1):
        for c in range(first + 1, m):
            if member[docs[c]] == relevant:
                triangle[t, c] -= triangle[t, first]
    sign = 1.0 if relevant else -1.0
    for t in range(first + 1):
        numbers[ALONG, t] += sign * triangle[t, first]
    slot = triangle.shape[0] + (0 if relevant else 1)
    docs[slot] = docs[first]
    numbers[WEIGHT, slot] = numbers[WEIGHT, first]
    return first


@nb.njit(nogil=True, fastmath=_FAST)
def _affine_minimum(member, frame, triangle, numbers, docs, m):
    """Weights of the points of the affine hulls at the least distance, into TARGET; they sum to 1 on each side."""
    dim = triangle.shape[0]
    relevant = other = 1.0
    for c in range(m - 1, -1, -1):
        value = numbers[ALONG, c]
        for t in range(c + 1, m):
            value -= triangle[c, t] * numbers[PART, t]
        value /= triangle[c, c]
        numbers[PART, c] = value
        if member[docs[c]]:
            numbers[TARGET, c] = -value
            relevant += value
        else:
            numbers[TARGET, c] = value
            other -= value
    numbers[TARGET, dim] = relevant
    numbers[TARGET, dim + 1] = other


@nb.njit(nogil=True)
def _settle(member, frame, triangle, numbers, docs, m):
    """Go towards the affine minimum, dropping documents whose weight reaches 0 on the way, until all are positive.

    Returns the number of columns left, and the document dropped last (-1 for none).
    """
    dim = triangle.shape[0]
    dropped = -1
    while True:
        _affine_minimum(member, frame, triangle, numbers, docs, m)
        step, at = 2.0, -1
        for c in range(dim + 2):
            if (c < m or c >= dim) and numbers[TARGET, c] <= 0.0:
                fall = numbers[WEIGHT, c] - numbers[TARGET, c]
                reach = numbers[WEIGHT, c] / fall if fall > 0.0 else 0.0
                if reach < step:
                    step, at = reach, c
        if at < 0:
            step = 1.0
        for c in range(dim + 2):
            if c < m or c >= dim:
                moved = numbers[WEIGHT, c] + step * (numbers[TARGET, c] - numbers[WEIGHT, c])
                numbers[WEIGHT, c] = numbers[TARGET, c] if at < 0 else max(0.0, moved)
        if at < 0:
            return m, dropped
        dropped = docs[at]
        if at >= dim:
            at = _replace_reference(member, triangle, numbers, docs, m, at == dim)
        m = _remove(frame, triangle, numbers, docs, m, at)


@nb.njit(nogil=True)
def start_pair(rows, frame, triangle, numbers, docs, relevant, other):
    """Begin with one document of each side."""
    dim = triangle.shape[0]
    docs[dim], docs[dim + 1] = relevant, other
    numbers[WEIGHT, dim] = numbers[WEIGHT, dim + 1] = 1.0
    for t in range(frame.shape[1]):
        frame[dim, t] = rows[relevant, t] - rows[other, t]


@nb.njit(nogil=True)
def start_active(rows, member, frame, triangle, numbers, docs, active, weights, count):
    """Begin with ``count`` active documents and their weights (>= 0, 1 in sum on each side, both sides there).

    Returns the number of columns.
    """
    dim = triangle.shape[0]
    relevant = other = -1
    for c in range(count):  # the heaviest of a side is its reference: the least likely to leave
        if member[active[c]]:
            if relevant < 0 or weights[c] > weights[relevant]:
                relevant = c
        elif other < 0 or weights[c] > weights[other]:
            other = c
    start_pair(rows, frame, triangle, numbers, docs, active[relevant], active[other])
    numbers[WEIGHT, dim], numbers[WEIGHT, dim + 1] = weights[relevant], weights[other]
    m = 0
    for c in range(count):
        if c != relevant and c != other:
            slot = dim if member[active[c]] else dim + 1
            if m < dim and _append(rows, frame, triangle, numbers, docs, m, active[c], docs[slot]):
                numbers[WEIGHT, m] = weights[c]
                m += 1
            else:
                numbers[WEIGHT, slot] += weights[c]
    return _settle(member, frame, triangle, numbers, docs, m)[0]


@nb.njit(nogil=True)
def _refresh(rows, member, frame, triangle, numbers, docs, m):
    """Compute the residual anew and project it twice, which leaves it orthogonal to the active columns to rounding."""
    dim = triangle.shape[0]
    for t in range(frame.shape[1]):
        frame[dim, t] = rows[docs[dim], t] - rows[docs[dim + 1], t]
    for c in range(m):
        numbers[ALONG, c] = 0.0
    _project(frame, m, dim, numbers, ALONG)
    _project(frame, m, dim, numbers, ALONG)
    return _settle(member, frame, triangle, numbers, docs, m)[0]


@nb.njit(nogil=True, fastmath=_FAST)
def hull_distance(rows, member, frame, triangle, numbers, docs, m, longest):
    """Upper bound on the distance of the hulls: that of the two points the weights name, plus its rounding.

    Scales the weights to sum 1 on each side. A sum of m products of non-negative weights and rows errs by at most
    (m + 2) u times the longest row, whatever the order [Higham2002, section 3.1]; 4 (m + 4) u covers both sides and the
    sums of the weights, (width + 4) u the norm.
    """
    dim, width = triangle.shape[0], frame.shape[1]
    relevant = other = 0.0
    for c in range(dim + 2):
        if c < m or c >= dim:
            if member[docs[c]]:
                relevant += numbers[WEIGHT, c]
            else:
                other += numbers[WEIGHT, c]
    for t in range(width):
        frame[dim + 1, t] = 0.0
    for c in range(dim + 2):
        if c < m or c >= dim:
            inside = member[docs[c]]
            numbers[WEIGHT, c] /= relevant if inside else other
            factor = numbers[WEIGHT, c] if inside else -numbers[WEIGHT, c]
            for t in range(width):
                frame[dim + 1, t] += factor * rows[docs[c], t]
    length = np.sqrt(_square(frame, dim + 1))
    return length * (1.0 + (width + 4) * _UNIT) + 4.0 * (m + 4) * _UNIT * longest


@nb.njit(nogil=True)
def _violations(member, numbers, docs, m, scores, low, high):
    """How far the least relevant score lies below the relevant hull point's, and the greatest other above the other's."""
    dim = docs.shape[0] - 2
    relevant = other = 0.0
    for c in range(dim + 2):
        if c < m or c >= dim:
            if member[docs[c]]:
                relevant += numbers[WEIGHT, c] * scores[docs[c]]
            else:
                other += numbers[WEIGHT, c] * scores[docs[c]]
    return relevant - scores[low], scores[high] - other


@nb.njit(nogil=True)
def nearest(rows, columns, n, member, frame, triangle, numbers, docs, scores, m, longest, slack, enough, max_steps):
    """Solve one set from the active documents that the workspace begins with.

    rows (>= n, width) and, when its second size is n, columns (width, n): the documents, padded with zeros; member (n,)
    bool: relevant; scores (>= n,) scratch. Ends when the distance exceeds the gap by at most ``slack`` (rounding when 0),
    or the gap reaches ``enough``.

    Returns (status, columns active, steps). frame[dim] is then the unit query, or zero where the hulls touch.
    """
    dim = triangle.shape[0]
    steps, fresh, previous, status = 0, m == 0, -1, CONVERGED
    while True:
        norm = np.sqrt(_square(frame, dim))
        if norm < _SHORT * longest:  # what is left along the basis by rounding is no longer small beside the residual
            _project(frame, m, dim, numbers, ALONG)
            norm = np.sqrt(_square(frame, dim))
        if m >= dim or norm <= _STEP * longest:
            frame[dim] = 0.0
            return TOUCHING, m, steps
        if columns.shape[1] == n:
            score_columns(columns, frame[dim], scores)
        else:
            score_rows(rows, n, frame[dim], scores)
        low, high = extremes(member, scores, n)
        if scores[low] - scores[high] >= enough * norm:
            status = ENOUGH
            break
        below, above = _violations(member, numbers, docs, m, scores, low, high)
        if below + above <= max(slack, _STEP * longest) * norm or status == STALLED or steps >= max_steps:
            if fresh:
                break
            m = _refresh(rows, member, frame, triangle, numbers, docs, m)
            fresh = True
            continue
        status = CONVERGED
        steps += 1
        relevant = below > above
        doc = low if relevant else high
        if _append(rows, frame, triangle, numbers, docs, m, doc, docs[dim if relevant else dim + 1]):
            m, dropped = _settle(member, frame, triangle, numbers, docs, m + 1)
            fresh = False
            if dropped == doc and previous == doc:
                status = STALLED
            previous = dropped
        else:
            status = STALLED
    for t in range(frame.shape[1]):
        frame[dim, t] /= norm
    return status, m, steps
