"""evaluate(): one row a dataset, retriever and dimension; nothing lost, nothing unfinished taken for a number."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from limitlab._core.errors import DataError, InvalidArgument, RangeError, ServiceError, UnknownName
from limitlab._core.progress import NoProgress
from limitlab._core.status import Status
from limitlab._core.texts import TextList
from limitlab.data import Dataset, make_limit
from limitlab.evaluation import EvaluationConfig, evaluate, load_result
from limitlab.ledger import Ledger
from limitlab.relevance import RelevanceMatrix
from limitlab.retrieval import CallableRetriever


def small_data(name: str = "small", qrels: dict | None = None) -> Dataset:
    """Four documents, two queries."""
    docs = {"a": "red apple", "b": "green pear", "c": "blue plum", "d": "red plum"}
    return Dataset.from_texts(docs, {"q0": "apple", "q1": "plum"}, qrels or {"q0": {"a": 1}, "q1": {"c": 1, "d": 1}}, name=name)


def oracle(texts, k):
    """Finds what small_data asks."""
    return [{"a": 1.0} if "apple" in t else {"c": 1.0, "d": 0.5} for t in texts]


def mean(row, measure: str) -> float:
    return row.measures[measure].mean


# -- rows --------------------------------------------------------------------------------------------------------------


def test_one_row_a_dimension_in_the_order_asked_and_one_encoding_for_all(limit_data, vectors):
    retriever = vectors(dim=8)
    result = evaluate(limit_data, [retriever, "bm25"], dims=[8, 2, 4, 2])
    assert [r.name for r in result] == ["vectors@8", "vectors@2", "vectors@4", "bm25"]
    assert retriever.indexed == 1 and retriever.searched == [8, 2, 4]
    assert result.status is Status.SOLVED and all(r.status is Status.SOLVED for r in result)
    assert [r.cost.get("bytes_per_doc") for r in result][:3] == [32.0, 8.0, 16.0]
    assert result.row("vectors@2").notes == {"documents_cut": 3}


def test_without_dims_the_full_dimension_is_taken(limit_data, vectors):
    assert [r.name for r in evaluate(limit_data, [vectors(dim=8), "bm25"])] == ["vectors@8", "bm25"]


def test_dimensions_beyond_the_model_s_get_a_row_that_says_so(limit_data, vectors):
    result = evaluate(limit_data, [vectors(dim=8)], dims=[4, 16, 8, 32])
    assert [(r.name, r.status) for r in result] == [
        ("vectors@4", Status.SOLVED),
        ("vectors@16", Status.NOT_SOLVED),
        ("vectors@8", Status.SOLVED),
        ("vectors@32", Status.NOT_SOLVED),
    ]
    assert result.row("vectors@16").message == "vectors has 8 dimensions; 16 were asked for."
    assert result.row("vectors@16").measures == {}
    assert result.status is Status.NOT_SOLVED
    assert "2 of 4 rows have no number: vectors@16: vectors has 8 dimensions" in result.message


def test_only_dimensions_beyond_the_model_s_encode_nothing(limit_data, vectors):
    retriever = vectors(dim=8)
    assert evaluate(limit_data, [retriever], dims=[16]).status is Status.NOT_SOLVED
    assert retriever.indexed == 0


def test_a_truncated_row_is_that_of_truncated_vectors(limit_data, vectors):
    class Cut(vectors):
        def index(self, docs, queries, *, progress=None):
            made = super().index(docs, queries, progress=progress)
            self._docs, self._queries = self._docs[:, :4].copy(), self._queries[:, :4].copy()
            return made

        max_dim = 4

        def config(self, n_docs):
            return {"retriever": "cut"}

    whole, cut = evaluate(limit_data, [vectors(dim=8)], dims=[4]), evaluate(limit_data, [Cut(dim=8)], dims=[4])
    assert whole.row("vectors@4").measures == cut.row("vectors@4").measures


def test_measures_are_those_asked_for_in_canonical_names(limit_data):
    result = evaluate(limit_data, "bm25", measures=["nDCG@5", "R@3", "recall@3", "all@2"])
    assert set(result.rows[0].measures) == {"ndcg@5", "recall@3", "all_relevant@2"}
    assert result.measure_names == ["recall@3", "all_relevant@2", "ndcg@5"]


def test_cuts_beyond_the_corpus_count_the_whole_corpus(limit_data, vectors):
    row = evaluate(limit_data, [vectors()], measures=["recall@60", "recall@1000"]).rows[0]
    assert mean(row, "recall@60") == mean(row, "recall@1000") == 1.0


def test_several_datasets(vectors):
    data = [small_data("one"), small_data("two", {"q0": {"b": 1}})]
    result = evaluate(data, [CallableRetriever(oracle, name="oracle"), "bm25"])
    assert [(r.dataset, r.name) for r in result] == [("one", "oracle"), ("one", "bm25"), ("two", "oracle"), ("two", "bm25")]
    assert mean(result.row("oracle", dataset="one"), "recall@2") == 1.0
    assert mean(result.row("oracle", dataset="two"), "recall@2") == 0.0
    assert [(d.name, d.n_queries, d.notes) for d in result.datasets] == [
        ("one", 2, {}),
        ("two", 1, {"queries_without_relevant_documents": 1}),
    ]


def test_a_run_is_in_the_ledger_with_its_settings_and_comes_back(limit_data, vectors):
    result = evaluate(limit_data, [vectors()], dims=[2, 4, 99], title="my title", command=["limitlab", "eval", "x"], kind="demo")
    run = Ledger().run("last")
    assert (run.id,) == result.run_ids
    assert (run.kind, run.title, run.status, run.n_cells, run.n_solved) == ("demo", "my title", Status.NOT_SOLVED, 3, 2)
    assert run.config["command"] == ["limitlab", "eval", "x"] and run.config["dims"] == [2, 4, 99]
    assert {"versions", "machine", "git_commit", "wall_seconds", "peak_memory_bytes"} <= set(run.provenance)
    assert load_result("last") == result
    assert load_result(run.id[:-1]).to_dict() == result.to_dict()


# -- refused before anything runs ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ({"data": []}, InvalidArgument, "data must be a Dataset"),
        ({"data": ["limit-small"]}, InvalidArgument, "data must be a Dataset"),
        ({"data": [small_data(), small_data()]}, InvalidArgument, "datasets must have different names; got small, small"),
        ({"retrievers": []}, InvalidArgument, "each once; got none"),
        ({"retrievers": ["bm25", "bm25"]}, InvalidArgument, "each once; got bm25, bm25"),
        ({"retrievers": ["bm52"]}, UnknownName, "did you mean 'bm25'"),
        ({"dims": [0]}, RangeError, "dim must be >= 1"),
        ({"dims": [2.5]}, RangeError, "whole number"),
        ({"measures": []}, InvalidArgument, "at least one measure"),
        ({"measures": ["recal@2"]}, UnknownName, "did you mean 'recall@K'"),
        ({"measures": ["recall@0"]}, RangeError, "k must be >= 1"),
        ({"ties": "terc"}, UnknownName, "did you mean 'trec'"),
        ({"min_relevance": 0}, RangeError, "min_relevance"),
        ({"min_relevance": 2}, InvalidArgument, "some document must have grade >= min_relevance=2; in small none has"),
    ],
)
def test_wrong_arguments_are_refused_and_leave_no_run(arguments, error, words):
    with pytest.raises(error, match=words):
        evaluate(**{"data": small_data(), "retrievers": ["bm25"], **arguments})
    assert Ledger().runs() == []


def test_a_model_that_cannot_be_loaded_does_not_cost_the_other_rows():
    """Refused before anything runs, or a failed row beside the others: never numbers measured and then thrown away."""
    try:
        result = evaluate(small_data(), ["bm25", "no-one/no-such-model"])
    except DataError:
        assert Ledger().runs() == []
    else:
        assert [r.status for r in result] == [Status.SOLVED, Status.FAILED]


# -- failures ----------------------------------------------------------------------------------------------------------


def test_a_retriever_that_fails_gives_a_failed_row_and_the_others_go_on(vectors):
    broken = CallableRetriever(lambda texts, k: [], name="broken")
    result = evaluate(small_data(), [broken, "bm25"])
    assert [(r.name, r.status) for r in result] == [("broken", Status.FAILED), ("bm25", Status.SOLVED)]
    assert "one result a query; got 0 for 2 queries" in result.row("broken").message
    assert result.row("broken").measures == {} and result.row("broken").artefact is None
    assert result.status is Status.FAILED and result.message.startswith("1 of 2 rows have no number: broken: ")
    assert Ledger().run("last").status is Status.FAILED


def test_a_service_that_cannot_be_asked_fails_its_own_rows():
    class Away(CallableRetriever):
        def config(self, n_docs):
            raise ServiceError("store: http://localhost:1 did not answer after 3 attempts: refused.")

    result = evaluate(small_data(), [Away(oracle, name="away"), "bm25"])
    assert [(r.name, r.status) for r in result] == [("away", Status.FAILED), ("bm25", Status.SOLVED)]
    assert "did not answer" in result.row("away").message and "did not answer" in result.message


def test_cuts_beyond_the_corpus_that_somebody_chose_are_told():
    lines: list[str] = []

    class Told(NoProgress):
        def say(self, line):
            lines.append(line)

    evaluate(small_data(), ["bm25"], progress=Told())
    assert lines == []
    evaluate(small_data(), ["bm25"], measures=["recall@2", "recall@50"], progress=Told())
    assert lines == ["note: recall@50: small has 4 documents, so every one counts."]


def test_a_failure_at_one_dimension_keeps_the_dimensions_before(limit_data, vectors):
    class Fails(vectors):
        def search(self, *, dim=None, **rest):
            if dim == 4:
                raise DataError("broken at 4")
            return super().search(dim=dim, **rest)

    result = evaluate(limit_data, [Fails()], dims=[2, 4, 8])
    assert [r.status for r in result] == [Status.SOLVED, Status.FAILED, Status.FAILED]


def test_failed_rows_are_measured_again(vectors):
    answers = iter([[], oracle(["apple", "plum"], 2)])
    retriever = CallableRetriever(lambda texts, k: next(answers), name="flaky", version="1")
    assert evaluate(small_data(), [retriever]).status is Status.FAILED
    assert evaluate(small_data(), [retriever]).status is Status.SOLVED


def test_an_unexpected_error_is_shown_and_the_run_is_failed():
    def broken(texts, k):
        raise ZeroDivisionError("a bug of the user's")

    with pytest.raises(ZeroDivisionError):
        evaluate(small_data(), [broken])
    run = Ledger().run("last")
    assert run.status is Status.FAILED and run.finished


def test_ctrl_c_leaves_a_stopped_run_whose_finished_rows_are_used_again(vectors):
    first = vectors("first")

    def stopped(texts, k):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        evaluate(small_data(), [first, stopped])
    run = Ledger().run("last")
    assert run.status is Status.STOPPED and "the same command continues" in run.message
    assert run.n_solved == 1
    again = vectors("first")
    assert evaluate(small_data(), [again, "bm25"]).status is Status.SOLVED
    assert again.indexed == 0


# -- cached rows -------------------------------------------------------------------------------------------------------


def test_rows_measured_before_come_back_equal_and_nothing_is_searched(limit_data, vectors):
    first = evaluate(limit_data, [vectors(), "bm25"], dims=[2, 4])
    retriever = vectors()
    second = evaluate(limit_data, [retriever, "bm25"], dims=[2, 4])
    assert retriever.indexed == 0 and retriever.searched == []
    assert second.rows == first.rows
    assert second.run_ids != first.run_ids
    assert (second.per_query("vectors@2", "recall@2") == first.per_query("vectors@2", "recall@2")).all()


def test_only_new_dimensions_are_searched(limit_data, vectors):
    evaluate(limit_data, [vectors()], dims=[2, 4])
    retriever = vectors()
    result = evaluate(limit_data, [retriever], dims=[4, 8, 2])
    assert retriever.searched == [8]
    assert [r.name for r in result] == ["vectors@4", "vectors@8", "vectors@2"]


def test_reuse_can_be_turned_off(limit_data, vectors):
    evaluate(limit_data, [vectors()])
    retriever = vectors()
    evaluate(limit_data, [retriever], reuse=False)
    assert retriever.indexed == 1


def test_the_same_data_under_another_name_is_not_measured_again():
    calls = []

    def search(texts, k):
        calls.append(k)
        return oracle(texts, k)

    retriever = CallableRetriever(search, name="oracle", version="1")
    evaluate(small_data("one"), [retriever])
    result = evaluate(small_data("two"), [retriever])
    assert len(calls) == 1
    assert [r.dataset for r in result] == ["two"]


@pytest.mark.parametrize(
    "change",
    [
        {"ties": "st"},
        {"measures": ["recall@3"]},
        {"data": small_data(qrels={"q0": {"b": 1}, "q1": {"c": 1, "d": 1}})},
        {"data": small_data(qrels={"q0": {"a": 2}, "q1": {"c": 1, "d": 1}})},
    ],
)
def test_other_settings_or_data_are_measured_again(change, vectors):
    retriever = vectors()
    evaluate(small_data(), [retriever])
    evaluate(**{"data": small_data(), "retrievers": [retriever], **change})
    assert retriever.indexed == 2


def test_another_retriever_config_is_measured_again(vectors):
    evaluate(small_data(), [vectors(seed=0)])
    other = vectors(seed=1)
    evaluate(small_data(), [other])
    assert other.indexed == 1


def test_a_function_without_a_version_is_asked_every_time():
    calls = []

    def search(texts, k):
        calls.append(k)
        return oracle(texts, k)

    for _ in range(2):
        evaluate(small_data(), [search])
    assert len(calls) == 2


def test_a_row_whose_per_query_values_are_gone_is_measured_again(vectors):
    ledger = Ledger()
    first = evaluate(small_data(), [vectors()])
    ledger.artefacts.path(first.rows[0].artefact).unlink()
    retriever = vectors()
    result = evaluate(small_data(), [retriever])
    assert retriever.indexed == 1
    assert result.per_query("vectors@8", "recall@2").size == 2


def test_collecting_garbage_while_an_evaluation_runs_costs_it_nothing(limit_data, vectors):
    """``limitlab runs gc`` in another terminal, between two dimensions."""

    class Collects(vectors):
        def search(self, **arguments):
            Ledger().collect()
            return super().search(**arguments)

    result = evaluate(limit_data, [Collects()], dims=[2, 4, 8])
    for row in result:
        assert result.per_query(row, "recall@2").size == 40


# -- functions of the user's -------------------------------------------------------------------------------------------


def test_a_function_is_a_retriever():
    def my_search(texts, k):
        return oracle(texts, k)

    result = evaluate(small_data(), my_search)
    assert result.rows[0].name == "my_search"
    assert mean(result.rows[0], "recall@2") == mean(result.rows[0], "mrr@10") == 1.0


def test_a_function_that_returns_fewer_hits_loses_only_what_is_missing():
    result = evaluate(small_data(), [CallableRetriever(lambda texts, k: [{"a": 1.0}, {"c": 1.0}], name="short")])
    assert mean(result.row("short"), "recall@2") == pytest.approx(0.75)
    assert mean(result.row("short"), "all_relevant@2") == 0.5


@pytest.mark.parametrize(
    ("answers", "words"),
    [
        ([{"zz": 1.0}, {"c": 1.0}], "1 hits do not: 'zz'"),
        ([{"a": 1.0}], "got 1 for 2 queries"),
        ([{"a": float("nan")}, {}], "finite scores"),
    ],
)
def test_wrong_answers_of_a_function_are_refused(answers, words):
    row = evaluate(small_data(), [CallableRetriever(lambda texts, k: answers, name="wrong")]).rows[0]
    assert row.status is Status.FAILED and words in row.message


# -- ties --------------------------------------------------------------------------------------------------------------


def tied_row(ties: str):
    """All four documents of one score; relevant: a for q0, c and d for q1."""
    everything = CallableRetriever(lambda texts, k: [dict.fromkeys("abcd", 1.0)] * 2, name="flat")
    return evaluate(small_data(), [everything], ties=ties, measures=["recall@1", "recall@2", "recall@4"]).rows[0]


@pytest.mark.parametrize(
    ("ties", "recall"),
    [
        # id descending d c b a: q0 finds a last, q1 finds d first, then c
        ("trec", {"recall@1": 0.25, "recall@2": 0.5, "recall@4": 1.0}),
        # id ascending a b c d
        ("st", {"recall@1": 0.5, "recall@2": 0.5, "recall@4": 1.0}),
        ("worst", {"recall@1": 0.0, "recall@2": 0.0, "recall@4": 1.0}),
        ("best", {"recall@1": 0.75, "recall@2": 1.0, "recall@4": 1.0}),
        ("expected", {"recall@1": 0.25, "recall@2": 0.5, "recall@4": 1.0}),
    ],
)
def test_tie_rules_decide_on_tied_scores(ties, recall):
    row = tied_row(ties)
    assert {name: e.mean for name, e in row.measures.items()} == pytest.approx(recall)
    assert row.tie_rate == 1.0


def test_ties_that_change_no_measure_do_not_count():
    """q0 ties two irrelevant documents below its hit; q1 ties its two relevant ones."""
    retriever = CallableRetriever(lambda texts, k: [{"a": 2.0, "b": 1.0, "c": 1.0}, {"c": 1.0, "d": 1.0}], name="ties")
    assert evaluate(small_data(), [retriever], measures=["recall@2", "mrr@10"]).rows[0].tie_rate == 0.0
    assert evaluate(small_data(), [retriever], measures=["recall@1"]).rows[0].tie_rate == 0.0
    crossing = CallableRetriever(lambda texts, k: [{"a": 2.0, "b": 2.0}, {"c": 1.0, "d": 1.0}], name="crossing")
    assert evaluate(small_data(), [crossing], measures=["recall@1"]).rows[0].tie_rate == 0.5


# -- predictions -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("n_docs", [46, 400])
def test_the_recall_of_token_sums_is_as_predicted(n_docs):
    data = make_limit(n_docs=n_docs, n_queries=1000 if n_docs == 46 else 500, seed=1, name="limit")
    measured: dict[tuple[int, str], list[float]] = {}
    predicted = {}
    for seed, dim in itertools.product(range(3), (32, 128, 512)):
        row = evaluate(data, [f"token-sums:seed={seed},dim=512"], dims=[dim], measures=["recall@2", "recall@10"]).rows[0]
        assert set(row.predicted) == {"recall@2", "recall@10"}
        for name in row.predicted:
            measured.setdefault((dim, name), []).append(mean(row, name))
            predicted[dim, name] = row.predicted[name]
    for at, values in measured.items():
        assert np.mean(values) == pytest.approx(predicted[at], abs=0.05), at


def test_no_prediction_where_none_is_known(limit_data):
    result = evaluate(limit_data, ["bm25", "token-sums:tokens=words"], dims=[8])
    assert [r.predicted for r in result] == [{}, {}]


# -- grades ------------------------------------------------------------------------------------------------------------


def graded() -> Dataset:
    """q0: grades 2 and 1; q1: only 1; q2: a 0 beside a 2."""
    relevance = RelevanceMatrix.from_qrels(
        {"q0": {"a": 2, "b": 1}, "q1": {"c": 1}, "q2": {"d": 2, "a": 0}}, query_ids=["q0", "q1", "q2"], doc_ids=list("abcd")
    )
    return Dataset("graded", TextList(list("abcd"), ["w", "x", "y", "z"]), TextList(["q0", "q1", "q2"], ["s", "t", "u"]), relevance)


FINDS = CallableRetriever(lambda texts, k: [{"b": 2.0, "a": 1.0}, {"a": 1.0}, {"a": 2.0, "d": 1.0}], name="finds")


def test_min_relevance_decides_what_counts_and_who_is_asked():
    low, high = (evaluate(graded(), [FINDS], min_relevance=m, measures=["recall@1", "recall@2", "ndcg@10"]) for m in (1, 2))
    assert mean(low.row("finds"), "recall@1") == pytest.approx((0.5 + 0 + 0) / 3)
    assert mean(low.row("finds"), "recall@2") == pytest.approx((1 + 0 + 1) / 3)
    assert mean(high.row("finds"), "recall@1") == 0.0
    assert mean(high.row("finds"), "recall@2") == 1.0
    assert (low.datasets[0].n_queries, low.datasets[0].n_relevant) == (3, 4)
    assert (high.datasets[0].n_queries, high.datasets[0].n_relevant) == (2, 2)
    assert high.datasets[0].notes["queries_below_min_relevance"] == 1


def test_ndcg_uses_the_grades():
    row = evaluate(graded(), [FINDS], measures=["ndcg@10"]).rows[0]
    second = 1 / np.log2(3)
    assert mean(row, "ndcg@10") == pytest.approx(((1 + 2 * second) / (2 + second) + 0 + second) / 3)


def test_a_query_without_relevant_documents_is_left_out_of_every_mean():
    result = evaluate(graded(), [FINDS], min_relevance=2, measures=["recall@2"])
    values = result.per_query("finds", "recall@2")
    assert np.isnan(values).tolist() == [False, True, False]
    assert np.nanmean(values) == mean(result.row("finds"), "recall@2")


def test_rows_with_left_out_queries_can_be_compared():
    nothing = CallableRetriever(lambda texts, k: [{}, {}, {}], name="nothing")
    result = evaluate(graded(), [FINDS, nothing], min_relevance=2, measures=["recall@2"])
    found = result.compare("finds", "nothing", "recall@2")
    assert (found.wins, found.losses, found.equal) == (2, 0, 0)
    assert found.difference.mean == 1.0


def test_settings_are_checked_once_and_can_be_hashed():
    config = EvaluationConfig(("R@2",), ties="st")
    assert config.measures == ("recall@2",)
    assert config.depth == 100 and EvaluationConfig(("recall@500",)).depth == 500
    assert hash(config) == hash(EvaluationConfig(("recall@2",), ties="st"))
