"""What the tests of the platforms share: the servers, their key, and a small corpus."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest

from limitlab.data import Dataset

LIKES = ["Apples", "Boxing", "Chess", "Dahlias", "Eels", "Figs", "Golf", "Hats", "Ibises", "Jazz"]


def _fakes():
    path = Path(__file__).parents[2] / "fakes" / "rag_platforms.py"
    spec = importlib.util.spec_from_file_location("fakes_rag_platforms", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def fakes():
    """The module ``tests/fakes/rag_platforms.py``."""
    return _fakes()


@pytest.fixture
def keys(monkeypatch, fakes):
    """Every platform's variable holds the servers' key."""
    for name in ("DIFY_API_KEY", "DIFY_EXTERNAL_API_KEY", "RAGFLOW_API_KEY", "FASTGPT_API_KEY", "TASKINGAI_API_KEY", "MY_KEY"):
        monkeypatch.setenv(name, fakes.KEY)
    return fakes.KEY


@pytest.fixture(scope="session")
def data() -> Dataset:
    """Ten queries, each with the two documents that like what it asks for; ids with spaces and a slash."""
    docs, qrels = {}, {}
    for i, first in enumerate(LIKES):
        second = LIKES[(i + 1) % len(LIKES)]
        name = f"Person {i}" if i else "Ann/e 0"
        docs[name] = f"Person{i} likes {first}, Ordinary Things and {second}."
        for liked in (first, second):
            qrels.setdefault(f"q-{liked}", {})[name] = 1
    return Dataset.from_texts(docs, {q: f"Who likes {q[2:]}?" for q in qrels}, qrels, name="likes")


@pytest.fixture(scope="session")
def corpus(data) -> dict[str, str]:
    """``{id: text}``."""
    return dict(zip(data.docs.ids, data.docs))


@pytest.fixture
def measure(data):
    """``measure(spec)``: recall@2 and the notes of one evaluation; fails where the row has no number."""
    from limitlab.evaluation import evaluate

    def run(spec, on=data, measures=("recall@2",)):
        row = evaluate(on, [spec], measures=measures).rows[0]
        assert row.status.key == "solved", row.message
        return row.measures["recall@2"].mean, row.notes

    return run
