"""The report in a browser: opened from a file, without a network."""

from __future__ import annotations

import csv
import io

import pytest

from limitlab.report import figures, write_report

pytestmark = pytest.mark.browser
KINDS = ["limit_result", "pattern_result", "own_result", "flat_result", "one_row_result", "all_failed_result", "empty_result"]


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

    def column(self, number: int) -> list[str]:
        """The shown texts of a table column."""
        script = """n => [...document.querySelectorAll('#full tbody tr')].filter(r => !r.hidden)
            .map(r => r.cells[n] && !r.cells[n].classList.contains('problem') ? r.cells[n].querySelector('.main').textContent : null)"""
        return self.page.evaluate(script, number)


@pytest.fixture
def opened(chromium, samples, tmp_path):
    contexts = []

    def open_(kind: str = "limit_result", **context) -> Opened:
        made = Opened(chromium, write_report(samples.ALL[kind](), tmp_path / f"{kind}.html"), **context)
        contexts.append(made.context)
        return made

    yield open_
    for context in contexts:
        context.close()


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("kind", KINDS)
def test_opens_without_complaint_and_draws_everything(opened, samples, kind, width):
    view = opened(kind, viewport={"width": width, "height": 800})
    wanted = figures(samples.ALL[kind]())
    drawn = view.page.evaluate(
        "[...document.querySelectorAll('.js-plotly-plot')].map(p => [p.data.length, p.querySelectorAll('.main-svg').length,"
        " p.querySelectorAll('.trace, .bars .points').length])"
    )
    assert len(drawn) == len(wanted)
    assert all(traces > 0 and svgs > 0 and marks > 0 for traces, svgs, marks in drawn)
    assert view.problems == []
    assert [u for u in view.requests if not u.startswith(("file:", "data:", "blob:"))] == []
    assert view.page.evaluate("document.documentElement.scrollWidth") <= width


def test_nothing_in_the_data_runs(opened):
    view = opened("own_result")
    dialogs = []
    view.page.on("dialog", lambda d: (dialogs.append(d.message), d.dismiss()))
    view.page.wait_for_timeout(200)
    assert dialogs == [] and view.page.locator("main img").count() == 0


def test_measure_buttons_and_legend(opened):
    view = opened()
    figure = view.page.locator("figure.plot").nth(1)
    title = "document.querySelectorAll('.js-plotly-plot')[1]._fullLayout.yaxis.title.text"
    assert view.page.evaluate(title) == "recall@100, in percent"
    figure.get_by_role("button", name="nDCG@10").click()
    view.wait(f"{title} === 'nDCG@10, in percent'")
    top = "document.querySelectorAll('.js-plotly-plot')[1]._fullLayout.yaxis.range[1]"
    assert view.page.evaluate(top) == 104
    figure.get_by_role("button", name="Closer").click()
    view.wait(f"{top} < 70")
    count = "document.querySelectorAll('.js-plotly-plot')[1].data.filter(t => t.visible).length"
    before = view.page.evaluate(count)
    figure.locator(".legend button", has_text="BM25").click()
    view.wait(f"{count} === {before - 1}")
    assert view.problems == []


def test_sorting_toggles_and_keeps_rows_without_numbers_last(opened):
    view = opened()
    heading = view.page.locator("#full thead th").nth(3)
    assert heading.get_attribute("aria-sort") == "none"
    heading.locator("button").click()
    assert heading.get_attribute("aria-sort") == "descending"
    values = view.column(3)
    numbers = [float(v) for v in values[:-1]]
    assert numbers == sorted(numbers, reverse=True) and values[-1] is None
    heading.locator("button").focus()
    view.page.keyboard.press("Enter")
    assert heading.get_attribute("aria-sort") == "ascending"
    values = view.column(3)
    assert [float(v) for v in values[:-1]] == sorted(numbers) and values[-1] is None
    dim = view.page.locator("#full thead th").nth(2)
    dim.locator("button").click()
    dims = [int(v) for v in view.column(2) if v]
    assert dims == sorted(dims) and 1024 in dims and heading.get_attribute("aria-sort") == "none"


def test_filter(opened):
    view = opened()
    view.page.fill("#filter", "minilm 50,000")
    assert set(view.column(1)) == {"all-MiniLM-L6-v2"} and len(view.column(1)) == 5
    assert view.page.inner_text("#count") == "5 of 23 rows"
    view.page.fill("#filter", "")
    assert len(view.column(1)) == 23


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_theme_toggle_recolours_and_is_remembered(opened, scheme):
    view = opened(color_scheme=scheme)
    colours = "[getComputedStyle(document.body).backgroundColor, document.querySelector('.js-plotly-plot')._fullLayout.font.color]"
    toggle = view.page.locator("#theme")
    assert toggle.get_attribute("aria-pressed") == str(scheme == "dark").lower()
    before = view.page.evaluate(colours)
    toggle.click()
    view.wait(f"{colours}[1] !== '{before[1]}'")
    after = view.page.evaluate(colours)
    assert before[0] != after[0]
    view.page.reload()
    view.page.wait_for_selector("html[data-drawn]")
    assert view.page.evaluate(colours) == after
    assert view.problems == []


def test_copy_as_markdown_takes_the_rows_shown(opened):
    view = opened(permissions=["clipboard-read", "clipboard-write"])
    view.page.fill("#filter", "bm25")
    view.page.get_by_role("button", name="Copy as Markdown").click()
    view.wait("document.getElementById('copied').textContent === 'Copied'")
    lines = view.page.evaluate("navigator.clipboard.readText()").strip().splitlines()
    assert lines[0].startswith("| dataset | retriever | dim | recall@2 |")
    assert set(lines[1]) <= set("|-: ") and len(lines) == 4
    assert len({line.count("|") for line in lines}) == 1
    assert lines[2].startswith("| LIMIT (46 documents) | BM25 |  | 97.1 [96.3–97.9] |")


def test_copy_without_a_clipboard_uses_a_text_area(opened):
    view = opened()
    view.page.evaluate("Object.defineProperty(navigator, 'clipboard', { value: undefined })")
    view.page.evaluate("document.addEventListener('copy', () => { window.copied = document.activeElement.value; })")
    view.page.get_by_role("button", name="Copy as Markdown").click()
    view.wait("window.copied && window.copied.startsWith('| dataset |')")


def test_latex_and_csv(opened):
    view = opened("own_result")
    latex = view.page.evaluate("window.limitlabTable.latex()")
    assert "\\toprule" in latex and "\\bottomrule" in latex and "\\$x\\_1\\$" in latex
    body = latex.split("\\midrule\n")[1].split("\\bottomrule")[0].strip().splitlines()
    assert len(body) == 30 and all(line.endswith("\\\\") for line in body)
    records = list(csv.DictReader(io.StringIO(view.page.evaluate("window.limitlabTable.csv()"))))
    assert len(records) == 30 and 0 <= float(records[0]["recall@10"]) <= 1
    markdown = view.page.evaluate("window.limitlabTable.markdown()")
    assert "\\|" in markdown and "<img" not in markdown


def test_prints_in_light_colours_and_comes_back(opened):
    view = opened(color_scheme="dark")
    font = "document.querySelector('.js-plotly-plot')._fullLayout.font.color"
    dark = view.page.evaluate(font)
    view.page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    view.wait(f"{font} !== '{dark}'")
    view.page.evaluate("window.dispatchEvent(new Event('afterprint'))")
    view.wait(f"{font} === '{dark}'")
    assert view.problems == []
