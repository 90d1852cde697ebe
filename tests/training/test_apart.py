"""Models as tasks: the same models, sent and brought back; a folder that is not shared is said."""

from __future__ import annotations

import pickle
from dataclasses import replace
from pathlib import Path

import pytest

from limitlab._core.errors import EngineError, NotSolved
from limitlab._core.home import home
from limitlab.engine import Done
from limitlab.ledger import Ledger
from limitlab.training import apart, train

pytestmark = pytest.mark.models
SMALL = {"pairs": 40, "epochs": 1, "batch_size": 8, "queries": 20, "attributes": 20, "checkpoints": 5, "split": "test"}
RUN = {"seeds": 2, "n_docs": [7], "general": None}


class Posting:
    """An engine that sends all there is to send, last item first."""

    name, workers, whole = "posting", 2, None

    def map(self, task, items, *, shared, whole_machine=False, **_):
        self.whole = whole_machine
        job = pickle.dumps((task, shared))
        for index in reversed(range(len(items))):
            function, common = pickle.loads(job)
            value = function(common, pickle.loads(pickle.dumps(items[index])))
            yield Done(index, pickle.loads(pickle.dumps(value)))

    def facts(self):
        return {"engine": self.name}

    def close(self):
        raise AssertionError("it was given, and is not ours to close")


def test_models_are_trained_elsewhere_with_the_same_numbers(tiny_static, tmp_path):
    engine = Posting()
    there = train(base=tiny_static, ledger=Ledger(tmp_path / "there"), engine=engine, **SMALL, **RUN)
    here = train(base=tiny_static, ledger=Ledger(tmp_path / "here"), resume=False, **SMALL, **RUN)
    assert engine.whole is True and there.provenance["engine"] == {"engine": "posting"}
    assert [m.config for m in there.models] == [m.config for m in here.models] and len(here.models) == 2
    assert [(c.measure, c.split, c.after.mean) for c in there.changes] == [(c.measure, c.split, c.after.mean) for c in here.changes]


def test_a_model_without_an_end_is_told_and_the_others_stay(tiny_static, tmp_path, monkeypatch):
    def map(self, task, items, *, shared, **_):
        if task is apart._sees:
            yield from (Done(i, task(shared, item)) for i, item in enumerate(items))
            return
        yield Done(0, None, NotSolved("the loss is not finite"))
        yield Done(1, task(shared, items[1]))

    monkeypatch.setattr(Posting, "map", map)
    found = train(base=tiny_static, ledger=Ledger(tmp_path), engine=Posting(), **SMALL, **RUN)
    assert found.status.key == "failed" and found.message == "the loss is not finite"
    assert [m.config.seed for m in found.models] == [1]


def test_a_folder_that_is_not_shared_is_said(tiny_static, tmp_path, monkeypatch):
    trained = apart.train_one
    monkeypatch.setattr(apart, "train_one", lambda *a, **o: replace(trained(*a, **o), folder="elsewhere/model"))
    with pytest.raises(EngineError, match="LIMITLAB_HOME must be a folder that all machines share"):
        train(base=tiny_static, ledger=Ledger(tmp_path), engine=Posting(), **SMALL, **RUN)


def test_a_machine_that_does_not_see_our_files_is_said_before_any_training(tiny_static, tmp_path, monkeypatch):
    monkeypatch.setattr(apart, "_sees", lambda name, item: item == 0)  # the second machine has a folder of its own
    monkeypatch.setattr(apart, "train_one", lambda *a, **o: pytest.fail("a model was trained"))
    monkeypatch.setattr(Posting, "map", lambda self, task, items, *, shared, **_: (Done(i, task(shared, i)) for i in items))
    with pytest.raises(EngineError, match="LIMITLAB_HOME must be a folder that all machines share; a worker does not see"):
        train(base=tiny_static, ledger=Ledger(tmp_path), engine=Posting(), **SMALL, **RUN)
    assert not list((home() / "training").glob("shared-*"))


def test_without_resume_folders_are_emptied_once_and_a_second_start_finds_its_checkpoints(tiny_static, tmp_path, monkeypatch):
    trained, resumed = apart.train_one, []
    monkeypatch.setattr(apart, "train_one", lambda *a, resume, **o: resumed.append(resume) or trained(*a, resume=resume, **o))
    first = train(base=tiny_static, ledger=Ledger(tmp_path), engine=Posting(), **SMALL, **RUN)
    marks = [Path(m.folder).parent / "mark" for m in first.models]
    for mark in marks:
        mark.touch()
    again = train(base=tiny_static, ledger=Ledger(tmp_path), engine=Posting(), resume=False, **SMALL, **RUN)
    assert [m.key for m in again.models] == [m.key for m in first.models]
    assert not any(mark.exists() for mark in marks) and all(resumed), "removed, and by nobody whose start may be the second"
