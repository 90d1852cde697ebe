"""A real cluster of two nodes: joined, and through Ray Client; what cannot be reached is refused within seconds."""

from __future__ import annotations

import socket
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from fakes import engine_tasks as tasks
from fakes.ray_clusters import cluster, environment, free_port, need_ray
from fakes.shard_folders import plain_folder
from limitlab._core.errors import EngineError, InvalidArgument, MissingExtra
from limitlab._core.progress import SILENT
from limitlab.capacity import shipped, verify
from limitlab.engine import engine, ray_engine, using
from limitlab.engine.ray_cluster import check_answers
from limitlab.free.critical_n import critical_n
from limitlab.ledger import Ledger
from limitlab.search import RelevantSet, exact_search, part_map, separate, tie_order
from limitlab.search.shards import open_shards

QUICK = {"max_steps": 1_000, "patience": 100, "device": "cpu"}


@pytest.fixture(scope="module")
def two_nodes(home_of_module: str) -> Iterator[tuple[str, str]]:
    """A head and a node of one core each; the node says it has a GPU."""
    with environment(LIMITLAB_HOME=home_of_module), cluster(["--num-cpus=1", "--num-gpus=1"]) as addresses:
        yield addresses


@pytest.fixture(scope="module", params=["joined", "client"])
def far(request: pytest.FixtureRequest, two_nodes: tuple[str, str], home_of_module: str) -> Iterator[object]:
    """An engine on both nodes."""
    joined = request.param == "joined"
    with environment(LIMITLAB_HOME=home_of_module, **({"RAY_ADDRESS": two_nodes[0]} if joined else {})):
        for _ in range(100):  # the second node may still be on its way
            chosen = engine("ray" if joined else two_nodes[1])
            if chosen.workers == 2:
                break
            chosen.close()
            time.sleep(0.2)
        yield chosen
        chosen.close()


def plain(result) -> list[dict]:
    """Rows without what a clock said."""
    rows = [r.to_dict() | {"seconds": 0} for r in result.rows]
    return [r | {"trials": [t | {"seconds": 0} for t in r["trials"]]} for r in rows]


def test_tasks_run_on_both_nodes_and_a_whole_machine_has_its_gpus(far, two_nodes):
    facts = far.facts()
    assert facts["machines"] == 2 and facts["workers"] == 2 and not facts["code_sent"]
    assert facts["cluster"] == ("client" if far.name.startswith("ray://") else "joined")
    assert sorted(d.value for d in far.map(tasks.square, range(20), shared=0)) == [i * i for i in range(20)]
    seen = {d.value for d in far.map(tasks.gpus, range(4), shared=None, whole_machine=True)}
    assert "0" in seen and len(seen) == 2, "one node has a GPU, the other has none"


class _Lines:
    """What is said to the user."""

    def __init__(self):
        self.said = []

    @contextmanager
    def task(self, label, total=None):
        yield SILENT.task(label).__enter__()

    def say(self, line):
        self.said.append(line)


@contextmanager
def held(far, machines: int, seconds: float) -> Iterator[None]:
    """Somebody else's tasks on so many machines."""
    ray = far._ready().ray
    strategy = ray.util.scheduling_strategies.NodeAffinitySchedulingStrategy
    sleep = ray.remote(tasks.hold)
    nodes = [m.id for m in far._ready().machines()][:machines]
    began = [tempfile.mktemp() for _ in nodes]
    flying = [
        sleep.options(num_cpus=1, scheduling_strategy=strategy(node, soft=False)).remote(path, seconds) for node, path in zip(nodes, began)
    ]
    while not all(Path(path).exists() for path in began):
        time.sleep(0.1)
    yield
    for reference in flying:
        ray.cancel(reference, force=True)
    for path in began:
        Path(path).unlink()


def test_items_of_a_machine_that_somebody_else_holds_go_to_another(far, monkeypatch):
    monkeypatch.setattr(ray_engine, "_PATIENCE", 1.0)
    monkeypatch.setattr(ray_engine, "_LOOK_AGAIN", 0.3)
    lines = _Lines()
    with held(far, 1, 90):
        start = time.perf_counter()
        found = list(far.map(tasks.square, range(6), shared=0, whole_machine=True, label="squares", progress=lines))
        assert time.perf_counter() - start < 60, "the item of the held machine was waited for"
    assert sorted(d.value for d in found) == [0, 1, 4, 9, 16, 25] and {d.tries for d in found} == {1} and not lines.said


def test_where_every_machine_is_held_it_is_said_and_waited(far, monkeypatch):
    monkeypatch.setattr(ray_engine, "_PATIENCE", 1.0)
    monkeypatch.setattr(ray_engine, "_LOOK_AGAIN", 0.3)
    lines = _Lines()
    with held(far, 2, 4):
        found = list(far.map(tasks.square, range(3), shared=0, whole_machine=True, label="squares", progress=lines))
    assert sorted(d.value for d in found) == [0, 1, 4]
    assert len(lines.said) == 1 and "squares needs a whole machine" in lines.said[0] and "hold cores" in lines.said[0]


def test_critical_n_is_the_same_as_here(far, tmp_path):
    here = critical_n([2, 3], 2, seeds=[1, 2], start=4, ledger=Ledger(tmp_path / "here"), **QUICK)
    there = critical_n([2, 3], 2, seeds=[1, 2], start=4, ledger=Ledger(tmp_path / "there"), engine=far, **QUICK)
    assert plain(here) == plain(there) and here.curves == there.curves
    assert there.provenance["engine"] == far.facts() and here.provenance["engine"]["engine"] == "local"


@pytest.mark.parametrize("parts", [1, 2, 7])
def test_shards_are_searched_to_the_same_bytes_as_here(far, tmp_path, monkeypatch, parts):
    rng = np.random.default_rng(parts)
    docs = np.rint(4 * rng.standard_normal((1_400, 24))).astype(np.float32)
    docs[700:900] = docs[:200]  # ties across parts
    queries, sets = rng.standard_normal((40, 24)).astype(np.float32), np.sort(rng.permuted(np.tile(np.arange(600), (6, 1)), axis=1)[:, :2])
    relevant = RelevantSet(np.arange(41) * 3, np.concatenate([np.sort(rng.choice(1_400, 3, replace=False)) for _ in range(40)]))
    given = {"k": 60, "places": tie_order([f"d{(7919 * i) % 10_007}" for i in range(1_400)]), "relevant": relevant}
    shards = open_shards(plain_folder(tmp_path / "v", docs, [500, 1_201]))
    here, best = exact_search(docs, queries, **given), separate(shards, sets)
    monkeypatch.setattr(part_map, "_ROWS", -(-1_400 // parts))
    with using(far):
        there, found = exact_search(shards, queries, **given), separate(shards, sets)
    pairs = [(here.indices, there.indices), (here.scores, there.scores), (best.queries, found.queries), (best.gaps, found.gaps)]
    pairs += [(getattr(here.ranks, n), getattr(there.ranks, n)) for n in ("above", "tied", "before")]
    assert all(one.tobytes() == other.tobytes() for one, other in pairs)


def test_certificates_have_the_same_verdict_as_here(far):
    chosen = [c for c in shipped() if c.construction["kind"] in ("harmonic-frame", "kerdock") and c.n_docs < 2_000][:2]
    assert chosen
    for c in chosen:
        assert verify(c.to_dict(), engine=far).to_dict() == verify(c.to_dict()).to_dict()


def test_another_cluster_is_not_taken_for_the_one_asked_for(far, two_nodes):
    with using("ray") as same:
        assert same.workers == 2 and next(iter(same.map(tasks.square, [3], shared=0))).value == 9
    assert list(far.map(tasks.square, [3], shared=0)), "it was not ours to close"
    if not far.name.startswith("ray://"):
        with pytest.raises(EngineError, match=r"ray\.shutdown"):
            engine(two_nodes[1])


# -- clusters that are not there, or are not ours ------------------------------------------------------------------------------


def test_a_port_where_nothing_listens_is_refused_at_once():
    need_ray()
    start = time.perf_counter()
    with pytest.raises(EngineError, match=r"must answer at ray://127.0.0.1:\d+; nothing does"):
        engine(f"ray://127.0.0.1:{free_port()}")
    assert time.perf_counter() - start < 10


def test_a_service_that_is_not_ray_is_refused_within_seconds():
    need_ray()
    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=lambda: [server.accept() for _ in range(9)], daemon=True).start()
        start = time.perf_counter()
        with pytest.raises(EngineError, match="what answers is not Ray"):
            engine(f"ray://127.0.0.1:{server.getsockname()[1]}")
        assert time.perf_counter() - start < 12


@pytest.mark.parametrize("address", ["ray://", "ray://head", "ray://head:0", "ray://head:99999", "ray://user@head:10001", "ray://a b:1"])
def test_addresses_that_are_none_are_refused(address):
    with pytest.raises(InvalidArgument, match=r"ray://HOST:PORT"):
        check_answers(address)


def test_without_ray_the_pip_line_is_said(monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(MissingExtra, match=r"pip install 'limitlab\[ray\]'"), using("ray"):
        pass
