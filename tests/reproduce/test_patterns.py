"""The four patterns side by side, beside the published numbers."""

from __future__ import annotations

import json

import pytest

from limitlab._core.status import Status
from limitlab.published import curve
from limitlab.relevance import PATTERNS
from limitlab.reproduce import reproduce_patterns


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    from limitlab.ledger import Ledger

    return reproduce_patterns(
        n_docs=300, n_queries=60, seed=1, retrievers=["bm25", "token-sums"], dims=[16, 64], ledger=Ledger(tmp_path_factory.mktemp("ledger"))
    )


def test_each_pattern_is_a_dataset_of_its_own(found):
    assert [d.pattern for d in found.result.datasets] == list(PATTERNS)
    assert {(d.n_docs, d.n_queries, d.n_relevant) for d in found.result.datasets} == {(300, 60, 120)}
    assert found.result.status is Status.SOLVED
    assert found.result.config["retrievers"] == ["bm25", "token-sums"]


def test_ours_are_the_rows_in_percent(found):
    assert set(found.ours) == {"bm25", "token-sums@16", "token-sums@64"}
    for name, values in found.ours.items():
        assert set(values) == set(PATTERNS)
        for facts in found.result.datasets:
            assert values[facts.pattern] == 100 * found.result.row(name, dataset=facts.name).measures["recall@100"].mean


def test_published_are_the_paper_s_numbers_at_the_greatest_dimension(found):
    assert found.measure == "recall@100"
    for pattern in PATTERNS:
        for model, pairs in curve(f"LIMIT-qrel-{pattern}", "recall@100").items():
            assert found.published[model][pattern] == pairs[-1][1]
    assert found.published, "the paper's table of patterns is there"


def test_it_is_plain_json(found):
    record = json.loads(json.dumps(found.to_dict()))
    assert record["schema"] == "limitlab.patterns/1"
    assert record["result"]["schema"] == "limitlab.evaluation/1"
    assert record["ours"] == found.ours


def test_a_row_without_numbers_is_not_among_ours(tmp_path):
    found = reproduce_patterns(n_docs=60, n_queries=20, retrievers=["token-sums:dim=8"], dims=[8, 16])
    assert set(found.ours) == {"token-sums@8"}
    assert found.result.status is Status.NOT_SOLVED
