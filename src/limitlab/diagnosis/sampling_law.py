"""The law of a rank when the corpus is smaller than, or larger than, the one that was searched."""

from __future__ import annotations

import numpy as np


def few_in_sample(marked: np.ndarray, population: np.ndarray, drawn: np.ndarray, most: np.ndarray) -> np.ndarray:
    """Chance that at most ``most`` of ``drawn`` documents, drawn without replacement, are marked: the hypergeometric law, summed exactly.

    Parameters
    ----------
    marked, population, drawn
        (n,) int64: documents above, documents to draw from, documents drawn; 0 <= marked, drawn <= population.
    most
        (n,) int64; below 0 the chance is 0.

    Returns
    -------
    (n,) float64. Terms are summed from the smallest possible number upwards, in logarithms; the relative error is that of the
    logarithm of the gamma function, about 1e-8 for a million documents.
    """
    from scipy.special import gammaln

    cases, back = np.unique(np.stack([marked, population, drawn, most]).astype(np.int64), axis=1, return_inverse=True)
    marked, population, drawn, most = cases
    out = np.where(most >= np.minimum(marked, drawn), 1.0, 0.0)
    low = np.maximum(0, drawn - (population - marked))
    todo = np.flatnonzero((out == 0) & (most >= low))
    r, n, m, top, x = (a[todo].astype(np.float64) for a in (marked, population, drawn, most, low))

    def choose(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        return gammaln(a + 1) - gammaln(b + 1) - gammaln(a - b + 1)

    log_term = choose(r, x) + choose(n - r, m - x) - choose(n, m)
    total = np.exp(log_term)
    live = np.arange(todo.size)
    while (live := live[x[live] < top[live]]).size:
        at = x[live]
        log_term[live] += np.log((r[live] - at) * (m[live] - at)) - np.log((at + 1) * (n[live] - r[live] - m[live] + at + 1))
        x[live] = at + 1
        total[live] += np.exp(log_term[live])
    out[todo] = np.minimum(total, 1.0)
    return out[back.reshape(-1)]


def few_new(mean: np.ndarray, shape: np.ndarray, most: np.ndarray) -> np.ndarray:
    """Chance that at most ``most`` new documents stand above: Poisson with a mean that is itself gamma distributed.

    Parameters
    ----------
    mean
        (n,) expected number.
    shape
        (n,) of the gamma law: its mean divided by its standard deviation, squared. The law of the number is negative binomial.
    most
        (n,) int64; below 0 the chance is 0.
    """
    from scipy.special import betainc

    safe = np.maximum(most, 0)
    with np.errstate(invalid="ignore"):
        found = np.where(mean > 0, betainc(shape, safe + 1.0, shape / (shape + mean)), 1.0)
    return np.where(most < 0, 0.0, found)
