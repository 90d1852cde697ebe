"""Encoding in shards: the vectors of the model, once each, whatever stops it; other settings are refused by name."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import limitlab as ll
from fakes.cluster import FakeCluster
from limitlab._core.errors import DataError, InvalidArgument, RangeError, UnknownName
from limitlab._core.number_types import round_to
from limitlab.data.formats.text_parts import text_parts
from limitlab.engine import using
from limitlab.evaluation.encode_corpus import encode_corpus
from limitlab.retrieval import TokenSums, build
from limitlab.retrieval import encode_shards as module
from limitlab.retrieval.encode_shards import EncodingPlan, encode_shards
from limitlab.retrieval.remote.keys import Secret
from limitlab.retrieval.sent_models import absolute_spec
from limitlab.search import normalised
from limitlab.search.shards import open_shards

MODEL = "token-sums:tokens=phrases,dim=24"


@pytest.fixture(scope="module")
def corpus(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("data") / "limit"
    ll.write_dataset(ll.make_limit(n_docs=95, n_queries=10), folder)
    return folder


def expected(corpus: Path, kind: str = "document") -> np.ndarray:
    data = ll.load(corpus)
    return TokenSums(tokens="phrases", dim=24).encode(list(data.docs if kind == "document" else data.queries), kind)


@pytest.mark.parametrize("dtype", ["float32", "float16", "int8"])
@pytest.mark.parametrize("form", ["npy", "parquet"])
def test_shards_hold_the_vectors_of_the_model(tmp_path: Path, corpus: Path, dtype: str, form: str) -> None:
    if form == "parquet":
        pytest.importorskip("pyarrow")
    for normalise in (False, True):
        folder = tmp_path / f"v{normalise}"
        plan = EncodingPlan(dtype=dtype, format=form, dim=10, normalise=normalise)
        made = encode_shards(text_parts(corpus, size=40), MODEL, folder, plan)
        assert (made.rows, made.dim, made.shards, made.encoded) == (95, 10, 3, 3)
        shards = open_shards(folder)
        whole = expected(corpus)
        short = normalised(whole, 10) if normalise else whole[:, :10]
        assert np.array_equal(np.asarray(shards).astype(np.float32), round_to(short, dtype).astype(np.float32))
        assert shards.normalised is normalise
        assert shards.ids() == list(ll.load(corpus).docs.ids)
        assert [f.sha256 is not None and len(f.sha256) for f in shards.files] == [64] * 3


def test_queries_are_encoded_as_queries(tmp_path: Path, corpus: Path) -> None:
    encode_shards(text_parts(corpus, size=40, kind="query"), MODEL, tmp_path / "q", EncodingPlan(kind="query"))
    assert np.array_equal(np.asarray(open_shards(tmp_path / "q")), expected(corpus, "query"))


def test_the_same_command_writes_the_same_bytes_and_encodes_nothing_twice(tmp_path: Path, corpus: Path) -> None:
    parts = text_parts(corpus, size=40)
    encode_shards(parts, MODEL, tmp_path / "a")
    encode_shards(parts, MODEL, tmp_path / "b")
    files = sorted(p.name for p in (tmp_path / "a").iterdir())
    assert all((tmp_path / "a" / n).read_bytes() == (tmp_path / "b" / n).read_bytes() for n in files)
    assert encode_shards(parts, MODEL, tmp_path / "a").encoded == 0


def test_what_is_missing_broken_or_of_other_texts_is_encoded_again(tmp_path: Path, corpus: Path) -> None:
    data = tmp_path / "corpus.jsonl"
    data.write_bytes((corpus / "corpus.jsonl").read_bytes())
    folder = tmp_path / "v"
    encode_shards(text_parts(data, size=20), MODEL, folder)
    (folder / "shard-00000.npy").unlink()
    (folder / "shard-00001.npy").write_bytes((folder / "shard-00001.npy").read_bytes()[:-4])
    lines = data.read_text(encoding="utf-8").splitlines()
    record = json.loads(lines[50])
    lines[50] = json.dumps({**record, "text": record["text"].replace(" likes ", " likes Zebras, ")})
    data.write_text("\n".join(lines[:70]) + "\n", encoding="utf-8")
    made = encode_shards(text_parts(data, size=20), MODEL, folder)
    assert (made.shards, made.encoded) == (4, 4), "the last shard is shorter, the others missing, cut short, of other texts"
    assert len(open_shards(folder)) == 70 and not list(folder.glob("shard-00004*"))
    assert np.array_equal(open_shards(folder)[10:30], expected(corpus)[10:30])
    assert not np.array_equal(open_shards(folder)[50], expected(corpus)[50])


def test_other_settings_are_refused_by_name(tmp_path: Path, corpus: Path) -> None:
    parts = text_parts(corpus, size=40)
    encode_shards(parts, MODEL, tmp_path / "v")
    with pytest.raises(
        InvalidArgument, match=r"holds vectors of other settings: dtype 'float32', now 'int8'; model seed 0, now 3\. Choose another"
    ):
        encode_shards(parts, f"{MODEL},seed=3", tmp_path / "v", EncodingPlan(dtype="int8"))
    made = encode_shards(parts, f"{MODEL},seed=3", tmp_path / "v", EncodingPlan(dtype="int8"), overwrite=True)
    assert made.encoded == 3 and open_shards(tmp_path / "v").files[0].dtype == "int8"
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("x")
    with pytest.raises(InvalidArgument, match="holds something else"):
        encode_shards(parts, MODEL, tmp_path / "mine", overwrite=True)
    assert (tmp_path / "mine" / "thesis.txt").exists()
    for model, words in (("bm25", "must give one vector a text"), ("token-sums", "tokens must be phrases or words")):
        with pytest.raises((InvalidArgument, DataError), match=words):
            encode_shards(parts, model, tmp_path / "w")


def test_a_part_that_cannot_be_encoded_is_named_and_the_rest_is_kept(tmp_path: Path, corpus: Path) -> None:
    data = tmp_path / "corpus.jsonl"
    lines = (corpus / "corpus.jsonl").read_text(encoding="utf-8").splitlines()
    good = lines[30]
    lines[30] = '{"_id": "x"}'
    data.write_text("\n".join(lines), encoding="utf-8")
    with pytest.raises(DataError, match=r"1 of 5 are not: .*corpus.jsonl:31: field 'text' is missing.*The other 4 are kept"):
        encode_shards(text_parts(data, size=20), MODEL, tmp_path / "v")
    with pytest.raises(DataError, match="these vectors are not finished"):
        open_shards(tmp_path / "v")
    lines[30] = good
    data.write_text("\n".join(lines), encoding="utf-8")
    assert encode_shards(text_parts(data, size=20), MODEL, tmp_path / "v").encoded == 1
    assert np.array_equal(np.asarray(open_shards(tmp_path / "v")), expected(corpus))


def test_vectors_that_are_not_finite_are_refused(tmp_path: Path, corpus: Path) -> None:
    model = build(MODEL)
    honest = model.encode
    model.encode = lambda texts, kind: np.where(np.arange(len(texts))[:, None] == 3, np.nan, honest(texts, kind))
    with pytest.raises(DataError, match=r"3 of 3 are not: .*must be finite; 1 rows hold NaN"):
        encode_shards(text_parts(corpus, size=40), model, tmp_path / "v")


def test_workers_elsewhere_write_the_same_shards(tmp_path: Path, corpus: Path) -> None:
    cluster = FakeCluster()
    with using(cluster):
        encode_shards(text_parts(corpus, size=40), MODEL, tmp_path / "v")
    assert len(cluster.items) == 1 + 3, "one text to try the model on, then the shards"
    assert np.array_equal(np.asarray(open_shards(tmp_path / "v")), expected(corpus))


KILLED = """
import os, signal, sys
from limitlab.data.formats.text_parts import text_parts
from limitlab.retrieval import encode_shards as module
write, log = module.write_shard, sys.argv[3]
def counted(folder, number, *rest, **more):
    with open(log, "a") as out:
        out.write(f"{number}\\n")
    if sys.argv[4] == "kill" and number == 2:
        os.kill(os.getpid(), signal.SIGKILL)
    return write(folder, number, *rest, **more)
module.write_shard = counted
module.encode_shards(text_parts(sys.argv[1], size=20), "token-sums:tokens=phrases,dim=24", sys.argv[2])
"""


def test_a_killed_run_repeats_only_the_shard_in_work(tmp_path: Path, corpus: Path) -> None:
    environment = {**os.environ, "LIMITLAB_HOME": str(tmp_path / "home")}
    codes = [
        subprocess.run(
            [sys.executable, "-c", KILLED, corpus, tmp_path / "v", tmp_path / "log", how], env=environment, check=False
        ).returncode
        for how in ("kill", "live")
    ]
    assert codes == [-signal.SIGKILL, 0]
    assert (tmp_path / "log").read_text().split() == ["0", "1", "2", "2", "3", "4"]
    assert np.array_equal(np.asarray(open_shards(tmp_path / "v")), expected(corpus))


@pytest.mark.models
def test_a_dense_model_and_its_cache_on_workers_elsewhere(tmp_path: Path, corpus: Path, tiny_model: str, monkeypatch) -> None:
    from limitlab._core.progress import SILENT

    monkeypatch.setattr("limitlab.retrieval.dense.BLOCK", 16)
    data = ll.load(corpus)
    here = build(tiny_model)
    here._cache_root = tmp_path / "here"
    docs, queries = here.encoded(data.docs, data.queries, progress=SILENT)
    there, cluster = build(tiny_model), FakeCluster()
    there._cache_root = tmp_path / "there"
    with using(cluster):
        far = there.encoded(data.docs, data.queries, progress=SILENT)
    assert len(cluster.items) == 6 + 1
    assert np.array_equal(far[0], docs) and np.array_equal(far[1], queries)
    encode_shards(text_parts(corpus, size=1000), tiny_model, tmp_path / "v")
    np.testing.assert_allclose(np.asarray(open_shards(tmp_path / "v")), docs, atol=1e-6)


def test_a_shard_that_was_changed_is_encoded_again_and_said(tmp_path: Path, corpus: Path) -> None:
    parts, folder = text_parts(corpus, size=40), tmp_path / "v"
    encode_shards(parts, MODEL, folder, EncodingPlan(dtype="int8"))
    good = {p.name: p.read_bytes() for p in folder.iterdir()}
    other = np.load(folder / "shard-00000.npy") * np.int8(-1)
    np.save(folder / "shard-00000.npy", other)
    scales = np.load(folder / "shard-00001.scales.npy")
    np.save(folder / "shard-00001.scales.npy", scales[::-1])
    swapped = (folder / "shard-00002.ids.txt").read_text(encoding="utf-8").splitlines()[::-1]
    (folder / "shard-00002.ids.txt").write_text("\n".join(swapped) + "\n", encoding="utf-8")
    made = encode_shards(parts, MODEL, folder, EncodingPlan(dtype="int8"))
    assert (made.encoded, made.repaired) == (3, 3)
    assert {p.name: p.read_bytes() for p in folder.iterdir()} == good


def test_a_shard_killed_while_it_is_overwritten_is_not_complete(tmp_path: Path, corpus: Path, monkeypatch) -> None:
    folder, whole = tmp_path / "v", text_parts(corpus, size=200)
    encode_shards(whole, MODEL, folder)
    changed = tmp_path / "corpus.jsonl"
    changed.write_text((corpus / "corpus.jsonl").read_text(encoding="utf-8").replace(" likes ", " likes Zebras, "), encoding="utf-8")

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("limitlab.search.shard_writing.sha256_file", killed)
    with pytest.raises(KeyboardInterrupt):
        encode_shards(text_parts(changed, size=200), MODEL, folder, overwrite=True)
    monkeypatch.undo()
    assert not (folder / "shard-00000.json").exists()
    assert encode_shards(whole, MODEL, folder).encoded == 1
    assert np.array_equal(np.asarray(open_shards(folder)), expected(corpus))


def test_the_size_of_shards_is_taken_from_the_folder(tmp_path: Path, corpus: Path) -> None:
    assert encode_corpus(corpus, MODEL, tmp_path / "v", shard_docs=30).shards == 4
    again = encode_corpus(corpus, MODEL, tmp_path / "v")
    assert (again.shards, again.encoded) == (4, 0)
    assert open_shards(tmp_path / "v").manifest["shard_docs"] == 30
    with pytest.raises(InvalidArgument, match=r"shard_docs 30, now 50\. Choose another -o, or --overwrite"):
        encode_corpus(corpus, MODEL, tmp_path / "v", shard_docs=50)
    assert encode_corpus(corpus, MODEL, tmp_path / "v").encoded == 0, "the refusal left everything"
    assert encode_corpus(corpus, MODEL, tmp_path / "v", shard_docs=50, overwrite=True).encoded == 2


@pytest.mark.parametrize(
    ("model", "more", "error", "words"),
    [
        ("token-sums:tokens=letters", {}, UnknownName, "^TokenSums.*unknown tokens"),
        ("token-sums", {}, InvalidArgument, "^TokenSums.encode.*phrases or words"),
        (MODEL, {"dim": 25}, RangeError, r"^encode: dim must be at most the model's dimension, 24; got dim=25\.$"),
        (MODEL, {"dim": 0}, RangeError, r"^encode: dim must be >= 1; got dim=0\.$"),
        (MODEL, {"shard_docs": 0}, RangeError, r"^encode: shard_docs must be >= 1; got shard_docs=0\.$"),
        ("static", {}, InvalidArgument, "static:path=FOLDER"),
    ],
)
def test_wrong_options_are_told_as_such_and_leave_nothing(tmp_path: Path, corpus: Path, model: str, more, error, words: str) -> None:
    (tmp_path / "bad.jsonl").write_text("no JSON\n")  # not looked at
    with pytest.raises(error, match=words):
        encode_corpus(tmp_path / "bad.jsonl", model, tmp_path / "v", **more)
    assert not (tmp_path / "v").exists()


def test_keys_stay_on_this_machine(tmp_path: Path, corpus: Path, monkeypatch) -> None:
    monkeypatch.setenv("A_KEY", "hidden")
    spec = "openai:model=m,url=http://127.0.0.1:9/v1,key=A_KEY"
    mine = build(MODEL)
    mine.key = Secret("hidden", "A_KEY")
    for model, words in ((spec, "keys are not sent to workers"), (mine, "a Secret cannot be stored")):
        with using(FakeCluster()), pytest.raises(InvalidArgument, match=f"^encode: .*{words}.*ray://fake"):
            encode_corpus(corpus, model, tmp_path / "v")
    assert not (tmp_path / "v").exists()


def test_a_worker_with_another_model_under_the_same_name_refuses(tmp_path: Path, corpus: Path, monkeypatch) -> None:
    there = build

    def other(spec, **more):
        made = there(spec, **more)
        return there("token-sums:tokens=phrases,dim=23,seed=9") if more else made  # workers say which precision

    monkeypatch.setattr(module, "build", other)
    with (
        using(FakeCluster()),
        pytest.raises(InvalidArgument, match=r"must be one model on all machines; here it is another: seed 0, now 9"),
    ):
        encode_shards(text_parts(corpus, size=50), "token-sums:tokens=phrases,dim=23", tmp_path / "v")


def test_folders_in_names_of_models_become_whole_paths(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "m").mkdir()
    (tmp_path / "a.npz").write_text("x")
    for spec, wanted in (
        ("m", f"{tmp_path}/m"),
        ("./m:pooling=cls,query_prompt=q: ", f"{tmp_path}/m:pooling=cls,query_prompt=q: "),
        ("static:path=m", f"static:path={tmp_path}/m"),
        ("adapted(m):file=a.npz", f"adapted({tmp_path}/m):file={tmp_path}/a.npz"),
        ("owner/name", "owner/name"),
        (MODEL, MODEL),
    ):
        assert absolute_spec(spec) == wanted


@pytest.mark.models
def test_a_saved_adapter_is_encoded_as_it_is_evaluated(tmp_path: Path, corpus: Path, tiny_model: str, monkeypatch) -> None:
    import pickle

    from limitlab.retrieval.adapters.folder import save_adapter_folder
    from limitlab.retrieval.adapters.linear import LinearAdapter

    base = build(tiny_model)
    dim = base.max_dim
    turn = np.random.default_rng(0).standard_normal((2, dim, dim)).astype(np.float32)
    adapter = LinearAdapter(query_matrix=turn[0], doc_matrix=turn[1])
    save_adapter_folder(tmp_path / "ad", adapter, base=tiny_model, fingerprint=base._encoder.fingerprint)
    monkeypatch.chdir(tmp_path)
    data = ll.load(corpus)
    docs, queries = build("ad").encoded(data.docs, data.queries)
    for kind, wanted in (("document", docs), ("query", queries)):
        encode_corpus(corpus, "ad", tmp_path / kind, kind=kind)
        np.testing.assert_allclose(np.asarray(open_shards(tmp_path / kind)), wanted, atol=1e-4)
    monkeypatch.chdir(Path(tiny_model).parent)
    sent = pickle.dumps(build(Path(tiny_model).name))
    monkeypatch.chdir(tmp_path)
    assert pickle.loads(sent)._encoder.source == tiny_model, "a worker's folder is another"
