"""The HTML report: whole, escaped, self-contained, and right for odd inputs."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from dataclasses import replace
from html import escape
from html.parser import HTMLParser

import plotly.offline
import pytest

from limitlab._core.errors import InvalidArgument, UnknownName
from limitlab._core.status import Status
from limitlab.report import figures, write_report

KINDS = ["limit_result", "pattern_result", "own_result", "flat_result", "one_row_result", "all_failed_result", "empty_result"]


class Elements(HTMLParser):
    """Tags with attributes, and the text outside of script and style."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self._raw = False
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list) -> None:
        self.tags.append((tag, dict(attrs)))
        self._raw = self._raw or tag in ("script", "style")

    def handle_endtag(self, tag: str) -> None:
        self._raw = self._raw and tag not in ("script", "style")

    def handle_data(self, data: str) -> None:
        if not self._raw:
            self.text += data


def own_part(html: str) -> str:
    """The page without the plotly bundle."""
    bundle = plotly.offline.get_plotlyjs()
    assert html.count(bundle) == 1
    return html.replace(bundle, "")


@pytest.fixture(params=KINDS)
def page(request, samples, tmp_path) -> str:
    path = write_report(samples.ALL[request.param](), tmp_path / "report.html")
    assert path == tmp_path / "report.html"
    assert [p.name for p in tmp_path.iterdir()] == ["report.html"]
    return own_part(path.read_text(encoding="utf-8"))


def test_rows_are_compared_on_the_same_queries(samples, tmp_path):
    result = samples.limit_result()
    names = [r.name for r in result.rows if r.artefact is not None]
    html = write_report(result, tmp_path / "r.html", compare=[(names[0], names[-1])]).read_text(encoding="utf-8")
    section = " ".join(re.sub(r"<[^>]*>", " ", html.partition('<section id="compared">')[2].partition("</section>")[0]).split())
    for facts in result.datasets:
        for measure in result.measure_names:
            c = result.compare(names[0], names[-1], measure, dataset=facts.name)
            counts = f"{c.wins:,} {c.losses:,} {c.equal:,}"
            assert f"{100 * c.difference.low:+.1f} to {100 * c.difference.high:+.1f}" in section and counts in section
    assert 'id="compared"' not in write_report(result, tmp_path / "r.html").read_text(encoding="utf-8")


def test_a_row_without_numbers_is_told_in_place_of_a_test(samples, tmp_path):
    result = samples.limit_result()
    failed = next(r for r in result.rows if r.status is not Status.SOLVED)
    html = write_report(result, tmp_path / "r.html", compare=[("bm25", failed.name)]).read_text(encoding="utf-8")
    section = html.partition('<section id="compared">')[2].partition("</section>")[0]
    assert escape(failed.message, quote=False)[:20] in section and 'class="problem"' in section


def test_the_engine_is_told_in_words(samples, tmp_path):
    html = write_report(samples.limit_result(), tmp_path / "r.html").read_text(encoding="utf-8")
    assert "ray 2.60.0, 2 machines, 16 workers" in html and "start_seconds" not in own_part(html)


def test_what_cannot_be_compared_is_refused(samples, tmp_path):
    with pytest.raises(UnknownName, match="nobody"):
        write_report(samples.limit_result(), tmp_path / "r.html", compare=[("bm25", "nobody")])
    with pytest.raises(InvalidArgument, match="pairs must be pairs"):
        write_report(samples.limit_result(), tmp_path / "r.html", compare=["bm25"])
    assert not (tmp_path / "r.html").exists()


def test_nothing_is_loaded_from_elsewhere(page):
    for _tag, attributes in Elements(page).tags:
        assert "src" not in attributes
        assert (attributes.get("href") or "#").startswith("#")
    assert "url(" not in page and "@import" not in page
    assert "default-src 'none'" in page


def test_every_plot_has_data_and_a_description(page):
    tags = Elements(page).tags
    plots = [a for t, a in tags if t == "div" and a.get("class") == "canvas"]
    assert all(a["role"] == "img" and len(a["aria-label"]) > 30 for a in plots)
    blocks = re.findall(r'<script type="application/json" class="plot-data">(.*?)</script>', page, re.S)
    assert len(blocks) == len(plots)
    assert all(json.loads(block)["data"] for block in blocks)


def test_headers_have_scope(page):
    heads = [a for t, a in Elements(page).tags if t == "th"]
    assert heads and all(a.get("scope") in ("col", "row") for a in heads)


def test_names_are_shown_and_never_run(samples, tmp_path):
    examples = [{"query": "<script>alert(2)</script>", "relevant": ["<b>a</b>"], "retrieved": ["<b>a</b>", "c"], "row": "x"}]
    result = samples.own_result()
    html = own_part(write_report(result, tmp_path / "r.html", title="</title><script>alert(3)</script>", with_text=examples).read_text())
    elements = Elements(html)
    assert not [t for t, _ in elements.tags if t in ("img", "u")]
    assert [a.get("type") for t, a in elements.tags if t == "script"].count(None) == 3  # theme, plotly, page
    for shown in (result.datasets[0].name, result.rows[0].retriever, "<script>alert(2)</script>", "<u>x</u>", "<i>note</i>"):
        assert shown in elements.text
    assert not re.search(r"<script>\s*alert", html)


def test_json_survives_its_escaping(samples, tmp_path):
    result = samples.own_result(3)
    html = write_report(result, tmp_path / "r.html").read_text()
    records = json.loads(re.search(r'id="csv">(.*?)</script>', html, re.S)[1])
    assert records[1][0] == result.datasets[0].name and len(records) == 4


def test_text_is_left_out_unless_given(samples, tmp_path):
    path = tmp_path / "r.html"
    assert "Document text is left out" in write_report(samples.limit_result(), path).read_text()
    shown = write_report(samples.limit_result(), path, with_text=[{"query": "Who likes Quokkas?", "retrieved": ["Bo"]}]).read_text()
    assert "Who likes Quokkas?" in shown and "Document text is left out" not in shown


def test_examples_without_query_are_refused(samples, tmp_path):
    with pytest.raises(InvalidArgument, match=r"with_text\[0\]"):
        write_report(samples.limit_result(), tmp_path / "r.html", with_text=[{"relevant": []}])
    assert not list(tmp_path.iterdir())


def test_missing_per_query_values_are_said(samples, tmp_path):
    result = replace(samples.limit_result(), load_arrays=None)
    html = write_report(result, tmp_path / "r.html").read_text()
    assert html.count("Per-query recalls of this dataset are not at hand") == 2
    assert not [n for n in figures(result) if n.startswith("per_query")]


def test_lost_artefacts_do_not_stop_the_report(samples, tmp_path):
    html = write_report(replace(samples.limit_result(), load_arrays={}.__getitem__), tmp_path / "r.html").read_text()
    assert "not at hand" in html


def test_failed_rows_show_their_message(samples, tmp_path):
    text = Elements(own_part(write_report(samples.limit_result(), tmp_path / "r.html").read_text())).text
    assert "dense retrievers need sentence-transformers." in text
    assert "1 of 23 rows has no numbers" in text


def test_run_and_sources(samples, tmp_path):
    text = Elements(own_part(write_report(samples.limit_result(), tmp_path / "r.html").read_text())).text
    assert "limitlab eval limit-50k --retriever bm25,minilm,token-sums --dim 32,64,128,256,384" in text
    for part in (
        "8 cores",
        "0123456789ab",
        "3.17 GiB",
        "5.3 min",
        "run-7c21",
        "sentence-transformers 6.0.0",
        "49,954",
        "https://arxiv.org",
    ):
        assert part in text
    assert "published curves are on the paper's own draw of LIMIT" in text


def test_same_result_same_bytes(samples, tmp_path):
    one, two = (write_report(samples.limit_result(), tmp_path / name).read_bytes() for name in ("a.html", "b.html"))
    assert one == two


def test_result_method_writes_the_report(samples, tmp_path):
    assert samples.flat_result().report(tmp_path / "r.html", title="Mine").read_text().count("<h1>Mine</h1>") == 1


def test_importing_the_room_loads_nothing_heavy():
    code = "import sys, limitlab.report; print([m for m in ('plotly', 'jinja2', 'matplotlib') if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "[]"
