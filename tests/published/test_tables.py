"""The published numbers: complete, sourced, and read right."""

from __future__ import annotations

from collections import Counter

import pytest

from limitlab import published

PATTERNS = ("random", "cycle", "disjoint", "dense")


def value(**wanted: object) -> float:
    dim = wanted.pop("dim", None)
    found = [v for v in published.lookup(**wanted) if v.dim == dim]  # type: ignore[arg-type]
    assert len(found) == 1, found
    return found[0].value


def test_every_kind_is_there_in_full() -> None:
    kinds = Counter(v.kind for v in published.values())
    assert kinds == {
        "paper": 765,
        "paper-finetune": 48,
        "reproduction": 145,
        "reproduction-finetune": 16,
        "followup": 48,
        "followup-secondary": 4,
    }
    assert len(published.values()) == 1026


def test_every_number_read_first_hand_has_an_address_as_source() -> None:
    without = [v for v in published.values() if not v.source.startswith("https://")]
    assert {v.kind for v in without} == {"followup-secondary"}
    assert all(v.source.startswith("arXiv ") and "not read first-hand" in v.source for v in without)


def test_every_value_is_a_number() -> None:
    assert [v for v in published.values() if not isinstance(v.value, (int, float))] == []


def test_percentages_are_percentages() -> None:
    shares = [v for v in published.values() if v.unit == "percent"]
    assert len(shares) == 926
    assert all(0 <= v.value <= 100 for v in shares)
    assert {v.unit for v in published.values()} == {"percent", None}


def test_no_number_is_listed_twice() -> None:
    places = Counter((v.dataset, v.model, v.dim, v.metric, v.kind, v.source) for v in published.values())
    contradictory = {p for p, count in places.items() if count > 1}
    assert contradictory == set()


@pytest.mark.parametrize(
    "dataset, model, dim, metric, expected",
    [
        ("LIMIT", "E5-Mistral 7B", 4096, "recall@2", 1.3),
        ("LIMIT", "E5-Mistral 7B", 4096, "recall@10", 2.2),
        ("LIMIT", "E5-Mistral 7B", 4096, "recall@100", 8.3),
        ("LIMIT", "Promptriever Llama3 8B", 4096, "recall@100", 18.9),
        ("LIMIT", "Gemini Embed", 3072, "recall@100", 10.0),
    ],
)
def test_cells_of_the_papers_main_table(dataset: str, model: str, dim: int, metric: str, expected: float) -> None:
    assert value(dataset=dataset, model=model, dim=dim, metric=metric, kind="paper") == expected


def test_curves_ascend_in_dimension() -> None:
    lines = published.curve("LIMIT", "recall@100")
    assert lines["BM25"] == [(None, 93.6)]
    assert len(lines) >= 8
    for pairs in lines.values():
        dims = [d for d, _ in pairs if d is not None]
        assert dims == sorted(dims)
    assert lines["E5-Mistral 7B"][0] == (32, 0.5)
    assert [d for d, _ in lines["E5-Mistral 7B"]] == [32, 64, 128, 256, 512, 768, 1024, 2048, 3072, 4096]


def test_lookup_keeps_only_what_matches_everything() -> None:
    found = published.lookup(dataset="LIMIT-small", metric="recall@20", kind="paper")
    assert found
    assert {(v.dataset, v.metric, v.kind) for v in found} == {("LIMIT-small", "recall@20", "paper")}
    assert published.lookup(dataset="no such dataset") == ()
    assert published.lookup() == published.values()


@pytest.mark.parametrize("pattern", PATTERNS)
def test_every_pattern_of_the_ablation_is_there(pattern: str) -> None:
    assert len(published.lookup(dataset=f"LIMIT-qrel-{pattern}")) == 65


def test_records_are_plain_values() -> None:
    first = published.values()[0]
    assert first.to_dict() == {
        "dataset": "LIMIT",
        "model": "E5-Mistral 7B",
        "dim": 32,
        "metric": "recall@2",
        "value": 0.0,
        "kind": "paper",
        "source": "https://arxiv.org/html/2508.21038v2 Table 5",
        "unit": "percent",
    }
    with pytest.raises(AttributeError):
        first.value = 1.0  # type: ignore[misc]


def test_critical_n_covers_dimensions_4_to_45_and_grows() -> None:
    table = published.critical_n_table()
    assert [d for d, _ in table] == list(range(4, 46))
    sizes = [n for _, n in table]
    assert sizes == sorted(set(sizes))
    assert dict(table)[4] == 10
    assert dict(table)[20] == 120
    assert dict(table)[45] == 626


def test_critical_n_is_told_the_same_twice() -> None:
    listed = {v.dim: v.value for v in published.lookup(dataset="free-embedding k=2", metric="critical-n")}
    assert listed == dict(published.critical_n_table())
