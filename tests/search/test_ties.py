"""Which of two documents with equal scores comes first."""

from __future__ import annotations

import numpy as np
import pytest

from limitlab._core.errors import UnknownName
from limitlab.search import TIE_RULES, tie_order

IDS = ["d10", "d9", "D9", "é", "zebra", "d1", "東", "\U0001f600", "\uffee"]


def test_trec_orders_ids_descending_as_utf8_bytes() -> None:
    order = np.argsort(tie_order(IDS, "trec"))
    assert [IDS[i] for i in order] == sorted(IDS, key=str.encode, reverse=True)


def test_st_orders_ids_ascending() -> None:
    order = np.argsort(tie_order(IDS, "st"))
    assert [IDS[i] for i in order] == sorted(IDS, key=str.encode)


@pytest.mark.parametrize("rule", ["worst", "best", "expected"])
def test_lists_of_the_other_rules_follow_trec(rule: str) -> None:
    assert tie_order(IDS, rule).tolist() == tie_order(IDS, "trec").tolist()


@pytest.mark.parametrize("rule", TIE_RULES)
def test_places_are_a_permutation(rule: str) -> None:
    places = tie_order([f"doc{i}" for i in range(37)], rule)
    assert places.dtype == np.int32
    assert sorted(places.tolist()) == list(range(37))


def test_the_default_is_trec() -> None:
    assert tie_order(["a", "b"]).tolist() == [1, 0]


def test_no_documents_have_no_places() -> None:
    assert tie_order([]).shape == (0,)


def test_unknown_rules_are_answered_with_the_nearest() -> None:
    with pytest.raises(UnknownName, match="did you mean 'trec'"):
        tie_order(["a"], "tre")
