"""What is drawn: lines, marks, labels, and the sentences of the headline."""

from __future__ import annotations

import itertools
import sys
from dataclasses import replace

import numpy as np
import pytest

from limitlab._core.errors import MissingExtra, UnknownName
from limitlab._core.status import Status
from limitlab.evaluation import Estimate
from limitlab.report import figures, selection, summary, write_figures
from limitlab.report.labels import EdgeLabel, edge_annotations, spread


def shown(figure):
    return [t for t in figure.data if t.visible is not False]


def test_names_of_the_figures(samples):
    assert set(figures(samples.limit_result())) == {
        f"{kind}/LIMIT ({size} documents)" for kind in ("dimension", "per_query") for size in ("46", "50,000")
    }
    assert "patterns" in figures(samples.pattern_result())
    assert set(figures(samples.flat_result())) == {"retrievers/own notes", "per_query/own notes"}
    assert figures(samples.empty_result()) == {} == figures(samples.all_failed_result())


def test_dimension_figure_holds_rows_predictions_and_the_paper(samples):
    result = samples.limit_result()
    figure = figures(result)["dimension/LIMIT (50,000 documents)"]
    traces = {t.name: t for t in shown(figure)}
    ours = traces["all-MiniLM-L6-v2"]
    assert list(ours.x) == [32, 64, 128, 256, 384]
    row = result.row("minilm@384", dataset="LIMIT (50,000 documents)").measures["recall@100"]
    assert ours.y[-1] == pytest.approx(100 * row.mean)
    assert ours.y[-1] + ours.error_y.array[-1] == pytest.approx(100 * row.high)
    assert traces["random token sums, predicted"].line.dash == "dot"
    assert traces["BM25"].line.dash == "dash"
    published = [t for t in shown(figure) if t.legendgroup == "published"]
    assert len(published) == 8 and sum(t.showlegend for t in published) == 1
    assert "2508.21038" in published[0].hovertemplate
    assert figure.layout.xaxis.type == "log" and list(figure.layout.xaxis.ticktext)[:5] == ["32", "64", "128", "256", "384"]
    labels = [a.text for a in figure.layout.annotations]
    assert "BM25 (paper)" in labels and "Promptriever Llama3 8B" in labels


def test_measure_buttons_show_one_measure_each(samples):
    figure = figures(samples.limit_result())["dimension/LIMIT (46 documents)"]
    buttons = figure.layout.updatemenus[0].buttons
    assert [b.label for b in buttons] == ["recall@2", "recall@10", "recall@20", "all relevant@2", "nDCG@10", "MRR@10"]  # recall@100 > 46
    for button in buttons:
        names = {figure.data[i].meta["measure"] for i, on in enumerate(button.args[0]["visible"]) if on}
        assert len(names) == 1


def test_no_published_curves_on_own_data(samples):
    figure = figures(samples.own_result(5))[f"dimension/{samples.own_result(5).datasets[0].name}"]
    assert not [t for t in figure.data if t.legendgroup == "published"]


def test_only_solved_rows_are_drawn(samples):
    result = samples.limit_result()
    spoiled = tuple(replace(r, status=Status.STOPPED) if r.retriever == "minilm" else r for r in result.rows)
    drawn = figures(replace(result, rows=spoiled))
    assert not [t for f in drawn.values() for t in f.data if "MiniLM" in (t.name or "")]


def test_patterns_compare_equal_dimensions(samples):
    figure = figures(samples.pattern_result())["patterns"]
    bars = [t for t in figure.data if t.type == "bar"]
    assert [t.name for t in bars] == ["BM25", "all-MiniLM-L6-v2 @ 384", "random token sums @ 384"]
    assert list(figure.layout.xaxis.ticktext) == ["dense", "random", "cycle", "disjoint"]
    marks = {t.name: list(t.y) for t in figure.data if t.type == "scatter"}
    assert marks["published: BM25"][0] == 93.0 and len(marks["published: embeddings"]) == 24


def test_patterns_need_two(samples):
    result = samples.pattern_result()
    one = replace(result, rows=tuple(r for r in result.rows if r.dataset == "LIMIT dense"))
    assert "patterns" not in figures(one)


def test_shares_add_up(samples):
    result = samples.limit_result()
    for row in result.rows[:4]:
        shares = selection.recall_shares(result, row, "recall@2")
        assert sum(shares) == pytest.approx(100)
        values = result.per_query(row, "recall@2")
        assert shares == pytest.approx([100 * np.mean(values == 0), 0, 100 * np.mean(values == 0.5), 100 * np.mean(values == 1)])


def test_headline_measure_suits_the_corpus(samples):
    result = samples.limit_result()
    assert selection.headline_measure(result, "LIMIT (46 documents)") == "recall@2"
    assert selection.headline_measure(result, "LIMIT (50,000 documents)") == "recall@100"
    assert selection.headline_measure(result, "not there") is None


# ---- sentences -----------------------------------------------------------------------------------------------------------


def test_sentences_of_a_drop(samples):
    first, second, third, fourth, fifth = summary.sentences(samples.limit_result())
    assert first.startswith("On LIMIT (50,000 documents), BM25 ranks 94.2 % of a query's relevant documents among its first 100")
    assert "all-MiniLM-L6-v2 at 384 dimensions, reaches 3.2 %" in first
    assert "the drop of 91.0 points" in second
    assert "rises from 0.8 % at 32 dimensions to 3.2 % at 384" in third
    assert fourth.startswith("Random token sums, which learn nothing, reach 20.6 %")
    assert fifth.startswith("1 of 23 rows")


def test_measures_are_in_their_own_order_also_when_rows_come_from_a_file(samples):
    result = samples.limit_result()
    shuffled = tuple(replace(r, measures=dict(sorted(r.measures.items()))) for r in result.rows)
    assert selection.drawn_measures(replace(result, rows=shuffled), "LIMIT (50,000 documents)")[:2] == ["recall@2", "recall@10"]


@pytest.mark.parametrize(
    ("lexical", "dense", "says"), [(0.5, 0.52, "overlap"), (0.3, 0.9, "60.0 points ahead of BM25"), (0.9, 0.3, "drop of 60.0 points")]
)
def test_sentences_follow_the_intervals(samples, lexical, dense, says):
    result = samples.limit_result()
    means = {"bm25": lexical, "minilm": dense}
    rows = [r for r in result.rows if r.dataset.startswith("LIMIT (50") and r.retriever in means and r.dim in (None, 384)]
    changed = tuple(
        replace(r, measures={"recall@100": Estimate(means[r.retriever], means[r.retriever] - 0.05, means[r.retriever] + 0.05)})
        for r in rows
    )
    said = summary.sentences(replace(result, rows=changed))
    assert len(said) == 2 and says in said[1]


def test_sentences_of_odd_results(samples):
    assert summary.sentences(samples.empty_result()) == ["No row of this result has numbers, so nothing can be said about retrieval yet."]
    assert summary.sentences(samples.all_failed_result())[1] == "1 of 1 row has no numbers; the table states why."
    (one,) = summary.sentences(samples.one_row_result())
    assert "all-MiniLM-L6-v2 at 384 dimensions ranks" in one
    (flat,) = summary.sentences(samples.flat_result())
    assert "bm25" in flat.lower() and "the best of its rows" in flat


# ---- labels --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("heights", [[5, 5, 5, 5], [0, 0, 100, 100], [50], [], [3, 1, 2, 99, 98, 40]])
def test_labels_keep_their_distance_and_order(heights):
    placed = spread(heights, gap=10, low=0, high=100)
    order = sorted(range(len(heights)), key=lambda i: heights[i])
    for i, j in itertools.pairwise(order):
        assert placed[j] - placed[i] >= 10 - 1e-9
    assert all(-1e-9 <= p <= 100 + 1e-9 for p in placed)


def test_labels_that_do_not_fit_are_dropped():
    many = [EdgeLabel(float(i), f"m{i}") for i in range(40)] + [EdgeLabel(50.0, "ours", "#000000")]
    assert [a["text"] for a in edge_annotations(many, top=100, pixels=300)] == ["ours"]


# ---- files for papers ----------------------------------------------------------------------------------------------------


def test_write_figures(samples, tmp_path):
    pytest.importorskip("matplotlib")
    import matplotlib

    before = dict(matplotlib.rcParams)
    paths = write_figures(samples.limit_result(), tmp_path / "figures", formats=("png", "svg", "pdf"))
    assert dict(matplotlib.rcParams) == before
    assert len(paths) == 12 and all(p.exists() for p in paths)
    heads = {".png": b"\x89PNG", ".svg": b"<?xml", ".pdf": b"%PDF"}
    assert all(p.read_bytes().startswith(heads[p.suffix]) for p in paths)
    assert "GTE-ModernColBERT (paper)" in next(p for p in paths if p.suffix == ".svg").read_text()


@pytest.mark.filterwarnings("ignore:Glyph")
@pytest.mark.parametrize("kind", ["pattern_result", "own_result", "one_row_result", "empty_result"])
def test_write_figures_of_odd_results(samples, tmp_path, kind):
    pytest.importorskip("matplotlib")
    paths = write_figures(samples.ALL[kind](), tmp_path, formats=("svg",))
    assert bool(paths) == (kind != "empty_result") and len(set(paths)) == len(paths)


def test_same_figures_same_bytes(samples, tmp_path):
    pytest.importorskip("matplotlib")
    one, two = (write_figures(samples.limit_result(), tmp_path / name, formats=("svg",)) for name in "ab")
    assert [p.read_bytes() for p in one] == [p.read_bytes() for p in two]


def test_unknown_format(samples, tmp_path):
    with pytest.raises(UnknownName, match="did you mean 'png'"):
        write_figures(samples.limit_result(), tmp_path, formats=("pngg",))


def test_missing_matplotlib(samples, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(MissingExtra, match=r"PNG and SVG figures need matplotlib.*limitlab\[figures\]"):
        write_figures(samples.limit_result(), tmp_path)
