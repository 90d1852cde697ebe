"""Exact search by other means: rational arithmetic and full sorting."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest

from limitlab.search import RelevantSet


def exact_scores(docs: np.ndarray, queries: np.ndarray) -> np.ndarray:
    """Scores summed without any rounding (math.fsum of exact products of float32 values), then rounded to float32.

    Rounding goes through float64 as fsum returns it; for the vectors of these tests that is the nearest float32.
    """
    docs, queries = docs.astype(np.float32).astype(np.float64), queries.astype(np.float32).astype(np.float64)
    return np.array([[math.fsum(d * q) for d in docs] for q in queries]).reshape(len(queries), len(docs)).astype(np.float32)


def sorted_lists(scores: np.ndarray, doc_ids: list[str], k: int, *, ascending: bool = False) -> np.ndarray:
    """Best first; among equal scores by id, descending unless asked otherwise."""
    by_id = sorted(range(len(doc_ids)), key=lambda j: doc_ids[j].encode(), reverse=not ascending)
    return np.array([sorted(by_id, key=lambda j: -row[j])[:k] for row in scores.tolist()]).reshape(len(scores), min(k, len(doc_ids)))


def counted_ranks(scores: np.ndarray, relevant: RelevantSet, places: np.ndarray) -> tuple[list[int], list[int], list[int]]:
    """(above, tied, before) of every relevant document by comparing it with every document."""
    above, tied, before = [], [], []
    for q, d in zip(relevant.rows, relevant.members):
        row = scores[q]
        above.append(int((row > row[d]).sum()))
        tied.append(int((row == row[d]).sum()))
        before.append(int(((row == row[d]) & (places < places[d])).sum()))
    return above, tied, before


def unit_rows(rows: np.ndarray) -> np.ndarray:
    """Rows scaled to unit length in float64, then rounded to float32."""
    rows = rows.astype(np.float32).astype(np.float64)
    norms = np.sqrt((rows**2).sum(axis=1, keepdims=True))
    return (rows / np.where(norms > 0, norms, 1)).astype(np.float32)


class Reference:
    """The reference functions, as one object for fixtures."""

    scores: Callable = staticmethod(exact_scores)
    lists: Callable = staticmethod(sorted_lists)
    ranks: Callable = staticmethod(counted_ranks)
    unit: Callable = staticmethod(unit_rows)


@pytest.fixture(scope="session")
def reference() -> type[Reference]:
    return Reference


@pytest.fixture(scope="session")
def make_relevant() -> Callable[..., RelevantSet]:
    """A RelevantSet with 0 to ``most`` documents a query."""

    def make(rng: np.random.Generator, n_queries: int, n_docs: int, most: int) -> RelevantSet:
        sizes = rng.integers(0, most + 1, size=n_queries)
        members = [np.sort(rng.choice(n_docs, size=s, replace=False)) for s in sizes]
        return RelevantSet(np.concatenate([[0], np.cumsum(sizes)]), np.concatenate(members))

    return make
