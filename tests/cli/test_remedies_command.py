"""``limitlab diagnose --remedies``, ``--save-adapter`` and ``limitlab gate --max-loss``: tables, files, exit codes."""

from __future__ import annotations

import numpy as np
import pytest

from limitlab.ledger import Ledger
from limitlab.retrieval.adapters import LinearAdapter


@pytest.fixture
def vectors(tmp_path):
    """Vectors for the 60 documents and 40 queries of the LIMIT folder: random, so that words alone tell."""
    rng = np.random.default_rng(0)
    np.save(tmp_path / "docs.npy", rng.standard_normal((60, 8)))
    np.save(tmp_path / "queries.npy", rng.standard_normal((40, 8)))
    return ("--docs", "docs.npy", "--queries", "queries.npy", "--k", "2")


def test_remedies_are_a_table_and_a_sentence(cli, limit_folder, vectors):
    done = cli("diagnose", limit_folder, *vectors, "--remedies", "hybrid,serving,rerank,cut", "--dtype", "binary", "--rerank-depth", "30")
    assert (done.code, done.err) == (0, "")
    assert "hybrid with BM25" in done.out.splitlines()[3] and "recovers" in done.out.splitlines()[3]
    for label in ("weighted hybrid with BM25", "documents in float32", "a perfect reranker of the first 30", "k = 4"):
        assert label in done.out
    record = cli("diagnose", limit_folder, *vectors, "--remedies", "hybrid", "--json").json()
    assert {r["key"] for r in record["remedies"]} == {"hybrid-rrf", "hybrid-weighted"}
    assert record["config"]["remedies"]["folds"] == 5
    page = cli("report", "last", "-o", "page.html")
    assert page.code == 0


def test_an_adapter_of_all_queries_is_saved(cli, limit_folder, vectors, tmp_path):
    done = cli("diagnose", limit_folder, *vectors, "--remedies", "adapter", "--folds", "2", "--save-adapter", "adapter.npz")
    assert done.code == 0 and "adapter.npz, trained on all 40 queries" in done.out
    adapter = LinearAdapter.load("adapter.npz")
    assert adapter.dim == 8 and adapter.facts["trained_on"] == "all 40 queries of the diagnosis"


def test_options_without_remedies_are_refused(cli, limit_folder, vectors):
    cli("diagnose", limit_folder, *vectors, "--save-adapter", "a.npz").refused(
        1, "InvalidArgument: limitlab diagnose: --save-adapter must come"
    )
    cli("diagnose", limit_folder, *vectors, "--rerank", "some/model").refused(1, "InvalidArgument: limitlab diagnose: --rerank must come")
    cli("diagnose", limit_folder, *vectors, "--remedies", "magic").refused(1, "UnknownName: remedies: unknown remedy 'magic'")


def test_max_loss_is_refused_where_it_means_nothing(cli, limit_folder):
    gate = ("gate", limit_folder, "-m")
    cli(*gate, "bm25", "--max-loss", "encoder=0.1").refused(1, "InvalidArgument: gate: --max-loss must be asked of dense models; bm25")
    cli(*gate, "minilm", "--max-loss", "quantisation=0.1").refused(1, "InvalidArgument: gate: a limit for quantisation must come with")
    cli(*gate, "minilm", "--max-loss", "quantisation").refused(1, "InvalidArgument: --max-loss: LEVEL=VALUE is expected")
    cli(*gate, "minilm", "--max-loss", "quantization=0.1").refused(1, "UnknownName: --max-loss: unknown level 'quantization'")
    cli(*gate, "minilm", "--min", "recall@2=0.1", "--dtype", "int8").refused(1, "InvalidArgument: gate: --dtype must come with --max-loss")
    assert Ledger().runs() == []


@pytest.mark.models
def test_max_loss_passes_and_fails_by_its_exit_code(cli, limit_folder):
    served = ("gate", limit_folder, "-m", "minilm", "--k", "2", "--dtype", "binary", "--dim", "32")
    loose = cli(*served, "--max-loss", "quantisation=1", "--max-loss", "truncation=1", "--min", "recall@2=0")
    assert loose.code == 0 and "gate passed: 3 of 3 checks hold" in loose.out and "R@2" in loose.out
    tight = cli(*served, "--max-loss", "truncation=0", "--json")
    told = tight.json()
    assert tight.code == 3 and told["passed"] is False and told["checks"][0]["row"] == "minilm@32" and "evaluation" not in told
    levels = {level["key"]: level["recall"]["mean"] for level in told["diagnoses"][0]["levels"]}
    assert told["checks"][0]["value"] == pytest.approx(levels["encoder"] - levels["truncation"])


@pytest.mark.models
def test_a_saved_adapter_is_a_retriever(cli, limit_folder):
    cli("diagnose", limit_folder, "-m", "minilm", "--k", "2", "--remedies", "adapter", "--folds", "2", "--save-adapter", "a.npz")
    rows = cli("eval", limit_folder, "-m", "adapted(minilm):file=a.npz", "--measure", "recall@2", "--json").json()["rows"]
    assert rows[0]["retriever"] == "adapted(minilm):file=a.npz" and rows[0]["dim"] == 384
