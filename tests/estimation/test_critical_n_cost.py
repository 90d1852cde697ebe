from __future__ import annotations

import pytest

import limitlab as ll
from limitlab._core.errors import InvalidArgument, RangeError
from limitlab.estimation.critical_n_cost import (
    STEPS_FAR,
    STEPS_NEAR,
    STEPS_UNSOLVED,
    Sweep,
    critical_n_bytes,
    critical_n_parts,
    memory_of,
    played,
    steps_of,
    work_of_step,
)
from limitlab.free import optimise
from limitlab.free.cpu import work_of
from limitlab.free.problem import FreeProblem
from limitlab.ledger import Ledger
from limitlab.published.tables import critical_n_cubic


@pytest.mark.parametrize(("n", "k", "dim"), [(12, 2, 5), (9, 3, 7)])
def test_work_and_memory_are_those_of_the_problem(n, k, dim, monkeypatch):
    problem = FreeProblem.all_subsets(n, k)
    monkeypatch.setattr("limitlab.free.problem.cores", lambda: 2)
    assert work_of_step(n, k, dim) == work_of(problem, dim)
    assert memory_of(n, k, dim, 2) == problem.memory_bytes(dim)
    from limitlab.estimation import critical_n_cost

    assert critical_n_cost.SHARED_FROM == optimise._SHARED_FROM


def test_the_trials_are_those_that_the_search_makes(tmp_path):
    row = ll.critical_n(4, ledger=Ledger(tmp_path)).rows[0]
    assert row.least_failed > row.critical_n  # else no threshold could foresee it
    (trials,) = played(Sweep((4,), expected=lambda _: row.critical_n), 1e12, 2)
    assert sorted(n for n, _ in (*trials.alone, *trials.together)) == [t.n_docs for t in row.trials]
    assert {n for n, solved in (*trials.alone, *trials.together) if solved} == {t.n_docs for t in row.trials if t.status.key == "solved"}


def test_steps_follow_the_distance_to_the_critical_n():
    assert [steps_of(n, n <= 100, 100, 10**6) for n in (50, 84, 85, 100, 101)] == [
        STEPS_FAR,
        STEPS_FAR,
        STEPS_NEAR,
        STEPS_NEAR,
        STEPS_UNSOLVED,
    ]
    assert steps_of(101, False, 100, 7) == 7


def test_more_dimensions_and_seeds_never_cost_less_and_workers_never_more(machine):
    def seconds(dims, seeds=1, workers=2):
        return sum(p.seconds()[1] for p in critical_n_parts(Sweep(dims, seeds=seeds), machine, workers=workers)[0])

    dims = tuple(range(4, 21))
    assert seconds(dims) > seconds(dims[:-1]) > seconds((4,))
    assert seconds(dims, seeds=3) > seconds(dims, seeds=2) > seconds(dims)
    assert seconds(dims, seeds=8, workers=16) < seconds(dims, seeds=8, workers=4) < seconds(dims, seeds=8)


def test_dimensions_whose_problems_are_refused_are_named_and_cost_nothing(machine):
    _parts, trials = critical_n_parts(Sweep(tuple(range(4, 400))), machine, workers=2)
    refused = [t.dim for t in trials if t.refused]
    assert refused == list(range(refused[0], 400))
    assert not any(t.alone or t.together for t in trials if t.refused and t.dim > refused[0] + 1)
    limit = 0.75 * machine.memory_bytes
    n = Sweep((4,)).critical(refused[0])
    assert 2 * n**2 / 2 > 200_000_000 * 0.5 or memory_of(n, 2, refused[0], 2) > 0.5 * limit
    assert critical_n_bytes(Sweep((refused[0] - 1,)), machine, trials)[1].amount < 2 * limit


def test_where_searches_end_is_the_published_cubic_or_what_is_given():
    assert Sweep((10,)).critical(10) == round(critical_n_cubic(10))
    assert Sweep((3,), k=3, expected=lambda _: 2.0).critical(3) == 4
    with pytest.raises(InvalidArgument, match="--n-docs"):
        Sweep((4,), k=3)
    with pytest.raises(RangeError):
        Sweep((4,), seeds=0)
