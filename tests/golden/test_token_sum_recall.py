"""Closed-form recall@2 of random token sums, to three digits [Wang2026]."""

from __future__ import annotations

import pytest

from limitlab._core.errors import RangeError
from limitlab.retrieval.token_sums import predicted_recall


@pytest.mark.parametrize("dim, recall", [(32, 0.174), (64, 0.262), (128, 0.409), (256, 0.627), (512, 0.867), (1024, 0.989)])
def test_limit_small(dim: int, recall: float) -> None:
    assert round(predicted_recall(46, dim, tokens_per_doc=45), 3) == recall


@pytest.mark.parametrize("dim, recall", [(256, 0.070), (512, 0.305), (1024, 0.784), (2048, 0.996)])
def test_limit(dim: int, recall: float) -> None:
    assert round(predicted_recall(50_000, dim, tokens_per_doc=41), 3) == recall


def test_recall_grows_with_dimension_and_cut_and_falls_with_documents_and_tokens() -> None:
    assert predicted_recall(100, 64) < predicted_recall(100, 65)
    assert predicted_recall(100, 64, cut=2) < predicted_recall(100, 64, cut=3)
    assert predicted_recall(101, 64) < predicted_recall(100, 64)
    assert predicted_recall(100, 64, tokens_per_doc=20) < predicted_recall(100, 64, tokens_per_doc=10)


def test_extremes() -> None:
    assert predicted_recall(10, 64, cut=10) == pytest.approx(1.0)
    assert predicted_recall(3, 64, k=3, cut=3) == pytest.approx(1.0)
    assert predicted_recall(50, 10_000_000) == pytest.approx(1.0)
    assert predicted_recall(100_000, 1, cut=1) < 0.01


@pytest.mark.parametrize(
    "bad",
    [
        {"k": 0},
        {"k": 47},
        {"dim": 0},
        {"cut": 0},
        {"tokens_per_doc": 0.0},
        {"tokens_per_doc": float("nan")},
        {"n_docs": 0},
        {"n_docs": 46.5},
    ],
    ids=str,
)
def test_bad_sizes_are_refused(bad: dict) -> None:
    sizes = {"n_docs": 46, "dim": 32, **bad}
    with pytest.raises(RangeError, match=r"predicted_recall\(\)"):
        predicted_recall(sizes.pop("n_docs"), sizes.pop("dim"), **sizes)
