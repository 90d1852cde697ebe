"""The page of a training in a browser: it draws, fits on a phone, and asks for nothing."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from limitlab.report import write_training_report

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    path = Path(__file__).parents[1] / "report" / "test_training_page.py"
    spec = importlib.util.spec_from_file_location("training_page_sample", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return write_training_report(module.RESULT, tmp_path_factory.mktemp("training") / "t.html")


@pytest.mark.parametrize("width", [1280, 390])
def test_it_draws_fits_and_asks_for_nothing(chromium, written, width):
    context = chromium.new_context(viewport={"width": width, "height": 900})
    page = context.new_page()
    errors: list[str] = []
    asked: list[str] = []
    page.on("pageerror", lambda e: errors.append(str(e)))
    page.on("request", lambda r: asked.append(r.url))
    page.goto(written.as_uri())
    page.wait_for_selector("#learning .plot .main-svg")
    assert page.locator("#gain .plot .main-svg").count() and not errors
    assert [u for u in asked if not u.startswith(("file:", "data:", "blob:"))] == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    context.close()
