"""The phase diagram: what is drawn is what the map holds."""

from __future__ import annotations

import pytest

from limitlab.capacity.phase_diagram import PhaseMap, PhasePoint, phase_map
from limitlab.published import corpus_sizes, model_dimensions
from limitlab.report import capacity_figure, write_capacity_report
from limitlab.report.capacity_map import certified_area, deployed, existing_area, impossible_area, on_limit, optimised

SMALL = PhaseMap(
    2,
    0.0,
    "float32",
    "float32",
    (2, 1024),
    (
        PhasePoint(10, 4, 16, 4, "a"),
        PhasePoint(100, 4, 32, 8, "b"),
        PhasePoint(101, 4, None, 64, "<c>", True),
        PhasePoint(10**6, 5, 512, None, None),
    ),
)


def test_areas_have_the_corners_of_the_map() -> None:
    assert impossible_area(SMALL) == [(4, 10), (4, 100), (4, 101), (5, 10**6), (2, 10**6), (2, 10)]
    assert existing_area(SMALL) == [(16, 10), (32, 100), (512, 10**6), (1024, 10**6), (1024, 10)]
    assert certified_area(SMALL) == [(4, 10), (8, 100), (64, 101), (1024, 101), (1024, 10)]


def test_points_of_models_and_of_the_optimiser() -> None:
    wide = phase_map(2, n_docs=(10, 10**8), dims=(2, 8192))
    assert [d for d, _, _ in deployed(wide)] == [m.size for m in model_dimensions()]
    assert {d for d, _, _ in on_limit(wide)} == {3072, 4096}
    assert optimised(wide)[0] == (4, 10) and len(optimised(wide)) == 42
    assert deployed(SMALL) == [] and optimised(phase_map(3, n_docs=(10, 100))) == []


def test_the_figure_names_every_area_once() -> None:
    names = [t.name for t in capacity_figure(SMALL).data if t.showlegend]
    assert names[:3] == ["impossible (theorem)", "exists (theorem, nothing constructed)", "certified (can be made and checked)"]
    assert "where one optimiser stopped (Weller et al.)" in names


def test_an_empty_map_is_drawn() -> None:
    nothing = PhaseMap(
        4, 0.9, "float32", "float32", (2, 64), (PhasePoint(10, None, None, None, None), PhasePoint(100, None, None, None, None))
    )
    assert impossible_area(nothing)[0] == (64, 10)  # all of it
    capacity_figure(nothing)


def test_the_page_is_one_file_with_escaped_names(tmp_path) -> None:
    path = write_capacity_report(SMALL, tmp_path / "map.html", title="<b>T</b>", command=["limitlab", "capacity", "--map"])
    page = path.read_text(encoding="utf-8")
    assert "&lt;b&gt;T&lt;/b&gt;" in page and "<b>T</b>" not in page
    assert "src=" not in page.split("</head>")[0] and "limitlab capacity --map" in page
    for scale in (*model_dimensions(), *corpus_sizes()):
        assert scale.name in page


@pytest.mark.parametrize("k", [1, 2, 7])
def test_words_for_the_sets(tmp_path, k: int) -> None:
    page = write_capacity_report(phase_map(k, n_docs=(20, 200), dims=(2, 64)), tmp_path / "m.html").read_text(encoding="utf-8")
    assert ("every pair" in page) == (k == 2)
