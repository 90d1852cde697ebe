"""From a sheet of scores to the slopes of the sigmoid objective, for one block of queries (see softmax.py for sheets)."""

from __future__ import annotations

import numba as nb
import numpy as np

from limitlab.free.elementary import exp, log1p
from limitlab.free.lanes import larger, load, splat, store, where_at_least
from limitlab.free.state import BLOCK, WIDTH

_F = np.float32


@nb.njit(nogil=True)
def _softplus(sheet, n_docs, scale, bias, work):
    """``sheet = sigmoid(x)``, x = scale (sheet - bias); work: column sums of softplus(x), of sigmoid(x), of x / scale times sigmoid(x)."""
    zero, one = splat(_F(0.0)), splat(_F(1.0))
    for lane in range(0, BLOCK, WIDTH):
        losses = slopes = steepness = zero
        for at in range(lane, n_docs * BLOCK, BLOCK):
            y = load(sheet, at) - splat(bias)
            x = y * splat(scale)
            small = exp(where_at_least(x, zero, zero - x, x))
            slope = where_at_least(x, zero, one, small) / (one + small)
            losses = losses + (larger(zero, x) + log1p(small))
            slopes = slopes + slope
            steepness = steepness + slope * y
            store(sheet, at, slope)
        store(work[0], lane, losses)
        store(work[1], lane, slopes)
        store(work[2], lane, steepness)


@nb.njit(nogil=True)
def sigmoid(sheet, n_docs, indptr, members, first, n_real, scale, bias, share, factor, work, sums):
    """Slopes of ``share`` times the sum over all pairs of softplus(-y t (s - b)).

    Arguments as ``infonce``; sums (3,) float64 gains the sum of the losses and its derivatives by t and by b, without
    ``share``. A relevant pair is reflected at b first, so that softplus(t (s - b)) is its loss too.
    """
    for q in range(n_real):
        for p in range(indptr[first + q], indptr[first + q + 1]):
            at = members[p] * BLOCK + q
            sheet[at] = bias + bias - sheet[at]
    _softplus(sheet, n_docs, scale, bias, work)
    for q in range(BLOCK):
        factor[q] = scale * share if q < n_real else _F(0.0)
    for q in range(n_real):
        reflected = 0.0
        for p in range(indptr[first + q], indptr[first + q + 1]):
            at = members[p] * BLOCK + q
            reflected += np.float64(sheet[at])
            sheet[at] = -sheet[at]
        sums[0] += np.float64(work[0, q])
        sums[1] += np.float64(work[2, q])
        sums[2] -= np.float64(scale) * (np.float64(work[1, q]) - 2.0 * reflected)
