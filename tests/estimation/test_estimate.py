from __future__ import annotations

import subprocess
import sys

import pytest

from limitlab._core.errors import InvalidArgument, RangeError, UnknownName
from limitlab.estimation import Means, Sizes, Sweep, asked, estimate_critical_n, estimate_diagnose, estimate_eval
from limitlab.estimation.encode_cost import stated

S = Sizes(10**7, 1_000, 768)


def test_machines_on_ray_divide_shared_parts_alone(machine):
    one, many = (estimate_diagnose(S, machine, means=Means(machines=m, engine="ray")) for m in (1, 32))
    assert (many.machines, many.workers, one.machines) == (32, 64, 1)
    for a, b in zip(one.parts, many.parts):
        assert b.seconds(32)[1] == pytest.approx(a.seconds(1)[1] / (32 if a.divides else 1))
    assert many.total("network") > 0 == one.total("network")
    assert estimate_diagnose(S, machine).parts == one.parts
    memory = estimate_diagnose(S.with_(n_docs=1_000, in_files=False), machine, means=Means(machines=32, engine="ray"))
    assert not any(p.divides for p in memory.parts)


def test_workers_of_one_machine_change_nothing_where_all_cores_work(machine):
    two, one = (estimate_diagnose(S, machine, means=Means(engine=e)) for e in ("local", "local:1"))
    assert one.seconds == two.seconds and one.workers == two.workers == 2
    assert any("--workers changes nothing" in note for note in one.notes) and not any("--workers" in note for note in two.notes)
    sweep = Sweep((8,), seeds=4)
    fast, slow = (estimate_critical_n(sweep, machine, means=Means(w)) for w in (2, 1))
    assert slow.seconds[1] > 1.2 * fast.seconds[1]
    assert slow.parts[-1].seconds(slow.machines) == fast.parts[-1].seconds(fast.machines)  # the start takes what it takes
    more = estimate_critical_n(sweep, machine, means=Means(4, "ray"))
    assert (more.machines, more.workers) == (2, 4) and more.seconds[1] < fast.seconds[1]


@pytest.mark.parametrize(
    ("means", "said"),
    [
        (Means(64), "--workers must be at most the number of cores, 2 on 1 machine"),
        (Means(engine="local:3"), "--workers must be at most"),
        (Means(64, "ray"), "--machines must say how many machines"),
    ],
)
def test_machines_that_do_not_exist_are_refused(machine, means, said):
    with pytest.raises(InvalidArgument, match=said):
        estimate_diagnose(S, machine, means=means)


def test_engines_are_those_of_the_other_verbs():
    assert Means(engine="local:4").workers == 4
    with pytest.raises(InvalidArgument, match="given once"):
        Means(2, "local:4")
    with pytest.raises(InvalidArgument, match="--machines must come with --engine ray"):
        Means(machines=2)


def test_ray_is_never_imported():
    code = (
        "import sys; from limitlab.estimation import *\n"
        "assert Means(engine='ray://host:10001').engine\n"
        "assert 'ray' not in sys.modules and 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_money_is_hours_of_machines_and_tokens(machine):
    found = estimate_eval(
        S,
        machine,
        asked("openai:model=m,price=0.5"),
        means=Means(engine="ray", machines=4, price_per_hour=3.0),
        encodings={"openai:model=m,price=0.5": stated(100.0)},
    )
    tokens, hours = found.money
    assert tokens.amount == pytest.approx((10**7 * 120 + 1_000 * 15) * 0.5 / 1e6)
    assert hours.amount == pytest.approx(4 * found.seconds[1] / 3600 * 3.0)
    assert found.cost == pytest.approx(tokens.amount + hours.amount)
    assert estimate_eval(S, machine, asked("vectors")).to_dict()["cost"] is None


def test_a_model_adds_its_encoding_to_a_diagnosis(machine):
    given = estimate_diagnose(S, machine)
    encoded = estimate_diagnose(S, machine, model="m", encoding=stated(1_000.0))
    assert "encode" in {p.name for p in encoded.parts} - {p.name for p in given.parts}
    assert encoded.total("disk") >= 10**7 * (4 * 768 + 20)


def test_a_lack_of_memory_is_said(machine):
    assert estimate_diagnose(S, machine).limits == ()
    assert "more than the machine's 16 GiB" in estimate_diagnose(S.with_(n_docs=10**9), machine).limits[0]


def test_what_is_not_known_is_said(machine):
    assert any("--missing" in note for note in estimate_diagnose(S, machine).notes)
    assert not any("--missing" in note for note in estimate_diagnose(S.with_(missing=0.2), machine).notes)
    known, open_ = (estimate_diagnose(s, machine).seconds for s in (S.with_(missing=0.5), S))
    assert known[1] == pytest.approx(open_[1]) and open_[0] < known[0] and open_[2] > known[2]
    found = estimate_critical_n(Sweep(tuple(range(4, 300))), machine)
    assert "end FAILED at once" in found.limits[0]


@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        ({"workers": 0}, RangeError),
        ({"machines": 0}, RangeError),
        ({"engine": "local:0"}, UnknownName),
        ({"engine": "spark"}, UnknownName),
        ({"price_per_hour": -1.0}, RangeError),
        ({"price_per_million": -1.0}, RangeError),
    ],
)
def test_means_outside_their_range_are_refused(wrong, error):
    with pytest.raises(error, match="limitlab estimate"):
        Means(**wrong)


def test_dimensions_above_the_full_one_are_refused(machine):
    with pytest.raises(RangeError, match="in \\[1, dim\\]"):
        estimate_eval(S, machine, asked("vectors"), dims=[1_024])
    with pytest.raises(RangeError):
        estimate_diagnose(S, machine, served_dim=1_024)
