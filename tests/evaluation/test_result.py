"""EvaluationResult: what is written can be read, and holds no text of the user's."""

from __future__ import annotations

import csv
import io
import json
import sys

import numpy as np
import pytest

from limitlab._core.errors import DataError, InvalidArgument, MissingExtra, ShapeError, UnknownName
from limitlab._core.status import Status
from limitlab.data import Dataset, make_limit
from limitlab.evaluation import EvaluationResult, bootstrap, compare_paired, evaluate, load_result, merged
from limitlab.ledger import Ledger
from limitlab.retrieval import CallableRetriever

BROKEN = CallableRetriever(lambda texts, k: [], name="broken")


@pytest.fixture(scope="module")
def ledger(tmp_path_factory) -> Ledger:
    """Where ``result`` is kept."""
    return Ledger(tmp_path_factory.mktemp("ledger"))


@pytest.fixture(scope="module")
def result(limit_data, vectors, ledger) -> EvaluationResult:
    """Solved rows, one of too many dimensions, one that failed."""
    return evaluate(limit_data, ["bm25", vectors(), "token-sums", BROKEN], dims=[2, 8, 16], ledger=ledger)


# -- reading -----------------------------------------------------------------------------------------------------------


def test_rows_are_found_by_name(result):
    assert result.row("vectors@2").dim == 2
    assert result.row("bm25", dataset="limit").dim is None
    with pytest.raises(UnknownName, match="unknown row 'vectors@3'; did you mean 'vectors@"):
        result.row("vectors@3")
    with pytest.raises(UnknownName):
        result.row("bm25", dataset="another")


def test_a_row_on_several_datasets_needs_the_dataset(limit_data):
    other = make_limit(n_docs=50, n_queries=20, name="other")
    result = evaluate([limit_data, other], ["bm25"])
    with pytest.raises(UnknownName, match="pass dataset= one of limit, other"):
        result.row("bm25")
    assert result.row("bm25", dataset="other").dataset == "other"


def test_per_query_values_average_to_the_row(result, limit_data):
    for row in result:
        for name, estimate in row.measures.items():
            values = result.per_query(row, name)
            assert values.shape == (limit_data.n_queries,)
            assert values.mean() == pytest.approx(estimate.mean, abs=1e-12)
            assert 0 <= estimate.low <= estimate.mean <= estimate.high <= 1


def test_per_query_says_what_is_wrong(result):
    with pytest.raises(UnknownName, match="unknown measure 'recall@3'; did you mean"):
        result.per_query("bm25", "recall@3")
    with pytest.raises(UnknownName):
        result.per_query("broken", "recall@2")
    bare = EvaluationResult.from_dict(result.to_dict())
    with pytest.raises(DataError, match="load the run from the ledger"):
        bare.per_query("bm25", "recall@2")


# -- files -------------------------------------------------------------------------------------------------------------


def test_a_dictionary_has_a_schema_and_comes_back_equal(result):
    record = result.to_dict()
    assert record["schema"] == "limitlab.evaluation/1"
    assert record["status"] == "failed"
    assert EvaluationResult.from_dict(record) == result
    assert EvaluationResult.from_dict(json.loads(json.dumps(record))) == result


def test_a_saved_result_comes_back_equal(result, tmp_path):
    path = result.save(tmp_path / "deep" / "result.json")
    assert EvaluationResult.load(path) == result
    json.loads(path.read_text(), parse_constant=lambda word: pytest.fail(f"{word} is not JSON"))


@pytest.mark.parametrize("schema", [None, "limitlab.evaluation/2", "other"])
def test_another_schema_is_refused(result, schema):
    record = {**result.to_dict(), "schema": schema}
    with pytest.raises(DataError, match=r"schema must be 'limitlab.evaluation/1'"):
        EvaluationResult.from_dict(record)


@pytest.mark.parametrize("text", ["not json", "{}", "[]", '"text"'])
def test_files_that_are_no_results_are_refused(tmp_path, text):
    (tmp_path / "x.json").write_text(text)
    with pytest.raises(DataError):
        EvaluationResult.load(tmp_path / "x.json")


def test_no_document_or_query_text_is_written():
    docs = {"d1": "SECRETDOCUMENT about taxes", "d2": "OTHERDOCUMENT about cats"}
    data = Dataset.from_texts(docs, {"q1": "SECRETQUERY taxes"}, {"q1": {"d1": 1}})
    broken = CallableRetriever(lambda texts, k: [{"d1": float("nan")}], name="broken")
    written = json.dumps(evaluate(data, ["bm25", "token-sums", broken], dims=[4]).to_dict())
    for word in ("SECRETDOCUMENT", "OTHERDOCUMENT", "SECRETQUERY", "taxes"):
        assert word not in written


def test_csv_holds_every_row(result, tmp_path):
    text = result.to_csv(tmp_path / "rows.csv")
    assert (tmp_path / "rows.csv").read_text() == text
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [(r["dataset"], r["retriever"], r["dim"], r["status"]) for r in rows] == [
        (r.dataset, r.retriever, "" if r.dim is None else str(r.dim), r.status.key) for r in result
    ]
    for written, row in zip(rows, result):
        for name, e in row.measures.items():
            assert [float(written[name]), float(written[f"{name}_low"]), float(written[f"{name}_high"])] == [e.mean, e.low, e.high]
        if row.status is not Status.SOLVED:
            assert written["recall@2"] == written["tie_rate"] == ""
    assert EvaluationResult((), ()).to_csv().strip() == "dataset"


def test_pandas_holds_every_row(result):
    frame = result.to_pandas()
    assert len(frame) == len(result.rows)
    solved = frame[frame.status == "solved"].reset_index()
    assert solved["recall@2"].tolist() == [r.measures["recall@2"].mean for r in result if r.status is Status.SOLVED]
    assert frame[frame.status != "solved"]["recall@2"].isna().all()


def test_without_pandas_the_pip_line_is_shown(result, monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(MissingExtra, match=r"to_pandas\(\) need.* pandas.*limitlab\[pandas\]"):
        result.to_pandas()


# -- comparing ---------------------------------------------------------------------------------------------------------


def test_compare_is_the_paired_test_of_the_per_query_values(result):
    found = result.compare("bm25", "vectors@8", "recall@2")
    a, b = result.per_query("bm25", "recall@2"), result.per_query("vectors@8", "recall@2")
    assert found.difference.mean == pytest.approx((a - b).mean())
    assert (found.wins, found.losses, found.equal) == ((a > b).sum(), (a < b).sum(), (a == b).sum())
    assert found.p_value < 0.001
    assert found.to_dict()["first"] == "bm25"
    assert json.loads(json.dumps(found.to_dict()))["difference"]["mean"] == found.difference.mean
    back = result.compare("vectors@8", "bm25", "recall@2")
    assert back.difference.mean == -found.difference.mean and back.p_value == pytest.approx(found.p_value, abs=0.01)


def test_a_row_compared_with_itself_is_no_different(result):
    found = result.compare("bm25", "bm25", "recall@2")
    assert (found.p_value, found.difference.mean, found.equal) == (1.0, 0.0, 40)


def test_rows_without_numbers_cannot_be_compared(result):
    with pytest.raises(UnknownName):
        result.compare("bm25", "broken", "recall@2")


def test_rows_of_different_datasets_cannot_be_compared(limit_data, vectors):
    other = make_limit(n_docs=60, n_queries=40, seed=5, name="other")
    both = merged([evaluate(limit_data, ["bm25"]), evaluate(other, [vectors()])])
    with pytest.raises(InvalidArgument, match="both rows must be on one dataset"):
        both.compare("bm25", "vectors@8", "recall@2")


def test_the_p_value_is_that_of_all_sign_flips():
    a, b = np.array([1.0, 1, 1, 1, 0.5, 0]), np.zeros(6)
    d = a - b
    flips = np.array([[1 if i >> j & 1 else -1 for j in range(6)] for i in range(64)])
    exact = (np.abs(flips @ d) >= d.sum() - 1e-12).mean()
    assert compare_paired(a, b, n_resamples=20_000).p_value == pytest.approx(exact, abs=0.01)


def test_the_bootstrap_interval_is_the_normal_one_for_many_queries():
    values = (np.random.default_rng(0).random(4000) < 0.3).astype(float)
    e = bootstrap(values)
    half = 1.96 * values.std() / np.sqrt(4000)
    assert (e.low, e.high) == pytest.approx((values.mean() - half, values.mean() + half), abs=0.002)
    many = np.random.default_rng(0).random(2000)  # many distinct values: another way of drawing
    assert bootstrap(many).high - many.mean() == pytest.approx(1.96 * many.std() / np.sqrt(2000), rel=0.1)
    assert bootstrap(values) == e
    with pytest.raises(ShapeError):
        bootstrap(np.array([]))


# -- merging -----------------------------------------------------------------------------------------------------------


def test_merged_results_hold_all_rows_and_their_per_query_values(limit_data, vectors):
    first, second = evaluate(limit_data, ["bm25"]), evaluate(limit_data, [vectors()], dims=[2, 99])
    both = merged([first, second])
    assert [r.name for r in both] == ["bm25", "vectors@2", "vectors@99"]
    assert both.run_ids == first.run_ids + second.run_ids
    assert both.status is Status.NOT_SOLVED
    assert len(both.datasets) == 1
    for name in ("bm25", "vectors@2"):
        assert both.per_query(name, "recall@2").size == 40
    assert merged([first]) is first


def test_identical_rows_are_merged_once(limit_data):
    runs = [evaluate(limit_data, ["bm25"]) for _ in range(2)]
    assert [r.name for r in merged(runs)] == ["bm25"]


def test_different_data_of_one_name_are_not_mixed_up(limit_data):
    """Two folders may both be called "limit": their rows must stay apart, or be refused."""
    other = make_limit(n_docs=50, n_queries=20, seed=3, name=limit_data.name)
    runs = [evaluate(limit_data, ["bm25"]), evaluate(other, ["bm25"])]
    try:
        both = merged(runs)
    except InvalidArgument as error:
        assert limit_data.name in str(error)
    else:
        assert len({d.name for d in both.datasets}) == len({r.dataset for r in both}) == 2


def test_a_failed_run_makes_the_merged_result_failed(limit_data, vectors):
    """The worst status of all, whatever the order."""
    not_solved, failed = evaluate(limit_data, [vectors()], dims=[99]), evaluate(limit_data, [BROKEN])
    for order in ([not_solved, failed], [failed, not_solved]):
        assert merged(order).status is Status.FAILED


def test_a_stored_result_loads_with_its_per_query_values(result, ledger):
    stored = load_result(result.run_ids[0], ledger=ledger)
    assert stored == result
    assert (stored.per_query("bm25", "recall@2") == result.per_query("bm25", "recall@2")).all()
    with pytest.raises(UnknownName):
        load_result("no-such-run", ledger=ledger)
