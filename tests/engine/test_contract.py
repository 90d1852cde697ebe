"""What every engine promises, on both: each item exactly once whatever dies, refusals told apart, nothing left behind."""

from __future__ import annotations

import os
import random
import time
from collections import Counter

import pytest

from fakes import engine_tasks as tasks
from limitlab._core.errors import DataError, EngineError, ServiceError, TooLarge
from limitlab.engine import Done


class Bars:
    """Notes what a progress bar is told."""

    def __init__(self) -> None:
        self.opened, self.units = [], []

    def task(self, label, total=None):
        self.opened.append((label, total))
        return self

    def __enter__(self):
        return self

    def __exit__(self, *_):
        return None

    def advance(self, units=1):
        self.units.append(units)


def values(results) -> dict:
    """By index; each exactly once."""
    found = list(results)
    assert Counter(d.index for d in found) == dict.fromkeys({d.index for d in found}, 1)
    return {d.index: d.value for d in found}


@pytest.mark.parametrize("whole", [False, True])
def test_every_item_once(engine, whole):
    assert values(engine.map(tasks.square, range(40), shared=100, whole_machine=whole)) == {i: 100 + i * i for i in range(40)}
    assert list(engine.map(tasks.square, [], shared=0, whole_machine=whole)) == []
    assert list(engine.map(tasks.square, [7], shared=0, whole_machine=whole)) == [Done(0, 49)]


def test_a_refusal_is_one_items_and_the_others_go_on(engine):
    found = {d.index: d for d in engine.map(tasks.refuse_odd, range(6), shared=None)}
    assert [found[i].value for i in range(6)] == [0, None, 2, None, 4, None]
    assert type(found[3].error) is DataError and str(found[3].error) == "part-3:7: NaN"
    (away,) = {d.error.status for d in engine.map(tasks.refuse_with_status, range(2), shared=None)}
    assert away == 503 and type(next(engine.map(tasks.refuse_with_status, range(2), shared=None)).error) is ServiceError


def test_any_other_exception_ends_the_map_and_says_where(engine):
    with pytest.raises(ZeroDivisionError, match="three is broken") as caught:
        list(engine.map(tasks.break_at_three, range(8), shared=None))
    assert "in break_at_three" in "".join(caught.value.__notes__)
    with pytest.raises(RuntimeError, match="Unsendable: three is broken"):
        list(engine.map(tasks.break_at_three, range(8), shared="unsendable"))
    with pytest.raises(Exception, match=r"(?i)pickle"):
        list(engine.map(tasks.unpicklable, range(2), shared=None))
    assert len(list(engine.map(tasks.square, range(3), shared=0))) == 3, "the engine works on"


def test_out_of_memory_takes_a_smaller_item(engine):
    asked = []

    def smaller(item):
        asked.append(item)
        return item // 2 if item > 1 else None

    found = {d.index: d for d in engine.map(tasks.too_large, [1, 16, 5], shared=4, smaller=smaller)}
    assert [(found[i].value, found[i].tries) for i in range(3)] == [(1, 1), (4, 3), (2, 2)]
    assert sorted(asked) == [5, 8, 16]
    hopeless = {d.index: d for d in engine.map(tasks.too_large, [0, 1], shared=0, smaller=smaller)}
    assert hopeless[0].value == 0
    assert isinstance(hopeless[1].error, TooLarge) and "item 1" in str(hopeless[1].error) and "--workers" in str(hopeless[1].error)
    alone = [d.error for d in engine.map(tasks.too_large, [9, 8], shared=4)]
    assert all(isinstance(error, TooLarge) for error in alone)


def test_closing_early_cancels_what_is_left(engine, tmp_path):
    results = engine.map(tasks.slowly, range(8), shared=str(tmp_path))
    assert next(results).value == 0
    start = time.perf_counter()
    results.close()
    assert list(engine.map(tasks.square, [1, 2], shared=0)), "workers are free again"
    assert time.perf_counter() - start < 20, "a task of 30 seconds was waited for"
    assert not list(tmp_path.glob("ended-[1-9]"))
    assert len(list(tmp_path.glob("begun-*"))) < 8


def test_an_item_whose_worker_was_killed_is_done_again(engine, tmp_path):
    found = list(engine.map(tasks.die_at_first, range(3), shared=str(tmp_path), label="squares"))
    assert {d.index: d.value for d in found} == {0: 0, 1: 1, 2: 4}
    assert [d.tries for d in found] == [2, 2, 2]


def test_an_item_that_kills_five_workers_ends_the_map(engine):
    with pytest.raises(EngineError, match=r"item 2 of dying \(2\) ended 5 workers") as caught:
        list(engine.map(tasks.die, range(3), shared=None, label="dying"))
    assert str(caught.value).startswith(f"engine {engine.name}: ")


def test_twenty_workers_killed_at_random_change_nothing(engine, tmp_path):
    calm = values(engine.map(tasks.die_as_planned, range(30), shared={"folder": str(tmp_path), "deaths": {}}))
    for path in tmp_path.iterdir():
        path.unlink()
    rng = random.Random(8)
    deaths: Counter = Counter()
    while deaths.total() < 20:
        deaths[rng.choice([i for i in range(30) if deaths[i] < 4])] += 1
    found = list(engine.map(tasks.die_as_planned, range(30), shared={"folder": str(tmp_path), "deaths": dict(deaths)}))
    assert {d.index: d.value for d in found} == calm and len(found) == 30
    assert {d.index: d.tries for d in found} == {i: deaths[i] + 1 for i in range(30)}
    assert len(list(tmp_path.iterdir())) == 50, "thirty items and twenty deaths, nothing else was started"


def test_progress_counts_weights(engine):
    bars = Bars()
    list(engine.map(tasks.square, range(3), shared=0, weights=[5, 1, 4], label="squares", progress=bars))
    assert bars.opened == [("squares", 10.0)] and sorted(bars.units) == [1, 4, 5]
    list(engine.map(tasks.square, range(3), shared=0, progress=bars))
    assert len(bars.opened) == 1, "no label, no bar"


def test_what_is_shared_is_unpacked_once_a_worker(engine, tmp_path):
    workers = set(values(engine.map(tasks.look_at_shared, range(30), shared=tasks.Counted(str(tmp_path)))).values())
    unpacked = Counter(p.name.split("-")[1] for p in tmp_path.iterdir())
    assert set(unpacked) >= {str(w) for w in workers} and max(unpacked.values()) == 1


def test_kept_values_are_made_once_a_worker_and_stay_between_maps(engine, tmp_path):
    workers: set[int] = set()
    for _ in range(3):  # a worker may come late, and none makes it twice
        workers |= set(values(engine.map(tasks.use_kept, range(20), shared=str(tmp_path))).values())
        made = Counter(p.name.split("-")[1] for p in tmp_path.iterdir())
        assert set(made) == {str(w) for w in workers} and max(made.values()) == 1


def test_workers_have_one_core_and_a_whole_machine_all(engine):
    one = set(values(engine.map(tasks.who_and_threads, range(8), shared=None)).values())
    assert {(cores, threads) for _, cores, threads in one} == {(1, "1")}
    assert os.getpid() not in {pid for pid, _, _ in one}
    whole = set(values(engine.map(tasks.who_and_threads, range(3), shared=None, whole_machine=True)).values())
    assert len({pid for pid, _, _ in whole}) == 1
    if engine.name == "ray":
        assert {(cores, threads) for _, cores, threads in whole} == {(2, "2")}
    else:
        assert {pid for pid, _, _ in whole} == {os.getpid()}, "nothing is copied"


def test_nothing_a_task_or_the_engine_says_is_an_answer(engine, tmp_path, capfd):
    list(engine.map(tasks.say, range(3), shared=None))
    list(engine.map(tasks.die_at_first, range(2), shared=str(tmp_path)))
    time.sleep(0.3)  # Ray tells of deaths in a thread of its own
    assert capfd.readouterr().out == ""


def test_maps_within_maps(engine):
    outer = [
        (d.value, sum(i.value for i in engine.map(tasks.square, range(4), shared=0))) for d in engine.map(tasks.square, range(3), shared=0)
    ]
    assert sorted(outer) == [(0, 14), (1, 14), (4, 14)]


def test_facts_are_plain_and_name_no_host(engine):
    facts = engine.facts()
    assert facts["engine"] == engine.name.partition(":")[0] and facts["workers"] == 2 and facts["machines"] == 1
    assert engine.name == "local:2" or (facts["start_seconds"] > 0 and facts["cluster"] == "started" and not facts["code_sent"])
    assert not any(os.uname().nodename == v for v in facts.values())


def test_a_thousand_empty_items_cost_little(engine):
    list(engine.map(tasks.nothing, range(8), shared=None))  # workers are there
    start = time.process_time()
    list(engine.map(tasks.nothing, range(1_000), shared=None))
    assert time.process_time() - start < (1.0 if engine.name.startswith("local") else 10.0), "processor time of the driver"
