"""The critical n report: what is drawn, what is said, what is tabled, and that the page is whole and harmless."""

from __future__ import annotations

import importlib.util
import json
import re
import subprocess
import sys
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import plotly.offline
import pytest
from hypothesis import given
from hypothesis import strategies as st

from limitlab._core.errors import UnknownName
from limitlab._core.status import Status
from limitlab.free.result import CriticalNResult
from limitlab.free.scaling import EXTRAPOLATED
from limitlab.published import critical_n_table
from limitlab.report import critical_n_figures, write_critical_n_figures, write_critical_n_report
from limitlab.report import critical_n_series as series
from limitlab.report import critical_n_summary as summary
from limitlab.report.axes import log_axis, number_words
from limitlab.report.critical_n_fit import OURS, PUBLISHED, coefficient_rows, extrapolation_rows, fits
from limitlab.report.critical_n_table import critical_n_table_of, problems
from limitlab.report.critical_n_training import NOTHING, colours_of, trainings

KINDS = [
    "full_result",
    "whole_range_result",
    "protocol_result",
    "certified_result",
    "odd_names_result",
    "one_row_result",
    "all_failed_result",
    "empty_result",
]


@pytest.fixture(scope="session")
def samples():
    """The module ``sample_critical_n``: functions that build critical n results."""
    spec = importlib.util.spec_from_file_location("sample_critical_n", Path(__file__).with_name("sample_critical_n.py"))
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def by_group(figure, group):
    return next(t for t in figure.data if t.legendgroup == group)


# ---- what is drawn -------------------------------------------------------------------------------------------------------


def test_names_of_the_figures(samples):
    assert set(critical_n_figures(samples.full_result())) == {"critical_n/k=2", "fit", "training", "cost/k=2"}
    assert set(critical_n_figures(samples.certified_result())) == {"critical_n/k=2", "critical_n/k=3", "fit"}
    assert critical_n_figures(samples.empty_result()) == {} == critical_n_figures(samples.all_failed_result())
    assert list(samples.ALL) == KINDS


def test_the_protocol_is_the_median_with_its_spread(samples):
    row = samples.protocol_row
    rows = (row(8, 27, 1), row(8, 30, 2, failed=26), row(8, 28, 3), row(9, 32, 1), row(9, 35, 2))
    figure = critical_n_figures(CriticalNResult(rows))["critical_n/k=2"]
    ours = by_group(figure, "o:infonce")
    assert list(ours.x) == [8, 9] and list(ours.y) == [28, 33.5]
    assert list(ours.error_y.array) == [2, 1.5] and list(ours.error_y.arrayminus) == [1, 1.5]
    failed = by_group(figure, "f:infonce")
    assert list(failed.y) == [26, 33] and failed.marker.opacity < 0.6
    assert "no proof of impossibility" in failed.hovertemplate


def test_certified_needs_a_certificate_and_a_positive_gap(samples):
    row = samples.certified_row
    rows = (
        row(8, 503, 0.0012),
        replace(row(8, 9_999, 0.5), certificate=None),
        replace(row(8, 8_888, 0.5), gap=0.0),
        replace(row(8, 7_777, 0.5), gap=None),
        replace(row(8, 6_666, 0.5), status=Status.NOT_SOLVED),
    )
    result = CriticalNResult(rows)
    assert [r.critical_n for r in series.certified(result, 2).values()] == [503]
    figure = critical_n_figures(result)["critical_n/k=2"]
    assert list(by_group(figure, "at-gap").y) == [503]
    other = by_group(figure, "o:gap")
    assert other.name.startswith("gap optimised, not certified") and list(other.y) == [8_888]  # the median of the others


def test_the_two_certified_families_are_told_apart_by_their_gap(samples):
    figure = critical_n_figures(samples.full_result())["critical_n/k=2"]
    at_gap, any_gap = by_group(figure, "at-gap"), by_group(figure, "any-gap")
    assert dict(zip(at_gap.x, at_gap.y)) == {d: n for d, (n, _) in samples.CERTIFIED.items() if d <= 20}
    assert dict(zip(any_gap.x, any_gap.y)) == {d: n for d, (n, _) in samples.ANY_GAP.items()}
    assert at_gap.customdata[0][0] == "0.0014" and at_gap.customdata[0][1] == "harmonic-d4-n24"
    asked = replace(samples.full_result(), config={"min_gap": 0.0013})
    assert 8 not in series.certified(asked, 2, min_gap=series.least_gap(asked))
    assert "0.0013" in by_group(critical_n_figures(asked)["critical_n/k=2"], "at-gap").name


def test_the_published_curve_is_grey_exact_and_k_2_alone(samples):
    figures = critical_n_figures(samples.whole_range_result())
    published = by_group(figures["critical_n/k=2"], "published")
    assert tuple(zip(published.x, published.y)) == critical_n_table()
    assert not [t for t in critical_n_figures(samples.certified_result())["critical_n/k=3"].data if t.legendgroup == "published"]


def test_only_solved_rows_are_drawn(samples):
    result = samples.full_result()
    spoiled = tuple(replace(r, status=Status.STOPPED) if r.dim == 8 else r for r in result.rows)
    figures = critical_n_figures(replace(result, rows=spoiled))
    for trace in figures["critical_n/k=2"].data:
        assert 8 not in trace.x or trace.legendgroup == "published"
    assert 8 not in by_group(figures["cost/k=2"], "o:infonce").x


def test_every_mark_is_inside_the_log_axis(samples):
    import math

    for figure in (
        critical_n_figures(samples.full_result())["critical_n/k=2"],
        critical_n_figures(samples.certified_result())["critical_n/k=3"],
    ):
        low, high = figure.layout.yaxis.range
        left, right = figure.layout.xaxis.range
        for trace in figure.data:
            assert all(low <= math.log10(y) <= high for y in trace.y)
            assert all(left <= x <= right for x in trace.x)


def test_the_linear_view_leaves_the_certified_curves_out(samples):
    figure = critical_n_figures(samples.full_result())["critical_n/k=2"]
    log, linear = figure.layout.updatemenus[0].buttons
    hidden = [t.legendgroup for t, on in zip(figure.data, linear.args[0]["visible"]) if not on]
    assert hidden == ["at-gap", "any-gap"] and all(log.args[0]["visible"])
    assert linear.args[1]["yaxis.type"] == "linear" and linear.args[1]["yaxis.range"][0] == 0
    assert not critical_n_figures(samples.protocol_result())["critical_n/k=2"].layout.updatemenus


def test_cost_has_the_median_and_every_seed(samples):
    row = samples.protocol_row
    result = CriticalNResult((row(8, 28, 1, seconds=2.0), row(8, 28, 2, seconds=8.0), row(8, 28, 3, seconds=4.0)))
    marks, line = critical_n_figures(result)["cost/k=2"].data
    assert list(line.y) == [4.0] and sorted(marks.y) == [2.0, 4.0, 8.0]
    free = tuple(replace(r, seconds=0.0) for r in result.rows)
    assert "cost/k=2" not in critical_n_figures(CriticalNResult(free))


# ---- the fit -------------------------------------------------------------------------------------------------------------


def test_the_published_fit_comes_out_as_printed(samples):
    found = fits(samples.one_row_result())
    assert list(found) == [PUBLISHED]
    names = dict(coefficient_rows(found))
    printed = [names[f"coefficient of {p}"] for p in ("1", "d", "d²", "d³")]
    assert printed == [[v, v] for v in ("−10.5322", "4.0309", "0.0520", "0.0037")]
    assert names["R²"] == ["0.99858", "0.99858"]
    rows = {r["dim"]: r for r in extrapolation_rows(found)}
    assert (rows["512"]["printed"], rows["512"]["value"]) == ("500,000", "509,000")
    assert (rows["4,096"]["printed"], rows["4,096"]["value"], rows["4,096"]["dropped"]) == ("250 M", "253 M", "−13.2 M")


def test_ours_needs_enough_dimensions(samples):
    assert OURS not in fits(samples.protocol_result())
    assert list(fits(samples.full_result())) == [OURS, PUBLISHED]
    assert list(fits(samples.certified_result())) == [PUBLISHED]
    assert fits(CriticalNResult((samples.certified_row(6, 20, 0.01, k=3),))) == {} == fits(samples.empty_result())
    assert [r["points"] for r in extrapolation_rows(fits(samples.full_result()))] == [PUBLISHED] * 5 + [OURS] * 5


def test_the_fit_figure_holds_interval_refits_and_printed_values(samples):
    figure = critical_n_figures(samples.full_result())["fit"]
    printed = by_group(figure, "printed")
    assert dict(zip(printed.x, printed.y)) == {512: 500_000, 768: 1_700_000, 1024: 4_000_000, 3072: 107_000_000, 4096: 250_000_000}
    shown = [t for t in figure.data if t.visible is not False]
    assert {t.legendgroup for t in shown} == {"printed", "band", "refit2", "refit3", "refit4", "fit", "points"}
    assert len([t for t in shown if t.legendgroup == "refit3"]) == 6  # last 1 to 6 left out
    curve = next(t for t in shown if t.legendgroup == "fit")
    assert curve.x[-1] == 4096 and curve.y[-1] == pytest.approx(fits(samples.full_result())[PUBLISHED].at(4096).value)
    assert [b.label for b in figure.layout.updatemenus[0].buttons] == ["Points run here", "Published points"]


def test_a_refit_that_turns_negative_ends(samples):
    figure = critical_n_figures(samples.one_row_result())["fit"]
    ended = [t for t in figure.data if t.legendgroup == "refit3" and t.y[-1] is None]
    assert ended and all(y is None or y > 0 for t in figure.data if t.legendgroup.startswith("refit") for y in t.y)


def test_the_wider_range_is_shown_first(samples):
    assert critical_n_figures(samples.full_result())["fit"].layout.updatemenus[0].active == 1
    assert critical_n_figures(samples.whole_range_result())["fit"].layout.updatemenus[0].active == 0


# ---- training curves -----------------------------------------------------------------------------------------------------


def test_missing_documents_are_counted(samples):
    solved, failed, _ = trainings(samples.full_result())
    assert (solved.n_relevant, solved.solved, solved.missing[-1]) == (2 * 28 * 27 // 2, True, 0)
    assert (failed.solved, failed.missing[-1]) == (False, 3)
    figure = critical_n_figures(samples.full_result())["training"]
    first, second = figure.data[0], figure.data[1]
    assert first.y[-1] == NOTHING and first.line.dash == "solid" and first.name.endswith(", solved")
    assert second.y[-1] == 3 and second.line.dash == "dot" and second.name.endswith(", not solved")
    assert figure.layout.yaxis.ticktext[0] == "none"


def test_a_curve_that_names_no_trial_shows_its_loss_alone(samples):
    figure = critical_n_figures(samples.odd_names_result())["training"]
    assert len(figure.data) == 1 and not figure.layout.updatemenus
    assert figure.layout.yaxis.title.text == "loss" and "&lt;b&gt;mine" in figure.data[0].name


def test_many_curves_are_thinned_in_pairs(samples):
    curves = {f"d = {d}, n = {n}, seed 42": samples.curve(n, solved=True) for d in range(4, 21) for n in (2 * d, 2 * d + 1)}
    kept = trainings(replace(samples.full_result(), curves=curves))
    assert len(kept) == 6
    assert [t.name.split(",")[0] for t in kept[::2]] == [t.name.split(",")[0] for t in kept[1::2]]
    assert len(set(colours_of(kept).values())) == 3
    assert kept[0].name.startswith("d = 4,") and kept[-1].name.startswith("d = 20,")


# ---- sentences -----------------------------------------------------------------------------------------------------------


def test_sentences_of_a_full_run(samples):
    row, proven = samples.protocol_row, samples.certified_row
    rows = [row(8, 28, 42), row(8, 26, 43), row(8, 29, 44, failed=20), row(10, 45, 42), proven(8, 503, 0.00127), proven(10, 907, 0.0015)]
    first, second, third = summary.sentences(CriticalNResult(tuple(rows)))
    assert first == (
        "The paper's curve measures one loss at one temperature, not capacity: at d = 8 its protocol, run here, stops at 28 documents "
        "(median of 3 seeds, 28 published), while a certified configuration holds 503 documents with every pair retrieved, each with a "
        "gap of at least 0.0012. At all 2 dimensions that have both, the certified n is the larger one: 18 to 20 times as large."
    )
    assert second == (
        "Run here, the protocol's median is within 3 documents of the published number at 1 of 2 dimensions; the largest difference is 9, "
        "at d = 10. Success is not monotone in n: 1 of 4 runs failed at some n below the largest that it solved."
    )
    assert "253 million documents at d = 4,096" in third and "−13.2 million" in third and "4.69 million" in third


def test_a_smaller_certified_n_is_not_sold_as_a_contrast(samples):
    (first, *_) = summary.sentences(CriticalNResult((samples.protocol_row(8, 28, 42), samples.certified_row(8, 20, 0.01))))
    assert first.startswith("At d = 8 the paper's protocol, run here, stops at 28 documents")
    assert "not capacity" not in first and "20 documents" in first


def test_sentences_without_certificates_or_without_ours(samples):
    first = summary.sentences(samples.one_row_result())[0]
    assert "This result holds no certified configuration" in first
    first = summary.sentences(samples.certified_result())[0]
    assert "at d = 8 the paper's protocol stops at 28 documents (published), while a certified configuration holds 503" in first
    only = CriticalNResult((samples.certified_row(60, 200_000, 0.002),))
    assert summary.sentences(only)[:1] == [
        "At d = 60, 200,000 documents are certified: every pair of them is retrieved by a query of its own with a gap of at least 0.0020."
    ]


def test_sentences_of_odd_results(samples):
    nothing = "No row of this result has a number, so nothing can be said about the critical n yet."
    assert summary.sentences(samples.empty_result()) == [nothing]
    said = summary.sentences(samples.all_failed_result())
    assert said[0] == nothing
    assert said[1].startswith("1 of 1 row has no number") and said[1].endswith("proves nothing about what is possible.")
    assert summary.cards(samples.empty_result()) == [] == summary.cards(samples.all_failed_result())


def test_nothing_calls_a_failure_impossible(samples):
    for kind in KINDS:
        words = " ".join(summary.sentences(samples.ALL[kind]())).lower()
        assert "impossible" not in words and "cannot hold" not in words


def test_cards(samples):
    cards = {c.title: c.value for c in summary.cards(samples.full_result())}
    assert cards["Certified at d = 8"] == "503" and cards["Certified over protocol, at most"] == "83×"
    assert cards["Published cubic at d = 4,096"] == "253 M"


# ---- table ---------------------------------------------------------------------------------------------------------------


def test_a_row_of_the_table(samples):
    rows = (
        samples.protocol_row(8, 27, 1),
        samples.protocol_row(8, 29, 2),
        samples.certified_row(8, 503, 0.0012),
        samples.certified_row(8, 900, 8e-5),
    )
    table = critical_n_table_of(CriticalNResult(rows))
    assert table.head == ("k", "dim")
    cells = dict(zip(table.numbers, table.rows[0].numbers))
    assert (cells["published"].text, cells["protocol, run here"].text, cells["protocol, run here"].detail) == ("28", "28", "27–29, 2 seeds")
    assert (cells["least failed"].text, cells["certified, gap ≥ 0.001"].text, cells["certified, gap ≥ 0.001"].detail) == (
        "28",
        "503",
        "gap 0.0012",
    )
    assert (cells["certified, any gap"].text, cells["× published"].text) == ("900", "18")
    record = dict(zip(table.csv[0], table.csv[1]))
    assert record["infonce_median"] == 28 and record["infonce_min"] == 27 and record["infonce_max"] == 29 and record["infonce_seeds"] == 2
    assert record["n_at_min_gap"] == 503 and record["gap_any_gap"] == 8e-5 and record["certificate_at_min_gap"] == "harmonic-d8-n503"


def test_other_objectives_have_columns_of_their_own(samples):
    rows = (samples.protocol_row(8, 28, 1), replace(samples.protocol_row(8, 55, 1), objective="sigmoid"))
    table = critical_n_table_of(CriticalNResult(rows))
    cells = dict(zip(table.numbers, table.rows[0].numbers))
    assert cells["sigmoid, run here"].text == "55" and cells["protocol, run here"].text == "28"
    assert dict(zip(*table.csv))["sigmoid_median"] == 55


def test_rows_without_a_number_say_why(samples):
    result = samples.full_result()
    assert problems(result) == [
        ("d = 20, k = 2, infonce, seed 45", "Failed; no number of it is kept. NaN in the loss at step 312; nothing of it is kept.")
    ]
    beyond = replace(samples.protocol_row(50, 1, 42), status=Status.FAILED, message="stopped", critical_n=None, least_failed=None)
    assert critical_n_table_of(CriticalNResult((beyond,))).rows[0].problem
    none = replace(
        samples.certified_row(7, 1, 0.1), status=Status.NOT_SOLVED, message="no certificate", critical_n=None, gap=None, certificate=None
    )
    assert problems(CriticalNResult((none,)))[0][0] == "d = 7, k = 2, certified"


# ---- numbers in words ----------------------------------------------------------------------------------------------------


@given(st.floats(min_value=1e-12, max_value=1.9))
def test_a_gap_is_rounded_down_to_two_digits(gap):
    shown = float(series.gap_words(gap))
    assert shown <= gap * (1 + 1e-9) and shown >= gap / 1.1001


def test_gap_words():
    assert [series.gap_words(g) for g in (0.0012, 0.00127, 4.6e-8, 0.51, 1.0, 0.0, None)] == [
        "0.0012", "0.0012", "4.6e-8", "0.51", "1.0", "0", "",
    ]  # fmt: skip


def test_number_words():
    assert [number_words(v) for v in (28, 5_003, 999_999, 253_473_998, -13_178_824, 8.04e10)] == [
        "28", "5,000", "1 million", "253 million", "−13.2 million", "80.4 billion",
    ]  # fmt: skip
    assert number_words(253_473_998, short=True) == "253 M"


@given(st.lists(st.floats(min_value=1e-3, max_value=1e12), min_size=1, max_size=5))
def test_log_axes_have_ticks_inside(values):
    import math

    axis = log_axis(values)
    assert 1 <= len(axis["tickvals"]) <= 24
    assert all(axis["range"][0] <= math.log10(v) <= axis["range"][1] for v in [*values, *axis["tickvals"]])


# ---- the page ------------------------------------------------------------------------------------------------------------


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
    path = write_critical_n_report(samples.ALL[request.param](), tmp_path / "report.html")
    assert [p.name for p in tmp_path.iterdir()] == ["report.html"]
    return own_part(path.read_text(encoding="utf-8"))


def test_nothing_is_loaded_from_elsewhere(page):
    for _tag, attributes in Elements(page).tags:
        assert "src" not in attributes
        assert (attributes.get("href") or "#").startswith("#")
    assert "url(" not in page and "@import" not in page and "default-src 'none'" in page


def test_links_of_the_page_lead_to_its_sections(page):
    tags = Elements(page).tags
    targets = {a["id"] for _, a in tags if a.get("id")}
    assert {(a.get("href") or "")[1:] for t, a in tags if t == "a"} <= targets


def test_every_plot_has_data_and_a_description(page):
    plots = [a for t, a in Elements(page).tags if t == "div" and a.get("class") == "canvas"]
    assert all(a["role"] == "img" and len(a["aria-label"] or "") > 30 for a in plots)
    blocks = re.findall(r'<script type="application/json" class="plot-data">(.*?)</script>', page, re.S)
    assert len(blocks) == len(plots) and all(json.loads(block)["data"] for block in blocks)


def test_headers_have_scope(page):
    heads = [a for t, a in Elements(page).tags if t == "th"]
    assert heads and all(a.get("scope") in ("col", "row") for a in heads)


def test_names_are_shown_and_never_run(samples, tmp_path):
    result = samples.odd_names_result()
    html = own_part(write_critical_n_report(result, tmp_path / "r.html", title="</title><script>alert(3)</script>").read_text())
    elements = Elements(html)
    assert not [t for t, _ in elements.tags if t in ("img", "u")]
    assert [a.get("type") for t, a in elements.tags if t == "script"].count(None) == 3  # theme, plotly, page
    assert "</script><u>stopped</u>" in elements.text
    assert json.loads(re.search(r'id="csv">(.*?)</script>', html, re.S)[1])[1][-1] == "<img src=x onerror=alert(1)>"


def test_run_sources_and_problems(samples, tmp_path):
    text = Elements(own_part(write_critical_n_report(samples.full_result(), tmp_path / "r.html").read_text())).text
    for part in (
        "limitlab reproduce critical-n --dim 4:20 --seeds 3 -o critical-n.html",
        "2 cores",
        "18.9 min",
        "run-5e1f",
        "NaN in the loss at step 312",
        "https://arxiv.org/html/2508.21038v2 Table 6",
        "Critical n of free embeddings: d = 4 to 20",
    ):
        assert part in text


def test_same_result_same_bytes(samples, tmp_path):
    one, two = (write_critical_n_report(samples.full_result(), tmp_path / name).read_bytes() for name in ("a.html", "b.html"))
    assert one == two


def test_a_result_read_back_is_shown_the_same(samples, tmp_path):
    result = samples.full_result()
    result.save(tmp_path / "r.json")
    again = CriticalNResult.load(tmp_path / "r.json")
    assert {n: f.to_json() for n, f in critical_n_figures(again).items()} == {n: f.to_json() for n, f in critical_n_figures(result).items()}
    assert critical_n_table_of(again) == critical_n_table_of(result)
    assert (summary.sentences(again), summary.cards(again), problems(again)) == (
        summary.sentences(result),
        summary.cards(result),
        problems(result),
    )


def test_csv_of_the_page_has_every_dimension(samples, tmp_path):
    html = write_critical_n_report(samples.full_result(), tmp_path / "r.html").read_text()
    records = json.loads(re.search(r'id="csv">(.*?)</script>', html, re.S)[1])
    assert len({len(r) for r in records}) == 1 and [r[1] for r in records[1:]] == list(range(4, 21))


# ---- files for papers ----------------------------------------------------------------------------------------------------


def test_write_critical_n_figures(samples, tmp_path):
    pytest.importorskip("matplotlib")
    import matplotlib

    before = dict(matplotlib.rcParams)
    paths = write_critical_n_figures(samples.full_result(), tmp_path / "figures", formats=("png", "svg"))
    assert dict(matplotlib.rcParams) == before
    names = ["critical-n-k2", "critical-n-fit-run-here", "critical-n-fit-published", "critical-n-training", "critical-n-seconds-k2"]
    assert [p.name for p in paths] == [f"{name}.{kind}" for name in names for kind in ("png", "svg")]
    assert all(p.stat().st_size > 2_000 for p in paths)
    svg = (tmp_path / "figures" / "critical-n-k2.svg").read_text(encoding="utf-8")
    assert "certified, gap" in svg and "published (one seed)" in svg
    again = write_critical_n_figures(samples.full_result(), tmp_path / "again", formats=("svg",))
    assert (tmp_path / "again" / "critical-n-k2.svg").read_text(encoding="utf-8") == svg and len(again) == 5


def test_figures_of_odd_results(samples, tmp_path):
    pytest.importorskip("matplotlib")
    assert (
        write_critical_n_figures(samples.empty_result(), tmp_path) == [] == write_critical_n_figures(samples.all_failed_result(), tmp_path)
    )
    assert [p.stem for p in write_critical_n_figures(samples.certified_result(), tmp_path, formats=["svg"])] == [
        "critical-n-k2",
        "critical-n-k3",
        "critical-n-fit-published",
    ]
    with pytest.raises(UnknownName, match="jpg"):
        write_critical_n_figures(samples.full_result(), tmp_path, formats=["jpg"])


def test_importing_the_room_loads_nothing_heavy():
    code = "import sys, limitlab.report; print([m for m in ('plotly', 'jinja2', 'matplotlib', 'torch') if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "[]"


def test_every_extrapolated_dimension_is_in_the_fit(samples):
    for fit in fits(samples.full_result()).values():
        assert all(fit.at(d).dim == d for d in EXTRAPOLATED)
