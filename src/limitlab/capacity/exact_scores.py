"""Scores of stored vectors with a proved error, and comparisons that are decided exactly."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np

_UNIT = 2.0**-53
_CELLS = 8_000_000


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
        least, greatest = members[q][inside[q] <= low[q] + error[q]], np.flatnonzero(scores[q] >= high[q] - error[q])
        difference[q] = float(_exact_difference(docs, queries[q], least, greatest))
    return difference


@dataclass(frozen=True)
class Standing:
    """Where the documents of every set stand, in exact comparisons.

    Attributes
    ----------
    above
        (n_pairs,) int64, aligned with ``members``: weight of the irrelevant documents that score as much or more.
    differences
        (n_sets,) float64: least score inside minus greatest outside; positive exactly when no irrelevant document scores as
        much as any relevant one.
    """

    above: np.ndarray
    differences: np.ndarray


def standing(docs: np.ndarray, queries: np.ndarray, indptr: np.ndarray, members: np.ndarray, weights: np.ndarray) -> Standing:
    """Count the irrelevant documents that score as much as each relevant one, or more: ties go against the relevant.

    Parameters
    ----------
    docs, queries
        (n_docs, dim), (n_sets, dim): stored values.
    indptr, members
        CSR of the sets.
    weights
        (n_docs,) int64: how many documents each row of ``docs`` stands for.
    """
    docs, queries = np.asarray(docs, np.float64), np.asarray(queries, np.float64)
    error = score_error(docs, queries)
    above, differences = np.zeros(members.size, np.int64), np.empty(len(queries))
    at_once = max(1, _CELLS // len(docs))
    for start in range(0, len(queries), at_once):
        block = queries[start : start + at_once] @ docs.T
        for q, scores in enumerate(block, start=start):
            span = slice(indptr[q], indptr[q + 1])
            above[span], differences[q] = _one_set(docs, queries[q], scores, members[span], weights, float(error[q]))
    return Standing(above, differences)


def _one_set(
    docs: np.ndarray, query: np.ndarray, scores: np.ndarray, own: np.ndarray, weights: np.ndarray, error: float
) -> tuple[np.ndarray, float]:
    """Weight above each relevant document, and least inside minus greatest outside; ``scores`` is overwritten."""
    inside = scores[own]
    scores[own] = -np.inf
    difference = float(inside.min() - scores.max())
    if difference > error:
        return np.zeros(own.size, np.int64), difference
    rivals = np.flatnonzero(scores >= inside.min() - error)
    order = rivals[np.argsort(-scores[rivals], kind="stable")]
    total = np.concatenate([[0], np.cumsum(weights[order])])
    # Certainly above: more than the error higher. The few within it are compared as fractions.
    sure = np.searchsorted(-scores[order], -(inside + error), side="left" if error else "right")
    above = total[sure]
    if error:
        last = np.searchsorted(-scores[order], -(inside - error), side="right")
        for i in np.flatnonzero(last > sure):
            mine, unsure = exact_score(docs[own[i]], query), order[sure[i] : last[i]]
            above[i] += sum(int(weights[j]) for j in unsure if exact_score(docs[j], query) >= mine)
        if abs(difference) <= error:
            low, high = own[inside <= inside.min() + error], order[scores[order] >= scores[order[0]] - error]
            difference = float(_exact_difference(docs, query, low, high))
    return above, difference


def _exact_difference(docs: np.ndarray, query: np.ndarray, inside: np.ndarray, outside: np.ndarray) -> Fraction:
    return min(exact_score(docs[i], query) for i in inside) - max(exact_score(docs[j], query) for j in outside)


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
