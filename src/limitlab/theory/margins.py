"""The largest gap that any vectors of any dimension can have on all k-subsets. Gaps are full gaps: twice the margin."""

from __future__ import annotations

import math

from limitlab._core.checks import whole


def gap_upper_row_wise(n_docs: int, k: int) -> float:
    r"""Ceiling of the gap when every query has a threshold of its own: n / sqrt(k (n - 1)(n - k)).

    Averaging the gap over the documents of S and over all S leaves the distance of the mean of S from the mean of the rest, whose mean
    square the variance of a sample without replacement gives. A regular simplex of n documents with the sums of S as queries
    attains it in n - 1 dimensions.

    Parameters
    ----------
    n_docs, k
        1 <= k < n_docs. Unit documents and queries.

    Returns
    -------
    Full gap, in (0, 2].

    Raises
    ------
    RangeError
        k is outside [1, n_docs - 1].

    References
    ----------
    [Wang2026]
    """
    n, k = _sizes("gap_upper_row_wise()", n_docs, k)
    return n / math.sqrt(k * (n - 1) * (n - k))


def gap_upper_global(n_docs: int, k: int) -> float:
    r"""Ceiling of twice the margin when scores must be >= m on S and <= -m off S: 2 (a + b) / (2 + a - b).

    a = sqrt((n - k) / (k (n - 1))) and b = sqrt(k / ((n - 1)(n - k))) are the scores of the simplex inside and outside S; for
    n < 2k they change places. Attained by a simplex with one more coordinate. It tends to 2 / (2 sqrt(k) + 1) as n grows.

    Parameters
    ----------
    n_docs, k
        1 <= k < n_docs. Unit documents and queries, the same threshold 0 for all queries.

    Returns
    -------
    Full gap 2 m, in (0, 2].

    References
    ----------
    Leading term: [Bangachev2026]. The exact value and its proof: docs/concepts/bounds.md.
    """
    n, k = _sizes("gap_upper_global()", n_docs, k)
    k = min(k, n - k)
    a = math.sqrt((n - k) / (k * (n - 1)))
    b = math.sqrt(k / ((n - 1) * (n - k)))
    return 2 * (a + b) / (2 + a - b)


def _sizes(who: str, n_docs: int, k: int) -> tuple[int, int]:
    n_docs = whole(who, "n_docs", n_docs, low=2)
    return n_docs, whole(who, "k", k, low=1, high=n_docs - 1, high_name="n_docs - 1")
