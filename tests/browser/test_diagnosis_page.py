"""The page of a diagnosis in a browser: figures beneath the levels are drawn, fit narrow and broad screens, and ask for nothing."""

from __future__ import annotations

import numpy as np
import pytest

from limitlab.diagnosis import diagnose
from limitlab.relevance import RelevanceMatrix
from limitlab.report import write_diagnosis_report

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    from limitlab.ledger import Ledger

    rng = np.random.default_rng(0)
    docs = rng.standard_normal((300, 8))
    docs[299] = docs[0]
    matrix = RelevanceMatrix.from_pairs(
        np.arange(20), np.arange(20), query_ids=[f"q{i}" for i in range(20)], doc_ids=[f"d{i}" for i in range(300)]
    )
    ledger = Ledger(tmp_path_factory.mktemp("ledger"))
    found = diagnose(matrix, docs=docs, queries=docs[:20] + 0.8 * rng.standard_normal((20, 8)), k=5, ledger=ledger)
    return write_diagnosis_report(found, tmp_path_factory.mktemp("page") / "d.html")


@pytest.mark.parametrize(("width", "scheme"), [(390, "light"), (1280, "dark")])
def test_it_draws_fits_and_asks_for_nothing(chromium, path, width, scheme):
    context = chromium.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
    context.set_offline(True)
    page = context.new_page()
    problems, requests = [], []
    page.on("console", lambda m: problems.append(m.text) if m.type in ("error", "warning") else None)
    page.on("pageerror", lambda e: problems.append(str(e)))
    page.on("request", lambda r: requests.append(r.url))
    page.goto(path.as_uri())
    page.wait_for_selector("html[data-drawn]")
    assert page.locator("figure.plot svg.main-svg").count() >= 4
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    assert page.locator("#drowning .legend button").count() == 6
    page.locator("#drowning .legend button").first.click()
    assert page.locator("#geometry tbody tr").count() == 13
    assert problems == [] and [r for r in requests if r != path.as_uri() and not r.startswith(("data:", "blob:"))] == []
    context.close()
