"""The least dimension found for a relevance matrix: an upper bound with its vectors, or an honest no."""

from __future__ import annotations

import importlib
import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from limitlab._core.errors import DataError, LimitlabError, RangeError, TooLarge, UnknownName
from limitlab._core.status import Status
from limitlab.free.least_dimension import least_dimension, load_least_dimension
from limitlab.free.problem import FreeProblem
from limitlab.ledger import Ledger
from limitlab.relevance import RelevanceMatrix

module = importlib.import_module("limitlab.free.least_dimension")

QUICK = {"max_steps": 2_000, "patience": 200, "device": "cpu"}
OWN = FreeProblem.from_relevance(RelevanceMatrix.from_qrels({"a": {"x": 1}, "b": {"y": 1, "z": 1}, "c": {"z": 1}}), seed=3)
PAIRS = FreeProblem.all_subsets(6, 2, seed=1)


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return Ledger(tmp_path / "home")


def holds(problem: FreeProblem, docs: np.ndarray, queries: np.ndarray) -> bool:
    """By the definition: every relevant document above every other."""
    scores = queries.astype(np.float64) @ docs.astype(np.float64).T
    for i, row in enumerate(scores):
        relevant = np.isin(np.arange(problem.n_docs), problem.members[problem.indptr[i] : problem.indptr[i + 1]])
        if row[relevant].min() <= row[~relevant].max():
            return False
    return True


def test_dimensions_are_tried_upwards_until_one_holds(ledger):
    found = least_dimension(PAIRS, [8, 5, 1, 6], ledger=ledger, **QUICK)
    assert [(r.dim, r.status) for r in found.results] == [(1, Status.NOT_SOLVED), (5, Status.SOLVED)]
    assert (found.status, found.dim, found.sign_rank_upper) == (Status.SOLVED, 5, 6)
    best = found.solved
    assert best.hits == best.n_relevant == 30 and holds(PAIRS, best.docs, best.queries)


def test_a_matrix_of_ones_own_is_held(ledger):
    found = least_dimension(OWN, [2], ledger=ledger, **QUICK)
    assert (found.dim, found.sign_rank_upper) == (2, 3) and holds(OWN, found.solved.docs, found.solved.queries)


def test_what_is_not_solved_is_no_bound(ledger):
    found = least_dimension(PAIRS, [1], ledger=ledger, **QUICK)
    assert (found.status, found.dim, found.sign_rank_upper, found.solved) == (Status.NOT_SOLVED, None, None, None)
    assert "no proof of impossibility" in found.message
    assert ledger.run(found.run_ids[0]).status is Status.NOT_SOLVED


def test_a_run_comes_back_with_its_vectors(ledger):
    found = least_dimension(PAIRS, [1, 5], ledger=ledger, about={"source": "pairs"}, command=["limitlab", "free"], **QUICK)
    loaded = load_least_dimension("last", ledger=ledger)
    assert loaded.to_dict() == found.to_dict()
    np.testing.assert_array_equal(loaded.solved.docs, found.solved.docs)
    np.testing.assert_array_equal(loaded.solved.queries, found.solved.queries)
    assert loaded.config["source"] == "pairs" and loaded.config["n_queries"] == 15 and loaded.provenance["versions"]
    assert json.loads(json.dumps(found.to_dict(), allow_nan=False))["schema"] == "limitlab.free-dimensions/1"


def test_finished_results_are_taken_again_with_their_vectors(ledger, monkeypatch):
    first = least_dimension(PAIRS, [1, 5], ledger=ledger, **QUICK)
    asked = []
    embed = module.free_embed_many
    monkeypatch.setattr(module, "free_embed_many", lambda *a, **o: asked.append(1) or embed(*a, **o))
    again = least_dimension(PAIRS, [1, 5], ledger=ledger, **QUICK)
    assert asked == [] and again.results[1].steps == first.results[1].steps
    np.testing.assert_array_equal(again.solved.docs, first.solved.docs)
    least_dimension(PAIRS, [1], ledger=ledger, reuse=False, **QUICK)
    assert asked == [1]
    least_dimension(replace(PAIRS, seed=2), [1], ledger=ledger, **QUICK)
    least_dimension(FreeProblem.all_subsets(5, 2, seed=1), [1], ledger=ledger, **QUICK)
    least_dimension(PAIRS, [1], ledger=ledger, **{**QUICK, "max_steps": 100})
    assert asked == [1] * 4


def test_a_failed_loss_ends_it_and_is_not_cached(ledger, monkeypatch):
    embed = module.free_embed_many

    def broken(*arguments, **options):
        one = embed(*arguments, **options)[0]
        return [replace(one, status=Status.FAILED, message="The loss became NaN at step 7.", loss=math.nan, gap=math.nan)]

    monkeypatch.setattr(module, "free_embed_many", broken)
    found = least_dimension(PAIRS, [1, 5], ledger=ledger, **QUICK)
    assert (found.status, found.message, len(found.results)) == (Status.FAILED, "d = 1: The loss became NaN at step 7.", 1)
    json.dumps(found.to_dict(), allow_nan=False)
    monkeypatch.setattr(module, "free_embed_many", embed)
    assert least_dimension(PAIRS, [1, 5], ledger=ledger, **QUICK).dim == 5


def test_ctrl_c_leaves_a_stopped_run_and_the_dimensions_that_were_finished(ledger, monkeypatch):
    embed = module.free_embed_many

    def stopped(problems, config, **options):
        if config.dim > 1:
            raise KeyboardInterrupt
        return embed(problems, config, **options)

    monkeypatch.setattr(module, "free_embed_many", stopped)
    with pytest.raises(KeyboardInterrupt):
        least_dimension(PAIRS, [1, 5], ledger=ledger, **QUICK)
    assert ledger.runs()[0].status is Status.STOPPED
    loaded = load_least_dimension(ledger=ledger)
    assert (loaded.status, loaded.dim, [r.dim for r in loaded.results]) == (Status.STOPPED, None, [1])


def test_memory_is_estimated_before_anything_runs(ledger):
    with pytest.raises(TooLarge, match="GiB"):
        least_dimension(PAIRS, [1, 10**10], ledger=ledger, **QUICK)
    assert ledger.runs() == []


@pytest.mark.parametrize(
    ("dims", "options", "error"),
    [([], {}, RangeError), ([0], {}, RangeError), ([2], {"seed": 1}, UnknownName), ([2], {"learning_rate": math.inf}, RangeError)],
    ids=["none", "zero", "seed", "inf"],
)
def test_bad_arguments_are_refused(ledger, dims, options, error):
    with pytest.raises(error):
        least_dimension(PAIRS, dims, ledger=ledger, **options)
    assert ledger.runs() == []


def test_runs_of_another_kind_are_refused(ledger):
    with pytest.raises(DataError, match="a run of kind free is needed"):
        load_least_dimension(ledger.start("eval", "e", {}), ledger=ledger)
    with pytest.raises(LimitlabError):
        load_least_dimension("none", ledger=ledger)
