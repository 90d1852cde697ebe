"""The page of the reproductions in a browser."""

from __future__ import annotations

import pytest

from limitlab.ledger import Ledger
from limitlab.report import write_reproduction_report
from limitlab.reproduce import Asked, reproduce

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    folder = tmp_path_factory.mktemp("reproduction")
    asked = Asked("tiny", models=("bm25",), ledger=Ledger(folder / "home"))
    found = reproduce(["theorem-table", "limit-small", "graph-density"], asked)
    return write_reproduction_report([o.to_dict() for o in found], folder / "r.html")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_it_draws_fits_and_asks_for_nothing(chromium, written, width, scheme):
    context = chromium.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
    context.set_offline(True)
    page = context.new_page()
    problems, requests = [], []
    page.on("console", lambda m: problems.append(m.text) if m.type in ("error", "warning") else None)
    page.on("pageerror", lambda e: problems.append(str(e)))
    page.on("request", lambda r: requests.append(r.url))
    page.goto(written.as_uri())
    page.wait_for_selector("html[data-drawn]")
    assert page.locator("figure.plot svg.main-svg").count() >= 1
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    page.locator("details summary", has_text="without one of ours").first.click()
    assert page.locator("details[open] td", has_text="not asked for").first.is_visible()
    assert problems == []
    assert [r for r in requests if r != written.as_uri() and not r.startswith(("data:", "blob:"))] == []
    context.close()
