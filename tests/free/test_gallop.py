"""The order of sizes: every step of the protocol, on any pattern of successes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from limitlab.free.gallop import first_size, gallop


def run(solves, start: int, least: int = 3) -> tuple[dict[int, bool], list[tuple[int, ...]], int | None]:
    """All sizes tried, in the order asked for, and what the search returned."""
    search, tried, asked = gallop(start, least), {}, []
    try:
        wanted = next(search)
        while True:
            assert not set(wanted) & set(tried), "no size is asked for twice"
            assert len(set(wanted)) == len(wanted) > 0
            asked.append(wanted)
            outcomes = {n: bool(solves(n)) for n in wanted}
            tried.update(outcomes)
            wanted = search.send(outcomes)
    except StopIteration as end:
        return tried, asked, end.value


@given(critical=st.integers(3, 2000), start=st.integers(1, 2500), least=st.integers(2, 3))
def test_where_success_is_monotone_the_threshold_is_found_in_few_trials(critical, start, least):
    tried, asked, found = run(lambda n: n <= critical, start, least)
    assert found == critical == max(n for n, ok in tried.items() if ok)
    assert set(range(max(least, critical - 4), critical + 6)) <= set(tried)
    assert min(n for n, ok in tried.items() if not ok) == critical + 1
    assert len(asked) <= 50


@given(solved=st.sets(st.integers(3, 80)), start=st.integers(1, 90))
def test_any_pattern_of_successes_ends_and_is_swept(solved, start):
    tried, _, found = run(solved.__contains__, start)
    assert all(n >= 3 for n in tried)
    if found is None:
        assert not any(tried.values()) and 3 in tried
    else:
        assert tried[found] and not tried[found + 1]
        assert set(range(max(3, found - 4), found + 6)) <= set(tried)


def test_the_gallop_doubles_its_steps_then_bisects_then_sweeps():
    tried, asked, found = run(lambda n: n <= 100, 64)
    assert asked[:5] == [(64,), (68,), (76,), (92,), (124,)]
    assert asked[5:-1] == [(108,), (100,), (104,), (102,), (101,)]
    assert asked[-1] == (96, 97, 98, 99, 103, 105)
    assert found == 100 and len(tried) == 16


def test_a_start_that_fails_gallops_down():
    _, asked, found = run(lambda n: n <= 20, 64)
    assert asked[:4] == [(64,), (60,), (52,), (36,)] and found == 20


def test_a_success_above_the_bisected_size_is_seen_by_the_sweep():
    tried, _, found = run(lambda n: n <= 20 or n == 24, 16)
    assert found == 20 and max(n for n, ok in tried.items() if ok) == 24


@pytest.mark.parametrize("start", [1, 3, 7])
def test_nothing_solved_is_said_once_the_smallest_size_failed(start):
    tried, _, found = run(lambda n: False, start)
    assert found is None and min(tried) == 3


def test_the_start_follows_earlier_results_and_never_the_published_table():
    assert first_size(4, 2, []) == 8
    assert first_size(1, 2, []) == 3
    assert first_size(8, 2, [(4, 10)]) == 18
    assert first_size(12, 2, [(4, 10), (8, 28)]) == 46
    assert first_size(12, 2, [(4, 10), (6, 2), (8, 1)]) == 3
