"""Sentences follow the numbers."""

from __future__ import annotations

import pytest

from limitlab.evaluation import Estimate
from limitlab.training import Change, TrainConfig, TrainedModel, TrainResult


def _change(split: str, n_docs: int, before: float, after: float, *, kind: str = "task", measure: str = "recall@10") -> Change:
    d = after - before
    gained = Estimate(d, d - 0.02, d + 0.02)
    flat = (Estimate(v, v, v) for v in (before, after))
    return Change(kind, f"LIMIT, {n_docs:,} documents", n_docs, split, 64, measure, *flat, (after, after + 0.01), gained)


def _said(*changes: Change, **config) -> str:
    return "\n".join(TrainResult((), changes, config={"data": "limit", **config}).verdict)


@pytest.mark.parametrize(
    ("afters", "words"),
    [((0.5, 0.4), "is not seen here: in 2 of 2"), ((0.31, 0.29), "is seen here: in 0"), ((0.5, 0.3), "is seen here in part: in 1 of 2")],
)
def test_the_claim_is_counted_over_the_intervals(afters, words):
    said = _said(*(_change("train", n, 0.3, a) for n, a in zip((46, 1_000), afters)))
    assert words in said and "for at most 1,000 and neither confirm nor contradict" in said


@pytest.mark.parametrize(
    ("afters", "words"),
    [
        ((0.026, 0.027), "that is not contradicted here: in 0 of 2"),
        ((0.026, 0.5), "that is contradicted in part here: in 1 of 2"),
        ((0.029, 0.5), "that is contradicted here: in 2 of 2"),
    ],
)
def test_a_gain_below_the_published_level_does_not_contradict_it(afters, words):
    changes = [_change("train", 50_000, 0.0, a) for a in afters]
    said = _said(_change("train", 46, 0.0, 0.9), *changes)
    assert "at most 2.8 % after such training among 50,000 documents" in said and words in said
    assert "is contradicted" not in said.partition("The paper")[0] and "in 3 of 3" not in said.partition("The paper")[2]


def test_the_test_split_says_nothing_about_the_claim_and_is_called_overfitting():
    said = _said(_change("test", 46, 0.3, 0.9))
    assert "overfitting on purpose" in said and "does not help" not in said and "The paper" not in said


def test_drowning_needs_two_sizes_and_names_both():
    assert "drowning" not in _said(_change("train", 46, 0.3, 0.5))
    said = _said(_change("train", 46, 0.3, 0.5), _change("train", 1_000, 0.1, 0.2))
    assert "50.0 % among 46 documents and 20.0 % among 1,000" in said and "is drowning" in said


def test_where_recall_does_not_fall_nothing_has_drowned():
    for after in (0.5, 0.6):
        assert "drowning" not in _said(_change("train", 46, 0.3, 0.5), _change("train", 1_000, 0.1, after))


def test_seeds_are_named_with_their_range():
    assert "50.0 to 51.0 over 2 seeds" in _said(_change("train", 46, 0.3, 0.5))


@pytest.mark.parametrize(
    ("afters", "words"),
    [
        ((0.5, 0.5), "something is forgotten by recall@1 and ndcg@10 ("),
        ((0.69, 0.5), "something is forgotten by ndcg@10; no loss beyond chance by the others ("),
        ((0.69, 0.71), "no loss beyond chance by any measure ("),
        ((0.9, 0.5), "something is forgotten by ndcg@10; recall@1 rises ("),
    ],
)
def test_forgetting_is_told_from_chance_by_every_measure(afters, words):
    general = [_change("train", 170, 0.7, a, kind="general", measure=m) for a, m in zip(afters, ("recall@1", "ndcg@10"))]
    said = _said(_change("train", 46, 0.3, 0.5), *general)
    assert words in said and f"recall@1 70.0 to {100 * afters[0]:.1f} %" in said
    assert (f"ndcg@10 70.0 to {100 * afters[1]:.1f} %" in said) == ("ndcg@10" in words)  # what did not move is not told in numbers


def test_the_papers_claim_is_about_single_vectors():
    for architecture in ("adapter", "multi-vector"):
        said = _said(_change("train", 50_000, 0.3, 0.5), architecture=architecture)
        assert "The paper" not in said and "Does in-domain training help here? In 1 of 1" in said


def test_a_users_own_data_say_nothing_about_the_published_claim():
    said = _said(_change("train", 46, 0.3, 0.5), data="my-folder")
    assert "The paper" not in said and "seen here" not in said and "Does in-domain training help here? In 1 of 1" in said


@pytest.mark.parametrize(
    ("fits", "words"),
    [
        ([("unchanged", 0.0)], "The saved adapter changes nothing, because no adapter gained on the pairs held out for the choice: "),
        ([("unchanged", 0.0), ("unchanged", 0.0)], "These saved adapters change nothing, because"),
        ([("unchanged", 0.1), ("rotation", 0.0)], "Trained on the test queries"),
    ],
)
def test_an_adapter_that_changes_nothing_is_said_first(fits, words):
    models = [
        TrainedModel("a", "k", TrainConfig(architecture="adapter", seed=i), "f", (), {"adapter": {"start": start, "ridge": ridge}}, (), {})
        for i, (start, ridge) in enumerate(fits)
    ]
    result = TrainResult(tuple(models), (_change("test", 46, 0.3, 0.3),), notes=("a note",), config={"data": "limit"})
    assert result.verdict[0].startswith(words)
