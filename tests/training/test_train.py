"""Training end to end on tiny models: gain, repeatability, resumption after a kill, folders that open, what is refused."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from limitlab._core.errors import InvalidArgument, NotSolved, RangeError, UnknownName
from limitlab._core.status import Status
from limitlab.data import make_limit
from limitlab.ledger import Ledger
from limitlab.retrieval.cache import clear_embeddings
from limitlab.training import TrainConfig, TrainResult, load_training, train
from limitlab.training.base import resolve_base, trainable
from limitlab.training.checkpoints import newest
from limitlab.training.one_model import train_one
from limitlab.training.pairs import test_data as evaluated
from limitlab.training.pairs import training_pairs
from limitlab.training.sizes import nested

pytestmark = pytest.mark.models
SMALL = {"pairs": 40, "epochs": 2, "batch_size": 8, "queries": 20, "attributes": 20, "checkpoints": 5}


def _weights(folder: str | Path) -> dict[str, np.ndarray]:
    from safetensors.numpy import load_file

    files = sorted(Path(folder).rglob("*.safetensors"))
    return {f"{f.parent.name}/{name}": value for f in files for name, value in load_file(f).items()}


def _same(a: str | Path, b: str | Path) -> bool:
    first, second = _weights(a), _weights(b)
    return first.keys() == second.keys() and all(first[k].tobytes() == second[k].tobytes() for k in first)


def _one(base: str, resume: bool = True, **options):
    config = TrainConfig(base=base, **{**SMALL, **options})
    data = evaluated(config, 30)
    return train_one(config, resolve_base(base), training_pairs(config, data), evaluated=nested(data, [7])[0], resume=resume)


# -- what comes out --------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def gained(tiny_static, tmp_path_factory):
    """A static model trained on test queries and on others, with two seeds."""
    os.environ["HF_HUB_OFFLINE"] = "1"
    folder = tmp_path_factory.mktemp("gained")
    kept = os.environ.get("LIMITLAB_HOME")
    os.environ["LIMITLAB_HOME"] = str(folder)
    options = {"lr": 0.1, "pairs": 60, "epochs": 5, "queries": 30, "attributes": 30, "batch_size": 32, "checkpoints": 1}
    config = TrainConfig(base=tiny_static, matryoshka=(8, 32), **options)
    try:
        yield train(config, splits=["train", "test"], seeds=2, n_docs=[9, 100], ledger=Ledger(folder)), folder
    finally:
        if kept is not None:
            os.environ["LIMITLAB_HOME"] = kept


def test_a_static_model_gains_on_the_queries_it_saw(gained):
    result, _ = gained
    assert result.status is Status.SOLVED and len(result.models) == 4
    change = result.select(split="test", kind="task", n_docs=100, dim=32, measure="recall@10")[0]
    assert change.before is not None and change.difference is not None and change.difference.low > 0.2
    assert change.after.mean - change.before.mean == pytest.approx(change.difference.mean)
    assert len(change.by_seed) == 2 and np.mean(change.by_seed) == pytest.approx(change.after.mean)
    assert (change.seen, change.unseen) == (pytest.approx(change.after.mean), None)


def test_every_size_dimension_and_set_is_there_before_and_after(gained):
    result, _ = gained
    assert {(c.kind, c.n_docs) for c in result.changes} == {("task", 9), ("task", 100), ("general", 170)}
    assert {(c.split, c.dim) for c in result.changes} == {(s, d) for s in ("train", "test") for d in (8, 32)}
    assert len(result.changes) == 3 * 4 * len(result.measures)
    assert all(c.before is not None for c in result.changes)


def test_before_is_the_base_as_the_evaluation_sees_it(gained, tiny_static):
    from limitlab.evaluation import evaluate

    result, folder = gained
    config = TrainConfig.from_dict(result.models[0].config.to_dict())
    data = nested(evaluated(config, 100), [100])[0]
    row = evaluate(data, [tiny_static], dims=[8], measures=["recall@10"], ledger=Ledger(folder)).rows[0]
    assert result.select(kind="task", n_docs=100, dim=8, measure="recall@10", split="test")[0].before == row.measures["recall@10"]


def test_learning_curves_begin_before_the_first_step_and_the_loss_falls(gained):
    result, _ = gained
    for model in result.models:
        recalls = [p for p in model.curve if p.evaluated is not None]
        losses = [p.loss for p in model.curve if p.loss is not None]
        assert recalls[0].step == 0 and recalls[-1].step == model.facts["steps"]
        assert np.mean(losses[-3:]) < np.mean(losses[:3])
        assert all(0 <= p.trained <= 1 and 0 <= p.evaluated <= 1 for p in recalls)


def test_overfitting_is_named_wherever_the_model_is(gained):
    result, _ = gained
    for model in result.models:
        assert ("overfitting on purpose" in model.name) == (model.config.split == "test")
    assert any("overfitting on purpose" in sentence for sentence in result.verdict)


def test_the_result_survives_a_file_and_the_ledger(gained, tmp_path):
    result, folder = gained
    assert TrainResult.load(result.save(tmp_path / "r.json")).to_dict() == result.to_dict()
    assert load_training(result.run_ids[0], ledger=Ledger(folder)).to_dict() == result.to_dict()
    assert len(result.to_csv().splitlines()) == 1 + len(result.changes)
    cells = Ledger(folder).cells(result.run_ids[0])
    assert [c.record["model"]["curve"] for c in cells[:4]] == [[p.to_dict() for p in m.curve] for m in result.models]
    with pytest.raises(InvalidArgument, match="kind train is needed"):
        load_training(result.run_ids[1], ledger=Ledger(folder))


def test_a_model_is_a_folder_that_sentence_transformers_opens(tiny):
    from sentence_transformers import SentenceTransformer

    model = SentenceTransformer(_one(tiny, dim=12, epochs=1).folder, device="cpu")
    vectors = model.encode_query(["who likes x"])
    assert vectors.shape == (1, 12) and np.linalg.norm(vectors) == pytest.approx(1, abs=1e-5)
    assert model.prompts["query"] == "q: "


def test_token_vectors_are_trained_too(tiny):
    from sentence_transformers import MultiVectorEncoder

    found = _one(tiny, architecture="multi-vector", dim=8, epochs=1)
    model = MultiVectorEncoder(found.folder, device="cpu")
    assert model.encode_document(["abc def"])[0].shape[1] == 8
    assert next(p.step for p in found.curve if p.evaluated is not None) == 0
    assert _weights(found.folder).keys() != _weights(tiny).keys()


@pytest.mark.parametrize(
    "options", [{"precision": "bfloat16"}, {"split": "mix"}, {"batches": "no-false-negatives"}, {"loss": "cached-mnr"}]
)
def test_other_settings_train_to_other_weights(tiny, options):
    plain, other = (_one(tiny, lr=0.01, epochs=1, **o) for o in ({}, options))
    assert plain.key != other.key
    # Cached: the same gradient with less memory, to the byte where a batch fits into one part.
    assert _same(plain.folder, other.folder) == (options == {"loss": "cached-mnr"})
    assert all(np.isfinite(v).all() for v in _weights(other.folder).values())


# -- repeatability ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("options", [{"dim": 8}, {"precision": "bfloat16"}, {"architecture": "multi-vector", "dim": 8}])
def test_the_same_seed_gives_the_same_bytes_and_another_seed_another_model(tiny, options):
    first = _one(tiny, **options)
    kept, folder = _weights(first.folder), first.folder
    again = _one(tiny, resume=False, **options)
    assert again.folder == folder and all(kept[k].tobytes() == v.tobytes() for k, v in _weights(folder).items())
    assert again.curve == first.curve
    assert not _same(_one(tiny, seed=1, **options).folder, folder)


def test_a_static_model_is_the_same_bytes_again(tiny_static):
    kept = _weights(_one(tiny_static, lr=0.1).folder)
    again = _weights(_one(tiny_static, lr=0.1, resume=False).folder)
    assert all(kept[k].tobytes() == v.tobytes() for k, v in again.items())


def test_what_sets_the_number_of_threads_between_steps_changes_nothing(tiny, monkeypatch):
    """As the thread pool of compiled kernels does when the learning curve is measured for the first time in a process."""
    import torch

    import limitlab.training.curve as curve

    kept = _weights(_one(tiny, dim=8).folder)
    measure = curve.recall

    def meddling(model, data):
        found = measure(model, data)
        torch.set_num_threads(2)
        return found

    monkeypatch.setattr(curve, "recall", meddling)
    again = _weights(_one(tiny, dim=8, resume=False).folder)
    assert all(kept[k].tobytes() == v.tobytes() for k, v in again.items())


def test_the_callers_choice_of_algorithms_is_left_alone(tiny):
    import torch

    assert not torch.are_deterministic_algorithms_enabled()
    _one(tiny, epochs=1)
    assert not torch.are_deterministic_algorithms_enabled() and torch.utils.deterministic.fill_uninitialized_memory


def test_the_callers_random_numbers_are_left_alone(tiny):
    import random

    import torch

    random.seed(5), np.random.seed(5), torch.manual_seed(5)
    wanted = random.random(), np.random.random(), float(torch.rand(1))
    random.seed(5), np.random.seed(5), torch.manual_seed(5)
    _one(tiny, epochs=1)
    assert (random.random(), np.random.random(), float(torch.rand(1))) == wanted


def test_a_finished_model_is_taken_again(tiny, monkeypatch):
    first = _one(tiny)
    monkeypatch.setattr("limitlab.training.one_model._run", lambda *_: pytest.fail("trained again"))
    assert _one(tiny).to_dict() == first.to_dict()


@pytest.fixture
def told(monkeypatch):
    """(steps left, documents left) of every estimate."""
    from limitlab.training import experiment

    found, honest = [], experiment.estimate

    def spy(*args, steps, n_texts, **rest):
        found.append((steps, n_texts))
        return honest(*args, steps=steps, n_texts=n_texts, **rest)

    monkeypatch.setattr(experiment, "estimate", spy)
    return found


def test_the_estimate_is_of_what_is_left(tiny, home, told):
    own = make_limit(n_docs=12, n_queries=5, seed=8)

    def trained(general="none", **options):
        return train(TrainConfig(base=tiny, dim=8, **SMALL), n_docs=[7, 30], general=general, **options)

    first, second = (m.facts["steps"] for m in trained(seeds=2).models)
    assert told.pop() == (first + second, 90)  # documents of the base and of two models
    trained(seeds=2)
    assert not told  # nothing is left, nothing is said
    trained(seeds=3)
    assert told.pop() == (pytest.approx(first, abs=2), 30)
    trained(resume=False)
    assert told.pop() == (first, 30)
    clear_embeddings(home / "embeddings")
    trained(seeds=2)
    assert not told  # the ledger has every row
    assert trained(seeds=2, general=own).status is Status.SOLVED
    assert told.pop() == (0, 3 * own.n_docs)  # the rest is in the ledger


_KILLED = """
import os, signal
from transformers import TrainerCallback
import limitlab.training.one_model as room
from limitlab.training import TrainConfig, train

import torch
import limitlab.retrieval.encoder, limitlab.training.estimate
for module in (room, limitlab.retrieval.encoder, limitlab.training.estimate):
    module.use_cores = lambda: torch.set_num_threads(1)

class Killer(TrainerCallback):
    def on_step_end(self, args, state, control, **_):
        if state.global_step == 7:
            os.kill(os.getpid(), signal.SIGKILL)
room.advancing = lambda bar: Killer()
train(TrainConfig(base={base!r}, dim=8, **{small!r}), n_docs=[7, 30], general="none")
"""


def test_a_killed_training_is_shown_as_stopped_continues_and_ends_with_the_same_bytes(tiny, home, tmp_path, monkeypatch, told):
    from limitlab.cli.train import stored_training
    from limitlab.training import finished_models

    whole = _one(tiny, dim=8)
    monkeypatch.setenv("LIMITLAB_HOME", str(tmp_path / "other"))
    code = textwrap.dedent(_KILLED).format(base=tiny, small=SMALL)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=dict(os.environ), check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr
    (killed,) = Ledger().runs()
    assert (killed.kind, killed.status) == ("train", Status.STOPPED) and "process ended" in killed.message
    assert finished_models(killed.id) == [] and "0 models finished" in stored_training(killed.id)[0]
    with pytest.raises(InvalidArgument, match=r"has no result: .*given again, goes on"):
        load_training(killed.id)
    work = tmp_path / "other" / "training" / "models" / whole.key
    assert not (work / "training.json").exists() and newest(work / "checkpoints") is not None
    result = train(TrainConfig(base=tiny, dim=8, **SMALL), n_docs=[7, 30], general="none")
    (ended,) = result.models
    assert result.status is Status.SOLVED and ended.resumed_from in (2, 4, 6) and whole.resumed_from == 0
    assert told == [(ended.facts["steps"] - ended.resumed_from, 60)]
    assert _same(ended.folder, whole.folder) and ended.curve == whole.curve
    assert not (work / "checkpoints").exists()
    assert [m.key for m in finished_models(result.run_ids[0])] == [whole.key]


def test_token_vectors_are_measured_before_and_after(tiny):
    config = TrainConfig(base=tiny, architecture="multi-vector", dim=8, **{**SMALL, "epochs": 1})
    result = train(config, splits=["test"], n_docs=[7, 30])
    assert result.status is Status.SOLVED
    assert {(c.kind, c.n_docs, c.dim) for c in result.changes} == {("task", 7, None), ("task", 30, None), ("general", 170, None)}
    assert all(c.before is not None and c.difference is not None for c in result.changes)
    from limitlab.evaluation import evaluate

    data = nested(evaluated(config, 30), [30])[0]
    rows = evaluate(data, [f"tokens({tiny})", result.models[0].folder], measures=["recall@2"]).rows
    change = result.select(kind="task", n_docs=30, measure="recall@2")[0]
    assert (change.before, change.after) == (rows[0].measures["recall@2"], rows[1].measures["recall@2"])
    assert any("MaxSim over" in sentence for sentence in result.verdict)


def test_a_checkpoint_cut_off_by_a_kill_is_passed_over(tmp_path):
    for step, text in ((2, '{"global_step": 2}'), (4, '{"global_step": 4}'), (10, '{"global_st'), (12, None)):
        folder = tmp_path / f"checkpoint-{step}"
        folder.mkdir()
        if text is not None:
            (folder / "trainer_state.json").write_text(text, encoding="utf-8")
    assert newest(tmp_path) == tmp_path / "checkpoint-4"
    assert newest(tmp_path / "nothing") is None


# -- bases -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dim", [8, 48])
def test_a_projection_begins_near_the_cosines_of_the_base(tiny, dim):
    base = resolve_base(tiny)
    model = trainable(base, TrainConfig(base=tiny, dim=dim))
    texts = ["ab c", "de fg", "hij", "klm no"]
    weight = next(m for m in model.children() if type(m).__name__ == "Dense").linear.weight.detach().numpy()
    product = weight @ weight.T if dim < 32 else weight.T @ weight
    assert np.allclose(product, np.eye(len(product)), atol=1e-5)
    if dim > 32:
        plain = trainable(base, TrainConfig(base=tiny))
        assert np.allclose(model.encode(texts) @ model.encode(texts).T, plain.encode(texts) @ plain.encode(texts).T, atol=1e-4)


def test_static_bases_are_made_once_from_the_packaged_model():
    first = resolve_base("static")
    assert resolve_base("static:minilm").fingerprint == first.fingerprint == resolve_base("static").fingerprint
    model = trainable(first, TrainConfig(base="static"))
    minilm = trainable(resolve_base("minilm"), TrainConfig())
    table = minilm[0].auto_model.get_input_embeddings().weight.detach().numpy()
    ids = minilm.tokenizer("quokka otters", add_special_tokens=False)["input_ids"]
    mean = table[ids].mean(axis=0)
    assert np.allclose(model.encode("Quokka otters"), mean / np.linalg.norm(mean), atol=1e-6)


# -- refused ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"split": "tst"}, UnknownName, "did you mean 'test'"),
        ({"loss": "infonce"}, UnknownName, "loss"),
        ({"pairs": 1}, RangeError, "pairs must be >= 2"),
        ({"lr": 0.0}, RangeError, "lr must be in"),
        ({"epochs": 0}, RangeError, "epochs"),
        ({"dim": 8, "matryoshka": (8,)}, InvalidArgument, "dim or matryoshka must be given, not both"),
        ({"architecture": "multi-vector", "matryoshka": (8,)}, InvalidArgument, "single-vector"),
        ({"architecture": "multi-vector", "base": "static"}, InvalidArgument, "transformer as base"),
        ({"base": "static", "loss": "cached-mnr"}, InvalidArgument, "must be mnr with a static base"),
        ({"base": "minilmm"}, UnknownName, "did you mean 'minilm'"),
        ({"n_docs": [5]}, RangeError, "n_docs"),
        ({"splits": ["dev"]}, UnknownName, "split 'dev'"),
        ({"seeds": 0}, RangeError, "seeds"),
        ({"dims": [8], "dim": 4}, InvalidArgument, "only one of them"),
        ({"config": TrainConfig(), "pairs": 3}, InvalidArgument, "not both; got config= and pairs="),
    ],
)
def test_wrong_arguments_are_refused_before_anything_runs(options, error, words):
    with pytest.raises(error, match=words):
        train(**options)
    assert not Ledger().runs()


def test_a_matryoshka_dimension_beyond_the_model_is_refused(tiny):
    with pytest.raises(RangeError, match=r"matryoshka must be in \[1, 32\].*got 64"):
        trainable(resolve_base(tiny), TrainConfig(base=tiny, matryoshka=(64,)))


def test_a_loss_that_is_not_finite_is_no_result(tiny, monkeypatch, home):
    import torch

    import limitlab.training.one_model as room

    made = room.trainable

    def broken(base, config):
        model = made(base, config)
        with torch.no_grad():
            next(m for m in model.children() if type(m).__name__ == "Dense").linear.weight.fill_(float("nan"))
        return model

    monkeypatch.setattr(room, "trainable", broken)
    with pytest.raises(NotSolved, match="the loss must stay finite"):
        _one(tiny, dim=4, epochs=1)
    assert not list(home.rglob("training.json")) and not list(home.rglob("checkpoint-*"))


def test_a_failed_model_makes_a_failed_experiment_and_the_others_go_on(tiny_static, monkeypatch):
    import limitlab.training.experiment as room

    made = room.train_one

    def one_fails(config, *rest, **options):
        if config.split == "test":
            raise NotSolved("train(): the loss must stay finite; it did not.")
        return made(config, *rest, **options)

    monkeypatch.setattr(room, "train_one", one_fails)
    config = TrainConfig(base=tiny_static, **{**SMALL, "epochs": 1})
    result = train(config, splits=["train", "test"], n_docs=[7, 30], general="none")
    assert result.status is Status.FAILED and "loss must stay finite" in result.message
    assert {c.split for c in result.changes} == {"train"}
    assert Ledger().run(result.run_ids[0]).status is Status.FAILED


def test_configs_round_trip():
    config = TrainConfig(matryoshka=(8, 16), lr=1e-3)
    assert TrainConfig.from_dict(config.to_dict()) == config and hash(config) == hash(replace(config))
