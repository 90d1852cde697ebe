from __future__ import annotations

import subprocess
import sys

import pytest

from limitlab._core.errors import RangeError, UnknownName
from limitlab.estimation import Means, Sizes, Sweep, asked, estimate_critical_n, estimate_diagnose, estimate_eval
from limitlab.estimation.encode_cost import stated

S = Sizes(10**7, 1_000, 768)


def test_workers_divide_shared_parts_alone_and_engines_change_nothing_else(machine):
    two, many = (estimate_diagnose(S, machine, means=Means(workers=w, engine="ray")) for w in (2, 64))
    assert many.machines == 32 and two.machines == 1
    for a, b in zip(two.parts, many.parts):
        assert b.seconds(32)[1] == pytest.approx(a.seconds(1)[1] / (32 if a.divides else 1))
    local = estimate_diagnose(S, machine, means=Means(workers=64))
    assert local.to_dict() == many.to_dict()
    assert many.total("network") > 0 == two.total("network")


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
        means=Means(workers=8, price_per_hour=3.0),
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
    assert not any("memory is more" in note for note in estimate_diagnose(S, machine).notes)
    assert any("more than the machine's 16 GiB" in note for note in estimate_diagnose(S.with_(n_docs=10**9), machine).notes)


def test_what_is_not_known_is_said(machine):
    assert any("--missing" in note for note in estimate_diagnose(S, machine).notes)
    assert not any("--missing" in note for note in estimate_diagnose(S.with_(missing=0.2), machine).notes)
    known, open_ = (estimate_diagnose(s, machine).seconds for s in (S.with_(missing=0.5), S))
    assert known[1] == pytest.approx(open_[1]) and open_[0] < known[0] and open_[2] > known[2]
    found = estimate_critical_n(Sweep(tuple(range(4, 300))), machine)
    assert any("end FAILED at once" in note for note in found.notes)


@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        ({"workers": 0}, RangeError),
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
