from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from limitlab._core.errors import DataError
from limitlab.cli.estimate_text import machine_text
from limitlab.estimation import Sizes, asked, estimate_eval, load, measure
from limitlab.estimation.machine import RATES, read_profile, stored_profile, write_profile


def test_a_profile_survives_its_file(machine, tmp_path):
    write_profile(machine, tmp_path / "m.json")
    assert read_profile(tmp_path / "m.json") == machine
    assert set(json.loads((tmp_path / "m.json").read_text())["units"]) == set(RATES)


def test_rates_between_the_measured_shapes_lie_between_them(machine):
    assert machine.product_rate(1024, 384) == pytest.approx(2e11)
    assert machine.product_rate(10**6, 10**6) == pytest.approx(2e11)
    assert 3e9 < machine.product_rate(8, 100) < 5e10
    for size, seconds in machine.steps:
        assert machine.step_seconds(size) == pytest.approx(seconds)
    assert machine.step_seconds(8e10) == pytest.approx(10.0)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"schema": "other/1"}, "has the schema"),
        ({"rates": {"scan": 1.0}}, "has no rate"),
        ({"rates": dict.fromkeys(RATES, -1.0)}, "above 0"),
        ({"products": [[1, 64, 1.0], [2, 64, 1.0], [2, 128, 1.0]]}, "full table"),
        ({"steps": []}, "above 0"),
        ({"cores": None}, "damaged"),
    ],
)
def test_a_file_that_is_no_profile_is_refused(machine, tmp_path, change, said):
    path = tmp_path / "m.json"
    path.write_text(json.dumps({**machine.to_dict(), **change}))
    with pytest.raises(DataError, match=said):
        read_profile(path)
    path.write_text("{")
    with pytest.raises(DataError, match="not readable"):
        read_profile(path)
    with pytest.raises(DataError, match="not readable"):
        read_profile(tmp_path / "none.json")


def test_this_machine_is_measured_once_a_day(machine, tmp_path, monkeypatch):
    monkeypatch.setenv("LIMITLAB_HOME", str(tmp_path))
    begun = datetime(2026, 1, 1, tzinfo=UTC)
    mine = type(machine)(
        **{**machine.__dict__, "versions": measure.deciding_versions(), "cores": measure.usable_cores(), "created": begun.isoformat()}
    )
    calls = []

    def measured():
        calls.append(1)
        return mine

    for _ in range(2):
        assert stored_profile(measured, moment=begun + timedelta(hours=1)) == mine
    assert len(calls) == 1
    stored_profile(measured, moment=begun + timedelta(hours=25))
    stored_profile(measured, fresh=True, moment=begun)
    assert len(calls) == 3
    monkeypatch.setattr(measure, "deciding_versions", lambda: {"numpy": "0"})
    stored_profile(measured, moment=begun)
    assert len(calls) == 4
    (tmp_path / "estimate" / "machine.json").write_text("{")
    stored_profile(measured, moment=begun)
    assert len(calls) == 5


def test_a_busy_machine_is_called_so(machine, tmp_path):
    busy = type(machine)(**{**machine.__dict__, "share": 0.55})
    write_profile(busy, tmp_path / "m.json")
    assert "other programs left 55 % of the processor" in read_profile(tmp_path / "m.json").busy
    assert machine.busy == type(machine)(**{**machine.__dict__, "share": 0.9}).busy == ""
    assert busy.busy in estimate_eval(Sizes(1_000, 10, 8), busy, asked("vectors")).notes
    assert machine_text(busy).splitlines()[-1] == f"note: {busy.busy}" and "busy" not in machine_text(machine)


def test_the_share_of_the_processor_is_what_the_threads_got(monkeypatch):
    assert 0 < load.processor_share(1, seconds=0.02) <= 1
    clock, used = iter(range(100)), iter([0.0, 1.0])
    monkeypatch.setattr(load.time, "perf_counter", lambda: float(next(clock)))
    monkeypatch.setattr(load.time, "thread_time", lambda: next(used))
    assert load._share(1.5) == pytest.approx(1 / 3)
