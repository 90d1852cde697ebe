"""Planted data: documents and queries that retrieve everything, in three sizes, each with one or two levels broken by a test."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest

from limitlab._core.optional import available
from limitlab.diagnosis import Diagnosis, diagnose
from limitlab.relevance import RelevanceMatrix

SIZES = {"below": (80, 8, 16, 3, 2), "above": (150, 12, 24, 3, 5), "equal": (240, 12, 32, 4, 4)}  # n_docs, n_queries, dim, |S|, k


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Tests marked ``ann`` are skipped without faiss, and fail there when LIMITLAB_REQUIRE_ALL is set."""
    if item.get_closest_marker("ann") and not available("faiss"):
        reason = "not installed: faiss (pip install 'limitlab[ann]')"
        (pytest.fail if os.environ.get("LIMITLAB_REQUIRE_ALL") == "1" else pytest.skip)(reason)


class NoLedger:
    """Takes what a ledger takes and keeps nothing: hundreds of small diagnoses need no disk."""

    def __init__(self) -> None:
        self.artefacts = self

    def start(self, *_: object) -> str:
        return "none"

    def put(self, arrays: object) -> str:
        return "none"

    def add_cell(self, *_: object) -> None:
        return None

    def finish(self, *_: object) -> None:
        return None


def unit(rows: np.ndarray) -> np.ndarray:
    """Rows of unit length."""
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


@dataclass(frozen=True)
class Planted:
    """Data on which the vectors retrieve every relevant document that fits into the cut."""

    relevance: RelevanceMatrix
    docs: np.ndarray
    queries: np.ndarray
    k: int
    rng: np.random.Generator

    def diagnosed(self, **changed: object) -> Diagnosis:
        """The diagnosis with some of the inputs replaced."""
        beneath = ("drowning", "gaps", "geometry")  # tests of the levels need none of it
        given = {"docs": self.docs, "queries": self.queries, "k": self.k, "ledger": NoLedger(), "skip": beneath, **changed}
        return diagnose(self.relevance, **given)

    @property
    def ranked(self) -> dict[str, list[str]]:
        """All documents of every query, best first, by the vectors as they are."""
        order = np.argsort(-(self.queries @ self.docs.T), axis=1, kind="stable")
        return {q: [self.relevance.doc_ids[j] for j in row] for q, row in zip(self.relevance.query_ids, order.tolist())}


def planted(size: str, seed: int, *, spread: float = 0.35, near: float = 0.8) -> Planted:
    """Every query has |S| documents of its own around a centre, and up to as many others a little further off; the query is the centre."""
    n_docs, n_queries, dim, relevant, k = SIZES[size]
    rng = np.random.default_rng([seed, n_docs])
    centres = unit(rng.standard_normal((n_queries, dim)))
    docs = unit(rng.standard_normal((n_docs, dim)))
    order = rng.permutation(n_docs)
    rows, others = order[: n_queries * relevant].reshape(n_queries, relevant), order[n_queries * relevant :]
    for i, (centre, own) in enumerate(zip(centres, rows)):
        docs[own] = unit(centre + spread * unit(rng.standard_normal((relevant, dim))))
        beside = others[i::n_queries][: relevant + k]
        docs[beside] = unit(centre + near * unit(rng.standard_normal((beside.size, dim))))
    matrix = RelevanceMatrix.from_pairs(
        np.repeat(np.arange(n_queries), relevant),
        rows.reshape(-1),
        query_ids=[f"q{i}" for i in range(n_queries)],
        doc_ids=[f"d{j}" for j in range(n_docs)],
    )
    return Planted(matrix, docs, centres, k, rng)


@pytest.fixture(scope="session")
def plant() -> Callable[..., Planted]:
    """``plant("above", 3)``: planted data of a size and a seed, see ``planted``."""
    return planted
