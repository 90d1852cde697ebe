"""Documents in an order on the moment curve, queries as polynomials, in whole numbers: the construction behind the order's bound."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from limitlab._core.errors import ShapeError, TooLarge
from limitlab.theory.matrix import SignMatrix

MAX_PRODUCTS = 4_000_000


@dataclass(frozen=True, eq=False)
class MomentCurve:
    """Document j is (x, x**2, ..., x**c) at an even or odd whole number x, query i the coefficients of a polynomial.

    Attributes
    ----------
    docs, queries
        (n_cols, c) and (n_rows, c), Python whole numbers of any length.
    thresholds
        (n_rows,): ``queries @ docs.T`` is above it exactly on the relevant documents.
    """

    docs: np.ndarray
    queries: np.ndarray
    thresholds: np.ndarray

    @property
    def dim(self) -> int:
        """Of the vectors; with the threshold as one more coordinate: the sign rank shown."""
        return int(self.docs.shape[1])

    def shows(self, matrix: SignMatrix) -> bool:
        """Whether the scores are above the threshold on exactly the relevant documents, in whole numbers."""
        scores = self.queries.dot(self.docs.T)
        return bool(((scores > self.thresholds[:, None]) == matrix.dense()).all() and (scores != self.thresholds[:, None]).all())


def moment_curve(matrix: SignMatrix, order: np.ndarray) -> MomentCurve:
    """The vectors of an order.

    Parameters
    ----------
    order
        (n_cols,) a permutation of the columns. c is the most changes of relevance that a row has along it.

    Raises
    ------
    ShapeError
        ``order`` is not a permutation of the columns.
    TooLarge
        More than 4,000,000 products of whole numbers would be needed.

    References
    ----------
    [AlonMoranYehudayoff2016]
    """
    who, n = "moment_curve()", matrix.n_cols
    if not np.array_equal(np.sort(order), np.arange(n)):
        raise ShapeError(f"{who}: order must be a permutation of the {n} columns; got {np.asarray(order).size} values.")
    along = matrix.rows[:, order].toarray().astype(bool)
    changes = along[:, 1:] != along[:, :-1]
    c = int(changes.sum(axis=1).max(initial=0))
    if c * n * matrix.n_rows > MAX_PRODUCTS:
        raise TooLarge(
            f"{who}: {matrix.n_rows:,} rows x {n:,} columns x {c} dimensions are too many for whole numbers; the limit is {MAX_PRODUCTS:,}."
        )
    x = [2 * j - (n - 1) for j in range(n)]
    docs = np.empty((n, c), object)
    for j, column in enumerate(order):
        docs[column] = [x[j] ** power for power in range(1, c + 1)]
    queries = np.zeros((matrix.n_rows, c), object)
    thresholds = np.zeros(matrix.n_rows, object)
    for i in range(matrix.n_rows):
        coefficients = _with_roots([x[j] + 1 for j in np.flatnonzero(changes[i])])
        sign = 1 if along[i, -1] else -1  # beyond the last change a monic polynomial is positive
        thresholds[i] = -sign * coefficients[0]
        queries[i, : len(coefficients) - 1] = [sign * a for a in coefficients[1:]]
    return MomentCurve(docs, queries, thresholds)


def _with_roots(roots: list[int]) -> list[int]:
    """Coefficients, constant first, of the monic polynomial with these roots."""
    out = [1]
    for root in roots:
        out = [(out[i - 1] if i else 0) - root * (out[i] if i < len(out) else 0) for i in range(len(out) + 1)]
    return out
