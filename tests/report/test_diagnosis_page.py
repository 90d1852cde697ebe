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


def test_drowning_is_solid_inside_and_dashed_beyond():
    from limitlab.report import drowning_figure

    rng = np.random.default_rng(0)
    docs = rng.standard_normal((400, 8))
    matrix = RelevanceMatrix.from_pairs(np.arange(30), np.arange(30), query_ids=[f"q{i}" for i in range(30)], doc_ids=range(400))
    deep = diagnose(matrix, docs=docs, queries=docs[:30] + 0.9 * rng.standard_normal((30, 8)), k=5, skip=["gaps", "geometry"]).depth
    traces = {t.name: t for t in drowning_figure(deep.drowning).data}
    assert {"recall@5", "recall@5, extrapolated", "recall@5, 95 % interval", "all relevant@5, one random sample"} <= set(traces)
    exact, ahead, band = (traces[f"recall@5{words}"] for words in ("", ", extrapolated", ", 95 % interval"))
    assert tuple(exact.x) == deep.drowning.exact.sizes and exact.line.dash is None and ahead.line.dash == "dash"
    assert (ahead.x[0], ahead.y[0]) == (exact.x[-1], exact.y[-1]) and max(ahead.x) == 40_000
    half = len(band.x) // 2
    assert all(low <= y + 1e-9 <= high + 2e-9 for high, y, low in zip(band.y[:half], ahead.y, reversed(band.y[half:])))


def test_histograms_hold_every_value(found):
    from limitlab.report import gap_figure, score_figure

    for figure, spreads in (
        (gap_figure(found.depth.gaps), (found.depth.gaps.full, found.depth.gaps.attained)),
        (score_figure(found.depth.gaps), (found.depth.gaps.relevant, found.depth.gaps.best_irrelevant)),
    ):
        drawn = [t for t in figure.data if t.showlegend]
        for trace, spread in zip(drawn, spreads):
            assert sum(trace.y[1:-1:2]) == pytest.approx(100) and trace.x[0] == pytest.approx(spread.start)


def test_the_page_shows_what_lies_beneath_and_leaves_out_what_was_skipped(found, tmp_path):
    page = write_diagnosis_report(found, tmp_path / "d.html").read_text(encoding="utf-8")
    for place in ("drowning", "gaps", "geometry"):
        assert f'<section id="{place}">' in page and f'<a href="#{place}">' in page
    for finding in found.depth.geometry:
        assert f'<th scope="row">{finding.label}</th>' in page
    rng = np.random.default_rng(1)
    matrix = RelevanceMatrix.from_qrels({"q": {"a": 1}}, doc_ids=["a", "b"])
    less = diagnose(matrix, docs=np.eye(2), queries=rng.standard_normal((1, 2)), k=1, skip=["geometry", "gaps", "drowning"])
    bare = write_diagnosis_report(less, tmp_path / "b.html").read_text(encoding="utf-8")
    assert not any(f'id="{place}"' in bare for place in ("drowning", "gaps", "geometry")) and "Also found" not in bare
