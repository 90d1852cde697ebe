"""The page of a training: every number of the result, what is overfitting, nothing from elsewhere."""

from __future__ import annotations

import json
import re

from limitlab.evaluation import Estimate
from limitlab.report import write_training_report
from limitlab.report.training_curves import learning_figure, sizes_figure
from limitlab.training import Change, CurvePoint, TrainConfig, TrainedModel, TrainResult


def _model(split: str, seed: int) -> TrainedModel:
    config = TrainConfig(base="<b>base</b>", split=split, dim=64, seed=seed).resolved()
    facts = {"pairs": 40, "queries": 20, "documents": 7, "steps": 10, "pairs_per_step": 7.5, "false_negative_share": 0.25}
    curve = [
        CurvePoint(0, trained=0.2, evaluated=0.3),
        CurvePoint(5, loss=2.0),
        CurvePoint(10, loss=1.0),
        CurvePoint(10, trained=0.9, evaluated=0.4),
    ]
    name = f"{config.name} ({config.warning})" if config.warning else config.name
    return TrainedModel(name, f"{split}{seed}", config, "folder", tuple(curve), facts, (), {})


def _changes(split: str, after: float) -> list[Change]:
    low, high = Estimate(0.3, 0.25, 0.35), Estimate(after, after - 0.05, after + 0.05)
    gain = Estimate(after - 0.3, after - 0.33, after - 0.27)
    sizes = [("task", "LIMIT, 46 documents", 46), ("task", "LIMIT, 1,000 documents", 1_000), ("general", "general", 170)]
    return [
        Change(kind, name, n, split, 64, m, low, high, (after, after), gain, 0.99, 0.11)
        for kind, name, n in sizes
        for m in ("recall@1", "recall@10")
    ]


RESULT = TrainResult(
    tuple(_model(s, i) for s in ("train", "test") for i in (0, 1)),
    (*_changes("train", 0.41), *_changes("test", 0.93)),
    config={"data": "limit", "base": "<b>base</b>", "command": ["limitlab", "train"]},
)


def test_the_page_holds_sentences_numbers_and_warnings(tmp_path):
    page = write_training_report(RESULT, tmp_path / "t.html").read_text(encoding="utf-8")
    body = page[page.index("<main") : page.index("</main>")]
    assert "is not seen here: in 2 of 2 comparisons" in body and "neither confirm nor contradict" in body and "limitlab train" in body
    assert body.count("<tr data-row=") == len(RESULT.changes) == 12
    assert body.count("overfitting on purpose") >= 8 and "<b>base</b>" not in body
    assert ">99.0</td>" in body and ">11.0</td>" in body and ">25 %</td>" in body
    assert "2.8" in body and "80.9" in body  # the published extremes on LIMIT and on LIMIT-small
    assert not re.search(r"(src|href)=[\"']?https?:", body)
    records = json.loads(re.search(r'id="csv">(.*?)</script>', body, re.S)[1])
    assert len(records) == 13 and records[0][:4] == ["kind", "dataset", "n_docs", "split"]


def test_curves_are_dotted_on_training_pairs_and_the_loss_is_behind_a_button():
    figure = learning_figure(RESULT)
    recalls = [t for t in figure.data if t.visible]
    assert len(recalls) == 8 and len(figure.data) == 12
    assert {t.line.dash for t in recalls if "training pairs" in t.name} == {"dot"}
    assert list(recalls[0].y) == [30.0, 40.0] and list(figure.data[-1].y) == [2.0, 1.0]
    assert [b.label for b in figure.layout.updatemenus[0].buttons] == ["Recall", "Loss"]


def test_sizes_are_drawn_before_and_after_with_intervals():
    figure = sizes_figure(RESULT)
    assert [t.name for t in figure.data] == ["before training", "after, train split", "after, test split"]
    assert list(figure.data[2].x) == [46, 1_000] and list(figure.data[2].y) == [93.0, 93.0]
    assert abs(figure.data[1].error_y.array[0] - 5) < 1e-9


def test_a_result_without_numbers_has_a_page(tmp_path):
    empty = TrainResult((), (), notes=("Nothing was measured.",))
    assert learning_figure(empty) is None and sizes_figure(empty) is None
    assert "Nothing was measured." in write_training_report(empty, tmp_path / "e.html").read_text(encoding="utf-8")
