"""The pages of capacity and bounds in a browser: opened from a file, without a network, without a complaint."""

from __future__ import annotations

import pytest

import limitlab as ll
from limitlab.capacity import phase_map
from limitlab.report import write_bounds_report, write_capacity_report

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pages")
    write_capacity_report(phase_map(2, n_docs=(10, 10**8), dims=(2, 4096)), folder / "map.html", command=["limitlab", "capacity", "--map"])
    write_bounds_report(ll.bounds(n_docs=46, k=2), folder / "bounds.html")
    return folder


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("name", ["map", "bounds"])
def test_it_draws_fits_and_asks_for_nothing(chromium, pages, name, width, scheme):
    context = chromium.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
    context.set_offline(True)
    page = context.new_page()
    problems, requests = [], []
    page.on("console", lambda m: problems.append(m.text) if m.type in ("error", "warning") else None)
    page.on("pageerror", lambda e: problems.append(str(e)))
    page.on("request", lambda r: requests.append(r.url))
    path = pages / f"{name}.html"
    page.goto(path.as_uri())
    page.wait_for_selector("html[data-drawn]")
    assert page.locator("figure.plot svg.main-svg").count() >= 1
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    assert page.locator(".legend button").count() >= 2
    page.locator(".legend button").first.click()
    page.locator("#theme").click()
    assert problems == []
    assert [r for r in requests if r != path.as_uri() and not r.startswith(("data:", "blob:"))] == []
    context.close()
