"""Remedies on the page of a diagnosis: a dot and an interval each, best first, and a table with the same numbers."""

from __future__ import annotations

import numpy as np
import pytest

from limitlab.data import Dataset
from limitlab.diagnosis import RemedyPlan, diagnose
from limitlab.ledger import Ledger
from limitlab.report import write_diagnosis_report
from limitlab.report.remedies import remedies_figure, remedy_rows


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    """A diagnosis whose vectors say nothing and whose words say all; the cross-encoder cannot be had for two of them."""
    rng = np.random.default_rng(1)
    docs = {f"d{j}": f"<b>thing{j}x</b>" for j in range(30)}
    queries = {f"q{i}": f"thing{i}x" for i in range(12)}
    data = Dataset.from_texts(docs, queries, {f"q{i}": {f"d{i}": 1} for i in range(12)})
    plan = RemedyPlan(("hybrid", "rerank", "cut"), folds=3)
    ledger = Ledger(tmp_path_factory.mktemp("ledger"))
    return diagnose(data, docs=rng.standard_normal((30, 6)), queries=rng.standard_normal((12, 6)), k=2, remedies=plan, ledger=ledger)


def test_dots_are_the_gains_best_first(found):
    traces = {t.name: t for t in remedies_figure(found).data}
    assert set(traces) == {"measured", "more documents to the reader", "upper bound"}
    measured = [r for r in found.remedies if r.kind == "measured"]
    assert list(traces["measured"].x) == [100 * r.gain for r in measured] == sorted((100 * r.gain for r in measured), reverse=True)
    e = measured[0].recall.difference
    assert traces["measured"].error_x.array[0] == pytest.approx(100 * (e.high - e.mean))
    assert traces["measured"].error_x.arrayminus[0] == pytest.approx(100 * (e.mean - e.low))


def test_the_page_shows_them_and_a_page_without_is_as_before(found, tmp_path):
    page = write_diagnosis_report(found, tmp_path / "d.html").read_text(encoding="utf-8")
    body = page[page.index("<main") : page.index("</main>")]
    assert "What would help" in body and "thing0x" not in body
    for row in remedy_rows(found):
        assert f"<b>{row['label']}</b><br><small>{row['kind']}" in body and row["gain"] in body
    from dataclasses import replace

    plain = write_diagnosis_report(replace(found, remedies=()), tmp_path / "p.html").read_text(encoding="utf-8")
    assert "What would help" not in plain
