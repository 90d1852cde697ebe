"""Adapters on frozen vectors: fitted to the pairs, measured like a trained model, saved as a folder that is named like one."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from limitlab._core.errors import DataError, InvalidArgument, RangeError
from limitlab._core.status import Status
from limitlab.evaluation import evaluate
from limitlab.ledger import Ledger
from limitlab.retrieval import build
from limitlab.retrieval.adapters import LinearAdapter
from limitlab.training import TrainConfig, train
from limitlab.training.pairs import test_data as evaluated
from limitlab.training.sizes import nested

pytestmark = pytest.mark.models
SMALL = {"pairs": 60, "queries": 30, "attributes": 30}


@pytest.fixture(scope="module")
def fitted(tiny_static, tmp_path_factory):
    folder = tmp_path_factory.mktemp("adapters")
    config = TrainConfig(base=tiny_static, architecture="adapter", **SMALL)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LIMITLAB_HOME", str(folder))
        return train(config, splits=["test"], dims=[16, 32], n_docs=[9, 60], ledger=Ledger(folder)), tiny_static, Ledger(folder)


def test_an_adapter_is_measured_before_and_after_and_for_forgetting(fitted):
    result, _, _ = fitted
    assert result.status is Status.SOLVED
    assert {(c.kind, c.n_docs, c.dim) for c in result.changes} == {
        (k, n, d) for k, n in (("task", 9), ("task", 60), ("general", 170)) for d in (16, 32)
    }
    assert all(c.before is not None and c.difference is not None for c in result.changes)
    change = result.select(kind="task", n_docs=9, dim=32, measure="recall@2")[0]
    assert change.difference.low > 0  # the documents themselves were fitted to
    assert any("no learning curve" in note for note in result.verdict)
    assert not any("The paper states a level" in sentence for sentence in result.verdict)  # of models that were trained themselves


def test_the_folder_is_the_adapted_base_from_the_same_vectors(fitted, tmp_path):
    result, base, ledger = fitted
    model = next(m for m in result.models if m.config.dim == 32)
    data = nested(evaluated(model.config, 60), [60])[0]
    rows = evaluate(data, [model.folder, f"adapted({base}):file={model.folder}/adapter.npz"], measures=["recall@10"], ledger=ledger).rows
    assert rows[0].measures == rows[1].measures
    assert rows[0].measures["recall@10"] == result.select(kind="task", n_docs=60, dim=32, measure="recall@10")[0].after
    assert {m.folder: LinearAdapter.load(f"{m.folder}/adapter.npz").dim for m in result.models} == {
        m.folder: m.config.dim for m in result.models
    }


def test_the_same_seed_gives_the_same_bytes_whatever_does_not_matter(fitted):
    result, base, ledger = fitted  # the state folder is the test's own: nothing is taken from the first run
    first = [Path(m.folder, "adapter.npz").read_bytes() for m in result.models]
    config = TrainConfig(base=base, architecture="adapter", epochs=9, lr=1.0, batch_size=7, **SMALL)
    again = train(config, splits=["test"], dims=[16, 32], n_docs=[9, 60], resume=False, general="none", ledger=ledger)
    assert [m.key for m in again.models] == [m.key for m in result.models]
    assert [Path(m.folder, "adapter.npz").read_bytes() for m in again.models] == first


def test_a_folder_whose_base_is_gone_or_another_says_so(fitted, tmp_path):
    result, _, _ = fitted
    folder = tmp_path / "copy"
    folder.mkdir()
    for name in ("adapter.npz", "linear_adapter.json"):
        (folder / name).write_bytes(Path(result.models[0].folder, name).read_bytes())
    head = json.loads((folder / "linear_adapter.json").read_text(encoding="utf-8"))
    for changed, words in (
        ({"base": str(tmp_path / "gone")}, "its base must be there"),
        ({"fingerprint": "0" * 24}, "another one now"),
        ({"schema": "x"}, "schema must be"),
    ):
        (folder / "linear_adapter.json").write_text(json.dumps({**head, **changed}), encoding="utf-8")
        with pytest.raises(DataError, match=words):
            build(str(folder))
    with pytest.raises(InvalidArgument, match="is an adapter model"):
        train(base=str(folder), **SMALL)


def test_what_does_not_fit_an_adapter_is_refused(tiny_static, tmp_path):
    with pytest.raises(InvalidArgument, match="matryoshka must go with architecture single-vector; got adapter"):
        TrainConfig(architecture="adapter", matryoshka=(8,))
    with pytest.raises(RangeError, match=r"dim must be in \[1, 32\] for an adapter.*got 64"):
        train(base=tiny_static, architecture="adapter", dim=64, n_docs=[9], general="none", ledger=Ledger(tmp_path), **SMALL)


def test_nothing_relevant_counts_as_irrelevant():
    from limitlab.training.adapter import _data
    from limitlab.training.pairs import training_pairs

    config = TrainConfig(pairs=400, attributes=50)
    pairs = training_pairs(config, evaluated(config, 60))
    queries, docs, relevant = _data(pairs)
    assert len(set(queries)) == len(queries) and len(set(docs)) == len(docs) == pairs.notes["documents"]
    for i in np.linspace(0, len(queries) - 1, 7).astype(int):
        found = {docs[int(j)] for j in relevant.members[relevant.indptr[i] : relevant.indptr[i + 1]]}
        assert found == set(pairs.relevant[pairs.queries.index(queries[int(i)])]) & set(docs)
