"""Relevance patterns: who is relevant to whom, before any text exists.

The four patterns of the LIMIT paper [Weller2025] and all k-subsets. Sizes are computed before rows are made.
"""

from __future__ import annotations

from itertools import combinations, islice
from math import comb

import numpy as np

from limitlab._core.checks import choice, whole
from limitlab._core.errors import RangeError, TooLarge
from limitlab._core.seeds import Seed, generator
from limitlab.relevance.matrix import RelevanceMatrix

PATTERNS = ("dense", "random", "cycle", "disjoint")
MAX_ENTRIES = 100_000_000
MAX_ROWS = 50_000_000


def dense_documents(n_queries: int, k: int = 2) -> int:
    """The fewest documents that have at least ``n_queries`` subsets of size ``k``.

    Examples
    --------
    >>> dense_documents(1000, 2)
    46
    """
    who = "dense_documents()"
    whole(who, "n_queries", n_queries, low=1)
    whole(who, "k", k, low=1)
    n = k
    step = 1
    while comb(n + step, k) < n_queries:  # gallop, then bisect: n may be millions when k = 1
        step *= 2
    low, high = n, n + step
    while low < high:
        middle = (low + high) // 2
        if comb(middle, k) >= n_queries:
            high = middle
        else:
            low = middle + 1
    return low


def dense(n_docs: int, n_queries: int, *, k: int = 2) -> RelevanceMatrix:
    """The standard LIMIT pattern: the first ``n_queries`` k-subsets of the fewest documents, in lexicographic order.

    The subsets are of the first ``dense_documents(n_queries, k)`` columns; other columns are relevant to nothing.

    Raises
    ------
    RangeError
        ``n_docs`` is smaller than the fewest documents needed.
    TooLarge
        More than 100,000,000 entries.

    References
    ----------
    [Weller2025]
    """
    who = "dense()"
    _sizes(who, n_docs, n_queries, k)
    need = dense_documents(n_queries, k)
    if n_docs < need:
        raise RangeError(f"{who}: n_docs must be at least {need} for n_queries={n_queries}, k={k}; got n_docs={n_docs}.")
    return _uniform(_first_subsets(need, k, n_queries), n_docs)


def random(n_docs: int, n_queries: int, *, k: int = 2, seed: Seed = 0) -> RelevanceMatrix:
    """Each query's ``k`` documents are drawn from all documents, uniformly, without repetition within the query."""
    who = "random()"
    _sizes(who, n_docs, n_queries, k)
    rng = generator(who, seed)
    rows = rng.integers(n_docs, size=(n_queries, k))
    while True:
        rows.sort(axis=1)
        again = np.flatnonzero((np.diff(rows, axis=1) == 0).any(axis=1))
        if not again.size:
            return _uniform(rows, n_docs)
        if k * k > n_docs:  # rejection would be slow: draw these rows by shuffling
            for i in again:
                rows[i] = rng.choice(n_docs, size=k, replace=False)
        else:
            rows[again] = rng.integers(n_docs, size=(again.size, k))


def cycle(n_docs: int, n_queries: int, *, k: int = 2) -> RelevanceMatrix:
    """Query ``i`` -> documents ``i .. i+k-1`` of a ring of ``n_queries`` documents (wrapping).

    With fewer documents than queries the ring has ``n_docs`` documents and is gone round more than once.
    """
    who = "cycle()"
    _sizes(who, n_docs, n_queries, k)
    ring = min(n_docs, max(n_queries, k))
    rows = (np.arange(n_queries)[:, None] + np.arange(k)[None, :]) % ring
    return _uniform(np.sort(rows, axis=1), n_docs)


def disjoint(n_docs: int, n_queries: int, *, k: int = 2) -> RelevanceMatrix:
    """Query ``i`` -> documents ``k i .. k i + k - 1``: no document answers two queries."""
    who = "disjoint()"
    _sizes(who, n_docs, n_queries, k)
    if n_queries * k > n_docs:
        raise RangeError(f"{who}: n_docs must be at least n_queries * k = {n_queries * k:,}; got n_docs={n_docs:,}.")
    return _uniform(np.arange(n_queries * k).reshape(n_queries, k), n_docs)


def all_subsets(n_docs: int, k: int = 2, *, max_rows: int | None = None, sample: int | None = None, seed: Seed = 0) -> RelevanceMatrix:
    """All k-subsets of ``n_docs`` documents in lexicographic order, or ``sample`` distinct ones drawn uniformly.

    Raises
    ------
    RangeError
        ``k`` is outside [1, n_docs].
    TooLarge
        There are more than ``max_rows`` subsets (default 50,000,000) and no sample was asked for.

    Examples
    --------
    >>> all_subsets(5, 2).n_queries
    10
    """
    who = "all_subsets()"
    whole(who, "n_docs", n_docs, low=1, high=2**31 - 1)
    whole(who, "k", k, low=1)
    if k > n_docs:
        raise RangeError(f"{who}: k must be in [1, n_docs]; got k={k}, n_docs={n_docs}.")
    total = comb(n_docs, k)
    if sample is not None:
        whole(who, "sample", sample, low=1, high=MAX_ENTRIES // k)
        if sample < total:
            return _uniform(_sampled_subsets(n_docs, k, sample, generator(who, seed)), n_docs)
    limit = MAX_ROWS if max_rows is None else whole(who, "max_rows", max_rows, low=1)
    if total <= limit and total * k > MAX_ENTRIES:
        raise TooLarge(f"{who[:-2]}(n_docs={n_docs}, k={k}) has {total * k:,} entries; the limit is {MAX_ENTRIES:,}. Pass sample=N.")
    if total > limit:
        size = f"{total:,}" if total < 10**18 else f"about 10^{len(str(total)) - 1}"
        raise TooLarge(f"all_subsets(n_docs={n_docs}, k={k}) has {size} rows; the limit is {limit:,}. Pass sample=N, or max_rows=.")
    return _uniform(_first_subsets(n_docs, k, total), n_docs)


def from_pattern(pattern: str, n_docs: int, n_queries: int, *, k: int = 2, seed: Seed = 0) -> RelevanceMatrix:
    """One of the paper's four patterns by name: dense, random, cycle, disjoint."""
    choice("from_pattern()", "pattern", pattern, PATTERNS)
    if pattern == "random":
        return random(n_docs, n_queries, k=k, seed=seed)
    return {"dense": dense, "cycle": cycle, "disjoint": disjoint}[pattern](n_docs, n_queries, k=k)


def _sizes(who: str, n_docs: int, n_queries: int, k: int) -> None:
    whole(who, "n_docs", n_docs, low=1, high=2**31 - 1)
    whole(who, "n_queries", n_queries, low=1)
    whole(who, "k", k, low=1, high=n_docs, high_name="n_docs")
    if n_queries * k > MAX_ENTRIES:
        raise TooLarge(
            f"{who}: {n_queries:,} queries x {k:,} relevant documents are {n_queries * k:,} entries; the limit is {MAX_ENTRIES:,}."
        )


def _uniform(rows: np.ndarray, n_docs: int) -> RelevanceMatrix:
    n_queries, k = rows.shape
    return RelevanceMatrix(np.arange(n_queries + 1) * k, rows.reshape(-1), n_docs=n_docs)


def _first_subsets(n: int, k: int, count: int) -> np.ndarray:
    """The first ``count`` k-subsets of range(n) in lexicographic order, (count, k) int32."""
    if k == 2:  # closed form: millions of pairs without a Python loop
        firsts = np.repeat(np.arange(n - 1, dtype=np.int32), np.arange(n - 1, 0, -1))[:count]
        starts = np.concatenate([[0], np.cumsum(np.arange(n - 1, 0, -1))])[firsts]
        return np.stack([firsts, (np.arange(firsts.size) - starts + firsts + 1).astype(np.int32)], axis=1)
    flat = np.fromiter((j for subset in islice(combinations(range(n), k), count) for j in subset), np.int32, count * k)
    return flat.reshape(count, k)


def _sampled_subsets(n: int, k: int, count: int, rng: np.random.Generator) -> np.ndarray:
    if comb(n, k) <= 4 * count and comb(n, k) <= MAX_ROWS:
        every = _first_subsets(n, k, comb(n, k))
        return every[np.sort(rng.choice(len(every), size=count, replace=False))]
    found: set[tuple[int, ...]] = set()
    while len(found) < count:
        found.add(tuple(sorted(rng.choice(n, size=k, replace=False).tolist())))
    return np.array(sorted(found), np.int32)
