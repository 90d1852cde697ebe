"""Experiments: verdicts, published numbers that are all shown, outcomes that are kept."""

from __future__ import annotations

from dataclasses import replace

import pytest

from limitlab._core.errors import InvalidArgument, UnknownName
from limitlab._core.status import Status
from limitlab.data import LimitConfig, write_limit
from limitlab.ledger import Ledger
from limitlab.published import lookup
from limitlab.reproduce import EXPERIMENTS, Asked, Outcome, load_outcome, reproduce
from limitlab.reproduce import catalogue as catalogue_module
from limitlab.reproduce.experiment import compared


@pytest.mark.parametrize(
    ("given", "verdict"),
    [
        ({"published": 50.0, "ours": 51.9}, "agrees"),
        ({"published": 50.0, "ours": 52.1}, "differs"),
        ({"published": 50.0, "ours": 60.0, "low": 49.0, "high": 70.0}, "agrees"),
        ({"published": 50.0, "ours": 60.0, "low": 51.0, "high": 70.0}, "differs"),
        ({"published": 50.0, "ours": 50.0, "size": "small"}, "not comparable"),
        ({"published": 50.0, "ours": 50.0, "departs": ["another model"]}, "not comparable"),
        ({"published": 50.0}, "not run"),
        ({"published": None, "ours": 50.0}, "ours alone"),
        ({"published": None, "ours": 50.0, "others": [("x", 50.5, "s")]}, "agrees"),
        ({"published": None, "ours": 50.0, "others": [("x", 60.0, "s"), ("y", 50.0, "s")]}, "differs"),
        ({"published": 4.0, "ours": 5.0, "unit": "", "tolerance": 0.0}, "differs"),
    ],
)
def test_verdicts(given, verdict):
    row = compared("recall@2", "x", **given)
    assert row.verdict == verdict
    assert row.why or verdict == "ours alone"


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    ledger = Ledger(tmp_path_factory.mktemp("home"))
    asked = Asked("tiny", models=("bm25",), ledger=ledger)
    return (
        ledger,
        asked,
        {o.name: o for o in reproduce(["theorem-table", "graph-density", "beir-correlation", "limit-small", "synonyms"], asked)},
    )


def test_formulas_and_graphs_agree_whatever_the_size(found):
    outcomes = found[2]
    assert outcomes["theorem-table"].size == "full" and outcomes["theorem-table"].counts == {"agrees": 37}
    assert outcomes["graph-density"].counts == {"agrees": 2, "not run": 8}
    assert outcomes["beir-correlation"].counts == {"agrees": 1}
    assert "allow anything from -0." in outcomes["beir-correlation"].says[0]  # six models do not exclude a correlation


@pytest.mark.parametrize(
    ("names", "given", "words"),
    [
        (
            ["domain-shift"],
            {"models": ("bm25",)},
            r"models must be used .* domain-shift uses none, those that do are limit-full.*limitlab train --base",
        ),
        (["theorem-table", "critical-n"], {"seed": 3}, r"seed must be used .* theorem-table, critical-n use none"),
        (["limit-full"], {"limit_small": "x"}, r"limit-small must be used .* limit-full uses none, those that do are limit-small\."),
        (["limit-small"], {"beir": {"scifact": "x"}}, r"those that do are graph-density, beir-correlation"),
    ],
)
def test_what_no_experiment_uses_is_refused_before_anything_runs(names, given, words, tmp_path):
    ledger = Ledger(tmp_path)
    with pytest.raises(InvalidArgument, match=words):
        reproduce(names, Asked("tiny", **given, ledger=ledger))
    assert not ledger.runs()
    assert reproduce(["theorem-table", "graph-density"], Asked("tiny", beir={}, ledger=ledger))  # one that uses it is enough


def test_data_that_are_given_are_taken_whole_and_labelled_so(tmp_path):
    write_limit(LimitConfig(n_queries=20, small=True), tmp_path / "own")
    given = Asked("tiny", models=("bm25",), limit_small=str(tmp_path / "own"), ledger=Ledger(tmp_path))
    (outcome,) = reproduce(["limit-small"], given)
    assert (outcome.size, EXPERIMENTS["limit-small"].cost(given).seconds) == ("full", EXPERIMENTS["limit-small"].costs["full"].seconds)
    assert EXPERIMENTS["limit-full"].size(given) == "tiny", "other data than its own"


def test_a_smaller_size_never_agrees_and_every_published_number_is_there(found):
    for name, dataset in (("limit-small", "LIMIT-small"), ("synonyms", "LIMIT-small-synonyms")):
        outcome = found[2][name]
        assert outcome.size == "tiny" and "agrees" not in outcome.counts
        measures = {r.what for r in outcome.rows}
        paper = [v for v in lookup(dataset=dataset, kind="paper") if v.metric in measures]
        assert len([r for r in outcome.rows if r.published is not None]) == len(paper)
        assert all(r.why for r in outcome.rows if r.verdict == "not run")


def test_outcomes_are_kept_and_read_again(found, monkeypatch):
    ledger, asked, outcomes = found
    monkeypatch.setattr(catalogue_module.Experiment, "run", property(lambda self: pytest.fail("run again")))
    again = reproduce(["limit-small"], asked)[0]
    assert again.to_dict() == outcomes["limit-small"].to_dict()
    assert load_outcome(again.run_ids[0], ledger=ledger).to_dict() == again.to_dict()
    assert Outcome.from_dict(again.to_dict()) == again
    with pytest.raises(InvalidArgument, match=r"must be a finished reproduction; run .* is of kind reproduce"):
        load_outcome(again.run_ids[1], ledger=ledger)


def test_one_failure_does_not_stop_the_others(tmp_path):
    asked = Asked("tiny", models=("bm25",), limit_small=str(tmp_path / "absent"), ledger=Ledger(tmp_path))
    failed, other = reproduce(["limit-small", "theorem-table"], asked)
    assert failed.status is Status.FAILED and "absent" in failed.message and not failed.rows
    assert other.status is Status.SOLVED
    assert reproduce(["limit-small"], replace(asked, limit_small=None))[0].status is Status.SOLVED


def test_seconds_are_those_of_runs_that_were_solved(found):
    from limitlab.reproduce import measured_seconds

    seconds = measured_seconds(ledger=found[0])
    assert set(seconds) >= {("theorem-table", "full"), ("limit-small", "tiny"), ("synonyms", "tiny")} and min(seconds.values()) >= 0
    assert seconds["limit-small", "tiny"] == pytest.approx(found[2]["limit-small"].provenance["wall_seconds"], abs=5.0)


def test_wrong_questions_are_refused():
    with pytest.raises(UnknownName, match="did you mean 'limit-small'"):
        reproduce(["limit-smal"], Asked("tiny"))
    with pytest.raises(UnknownName, match="did you mean 'small'"):
        reproduce(["limit-small"], Asked("smal"))
    with pytest.raises(InvalidArgument, match="at least one experiment"):
        reproduce([], Asked("tiny"))


def test_every_experiment_has_a_home_and_costs():
    from limitlab.cli.reproduce import EXPERIMENTS as in_the_command_line

    assert tuple(EXPERIMENTS) == in_the_command_line
    for e in EXPERIMENTS.values():
        assert callable(e.run) and "full" in e.costs
        assert [e.costs[s].seconds for s in ("tiny", "small", "full") if s in e.costs] == sorted(c.seconds for c in e.costs.values())


def test_models_of_the_published_tables_have_a_retriever_here():
    from limitlab.published import values
    from limitlab.reproduce.model_names import PAPER, REPRODUCTIONS
    from limitlab.retrieval import known_retrievers

    assert {*PAPER, *REPRODUCTIONS} <= set(known_retrievers())
    published = {v.model for v in values()}
    assert {name for table in (PAPER, REPRODUCTIONS) for names in table.values() for name in names} <= published


@pytest.mark.models
def test_training_beside_the_published_numbers(tmp_path):
    pytest.importorskip("sentence_transformers")
    (outcome,) = reproduce(["domain-shift"], Asked("tiny", ledger=Ledger(tmp_path)))
    assert outcome.status is Status.SOLVED and len(outcome.run_ids) > 1 and outcome.says
    run = [r for r in outcome.rows if r.ours is not None]
    assert {r.verdict for r in run} == {"not comparable"} and all(0 <= r.low <= r.ours <= r.high <= 100 for r in run)
    assert {r.setting.partition(",")[0] for r in run} == {"after training on train", "after training on test"}
    best = {s: max(r.ours for r in run if s in r.setting) for s in ("on train", "on test")}
    assert best["on test"] > best["on train"]  # the test queries' own documents were seen
    paper = lookup(dataset="LIMIT", kind="paper-finetune")
    assert len([r for r in outcome.rows if r.published is not None]) == len(paper)


def test_a_model_that_fails_is_said_and_tried_again(tmp_path):
    calls = []

    class Broken:
        name = label = "broken"
        family, max_dim = "other", None

        def config(self, n_docs):
            return {"retriever": "broken"}

        def index(self, docs, queries, *, progress):
            calls.append(1)
            raise InvalidArgument("broken: no server.")

        def search(self, **_):
            raise AssertionError

        def predict(self, *_, **__):
            return None

    asked = Asked("tiny", models=("bm25", Broken()), ledger=Ledger(tmp_path))
    for count in (1, 2):
        (outcome,) = reproduce(["limit-small"], replace(asked))
        assert outcome.status is Status.FAILED and "broken failed: broken: no server." in outcome.message
        assert [r.why for r in outcome.rows if r.setting == "broken"] == ["broken: no server."] * 3
        assert any(r.setting == "bm25" and r.ours is not None for r in outcome.rows) and len(calls) == count


def test_outcomes_depend_on_the_data_not_on_its_folders_name(tmp_path):
    import limitlab as ll

    ledger = Ledger(tmp_path / "home")
    for seed in (0, 1):
        ll.write_dataset(ll.make_limit(n_docs=100, n_queries=20 + seed, seed=seed), tmp_path / "beir", overwrite=bool(seed))
        (outcome,) = reproduce(["graph-density"], Asked("tiny", beir={"scifact": str(tmp_path / "beir")}, ledger=ledger))
        rows = [r for r in outcome.rows if r.setting == "SciFact" and r.what == "graph density"]
        assert rows[0].ours == pytest.approx(ll.query_graph(ll.load(tmp_path / "beir").relevance).density)


def test_other_data_and_other_options_are_not_comparable(tmp_path):
    import limitlab as ll

    ll.write_dataset(ll.make_limit(small=True, seed=7), tmp_path / "own")
    asked = Asked("full", models=("bm25:k1=0.3",), limit_small=str(tmp_path / "own"), ledger=Ledger(tmp_path))
    (outcome,) = reproduce(["limit-small"], asked)
    (row,) = [r for r in outcome.rows if r.ours is not None and r.what == "recall@2"]
    assert row.verdict == "not comparable" and "not the released data" in row.why and "options k1=0.3" in row.why
