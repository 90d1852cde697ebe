"""The page of bounds holds every bound with its kind, and nothing that is not one."""

from __future__ import annotations

import re

import pytest

from limitlab.relevance import dense, random
from limitlab.report import bounds_figure, write_bounds_report
from limitlab.theory import Bound, BoundTable, bounds


@pytest.fixture(scope="module")
def open_table():
    held = Bound("dim", "upper", 9, "measurement", "dim_upper_free", "these vectors", ("Weller2025",), note="run <1>")
    return bounds(random(30, 60, k=6), seconds=1, found=[held])


def test_every_bound_is_on_the_page(open_table, tmp_path):
    page = write_bounds_report(open_table, tmp_path / "b.html", title="a < b", command=["limitlab", "bounds", "x"]).read_text()
    body = page[page.index("<main") : page.index("</main>")]
    for b in open_table.bounds:
        assert f"<code>{b.name}</code>" in body
    assert "a &lt; b" in body and "run &lt;1&gt;" in body
    assert "limitlab bounds x" in body
    assert "no vectors do it in fewer" in body and "is not known" in body
    assert not re.search(r"(src|href)=[\"']?https?:", body)


def test_marks_are_the_computed_bounds_on_dimensions(open_table):
    figure = bounds_figure(open_table)
    marks = [t for t in figure.data if t.mode == "markers" and t.legendgroup != "exact"]
    drawn = [b for b in open_table.bounds if b.quantity.startswith(("dim", "sign_rank", "global")) and b.computed and b.value]
    drawn = [b for b in drawn if b.quantity not in ("dim_at_gap", "dim_in_bits", "sign_rank_typical")]
    assert sum(len(t.x) for t in marks) == len(drawn)
    assert {t.name for t in marks} == {"theorem: no fewer", "construction: so many suffice", "measurement: vectors were found"}


def test_what_is_exact_is_one_mark():
    table = bounds(dense(60, 1_000), seconds=5)
    exact = next(t for t in bounds_figure(table).data if t.legendgroup == "exact")
    assert list(exact.x) == [4, 4, 3, 4, 5]
    assert not [t for t in bounds_figure(table).data if t.legendgroup == "open"]


def test_a_table_without_numbers_has_a_page(tmp_path):
    empty = BoundTable((), {}, 0.0)
    assert bounds_figure(empty) is None
    assert "All bounds" in write_bounds_report(empty, tmp_path / "e.html").read_text()
    formula = bounds(n_docs=10**15, k=100)
    assert "200 dimensions" in write_bounds_report(formula, tmp_path / "f.html").read_text()
