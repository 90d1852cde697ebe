"""Models as tasks: the same models, sent and brought back; a folder that is not shared is said."""

from __future__ import annotations

import pickle
from dataclasses import replace

import pytest

from limitlab._core.errors import EngineError, NotSolved
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
