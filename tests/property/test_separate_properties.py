"""What must hold for the max-margin query of any set of any documents."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from limitlab.search import separate

SETTINGS = settings(max_examples=60, deadline=None, derandomize=True)


@st.composite
def problems(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray]:
    """Documents of small whole numbers, so that repeats, lines and planes abound; one set of any size."""
    n, dim = draw(st.integers(2, 25)), draw(st.integers(1, 7))
    docs = draw(hnp.arrays(np.float64, (n, dim), elements=st.integers(-3, 3)))
    members = draw(st.lists(st.integers(0, n - 1), min_size=1, max_size=n - 1, unique=True))
    return docs, np.array([members])


@SETTINGS
@given(problems(), st.integers(0, 1000))
def test_no_direction_beats_the_bound_and_the_query_reaches_it(problem, seed: int) -> None:
    docs, sets = problem
    found = separate(docs, sets)
    assert 0.0 <= found.gaps[0] <= found.bounds[0] <= found.gaps[0] + 1e-10
    inside = np.isin(np.arange(len(docs)), sets[0])
    others = np.random.default_rng(seed).standard_normal((200, docs.shape[1]))
    scores = others / np.linalg.norm(others, axis=1, keepdims=True) @ docs.T
    assert (scores[:, inside].min(axis=1) - scores[:, ~inside].max(axis=1)).max() <= found.bounds[0]


@SETTINGS
@given(problems(), st.randoms(use_true_random=False))
def test_permuting_the_documents_permutes_the_sets(problem, random) -> None:
    docs, sets = problem
    order = list(range(len(docs)))
    random.shuffle(order)
    moved = np.argsort(order)[sets]
    one, other = separate(docs, sets), separate(docs[order], moved)
    np.testing.assert_allclose(one.gaps, other.gaps, atol=1e-11)
    if one.gaps[0] > 1e-3:  # the best query is unique
        np.testing.assert_allclose(one.queries, other.queries, atol=1e-6)


@SETTINGS
@given(problems(), st.integers(0, 1000))
def test_moving_and_turning_the_space_changes_no_gap(problem, seed: int) -> None:
    docs, sets = problem
    rng = np.random.default_rng(seed)
    rotation = np.linalg.qr(rng.standard_normal((docs.shape[1],) * 2))[0]
    moved = docs @ rotation + rng.standard_normal(docs.shape[1])
    np.testing.assert_allclose(separate(docs, sets).gaps, separate(moved, sets).gaps, atol=1e-10)


@SETTINGS
@given(problems())
def test_the_other_documents_are_as_far_from_the_set_as_it_is_from_them(problem) -> None:
    docs, sets = problem
    rest = np.setdiff1d(np.arange(len(docs)), sets[0])[None, :]
    np.testing.assert_allclose(separate(docs, sets).gaps, separate(docs, rest).gaps, atol=1e-11)


@SETTINGS
@given(problems(), hnp.arrays(np.float64, (1, 7), elements=st.integers(-3, 3)))
def test_one_more_document_never_widens_a_gap(problem, extra) -> None:
    docs, sets = problem
    more = np.concatenate([docs, extra[:, : docs.shape[1]]])
    assert separate(more, sets).gaps[0] <= separate(docs, sets).gaps[0] + 1e-10
