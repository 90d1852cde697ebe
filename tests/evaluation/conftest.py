"""Fixtures of the evaluation tests."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A state folder of the test's own, and no network."""
    folder = tmp_path / "home"
    monkeypatch.setenv("LIMITLAB_HOME", str(folder))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    return folder


class Vectors:
    """A retriever over vectors drawn from a seed; counts how often it indexes and searches."""

    label = "Vectors"
    family = "other"

    def __init__(self, name: str = "vectors", dim: int = 8, seed: int = 0) -> None:
        self.name, self._dim, self.seed = name, dim, seed
        self.indexed = 0
        self.searched: list[int | None] = []

    @property
    def max_dim(self) -> int:
        return self._dim

    def config(self, n_docs: int) -> dict:
        return {"retriever": "vectors", "dim": self._dim, "seed": self.seed}

    def index(self, docs, queries, *, progress=None) -> dict:
        self.indexed += 1
        rng = np.random.default_rng(self.seed)
        self._docs, self._queries = (rng.standard_normal((len(t), self._dim)).astype(np.float32) for t in (docs, queries))
        return {"cost": {"encode_seconds": 1.5, "bytes_per_doc": 4.0 * self._dim}, "notes": {"documents_cut": 3}}

    def search(self, *, k, places, relevant, dim=None, progress=None):
        from limitlab.search import exact_search

        self.searched.append(dim)
        return exact_search(self._docs, self._queries, k=k, places=places, dim=dim, relevant=relevant)

    def predict(self, measure, cut, **facts):
        return None


@pytest.fixture(scope="session")
def vectors() -> type[Vectors]:
    """The class: ``vectors(name=..., dim=..., seed=...)`` makes a retriever."""
    return Vectors


@pytest.fixture(scope="session")
def limit_data():
    """LIMIT with 60 documents and 40 queries."""
    from limitlab.data import make_limit

    return make_limit(n_docs=60, n_queries=40, seed=0, name="limit")
