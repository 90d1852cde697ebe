"""Queries in training and held-out parts: by query, or so that no held-out query has a relevant document that training has seen."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from limitlab._core.checks import choice, whole
from limitlab._core.seeds import derived
from limitlab.search import RelevantSet

SPLITS = ("queries", "documents")


@dataclass(frozen=True, eq=False)
class Split:
    """One part: rows of queries to train on and rows held out, ascending."""

    train: np.ndarray
    held_out: np.ndarray


def splits(relevant: RelevantSet, *, folds: int, by: str = "queries", seed: int = 0) -> list[Split]:
    """``folds`` splits; no query is held out twice.

    Parameters
    ----------
    by
        "queries": every query is held out once, at random. "documents": no relevant document of a held-out query is relevant to a training query.
        Where queries fall into enough groups that share no relevant documents, the groups are dealt to the folds and every query is held out
        once. Otherwise the relevant documents are dealt to the folds; a query is held out where all of its documents are, trains where none is,
        and is left out elsewhere, so that only some of the queries are ever held out.
    folds
        At least 2.

    Returns
    -------
    Splits with queries on both sides; fewer than ``folds``, or none, where that is not possible.
    """
    choice("splits()", "split", by, SPLITS)
    whole("splits()", "folds", folds, low=2)
    n = relevant.n_queries
    rng = derived(seed, "splits", by, folds)
    if by == "queries":
        part = np.empty(n, np.int64)
        part[rng.permutation(n)] = np.arange(n) % folds
        pairs = [(part != f, part == f) for f in range(folds)]
    else:
        group = _groups(relevant)
        sizes = np.bincount(group)
        if sizes.max() * folds <= max(n, folds):
            pairs = _dealt_groups(group, sizes, folds, rng)
        else:
            pairs = _dealt_documents(relevant, folds, rng)
    out = [Split(np.flatnonzero(train), np.flatnonzero(held)) for train, held in pairs]
    return [s for s in out if s.train.size and s.held_out.size]


def _groups(relevant: RelevantSet) -> np.ndarray:
    """(n_queries,) numbers of groups that share no relevant document with each other."""
    from scipy.sparse import csr_matrix
    from scipy.sparse.csgraph import connected_components

    n = relevant.n_queries
    size = n + int(relevant.members.max(initial=-1)) + 1
    edges = csr_matrix((np.ones(relevant.members.size, np.int8), (relevant.rows, n + relevant.members)), shape=(size, size))
    return np.unique(connected_components(edges, directed=False)[1][:n], return_inverse=True)[1]


def _dealt_groups(group: np.ndarray, sizes: np.ndarray, folds: int, rng: np.random.Generator) -> list[tuple[np.ndarray, np.ndarray]]:
    """Groups, large ones first and in random order among equals, each to the fold with the fewest queries."""
    order = np.lexsort((rng.permutation(sizes.size), -sizes))
    load = np.zeros(folds, np.int64)
    fold_of = np.empty(sizes.size, np.int64)
    for g in order:
        fold_of[g] = int(load.argmin())
        load[fold_of[g]] += sizes[g]
    part = fold_of[group]
    return [(part != f, part == f) for f in range(folds)]


def _dealt_documents(relevant: RelevantSet, folds: int, rng: np.random.Generator) -> list[tuple[np.ndarray, np.ndarray]]:
    used, columns = np.unique(relevant.members, return_inverse=True)
    part = np.empty(used.size, np.int64)
    part[rng.permutation(used.size)] = np.arange(used.size) % folds
    counts = np.zeros((relevant.n_queries, folds), np.int64)
    np.add.at(counts, (relevant.rows, part[columns]), 1)
    sizes = np.diff(relevant.indptr)
    return [((counts[:, f] == 0) & (sizes > 0), (counts[:, f] == sizes) & (sizes > 0)) for f in range(folds)]
