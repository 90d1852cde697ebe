"""Scores of stored vectors with a proved error, and comparisons that are decided exactly."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

_UNIT = 2.0**-53


def score_error(docs: np.ndarray, queries: np.ndarray) -> np.ndarray:
    """(n_queries,) float64: how much the difference of two float64 scores of one query can be off; 0 where sums are exact.

    A float64 sum of ``dim`` products, in any order, errs by at most gamma_dim |u| |v| [Higham2002, section 3.1]. Where all
    products are whole multiples of one power of two and their sums stay below 2**53 of it, nothing is rounded at all.

    Parameters
    ----------
    docs, queries
        (n_docs, dim) and (n_queries, dim), the stored values as float64 or float32.
    """
    dim = docs.shape[1]
    longest, norms = float(_norms(docs).max(initial=0.0)), _norms(queries)
    error = (2 * (dim + 2) * _UNIT) * norms * longest + 2 * dim * 5e-324
    quantum = _quantum_exponent(docs) + _quantum_exponent(queries)
    return np.where(norms * longest * (1 + 2.0**-40) < np.ldexp(1.0, min(1000, 53 + quantum)), 0.0, error) if quantum > -1000 else error


def exact_score(doc: np.ndarray, query: np.ndarray) -> Fraction:
    """The inner product of the stored numbers, as a fraction."""
    return sum((Fraction(float(a)) * Fraction(float(b)) for a, b in zip(doc, query)), Fraction(0))


def set_differences(docs: np.ndarray, queries: np.ndarray, members: np.ndarray) -> np.ndarray:
    """Least score inside minus greatest score outside of every set, with exact signs.

    Parameters
    ----------
    docs, queries
        (n_docs, dim), (n_sets, dim): stored values.
    members
        (n_sets, k): the documents of each set.

    Returns
    -------
    (n_sets,) float64; positive exactly when all documents of the set score strictly above all others.
    """
    docs, queries = np.asarray(docs, np.float64), np.asarray(queries, np.float64)
    scores = queries @ docs.T
    rows = np.arange(len(queries))[:, None]
    inside = scores[rows, members]
    low = inside.min(axis=1)
    scores[rows, members] = -np.inf
    high = scores.max(axis=1)
    difference = low - high
    error = score_error(docs, queries)
    for q in np.flatnonzero((np.abs(difference) <= error) & (error > 0)):
        # Only documents within the error of the extremes can decide.
        least = min(exact_score(docs[j], queries[q]) for j in members[q][inside[q] <= low[q] + error[q]])
        greatest = max(exact_score(docs[j], queries[q]) for j in np.flatnonzero(scores[q] >= high[q] - error[q]))
        difference[q] = float(least - greatest)
    return difference


def _norms(rows: np.ndarray) -> np.ndarray:
    wide = rows.astype(np.float64, copy=False)
    return np.sqrt(np.einsum("nd,nd->n", wide, wide))


def _quantum_exponent(values: np.ndarray) -> int:
    """The greatest e such that all values are whole multiples of 2**e (0 when all are zero)."""
    nonzero = values[values != 0].astype(np.float64)
    if not nonzero.size:
        return 0
    significand, exponent = np.frexp(nonzero)
    whole = np.abs(np.ldexp(significand, 53)).astype(np.int64)
    lowest = np.frexp((whole & -whole).astype(np.float64))[1] - 1
    return int((exponent - 53 + lowest).min())
