"""Compiled loops over many sets: each thread solves sets of its own, in its own workspace."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import numba as nb
import numpy as np

from limitlab.search.kernels import kth_largest
from limitlab.search.min_norm import (
    _FAST,
    TOUCHING,
    WEIGHT,
    extremes,
    hull_distance,
    nearest,
    score_columns,
    score_rows,
    start_active,
    start_pair,
    workspace,
)

_SHARES = 256  # parts that the sets are dealt into: enough to even out threads, few enough for one workspace each
_CHUNK = 256


@nb.njit(nogil=True)
def _most_steps(dim):
    """Far more than the one to two steps per active document that a solve takes."""
    return 50 * dim + 1000


@nb.njit(nogil=True)
def _whole(
    begin,
    end,
    rows,
    columns,
    dim,
    indptr,
    members,
    start,
    centre,
    longest,
    slack,
    enough,
    queries,
    gaps,
    bounds,
    worst,
    steps,
    active,
    weights,
):
    """Sets ``begin`` to ``end`` against all documents, which are held padded: rows (n, width) and columns (width, n).

    indptr, members: CSR of the sets; start (n_sets, width) directions, or (0, width) for mean of the set minus ``centre``.
    Out: queries (n_sets, dim); gaps, bounds, worst, steps (n_sets,); active, weights (n_sets, dim + 2), or (0, dim + 2)
    when not wanted.
    """
    n, width = rows.shape
    frame, triangle, numbers, docs = workspace(dim, width)
    scores, member, first = np.zeros(n), np.zeros(n, np.bool_), np.zeros(width)
    for q in range(begin, end):
        own = members[indptr[q] : indptr[q + 1]]
        for i in own:
            member[i] = True
        if start.shape[0] > 0:
            first[:] = start[q]
        else:
            for t in range(width):
                first[t] = -centre[t] * own.shape[0]
            for i in own:
                for t in range(width):
                    first[t] += rows[i, t]
        score_columns(columns, first, scores)
        low, high = extremes(member, scores, n)
        start_pair(rows, frame, triangle, numbers, docs, low, high)
        _, m, steps[q] = nearest(
            rows, columns, n, member, frame, triangle, numbers, docs, scores, 0, longest, slack, enough, _most_steps(dim)
        )
        bounds[q] = hull_distance(rows, member, frame, triangle, numbers, docs, m, longest)
        score_columns(columns, frame[dim], scores)
        low, high = extremes(member, scores, n)
        gaps[q] = scores[low] - scores[high]
        worst[q] = high
        queries[q] = frame[dim, :dim]
        if active.shape[0] > 0:
            _copy_active(member, numbers, docs, m, active[q], weights[q])
        for i in own:
            member[i] = False


@nb.njit(nogil=True)
def _copy_active(member, numbers, docs, m, active, weights):
    """The active documents with their weights, negative for irrelevant ones; -1 where there are no more."""
    dim = docs.shape[0] - 2
    for c in range(dim + 2):
        at = c if c < m else dim + c - m
        used = c < m + 2
        active[c] = docs[at] if used else -1
        weights[c] = 0.0 if not used else (numbers[WEIGHT, at] if member[docs[at]] else -numbers[WEIGHT, at])


@nb.njit(nogil=True)
def _working(begin, end, docs, dim, ids, inside, weights, counts, longest, slack, enough, queries, figures, worst, steps, touching):
    """Sets ``begin`` to ``end`` against their own working documents.

    docs (n_docs, dim), any float type; ids, inside, weights (n_sets, capacity), counts (n_sets,): document numbers, whether
    relevant, weights in the hull points (all 0: begin with the extremes along ``queries``). slack (n_sets,).
    Changed: weights, queries (n_sets, width) unit or zero, steps. Out: figures (n_sets, 3): least relevant score, greatest
    other, upper bound on the distance; worst (n_sets,) the document of that score; touching (n_sets,) bool.
    """
    width = queries.shape[1]
    capacity, none = counts.max(), np.zeros((width, 0))
    frame, triangle, numbers, active = workspace(min(dim, capacity), width)
    slot = triangle.shape[0]
    rows, scores = np.zeros((capacity, width)), np.zeros(capacity)
    order, held = np.zeros(capacity, np.int64), np.zeros(capacity)
    for q in range(begin, end):
        count, n_held = counts[q], 0
        for j in range(count):
            for t in range(dim):
                rows[j, t] = docs[ids[q, j], t]
            if weights[q, j] > 0.0:
                order[n_held], held[n_held] = j, weights[q, j]
                n_held += 1
        if n_held:
            m = start_active(rows, inside[q], frame, triangle, numbers, active, order, held, n_held)
        else:
            score_rows(rows, count, queries[q], scores)
            low, high = extremes(inside[q], scores, count)
            start_pair(rows, frame, triangle, numbers, active, low, high)
            m = 0
        status, m, took = nearest(
            rows, none, count, inside[q], frame, triangle, numbers, active, scores, m, longest, slack[q], enough, _most_steps(dim)
        )
        steps[q] += took
        touching[q] = status == TOUCHING
        figures[q, 2] = hull_distance(rows, inside[q], frame, triangle, numbers, active, m, longest)
        score_rows(rows, count, frame[slot], scores)
        low, high = extremes(inside[q], scores, count)
        figures[q, 0], figures[q, 1], worst[q] = scores[low], scores[high], ids[q, high]
        queries[q] = frame[slot]
        weights[q, :count] = 0.0
        for c in range(slot + 2):
            if c < m or c >= slot:
                weights[q, active[c]] = numbers[WEIGHT, c]


@nb.njit(nogil=True, fastmath=_FAST)
def _score(docs, row, query):
    total = 0.0
    for t in range(docs.shape[1]):
        total += docs[row, t] * query[t]
    return total


@nb.njit(nogil=True)
def _keep(score, doc, scores, found, size):
    """Keep the largest scores, of equal ones the lowest documents; scores[0] is the first to go once all places are taken.

    Documents are offered in ascending order, so what is kept depends on scores and numbers alone, not on blocks. Returns the new size.
    """
    if size < scores.shape[0]:
        scores[size], found[size] = score, doc
        size += 1
        if size < scores.shape[0]:
            return size
    else:
        scores[0], found[0] = score, doc
    least = 0
    for c in range(size):
        if scores[c] < scores[least] or (scores[c] == scores[least] and found[c] > found[least]):
            least = c
    scores[0], scores[least] = scores[least], scores[0]
    found[0], found[least] = found[least], found[0]
    return size


@nb.njit(nogil=True)
def _contains(ascending, value):
    at = np.searchsorted(ascending, value)
    return at < ascending.shape[0] and ascending[at] == value


@nb.njit(nogil=True)
def _any_above(row, begin, end, cut):
    count = 0
    for j in range(begin, end):
        count += row[j] >= cut
    return count > 0


@nb.njit(nogil=True)
def _others(q, products, docs, offset, queries, indptr, members, floors, guards, scores, found, sizes):
    """Find the irrelevant documents of a block that score more than ``floors[q]``, and keep the largest for set ``q``.

    products (n_sets, block) float32 differ from the float64 scores by at most ``guards``: they only filter.
    docs (block, dim); queries (n_sets, >= dim) float64; scores, found (n_sets, places), sizes (n_sets,).
    """
    places = scores.shape[1]
    row, own, size = products[q], members[indptr[q] : indptr[q + 1]], sizes[q]
    floor = floors[q]
    if size == places:
        floor = max(floor, scores[q, 0])
    cut = floor - guards[q]
    if size == 0 and row.shape[0] > 2 * (places + own.shape[0]):
        # The block has its own largest: nothing far below them can be kept.
        cut = max(cut, kth_largest(row, places + own.shape[0]) - 2.0 * guards[q])
    for begin in range(0, row.shape[0], _CHUNK):
        end = min(begin + _CHUNK, row.shape[0])
        if not _any_above(row, begin, end, cut):
            continue
        for j in range(begin, end):
            if row[j] >= cut and not _contains(own, offset + j):
                score = _score(docs, j, queries[q])
                if score > floor:
                    size = _keep(score, offset + j, scores[q], found[q], size)
                    if size == places:
                        floor = max(floor, scores[q, 0])
                        cut = max(cut, floor - guards[q])
    sizes[q] = size


@nb.njit(nogil=True)
def _relevant(q, docs, offset, queries, indptr, members, floors, scores, found, sizes):
    """The same for relevant documents that score less than -``floors``: their scores are kept with the sign changed."""
    places = scores.shape[1]
    own, size = members[indptr[q] : indptr[q + 1]], sizes[q]
    for p in range(np.searchsorted(own, offset), np.searchsorted(own, offset + docs.shape[0])):
        score = -_score(docs, own[p] - offset, queries[q])
        if score > floors[q] and (size < places or score > scores[q, 0]):
            size = _keep(score, own[p], scores[q], found[q], size)
    sizes[q] = size


@nb.njit(nogil=True)
def _join(q, ids, inside, weights, counts, scores, found, sizes, floors, relevant):
    """Add what was found above ``floors[q]`` to set ``q``'s working documents; where space ends, those of weight 0 leave."""
    count, coming = counts[q], 0
    for j in range(sizes[q]):
        coming += scores[q, j] > floors[q]
    if count + coming > ids.shape[1]:
        kept = 0
        for j in range(count):
            if weights[q, j] > 0.0:
                ids[q, kept], inside[q, kept], weights[q, kept] = ids[q, j], inside[q, j], weights[q, j]
                kept += 1
        weights[q, kept:count] = 0.0
        count = kept
    for j in range(sizes[q]):
        if scores[q, j] > floors[q] and count < ids.shape[1]:
            ids[q, count], inside[q, count], weights[q, count] = found[q, j], relevant, 0.0
            count += 1
    counts[q] = count


def _built_from() -> str:
    """Digest of the sources that are compiled into the loops below: numba looks at the time of this file alone."""
    digest = hashlib.sha256()
    for name in ("many_sets", "min_norm", "kernels"):
        digest.update(Path(__file__).with_name(f"{name}.py").read_bytes())
    return digest.hexdigest()


def _compiled(built_from: str) -> tuple[Callable[..., None], ...]:
    """The loops. What a function closes over is part of its key in numba's cache, so they mention ``built_from``."""

    @nb.njit(cache=True, nogil=True, parallel=True)
    def solve_whole(
        rows, columns, dim, indptr, members, start, centre, longest, slack, enough, queries, gaps, bounds, worst, steps, active, weights
    ):
        _ = built_from
        n_sets = indptr.shape[0] - 1
        share = (n_sets + _SHARES - 1) // _SHARES
        for part in nb.prange((n_sets + share - 1) // max(share, 1)):
            _whole(
                part * share, min(n_sets, (part + 1) * share), rows, columns, dim, indptr, members, start, centre, longest, slack, enough,
                queries, gaps, bounds, worst, steps, active, weights,
            )  # fmt: skip

    @nb.njit(cache=True, nogil=True, parallel=True)
    def solve_working(docs, dim, ids, inside, weights, counts, longest, slack, enough, queries, figures, worst, steps, touching):
        _ = built_from
        n_sets = counts.shape[0]
        share = (n_sets + _SHARES - 1) // _SHARES
        for part in nb.prange((n_sets + share - 1) // max(share, 1)):
            _working(
                part * share, min(n_sets, (part + 1) * share), docs, dim, ids, inside, weights, counts, longest, slack, enough,
                queries, figures, worst, steps, touching,
            )  # fmt: skip

    @nb.njit(cache=True, nogil=True, parallel=True)
    def offer_others(products, docs, offset, queries, indptr, members, floors, guards, scores, found, sizes):
        _ = built_from
        for q in nb.prange(products.shape[0]):
            _others(q, products, docs, offset, queries, indptr, members, floors, guards, scores, found, sizes)

    @nb.njit(cache=True, nogil=True, parallel=True)
    def offer_relevant(docs, offset, queries, indptr, members, floors, scores, found, sizes):
        _ = built_from
        for q in nb.prange(sizes.shape[0]):
            _relevant(q, docs, offset, queries, indptr, members, floors, scores, found, sizes)

    @nb.njit(cache=True, nogil=True, parallel=True)
    def join_found(ids, inside, weights, counts, scores, found, sizes, floors, relevant):
        _ = built_from
        for q in nb.prange(counts.shape[0]):
            _join(q, ids, inside, weights, counts, scores, found, sizes, floors, relevant)

    return solve_whole, solve_working, offer_others, offer_relevant, join_found


# Each runs its namesake above (_whole, _working, ...) for all sets; arguments as described there.
solve_whole, solve_working, offer_others, offer_relevant, join_found = _compiled(_built_from())
