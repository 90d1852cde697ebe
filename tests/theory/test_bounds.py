"""``bounds``: exact where it must be, complete in what it lists, and refuses in one sentence."""

from __future__ import annotations

import numpy as np
import pytest

import limitlab as ll
from limitlab._core.errors import InvalidArgument, RangeError, ShapeError
from limitlab.relevance import RelevanceMatrix, all_subsets, cycle, dense, disjoint
from limitlab.theory import Bound, bounds


def matrix(rows) -> RelevanceMatrix:
    rows = np.asarray(rows, bool)
    return RelevanceMatrix.from_pairs(
        *np.nonzero(rows), query_ids=[f"q{i}" for i in range(len(rows))], doc_ids=[f"d{j}" for j in range(rows.shape[1])]
    )


def test_limit_is_exact():
    data = ll.make_limit(n_docs=2_000, n_queries=1_000, k=2, pattern="dense", seed=0)
    table = bounds(data.relevance, seconds=20)
    exact = {q: table.exact(q) for q in ("dim", "global_threshold_rank", "sign_rank", "dim_cosine", "dim_euclidean")}
    assert exact == {"dim": 4, "global_threshold_rank": 4, "sign_rank": 5, "dim_cosine": 4, "dim_euclidean": 3}
    assert table.lower("dim").name == "dim_lower_radon"
    assert table.about["distinct_docs"] == 47


@pytest.mark.parametrize(("n", "k"), [(6, 2), (8, 3), (9, 4), (7, 5)])
def test_all_subsets_by_enumeration_and_by_formula_agree(n, k):
    listed, formula = bounds(all_subsets(n, k), seconds=5), bounds(n_docs=n, k=k)
    for quantity in ("dim", "dim_cosine", "sign_rank", "gap_row_wise", "gap_global"):
        assert listed.exact(quantity) == formula.exact(quantity) is not None, quantity


def test_all_subsets_need_2k_and_2k_plus_1():
    for k in (1, 2, 7, 100):
        table = bounds(n_docs=10**7, k=k)
        assert (table.exact("dim"), table.exact("sign_rank"), table.exact("dim_euclidean")) == (2 * k, 2 * k + 1, 2 * k - 1)


def test_ring_and_disjoint_queries_need_two_dimensions():
    for relevance in (cycle(40, 40), disjoint(40, 20), cycle(30, 30, k=4)):
        table = bounds(relevance, seconds=5)
        assert table.exact("dim") == 2 and table.exact("sign_rank") == 3


def test_a_chain_needs_one():
    table = bounds(matrix(np.tri(8, 8, -1)[1:]), seconds=2)
    assert table.exact("dim") == 1
    assert table.upper("sign_rank").value == 2


def test_constant_rows_ask_nothing_of_a_ranking():
    table = bounds(matrix([[0, 0], [1, 1]]), seconds=1)
    assert table.exact("dim") == 0 and table.exact("sign_rank") == 1
    assert table.about["constant_queries"] == 2
    # -1, 1 on a line; with threshold 0 two documents that must also be on one side of it need a plane
    only = bounds(matrix([[1, 0], [0, 1]]), seconds=1)
    both = bounds(matrix([[1, 0], [0, 1], [0, 0]]), seconds=1)
    assert (only.exact("dim"), only.exact("sign_rank")) == (1, 1)
    assert (both.exact("dim"), both.exact("sign_rank")) == (1, 2)


def test_nothing_is_left_out_when_there_is_no_time():
    full = bounds(dense(60, 200), seconds=20)
    none = bounds(dense(60, 200), seconds=0)
    names = {b.name for b in full.bounds if not b.name.endswith("_chain")}
    assert {b.name for b in none.bounds if not b.name.endswith("_chain")} == names
    late = [b for b in none.bounds if b.status == "not computed" and "s were over" in b.note]
    assert {"dim_lower_radon", "sign_rank_lower_forster", "dim_upper_order"} <= {b.name for b in late}
    assert none.upper("dim").value == 4  # what takes no time is there


def test_found_vectors_join_the_chain():
    held = Bound("dim", "upper", 3, "measurement", "dim_upper_free", "these vectors", ("Weller2025",))
    table = bounds(dense(10, 6), seconds=0, found=[held])
    made = next(b for b in table.bounds if b.name == "sign_rank_upper_chain")
    assert (made.value, made.kind) == (4, "measurement")


def test_gaps_and_bits():
    table = bounds(n_docs=50_000, k=2, gap=[0.2, 1.9], query_bits=1, doc_bits=8)
    by = {(b.name, b.assumptions): b for b in table.bounds}
    assert by["dim_lower_packing", "unit documents and queries, gap at least 0.2 in every query"].value == 9
    late = by["dim_lower_packing", "unit documents and queries, gap at least 1.9 in every query"]
    assert late.status == "not computed" and "no vectors of any dimension" in late.note
    assert by["dim_lower_query_bits", "queries stored in 1 bits a coordinate"].value == 31
    assert by["dim_lower_doc_bits", "documents stored in 8 bits a coordinate"].value == 2


def test_nested_queries_may_share_a_vector():
    """Sets that contain each other are told apart by thresholds alone, so they count once for packing and bits."""
    table = bounds(matrix(np.tri(20, 21)), seconds=0, query_bits=1, gap=0.5)
    assert next(b for b in table.bounds if b.name == "dim_lower_query_bits").value == 0


def test_what_cannot_be_computed_is_listed():
    listed = {b.name for b in bounds(n_docs=9, k=2).bounds if b.status == "not computed"}
    assert {"dim_upper_bangachev", "dim_lower_bangachev", "dim_upper_khatri_rao", "dim_lower_okajima"} <= listed


def test_records_are_plain_and_cited():
    import json

    record = json.loads(json.dumps(bounds(dense(20, 30), seconds=2).to_dict()))
    assert record["schema"] == "limitlab.bounds/1"
    assert {b["kind"] for b in record["bounds"]} <= {"theorem", "construction", "measurement"}
    for b in record["bounds"]:
        assert b["value"] is not None or b["status"] == "not computed"
        assert b["value"] is not None or b["note"]


@pytest.mark.parametrize(
    ("call", "error"),
    [
        (lambda: bounds(), InvalidArgument),
        (lambda: bounds(dense(10, 3), n_docs=5, k=2), InvalidArgument),
        (lambda: bounds(n_docs=5), InvalidArgument),
        (lambda: bounds(n_docs=5, k=5), RangeError),
        (lambda: bounds(n_docs=5, k=2, gap=0.0), RangeError),
        (lambda: bounds(n_docs=5, k=2, gap=[2.5]), RangeError),
        (lambda: bounds(n_docs=5, k=2, query_bits=0), RangeError),
        (lambda: bounds(dense(10, 3), seconds=-1), RangeError),
        (lambda: bounds("qrels"), ShapeError),
        (lambda: bounds(dense(10, 3).select([])), ShapeError),
        (lambda: bounds(RelevanceMatrix(np.zeros(2, int), np.zeros(0, int), n_docs=0)), ShapeError),
    ],
)
def test_bad_arguments(call, error):
    with pytest.raises(error, match=r"^[a-zA-Z_.]+\(\): .* got .*"):
        call()
