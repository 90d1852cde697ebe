"""The page of a diagnosis in a browser: it draws, fits, asks for nothing, and folds a long table of queries."""

from __future__ import annotations

import numpy as np
import pytest

from limitlab.diagnosis import diagnose
from limitlab.ledger import Ledger
from limitlab.relevance import RelevanceMatrix
from limitlab.report import write_diagnosis_report

pytestmark = pytest.mark.browser
N = 120


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """The page of a diagnosis with 120 queries and losses at several levels."""
    folder = tmp_path_factory.mktemp("diagnosis")
    rng = np.random.default_rng(3)
    docs = rng.standard_normal((300, 12))
    relevance = RelevanceMatrix.from_pairs(
        np.repeat(np.arange(N), 2),
        rng.permutation(300)[: 2 * N],
        query_ids=[f"q{i}" for i in range(N)],
        doc_ids=[f"d{j}" for j in range(300)],
    )
    queries = np.stack([docs[relevance.row(i)].mean(axis=0) for i in range(N)]) + 0.6 * rng.standard_normal((N, 12))
    found = diagnose(relevance, docs=docs, queries=queries, k=5, dim=8, dtype="binary", ledger=Ledger(folder / "home"))
    return write_diagnosis_report(found, folder / "d.html")


@pytest.fixture
def opened(chromium, written):
    contexts = []

    def open_(**options):
        context = chromium.new_context(**options)
        contexts.append(context)
        context.set_offline(True)
        page = context.new_page()
        page.problems, page.asked = [], []
        page.on("console", lambda m: page.problems.append(m.text) if m.type in ("error", "warning") else None)
        page.on("pageerror", lambda e: page.problems.append(str(e)))
        page.on("request", lambda r: page.asked.append(r.url))
        page.goto(written.as_uri())
        page.wait_for_selector("html[data-drawn]")
        return page

    yield open_
    for context in contexts:
        context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_it_draws_fits_and_asks_for_nothing(opened, written, width, scheme):
    page = opened(viewport={"width": width, "height": 900}, color_scheme=scheme)
    figures = page.locator("figure.plot").count()
    assert figures >= 1 and page.locator("figure.plot svg.main-svg").count() >= figures
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    page.locator("#theme").click()
    assert page.problems == []
    assert [r for r in page.asked if r != written.as_uri() and not r.startswith(("data:", "blob:"))] == []


def test_what_lies_beneath_the_levels_is_drawn(opened):
    page = opened(viewport={"width": 1280, "height": 900})
    assert page.locator("figure.plot svg.main-svg").count() >= 4
    assert page.locator("#drowning .legend button").count() == 6
    page.locator("#drowning .legend button").first.click()
    assert page.locator("#geometry tbody tr").count() == 13
    assert page.problems == []


def test_a_long_table_shows_its_first_rows_until_asked(opened):
    page = opened(viewport={"width": 1280, "height": 900})

    def seen() -> int:
        return page.evaluate("[...document.querySelectorAll('#full tbody tr')].filter(r => r.offsetParent !== null).length")

    more = page.locator("#more")
    assert seen() == 50 and more.inner_text() == f"Show all {N} rows" and page.locator("#count").inner_text() == f"{N} rows"
    assert len(page.evaluate("window.limitlabTable.csv()").splitlines()) == N + 1  # what is folded is copied too
    page.locator("#full thead button", has_text="missing").click()
    values = page.evaluate(
        "[...document.querySelectorAll('#full tbody tr')].filter(r => r.offsetParent !== null).map(r => Number(r.cells[3].dataset.order))"
    )
    assert len(values) == 50 and values == sorted(values, reverse=True) and values[0] == 2
    more.click()
    assert seen() == N and more.get_attribute("aria-expanded") == "true"
    more.click()
    assert seen() == 50
    page.locator("#filter").fill("q11")
    assert (
        seen() == page.evaluate("[...document.querySelectorAll('#full tbody tr')].filter(r => r.textContent.includes('q11')).length") == 11
    )
    assert more.is_hidden()
