"""The critical n report in a browser: opened from a file, without a network."""

from __future__ import annotations

import csv
import importlib.util
import io
from pathlib import Path

import pytest

from limitlab.report import critical_n_figures, write_critical_n_report

pytestmark = pytest.mark.browser
KINDS = [
    "full_result",
    "whole_range_result",
    "certified_result",
    "odd_names_result",
    "one_row_result",
    "all_failed_result",
    "empty_result",
]


@pytest.fixture(scope="session")
def critical():
    """The sample results of the report's own tests."""
    path = Path(__file__).parents[1] / "report" / "sample_critical_n.py"
    spec = importlib.util.spec_from_file_location("sample_critical_n", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Opened:
    """A page and everything it complained about."""

    def __init__(self, browser, path, **context) -> None:
        self.context = browser.new_context(**{"viewport": {"width": 1280, "height": 900}, **context})
        self.context.set_offline(True)
        self.page = self.context.new_page()
        self.problems: list[str] = []
        self.requests: list[str] = []
        self.page.on("console", lambda m: self.problems.append(m.text) if m.type in ("error", "warning") else None)
        self.page.on("pageerror", lambda e: self.problems.append(str(e)))
        self.page.on("request", lambda r: self.requests.append(r.url))
        self.page.goto(path.as_uri())
        self.page.wait_for_selector("html[data-drawn]")

    def wait(self, script: str) -> None:
        """Until a script is true. Playwright's own wait evaluates text inside the page, which the page's security policy forbids."""
        for _ in range(100):
            if self.page.evaluate(script):
                return
            self.page.wait_for_timeout(50)
        pytest.fail(f"never true: {script}", pytrace=False)

    def plot(self, number: int, what: str) -> str:
        """A script that reads something off the full layout of a plot."""
        return f"document.querySelectorAll('.js-plotly-plot')[{number}].{what}"


@pytest.fixture
def opened(chromium, critical, tmp_path):
    contexts = []

    def open_(kind: str = "full_result", **context) -> Opened:
        made = Opened(chromium, write_critical_n_report(critical.ALL[kind](), tmp_path / f"{kind}.html"), **context)
        contexts.append(made.context)
        return made

    yield open_
    for context in contexts:
        context.close()


@pytest.mark.parametrize(("kind", "width"), [*((kind, 1280) for kind in KINDS), ("full_result", 390), ("all_failed_result", 390)])
def test_opens_without_complaint_and_draws_everything(opened, critical, kind, width):
    view = opened(kind, viewport={"width": width, "height": 800})
    drawn = view.page.evaluate("[...document.querySelectorAll('.js-plotly-plot')].map(p => p.querySelectorAll('.trace').length)")
    assert len(drawn) == len(critical_n_figures(critical.ALL[kind]())) and all(marks > 0 for marks in drawn)
    assert view.problems == []
    assert [u for u in view.requests if not u.startswith(("file:", "data:", "blob:"))] == []
    assert view.page.evaluate("document.documentElement.scrollWidth") <= width


def test_nothing_in_the_data_runs(opened):
    view = opened("odd_names_result")
    dialogs = []
    view.page.on("dialog", lambda d: (dialogs.append(d.message), d.dismiss()))
    view.page.wait_for_timeout(200)
    assert dialogs == [] and view.page.locator("main img").count() == 0


def test_the_linear_view_and_back(opened):
    view = opened()
    figure = view.page.locator("figure.plot").first
    kind, shown = view.plot(0, "_fullLayout.yaxis.type"), view.plot(0, "data.filter(t => t.visible).length")
    assert view.page.evaluate(kind) == "log"
    everything = view.page.evaluate(shown)
    figure.get_by_role("button", name="Optimised only, linear").click()
    view.wait(f"{kind} === 'linear'")
    assert view.page.evaluate(shown) == everything - 2
    assert not figure.locator(".legend button", has_text="certified, any").is_visible()
    assert view.page.evaluate(view.plot(0, "_fullLayout.yaxis.range[1]")) < 200
    figure.get_by_role("button", name="All, log scale").click()
    view.wait(f"{kind} === 'log'")
    assert view.page.evaluate(shown) == everything and view.problems == []


def test_the_fit_shows_one_set_of_points_and_its_legend_hides(opened):
    view = opened()
    figure = view.page.locator("figure.plot").nth(1)
    last = view.plot(1, "data.filter(t => t.visible && t.legendgroup === 'points')[0].x.at(-1)")
    assert view.page.evaluate(last) == 45
    figure.get_by_role("button", name="Points run here").click()
    view.wait(f"{last} === 20")
    before = view.page.evaluate(view.plot(1, "data.filter(t => t.visible).length"))
    figure.locator(".legend button", has_text="quartic").click()
    view.wait(view.plot(1, f"data.filter(t => t.visible).length === {before - 7}"))
    assert view.problems == []


def test_training_shows_missing_documents_or_the_loss(opened):
    view = opened()
    figure = view.page.locator("figure.plot").nth(2)
    title = view.plot(2, "_fullLayout.yaxis.title.text")
    assert view.page.evaluate(title) == "relevant documents not on top"
    figure.get_by_role("button", name="Loss").click()
    view.wait(f"{title} === 'loss' && {view.plot(2, '_fullLayout.yaxis.type')} === 'linear'")
    assert view.problems == []


def test_sorting_by_a_number(opened):
    view = opened()
    view.page.locator("#full thead button", has_text="certified, gap").first.click()
    script = "[...document.querySelectorAll('#full tbody tr')].map(r => r.cells[1].querySelector('.main').textContent)"
    dims = [int(d) for d in view.page.evaluate(script)]
    assert dims[:7] == [20, 16, 12, 10, 8, 6, 4]  # those with a certified n, largest first; the others keep their place
    view.page.locator("#full thead button", has_text="dim").click()
    assert [int(d) for d in view.page.evaluate(script)] == list(range(4, 21))


def test_copies_are_tables(opened):
    view = opened()
    markdown = view.page.evaluate("window.limitlabTable.markdown()").strip().splitlines()
    assert markdown[0].startswith("| k | dim | published | protocol, run here |") and len(markdown) == 2 + 17
    assert len({line.count("|") for line in markdown}) == 1
    assert "503 [gap 0.0012]" in next(line for line in markdown if line.startswith("| 2 | 8 |"))
    latex = view.page.evaluate("window.limitlabTable.latex()")
    assert "\\toprule" in latex and latex.count("\\\\\n") == 1 + 17
    records = list(csv.DictReader(io.StringIO(view.page.evaluate("window.limitlabTable.csv()"))))
    assert [int(r["dim"]) for r in records] == list(range(4, 21))
    assert next(r for r in records if r["dim"] == "8")["certificate_at_min_gap"] == "harmonic-d8-n503"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_theme_toggle_recolours(opened, scheme):
    view = opened(color_scheme=scheme)
    colours = "[getComputedStyle(document.body).backgroundColor, document.querySelector('.js-plotly-plot')._fullLayout.font.color]"
    before = view.page.evaluate(colours)
    view.page.locator("#theme").click()
    view.wait(f"{colours}[1] !== '{before[1]}'")
    assert view.page.evaluate(colours)[0] != before[0] and view.problems == []


def test_a_narrow_page_leaves_the_axis_title_out(opened):
    view = opened(viewport={"width": 390, "height": 800})
    assert view.page.evaluate(view.plot(0, "_fullLayout.yaxis.title.text")) in ("", None)
    wide = opened("one_row_result")
    assert wide.page.evaluate(wide.plot(0, "_fullLayout.yaxis.title.text")) == "documents n, every pair retrieved"
