"""The page of the reproductions: every number, verdicts, the story; nothing from elsewhere."""

from __future__ import annotations

import re

import pytest

from limitlab._core.errors import InvalidArgument
from limitlab.report import write_reproduction_report
from limitlab.report.reproduction_page import comparison_figure


def outcome(name="limit-small", **changed):
    row = {
        "what": "recall@2", "setting": "bm25", "published": 97.8, "source": "https://example.org/table", "ours": 97.0, "low": 96.0, "high": 98.0, "unit": "percent",
        "others": [["<b>somebody</b>", 99.15, "https://example.org/other"]], "verdict": "agrees", "why": "inside our 95 % interval", "difference": -0.8,
    }  # fmt: skip
    missing = {
        **row,
        "setting": "GritLM@4096",
        "ours": None,
        "low": None,
        "high": None,
        "difference": None,
        "others": [],
        "verdict": "not run",
        "why": "not asked for",
    }
    return {
        "name": name, "title": f"Title of {name}", "claim": "A claim.", "says": ["We measured."], "since": ["Later work."], "size": "full", "status": "solved",
        "message": "", "rows": [row, missing], "counts": {"agrees": 1, "not run": 1}, "config": {}, "provenance": {"wall_seconds": 3.0}, "run_ids": ["1", "2"], **changed,
    }  # fmt: skip


def test_the_page_holds_every_number_and_the_story(tmp_path):
    path = write_reproduction_report([outcome(), outcome("something-new")], tmp_path / "r.html", command=["limitlab", "reproduce", "all"])
    page = path.read_text(encoding="utf-8")
    body = page[page.index("<main") : page.index("</main>")]
    assert body.count("4096: 97.8") == 2 and "97.8" in body and "limitlab report 2" in body
    assert "The table below" not in body and "limitlab reproduce run limit-small --size full" in body  # the command, with what it takes
    assert "What followed" in body and "arXiv 2605.23556" in body
    assert "What theory excludes" in body and "Title of something-new" in body and "Later work." in body
    assert "Of 4 published numbers 2 have a number of ours beside them: 2 agree, 0 differ" in body
    assert "<b>somebody" not in body and "&lt;b&gt;somebody" in body
    assert not re.search(r"(src|href)=[\"']?https?:", body)


def test_what_holds_for_every_row_is_said_once_and_what_was_not_run_is_folded(tmp_path):
    base = outcome()["rows"][0] | {"verdict": "not comparable", "others": []}
    run = [base | {"setting": f"minilm@{d}", "why": f"other words; size small{extra}"} for d, extra in ((32, ""), (64, "; options k1"))]
    missing = [outcome()["rows"][1] | {"setting": f"{m}@{d}", "published": d / 10} for m in ("GritLM", "E5") for d in (32, 64, 128)]
    given = outcome(rows=[*run, *missing], counts={"not comparable": 2, "not run": 6}, size="small")
    page = write_reproduction_report([given], tmp_path / "r.html").read_text(encoding="utf-8")
    body = page[page.index("<main") : page.index("</main>")]
    assert body.count("other words; size small") == 1 and "<small>options k1</small>" in body
    assert "6 published numbers without one of ours" in body and body.count("32: 3.2 · 64: 6.4 · 128: 12.8") == 2


def test_differences_have_the_digits_that_were_published():
    from limitlab.report.reproduction_page import _printed, _signed

    assert _signed(_printed(3.6e-7, 0.085481)) == "0" and _signed(_printed(2e-6, 0.085481)) == "+2e-06"
    assert _signed(_printed(-1.234, 97.8)) == "-1.23"


def test_a_figure_leaves_out_dimensions_with_nothing_to_compare():
    row = outcome()["rows"][0] | {"published": None, "others": []}
    rows = [row | {"setting": f"minilm@{d}"} for d in (32, 64, 384)] + [row | {"setting": "bm25", "published": 97.8}]
    assert list(comparison_figure(outcome(rows=rows)).layout.yaxis.ticktext) == ["minilm@384, recall@2", "bm25, recall@2"]


def test_figures_hold_what_was_run(tmp_path):
    figure = comparison_figure(outcome())
    traces = {t.name: t for t in figure.data}
    assert list(traces["ours"].x) == [97.0] and list(traces["published"].x) == [97.8] and list(traces["reproductions"].x) == [99.15]
    assert comparison_figure(outcome(rows=[], counts={})) is None


def test_a_failure_is_said(tmp_path):
    failed = outcome(status="failed", message="DataError: no folder", rows=[], counts={}, says=[])
    page = write_reproduction_report([failed], tmp_path / "r.html").read_text(encoding="utf-8")
    assert "Failed, without a number: Title of limit-small." in page and "DataError: no folder" in page
    with pytest.raises(InvalidArgument, match="at least one outcome"):
        write_reproduction_report([], tmp_path / "r.html")
