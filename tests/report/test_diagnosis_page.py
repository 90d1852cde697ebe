"""The page of a diagnosis: waterfall, levels, queries; nothing from elsewhere."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest

from limitlab.diagnosis import diagnose
from limitlab.relevance import RelevanceMatrix
from limitlab.report import waterfall_figure, write_diagnosis_report


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    """A diagnosis with losses at the encoder, gains at the platform, and an id that is markup."""
    from limitlab.ledger import Ledger

    rng = np.random.default_rng(1)
    docs = rng.standard_normal((50, 8))
    names = [f"d{j}" for j in range(49)] + ["<i>49</i>"]
    matrix = RelevanceMatrix.from_pairs(
        np.repeat(np.arange(8), 3), rng.permutation(50)[:24], query_ids=[f"q{i}" for i in range(8)], doc_ids=names
    )
    run = {f"q{i}": [names[j] for j in matrix.row(i)[: 1 + i % 3]] for i in range(8)}
    ledger = Ledger(tmp_path_factory.mktemp("ledger"))
    return diagnose(matrix, docs=docs, queries=rng.standard_normal((8, 8)), k=4, run=run, ledger=ledger)


def test_bars_go_from_all_relevant_to_what_is_retrieved(found):
    figure = waterfall_figure(found)
    traces = {t.name: t for t in figure.data}
    assert set(traces) == {"kept", "lost", "regained"}
    assert traces["kept"].x[0] == 100 and traces["kept"].x[1] == pytest.approx(100 * found.levels[-1].retained / found.n_relevant)
    net = sum(traces["lost"].x) - sum(traces["regained"].x)
    assert net == pytest.approx(100 * found.n_missing / found.n_relevant)
    assert "truncation" not in figure.layout.yaxis.ticktext and "platform" in figure.layout.yaxis.ticktext


def test_the_page_holds_verdict_levels_and_queries(found, tmp_path):
    page = write_diagnosis_report(found, tmp_path / "d.html").read_text(encoding="utf-8")
    body = page[page.index("<main") : page.index("</main>")]
    for sentence in found.verdict:
        assert sentence.split(":")[0] in body
    for level in found.levels:
        assert f'<th scope="row">{level.label}</th><td>{level.status}</td>' in body
    assert body.count("<tr data-row=") == len(found.queries)
    assert not re.search(r"(src|href)=[\"']?https?:", body) and "<i>49" not in body
    records = json.loads(re.search(r'id="csv">(.*?)</script>', body, re.S)[1])
    assert len(records) == 1 + len(found.queries) and records[0][:2] == ["query", "relevant"]


def test_nothing_lost_has_a_page(tmp_path):
    matrix = RelevanceMatrix.from_qrels({"q": {"a": 1}}, doc_ids=["a", "b"])
    healthy = diagnose(matrix, docs=np.eye(2), queries=np.array([[1.0, 0.1]]), k=1)
    assert [t.name for t in waterfall_figure(healthy).data] == ["kept"]
    assert "nothing missing" in write_diagnosis_report(healthy, tmp_path / "h.html").read_text(encoding="utf-8")
