"""A Chinese page in a browser: what the script says is Chinese too, and nothing overflows."""

from __future__ import annotations

import pytest

from limitlab.report import write_report

pytestmark = pytest.mark.browser


def test_the_script_speaks_chinese(chromium, samples, tmp_path):
    path = write_report(samples.limit_result(), tmp_path / "zh.html", language="zh")
    page = chromium.new_page(viewport={"width": 1280, "height": 900})
    problems: list[str] = []
    page.on("pageerror", lambda e: problems.append(str(e)))
    page.goto(path.as_uri())
    page.wait_for_selector("html[data-drawn]")
    assert page.text_content("#count") == "共 23 行"
    page.fill("#filter", "bm25")
    assert page.text_content("#count") == "23 行中的 2 行"
    buttons = page.locator("figure.plot").first.locator(".choice button").all_text_contents()
    assert "全召回@2" in buttons and buttons[-2:] == ["0–100%", "放大"]
    legend = page.locator("figure.plot").first.locator(".legend button").all_text_contents()
    assert "论文数值（Weller 等人 2025）" in legend
    assert page.locator("figure.plot").first.locator(".legend button").first.get_attribute("title") == "显示或隐藏"
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    page.close()
    page = chromium.new_page(viewport={"width": 390, "height": 800})
    page.goto(path.as_uri())
    page.wait_for_selector("html[data-drawn]")
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    assert not problems
    page.close()
