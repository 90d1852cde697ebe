from __future__ import annotations

import pytest

from limitlab.estimation.part import Bytes, Estimate, Money, Part, merged


def part(**changes) -> Part:
    return Part(
        **{"name": "a", "formula": "n", "amount": 100.0, "unit": "values", "rate": 10.0, "rate_name": "check", "assumption": "", **changes}
    )


def test_workers_divide_what_divides_and_nothing_else():
    shared, alone = part(divides=True), part()
    assert shared.seconds(4)[1] == pytest.approx(2.5)
    assert alone.seconds(4)[1] == pytest.approx(10)
    assert alone.seconds(0.5)[1] == pytest.approx(20)  # half of the cores
    assert shared.seconds()[0] < shared.seconds()[1] < shared.seconds()[2]


def test_equal_parts_become_one_and_empty_ones_go():
    once = merged([part(formula="n"), part(formula="m", amount=5.0), part(name="b"), part(name="c", amount=0.0)])
    assert [(p.name, p.amount, p.formula) for p in once] == [("a", 105.0, "n + m"), ("b", 100.0, "n")]


def test_totals_are_sums_and_json_says_all():
    found = Estimate(
        "eval", {"n_docs": 3}, (part(), part(name="b", divides=True)), (Bytes("memory", "x", "f", 5.0), Bytes("disk", "y", "f", 7.0)),
        (Money("machines", "f", 2.5),), 4, 2.0, "m", ("note",),
    )  # fmt: skip
    record = found.to_dict()
    assert record["schema"] == "limitlab.estimate/1"
    assert record["seconds"]["expected"] == pytest.approx(15)
    assert record["seconds"]["low"] == pytest.approx(sum(p["seconds_low"] for p in record["parts"]))
    assert record["seconds"]["high"] == pytest.approx(sum(p["seconds_high"] for p in record["parts"]))
    assert (record["memory_bytes"], record["disk_bytes"], record["network_bytes"], record["cost"]) == (5.0, 7.0, 0, 2.5)
    assert record["notes"] == ["note"]
